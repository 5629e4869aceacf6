// Random tensors, drawn from the instance's generator in the order of PyTorch's CPU kernels: with equal seeds the same
// numbers, but for the last digits of what goes through log and cos. (On Intel processors PyTorch itself draws
// bernoulli_(p), dropout and exponential_ from a stream of MKL's instead.)
#pragma once

#include "runtime/ops/creation.h"
#include "runtime/ops/pointwise.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

// fn(address) for each element in the order in which they lie in memory.
template <class Fn>
void for_each_in_memory(Context& ctx, const Tensor& t, const Fn& fn) {
  if (!ctx.ok() || t.numel() == 0) return;
  const Shape shape(t.sizes());
  LoopBuilder builder(shape);
  builder.add(t);
  builder.order();
  const Loop& loop = builder.finish();
  for_each_row(loop, [&](char* const* at) {
    for (i64 i = 0; i < loop.sizes[0]; ++i) fn(at[0] + i * loop.strides[0][0]);
  });
}

// Writes draw(generator) to each element. `name` is for the refusal of integers.
template <class Draw>
Tensor drawn(Context& ctx, const Tensor& t, const char* name, const Draw& draw) {
  if (!ctx.ok() || !destination_ok(ctx, t)) return {};
  if (!is_floating(t.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "\"%s\" not implemented for '%s'", name, scalar_type_name(t.dtype()));
  }
  Generator* const generator = ctx.generator();
  if (generator == nullptr) return {};
  for_each_in_memory(ctx, t, [&](char* at) {
    const double value = draw(*generator);
    store_elements(&value, at, t.dtype(), 0, 1);
  });
  return t;
}

// What a double is when it is an element of the dtype.
inline double rounded_to(DType dtype, double value) {
  alignas(8) char element[8];
  store_elements(&value, element, dtype, 0, 1);
  double result;
  load_elements(&result, element, dtype, 0, 1);
  return result;
}

inline Tensor uniform_(Context& ctx, const Tensor& self, double from = 0, double to = 1, const None& = None()) {
  if (ctx.ok() && !(from <= to)) {
    return ctx.fail(ErrorKind::kRuntime, "uniform_ expects to return a [from, to) range, but found from=%g > to=%g",
                    from, to);
  }
  if (tsc::is_complex(self.dtype())) {
    uniform_(ctx, view_as_real(ctx, self), from, to);
    return self;
  }
  if (self.dtype() == DType::kFloat64) {
    return drawn(ctx, self, "check_uniform_bounds", [&](Generator& g) { return g.uniform() * (to - from) + from; });
  }
  const float first = static_cast<float>(from), last = static_cast<float>(to);
  return drawn(ctx, self, "check_uniform_bounds", [&](Generator& g) {
    const float value = g.uniform_float() * (last - first) + first;
    // Rounding to fewer digits must not reach the end.
    return self.dtype() != DType::kFloat32 && rounded_to(self.dtype(), value) >= to ? from : static_cast<double>(value);
  });
}

// Sixteen uniform numbers as eight pairs of normal ones.
inline void make_normal(double (&values)[16]) {
  for (int i = 0; i < 8; ++i) {
    const double radius = __builtin_sqrt(-2 * __builtin_log(1 - values[i]));
    const double angle = 2 * Generator::kPi * values[i + 8];
    values[i] = radius * __builtin_cos(angle);
    values[i + 8] = radius * __builtin_sin(angle);
  }
}
// Long rows come in sixteens, the last one of which may replace numbers of the one before.
template <class Draw>
void fill_normal(Generator& g, const Tensor& t, double mean, double std, const Draw& draw) {
  const i64 n = t.numel(), rest = n % 16;
  double values[16];
  const auto store = [&](i64 at) {
    make_normal(values);
    for (i64 i = 0; i < 16; ++i) {
      const double value = values[i] * std + mean;
      store_elements(&value, t.bytes() + (at + i) * t.element_size(), t.dtype(), 0, 1);
    }
  };
  // All but the last incomplete sixteen. Of float and double PyTorch draws the numbers of that, too, before it draws
  // them anew.
  for (i64 at = 0; at + 16 <= n; at += 16) {
    for (double& value : values) value = draw(g);
    store(at);
  }
  if (rest == 0) return;
  const bool draws_twice = t.dtype() == DType::kFloat32 || t.dtype() == DType::kFloat64;
  for (i64 i = 0; draws_twice && i < rest; ++i) draw(g);
  for (double& value : values) value = draw(g);
  store(n - 16);
}
inline Tensor normal_(Context& ctx, const Tensor& self, double mean = 0, double std = 1, const None& = None()) {
  if (ctx.ok() && !(std >= 0)) return ctx.fail(ErrorKind::kRuntime, "normal expects std >= 0.0, but found std %g", std);
  if (tsc::is_complex(self.dtype())) {  // half of the variance is that of each part
    normal_(ctx, view_as_real(ctx, self), 0, std / __builtin_sqrt(2.0));
    return add_(ctx, self, mean);
  }
  if (self.numel() < 16 || !self.is_contiguous() || !is_floating(self.dtype())) {
    return drawn(ctx, self, "normal_kernel_cpu", [&](Generator& g) { return g.normal() * std + mean; });
  }
  if (!ctx.ok() || !destination_ok(ctx, self)) return {};
  Generator* const generator = ctx.generator();
  if (generator == nullptr) return {};
  if (self.dtype() == DType::kFloat64) {
    fill_normal(*generator, self, mean, std, [](Generator& g) { return g.uniform(); });
  } else {
    fill_normal(*generator, self, mean, std, [](Generator& g) { return static_cast<double>(g.uniform_float()); });
  }
  return self;
}

inline Tensor exponential_(Context& ctx, const Tensor& self, double lambd = 1, const None& = None()) {
  if (ctx.ok() && !(lambd > 0)) {
    return ctx.fail(ErrorKind::kRuntime, "exponential_ expects lambda > 0.0, but found lambda=%g", lambd);
  }
  return drawn(ctx, self, "exponential_cpu", [&](Generator& g) { return -1 / lambd * __builtin_log1p(-g.uniform()); });
}

inline bool is_probability(Context& ctx, double p) {
  if (ctx.ok() && !(p >= 0 && p <= 1)) {
    ctx.fail(ErrorKind::kRuntime, "bernoulli_ expects p to be in [0, 1], but got p=%g", p);
  }
  return ctx.ok();
}
// Ones with probability p, in any real dtype.
inline Tensor fill_bernoulli_(Context& ctx, const Tensor& self, double p = 0.5, const None& = None()) {
  if (ctx.ok() && tsc::is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"bernoulli_scalar_cpu_\" not implemented for '%s'",
                    scalar_type_name(self.dtype()));
  }
  if (!is_probability(ctx, p) || !destination_ok(ctx, self)) return {};
  Generator* const generator = ctx.generator();
  if (generator == nullptr) return {};
  for_each_in_memory(ctx, self, [&](char* at) {
    const double value = generator->uniform() < p ? 1 : 0;
    store_elements(&value, at, self.dtype(), 0, 1);
  });
  return self;
}
// Elements are the probabilities of 1. A program cannot make a generator, so that operand is None.
inline Tensor bernoulli(Context& ctx, const Tensor& self, const None& = None()) {
  if (ctx.ok() && !is_floating(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"bernoulli_tensor_cpu_p_\" not implemented for '%s'",
                    scalar_type_name(self.dtype()));
  }
  const Tensor p = contiguous_as(ctx, self, DType::kFloat64);
  const Tensor result = Tensor::empty(ctx, DType::kFloat64, self.sizes());
  Generator* const generator = ctx.generator();
  for (i64 i = 0; ctx.ok() && i < p.numel(); ++i) {
    const double chance = p.data<double>()[i];
    if (!(chance >= 0 && chance <= 1)) {
      return ctx.fail(ErrorKind::kRuntime, "Expected p_in >= 0 && p_in <= 1 to be true, but got false.");
    }
    const bool in_double = self.dtype() == DType::kFloat64;
    const double value = in_double ? generator->uniform() : static_cast<double>(generator->uniform_float());
    result.data<double>()[i] = value < chance ? 1.0 : 0.0;
  }
  return converted(ctx, result, self.dtype());
}

inline Tensor rand(Context& ctx, const List<i64>& size, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                   const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return uniform_(ctx, Tensor::empty(ctx, dtype_or(ctx, dtype, DType::kFloat32), size.span()));
}
inline Tensor randn(Context& ctx, const List<i64>& size, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                    const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return normal_(ctx, Tensor::empty(ctx, dtype_or(ctx, dtype, DType::kFloat32), size.span()));
}
inline Tensor rand_like(Context& ctx, const Tensor& self, const OptionalInt& dtype = None(),
                        const OptionalInt& layout = None(), const OptionalDevice& device = None(),
                        const OptionalBool& pin_memory = None(), const OptionalInt& format = None()) {
  return uniform_(ctx, empty_like(ctx, self, dtype, layout, device, pin_memory, format));
}
inline Tensor randn_like(Context& ctx, const Tensor& self, const OptionalInt& dtype = None(),
                         const OptionalInt& layout = None(), const OptionalDevice& device = None(),
                         const OptionalBool& pin_memory = None(), const OptionalInt& format = None()) {
  return normal_(ctx, empty_like(ctx, self, dtype, layout, device, pin_memory, format));
}

// Integers in [low, high).
inline Tensor randint(Context& ctx, i64 low, i64 high, const List<i64>& size, const OptionalInt& dtype = None(),
                      const OptionalInt& = None(), const OptionalDevice& device = None(),
                      const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  if (low >= high) {
    return ctx.fail(ErrorKind::kRuntime, "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                    static_cast<long long>(low), static_cast<long long>(high));
  }
  Tensor result = Tensor::empty(ctx, dtype_or(ctx, dtype, DType::kInt64), size.span());
  if (!ctx.ok() || !number_fits(ctx, Scalar(low), result.dtype()) ||
      !number_fits(ctx, Scalar(high - 1), result.dtype()))
    return {};
  if (tsc::is_complex(result.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "check_random_bounds handles only integral, floating-point and boolean types");
  }
  Generator* const generator = ctx.generator();
  if (generator == nullptr) return {};
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  for_each_in_memory(ctx, result, [&](char* at) {
    const uint64_t offset = (range >= uint64_t{1} << 28 ? generator->bits64() : generator->bits32()) % range;
    store_scalar(Scalar(static_cast<i64>(static_cast<uint64_t>(low) + offset)), result.dtype(), at);
  });
  return result;
}

// The numbers from 0 to n - 1 in random order (Fisher and Yates).
inline Tensor randperm(Context& ctx, i64 n, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                       const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  if (n < 0) return ctx.fail(ErrorKind::kRuntime, "n must be non-negative, got%lld", static_cast<long long>(n));
  const i64 sizes[] = {n};
  const Tensor result = Tensor::empty(ctx, DType::kInt64, sizes);
  Generator* const generator = ctx.generator();
  if (!ctx.ok() || generator == nullptr) return {};
  i64* const values = result.data<i64>();
  for (i64 i = 0; i < n; ++i) values[i] = i;
  for (i64 i = 0; i < n - 1; ++i) {
    const i64 other = i + static_cast<i64>(generator->bits32() % static_cast<uint64_t>(n - i));
    const i64 value = values[i];
    values[i] = values[other];
    values[other] = value;
  }
  return converted(ctx, result, dtype_or(ctx, dtype, DType::kInt64));
}

// Dropout: in training an element is kept with probability 1 - p.
inline bool dropout_ok(Context& ctx, double p) {
  if (ctx.ok() && !(p >= 0 && p <= 1)) {
    ctx.fail(ErrorKind::kRuntime, "dropout probability has to be between 0 and 1, but got %g", p);
  }
  return ctx.ok();
}
// Ones with probability 1 - p, else zeros, in the dtype and memory order of `like` if that has the sizes.
inline Tensor kept_elements(Context& ctx, Sizes sizes, const Tensor& like, double p) {
  const DType dtype = float_or_default(like.dtype());
  const bool all = same_sizes(sizes, like.sizes());
  const Tensor kept = all ? empty_preserving(ctx, like, dtype) : Tensor::empty(ctx, dtype, sizes);
  return fill_bernoulli_(ctx, kept, 1 - p);
}
// Whether elements are to be dropped at all; then they must be floats.
inline bool drops(Context& ctx, const Tensor& input, double p, bool train) {
  if (!dropout_ok(ctx, p) || !train || p == 0 || input.numel() == 0) return false;
  if (is_floating(input.dtype())) return true;
  ctx.fail(ErrorKind::kType, "result type Float can't be cast to the desired output type %s",
           scalar_type_name(input.dtype()));
  return false;
}
// Kept elements are scaled by 1 / (1 - p), so that the mean stays.
inline Tensor dropout_by(Context& ctx, const Tensor& input, double p, bool train, Sizes sizes,
                         const Tensor* destination) {
  if (!drops(ctx, input, p, train)) return input;
  const Tensor kept = kept_elements(ctx, sizes, input, p);
  return mul_to(ctx, input, p == 1 ? kept : div(ctx, kept, 1 - p), destination);
}
inline Tensor dropout(Context& ctx, const Tensor& input, double p, bool train) {
  return dropout_by(ctx, input, p, train, input.sizes(), nullptr);
}
inline Tensor dropout_(Context& ctx, const Tensor& input, double p, bool train) {
  return dropout_by(ctx, input, p, train, input.sizes(), &input);
}
// Whole channels at once.
inline Tensor feature_dropout_to(Context& ctx, const Tensor& input, double p, bool train, const Tensor* destination) {
  if (ctx.ok() && train && p != 0 && input.numel() > 0 && input.dim() < 2) {
    return ctx.fail(ErrorKind::kRuntime, "Feature dropout requires at least 2 dimensions in the input");
  }
  Shape sizes(input.sizes());
  for (i64 d = 2; d < sizes.rank; ++d) sizes[d] = 1;
  return dropout_by(ctx, input, p, train, sizes, destination);
}
inline Tensor feature_dropout(Context& ctx, const Tensor& input, double p, bool train) {
  return feature_dropout_to(ctx, input, p, train, nullptr);
}
inline Tensor feature_dropout_(Context& ctx, const Tensor& input, double p, bool train) {
  return feature_dropout_to(ctx, input, p, train, &input);
}
// Dropped elements become SELU's lower limit, and an affine map restores mean and variance.
inline Tensor alpha_dropout(Context& ctx, const Tensor& input, double p, bool train) {
  if (!drops(ctx, input, p, train)) return input;
  if (p == 1) return mul(ctx, input, 0.0);
  constexpr double kLimit = 1.7580993408473766;
  const double scale = 1 / __builtin_sqrt((kLimit * kLimit * p + 1) * (1 - p));
  const Tensor kept = kept_elements(ctx, input.sizes(), input, p);
  const Tensor limits = mul(ctx, sub(ctx, kept, 1.0, 1), kLimit * scale);  // -limit where dropped
  const Tensor shifts = add(ctx, limits, kLimit * scale * p, 1);
  return add(ctx, mul(ctx, input, mul(ctx, kept, scale)), shifts, 1);
}
inline Tensor alpha_dropout_(Context& ctx, const Tensor& input, double p, bool train) {
  return copy_(ctx, input, alpha_dropout(ctx, input, p, train));
}

}  // namespace tsc::ops
