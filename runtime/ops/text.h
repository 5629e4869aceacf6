// Text of values, as TorchScript's str(), format() and print() write them: 1.0 is "1.", strings have no quotes.
#pragma once

#include "runtime/core/object.h"
#include "runtime/ops/loop.h"

namespace tsc::ops {

// A string that grows. When memory is short the context fails and the text stays as it was.
class Text {
 public:
  explicit Text(Context& ctx) : ctx_(ctx) {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { ctx_.free(data_, static_cast<size_t>(capacity_)); }
  void add(const char* data, i64 size) {
    if (size_ + size > capacity_ && !grow(size_ + size)) return;
    libc::memcpy(data_ + size_, data, static_cast<size_t>(size));
    size_ += size;
  }
  void add(char c) { add(&c, 1); }
  void add(const char* text) { add(text, static_cast<i64>(libc::strlen(text))); }
  void add(const Str& text) { add(text.data(), text.size()); }
  void fill(char c, i64 count) {
    for (i64 i = 0; i < count && ctx_.ok(); ++i) add(c);
  }
  const char* data() const { return data_; }
  i64 size() const { return size_; }
  Str str() const { return Str::copy(ctx_, data_, size_); }
  Context& context() const { return ctx_; }

 private:
  bool grow(i64 wanted) {
    const i64 capacity = tsc::max(wanted, capacity_ * 2 + 32);
    char* moved = ctx_.ok() ? static_cast<char*>(ctx_.allocate(static_cast<size_t>(capacity))) : nullptr;
    if (moved == nullptr) return false;
    libc::memcpy(moved, data_, static_cast<size_t>(size_));
    ctx_.free(data_, static_cast<size_t>(capacity_));
    data_ = moved;
    capacity_ = capacity;
    return true;
  }
  Context& ctx_;
  char* data_ = nullptr;
  i64 size_ = 0;
  i64 capacity_ = 0;
};

// `x` in a base up to 16, without prefix.
inline void write_unsigned(Text& text, uint64_t x, unsigned base = 10) {
  char digits[64];
  int at = 64;
  do {
    digits[--at] = "0123456789abcdef"[x % base];
    x /= base;
  } while (x != 0);
  text.add(digits + at, 64 - at);
}

inline void write_text(Text& text, i64 x) {
  if (x < 0) text.add('-');
  write_unsigned(text, x < 0 ? 0 - static_cast<uint64_t>(x) : static_cast<uint64_t>(x));
}
inline void write_text(Text& text, bool x) { text.add(x ? "True" : "False"); }
inline void write_text(Text& text, None) { text.add("None"); }
inline void write_text(Text& text, const Str& x) { text.add(x); }
inline void write_text(Text& text, double x) {
  if (x > -1e10 && x < 1e10 && static_cast<double>(static_cast<i64>(x)) == x) {
    write_text(text, static_cast<i64>(x));
    text.add('.');
    return;
  }
  char buffer[40];
  const int size = libc::snprintf(buffer, sizeof buffer, x != x ? "nan" : "%.17g", x);
  text.add(buffer, size);
}
inline void write_text(Text& text, Complex<double> x) {
  write_text(text, x.real);
  text.add(x.imag >= 0 ? '+' : '-');
  write_text(text, x.imag >= 0 ? x.imag : -x.imag);
  text.add('j');
}
inline void write_text(Text& text, const Scalar& x) {
  if (x.is_bool()) return write_text(text, x.to_bool());
  if (x.is_int()) return write_text(text, x.to_int());
  if (x.is_float()) return write_text(text, x.to_double());
  write_text(text, x.to_complex());
}
inline void write_text(Text& text, const Device& x) {
  text.add(x.type == Device::Type::kCuda ? "cuda" : "cpu");
  if (x.index < 0) return;
  text.add(':');
  write_text(text, static_cast<i64>(x.index));
}
void write_text(Text& text, const Tensor& t);
template <class T>
void write_text(Text& text, const Optional<T>& x);
template <class T>
void write_text(Text& text, const List<T>& list);
template <class K, class V>
void write_text(Text& text, const Dict<K, V>& dict);
template <class... T>
void write_text(Text& text, const Tuple<T...>& tuple);
template <class T>
void write_text(Text& text, const Ref<T>&) {
  text.add("<");
  text.add(T::kTypeName);
  text.add(" object>");
}
template <class T>
  requires(__is_enum(T))
void write_text(Text& text, T member) {
  using Members = decltype(members_of(member));
  text.add("Enum<");
  text.add(Members::kTypeName);
  text.add(".");
  text.add(Members::kNames[static_cast<i64>(member)]);
  text.add(">");
}
template <class A>
  requires(__is_same(A, Any))
void write_text(Text& text, const A& any) {
  if (any.is_none()) return text.add("None");
  if (any.template is<i64>()) return write_text(text, any.template get<i64>());
  if (any.template is<double>()) return write_text(text, any.template get<double>());
  if (any.template is<bool>()) return write_text(text, any.template get<bool>());
  if (any.template is<Str>()) return write_text(text, any.template get<Str>());
  if (any.template is<Tensor>()) return write_text(text, any.template get<Tensor>());
  text.add("<object>");
}

template <class T>
void write_text(Text& text, const Optional<T>& x) {
  if (!x.has_value()) return text.add("None");
  write_text(text, *x);
}
template <class T>
void write_text(Text& text, const List<T>& list) {
  text.add('[');
  for (i64 i = 0; i < list.size(); ++i) {
    if (i > 0) text.add(", ");
    write_text(text, list[i]);
  }
  text.add(']');
}
template <class K, class V>
void write_text(Text& text, const Dict<K, V>& dict) {
  text.add('{');
  bool first = true;
  for (const auto& entry : dict) {
    if (!first) text.add(", ");
    first = false;
    write_text(text, entry.key);
    text.add(": ");
    write_text(text, entry.value);
  }
  text.add('}');
}
template <class Tuple, int... I>
void write_fields(Text& text, const Tuple& tuple, Indices<I...>) {
  const auto field = [&](int i, const auto& value) {
    if (i > 0) text.add(", ");
    write_text(text, value);
  };
  (field(I, tuple.template get<I>()), ...);
}
template <class... T>
void write_text(Text& text, const Tuple<T...>& tuple) {
  text.add('(');
  write_fields(text, tuple, MakeIndices<static_cast<int>(sizeof...(T))>());
  text.add(sizeof...(T) == 1 ? ",)" : ")");
}

}  // namespace tsc::ops

#include "runtime/ops/tensor_text.h"
