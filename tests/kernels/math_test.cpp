// The pointwise ops against the definitions in PyTorch's documentation, written out in double or with the standard
// library, on special values and both as scalars and as vectors.
#include "runtime/kernels/math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace tsc {
namespace {

// Every pointwise op of the table has a function, but for those that the emitter says in other functions.
namespace emitted_otherwise {
[[maybe_unused]] inline constexpr int div_mode = 0, to_dtype = 0, to_device = 0, to_prim_dtype = 0, to_prim_device = 0,
                                      to_other = 0, type_as = 0, copy_ = 0, dropout = 0, feature_dropout = 0,
                                      alpha_dropout = 0;
}  // namespace emitted_otherwise
namespace names {
using namespace math;
using namespace emitted_otherwise;
#define TSC_NAME_Pointwise(name) using names::name;
#define TSC_NAME_Reduction(name)
#define TSC_NAME_Scan(name)
#define TSC_NAME_View(name)
#define TSC_NAME_Contraction(name)
#define TSC_NAME_Window(name)
#define TSC_NAME_Normalisation(name)
#define TSC_NAME_Attention(name)
#define TSC_NAME_Recurrent(name)
#define TSC_NAME_Special(name)
#define TSC_NAME_Linalg(name)
#define TSC_NAME_Transform(name)
#define TSC_NAME_Movement(name)
#define TSC_NAME_Resampling(name)
#define TSC_NAME_Creation(name)
#define TSC_NAME_Random(name)
#define TSC_NAME_Sort(name)
#define TSC_NAME_Query(name)
#define TSC_NAME_Scalar(name)
#define TSC_NAME_Container(name)
#define TSC_NAME_Control(name)
#define TSC_NAME_Effect(name)
}  // namespace names
[[maybe_unused]] void every_pointwise_op_has_a_function() {
#define TSC_OP(name, op_class, ...) TSC_NAME_##op_class(name)
#include "compiler/ir/ops.def"
#undef TSC_OP
}

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kQuietNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<float> kValues = {0.0f,  -0.0f, 0.3f,   -0.3f, 0.5f,  -0.5f, 1.0f,   -1.0f, 1.5f,   -1.5f,    2.0f,
                                    -2.0f, 2.5f,  -2.5f,  3.0f,  -3.0f, 3.5f,  -3.5f,  6.0f,  -6.0f,  7.25f,    -7.25f,
                                    20.5f, 100.f, -100.f, kInf,  -kInf, 1e-8f, -1e-8f, 1e30f, -1e30f, kQuietNan};

// Calls f on x as a scalar and in every lane, which must agree to the bit, and returns the result.
template <class T, class F, class... Ts>
auto both(F f, T x, Ts... xs) {
  const auto scalar = f(x, xs...);
  using R = std::remove_const_t<decltype(scalar)>;
  R lanes[kLanes];
  store(lanes, f(splat<Vec<T, kLanes>>(x), splat<Vec<Ts, kLanes>>(xs)...));
  for (R lane : lanes) {
    EXPECT_TRUE(__builtin_memcmp(&lane, &scalar, sizeof(R)) == 0 || (lane != lane && scalar != scalar))
        << lane << " " << scalar;
  }
  return scalar;
}

void expect_near(float got, double want, double tolerance, float at) {
  if (std::isnan(want) || std::isinf(static_cast<float>(want))) {
    EXPECT_TRUE((std::isnan(want) && std::isnan(got)) || got == static_cast<float>(want)) << at << ": " << got;
    return;
  }
  EXPECT_LE(std::abs(got - want), tolerance * std::max(std::abs(want), 1e-6)) << at << ": " << got << " " << want;
}

#define EXPECT_UNARY(name, reference) EXPECT_UNARY_WITHIN(name, reference, 0)
#define EXPECT_UNARY_WITHIN(name, reference, tolerance)                                          \
  for (float value : kValues) {                                                                  \
    const auto x = static_cast<double>(value);                                                   \
    expect_near(both([](auto v) { return math::name(v); }, value), reference, tolerance, value); \
  }                                                                                              \
  EXPECT_TRUE(true) << #name

TEST(Math, Rounding) {
  EXPECT_UNARY(neg, -x);
  EXPECT_UNARY(abs, std::abs(x));
  EXPECT_UNARY(ceil, std::ceil(x));
  EXPECT_UNARY(floor, std::floor(x));
  EXPECT_UNARY(trunc, std::trunc(x));
  EXPECT_UNARY(round, std::nearbyint(x));
  EXPECT_UNARY(frac, static_cast<float>(x) - std::trunc(static_cast<float>(x)));
  EXPECT_UNARY(sign, x > 0 ? 1 : x < 0 ? -1 : 0);
  EXPECT_UNARY(square, static_cast<float>(x) * static_cast<float>(x));
  EXPECT_UNARY(reciprocal, 1.0f / static_cast<float>(x));
  EXPECT_UNARY(sqrt, std::sqrt(static_cast<float>(x)));
  EXPECT_UNARY_WITHIN(rsqrt, 1 / std::sqrt(x), 2e-7);
  EXPECT_EQ(math::round(int64_t{-7}), -7);
  EXPECT_EQ(both([](auto v) { return math::abs(v); }, int32_t{-7}), 7);
  EXPECT_EQ(both([](auto v) { return math::sign(v); }, int64_t{-7}), -1);
  EXPECT_EQ(both([](auto v) { return math::neg(v); }, uint8_t{7}), 249);
  EXPECT_TRUE(std::signbit(math::neg(0.0f)));
}

TEST(Math, Activations) {
  const double scale = 1.0507009873554804934, alpha = 1.6732632423543772848;
  const auto soft = [](double x) { return x > 30 ? x : std::log1p(std::exp(x)); };
  EXPECT_UNARY(relu, std::isnan(x) ? x : std::max(x, 0.0));
  EXPECT_UNARY(relu6, std::isnan(x) ? x : std::min(std::max(x, 0.0), 6.0));
  EXPECT_UNARY(hardtanh, std::isnan(x) ? x : std::min(std::max(x, -1.0), 1.0));
  EXPECT_UNARY_WITHIN(leaky_relu, x > 0 ? x : 0.01 * x, 1e-6);
  EXPECT_UNARY_WITHIN(elu, x < 0 ? std::expm1(x) : x, 1e-6);
  EXPECT_UNARY_WITHIN(selu, x < 0 ? scale * alpha * std::expm1(x) : scale * x, 1e-6);
  EXPECT_UNARY_WITHIN(silu, x == -kInf ? NAN : x / (1 + std::exp(-x)), 1e-6);
  EXPECT_UNARY_WITHIN(hardsigmoid, std::isnan(x) ? x : std::min(std::max(x + 3, 0.0), 6.0) / 6, 1e-6);
  EXPECT_UNARY_WITHIN(hardswish, std::isnan(x) ? x : x * (std::min(std::max(x + 3, 0.0), 6.0) / 6), 1e-6);
  EXPECT_UNARY(hardshrink, std::abs(x) <= 0.5 ? 0 : x);
  EXPECT_UNARY(softshrink, x > 0.5 ? static_cast<float>(x) - 0.5f : x < -0.5 ? static_cast<float>(x) + 0.5f : 0 * x);
  EXPECT_UNARY_WITHIN(softplus, soft(x), 1e-6);
  EXPECT_UNARY_WITHIN(log_sigmoid, std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))) + 0 * (x == x ? 0 : x), 1e-6);
  EXPECT_UNARY_WITHIN(mish, x == -kInf ? NAN : x * std::tanh(soft(x)), 1e-6);
  // 1 + erf cancels on the negative side, as it does in PyTorch: the error is absolute.
  for (float x = -9.0f; x < 9.0f; x += 0.0625f) {
    EXPECT_NEAR(both([](auto v) { return math::gelu(v); }, x), 0.5 * x * (1 + std::erf(x * M_SQRT1_2)),
                1e-7 * std::max(1.0f, std::abs(x)));
  }
  EXPECT_TRUE(std::isnan(math::gelu(kQuietNan)));
  EXPECT_EQ(math::gelu(kInf), kInf);
  EXPECT_UNARY_WITHIN(
      gelu_tanh, x == -kInf ? NAN : 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))), 3e-6);
  EXPECT_EQ(math::threshold(1.0f, 1.0f, 20.0f), 20.0f);
  EXPECT_EQ(math::threshold(1.5f, 1.0f, 20.0f), 1.5f);
  EXPECT_TRUE(std::isnan(math::threshold(kQuietNan, 1.0f, 20.0f)));
  EXPECT_NEAR(math::softplus(1.0, 2.0, 20.0), std::log1p(std::exp(2.0)) / 2, 1e-12);
}

TEST(Math, Clamps) {
  EXPECT_EQ(math::clamp(3.0f, 0.0f, 2.0f), 2.0f);
  EXPECT_EQ(math::clamp(int64_t{-3}, int64_t{-1}, int64_t{5}), -1);
  EXPECT_EQ(math::clamp(1.0f, 3.0f, 2.0f), 2.0f);
  EXPECT_TRUE(std::isnan(math::clamp_min(kQuietNan, 0.0f)));
  EXPECT_TRUE(std::isnan(math::clamp_max(1.0f, kQuietNan)));
  EXPECT_TRUE(std::isnan(math::clamp_tensor(1.0f, kQuietNan, 2.0f)));
  for (float a : kValues) {
    for (float b : kValues) {
      const float larger = both([](auto x, auto y) { return math::maximum(x, y); }, a, b);
      const float smaller = both([](auto x, auto y) { return math::minimum(x, y); }, a, b);
      if (std::isnan(a) || std::isnan(b)) {
        EXPECT_TRUE(std::isnan(larger) && std::isnan(smaller));
      } else {
        EXPECT_EQ(larger, std::max(a, b));
        EXPECT_EQ(smaller, std::min(a, b));
      }
    }
  }
}

// Python's // and % on floats, as CPython and PyTorch define them through fmod.
float python_remainder(float a, float b) {
  const float rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
float python_floor_divide(float a, float b) {
  if (b == 0) return a / b;
  const float rest = std::fmod(a, b);
  float quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0f, a / b);
  const float floored = std::floor(quotient);
  return quotient - floored > 0.5f ? floored + 1 : floored;
}

TEST(Math, FloatDivision) {
  const auto same = [](float got, float want) {
    return std::bit_cast<int>(got) == std::bit_cast<int>(want) || got != got;
  };
  for (float a : kValues) {
    for (float b : kValues) {
      EXPECT_TRUE(same(both([](auto x, auto y) { return math::fmod(x, y); }, a, b), std::fmod(a, b)));
      EXPECT_TRUE(same(both([](auto x, auto y) { return math::remainder(x, y); }, a, b), python_remainder(a, b)))
          << a << " " << b;
      EXPECT_TRUE(same(both([](auto x, auto y) { return math::floor_divide(x, y); }, a, b), python_floor_divide(a, b)))
          << a << " " << b;
      EXPECT_TRUE(same(math::div(a, b), a / b));
    }
  }
}

template <class T>
void check_integers() {
  const T values[] = {0,
                      1,
                      2,
                      3,
                      7,
                      100,
                      static_cast<T>(-1),
                      static_cast<T>(-2),
                      static_cast<T>(-7),
                      std::numeric_limits<T>::min(),
                      std::numeric_limits<T>::max()};
  for (T a : values) {
    for (T b : values) {
      const T trunc = both([](auto x, auto y) { return math::div_trunc(x, y); }, a, b);
      const T floor = both([](auto x, auto y) { return math::floor_divide(x, y); }, a, b);
      const T modulo = both([](auto x, auto y) { return math::remainder(x, y); }, a, b);
      const T rest = both([](auto x, auto y) { return math::fmod(x, y); }, a, b);
      both([](auto x, auto y) { return math::pow(x, y); }, a, b);
      if (b == 0) {
        EXPECT_EQ(trunc, 0);
        continue;
      }
      const __int128 quotient = static_cast<__int128>(a) / b, remainder = static_cast<__int128>(a) % b;
      const bool across = remainder != 0 && (remainder < 0) != (b < 0);
      EXPECT_EQ(trunc, static_cast<T>(quotient));
      EXPECT_EQ(rest, static_cast<T>(remainder));
      EXPECT_EQ(floor, static_cast<T>(quotient - across));
      EXPECT_EQ(modulo, static_cast<T>(remainder + (across ? b : 0)));
    }
  }
}

TEST(Math, Integers) {
  check_integers<int64_t>();
  check_integers<int32_t>();
  check_integers<int16_t>();
  check_integers<int8_t>();
  check_integers<uint8_t>();
  EXPECT_EQ(math::pow(int64_t{-3}, int64_t{3}), -27);
  EXPECT_EQ(math::pow(int64_t{2}, int64_t{62}), int64_t{1} << 62);
  EXPECT_EQ(math::pow(int32_t{-1}, int32_t{-3}), -1);
  EXPECT_EQ(math::pow(int32_t{5}, int32_t{-1}), 0);
  EXPECT_EQ(math::add(int64_t{5}, int64_t{3}, int64_t{-2}), -1);
  EXPECT_EQ(math::rsub(int32_t{5}, int32_t{3}, int32_t{2}), -7);
}

TEST(Math, Logic) {
  EXPECT_TRUE(both([](auto x) { return math::isnan(x); }, kQuietNan));
  EXPECT_FALSE(both([](auto x) { return math::isnan(x); }, kInf));
  EXPECT_TRUE(both([](auto x) { return math::isinf(x); }, -kInf));
  EXPECT_FALSE(both([](auto x) { return math::isfinite(x); }, kQuietNan));
  EXPECT_TRUE(both([](auto x) { return math::isfinite(x); }, int64_t{4}));
  for (bool a : {false, true}) {
    EXPECT_EQ(both([](auto x) { return math::logical_not(x); }, a), !a);
    EXPECT_EQ(both([](auto x) { return math::bitwise_not(x); }, a), !a);
    for (bool b : {false, true}) {
      EXPECT_EQ(both([](auto x, auto y) { return math::logical_and(x, y); }, a, b), a && b);
      EXPECT_EQ(both([](auto x, auto y) { return math::logical_xor(x, y); }, a, b), a != b);
      EXPECT_EQ(both([](auto x, auto y) { return math::bitwise_or(x, y); }, a, b), a || b);
      EXPECT_EQ(both([](auto x, auto y) { return math::add(x, y); }, a, b), a || b);
      EXPECT_EQ(both([](auto x, auto y) { return math::mul(x, y); }, a, b), a && b);
      EXPECT_EQ(both([](auto x, auto y) { return math::eq(x, y); }, a, b), a == b);
      EXPECT_EQ(both([](auto x, auto y) { return math::lt(x, y); }, a, b), a < b);
      EXPECT_EQ(both([](auto c, auto x) { return math::where(c, x, math::bitwise_not(x)); }, a, b), a == b);
    }
  }
  EXPECT_FALSE(both([](auto x) { return math::logical_not(x); }, 0.25f));
  EXPECT_TRUE(both([](auto x, auto y) { return math::logical_or(x, y); }, 0.0f, int64_t{2}));
  EXPECT_EQ(both([](auto x) { return math::bitwise_not(x); }, int32_t{5}), -6);
  EXPECT_TRUE(math::ne(kQuietNan, kQuietNan));
  EXPECT_FALSE(math::ge(kQuietNan, 0.0f));
  EXPECT_EQ(math::masked_fill(2.0f, true, -kInf), -kInf);
}

TEST(Math, ThreeOperands) {
  EXPECT_FLOAT_EQ(math::addcmul(1.0f, 2.0f, 3.0f, 0.5f), 4.0f);
  EXPECT_EQ(math::addcmul(int64_t{1}, int64_t{2}, int64_t{3}), 7);
  EXPECT_FLOAT_EQ(math::addcdiv(1.0f, 2.0f, 4.0f, 2.0f), 2.0f);
  for (float w : {0.0f, 0.25f, 0.5f, 0.75f, 1.0f}) {
    EXPECT_FLOAT_EQ(both([](auto a, auto b, auto t) { return math::lerp(a, b, t); }, 2.0f, 10.0f, w), 2 + 8 * w);
  }
  EXPECT_EQ(math::lerp(3.0f, 7.0f, 1.0), 7.0f);
}

TEST(Math, PowScalar) {
  for (double e : {2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 1.7}) {
    EXPECT_NEAR(math::pow_scalar(1.3f, e), std::pow(1.3, e), 3e-7);
  }
  EXPECT_TRUE(std::isnan(math::pow_scalar(-kInf, 0.5)));
}

}  // namespace
}  // namespace tsc
