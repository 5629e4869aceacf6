// Tensors: strided views of shared storage, with PyTorch's reference semantics. A Tensor is a handle; copies of it are
// the same tensor, and what an in-place op does to sizes or elements is seen through all of them.
//
// Reference counts are plain integers: the values of a call belong to its thread. Constants are immortal: their counts
// are never written, so threads share them. An undefined Tensor (no value, or the result of an op that failed) has one
// dimension of size 0 and no data, so that reading it is harmless.
#pragma once

#include "runtime/core/context.h"

namespace tsc {

inline constexpr int32_t kImmortal = -1;

// A run of bytes and its owner.
struct alignas(kAlignment) Storage {
  enum class Kind : uint8_t {
    kOwned,     // the bytes follow this header in one block of a context
    kBorrowed,  // the caller's memory: `release`, when there is one, is called at the end
    kConstant,  // never freed, never written
  };
  Context* owner = nullptr;  // whose block this header is; null for constants
  void* data = nullptr;
  size_t bytes = 0;
  int32_t references = 1;
  Kind kind = Kind::kConstant;
  void (*release)(void* user) = nullptr;
  void* user = nullptr;
  Storage* copy = nullptr;  // of borrowed memory, while tensors that outlive the call move there
  DeviceCopy* device = nullptr;  // the elements in a device's memory, if they are there, too

  static Storage* allocate(Context& ctx, size_t bytes) {
    void* block = ctx.allocate(sizeof(Storage) + bytes);
    if (block == nullptr) return nullptr;
    Storage* storage = new (block, kPlace) Storage;
    storage->owner = &ctx;
    storage->data = storage + 1;
    storage->bytes = bytes;
    storage->kind = Kind::kOwned;
    return storage;
  }
  static Storage* borrow(Context& ctx, void* data, size_t bytes, void (*release)(void*) = nullptr,
                         void* user = nullptr) {
    void* block = ctx.allocate(sizeof(Storage));
    if (block == nullptr) return nullptr;
    Storage* storage = new (block, kPlace) Storage;
    storage->owner = &ctx;
    storage->data = data;
    storage->bytes = bytes;
    storage->kind = Kind::kBorrowed;
    storage->release = release;
    storage->user = user;
    return storage;
  }
  // Before the host reads elements, or writes them.
  void reach(bool writes) {
    if constexpr (kHasDevice) {
      if (device != nullptr) device->reach(*this, writes);
    }
  }
  void leave_device() {
    if constexpr (kHasDevice) {
      if (device != nullptr) device->release(device);
      device = nullptr;
    }
  }
  size_t block_bytes() const { return sizeof(Storage) + (kind == Kind::kOwned ? bytes : 0); }

  void retain() {
    if (references != kImmortal) ++references;
  }
  void drop() {
    if (references == kImmortal || --references != 0) return;
    if (release != nullptr) release(user);
    leave_device();
    owner->free(this, block_bytes());
  }
};

// What a handle points to. Sizes and strides are in elements; they live in the object up to kInlineRank dimensions.
struct TensorImpl {
  static constexpr int kInlineRank = 8;
  int32_t references = 1;
  int32_t rank = 1;
  DType dtype = DType::kUnknown;
  Context* owner = nullptr;
  Storage* storage = nullptr;
  char* data = nullptr;  // of the first element
  i64 numel = 0;
  i64* sizes = inline_dims;
  i64* strides = inline_dims + kInlineRank;
  i64 inline_dims[2 * kInlineRank] = {};

  constexpr TensorImpl() = default;
  TensorImpl(const TensorImpl&) = delete;
  TensorImpl& operator=(const TensorImpl&) = delete;

  // Makes room for `new_rank` dimensions, whose values are then undefined; false when there is no memory.
  bool set_rank(i64 new_rank) {
    i64* const old = sizes == inline_dims ? nullptr : sizes;
    const size_t old_bytes = dims_bytes(rank);
    i64* dims = inline_dims;
    if (new_rank > kInlineRank) {
      dims = static_cast<i64*>(owner->allocate(dims_bytes(new_rank)));
      if (dims == nullptr) return false;
    }
    owner->free(old, old_bytes);
    rank = static_cast<int32_t>(new_rank);
    sizes = dims;
    strides = dims + (new_rank > kInlineRank ? new_rank : kInlineRank);
    return true;
  }
  [[gnu::noinline]] void destroy() {
    if (storage != nullptr) storage->drop();
    if (sizes != inline_dims) owner->free(sizes, dims_bytes(rank));
    owner->free(this, sizeof(TensorImpl));
  }

 private:
  static size_t dims_bytes(i64 rank) { return static_cast<size_t>(rank) * 2 * sizeof(i64); }
};

template <class T>
inline constexpr bool kIsConst = false;
template <class T>
inline constexpr bool kIsConst<const T> = true;

inline constexpr i64 kMaxRank = 64;  // PyTorch's own limit for most ops

class Tensor {
 public:
  constexpr Tensor() = default;
  constexpr explicit Tensor(TensorImpl* adopted) : impl_(adopted) {}
  Tensor(const Tensor& other) : impl_(other.impl_) { retain(); }
  Tensor(Tensor&& other) noexcept : impl_(other.impl_) { other.impl_ = &undefined_; }
  Tensor& operator=(const Tensor& other) {
    Tensor copy(other);
    swap(impl_, copy.impl_);
    return *this;
  }
  Tensor& operator=(Tensor&& other) noexcept {
    swap(impl_, other.impl_);
    return *this;
  }
  ~Tensor() {
    if (impl_->references != kImmortal && --impl_->references == 0) impl_->destroy();
  }

  bool defined() const { return impl_ != &undefined_; }
  DType dtype() const { return impl_->dtype; }
  i64 dim() const { return impl_->rank; }
  i64 numel() const { return impl_->numel; }
  Sizes sizes() const { return Sizes(impl_->sizes, impl_->rank); }
  Sizes strides() const { return Sizes(impl_->strides, impl_->rank); }
  i64 size(i64 d) const { return impl_->sizes[d]; }      // 0 <= d < dim()
  i64 stride(i64 d) const { return impl_->strides[d]; }  // in elements
  i64 element_size() const { return tsc::element_size(impl_->dtype); }
  // The first element. Constants' elements must not be written: see is_writable.
  template <class T>
  T* data() const {
    reach(!kIsConst<T>);
    return reinterpret_cast<T*>(impl_->data);
  }
  char* bytes() const {
    reach(true);
    return impl_->data;
  }
  i64 storage_offset() const {
    return impl_->storage == nullptr
               ? 0
               : (impl_->data - static_cast<char*>(impl_->storage->data)) / max<i64>(1, element_size());
  }
  bool is_writable() const { return impl_->storage != nullptr && impl_->storage->kind != Storage::Kind::kConstant; }
  // Row-major without gaps. Strides of dimensions of size 1 do not matter, and empty tensors are contiguous.
  bool is_contiguous() const {
    if (impl_->numel == 0) return true;
    i64 expected = 1;
    for (i64 d = impl_->rank - 1; d >= 0; --d) {
      if (impl_->sizes[d] == 1) continue;
      if (impl_->strides[d] != expected) return false;
      expected *= impl_->sizes[d];
    }
    return true;
  }
  // The same object; and the same bytes' owner.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  bool shares_storage(const Tensor& other) const {
    return impl_->storage != nullptr && impl_->storage == other.impl_->storage;
  }
  TensorImpl* impl() const { return impl_; }

  // Making tensors. All fail on the context and then return an undefined tensor.

  // Row-major, elements uninitialised.
  [[gnu::noinline]] static Tensor empty(Context& ctx, DType dtype, Sizes sizes) {
    i64 bytes;
    if (!ctx.ok() || !check_sizes(ctx, sizes, dtype, bytes)) return {};
    Storage* storage = Storage::allocate(ctx, static_cast<size_t>(bytes));
    if (storage == nullptr) return {};
    Tensor result = make(ctx, storage, static_cast<char*>(storage->data), dtype, sizes.size());
    if (result.defined()) result.set_contiguous(sizes);
    return result;
  }
  // With the strides given, which must be at least 0.
  static Tensor empty_strided(Context& ctx, DType dtype, Sizes sizes, Sizes strides) {
    i64 bytes;
    if (!ctx.ok() || !check_sizes(ctx, sizes, dtype, bytes)) return {};
    if (!extent_bytes(sizes, strides, tsc::element_size(dtype), bytes)) {
      return ctx.fail(ErrorKind::kRuntime, "empty_strided: the strides reach too far");
    }
    Storage* storage = Storage::allocate(ctx, static_cast<size_t>(bytes));
    if (storage == nullptr) return {};
    Tensor result = make(ctx, storage, static_cast<char*>(storage->data), dtype, sizes.size());
    if (result.defined()) result.set_geometry(sizes, strides);
    return result;
  }
  // A window of the caller's memory, with strides in elements.
  static Tensor borrow(Context& ctx, void* data, DType dtype, Sizes sizes, Sizes strides,
                       void (*release)(void*) = nullptr, void* user = nullptr) {
    i64 bytes;
    if (!ctx.ok() || !check_sizes(ctx, sizes, dtype, bytes)) return {};
    if (!extent_bytes(sizes, strides, tsc::element_size(dtype), bytes)) {
      return ctx.fail(ErrorKind::kInvalidArgument, "the strides of a tensor reach too far");
    }
    Storage* storage = Storage::borrow(ctx, data, static_cast<size_t>(bytes), release, user);
    if (storage == nullptr) return {};
    Tensor result = make(ctx, storage, static_cast<char*>(data), dtype, sizes.size());
    if (result.defined()) result.set_geometry(sizes, strides);
    return result;
  }
  // Another tensor on this one's storage; `offset` counts elements from this tensor's first. The caller has seen to it
  // that the window lies within the storage.
  Tensor view(Context& ctx, Sizes sizes, Sizes strides, i64 offset = 0) const {
    return view_as(ctx, dtype(), sizes, strides, offset * element_size());
  }
  // The same with another dtype, and the offset in bytes.
  Tensor view_as(Context& ctx, DType dtype, Sizes sizes, Sizes strides, i64 offset_bytes) const {
    if (!ctx.ok() || !defined()) return {};
    impl_->storage->retain();
    char* data = impl_->data == nullptr ? nullptr : impl_->data + offset_bytes;  // a caller's empty tensor may have none
    Tensor result = make(ctx, impl_->storage, data, dtype, sizes.size());
    if (result.defined()) result.set_geometry(sizes, strides);
    return result;
  }
  // A tensor on a storage, to which it takes over a reference, `offset` bytes from its begin.
  static Tensor on_storage(Context& ctx, Storage* storage, i64 offset, DType dtype, Sizes sizes, Sizes strides) {
    Tensor result = make(ctx, storage, static_cast<char*>(storage->data) + offset, dtype, sizes.size());
    if (result.defined()) result.set_geometry(sizes, strides);
    return result;
  }
  // A second handle object on the same elements: what `detach` returns.
  Tensor alias(Context& ctx) const { return view(ctx, sizes(), strides()); }

  // Writes strides of the row-major order.
  static void contiguous_strides(Sizes sizes, i64* strides) {
    i64 stride = 1;
    for (i64 d = sizes.size() - 1; d >= 0; --d) {
      strides[d] = stride;
      stride *= max<i64>(1, sizes[d]);
    }
  }
  // Bytes from the first to the end of the last element; false on overflow or a negative stride.
  static bool extent_bytes(Sizes sizes, Sizes strides, i64 element_bytes, i64& bytes) {
    i64 last = 0;
    bytes = 0;
    for (i64 d = 0; d < sizes.size(); ++d) {
      if (sizes[d] == 0) return true;
    }
    for (i64 d = 0; d < sizes.size(); ++d) {
      i64 reach;
      if (strides[d] < 0 && sizes[d] > 1) return false;
      if (!checked_multiply(sizes[d] - 1, strides[d], reach) || !checked_add(last, reach, last)) return false;
    }
    return checked_add(last, 1, last) && checked_multiply(last, element_bytes, bytes);
  }
  // Fails with PyTorch's words when a size is negative or the bytes overflow.
  static bool check_sizes(Context& ctx, Sizes sizes, DType dtype, i64& bytes) {
    i64 numel = 1, extent = 1;  // the extent counts sizes of 0 as 1: strides are computed from it
    for (i64 d = 0; d < sizes.size(); ++d) {
      if (sizes[d] < 0) {
        ctx.fail(ErrorKind::kRuntime, "Trying to create tensor with negative dimension %lld",
                 static_cast<long long>(sizes[d]));
        return false;
      }
      numel = sizes[d] == 0 ? 0 : numel;
      if (!checked_multiply(extent, max<i64>(1, sizes[d]), extent)) {
        ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
        return false;
      }
    }
    if (!checked_multiply(extent, tsc::element_size(dtype), bytes)) {
      ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
      return false;
    }
    bytes = numel == 0 ? 0 : bytes;
    return true;
  }

 private:
  void reach(bool writes) const {
    if constexpr (kHasDevice) {
      if (impl_->storage != nullptr) impl_->storage->reach(writes);
    }
  }
  void retain() const {
    if (impl_->references != kImmortal) ++impl_->references;
  }
  // Takes over the reference to `storage`. Geometry is left to the caller.
  [[gnu::noinline]] static Tensor make(Context& ctx, Storage* storage, char* data, DType dtype, i64 rank) {
    void* block = ctx.allocate(sizeof(TensorImpl));
    if (block == nullptr) {
      storage->drop();
      return {};
    }
    TensorImpl* impl = new (block, kPlace) TensorImpl;
    impl->owner = &ctx;
    impl->storage = storage;
    impl->data = data;
    impl->dtype = dtype;
    Tensor result(impl);
    if (!impl->set_rank(rank)) return {};
    return result;
  }
  void set_contiguous(Sizes sizes) {
    i64 numel = 1;
    for (i64 d = 0; d < sizes.size(); ++d) numel *= impl_->sizes[d] = sizes[d];
    impl_->numel = numel;
    contiguous_strides(sizes, impl_->strides);
  }
  void set_geometry(Sizes sizes, Sizes strides) {
    i64 numel = 1;
    for (i64 d = 0; d < sizes.size(); ++d) {
      numel *= impl_->sizes[d] = sizes[d];
      impl_->strides[d] = strides[d];
    }
    impl_->numel = numel;
  }

  struct Undefined : TensorImpl {
    constexpr Undefined() { references = kImmortal; }
  };
  static Undefined undefined_;
  TensorImpl* impl_ = &undefined_;
};
inline constinit Tensor::Undefined Tensor::undefined_;

// A constant tensor in the library's read-only data, row-major. It converts to a Tensor without counting:
//   extern "C" const char tiny_weights[4096];
//   constinit const ConstantTensor<2> k_fc_weight(DType::kFloat32, tiny_weights + 64, 3, 4);
template <int Rank>
class ConstantTensor {
 public:
  template <class... T>
  constexpr ConstantTensor(DType dtype, const char* data, T... sizes) {
    static_assert(sizeof...(T) == Rank && Rank <= TensorImpl::kInlineRank);
    const i64 list[Rank + 1] = {static_cast<i64>(sizes)..., 0};
    i64 numel = 1;
    for (int d = Rank - 1; d >= 0; --d) {
      impl_.sizes[d] = list[d];
      impl_.strides[d] = numel;
      numel *= list[d];
    }
    storage_.data = const_cast<char*>(data);
    storage_.bytes = static_cast<size_t>(numel * element_size(dtype));
    storage_.references = kImmortal;
    impl_.references = kImmortal;
    impl_.rank = Rank;
    impl_.dtype = dtype;
    impl_.storage = &storage_;
    impl_.data = const_cast<char*>(data);
    impl_.numel = numel;
  }
  // Nothing is written through the handle: the counts are immortal, and is_writable() is false.
  operator Tensor() const { return Tensor(const_cast<TensorImpl*>(&impl_)); }  // NOLINT(google-explicit-constructor)
  Tensor operator*() const { return *this; }

 private:
  Storage storage_;
  TensorImpl impl_;
};

}  // namespace tsc
