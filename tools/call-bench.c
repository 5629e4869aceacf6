/* Times a model's calls from C, without Python: loading, the first call, and the median of later ones.
 *
 *   cc -O2 -I runtime/include tools/call-bench.c -o call-bench -ldl
 *   ./call-bench model.so 3x4 3x4           float32 inputs of these sizes; THREADS=2 before it for two threads
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tsc/tsc.h"

enum { kMaxInputs = 8, kMaxRank = 8, kCalls = 2000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void check(tsc_status status, const tsc_error *error) {
  if (status == TSC_OK) return;
  fprintf(stderr, "call-bench: %s\n", error->message);
  exit(1);
}

/* A float32 tensor of the sizes in "3x224x224", with small values. */
static void make_input(const char *text, tsc_tensor *tensor, int64_t *sizes) {
  size_t count = 1;
  int rank = 0;
  for (const char *at = text; *at != 0 && rank < kMaxRank; ++rank) {
    char *end;
    sizes[rank] = strtoll(at, &end, 10);
    count *= (size_t)sizes[rank];
    at = *end == 'x' ? end + 1 : end;
    if (end == at && *at != 0) {
      fprintf(stderr, "call-bench: sizes are written as 3x224x224, not %s\n", text);
      exit(2);
    }
  }
  float *data = malloc(count * sizeof *data + 1);
  for (size_t i = 0; i < count; ++i) data[i] = (float)(i % 17) / 17.0f - 0.5f;
  memset(tensor, 0, sizeof *tensor);
  tensor->data = data;
  tensor->ndim = rank;
  tensor->shape = sizes;
  tensor->dtype.code = 2;
  tensor->dtype.bits = 32;
  tensor->dtype.lanes = 1;
  tensor->device.device_type = 1;
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 2 + kMaxInputs) {
    fprintf(stderr, "usage: call-bench MODEL.so SIZES...\n");
    return 2;
  }
  tsc_tensor tensors[kMaxInputs];
  int64_t sizes[kMaxInputs][kMaxRank];
  tsc_value inputs[kMaxInputs];
  const size_t count = (size_t)argc - 2;
  memset(inputs, 0, sizeof inputs);
  for (size_t i = 0; i < count; ++i) {
    make_input(argv[2 + i], &tensors[i], sizes[i]);
    inputs[i].kind = TSC_TENSOR;
    inputs[i].as.tensor = &tensors[i];
  }

  const double begin = now();
  void *file = dlopen(argv[1], RTLD_NOW);
  tsc_get_library_fn get = file != NULL ? (tsc_get_library_fn)dlsym(file, "tsc_get_library") : NULL;
  if (get == NULL) {
    fprintf(stderr, "call-bench: %s\n", dlerror());
    return 1;
  }
  const tsc_library *library = get(TSC_ABI_VERSION);
  tsc_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.threads = getenv("THREADS") != NULL ? atoi(getenv("THREADS")) : 1;
  tsc_error error;
  tsc_model *model;
  tsc_instance *instance;
  tsc_result *result;
  check(library->model_create(NULL, &options, &model, &error), &error);
  check(library->instance_create(model, &instance, &error), &error);
  const double loaded = now();
  check(library->call(instance, "forward", inputs, count, &result, &error), &error);
  library->result_destroy(result);
  const double first = now();

  static double seconds[kCalls];
  int calls = 0;
  for (const double limit = now() + 2; calls < kCalls && (calls < 5 || now() < limit); ++calls) {
    const double start = now();
    check(library->call(instance, "forward", inputs, count, &result, &error), &error);
    library->result_destroy(result);
    seconds[calls] = now() - start;
  }
  qsort(seconds, (size_t)calls, sizeof *seconds, compare);
  printf("load %.3f ms, first call %.3f ms, later calls: median %.4f ms, least %.4f ms, %d calls\n", (loaded - begin) * 1e3,
         (first - loaded) * 1e3, seconds[calls / 2] * 1e3, seconds[0] * 1e3, calls);
  library->instance_destroy(instance);
  library->model_destroy(model);
  return 0;
}
