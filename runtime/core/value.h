// Between tsc_value and the runtime's values: a Reader takes what the caller gives, with messages that name the place
// ("forward(): input 'x'['a'][2]: expected Tensor, got int"); a Writer makes a result. What a type's values look like is
// its Marshal's (marshal.h).
#pragma once

#include "runtime/core/dense.h"
#include "runtime/core/object.h"
#include "runtime/include/tsc/tsc.h"

namespace tsc {

// Text under construction, for messages. What does not fit is cut.
class Text {
 public:
  void append(const char* text) { append(text, static_cast<i64>(libc::strlen(text))); }
  void append(const char* text, i64 size) {
    for (i64 i = 0; i < size && size_ + 1 < sizeof buffer_; ++i) buffer_[size_++] = text[i];
    buffer_[size_] = 0;
  }
  void append_int(i64 value) {
    char digits[24];
    append(digits, libc::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(value)));
  }
  const char* c_str() const { return buffer_; }

 private:
  char buffer_[512] = {};
  size_t size_ = 0;
};

// The place of a value within the inputs: a chain from it to the input, on the stack.
struct Path {
  const Path* outer;
  const char* name;  // an input, a field, or a key
  i64 index;         // when `name` is null
  enum { kInput, kState, kField, kKey, kIndex } kind;
  i64 name_size = -1;  // -1: ends with a zero

  void append_to(Text& text) const {
    if (outer != nullptr) outer->append_to(text);
    const i64 size = name == nullptr ? 0 : name_size >= 0 ? name_size : static_cast<i64>(libc::strlen(name));
    switch (kind) {
      case kInput:
        text.append("input '");
        break;
      case kState:
        text.append("state '");
        break;
      case kField:
        text.append(".");
        text.append(name, size);
        return;
      case kKey:
        text.append("['");
        text.append(name, size);
        text.append("']");
        return;
      case kIndex:
        text.append("[");
        text.append_int(index);
        text.append("]");
        return;
    }
    text.append(name, size);
    text.append("'");
  }
};

template <class T>
struct Marshal;

// Reads values of the caller's.
class Reader {
 public:
  enum class Ownership {
    kBorrow,  // tensors are windows of the caller's memory, for the time of a call
    kCopy,
  };
  Reader(Context& context, const char* method, Ownership ownership)
      : ctx(context), ownership_(ownership), method_(method) {}

  template <class T>
  [[gnu::noinline]] T read(const tsc_value& value, const Path& path) {
    T result{};
    if (ctx.enter()) Marshal<T>::read(*this, value, path, result);
    ctx.leave();
    return result;
  }
  template <class T>
  [[gnu::cold, gnu::noinline]] void fail_type(const tsc_value& value, const Path& path) {
    Text expected;
    Marshal<T>::append_type(expected);
    fail(ErrorKind::kType, path, "expected ", expected.c_str(), ", got ", kind_name(value.kind));
  }
  [[gnu::cold, gnu::noinline]] void fail(ErrorKind kind, const Path& path, const char* a, const char* b = "",
                                         const char* c = "", const char* d = "") {
    Text place;
    path.append_to(place);
    if (method_[0] != 0) {
      ctx.fail(kind, "%s(): %s: %s%s%s%s", method_, place.c_str(), a, b, c, d);
    } else {
      ctx.fail(kind, "%s: %s%s%s%s", place.c_str(), a, b, c, d);
    }
  }
  // The items of a list, tuple, dict or object; false when the descriptor is broken.
  bool check_sequence(const tsc_value& value, const Path& path) {
    if (value.as.sequence.count == 0 || value.as.sequence.items != nullptr) return true;
    fail(ErrorKind::kInvalidArgument, path, "its items are a null pointer");
    return false;
  }
  Tensor read_tensor(const tsc_value& value, const Path& path);

  static const char* kind_name(int32_t kind) {
    constexpr const char* kNames[] = {"None",   "bool", "int",   "float", "complex", "str",
                                      "Tensor", "list", "tuple", "dict",  "object"};
    return kind >= 0 && kind <= TSC_OBJECT ? kNames[kind] : "a value of an unknown kind";
  }

  Context& ctx;

 private:
  const Ownership ownership_;
  const char* method_;
};

// What a call returned. The first chunk of memory holds this object itself.
struct Result {
  struct Chunk {
    Chunk* next;
    size_t bytes;
  };
  tsc_result value;  // first: the caller's pointer
  Allocator allocator;
  Chunk* chunks = nullptr;
  Storage* storages = nullptr;  // linked through `user`
  DeviceResult* on_device = nullptr;
  uint32_t references = 1;      // the caller's and the shared tensors'; the only count that threads share
  char* free_begin = nullptr;
  char* free_end = nullptr;

  static Result* create(Context& ctx) {
    Chunk* chunk = allocate_chunk(ctx, sizeof(Result));
    if (chunk == nullptr) return nullptr;
    Result* result = new (chunk + 1, kPlace) Result;
    result->value = {};
    result->allocator = ctx.host().allocator;
    result->use(chunk, sizeof(Result));
    return result;
  }
  // Drops a reference; with the last one, all memory goes.
  void release() {
    if (__atomic_sub_fetch(&references, 1, __ATOMIC_ACQ_REL) != 0) return;
    const Allocator from = allocator;
    for (Storage* storage = storages; storage != nullptr;) {
      Storage* next = static_cast<Storage*>(storage->user);
      from.free(from.user, storage, SizeClass::of(storage->block_bytes()).bytes);
      storage = next;
    }
    while (on_device != nullptr) {
      DeviceResult* next = on_device->next;
      on_device->release(on_device);
      on_device = next;
    }
    for (Chunk* chunk = chunks; chunk != nullptr;) {
      Chunk* next = chunk->next;
      from.free(from.user, chunk, chunk->bytes);
      chunk = next;
    }
  }
  // Memory that lives as long as the result; null when there is none.
  void* take(Context& ctx, size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (bytes > static_cast<size_t>(free_end - free_begin)) {
      Chunk* chunk = allocate_chunk(ctx, bytes);
      if (chunk == nullptr) return nullptr;
      use(chunk, 0);
    }
    void* block = free_begin;
    free_begin += bytes;
    return block;
  }
  tsc_managed_tensor* share(const tsc_tensor& tensor) {
    const size_t bytes = SizeClass::round_up(sizeof(tsc_managed_tensor));
    auto* shared = static_cast<tsc_managed_tensor*>(allocator.allocate(allocator.user, kAlignment, bytes));
    if (shared == nullptr) return nullptr;
    __atomic_add_fetch(&references, 1, __ATOMIC_RELAXED);
    *shared = {tensor, this, [](tsc_managed_tensor* self) {
                 Result* result = static_cast<Result*>(self->manager_ctx);
                 const Allocator from = result->allocator;
                 from.free(from.user, self, SizeClass::round_up(sizeof(tsc_managed_tensor)));
                 result->release();
               }};
    return shared;
  }
  // Takes a storage over from its context.
  void adopt(Storage* storage) {
    storage->owner->detach(storage->block_bytes());
    storage->owner = nullptr;
    storage->user = storages;
    storages = storage;
  }

 private:
  static Chunk* allocate_chunk(Context& ctx, size_t bytes) {
    constexpr size_t kChunkBytes = 512;
    const size_t all = SizeClass::of(max(bytes + sizeof(Chunk), kChunkBytes)).bytes;
    const Allocator& from = ctx.host().allocator;
    Chunk* chunk = static_cast<Chunk*>(from.allocate(from.user, kAlignment, all));
    if (chunk == nullptr) {
      ctx.fail(ErrorKind::kOutOfMemory, "out of memory: %zu bytes of a result", all);
      return nullptr;
    }
    chunk->next = nullptr;
    chunk->bytes = all;
    return chunk;
  }
  void use(Chunk* chunk, size_t used) {
    chunk->next = chunks;
    chunks = chunk;
    free_begin = reinterpret_cast<char*>(chunk + 1) + ((used + 15) & ~size_t{15});
    free_end = reinterpret_cast<char*>(chunk) + chunk->bytes;
  }
};

// Writes values to a result. Storage that nobody else can reach moves there; all other elements are copied.
class Writer {
 public:
  enum class Sharing {
    kNone,    // the value dies with the call
    kShared,  // something else refers to it: a state
  };
  Writer(Context& context, Result& to, Sharing sharing)
      : ctx(context), result(to), shared_(sharing == Sharing::kShared) {}

  template <class T>
  [[gnu::noinline]] void write(const T& value, tsc_value& to) {
    to = {};
    if (ctx.enter()) Marshal<T>::write(*this, value, to);
    ctx.leave();
  }
  // The same for the parts of an object with that many references.
  template <class T>
  void write_part(const T& value, tsc_value& to, int32_t references) {
    const bool outer = shared_;
    shared_ = outer || references != 1;
    write(value, to);
    shared_ = outer;
  }
  tsc_value* make_sequence(tsc_value& to, tsc_kind kind, i64 count) {
    to.kind = kind;
    if (count == 0) return nullptr;
    to.as.sequence.items = static_cast<tsc_value*>(result.take(ctx, static_cast<size_t>(count) * sizeof(tsc_value)));
    to.as.sequence.count = to.as.sequence.items == nullptr ? 0 : static_cast<size_t>(count);
    return to.as.sequence.items;
  }
  void write_tensor(const Tensor& tensor, tsc_value& to);
  void write_str(const char* data, i64 size, tsc_value& to) {
    char* text = static_cast<char*>(result.take(ctx, static_cast<size_t>(size) + 1));
    if (text == nullptr) return;
    libc::memcpy(text, data, static_cast<size_t>(size));
    text[size] = 0;
    to.kind = TSC_STR;
    to.as.str.data = text;
    to.as.str.size = static_cast<size_t>(size);
  }

  Context& ctx;
  Result& result;

 private:
  bool shared_;
};
struct DLPackType {
  DType dtype;
  uint8_t code, bits;
};
inline constexpr DLPackType kDLPackTypes[] = {
    {DType::kUInt8, TSC_DTYPE_UINT, 8},           {DType::kInt8, TSC_DTYPE_INT, 8},
    {DType::kInt16, TSC_DTYPE_INT, 16},           {DType::kInt32, TSC_DTYPE_INT, 32},
    {DType::kInt64, TSC_DTYPE_INT, 64},           {DType::kFloat16, TSC_DTYPE_FLOAT, 16},
    {DType::kFloat32, TSC_DTYPE_FLOAT, 32},       {DType::kFloat64, TSC_DTYPE_FLOAT, 64},
    {DType::kComplex32, TSC_DTYPE_COMPLEX, 32},   {DType::kComplex64, TSC_DTYPE_COMPLEX, 64},
    {DType::kComplex128, TSC_DTYPE_COMPLEX, 128}, {DType::kBool, TSC_DTYPE_BOOL, 8},
    {DType::kBFloat16, TSC_DTYPE_BFLOAT, 16},
};

inline Tensor Reader::read_tensor(const tsc_value& value, const Path& path) {
  const tsc_tensor* given = value.as.tensor;
  if (given == nullptr) return fail(ErrorKind::kInvalidArgument, path, "its tensor is a null pointer"), Tensor();
  const auto device = static_cast<int32_t>(given->device.device_type);
  const DeviceTable* const table = kHasDevice ? ctx.host().device : nullptr;
  const bool on_device = table != nullptr && device == table->memory;
  if (device != 1 && device != 3 && !on_device) {
    return fail(ErrorKind::kUnsupported, path, "the tensor is not in the CPU's memory"), Tensor();
  }
  if (given->ndim < 0 || given->ndim > kMaxRank) {
    return fail(ErrorKind::kInvalidArgument, path, "the tensor's number of dimensions is not in 0 to 64"), Tensor();
  }
  DType dtype = DType::kUnknown;
  for (const DLPackType& type : kDLPackTypes) {
    if (type.code == given->dtype.code && type.bits == given->dtype.bits && given->dtype.lanes == 1) dtype = type.dtype;
  }
  if (dtype == DType::kUnknown)
    return fail(ErrorKind::kUnsupported, path, "the tensor's dtype is not supported"), Tensor();
  if (given->ndim > 0 && given->shape == nullptr) {
    return fail(ErrorKind::kInvalidArgument, path, "the tensor's shape is a null pointer"), Tensor();
  }
  const Sizes sizes(given->shape, given->ndim);
  bool is_empty = false;
  for (const i64 size : sizes) {
    if (size < 0) return fail(ErrorKind::kInvalidArgument, path, "the tensor has a negative size"), Tensor();
    is_empty = is_empty || size == 0;
  }
  const i64 element = tsc::element_size(dtype);
  i64 row_major[kMaxRank], bytes = element;
  for (const i64 size : sizes) {
    if (!checked_multiply(bytes, max<i64>(1, size), bytes)) {
      return fail(ErrorKind::kInvalidArgument, path, "the tensor's size in bytes overflows"), Tensor();
    }
  }
  Tensor::contiguous_strides(sizes, row_major);
  const Sizes strides(given->strides == nullptr || is_empty ? row_major : given->strides, given->ndim);
  for (i64 d = 0; d < sizes.size(); ++d) {
    if (strides[d] < 0 && sizes[d] > 1) {
      return fail(ErrorKind::kInvalidArgument, path, "the tensor has a negative stride: pass a copy"), Tensor();
    }
  }
  if (!Tensor::extent_bytes(sizes, strides, element, bytes)) {
    return fail(ErrorKind::kInvalidArgument, path, "the tensor's strides reach too far"), Tensor();
  }
  if (given->data == nullptr && !is_empty) {
    return fail(ErrorKind::kInvalidArgument, path, "the tensor's data is a null pointer"), Tensor();
  }
  char* data = static_cast<char*>(given->data);
  if (data != nullptr) data += given->byte_offset;
  const i64 alignment = is_complex(dtype) ? element / 2 : element;
  if (!is_empty && reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(alignment) != 0) {
    return fail(ErrorKind::kInvalidArgument, path, "the tensor's data is not aligned to its elements"), Tensor();
  }
  if (on_device && !is_empty) {
    Storage* storage = table->borrow(ctx, data, static_cast<size_t>(bytes), given->device.device_id);
    if (storage == nullptr) return {};
    const i64 offset = data - storage->device->data;
    Tensor there = Tensor::on_storage(ctx, storage, offset, dtype, sizes, strides);
    return ownership_ == Ownership::kBorrow ? there : copy_dense(ctx, there);
  }
  Tensor borrowed = Tensor::borrow(ctx, data, dtype, sizes, strides);
  if (ownership_ == Ownership::kBorrow) return borrowed;
  return copy_dense(ctx, borrowed);
}

inline void Writer::write_tensor(const Tensor& tensor, tsc_value& to) {
  if (!tensor.defined()) return;  // stays None
  const i64 rank = tensor.dim();
  auto* made = static_cast<tsc_tensor*>(result.take(ctx, sizeof(tsc_tensor)));
  auto* dims = static_cast<i64*>(result.take(ctx, static_cast<size_t>(max<i64>(1, rank)) * 2 * sizeof(i64)));
  if (made == nullptr || dims == nullptr) return;
  *made = {};
  made->ndim = static_cast<int32_t>(rank);
  made->shape = dims;
  made->strides = dims + rank;
  for (i64 d = 0; d < rank; ++d) dims[d] = tensor.size(d);
  Tensor::contiguous_strides(tensor.sizes(), made->strides);
  for (const DLPackType& type : kDLPackTypes) {
    if (type.dtype != tensor.dtype()) continue;
    made->dtype.code = type.code;
    made->dtype.bits = type.bits;
    made->dtype.lanes = 1;
  }
  if (kHasDevice && ctx.placement().results_on_device) {
    const DeviceTable& device = *ctx.host().device;
    DeviceResult* there = device.take(ctx, tensor, !shared_);
    if (there == nullptr) return;
    there->next = result.on_device;
    result.on_device = there;
    made->data = there->data;
    made->device.device_type = static_cast<decltype(made->device.device_type)>(device.memory);
    made->device.device_id = there->device;
    to.kind = TSC_TENSOR;
    to.as.tensor = made;
    return;
  }
  TensorImpl* impl = tensor.impl();
  Storage* storage = impl->storage;
  const bool movable = !shared_ && impl->references == 1 && storage != nullptr && storage->references == 1 &&
                       storage->kind == Storage::Kind::kOwned && tensor.is_contiguous();
  char* data = impl->data;
  if (movable) {
    storage->reach(false);
    storage->leave_device();
    impl->storage = nullptr;  // a second look at this tensor, through a shared list, finds no storage and copies
    result.adopt(storage);
  } else {
    Storage* copy = Storage::allocate(ctx, static_cast<size_t>(tensor.numel() * tensor.element_size()));
    if (copy == nullptr) return;
    data = static_cast<char*>(copy->data);
    pack_elements(ctx, tensor, data);
    result.adopt(copy);
  }
  made->data = data;
  made->device.device_type = static_cast<decltype(made->device.device_type)>(1);
  to.kind = TSC_TENSOR;
  to.as.tensor = made;
}

}  // namespace tsc
