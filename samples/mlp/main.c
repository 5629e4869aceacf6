/* Calls a compiled model from C99, linked with the library: the values that it returns for an input of zeros. */
#include <stdio.h>

#include "tsc/tsc.h"

/* The library's own header (tsc mlp.pt -o mlp.h) declares this. */
const tsc_library *mlp_library(uint32_t abi_version);

static int fail(const tsc_error *error) {
  fprintf(stderr, "%s\n", error->message);
  return 1;
}

int main(void) {
  static float pixels[784];
  const tsc_library *library = mlp_library(TSC_ABI_VERSION);
  tsc_model *model = NULL;
  tsc_instance *instance = NULL;
  tsc_result *result = NULL;
  tsc_error error;
  int64_t shape[2] = {1, 784};
  tsc_tensor tensor = {0};
  tsc_value input = {0};
  const tsc_tensor *output;
  int64_t i;

  if (library == NULL) {
    fprintf(stderr, "the library has another version of the interface\n");
    return 1;
  }
  if (library->model_create("mlp", NULL, &model, &error) != TSC_OK) return fail(&error);
  if (library->instance_create(model, &instance, &error) != TSC_OK) return fail(&error);

  tensor.data = pixels;
  tensor.device.device_type = 1; /* CPU */
  tensor.ndim = 2;
  tensor.dtype.code = TSC_DTYPE_FLOAT;
  tensor.dtype.bits = 32;
  tensor.dtype.lanes = 1;
  tensor.shape = shape;
  input.kind = TSC_TENSOR;
  input.as.tensor = &tensor;
  if (library->call(instance, "forward", &input, 1, &result, &error) != TSC_OK) return fail(&error);

  output = result->value.as.tensor;
  for (i = 0; i < output->shape[1]; ++i) printf("%d: %f\n", (int)i, ((const float *)output->data)[i]);
  library->result_destroy(result);
  library->instance_destroy(instance);
  library->model_destroy(model);
  return 0;
}
