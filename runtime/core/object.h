// User classes and boxed values.
#pragma once

#include "runtime/core/containers.h"

namespace tsc {

// A user class is a struct that derives from Object, with its fields as members and
//   static constexpr const char* kTypeName = "Counter";
//   template <class Self, class Visit> static void fields(Self& self, Visit&& visit) { visit("n", self.n); ... }
// which lists them in order.
struct Object : Counted {};

// A reference to an object of a user class.
template <class T>
class Ref {
 public:
  constexpr Ref() = default;
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) ++object_->references;
  }
  Ref(Ref&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  Ref& operator=(const Ref& other) {
    Ref copy(other);
    swap(object_, copy.object_);
    return *this;
  }
  Ref& operator=(Ref&& other) noexcept {
    swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr && --object_->references == 0) free_object(object_);
  }
  // Undefined when the context has failed or there is no memory: emitted code asks `ctx.ok()` before it goes on.
  static Ref make(Context& ctx) {
    Ref result;
    void* block = ctx.ok() ? ctx.allocate(sizeof(T)) : nullptr;
    if (block == nullptr) return result;
    result.object_ = new (block, kPlace) T;
    result.object_->owner = &ctx;
    return result;
  }
  bool defined() const { return object_ != nullptr; }
  bool is_same(const Ref& other) const { return object_ == other.object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  T* object_ = nullptr;
};

class Writer;

// The run-time type of a boxed value. There is one per C++ type: two are the same type when their addresses are equal.
struct TypeInfo {
  void (*destroy)(struct AnyBox* box);
  void (*write)(Writer& writer, const struct AnyBox& box);  // to a tsc_value, in value.h
};
struct AnyBox : Counted {
  const TypeInfo* type = nullptr;
  void destroy() { type->destroy(this); }
};
template <class T>
struct AnyBoxOf : AnyBox {
  T value;
};
template <class T>
extern const TypeInfo type_info;

// A value whose type is told at run time: TorchScript's Any and Union. An undefined Any is None.
class Any : public Handle<AnyBox> {
 public:
  Any() = default;
  Any(None) {}  // NOLINT(google-explicit-constructor)
  template <class T>
  static Any make(Context& ctx, T value) {
    Any result;
    void* block = ctx.ok() ? ctx.allocate(sizeof(AnyBoxOf<T>)) : nullptr;
    if (block == nullptr) return result;
    auto* box = new (block, kPlace) AnyBoxOf<T>;
    box->owner = &ctx;
    box->type = &type_info<T>;
    box->value = tsc::move(value);
    result.impl_ = box;
    return result;
  }
  static Any make(Context&, None) { return Any(); }

  bool is_none() const { return !defined(); }
  template <class T>
  bool is() const {
    return defined() && impl_->type == &type_info<T>;
  }
  // Only when is<T>().
  template <class T>
  const T& get() const {
    return static_cast<const AnyBoxOf<T>*>(impl_)->value;
  }
};
template <>
inline bool Any::is<None>() const {
  return is_none();
}

template <class T>
void destroy_box(AnyBox* box) {
  free_object(static_cast<AnyBoxOf<T>*>(box));
}
template <class T>
void write_box(Writer& writer, const AnyBox& box) {
  write_value(writer, static_cast<const AnyBoxOf<T>&>(box).value);
}
template <class T>
inline constexpr TypeInfo type_info = {&destroy_box<T>, &write_box<T>};

}  // namespace tsc
