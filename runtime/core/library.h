// From emitted code to a library with the interface of tsc.h. Emitted code consists of plain functions over the
// runtime's values and of constant tables; this header makes the entry points from them. tests/abi/tiny.cpp is a whole
// emitted library with each part explained.
//
// A method is a function `R method(Context&, const A&...)`, or `R method(Context&, State&, const A&...)` when it uses
// the instance's state. A state is a struct that derives from InstanceState and, like a user class, lists its fields.
#pragma once

#include "runtime/core/cpu.h"
#include "runtime/core/marshal.h"

namespace tsc {

// Source positions: entry i of the table is the run of frames of source index i; entry 0 is empty (unknown).
struct Source {
  uint32_t first_frame;
  uint32_t frame_count;
};

struct InstanceState {};

// A method as the entry points call it: reads its inputs, runs, writes its output.
using MethodCall = void (*)(Context& ctx, void* state, const char* name, const tsc_input_info* infos,
                            const tsc_value* const* inputs, Writer& writer, tsc_value& output);

// What the entry points need to know of a state.
struct StateTable {
  size_t bytes = 0;
  void (*construct)(void* place) = nullptr;
  void (*destroy)(void* state) = nullptr;
  void (*initialise)(Context& ctx, void* state) = nullptr;  // to the values in the file
  void (*own)(Context& ctx, void* state) = nullptr;
  void (*copy)(Copier& copier, void* from, void* to) = nullptr;
  void (*write)(Writer& writer, void* state, size_t field, tsc_value& to) = nullptr;
  void (*read)(Reader& reader, void* state, size_t field, const char* name, const tsc_value& value) = nullptr;
};

struct ModelTable {
  const tsc_model_info* info;
  const MethodCall* calls;  // one for each of info->methods
  StateTable state;         // empty when info->state is
  const Source* sources;
  uint32_t source_count;
  const tsc_frame* frames;
  const char* weights = nullptr;  // info->weight_bytes of them
  const DeviceTable* device = nullptr;  // of models with a part that runs there
};

struct LibraryTable {
  const char* compiler_version;
  const ModelTable* const* models;     // each defined by its model's own translation unit
  const tsc_model_info* const* infos;  // of the models, in the same order
  size_t model_count;
};

// Default values of inputs, and other constants of the tables.
constexpr tsc_value constant_none() { return {}; }
constexpr tsc_value constant_value(bool value) { return {TSC_BOOL, 0, {.boolean = value}, nullptr}; }
constexpr tsc_value constant_value(i64 value) { return {TSC_INT, 0, {.integer = value}, nullptr}; }
constexpr tsc_value constant_value(double value) { return {TSC_FLOAT, 0, {.real = value}, nullptr}; }
constexpr tsc_value constant_value(Complex<double> value) {
  return {TSC_COMPLEX, 0, {.complex_value = {value.real, value.imag}}, nullptr};
}
constexpr tsc_value constant_value(const char* text, size_t size) {
  return {TSC_STR, 0, {.str = {text, size}}, nullptr};
}
// A list or tuple of constants; `items` are a constexpr array of tsc_value, which nobody writes.
constexpr tsc_value constant_sequence(tsc_kind kind, const tsc_value* items, size_t count) {
  return {kind, 0, {.sequence = {const_cast<tsc_value*>(items), count}}, nullptr};
}

// Method calls.

template <class S>
concept IsState = requires(S& s) { static_cast<InstanceState&>(s); };

template <class R, class... A, int... I>
void call_method(Context& ctx, const char* name, const tsc_input_info* infos, const tsc_value* const* inputs,
                 Writer& writer, tsc_value& output, const auto& function, Indices<I...>) {
  Reader reader(ctx, name, Reader::Ownership::kBorrow);
  Tuple<Bare<A>...> values;
  ((values.template get<I>() = reader.read<Bare<A>>(*inputs[I], Path{nullptr, infos[I].name, 0, Path::kInput})), ...);
  if (!ctx.ok()) return;
  R result = function(values.template get<I>()...);
  if (ctx.ok()) writer.write(result, output);
}

template <auto Function>
struct Method;
template <class R, class... A, R (*Function)(Context&, A...)>
  requires(!(IsState<Bare<A>> || ...))
struct Method<Function> {
  static void call(Context& ctx, void*, const char* name, const tsc_input_info* infos, const tsc_value* const* inputs,
                   Writer& writer, tsc_value& output) {
    call_method<R, A...>(
        ctx, name, infos, inputs, writer, output, [&](const auto&... values) { return Function(ctx, values...); },
        MakeIndices<static_cast<int>(sizeof...(A))>());
  }
};
template <class R, IsState S, class... A, R (*Function)(Context&, S&, A...)>
struct Method<Function> {
  static void call(Context& ctx, void* state, const char* name, const tsc_input_info* infos,
                   const tsc_value* const* inputs, Writer& writer, tsc_value& output) {
    call_method<R, A...>(
        ctx, name, infos, inputs, writer, output,
        [&](const auto&... values) { return Function(ctx, *static_cast<S*>(state), values...); },
        MakeIndices<static_cast<int>(sizeof...(A))>());
  }
};
// The table's entry for a function: `constexpr MethodCall kCalls[] = {method_call<&forward>, ...}`.
template <auto Function>
inline constexpr MethodCall method_call = &Method<Function>::call;

// `State::initialise(ctx, state)` gives the fields their values in the file.
template <class S>
inline constexpr StateTable state_table = {
    .bytes = sizeof(S),
    .construct = [](void* place) { new (place, kPlace) S; },
    .destroy = [](void* state) { static_cast<S*>(state)->~S(); },
    .initialise = [](Context& ctx, void* state) { S::initialise(ctx, *static_cast<S*>(state)); },
    .own =
        [](Context& ctx, void* state) {
          static_cast<S*>(state)->fields([&](auto& field) { Marshal<Bare<decltype(field)>>::own(ctx, field); });
        },
    .copy =
        [](Copier& copier, void* from, void* to) {
          *static_cast<S*>(to) = *static_cast<S*>(from);
          static_cast<S*>(to)->fields([&](auto& field) { field = copier.copy(field); });
        },
    .write =
        [](Writer& writer, void* state, size_t wanted, tsc_value& to) {
          size_t i = 0;
          static_cast<S*>(state)->fields([&](auto& field) {
            if (i++ == wanted) writer.write(field, to);
          });
        },
    .read =
        [](Reader& reader, void* state, size_t wanted, const char* name, const tsc_value& value) {
          size_t i = 0;
          static_cast<S*>(state)->fields([&](auto& field) {
            if (i++ != wanted) return;
            auto given = reader.read<Bare<decltype(field)>>(value, Path{nullptr, name, 0, Path::kState});
            if (reader.ctx.ok()) field = tsc::move(given);
          });
        },
};

// Contexts of a model that no call is using. A slot is taken and given back by one atomic exchange; calls begin to look
// at different slots, so threads rarely meet.
class ContextPool {
 public:
  explicit ContextPool(const Host& host) : host_(host) {}
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;
  ~ContextPool() {
    for (Context* context : slots_) destroy(context);
  }
  // Null when there is no memory.
  Context* take() {
    for (int i = 0, slot = first_slot(); i < kSlots; ++i, slot = (slot + 1) % kSlots) {
      if (__atomic_load_n(&slots_[slot], __ATOMIC_RELAXED) == nullptr) continue;
      if (Context* context = __atomic_exchange_n(&slots_[slot], nullptr, __ATOMIC_ACQUIRE)) return context;
    }
    void* block = host_.allocator.allocate(host_.allocator.user, kAlignment, kBytes);
    return block == nullptr ? nullptr : new (block, kPlace) Context(host_);
  }
  void give_back(Context* context) {
    for (int i = 0, slot = first_slot(); i < kSlots; ++i, slot = (slot + 1) % kSlots) {
      Context* expected = nullptr;
      if (__atomic_compare_exchange_n(&slots_[slot], &expected, context, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        return;
      }
    }
    destroy(context);
  }

 private:
  static constexpr int kSlots = 64;
  static constexpr size_t kBytes = SizeClass::round_up(sizeof(Context));
  // Stacks of different threads lie far from each other.
  static int first_slot() {
    const char here = 0;
    return static_cast<int>(hash_bits(reinterpret_cast<uintptr_t>(&here) >> 18) % kSlots);
  }
  void destroy(Context* context) {
    if (context == nullptr) return;
    context->~Context();
    host_.allocator.free(host_.allocator.user, context, kBytes);
  }
  const Host& host_;
  Context* slots_[kSlots] = {};
};

}  // namespace tsc

// The objects behind the opaque pointers of tsc.h.

struct tsc_model {
  const tsc::ModelTable& table;
  tsc::Host host;
  tsc::ThreadPool threads;
  tsc::ContextPool contexts;
  uint32_t references = 1;  // the caller's and the instances'

  tsc_model(const tsc::ModelTable& model, const tsc::Host& given, int thread_count)
      : table(model), host(given), threads(thread_count), contexts(host) {
    if (host.parallel.run == nullptr) host.parallel = threads.parallel();
  }
};

struct tsc_instance {
  tsc_model& model;
  void* state;  // null when the model has none
  uint32_t busy = 0;
  tsc::Context context;  // of calls that use the state: what they store there lives in its memory
};

namespace tsc {

inline const char* python_class_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kOk:
    case ErrorKind::kRaised:
      break;
    case ErrorKind::kType:
      return "TypeError";
    case ErrorKind::kIndex:
      return "IndexError";
    case ErrorKind::kKey:
      return "KeyError";
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kValue:
      return "ValueError";
    case ErrorKind::kShape:
    case ErrorKind::kRuntime:
    case ErrorKind::kBusy:
    case ErrorKind::kInternal:
      return "RuntimeError";
    case ErrorKind::kOutOfMemory:
      return "MemoryError";
    case ErrorKind::kUnsupported:
      return "NotImplementedError";
  }
  return "";
}

// Errors of the entry points themselves, which have no context.
[[gnu::format(printf, 3, 4), gnu::cold]] TSC_BASELINE inline tsc_status report(tsc_error* error, ErrorKind kind,
                                                                               const char* format, ...) {
  if (error == nullptr) return static_cast<tsc_status>(kind);
  *error = {};
  error->status = static_cast<int32_t>(kind);
  libc::snprintf(error->class_name, sizeof error->class_name, "%s", python_class_of(kind));
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  libc::vsnprintf(error->message, sizeof error->message, format, arguments);
  __builtin_va_end(arguments);
  return static_cast<tsc_status>(kind);
}
[[gnu::cold, gnu::noinline]] inline tsc_status report(tsc_error* error, const Error& from, const ModelTable& model) {
  const char* class_name = from.kind == ErrorKind::kRaised ? from.class_name : python_class_of(from.kind);
  report(error, from.kind, "%s", from.message);
  if (error == nullptr) return static_cast<tsc_status>(from.kind);
  libc::snprintf(error->class_name, sizeof error->class_name, "%s", class_name);
  if (from.source > 0 && static_cast<uint32_t>(from.source) < model.source_count) {
    error->frames = model.frames + model.sources[from.source].first_frame;
    error->frame_count = model.sources[from.source].frame_count;
  }
  return static_cast<tsc_status>(from.kind);
}
inline tsc_status succeed(tsc_error* error) {
  if (error != nullptr) {
    error->status = TSC_OK;
    error->frame_count = 0;
    error->frames = nullptr;
    error->class_name[0] = error->message[0] = 0;
  }
  return TSC_OK;
}

// The entry points. Memory of objects comes from the host's allocator in sizes of its classes.

template <class T>
void* allocate_object(const Host& host) {
  return host.allocator.allocate(host.allocator.user, max(kAlignment, alignof(T)), SizeClass::round_up(sizeof(T)));
}
template <class T>
void free_host_object(const Host& host, T* object) {
  const Allocator allocator = host.allocator;  // a model is its own host
  object->~T();
  allocator.free(allocator.user, object, SizeClass::round_up(sizeof(T)));
}

// Threads of a call unless the caller says otherwise: `tsc --threads`.
#ifndef TSC_DEFAULT_THREADS
#define TSC_DEFAULT_THREADS 1
#endif

inline tsc_status make_host(const tsc_options* options, Host& host, int& threads, tsc_error* error) {
  threads = TSC_DEFAULT_THREADS;
  if (options == nullptr) return TSC_OK;
  if (options->struct_size < sizeof(tsc_options)) {
    return report(error, ErrorKind::kInvalidArgument, "tsc_options.struct_size is not set");
  }
  if (options->threads < 0 || options->threads > ThreadPool::kMaxThreads) {
    return report(error, ErrorKind::kInvalidArgument, "tsc_options.threads is %d; it must be in 0 to %d",
                  options->threads, ThreadPool::kMaxThreads);
  }
  if ((options->allocate == nullptr) != (options->release == nullptr)) {
    return report(error, ErrorKind::kInvalidArgument, "tsc_options has only one of allocate and release");
  }
  if (options->threads > 0) threads = options->threads;
  if (options->allocate != nullptr) host.allocator = {options->allocate, options->release, options->allocator_user};
  if (options->parallel_for != nullptr) host.parallel = {options->parallel_for, options->parallel_user, threads};
  if (options->print != nullptr) {
    host.print = options->print;
    host.print_user = options->print_user;
  }
  return TSC_OK;
}

// Maps the weights before the first call, all at once: page by page, as it meets them, it would take a third longer. On
// a system that can't (Linux before 5.14), it does.
inline void map_weights(const ModelTable& model) {
  constexpr int kPopulate = 22;  // MADV_POPULATE_READ
  if (model.weights == nullptr) return;
  const uintptr_t page = static_cast<uintptr_t>(libc::getpagesize());
  const uintptr_t begin = reinterpret_cast<uintptr_t>(model.weights) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(model.weights) + model.info->weight_bytes;
  libc::madvise(reinterpret_cast<void*>(begin), end - begin, kPopulate);
}

inline tsc_status create_model(const LibraryTable& library, const char* name, const tsc_options* options,
                               tsc_model** model, tsc_error* error) {
  if (model == nullptr) return report(error, ErrorKind::kInvalidArgument, "model_create: the result pointer is null");
  *model = nullptr;
  const ModelTable* found = name == nullptr && library.model_count == 1 ? library.models[0] : nullptr;
  for (size_t i = 0; name != nullptr && i < library.model_count; ++i) {
    if (libc::strcmp(library.models[i]->info->name, name) == 0) found = library.models[i];
  }
  if (found == nullptr) {
    return report(error, ErrorKind::kInvalidArgument, "there is no model '%s' in this library",
                  name == nullptr ? "(null)" : name);
  }
  Host host;
  host.device = found->device;
  int threads;
  if (const tsc_status status = make_host(options, host, threads, error); status != TSC_OK) return status;
  if (host.device != nullptr) {
    Context ctx(host);
    host.device->check(ctx);
    if (!ctx.ok()) return report(error, ctx.error(), *found);
  }
  void* block = allocate_object<tsc_model>(host);
  if (block == nullptr) return report(error, ErrorKind::kOutOfMemory, "out of memory");
  *model = new (block, kPlace) tsc_model(*found, host, threads);
  map_weights(*found);
  return succeed(error);
}
// The first entry point that does any work: it refuses a CPU that the library was not built for.
template <const LibraryTable& Library>
TSC_BASELINE tsc_status create_model_checked(const char* name, const tsc_options* options, tsc_model** model,
                                             tsc_error* error) {
  const char* missing = missing_cpu_feature();
  if (missing == nullptr) return create_model(Library, name, options, model, error);
  if (model != nullptr) *model = nullptr;
  return report(error, ErrorKind::kUnsupported, "this library was built for a CPU with %s, which this one lacks",
                missing);
}
inline void release_model(tsc_model* model) {
  if (model == nullptr || __atomic_sub_fetch(&model->references, 1, __ATOMIC_ACQ_REL) != 0) return;
  const Host host = model->host;
  free_host_object(host, model);
}

inline void destroy_instance(tsc_instance* instance) {
  if (instance == nullptr) return;
  tsc_model& model = instance->model;
  if (instance->state != nullptr) {
    model.table.state.destroy(instance->state);
    instance->context.free(instance->state, model.table.state.bytes);
  }
  free_host_object(model.host, instance);
  release_model(&model);
}
// An instance whose state is constructed but has no values yet.
inline tsc_status make_instance(tsc_model& model, tsc_instance** instance, tsc_error* error) {
  void* block = allocate_object<tsc_instance>(model.host);
  if (block == nullptr) return report(error, ErrorKind::kOutOfMemory, "out of memory");
  auto* made = new (block, kPlace) tsc_instance{model, nullptr, 0, Context(model.host)};
  __atomic_add_fetch(&model.references, 1, __ATOMIC_RELAXED);
  const StateTable& table = model.table.state;
  if (table.bytes != 0) {
    made->state = made->context.allocate(table.bytes);
    if (made->state == nullptr) {
      destroy_instance(made);
      return report(error, ErrorKind::kOutOfMemory, "out of memory");
    }
    table.construct(made->state);
  }
  *instance = made;
  return TSC_OK;
}
// Reports what the instance's context met, and clears it for the next call.
inline tsc_status finish(tsc_instance& instance, tsc_error* error) {
  Context& ctx = instance.context;
  if (instance.model.table.device != nullptr) instance.model.table.device->finish(ctx);
  const tsc_status status = ctx.ok() ? succeed(error) : report(error, ctx.error(), instance.model.table);
  ctx.clear_error();
  ctx.end_call();
  return status;
}

// Keeps others out of an instance's state. Nobody waits: who comes second is told so.
class StateLock {
 public:
  explicit StateLock(tsc_instance& instance)
      : instance_(instance), held_(__atomic_exchange_n(&instance.busy, 1, __ATOMIC_ACQUIRE) == 0) {}
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  ~StateLock() {
    if (held_) __atomic_store_n(&instance_.busy, 0, __ATOMIC_RELEASE);
  }
  bool held() const { return held_; }
  static tsc_status busy(tsc_error* error) {
    return report(error, ErrorKind::kBusy,
                  "another thread is using this instance's state: give each thread an instance");
  }

 private:
  tsc_instance& instance_;
  const bool held_;
};

inline tsc_status reset_instance(tsc_instance* instance, tsc_error* error) {
  if (instance == nullptr) return report(error, ErrorKind::kInvalidArgument, "instance_reset: the instance is null");
  StateLock lock(*instance);
  if (!lock.held()) return StateLock::busy(error);
  instance->context.seed(instance->context.seed());
  if (instance->state != nullptr) instance->model.table.state.initialise(instance->context, instance->state);
  return finish(*instance, error);
}
inline tsc_status seed_instance(tsc_instance* instance, uint64_t seed, tsc_error* error) {
  if (instance == nullptr) return report(error, ErrorKind::kInvalidArgument, "instance_seed: the instance is null");
  StateLock lock(*instance);
  if (!lock.held()) return StateLock::busy(error);
  instance->context.seed(seed);
  return succeed(error);
}
inline tsc_status create_instance(tsc_model* model, tsc_instance** instance, tsc_error* error) {
  if (model == nullptr || instance == nullptr) {
    return report(error, ErrorKind::kInvalidArgument, "instance_create: null pointer");
  }
  *instance = nullptr;
  tsc_instance* made = nullptr;
  if (const tsc_status status = make_instance(*model, &made, error); status != TSC_OK) return status;
  if (const tsc_status status = reset_instance(made, error); status != TSC_OK) {
    destroy_instance(made);
    return status;
  }
  *instance = made;
  return TSC_OK;
}
inline tsc_status clone_instance(tsc_instance* instance, tsc_instance** clone, tsc_error* error) {
  if (instance == nullptr || clone == nullptr) {
    return report(error, ErrorKind::kInvalidArgument, "instance_clone: null pointer");
  }
  *clone = nullptr;
  StateLock lock(*instance);
  if (!lock.held()) return StateLock::busy(error);
  tsc_instance* made = nullptr;
  if (const tsc_status status = make_instance(instance->model, &made, error); status != TSC_OK) return status;
  if (instance->state != nullptr) {
    Copier copier(made->context);
    instance->model.table.state.copy(copier, instance->state, made->state);
  }
  made->context.continue_stream_of(instance->context);
  const tsc_status status = finish(*made, error);
  if (status == TSC_OK) {
    *clone = made;
  } else {
    destroy_instance(made);
  }
  return status;
}

inline size_t find_state(const tsc_model_info& info, const char* name) {
  size_t i = 0;
  while (i < info.state_count && libc::strcmp(info.state[i].name, name) != 0) ++i;
  return i;
}
inline bool is_rng_state(const char* name) { return libc::strcmp(name, TSC_RNG_STATE) == 0; }
inline Tensor read_rng_state(Context& ctx) {
  const i64 sizes[] = {Generator::kSavedSize};
  Tensor saved = Tensor::empty(ctx, DType::kInt64, sizes);
  Generator* generator = ctx.generator();
  if (generator != nullptr && saved.defined()) generator->save(saved.data<i64>());
  return saved;
}
inline void write_rng_state(Context& ctx, const Tensor& saved) {
  Generator* generator = ctx.generator();
  if (generator == nullptr || !ctx.ok()) return;
  const bool fits = saved.dtype() == DType::kInt64 && saved.dim() == 1 && saved.numel() == Generator::kSavedSize;
  if (!fits || !generator->restore(saved.data<i64>())) {
    ctx.fail(ErrorKind::kInvalidArgument, "state_set: the tensor is not what state_get gave for " TSC_RNG_STATE);
  }
}
inline tsc_status get_state(tsc_instance* instance, const char* name, tsc_result** result, tsc_error* error) {
  if (instance == nullptr || name == nullptr || result == nullptr) {
    return report(error, ErrorKind::kInvalidArgument, "state_get: null pointer");
  }
  *result = nullptr;
  const tsc_model_info& info = *instance->model.table.info;
  const size_t field = find_state(info, name);
  if (field == info.state_count) return report(error, ErrorKind::kInvalidArgument, "there is no state '%s'", name);
  StateLock lock(*instance);
  if (!lock.held()) return StateLock::busy(error);
  Result* made = Result::create(instance->context);
  if (made != nullptr) {
    Writer writer(instance->context, *made, Writer::Sharing::kShared);
    if (is_rng_state(name)) {
      writer.write(read_rng_state(instance->context), made->value.value);
    } else {
      instance->model.table.state.write(writer, instance->state, field, made->value.value);
    }
  }
  const tsc_status status = finish(*instance, error);
  if (status == TSC_OK) {
    *result = &made->value;
  } else if (made != nullptr) {
    made->release();
  }
  return status;
}
inline tsc_status set_state(tsc_instance* instance, const char* name, const tsc_value* value, tsc_error* error) {
  if (instance == nullptr || name == nullptr || value == nullptr) {
    return report(error, ErrorKind::kInvalidArgument, "state_set: null pointer");
  }
  const tsc_model_info& info = *instance->model.table.info;
  const size_t field = find_state(info, name);
  if (field == info.state_count) return report(error, ErrorKind::kInvalidArgument, "there is no state '%s'", name);
  StateLock lock(*instance);
  if (!lock.held()) return StateLock::busy(error);
  Reader reader(instance->context, "", Reader::Ownership::kCopy);
  if (is_rng_state(name)) {
    write_rng_state(instance->context, reader.read<Tensor>(*value, Path{nullptr, name, 0, Path::kState}));
  } else {
    instance->model.table.state.read(reader, instance->state, field, name, *value);
  }
  return finish(*instance, error);
}

// One call in a context: inputs, method, output, error.
inline tsc_status run_method(const ModelTable& model, size_t method, Context& ctx, void* state,
                             const tsc_value* const* inputs, const Placement& placement, tsc_result** result,
                             tsc_error* error) {
  const tsc_method_info& info = model.info->methods[method];
  ctx.place(placement);
  Result* made = Result::create(ctx);
  if (made != nullptr) {
    Writer writer(ctx, *made, Writer::Sharing::kNone);
    model.calls[method](ctx, state, info.name, info.inputs, inputs, writer, made->value.value);
  }
  if (state != nullptr) model.state.own(ctx, state);
  if (model.device != nullptr) model.device->finish(ctx);
  if (ctx.ok()) {
    *result = &made->value;
    ctx.end_call();
    return succeed(error);
  }
  if (made != nullptr) made->release();
  const tsc_status status = report(error, ctx.error(), model);
  ctx.clear_error();
  ctx.end_call();
  return status;
}
inline tsc_status read_placement(const ModelTable& model, const tsc_call_options* options, Placement& placement,
                                 tsc_error* error) {
  if (options == nullptr || options->flags == 0) return TSC_OK;
  if (options->struct_size < sizeof(tsc_call_options)) {
    return report(error, ErrorKind::kInvalidArgument, "tsc_call_options.struct_size is not set");
  }
  constexpr uint32_t kKnownFlags = TSC_ON_STREAM | TSC_DEVICE_RESULTS;
  if ((options->flags & ~kKnownFlags) != 0) {
    return report(error, ErrorKind::kInvalidArgument, "tsc_call_options.flags has bits that this library doesn't know");
  }
  if (model.device == nullptr) {
    return report(error, ErrorKind::kUnsupported, "model '%s' runs nothing on a device: call it without tsc_call_options",
                  model.info->name);
  }
  placement = {.stream = options->stream,
               .on_stream = (options->flags & TSC_ON_STREAM) != 0,
               .results_on_device = (options->flags & TSC_DEVICE_RESULTS) != 0};
  return TSC_OK;
}
inline tsc_status call_on(tsc_instance* instance, const char* method, const tsc_value* inputs, size_t input_count,
                          const tsc_call_options* options, tsc_result** result, tsc_error* error) {
  constexpr size_t kMaxInputs = 256;
  if (instance == nullptr || method == nullptr || result == nullptr || (inputs == nullptr && input_count != 0)) {
    return report(error, ErrorKind::kInvalidArgument, "call: null pointer");
  }
  *result = nullptr;
  tsc_model& model = instance->model;
  const tsc_model_info& model_info = *model.table.info;
  size_t index = 0;
  while (index < model_info.method_count && libc::strcmp(model_info.methods[index].name, method) != 0) ++index;
  if (index == model_info.method_count) {
    return report(error, ErrorKind::kInvalidArgument, "there is no method '%s' in model '%s'", method, model_info.name);
  }
  const tsc_method_info& info = model_info.methods[index];
  if (input_count > info.input_count || info.input_count > kMaxInputs) {
    return report(error, ErrorKind::kInvalidArgument, "%s() takes %zu inputs, %zu were given", info.name,
                  info.input_count, input_count);
  }
  Placement placement;
  if (const tsc_status status = read_placement(model.table, options, placement, error); status != TSC_OK) return status;
  const tsc_value* values[kMaxInputs];
  for (size_t i = 0; i < info.input_count; ++i) {
    values[i] = i < input_count ? &inputs[i] : info.inputs[i].default_value;
    if (values[i] == nullptr) {
      return report(error, ErrorKind::kInvalidArgument, "%s(): input '%s' is missing", info.name, info.inputs[i].name);
    }
  }
  if (info.uses_state != 0) {
    StateLock lock(*instance);
    if (!lock.held()) return StateLock::busy(error);
    return run_method(model.table, index, instance->context, instance->state, values, placement, result, error);
  }
  Context* ctx = model.contexts.take();
  if (ctx == nullptr) return report(error, ErrorKind::kOutOfMemory, "out of memory");
  const tsc_status status = run_method(model.table, index, *ctx, nullptr, values, placement, result, error);
  model.contexts.give_back(ctx);
  return status;
}
inline tsc_status call(tsc_instance* instance, const char* method, const tsc_value* inputs, size_t input_count,
                       tsc_result** result, tsc_error* error) {
  return call_on(instance, method, inputs, input_count, nullptr, result, error);
}

// The library's table of entry points: `return serve<kLibrary>(abi_version);`.
template <const LibraryTable& Library>
const tsc_library* serve(uint32_t abi_version) {
  static constexpr tsc_library kTable = {
      .abi_version = TSC_ABI_VERSION,
      .struct_size = sizeof(tsc_library),
      .compiler_version = Library.compiler_version,
      .models = Library.infos,
      .model_count = Library.model_count,
      .model_create = &create_model_checked<Library>,
      .model_destroy = &release_model,
      .model_info = [](const tsc_model* model) { return model == nullptr ? nullptr : model->table.info; },
      .instance_create = &create_instance,
      .instance_clone = &clone_instance,
      .instance_reset = &reset_instance,
      .instance_seed = &seed_instance,
      .instance_destroy = &destroy_instance,
      .state_get = &get_state,
      .state_set = &set_state,
      .call = &call,
      .result_destroy =
          [](tsc_result* result) {
            if (result != nullptr) reinterpret_cast<Result*>(result)->release();
          },
      .result_share = [](tsc_result* result, const tsc_tensor* tensor) -> tsc_managed_tensor* {
        return result == nullptr || tensor == nullptr ? nullptr : reinterpret_cast<Result*>(result)->share(*tensor);
      },
      .call_on = &call_on,
  };
  const bool same_major = abi_version >> 16 == TSC_ABI_VERSION >> 16;
  return same_major && abi_version <= TSC_ABI_VERSION ? &kTable : nullptr;
}

}  // namespace tsc
