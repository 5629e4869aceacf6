// User classes and boxed values.
#pragma once

#include "runtime/core/containers.h"

namespace tsc {

// A user class is a struct that derives from Object, with its fields as members, and says what they are:
//   struct Point : Object {
//     i64 n = 0;
//     Tensor total;
//     static constexpr const char* kTypeName = "Point";
//     static constexpr const char* kFieldNames[] = {"n", "total"};
//     template <class Visit>
//     void fields(Visit&& visit) { visit(n); visit(total); }
//   };
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
}  // namespace tsc
struct tsc_value;
namespace tsc {
struct AnyBox;

// The run-time type of a boxed value. There is one for each C++ type: types are equal when the addresses are. It is
// defined in value.h, which knows how to give a value to the caller (`write`) and how to keep it (`own`).
struct TypeInfo {
  void (*destroy)(AnyBox* box);
  void (*write)(Writer& writer, const AnyBox& box, tsc_value& to);
  void (*own)(Context& ctx, AnyBox& box);
};
template <class T>
extern const TypeInfo type_info;

struct AnyBox : Counted {
  const TypeInfo* type = nullptr;
  void destroy() { type->destroy(this); }
};
template <class T>
struct AnyBoxOf : AnyBox {
  T value;
};

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

}  // namespace tsc
