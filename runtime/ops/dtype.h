// Type promotion as torch.result_type has it, and the operands that take part in it.
#pragma once

#include "runtime/core/containers.h"
#include "runtime/kernels/vec.h"

namespace tsc::ops {

// torch.promote_types.
inline DType promote(DType a, DType b) {
  if (a == b || b == DType::kUnknown) return a;
  if (a == DType::kUnknown || a == DType::kBool) return b;
  if (b == DType::kBool) return a;
  const auto width = [](DType d) { return element_size(d); };
  if (is_complex(a) || is_complex(b)) {
    const auto real = [](DType d) { return is_floating(real_dtype(d)) ? real_dtype(d) : DType::kUnknown; };
    const DType r = promote(real(a), real(b));
    return r == DType::kFloat16 ? DType::kComplex32 : r == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
  }
  if (is_floating(a) || is_floating(b)) {
    if (!is_floating(a)) return b;
    if (!is_floating(b)) return a;
    if (width(a) == width(b)) return DType::kFloat32;  // the two halves
    return width(a) > width(b) ? a : b;
  }
  if (a == DType::kUInt8 || b == DType::kUInt8) {
    const DType other = a == DType::kUInt8 ? b : a;
    return other == DType::kInt8 ? DType::kInt16 : other;
  }
  return width(a) > width(b) ? a : b;
}

// Whether results of dtype `from` may be written to a tensor of dtype `to` (torch.can_cast).
inline bool can_cast(DType from, DType to) {
  if (is_complex(from) && !is_complex(to)) return false;
  if (is_floating(from) && !is_floating(to) && !is_complex(to)) return false;
  return to != DType::kBool || from == DType::kBool;
}

inline bool is_half(const Tensor& t) { return t.dtype() == DType::kFloat16 || t.dtype() == DType::kBFloat16; }
inline bool is_integer_or_bool(DType d) { return is_integral(d) || d == DType::kBool; }
inline DType float_or_default(DType d) { return is_integer_or_bool(d) ? DType::kFloat32 : d; }

// What a schema's Tensor operand of a pointwise op may be: a tensor, or a number where the program has one.
class Operand {
 public:
  // NOLINTBEGIN(google-explicit-constructor): that is what the class is for
  Operand(const Tensor& tensor) : tensor_(tensor) {}
  template <int kRank>
  Operand(const ConstantTensor<kRank>& constant) : tensor_(constant) {}
  Operand(const Scalar& number) : number_(number), is_number_(true) {}
  Operand(bool number) : Operand(Scalar(number)) {}
  Operand(int number) : Operand(Scalar(number)) {}
  Operand(i64 number) : Operand(Scalar(number)) {}
  Operand(double number) : Operand(Scalar(number)) {}
  Operand(Complex<double> number) : Operand(Scalar(number)) {}
  // NOLINTEND(google-explicit-constructor)
  bool is_number() const { return is_number_; }
  const Tensor& tensor() const { return tensor_; }
  const Scalar& number() const { return number_; }
  DType dtype() const { return is_number_ ? number_.dtype() : tensor_.dtype(); }
  i64 dim() const { return is_number_ ? 0 : tensor_.dim(); }
  Sizes sizes() const { return is_number_ ? Sizes() : tensor_.sizes(); }
  bool defined() const { return is_number_ || tensor_.defined(); }

 private:
  Tensor tensor_;
  Scalar number_;
  bool is_number_ = false;
};

// torch.result_type of any number of operands: tensors with dimensions count first, then 0-d tensors, then numbers; a
// lower rank counts only where it is of a higher category (bool, integer, float, complex).
class ResultType {
 public:
  ResultType& add(const Operand& operand) {
    DType& slot = operand.is_number() ? number_ : operand.dim() == 0 ? zero_dim_ : tensor_;
    slot = promote(slot, operand.dtype());
    return *this;
  }
  DType get() const { return combine(tensor_, combine(zero_dim_, number_)); }

 private:
  static DType combine(DType higher, DType lower) {
    if (is_complex(higher)) return higher;
    if (is_floating(higher)) {
      if (!is_complex(lower)) return higher;
      return promote(higher, DType::kComplex32) == DType::kComplex32 ? DType::kComplex32
             : higher == DType::kFloat64                             ? DType::kComplex128
                                                                     : DType::kComplex64;
    }
    if (higher == DType::kBool || is_floating(lower) || is_complex(lower)) return promote(higher, lower);
    return higher != DType::kUnknown ? higher : lower;
  }
  DType tensor_ = DType::kUnknown;
  DType zero_dim_ = DType::kUnknown;
  DType number_ = DType::kUnknown;
};

template <class... T>
DType result_type(const T&... operands) {
  ResultType type;
  (type.add(operands), ...);
  return type.get();
}

}  // namespace tsc::ops
