// Between tsc_value and the runtime's values. `Marshal<T>` knows for every type how to read it from the caller, with a
// message that names the place ("forward(): input 'x'['a'][2]: expected Tensor, got int"), how to write it to a result,
// and how to make it independent of the caller's memory.
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
  if (device != 1 && device != 3) {
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
  TensorImpl* impl = tensor.impl();
  Storage* storage = impl->storage;
  const bool movable = !shared_ && impl->references == 1 && storage != nullptr && storage->references == 1 &&
                       storage->kind == Storage::Kind::kOwned && tensor.is_contiguous();
  char* data = impl->data;
  if (movable) {
    impl->storage = nullptr;  // a second look at this tensor, through a shared list, finds no storage and copies
    result.adopt(storage);
  } else {
    Storage* copy = Storage::allocate(ctx, static_cast<size_t>(tensor.numel() * tensor.element_size()));
    if (copy == nullptr) return;
    data = static_cast<char*>(copy->data);
    pack_elements(tensor, data);
    result.adopt(copy);
  }
  *made = {};
  made->data = data;
  made->device.device_type = static_cast<decltype(made->device.device_type)>(1);
  made->ndim = static_cast<int32_t>(rank);
  for (const DLPackType& type : kDLPackTypes) {
    if (type.dtype != tensor.dtype()) continue;
    made->dtype.code = type.code;
    made->dtype.bits = type.bits;
    made->dtype.lanes = 1;
  }
  made->shape = dims;
  made->strides = dims + rank;
  for (i64 d = 0; d < rank; ++d) dims[d] = tensor.size(d);
  Tensor::contiguous_strides(tensor.sizes(), made->strides);
  to.kind = TSC_TENSOR;
  to.as.tensor = made;
}

// `own` gives what outlives a call (state) memory of its own, where it refers to the caller's.

template <>
struct Marshal<Tensor> {
  static void append_type(Text& text) { text.append("Tensor"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Tensor& to) {
    if (value.kind != TSC_TENSOR) return reader.fail_type<Tensor>(value, path);
    to = reader.read_tensor(value, path);
  }
  static void write(Writer& writer, const Tensor& tensor, tsc_value& to) { writer.write_tensor(tensor, to); }
  static void own(Context& ctx, Tensor& tensor) {
    TensorImpl* impl = tensor.impl();
    if (impl->storage == nullptr || impl->storage->kind != Storage::Kind::kBorrowed) return;
    Storage* copy = Storage::allocate(ctx, static_cast<size_t>(tensor.numel() * tensor.element_size()));
    if (copy == nullptr) {
      tensor = Tensor();
      return;
    }
    pack_elements(tensor, static_cast<char*>(copy->data));
    impl->storage->drop();
    impl->storage = copy;
    impl->data = static_cast<char*>(copy->data);
    Tensor::contiguous_strides(tensor.sizes(), impl->strides);
  }
};

template <>
struct Marshal<None> {
  static void append_type(Text& text) { text.append("None"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, None&) {
    if (value.kind != TSC_NONE) reader.fail_type<None>(value, path);
  }
  static void write(Writer&, None, tsc_value&) {}
  static void own(Context&, None&) {}
};

template <>
struct Marshal<bool> {
  static void append_type(Text& text) { text.append("bool"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, bool& to) {
    if (value.kind != TSC_BOOL) return reader.fail_type<bool>(value, path);
    to = value.as.boolean != 0;
  }
  static void write(Writer&, bool value, tsc_value& to) {
    to.kind = TSC_BOOL;
    to.as.boolean = value;
  }
  static void own(Context&, bool&) {}
};

// As Python does, bool is an int, an int a float, and a float a complex number.
template <>
struct Marshal<Scalar> {
  static void append_type(Text& text) { text.append("number"); }
  static bool convert(const tsc_value& value, Scalar& to) {
    switch (value.kind) {
      case TSC_BOOL:
        to = value.as.boolean != 0;
        return true;
      case TSC_INT:
        to = value.as.integer;
        return true;
      case TSC_FLOAT:
        to = value.as.real;
        return true;
      case TSC_COMPLEX:
        to = Complex<double>(value.as.complex_value[0], value.as.complex_value[1]);
        return true;
      default:
        return false;
    }
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Scalar& to) {
    if (!convert(value, to)) reader.fail_type<Scalar>(value, path);
  }
  static void write(Writer&, const Scalar& value, tsc_value& to) {
    switch (value.kind()) {
      case Scalar::Kind::kBool:
        to.kind = TSC_BOOL;
        to.as.boolean = value.to_bool();
        return;
      case Scalar::Kind::kInt:
        to.kind = TSC_INT;
        to.as.integer = value.to_int();
        return;
      case Scalar::Kind::kFloat:
        to.kind = TSC_FLOAT;
        to.as.real = value.to_double();
        return;
      case Scalar::Kind::kComplex:
        to.kind = TSC_COMPLEX;
        to.as.complex_value[0] = value.to_complex().real;
        to.as.complex_value[1] = value.to_complex().imag;
        return;
    }
  }
  static void own(Context&, Scalar&) {}
};
template <>
struct Marshal<i64> {
  static void append_type(Text& text) { text.append("int"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, i64& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number) || value.kind > TSC_INT) return reader.fail_type<i64>(value, path);
    to = number.to_int();
  }
  static void write(Writer& writer, i64 value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, i64&) {}
};
template <>
struct Marshal<double> {
  static void append_type(Text& text) { text.append("float"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, double& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number) || value.kind > TSC_FLOAT)
      return reader.fail_type<double>(value, path);
    to = number.to_double();
  }
  static void write(Writer& writer, double value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, double&) {}
};
template <>
struct Marshal<Complex<double>> {
  static void append_type(Text& text) { text.append("complex"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Complex<double>& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number)) return reader.fail_type<Complex<double>>(value, path);
    to = number.to_complex();
  }
  static void write(Writer& writer, Complex<double> value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, Complex<double>&) {}
};

// Strings are copied on the way in, since programs keep pieces of them.
template <>
struct Marshal<Str> {
  static void append_type(Text& text) { text.append("str"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Str& to) {
    if (value.kind != TSC_STR) return reader.fail_type<Str>(value, path);
    if (value.as.str.size == 0) return;
    if (value.as.str.data == nullptr || value.as.str.size > kMaxBytes) {
      return reader.fail(ErrorKind::kInvalidArgument, path, "the string is a null pointer or too long");
    }
    to = Str::copy(reader.ctx, value.as.str.data, static_cast<i64>(value.as.str.size));
  }
  static void write(Writer& writer, const Str& value, tsc_value& to) {
    writer.write_str(value.data(), value.size(), to);
  }
  static void own(Context&, Str&) {}

 private:
  static constexpr size_t kMaxBytes = size_t{1} << 40;
};

// Devices travel as strings: "cpu", "cuda:0".
template <>
struct Marshal<Device> {
  static void append_type(Text& text) { text.append("device"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Device& to) {
    if (value.kind != TSC_STR) return reader.fail_type<Device>(value, path);
    const Str name = Str::literal(value.as.str.data, static_cast<i64>(value.as.str.size));
    if (!(name == "cpu")) reader.fail(ErrorKind::kUnsupported, path, "the only device is cpu");
    to = Device{};
  }
  static void write(Writer& writer, Device device, tsc_value& to) {
    char name[16];
    const char* type = device.type == Device::Type::kCpu ? "cpu" : "cuda";
    const int size = device.index < 0 ? libc::snprintf(name, sizeof name, "%s", type)
                                      : libc::snprintf(name, sizeof name, "%s:%d", type, device.index);
    writer.write_str(name, size, to);
  }
  static void own(Context&, Device&) {}
};

template <class T>
struct Marshal<Optional<T>> {
  static void append_type(Text& text) {
    text.append("Optional[");
    Marshal<T>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Optional<T>& to) {
    if (value.kind != TSC_NONE) to = reader.read<T>(value, path);
  }
  static void write(Writer& writer, const Optional<T>& value, tsc_value& to) {
    if (value.has_value()) writer.write(*value, to);
  }
  static void own(Context& ctx, Optional<T>& value) {
    if (value.has_value()) Marshal<T>::own(ctx, *value);
  }
};

// A list may be given as a tuple.
template <class T>
struct Marshal<List<T>> {
  static void append_type(Text& text) {
    text.append("List[");
    Marshal<T>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, List<T>& to) {
    if (value.kind != TSC_LIST && value.kind != TSC_TUPLE) return reader.fail_type<List<T>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    const i64 count = static_cast<i64>(value.as.sequence.count);
    to = List<T>::make(reader.ctx, count);
    for (i64 i = 0; i < count && reader.ctx.ok(); ++i) {
      to.append(reader.read<T>(value.as.sequence.items[i], Path{&path, nullptr, i, Path::kIndex}));
    }
  }
  static void write(Writer& writer, const List<T>& list, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_LIST, list.size());
    for (i64 i = 0; items != nullptr && i < list.size(); ++i) {
      writer.write_part(list[i], items[i], list.impl()->references);
    }
  }
  static void own(Context& ctx, List<T>& list) {
    for (T& item : list) Marshal<T>::own(ctx, item);
  }
};

template <class K, class V>
struct Marshal<Dict<K, V>> {
  static void append_type(Text& text) {
    text.append("Dict[");
    Marshal<K>::append_type(text);
    text.append(", ");
    Marshal<V>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Dict<K, V>& to) {
    if (value.kind != TSC_DICT) return reader.fail_type<Dict<K, V>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    if (value.as.sequence.count % 2 != 0) {
      return reader.fail(ErrorKind::kInvalidArgument, path, "a dict has a key without a value");
    }
    to = Dict<K, V>::make(reader.ctx);
    for (size_t i = 0; i < value.as.sequence.count && reader.ctx.ok(); i += 2) {
      const tsc_value& key = value.as.sequence.items[i];
      const bool is_str = key.kind == TSC_STR && key.as.str.data != nullptr;
      const Path place = is_str ? Path{&path, key.as.str.data, 0, Path::kKey, static_cast<i64>(key.as.str.size)}
                                : Path{&path, nullptr, key.kind == TSC_INT ? key.as.integer : 0, Path::kIndex};
      K name = reader.read<K>(key, place);
      V item = reader.read<V>(value.as.sequence.items[i + 1], place);
      if (reader.ctx.ok()) to.set(tsc::move(name), tsc::move(item));
    }
  }
  static void write(Writer& writer, const Dict<K, V>& dict, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_DICT, 2 * dict.size());
    if (items == nullptr) return;
    for (const auto& entry : dict) {
      writer.write_part(entry.key, *items++, dict.impl()->references);
      writer.write_part(entry.value, *items++, dict.impl()->references);
    }
  }
  static void own(Context& ctx, Dict<K, V>& dict) {
    for (auto& entry : dict) Marshal<V>::own(ctx, entry.value);
  }
};

template <class... T>
struct Marshal<Tuple<T...>> {
  static constexpr int kSize = static_cast<int>(sizeof...(T));
  static void append_type(Text& text) {
    const char* separator = "Tuple[";
    ((text.append(separator), Marshal<T>::append_type(text), separator = ", "), ...);
    text.append(kSize == 0 ? "Tuple[()]" : "]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Tuple<T...>& to) {
    if (value.kind != TSC_TUPLE) return reader.fail_type<Tuple<T...>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    if (value.as.sequence.count != sizeof...(T)) {
      Text expected;
      append_type(expected);
      return reader.fail(ErrorKind::kType, path, "expected ", expected.c_str(), ", got a tuple of another length");
    }
    read_fields(reader, value.as.sequence.items, path, to, MakeIndices<kSize>());
  }
  static void write(Writer& writer, const Tuple<T...>& tuple, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_TUPLE, kSize);
    if (items != nullptr) write_fields(writer, tuple, items, MakeIndices<kSize>());
  }
  static void own(Context& ctx, Tuple<T...>& tuple) { own_fields(ctx, tuple, MakeIndices<kSize>()); }

 private:
  template <int... I>
  static void read_fields([[maybe_unused]] Reader& reader, [[maybe_unused]] const tsc_value* items,
                          [[maybe_unused]] const Path& path, Tuple<T...>& to, Indices<I...>) {
    ((to.template get<I>() = reader.read<T>(items[I], Path{&path, nullptr, I, Path::kIndex})), ...);
  }
  template <int... I>
  static void write_fields(Writer& writer, const Tuple<T...>& tuple, tsc_value* items, Indices<I...>) {
    (writer.write(tuple.template get<I>(), items[I]), ...);
  }
  template <int... I>
  static void own_fields([[maybe_unused]] Context& ctx, Tuple<T...>& tuple, Indices<I...>) {
    (Marshal<T>::own(ctx, tuple.template get<I>()), ...);
  }
};
template <class Names, class... T>
struct Marshal<NamedTuple<Names, T...>> : Marshal<Tuple<T...>> {
  static constexpr tsc_names kNames = {Names::kTypeName, Names::kFieldNames};
  static void write(Writer& writer, const Tuple<T...>& tuple, tsc_value& to) {
    Marshal<Tuple<T...>>::write(writer, tuple, to);
    to.names = &kNames;
  }
};

template <class T>
struct Marshal<Ref<T>> {
  static constexpr tsc_names kNames = {T::kTypeName, T::kFieldNames};
  static void append_type(Text& text) { text.append(T::kTypeName); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Ref<T>& to) {
    if (value.kind != TSC_OBJECT) return reader.fail_type<Ref<T>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    Ref<T> object = Ref<T>::make(reader.ctx);
    if (!object.defined()) return;
    if (value.as.sequence.count != field_count(*object)) {
      return reader.fail(ErrorKind::kType, path, "expected a ", T::kTypeName, ", got an object with other fields");
    }
    size_t i = 0;
    object->fields([&](auto& field) {
      const Path place{&path, T::kFieldNames[i], 0, Path::kField};
      const tsc_value* item = find_field(value, i++);
      if (item == nullptr) return reader.fail(ErrorKind::kType, place, "the object has no such field");
      field = reader.read<Bare<decltype(field)>>(*item, place);
    });
    to = object;
  }
  static void write(Writer& writer, const Ref<T>& object, tsc_value& to) {
    if (!object.defined()) return;
    tsc_value* items = writer.make_sequence(to, TSC_OBJECT, static_cast<i64>(field_count(*object)));
    to.names = &kNames;
    if (items == nullptr) return;
    object->fields([&](auto& field) { writer.write_part(field, *items++, object->references); });
  }
  static void own(Context& ctx, Ref<T>& object) {
    if (!object.defined()) return;
    if (ctx.enter()) {
      object->fields([&](auto& field) { Marshal<Bare<decltype(field)>>::own(ctx, field); });
    }
    ctx.leave();
  }

 private:
  // By name where the caller names the fields, otherwise by position.
  static const tsc_value* find_field(const tsc_value& value, size_t field) {
    if (value.names == nullptr || value.names->field_names == nullptr) return &value.as.sequence.items[field];
    for (size_t i = 0; i < value.as.sequence.count; ++i) {
      const char* name = value.names->field_names[i];
      if (name != nullptr && libc::strcmp(name, T::kFieldNames[field]) == 0) return &value.as.sequence.items[i];
    }
    return nullptr;
  }
  static size_t field_count(T& object) {
    size_t count = 0;
    object.fields([&](auto&) { ++count; });
    return count;
  }
};

// Any: the type follows from the value. A list or dict whose items have one plain type is one of that type, another has
// Any items.
template <>
struct Marshal<Any> {
  static void append_type(Text& text) { text.append("Any"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    switch (value.kind) {
      case TSC_NONE:
        return;
      case TSC_BOOL:
        return box<bool>(reader, value, path, to);
      case TSC_INT:
        return box<i64>(reader, value, path, to);
      case TSC_FLOAT:
        return box<double>(reader, value, path, to);
      case TSC_COMPLEX:
        return box<Complex<double>>(reader, value, path, to);
      case TSC_STR:
        return box<Str>(reader, value, path, to);
      case TSC_TENSOR:
        return box<Tensor>(reader, value, path, to);
      case TSC_TUPLE:
        return box<AnyTuple>(reader, value, path, to);
      case TSC_LIST:
        if (!reader.check_sequence(value, path)) return;
        switch (common_kind(value, 0, 1)) {
          case TSC_BOOL:
            return box<List<bool>>(reader, value, path, to);
          case TSC_INT:
            return box<List<i64>>(reader, value, path, to);
          case TSC_FLOAT:
            return box<List<double>>(reader, value, path, to);
          case TSC_STR:
            return box<List<Str>>(reader, value, path, to);
          case TSC_TENSOR:
            return box<List<Tensor>>(reader, value, path, to);
          default:
            return box<List<Any>>(reader, value, path, to);
        }
      case TSC_DICT:
        if (!reader.check_sequence(value, path)) return;
        return common_kind(value, 0, 2) == TSC_INT ? box_dict<i64>(reader, value, path, to)
                                                   : box_dict<Str>(reader, value, path, to);
      default:
        return reader.fail(ErrorKind::kUnsupported, path, Reader::kind_name(value.kind), " cannot be given for Any");
    }
  }
  static void write(Writer& writer, const Any& value, tsc_value& to) {
    if (!value.is_none()) value.impl()->type->write(writer, *value.impl(), to);
  }
  static void own(Context& ctx, Any& value) {
    if (!value.is_none()) value.impl()->type->own(ctx, *value.impl());
  }

 private:
  template <class T>
  static void box(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    to = Any::make(reader.ctx, reader.read<T>(value, path));
  }
  template <class K>
  static void box_dict(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    switch (common_kind(value, 1, 2)) {
      case TSC_INT:
        return box<Dict<K, i64>>(reader, value, path, to);
      case TSC_FLOAT:
        return box<Dict<K, double>>(reader, value, path, to);
      case TSC_STR:
        return box<Dict<K, Str>>(reader, value, path, to);
      case TSC_TENSOR:
        return box<Dict<K, Tensor>>(reader, value, path, to);
      default:
        return box<Dict<K, Any>>(reader, value, path, to);
    }
  }
  // The kind of every `step`-th item from `first` on; -1 when they differ or there is none.
  static int32_t common_kind(const tsc_value& value, size_t first, size_t step) {
    int32_t kind = -1;
    for (size_t i = first; i < value.as.sequence.count; i += step) {
      const int32_t next = value.as.sequence.items[i].kind;
      if (kind != -1 && kind != next) return -1;
      kind = next;
    }
    return kind;
  }
};

template <>
struct Marshal<AnyTuple> {
  static void append_type(Text& text) { text.append("Tuple"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, AnyTuple& to) {
    Marshal<List<Any>>::read(reader, value, path, to.fields);
  }
  static void write(Writer& writer, const AnyTuple& tuple, tsc_value& to) {
    Marshal<List<Any>>::write(writer, tuple.fields, to);
    to.kind = TSC_TUPLE;
  }
  static void own(Context& ctx, AnyTuple& tuple) { Marshal<List<Any>>::own(ctx, tuple.fields); }
};

// An Enum's member travels as an object with the fields `name` and `value`. The caller may give its value alone.
template <class T>
  requires(__is_enum(T))
struct Marshal<T> {
  using Members = decltype(members_of(T{}));
  static constexpr const char* kFieldNames[] = {"name", "value"};
  static constexpr tsc_names kNames = {Members::kTypeName, kFieldNames};
  static void append_type(Text& text) { text.append(Members::kTypeName); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, T& to) {
    const bool is_object = value.kind == TSC_OBJECT && value.as.sequence.count == 2 && value.as.sequence.items != nullptr;
    const tsc_value& given = is_object ? value.as.sequence.items[1] : value;
    for (i64 i = 0; i < Members::kCount; ++i) {
      if (!is_value(given, Members::kValues[i])) continue;
      to = static_cast<T>(i);
      return;
    }
    reader.fail(ErrorKind::kType, path, "expected a member of ", Members::kTypeName, ", got ",
                is_object ? "another object" : Reader::kind_name(value.kind));
  }
  static void write(Writer& writer, T member, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_OBJECT, 2);
    to.names = &kNames;
    if (items == nullptr) return;
    const char* name = Members::kNames[static_cast<i64>(member)];
    writer.write_str(name, static_cast<i64>(libc::strlen(name)), items[0]);
    write_value(writer, Members::kValues[static_cast<i64>(member)], items[1]);
  }
  static void own(Context&, T&) {}

 private:
  static bool is_value(const tsc_value& given, i64 value) { return given.kind == TSC_INT && given.as.integer == value; }
  static bool is_value(const tsc_value& given, double value) { return given.kind == TSC_FLOAT && given.as.real == value; }
  static bool is_value(const tsc_value& given, const char* value) {
    return given.kind == TSC_STR && given.as.str.data != nullptr && given.as.str.size == libc::strlen(value) &&
           libc::memcmp(given.as.str.data, value, given.as.str.size) == 0;
  }
  template <class Value>
  static void write_value(Writer& writer, Value value, tsc_value& to) {
    if constexpr (__is_same(Value, const char*)) {
      writer.write_str(value, static_cast<i64>(libc::strlen(value)), to);
    } else {
      writer.write(value, to);
    }
  }
};

template <class T>
inline constexpr TypeInfo::Family family_of = TypeInfo::Family::kOther;
template <class T>
inline constexpr TypeInfo::Family family_of<List<T>> = TypeInfo::Family::kList;
template <class... T>
inline constexpr TypeInfo::Family family_of<Tuple<T...>> = TypeInfo::Family::kTuple;
template <class... T>
inline constexpr TypeInfo::Family family_of<NamedTuple<T...>> = TypeInfo::Family::kTuple;
template <>
inline constexpr TypeInfo::Family family_of<AnyTuple> = TypeInfo::Family::kTuple;

template <class T>
constinit const TypeInfo TypeInfoOf<T>::value = {
    family_of<T>,
    [](AnyBox* box) { free_object(static_cast<AnyBoxOf<T>*>(box)); },
    [](Writer& writer, const AnyBox& box, tsc_value& to) {
      writer.write_part(static_cast<const AnyBoxOf<T>&>(box).value, to, box.references);
    },
    [](Context& ctx, AnyBox& box) { Marshal<T>::own(ctx, static_cast<AnyBoxOf<T>&>(box).value); },
};

}  // namespace tsc
