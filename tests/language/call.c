/* Calls of a library's models as they are read from the standard input, in C99. A call is a line:

     model method value ...

   and a value n (None), b 0, i 3, f 0x1.8p+1, s text, t rank sizes elements (float32), l count values, or d count keys
   and values. The result is written as a line of the same form, or as `! status class: message`. A model has one
   instance, so that its state counts. Usage: call library.so */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tsc/tsc.h"

enum { kMaxModels = 64 };

static void die(const char* what) {
  fprintf(stderr, "call: %s\n", what);
  exit(1);
}

static void* allocate(size_t bytes) {
  void* block = calloc(1, bytes + 1);
  if (block == NULL) die("no memory");
  return block;
}

static const char* next_word(void) {
  const char* word = strtok(NULL, " \n");
  if (word == NULL) die("a line ends too early");
  return word;
}
static int64_t next_int(void) { return strtoll(next_word(), NULL, 10); }
static double next_double(void) { return strtod(next_word(), NULL); }

static tsc_tensor* read_tensor(void) {
  tsc_tensor* tensor = allocate(sizeof *tensor);
  int64_t count = 1, i;
  float* data;
  tensor->ndim = (int32_t)next_int();
  tensor->shape = allocate((size_t)tensor->ndim * sizeof *tensor->shape);
  for (i = 0; i < tensor->ndim; ++i) count *= tensor->shape[i] = next_int();
  tensor->data = data = allocate((size_t)count * sizeof *data);
  for (i = 0; i < count; ++i) data[i] = (float)next_double();
  tensor->device.device_type = 1;
  tensor->dtype.code = TSC_DTYPE_FLOAT;
  tensor->dtype.bits = 32;
  tensor->dtype.lanes = 1;
  return tensor;
}

static tsc_value read_value(const char* kind) {
  tsc_value value;
  size_t i;
  memset(&value, 0, sizeof value);
  switch (kind[0]) {
    case 'n':
      value.kind = TSC_NONE;
      break;
    case 'b':
      value.kind = TSC_BOOL;
      value.as.boolean = (int32_t)next_int();
      break;
    case 'i':
      value.kind = TSC_INT;
      value.as.integer = next_int();
      break;
    case 'f':
      value.kind = TSC_FLOAT;
      value.as.real = next_double();
      break;
    case 's':
      value.kind = TSC_STR;
      value.as.str.data = next_word();
      value.as.str.size = strlen(value.as.str.data);
      break;
    case 't':
      value.kind = TSC_TENSOR;
      value.as.tensor = read_tensor();
      break;
    case 'l':
    case 'd':
      value.kind = kind[0] == 'l' ? TSC_LIST : TSC_DICT;
      value.as.sequence.count = (size_t)next_int();
      value.as.sequence.items = allocate(value.as.sequence.count * sizeof(tsc_value));
      for (i = 0; i < value.as.sequence.count; ++i) value.as.sequence.items[i] = read_value(next_word());
      break;
    default:
      die("an unknown kind of value");
  }
  return value;
}

static void free_value(tsc_value* value) {
  size_t i;
  if (value->kind == TSC_TENSOR) {
    free(value->as.tensor->data);
    free(value->as.tensor->shape);
    free(value->as.tensor);
  } else if (value->kind == TSC_LIST || value->kind == TSC_DICT) {
    for (i = 0; i < value->as.sequence.count; ++i) free_value(&value->as.sequence.items[i]);
    free(value->as.sequence.items);
  }
}

/* Results are row-major without gaps. */
static void print_tensor(const tsc_tensor* tensor) {
  const float* data = (const float*)((const char*)tensor->data + tensor->byte_offset);
  int64_t count = 1, i;
  if (tensor->dtype.code != TSC_DTYPE_FLOAT || tensor->dtype.bits != 32) die("a result that is not float32");
  printf(" t %d", (int)tensor->ndim);
  for (i = 0; i < tensor->ndim; ++i) {
    count *= tensor->shape[i];
    printf(" %lld", (long long)tensor->shape[i]);
  }
  for (i = 0; i < count; ++i) printf(" %a", (double)data[i]);
}

static void print_value(const tsc_value* value) {
  size_t i;
  switch (value->kind) {
    case TSC_NONE:
      printf(" n");
      break;
    case TSC_BOOL:
      printf(" b %d", (int)value->as.boolean);
      break;
    case TSC_INT:
      printf(" i %lld", (long long)value->as.integer);
      break;
    case TSC_FLOAT:
      printf(" f %a", value->as.real);
      break;
    case TSC_STR:
      printf(" s %s", value->as.str.data);
      break;
    case TSC_TENSOR:
      print_tensor(value->as.tensor);
      break;
    case TSC_LIST:
    case TSC_TUPLE:
    case TSC_DICT:
      printf(" %c %zu", value->kind == TSC_LIST ? 'l' : value->kind == TSC_TUPLE ? 'u' : 'd', value->as.sequence.count);
      for (i = 0; i < value->as.sequence.count; ++i) print_value(&value->as.sequence.items[i]);
      break;
    default:
      die("a result of a kind that this program doesn't print");
  }
}

static tsc_instance* instance_of(const tsc_library* library, tsc_instance** instances, const char* name) {
  tsc_model* model = NULL;
  tsc_error error;
  size_t i;
  for (i = 0; i < library->model_count && strcmp(library->models[i]->name, name) != 0; ++i) continue;
  if (i == library->model_count || i == kMaxModels) die("no such model");
  if (instances[i] == NULL) {
    if (library->model_create(name, NULL, &model, &error) != TSC_OK) die(error.message);
    if (library->instance_create(model, &instances[i], &error) != TSC_OK) die(error.message);
    library->model_destroy(model);
  }
  return instances[i];
}

int main(int argc, char** argv) {
  static char line[1 << 16];
  tsc_instance* instances[kMaxModels] = {NULL};
  void* handle = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  tsc_get_library_fn get;
  const tsc_library* library;
  size_t i;
  if (handle == NULL) die(argc == 2 ? dlerror() : "usage: call library.so");
  *(void**)&get = dlsym(handle, "tsc_get_library");
  library = get(TSC_ABI_VERSION);
  if (library == NULL) die("the library is of another version");
  while (fgets(line, sizeof line, stdin) != NULL) {
    tsc_instance* instance = instance_of(library, instances, strtok(line, " \n"));
    const char* method = next_word();
    tsc_value inputs[8];
    size_t count = 0;
    const char* kind;
    tsc_result* result = NULL;
    tsc_error error;
    while ((kind = strtok(NULL, " \n")) != NULL && count < 8) inputs[count++] = read_value(kind);
    if (library->call(instance, method, inputs, count, &result, &error) == TSC_OK) {
      print_value(&result->value);
      library->result_destroy(result);
    } else {
      printf("! %d %s: %s", (int)error.status, error.class_name, error.message);
    }
    printf("\n");
    for (i = 0; i < count; ++i) free_value(&inputs[i]);
  }
  for (i = 0; i < kMaxModels; ++i) library->instance_destroy(instances[i]);
  return dlclose(handle);
}
