// Values without parts: None, optional values, Python numbers, strings, devices.
#pragma once

#include "runtime/core/handle.h"

namespace tsc {

struct None {
  friend constexpr bool operator==(None, None) { return true; }
};

struct Failure;

template <class From, class To>
concept ConvertibleTo = requires(void (&take)(To), From from) { take(static_cast<From>(from)); };

template <class T>
struct Optional {
  constexpr Optional() = default;
  constexpr Optional(None) {}                                            // NOLINT(google-explicit-constructor)
  constexpr Optional(T given) : value_(tsc::move(given)), has_(true) {}  // NOLINT(google-explicit-constructor)
  // What converts to T, such as a constant tensor.
  template <class U>
    requires(!__is_same(U, T) && !__is_same(U, Optional) && !__is_same(U, None) && !__is_same(U, Failure) && ConvertibleTo<const U&, T>)
  constexpr Optional(const U& given) : value_(given), has_(true) {}  // NOLINT(google-explicit-constructor)
  constexpr bool has_value() const { return has_; }
  constexpr explicit operator bool() const { return has_; }
  // The value; an empty one when there is none.
  constexpr const T& operator*() const { return value_; }
  constexpr T& operator*() { return value_; }
  constexpr const T* operator->() const { return &value_; }
  constexpr T value_or(T other) const { return has_ ? value_ : other; }

 private:
  T value_{};
  bool has_ = false;
};

// A Python number whose type is told at run time.
class Scalar {
 public:
  enum class Kind : uint8_t { kInt, kFloat, kBool, kComplex };

  constexpr Scalar() = default;
  // NOLINTBEGIN(google-explicit-constructor): every number is a Scalar
  constexpr Scalar(bool value) : kind_(Kind::kBool), int_(value) {}
  constexpr Scalar(int value) : int_(value) {}
  constexpr Scalar(i64 value) : int_(value) {}
  constexpr Scalar(double value) : kind_(Kind::kFloat), complex_{value, 0} {}
  constexpr Scalar(Complex<double> value) : kind_(Kind::kComplex), complex_(value) {}
  // NOLINTEND(google-explicit-constructor)

  constexpr Kind kind() const { return kind_; }
  constexpr bool is_int() const { return kind_ == Kind::kInt; }
  constexpr bool is_float() const { return kind_ == Kind::kFloat; }
  constexpr bool is_bool() const { return kind_ == Kind::kBool; }
  constexpr bool is_complex() const { return kind_ == Kind::kComplex; }

  // Conversions as Python's int(), float(), bool(), complex(); a complex number gives its real part. Floats that no int
  // can hold give the nearest one, NaN gives 0.
  constexpr i64 to_int() const {
    if (kind_ == Kind::kInt || kind_ == Kind::kBool) return int_;
    const double value = complex_.real;
    if (!(value > -0x1p63)) return value != value ? 0 : INT64_MIN;
    return value >= 0x1p63 ? INT64_MAX : static_cast<i64>(value);
  }
  constexpr double to_double() const {
    return kind_ == Kind::kInt || kind_ == Kind::kBool ? static_cast<double>(int_) : complex_.real;
  }
  constexpr bool to_bool() const {
    if (kind_ == Kind::kInt || kind_ == Kind::kBool) return int_ != 0;
    return complex_.real != 0 || complex_.imag != 0;
  }
  constexpr Complex<double> to_complex() const {
    return kind_ == Kind::kInt || kind_ == Kind::kBool ? Complex<double>(static_cast<double>(int_)) : complex_;
  }
  // The dtype of a tensor made of it with torch's default dtype.
  constexpr DType dtype() const {
    switch (kind_) {
      case Kind::kInt:
        return DType::kInt64;
      case Kind::kFloat:
        return DType::kFloat32;
      case Kind::kBool:
        return DType::kBool;
      case Kind::kComplex:
        return DType::kComplex64;
    }
    return DType::kUnknown;
  }
  friend constexpr bool operator==(const Scalar& a, const Scalar& b) {
    const bool exact = (a.is_int() || a.is_bool()) && (b.is_int() || b.is_bool());
    return exact ? a.int_ == b.int_ : a.to_complex() == b.to_complex();
  }

 private:
  Kind kind_ = Kind::kInt;
  i64 int_ = 0;
  Complex<double> complex_;
};

// An immutable run of bytes (UTF-8 where it came from Python). A string is a window of a counted buffer, or of a
// literal which nobody owns: `Str("abc")`.
class Str {
 public:
  constexpr Str() = default;
  template <size_t N>
  constexpr Str(const char (&literal)[N]) : data_(literal), size_(static_cast<i64>(N) - 1) {}  // NOLINT
  static Str literal(const char* data, i64 size) {
    Str result;
    result.data_ = data;
    result.size_ = size;
    return result;
  }
  // A buffer of `size` bytes to be filled through `writable()` before the string is shared.
  static Str empty(Context& ctx, i64 size) {
    Str result;
    Buffer* buffer = nullptr;
    if (size > 0 && ctx.ok()) buffer = static_cast<Buffer*>(ctx.allocate(sizeof(Buffer) + static_cast<size_t>(size)));
    if (buffer == nullptr) return result;
    new (buffer, kPlace) Buffer;
    buffer->owner = &ctx;
    buffer->bytes = static_cast<size_t>(size);
    result.owner_ = Handle<Buffer>(buffer);
    result.data_ = buffer->data();
    result.size_ = size;
    return result;
  }
  static Str copy(Context& ctx, const char* data, i64 size) {
    Str result = empty(ctx, size);
    libc::memcpy(result.writable(), data, static_cast<size_t>(result.size_));
    return result;
  }
  static Str concat(Context& ctx, const Str& a, const Str& b) {
    Str result = empty(ctx, a.size_ + b.size_);
    if (result.size_ == 0) return result;
    libc::memcpy(result.writable(), a.data_, static_cast<size_t>(a.size_));
    libc::memcpy(result.writable() + a.size_, b.data_, static_cast<size_t>(b.size_));
    return result;
  }
  // The bytes [begin, end) of this string; they must lie within it.
  Str slice(i64 begin, i64 end) const {
    Str result(*this);
    result.data_ += begin;
    result.size_ = end - begin;
    return result;
  }
  constexpr const char* data() const { return data_; }
  constexpr i64 size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr char operator[](i64 i) const { return data_[i]; }
  char* writable() const { return owner_.defined() ? owner_.impl()->data() : nullptr; }

  friend bool operator==(const Str& a, const Str& b) {
    return a.size_ == b.size_ && libc::memcmp(a.data_, b.data_, static_cast<size_t>(a.size_)) == 0;
  }
  friend bool operator<(const Str& a, const Str& b) {
    const int order = libc::memcmp(a.data_, b.data_, static_cast<size_t>(min(a.size_, b.size_)));
    return order != 0 ? order < 0 : a.size_ < b.size_;
  }

 private:
  struct Buffer : Counted {
    size_t bytes = 0;
    char* data() { return reinterpret_cast<char*>(this + 1); }
    void destroy() { owner->free(this, sizeof(Buffer) + bytes); }
  };
  const char* data_ = "";
  i64 size_ = 0;
  Handle<Buffer> owner_;
};

// torch.device. Produced CPU libraries have "cpu" only; others can be named and compared.
struct Device {
  enum class Type : int8_t { kCpu = 0, kCuda = 1 };
  Type type = Type::kCpu;
  int8_t index = -1;  // -1: not given
  friend constexpr bool operator==(Device a, Device b) { return a.type == b.type && a.index == b.index; }
};

}  // namespace tsc
