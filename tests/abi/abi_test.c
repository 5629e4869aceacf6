/* tsc.h from C99: load, call, read results, fail. Usage: abi_c tiny.so */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "tsc/tsc.h"

static int failures = 0;
#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static tsc_value tensor_value(tsc_tensor* tensor) {
  tsc_value value;
  memset(&value, 0, sizeof value);
  value.kind = TSC_TENSOR;
  value.as.tensor = tensor;
  return value;
}

static void test_forward(const tsc_library* lib, tsc_instance* instance) {
  float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  int64_t shape[2] = {2, 4};
  const float expected[6] = {3, 7, 26, 11, 23, 58};
  tsc_tensor x;
  tsc_value inputs[2];
  tsc_result* result = NULL;
  tsc_error error;
  memset(&x, 0, sizeof x);
  x.data = data;
  x.device.device_type = 1;
  x.ndim = 2;
  x.dtype.code = TSC_DTYPE_FLOAT;
  x.dtype.bits = 32;
  x.dtype.lanes = 1;
  x.shape = shape;
  inputs[0] = tensor_value(&x);
  memset(&inputs[1], 0, sizeof inputs[1]);
  inputs[1].kind = TSC_INT; /* an int is a float, as in Python */
  inputs[1].as.integer = 2;
  EXPECT(lib->call(instance, "forward", inputs, 2, &result, &error) == TSC_OK);
  EXPECT(error.status == TSC_OK);
  EXPECT(result->value.kind == TSC_TENSOR);
  EXPECT(result->value.as.tensor->ndim == 2);
  EXPECT(result->value.as.tensor->shape[0] == 2 && result->value.as.tensor->shape[1] == 3);
  EXPECT(result->value.as.tensor->strides[0] == 3 && result->value.as.tensor->strides[1] == 1);
  EXPECT(memcmp(result->value.as.tensor->data, expected, sizeof expected) == 0);
  lib->result_destroy(result);

  /* The same data, seen as the transpose of a 4 x 2 matrix. */
  {
    int64_t strides[2] = {1, 2};
    x.strides = strides;
    EXPECT(lib->call(instance, "forward", inputs, 1, &result, NULL) == TSC_OK);
    EXPECT(((float*)result->value.as.tensor->data)[0] == 1.5f);
    EXPECT(((float*)result->value.as.tensor->data)[1] == 5.5f);
    lib->result_destroy(result);
    x.strides = NULL;
  }

  /* A shared tensor outlives its result. */
  EXPECT(lib->call(instance, "squares", inputs, 1, &result, &error) == TSC_OK);
  {
    tsc_managed_tensor* shared = lib->result_share(result, result->value.as.tensor);
    lib->result_destroy(result);
    EXPECT(((float*)shared->dl_tensor.data)[7] == 64);
    shared->deleter(shared);
  }
}

static void test_errors(const tsc_library* lib, tsc_instance* instance) {
  float data[3] = {1, 2, 3};
  int64_t shape[1] = {3};
  tsc_tensor x = {data, {1, 0}, 1, {TSC_DTYPE_FLOAT, 32, 1}, shape, NULL, 0};
  tsc_value input = tensor_value(&x);
  tsc_result* result = NULL;
  tsc_error error;
  EXPECT(lib->call(instance, "check", &input, 1, &result, &error) == TSC_RAISED);
  EXPECT(result == NULL);
  EXPECT(strcmp(error.class_name, "ValueError") == 0);
  EXPECT(strcmp(error.message, "expected a matrix, got rank 1") == 0);
  EXPECT(error.frame_count == 2);
  EXPECT(strcmp(error.frames[0].file, "tiny.py") == 0 && error.frames[0].line == 11);
  EXPECT(strcmp(error.frames[1].function, "check") == 0);
  EXPECT(lib->call(instance, "nothing", &input, 1, &result, &error) == TSC_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "there is no method 'nothing' in model 'tiny'") == 0);
  EXPECT(lib->call(instance, "forward", NULL, 0, &result, &error) == TSC_INVALID_ARGUMENT);
  EXPECT(strcmp(error.message, "forward(): input 'x' is missing") == 0);
  EXPECT(lib->call(NULL, "forward", &input, 1, &result, &error) == TSC_INVALID_ARGUMENT);
  EXPECT(lib->call(instance, NULL, &input, 1, &result, &error) == TSC_INVALID_ARGUMENT);
  EXPECT(lib->call(instance, "forward", &input, 1, NULL, NULL) == TSC_INVALID_ARGUMENT);
}

static void test_metadata(const tsc_library* lib) {
  const tsc_model_info* info = lib->models[0];
  EXPECT(lib->abi_version == TSC_ABI_VERSION);
  EXPECT(lib->struct_size == sizeof *lib);
  EXPECT(lib->model_count == 1);
  EXPECT(strcmp(info->name, "tiny") == 0);
  EXPECT(info->method_count == 8);
  EXPECT(strcmp(info->methods[0].inputs[0].tensor_type, "float32[batch, 4]") == 0);
  EXPECT(info->methods[0].inputs[0].default_value == NULL);
  EXPECT(info->methods[0].inputs[1].default_value->as.real == 1.0);
  EXPECT(info->state_count == 2);
}

int main(int argc, char** argv) {
  void* handle = dlopen(argc > 1 ? argv[1] : "tiny.so", RTLD_NOW | RTLD_LOCAL);
  tsc_get_library_fn get;
  const tsc_library* lib;
  tsc_model* model = NULL;
  tsc_instance* instance = NULL;
  tsc_error error;
  if (handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  *(void**)&get = dlsym(handle, "tsc_get_library");
  EXPECT(get(0) == NULL);
  EXPECT(get(TSC_ABI_VERSION + 0x10000) == NULL);
  EXPECT(get(TSC_ABI_VERSION + 1) == NULL); /* a caller who knows more than the library */
  lib = get(TSC_ABI_VERSION);
  test_metadata(lib);
  EXPECT(lib->model_create("none", NULL, &model, &error) == TSC_INVALID_ARGUMENT);
  EXPECT(lib->model_create(NULL, NULL, &model, &error) == TSC_OK);
  EXPECT(lib->model_info(model) == lib->models[0]);
  EXPECT(lib->instance_create(model, &instance, &error) == TSC_OK);
  test_forward(lib, instance);
  test_errors(lib, instance);
  test_forward(lib, instance);
  lib->model_destroy(model); /* the instance keeps the model */
  test_forward(lib, instance);
  lib->instance_destroy(instance);
  lib->instance_destroy(NULL);
  lib->model_destroy(NULL);
  lib->result_destroy(NULL);
  EXPECT(dlclose(handle) == 0);
  if (failures == 0) puts("ok");
  return failures != 0;
}
