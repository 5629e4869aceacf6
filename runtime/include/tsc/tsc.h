/* The interface of a library that tsc produced. C99; the same for every library.
 *
 *   void *handle = dlopen("tiny.so", RTLD_NOW);
 *   const tsc_library *lib = ((tsc_get_library_fn)dlsym(handle, "tsc_get_library"))(TSC_ABI_VERSION);
 *   tsc_model *model;
 *   tsc_instance *instance;
 *   tsc_result *result;
 *   tsc_error error;
 *   if (lib->model_create("tiny", NULL, &model, &error) != TSC_OK) ...
 *   if (lib->instance_create(model, &instance, &error) != TSC_OK) ...
 *   if (lib->call(instance, "forward", inputs, 1, &result, &error) != TSC_OK) fprintf(stderr, "%s\n", error.message);
 *   ... result->value ...
 *   lib->result_destroy(result);
 *
 * A program that links the library calls `<model>_library(TSC_ABI_VERSION)` instead, so several can be linked together.
 *
 * Three objects:
 *   model     weights and threads; immutable, shared by any number of threads.
 *   instance  what the program's methods write to its attributes, and the generator of its random numbers. A method that
 *             touches neither may be called from any number of threads on one instance at once, without a lock; of
 *             methods that do, one call at a time runs
 *             on an instance: another thread's gets TSC_BUSY. Threads that need their own state have their own instance.
 *   result    what a call returned: owns all that its value points to, and outlives instance and model.
 *
 * Every function that can fail returns a status and fills `error`, which may be NULL. Inputs are checked before anything
 * runs; after a failed call the instance is usable as before. In-place ops of the program on its inputs write the
 * caller's memory, as PyTorch's do. Outputs alias neither inputs nor state, and are row-major without gaps.
 */
#ifndef TSC_TSC_H_
#define TSC_TSC_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* major << 16 | minor. A library serves callers of its own major version and of its minor version or an older one. */
#define TSC_ABI_VERSION 0x00010001u

/* ---- Tensors: DLPack's DLTensor, with its field names and layout. ----
 * Where <dlpack/dlpack.h> was included before, these are its types; otherwise a pointer to one may be cast to the other. */
#if defined(DLPACK_MAJOR_VERSION) || defined(DLPACK_VERSION)
typedef DLDevice tsc_device;
typedef DLDataType tsc_dtype;
typedef DLTensor tsc_tensor;
#else
typedef struct tsc_device {
  int32_t device_type; /* 1: the CPU's memory, 3: the same, pinned for a device; 2: a device's, of libraries that have one */
  int32_t device_id;
} tsc_device;
typedef struct tsc_dtype {
  uint8_t code; /* tsc_dtype_code */
  uint8_t bits;
  uint16_t lanes; /* 1 */
} tsc_dtype;
typedef struct tsc_tensor {
  void *data;
  tsc_device device;
  int32_t ndim;
  tsc_dtype dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: row-major without gaps */
  uint64_t byte_offset;
} tsc_tensor;
#endif
enum tsc_dtype_code {
  TSC_DTYPE_INT = 0,
  TSC_DTYPE_UINT = 1,
  TSC_DTYPE_FLOAT = 2,
  TSC_DTYPE_BFLOAT = 4,
  TSC_DTYPE_COMPLEX = 5,
  TSC_DTYPE_BOOL = 6
};

/* ---- Values ---- */
typedef enum tsc_kind {
  TSC_NONE = 0,
  TSC_BOOL = 1,
  TSC_INT = 2,
  TSC_FLOAT = 3,
  TSC_COMPLEX = 4,
  TSC_STR = 5,    /* as.str: bytes, not terminated by a zero on input; on output a zero follows them */
  TSC_TENSOR = 6, /* as.tensor */
  TSC_LIST = 7,   /* as.sequence */
  TSC_TUPLE = 8,  /* as.sequence; `names` of a NamedTuple */
  TSC_DICT = 9,   /* as.sequence: keys and values in turn, `count` is twice the number of entries */
  TSC_OBJECT = 10 /* as.sequence: the fields' values. On output `names` says of which class; on input it may be NULL,
                     the fields being in the class's order, or give the fields' names, in any order. An Enum's member has the fields name
                     and value; on input the value alone does as well */
} tsc_kind;

typedef struct tsc_names {
  const char *type_name;           /* "Point" */
  const char *const *field_names;  /* one for each value */
} tsc_names;

typedef struct tsc_value {
  int32_t kind; /* tsc_kind */
  int32_t reserved;
  union {
    int32_t boolean; /* 0 or 1 */
    int64_t integer;
    double real;
    double complex_value[2]; /* real, imaginary */
    struct {
      const char *data;
      size_t size;
    } str;
    tsc_tensor *tensor;
    struct {
      struct tsc_value *items;
      size_t count;
    } sequence;
  } as;
  const tsc_names *names; /* NULL for what has none */
} tsc_value;

/* ---- Errors ---- */
typedef enum tsc_status {
  TSC_OK = 0,
  TSC_INVALID_ARGUMENT = 1, /* a null pointer, an unknown name, a wrong number of inputs, a broken descriptor */
  TSC_TYPE_ERROR = 2,       /* an input of the wrong type or dtype; TypeError */
  TSC_SHAPE_ERROR = 3,      /* sizes that do not fit */
  TSC_INDEX_ERROR = 4,      /* IndexError */
  TSC_KEY_ERROR = 5,        /* KeyError */
  TSC_VALUE_ERROR = 6,      /* ValueError */
  TSC_RUNTIME_ERROR = 7,    /* what else an op refuses; RuntimeError */
  TSC_RAISED = 8,           /* the program's own `raise` or `assert`: see class_name */
  TSC_OUT_OF_MEMORY = 9,
  TSC_UNSUPPORTED = 10, /* a dtype, device or CPU that the library was not built for */
  TSC_BUSY = 11,        /* another thread is in a method that uses this instance's state */
  TSC_INTERNAL = 12     /* a fault of tsc */
} tsc_status;

/* A position in the user's Python program. */
typedef struct tsc_frame {
  const char *file;     /* "model.py" */
  int32_t line;         /* from 1 */
  const char *function; /* "forward" */
  const char *text;     /* the line itself, or "" */
} tsc_frame;

typedef struct tsc_error {
  int32_t status;           /* tsc_status */
  uint32_t frame_count;     /* 0 when the position is not known */
  const tsc_frame *frames;  /* innermost first; the library's own constants */
  char class_name[64];      /* Python's name: "IndexError", or the class that the program raised */
  char message[1024];       /* cut when longer */
} tsc_error;

/* ---- What a library tells of itself. All strings are constants; "" where there is nothing to say. ---- */
typedef struct tsc_input_info {
  const char *name;               /* "x" */
  const char *type;               /* "Tensor", "Dict[str, Tensor]" */
  const char *tensor_type;        /* "float32[batch, 3, 224, 224]", sizes by name or number; "" when not known */
  const tsc_value *default_value; /* NULL: must be given */
} tsc_input_info;

typedef struct tsc_method_info {
  const char *name;   /* "forward" */
  const char *output; /* "Tuple[Tensor, Tensor]" */
  const tsc_input_info *inputs;
  size_t input_count;
  int32_t uses_state;  /* 1: reads or writes the instance's attributes, or draws random numbers */
  int32_t reserved;
  uint64_t arena_bytes; /* planned memory of a call at the example's sizes; 0 when not planned */
} tsc_method_info;

typedef struct tsc_state_info {
  const char *name; /* "decoder.h" */
  const char *type;
} tsc_state_info;

typedef struct tsc_model_info {
  const char *name;        /* "resnet18" */
  const char *source_hash; /* SHA-256 of the .pt file, in hexadecimal */
  const char *target;      /* "x86_64-linux-gnu, x86-64-v3" */
  const tsc_method_info *methods;
  size_t method_count;
  const tsc_state_info *state;
  size_t state_count;
  uint64_t weight_bytes;
} tsc_model_info;

/* ---- The library ---- */
typedef struct tsc_model tsc_model;
typedef struct tsc_instance tsc_instance;

typedef struct tsc_result {
  tsc_value value;
} tsc_result;

/* DLPack's DLManagedTensor: a tensor that carries its owner. */
typedef struct tsc_managed_tensor {
  tsc_tensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct tsc_managed_tensor *self);
} tsc_managed_tensor;

/* Fields that are 0 mean the default. Set `struct_size` to sizeof(tsc_options). */
typedef struct tsc_options {
  size_t struct_size;
  /* Threads that one call may use, the caller's among them. Default: what the library was compiled for (`tsc --threads`),
   * or 1. The results do not depend on it. */
  int32_t threads;
  int32_t reserved;
  /* Runs body(data, part) once for every part in [0, parts), in any order and on any threads, and returns when all are
   * done. Default: the library's own threads, `threads` - 1 of them, started by the first call that can use them. */
  void (*parallel_for)(void *user, int64_t parts, void (*body)(void *data, int64_t part), void *data);
  void *parallel_user;
  /* Memory for everything but the weights, aligned as asked; both or neither. Default: libc's. They must stay valid
   * until the last result is destroyed, and may be called from any thread. */
  void *(*allocate)(void *user, size_t alignment, size_t bytes);
  void (*release)(void *user, void *block, size_t bytes);
  void *allocator_user;
  /* Where print() and warnings go: stream 1 or 2. Default: the process's standard output and standard error. */
  void (*print)(void *user, int32_t stream, const char *text, size_t size);
  void *print_user;
} tsc_options;

/* What one call wants of the device, of models that run on one. The device is the one that is current where the call is
 * made, as the device's own runtime has it; tensors of inputs may be in its memory or in the CPU's. The elements of those that the program looks at on the
 * CPU are copied there; what it writes of the caller's is copied back.
 * Set `struct_size` to sizeof(tsc_call_options). */
enum tsc_call_flags {
  /* The call's work goes onto `stream`, in its order: tensors of inputs in the device's memory need be ready only there, and a call
   * whose results are on the device may return before they are. Otherwise the call has a stream of its own, the inputs
   * must be ready, and the results are. */
  TSC_ON_STREAM = 1,
  TSC_DEVICE_RESULTS = 2 /* tensors of the result are in the device's memory */
};
typedef struct tsc_call_options {
  size_t struct_size;
  uint32_t flags; /* tsc_call_flags */
  uint32_t reserved;
  void *stream; /* the device's handle of a stream; NULL is its default stream */
} tsc_call_options;

/* The state of that name, of models that draw random numbers: a tensor that says where the instance's generator is. */
#define TSC_RNG_STATE "<rng_state>"

typedef struct tsc_library {
  uint32_t abi_version;
  uint32_t struct_size;         /* of this table; later versions append to it */
  const char *compiler_version; /* "tsc 0.1.0" */
  const tsc_model_info *const *models;
  size_t model_count;

  /* `name` may be NULL when the library has one model. Maps the weights, so that the first call need not. */
  tsc_status (*model_create)(const char *name, const tsc_options *options, tsc_model **model, tsc_error *error);
  void (*model_destroy)(tsc_model *model); /* instances keep what they need of it */
  const tsc_model_info *(*model_info)(const tsc_model *model);

  /* A new instance has the state that the file was saved with; a clone has its original's. Random numbers are part of
   * it: an instance has a generator, whose stream is that of PyTorch's CPU generator with the same seed. Without a seed
   * it has the one that PyTorch begins with; `instance_reset` begins the stream anew. */
  tsc_status (*instance_create)(tsc_model *model, tsc_instance **instance, tsc_error *error);
  tsc_status (*instance_clone)(tsc_instance *instance, tsc_instance **clone, tsc_error *error);
  tsc_status (*instance_reset)(tsc_instance *instance, tsc_error *error);
  tsc_status (*instance_seed)(tsc_instance *instance, uint64_t seed, tsc_error *error);
  void (*instance_destroy)(tsc_instance *instance);

  /* State by name. `state_get` copies. Values that several fields share (one list under two names) become separate ones
   * when they are set one by one; `instance_clone` keeps them together. */
  tsc_status (*state_get)(tsc_instance *instance, const char *name, tsc_result **result, tsc_error *error);
  tsc_status (*state_set)(tsc_instance *instance, const char *name, const tsc_value *value, tsc_error *error);

  /* Inputs come in the method's order; those left out at the end take their defaults. */
  tsc_status (*call)(tsc_instance *instance, const char *method, const tsc_value *inputs, size_t input_count,
                     tsc_result **result, tsc_error *error);
  void (*result_destroy)(tsc_result *result);
  /* A tensor of a result, to give to another framework: the result's memory lives until both the result is destroyed
   * and the managed tensor is deleted, by any thread. NULL when there is no memory. */
  tsc_managed_tensor *(*result_share)(tsc_result *result, const tsc_tensor *tensor);

  /* Version 1.1. `call` with options, which may be NULL. */
  tsc_status (*call_on)(tsc_instance *instance, const char *method, const tsc_value *inputs, size_t input_count,
                        const tsc_call_options *options, tsc_result **result, tsc_error *error);
} tsc_library;

/* NULL when the library does not serve the caller's version. */
typedef const tsc_library *(*tsc_get_library_fn)(uint32_t abi_version);
const tsc_library *tsc_get_library(uint32_t abi_version);

/* ---- Profiles: of libraries that `tsc --profile` made. Others do not export these functions. ----
 *
 *   tsc_get_profile_fn get = (tsc_get_profile_fn)dlsym(handle, "tsc_get_profile");
 *   const tsc_profile *profile = get(NULL);
 *   for (size_t i = 0; i < profile->row_count; ++i)
 *     printf("%s: %.3f ms\n", profile->rows[i].name, profile->times[i].nanoseconds * 1e-6);
 *
 * A row is what is timed: a group of ops that one kernel computes, or an op that runs alone. No row holds another, so
 * that a call takes the sum of its rows and, beside them, what checks the inputs and makes the results. Views, which
 * only are other addresses of the same elements, have no row. Taking the times costs some 0.1 us a row. */
typedef struct tsc_profile_op {
  const char *name;   /* "conv2d" */
  const char *source; /* the Python line: "resnet.py:97", or "" */
  uint64_t id;        /* of the op in the program: the same whether the file was compiled with or without --no-fuse */
} tsc_profile_op;

typedef struct tsc_profile_row {
  const char *method; /* the function of the program: "forward" */
  const char *name;   /* "layer1.0.conv1", from the module tree where the op has a place there */
  const char *kind;   /* of a group: "conv2d", "pointwise", ...; "generic": an op that is in no group, since its types or
                         sizes are told at run time; "copy": of a result that is a view of something else */
  const tsc_profile_op *ops;
  size_t op_count;
} tsc_profile_row;

/* Sums over all calls, of all instances and threads, since the library was loaded: to profile a part of a program, take
 * the difference. */
typedef struct tsc_profile_time {
  uint64_t calls;
  uint64_t nanoseconds;
  uint64_t operations; /* on elements, a multiply-add being two; 0 when not counted */
  uint64_t bytes;      /* that must be read and written once, if caches had no end; 0 when not counted */
} tsc_profile_time;

typedef struct tsc_profile {
  const char *model; /* "resnet18" */
  const tsc_profile_row *rows; /* in the order of the program */
  const tsc_profile_time *times; /* one for each row */
  size_t row_count;
} tsc_profile;

/* `model` may be NULL when the library has one model. NULL when it has none of that name. A program that links the
 * library calls `<model>_profile()` instead. */
typedef const tsc_profile *(*tsc_get_profile_fn)(const char *model);
const tsc_profile *tsc_get_profile(const char *model);

#ifdef __cplusplus
}
#endif

#endif /* TSC_TSC_H_ */
