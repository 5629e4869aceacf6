// Counted handles: lists, dicts, boxed values and user objects are reached through one. Copies share the object. Counts
// are plain integers, as tensors' are; immortal objects (constants) are never counted.
#pragma once

#include "runtime/core/tensor.h"

namespace tsc {

// What a Handle points to begins with this; `Impl::destroy()` ends the object and frees its memory.
struct Counted {
  int32_t references = 1;
  Context* owner = nullptr;
};

template <class Impl>
class Handle {
 public:
  constexpr Handle() = default;
  constexpr explicit Handle(Impl* adopted) : impl_(adopted) {}
  Handle(const Handle& other) : impl_(other.impl_) {
    if (impl_ != nullptr && impl_->references != kImmortal) ++impl_->references;
  }
  Handle(Handle&& other) noexcept : impl_(other.impl_) { other.impl_ = nullptr; }
  Handle& operator=(const Handle& other) {
    Handle copy(other);
    swap(impl_, copy.impl_);
    return *this;
  }
  Handle& operator=(Handle&& other) noexcept {
    swap(impl_, other.impl_);
    return *this;
  }
  ~Handle() {
    if (impl_ != nullptr && impl_->references != kImmortal && --impl_->references == 0) impl_->destroy();
  }
  bool defined() const { return impl_ != nullptr; }
  bool is_same(const Handle& other) const { return impl_ == other.impl_; }
  Impl* impl() const { return impl_; }

 protected:
  // An Impl in memory of the context; null when it has failed.
  static Impl* create(Context& ctx) {
    void* block = ctx.ok() ? ctx.allocate(sizeof(Impl)) : nullptr;
    if (block == nullptr) return nullptr;
    Impl* impl = new (block, kPlace) Impl;
    impl->owner = &ctx;
    return impl;
  }
  Impl* impl_ = nullptr;
};

template <class Impl>
void free_object(Impl* impl) {
  Context* owner = impl->owner;
  impl->~Impl();
  owner->free(impl, sizeof(Impl));
}

}  // namespace tsc
