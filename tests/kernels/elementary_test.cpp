// Accuracy of the elementary functions in float against libm's double versions, over a sweep of all magnitudes and the
// special values, in units of the last place; and the scalar version against the vector version bit for bit.
#include "runtime/kernels/elementary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace tsc {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kQuietNan = std::numeric_limits<float>::quiet_NaN();
// Without fused multiply-add some polynomials round once more.
constexpr double kBound = kHasFma ? 2.0 : 2.5;

double ulp_error(float got, double want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : 1e30;
  const float rounded = static_cast<float>(want);
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded || std::abs(want) > 3.4e38 ? 0 : 1e30;
  if (want == 0) return got == 0 && std::signbit(got) == std::signbit(want) ? 0 : 1e30;
  const double ulp = std::max(std::ldexp(1.0, std::ilogb(want) - 23), std::ldexp(1.0, -149));
  return std::abs(got - want) / ulp;
}

// Every `step`-th float of both signs, and the neighbourhoods of interesting values.
std::vector<float> sweep(uint32_t step) {
  std::vector<float> values = {0.0f,  -0.0f, kInf,  -kInf, kQuietNan, 1.0f,
                               -1.0f, 0.5f,  -0.5f, 2.0f,  0x1p-149f, -0x1p-149f};
  for (float centre : {1.0f, 0.625f, 16.0f, 88.72284f, -87.33655f, -103.97208f, 0.70710678f, 1e6f, 3.1415927f}) {
    const int32_t bits = std::bit_cast<int32_t>(centre);
    for (int32_t i = -40; i <= 40; ++i) values.push_back(std::bit_cast<float>(bits + i));
  }
  for (uint64_t bits = 0; bits < 0x7f800000u; bits += step) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    values.push_back(-values.back());
  }
  // Most of the action lies between 2^-7 and 2^7.
  for (uint64_t bits = 0x3c000000u; bits < 0x43000000u; bits += step / 16 + 1) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    values.push_back(-values.back());
  }
  while (values.size() % kLanes != 0) values.push_back(1.0f);
  return values;
}

template <class F, class Reference>
void check(const char* name, F f, Reference reference, double bound = kBound) {
  const std::vector<float> in = sweep(30011);
  double worst = 0;
  float worst_at = 0;
  for (size_t i = 0; i < in.size(); i += kLanes) {
    float out[kLanes];
    store(out, f(load<VecF>(&in[i])));
    for (int lane = 0; lane < kLanes; ++lane) {
      const float x = in[i + lane];
      const double error = ulp_error(out[lane], reference(static_cast<double>(x)));
      if (error > worst) worst = error, worst_at = x;
      const float scalar = f(x);
      ASSERT_TRUE(std::bit_cast<int32_t>(scalar) == std::bit_cast<int32_t>(out[lane]) ||
                  (std::isnan(scalar) && std::isnan(out[lane])))
          << name << "(" << x << ") is " << scalar << " as a scalar and " << out[lane] << " in a vector";
    }
  }
  EXPECT_LE(worst, bound) << name << "(" << worst_at << "): " << f(worst_at) << ", not " << reference(worst_at);
  ::testing::Test::RecordProperty(name, std::to_string(worst));
}

TEST(Elementary, Exp) {
  check("exp", [](auto x) { return math::exp(x); }, [](double x) { return std::exp(x); }, 1.0);
  check("exp2", [](auto x) { return math::exp2(x); }, [](double x) { return std::exp2(x); }, kHasFma ? 1.0 : 1.5);
  check("expm1", [](auto x) { return math::expm1(x); }, [](double x) { return std::expm1(x); });
}

TEST(Elementary, ExpFlushedIsZeroBelowTheNormals) {
  EXPECT_EQ(math::exp_flushed(-kInf), 0.0f);
  EXPECT_EQ(math::exp_flushed(-88.0f), 0.0f);
  EXPECT_EQ(math::exp_flushed(-0.0f), 1.0f);
  EXPECT_TRUE(std::isnan(math::exp_flushed(kQuietNan)));
  for (float x = -87.0f; x <= 0.0f; x += 0.37f) EXPECT_LE(ulp_error(math::exp_flushed(x), std::exp(double(x))), 1.0);
}

TEST(Elementary, Log) {
  check("log", [](auto x) { return math::log(x); }, [](double x) { return std::log(x); }, 1.5);
  check("log2", [](auto x) { return math::log2(x); }, [](double x) { return std::log2(x); }, 1.0);
  check("log10", [](auto x) { return math::log10(x); }, [](double x) { return std::log10(x); }, 1.0);
  check("log1p", [](auto x) { return math::log1p(x); }, [](double x) { return std::log1p(x); });
}

TEST(Elementary, SinAndCos) {
  check("sin", [](auto x) { return math::sin(x); }, [](double x) { return std::sin(x); });
  check("cos", [](auto x) { return math::cos(x); }, [](double x) { return std::cos(x); });
}

TEST(Elementary, Sigmoids) {
  check("tanh", [](auto x) { return math::tanh(x); }, [](double x) { return std::tanh(x); });
  check("erf", [](auto x) { return math::erf(x); }, [](double x) { return std::erf(x); });
  check("sigmoid", [](auto x) { return math::sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); });
  EXPECT_EQ(math::sigmoid(-kInf), 0.0f);
}

TEST(Elementary, ThroughDouble) {
  check("tan", [](auto x) { return math::tan(x); }, [](double x) { return std::tan(x); }, 1.0);
  check("asin", [](auto x) { return math::asin(x); }, [](double x) { return std::asin(x); }, 1.0);
  check("acos", [](auto x) { return math::acos(x); }, [](double x) { return std::acos(x); }, 1.0);
  check("atan", [](auto x) { return math::atan(x); }, [](double x) { return std::atan(x); }, 1.0);
  check("sinh", [](auto x) { return math::sinh(x); }, [](double x) { return std::sinh(x); }, 1.0);
  check("cosh", [](auto x) { return math::cosh(x); }, [](double x) { return std::cosh(x); }, 1.0);
  check("asinh", [](auto x) { return math::asinh(x); }, [](double x) { return std::asinh(x); }, 1.0);
  check("acosh", [](auto x) { return math::acosh(x); }, [](double x) { return std::acosh(x); }, 1.0);
  check("atanh", [](auto x) { return math::atanh(x); }, [](double x) { return std::atanh(x); }, 1.0);
  check("erfc", [](auto x) { return math::erfc(x); }, [](double x) { return std::erfc(x); }, 1.0);
}

// Every pair of some values, as scalars and in vectors.
template <class F, class Reference>
void check_pairs(const char* name, F f, Reference reference) {
  const std::vector<float> values = sweep(9000011);
  for (float x : values) {
    for (size_t i = 0; i + kLanes <= values.size(); i += kLanes) {
      float out[kLanes];
      store(out, f(splat<VecF>(x), load<VecF>(&values[i])));
      for (int lane = 0; lane < kLanes; ++lane) {
        const float y = values[i + lane], scalar = f(x, y);
        ASSERT_LE(ulp_error(out[lane], reference(double(x), double(y))), 1.0) << name << "(" << x << ", " << y << ")";
        ASSERT_TRUE(std::bit_cast<int32_t>(scalar) == std::bit_cast<int32_t>(out[lane]) || std::isnan(scalar));
      }
    }
  }
}

TEST(Elementary, OfTwoOperands) {
  check_pairs(
      "atan2", [](auto y, auto x) { return math::atan2(y, x); }, [](double y, double x) { return std::atan2(y, x); });
  check_pairs(
      "hypot", [](auto x, auto y) { return math::hypot(x, y); }, [](double x, double y) { return std::hypot(x, y); });
  check_pairs(
      "fmod", [](auto x, auto y) { return math::fmod(x, y); }, [](double x, double y) { return std::fmod(x, y); });
}

TEST(Elementary, Pow) {
  const std::vector<float> bases = sweep(9000011), exponents = sweep(9000011);
  double worst = 0;
  float worst_base = 0, worst_exponent = 0;
  std::vector<float> more = exponents;
  for (float e : {2.0f, 3.0f, 0.5f, -1.0f, -2.0f, 1.0f / 3, 10.0f, 16777215.0f, 16777216.0f, 8388607.5f})
    more.push_back(e);
  for (float b : bases) {
    for (size_t i = 0; i + kLanes <= more.size(); i += kLanes) {
      float out[kLanes];
      store(out, math::pow(splat<VecF>(b), load<VecF>(&more[i])));
      for (int lane = 0; lane < kLanes; ++lane) {
        const float e = more[i + lane];
        const double error = ulp_error(out[lane], std::pow(double(b), double(e)));
        if (error > worst) worst = error, worst_base = b, worst_exponent = e;
        const float scalar = math::pow(b, e);
        ASSERT_TRUE(std::bit_cast<int32_t>(scalar) == std::bit_cast<int32_t>(out[lane]) || std::isnan(scalar));
      }
    }
  }
  EXPECT_LE(worst, 1.0) << worst_base << " ^ " << worst_exponent << ": " << math::pow(worst_base, worst_exponent);
}

TEST(Elementary, DoubleCallsLibm) {
  using V = Vec<double, kLanes>;
  for (double x : {-3.5, -0.25, 0.0, 0.75, 2.0, 40.0}) {
    EXPECT_EQ(horizontal_max(math::exp(splat<V>(x))), std::exp(x));
    EXPECT_EQ(math::tanh(x), std::tanh(x));
    EXPECT_EQ(math::erf(x), std::erf(x));
    EXPECT_NEAR(math::sigmoid(x), 1 / (1 + std::exp(-x)), 1e-16);
    EXPECT_EQ(math::pow(2.5, x), std::pow(2.5, x));
  }
}

}  // namespace
}  // namespace tsc
