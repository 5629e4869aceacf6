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
  constexpr explicit Ref(T* adopted) : object_(adopted) {}
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
  // The same with the fields of another object.
  static Ref make_as(Context& ctx, const T& other) {
    Ref result = make(ctx);
    if (!result.defined()) return result;
    const Counted header = *result;
    *result = other;
    static_cast<Counted&>(*result) = header;
    return result;
  }
  bool defined() const { return object_ != nullptr; }
  bool is_same(const Ref& other) const { return object_ == other.object_; }
  T* impl() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  T* object_ = nullptr;
};

class Writer;
class Copier;
class Any;
}  // namespace tsc
struct tsc_value;
namespace tsc {
struct AnyBox;

// The run-time type of a boxed value. There is one for each C++ type: types are equal when the addresses are. It is
// defined in marshal.h, which knows how to give a value to the caller (`write`), to keep it (`own`) and to copy it.
struct TypeInfo {
  enum class Family : int8_t { kOther, kList, kTuple };
  Family family;
  void (*destroy)(AnyBox* box);
  void (*write)(Writer& writer, const AnyBox& box, tsc_value& to);
  void (*own)(Context& ctx, AnyBox& box);
  Any (*copy)(Copier& copier, const AnyBox& box);
};
template <class T>
struct TypeInfoOf {
  static const TypeInfo value;
};

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
  // What is one of several C++ types for one of the program's is boxed as the value's own: a literal as an i64, a
  // constant as a Tensor, a number as what it is, an optional as what it holds.
  template <class T>
  static Any make(Context& ctx, const T& value) {
    if constexpr (__is_same(T, int)) {
      return box<i64>(ctx, value);
    } else if constexpr (__is_same(T, Any)) {
      return value;
    } else if constexpr (__is_same(T, Scalar)) {
      if (value.is_bool()) return box<bool>(ctx, value.to_bool());
      if (value.is_int()) return box<i64>(ctx, value.to_int());
      return value.is_float() ? box<double>(ctx, value.to_double()) : box<Complex<double>>(ctx, value.to_complex());
    } else if constexpr (requires { value.has_value(); }) {
      return value.has_value() ? make(ctx, *value) : Any();
    } else if constexpr (!__is_same(T, Tensor) && requires { static_cast<const Tensor&>(value); }) {
      return box<Tensor>(ctx, value);
    } else {
      return box<T>(ctx, value);
    }
  }
  static Any make(Context&, None) { return Any(); }

  bool is_none() const { return !defined(); }
  bool is_list() const { return defined() && impl_->type->family == TypeInfo::Family::kList; }
  bool is_tuple() const { return defined() && impl_->type->family == TypeInfo::Family::kTuple; }
  // Containers that the caller gives are of a type by what they hold: a tuple, a list of lists, an empty list.
  template <class T>
  bool is() const {
    return is_boxed<T>() || holds(static_cast<const T*>(nullptr));
  }
  // The value as the type that the program has found it to be.
  template <class T>
  T as(Context& ctx) const {
    T result{};
    if (is_boxed<T>()) return get<T>();
    if (ctx.ok() && (!is<T>() || !convert(ctx, result))) {
      ctx.fail(ErrorKind::kType, "a value is of another type than the program expects here");
    }
    return result;
  }

 private:
  template <class T>
  bool is_boxed() const {
    return defined() && impl_->type == &TypeInfoOf<T>::value;
  }
  template <class T>  // only when is_boxed<T>()
  const T& get() const {
    return static_cast<const AnyBoxOf<T>*>(impl_)->value;
  }

  template <class T>
  bool holds(const T*) const {
    return false;
  }
  bool holds(const Any*) const { return true; }
  bool holds(const None*) const { return is_none(); }
  template <class T>
  bool holds(const Optional<T>*) const {
    return is_none() || is<T>();
  }
  template <class T>
  bool holds(const List<T>*) const {
    if (!is_boxed<List<Any>>()) return false;
    for (const Any& item : get<List<Any>>()) {
      if (!item.is<T>()) return false;
    }
    return true;
  }
  template <class K, class V>
  bool holds(const Dict<K, V>*) const {
    if (!is_boxed<Dict<K, Any>>()) return false;
    for (const auto& entry : get<Dict<K, Any>>()) {
      if (!entry.value.template is<V>()) return false;
    }
    return true;
  }
  template <class... T>
  bool holds(const Tuple<T...>*) const {
    const List<Any>* fields = tuple_fields();
    if (fields == nullptr || fields->size() != static_cast<i64>(sizeof...(T))) return false;
    [[maybe_unused]] i64 i = 0;
    return ((*fields)[i++].template is<T>() && ...);
  }

  // When `holds`.
  template <class T>
  bool convert(Context&, T&) const {
    return false;
  }
  bool convert(Context&, Any& to) const {
    to = *this;
    return true;
  }
  bool convert(Context&, None&) const { return true; }
  template <class T>
  bool convert(Context& ctx, Optional<T>& to) const {
    if (!is_none()) to = as<T>(ctx);
    return true;
  }
  template <class T>
  bool convert(Context& ctx, List<T>& to) const {
    to = List<T>::make(ctx);
    for (const Any& item : get<List<Any>>()) to.append(item.as<T>(ctx));
    become<List<Any>>(to);
    return true;
  }
  template <class K, class V>
  bool convert(Context& ctx, Dict<K, V>& to) const {
    to = Dict<K, V>::make(ctx);
    for (const auto& entry : get<Dict<K, Any>>()) to.set(entry.key, entry.value.template as<V>(ctx));
    become<Dict<K, Any>>(to);
    return true;
  }
  template <class... T>
  bool convert(Context& ctx, Tuple<T...>& to) const {
    [[maybe_unused]] const List<Any>& fields = *tuple_fields();
    [[maybe_unused]] i64 i = 0;
    to = Tuple<T...>{fields[i++].template as<T>(ctx)...};
    return true;
  }
  // The box holds the typed list or dict from now on, so that what the program appends is seen through the Any.
  template <class From, class To>
  void become(const To& container) const {
    static_assert(sizeof(AnyBoxOf<From>) == sizeof(AnyBoxOf<To>));
    static_cast<AnyBoxOf<From>*>(impl_)->value.~From();
    new (&static_cast<AnyBoxOf<To>*>(impl_)->value, kPlace) To(container);
    impl_->type = &TypeInfoOf<To>::value;
  }
  // The fields of a tuple that the caller gave; null for other values.
  const List<Any>* tuple_fields() const;
  template <class T>
  static Any box(Context& ctx, T value) {
    Any result;
    void* block = ctx.ok() ? ctx.allocate(sizeof(AnyBoxOf<T>)) : nullptr;
    if (block == nullptr) return result;
    auto* box = new (block, kPlace) AnyBoxOf<T>;
    box->owner = &ctx;
    box->type = &TypeInfoOf<T>::value;
    box->value = tsc::move(value);
    result.impl_ = box;
    return result;
  }
};
// A tuple that the caller gives for an Any.
struct AnyTuple {
  List<Any> fields;
};

}  // namespace tsc
