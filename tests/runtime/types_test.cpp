#include "runtime/core/types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

namespace tsc {
namespace {

// The compiler's own half type is the reference.
TEST(Float16, ConvertsEveryHalf) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = Float16::from_bits(static_cast<uint16_t>(bits));
    const float expected = static_cast<float>(bit_cast<_Float16>(half.bits));
    const float actual = half;
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual));
      EXPECT_TRUE(std::isnan(static_cast<float>(Float16(actual))));
    } else {
      EXPECT_EQ(bit_cast<uint32_t>(actual), bit_cast<uint32_t>(expected));
      EXPECT_EQ(Float16(actual).bits, half.bits);
    }
  }
}

TEST(Float16, RoundsEveryFloatToNearestEven) {
  // A stride that is coprime to the powers of two meets every exponent and many ties.
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 4091) {
    for (const uint32_t low : {0u, 0x1000u, 0x1001u, 0xfffu}) {
      const float value = bit_cast<float>((static_cast<uint32_t>(bits) & ~0x1fffu) | low);
      if (std::isnan(value)) continue;
      ASSERT_EQ(Float16(value).bits, bit_cast<uint16_t>(static_cast<_Float16>(value))) << value;
    }
  }
}

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(BFloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(BFloat16(bit_cast<float>(0x3f808000u)).bits, 0x3f80);  // tie: down to even
  EXPECT_EQ(BFloat16(bit_cast<float>(0x3f818000u)).bits, 0x3f82);  // tie: up to even
  EXPECT_EQ(BFloat16(bit_cast<float>(0x3f808001u)).bits, 0x3f81);
  EXPECT_EQ(BFloat16(bit_cast<float>(0x7f7fffffu)).bits, 0x7f80);  // rounds up to infinity
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(NAN))));
  EXPECT_EQ(static_cast<float>(BFloat16(-0.0f)), 0.0f);
  EXPECT_TRUE(std::signbit(static_cast<float>(BFloat16(-0.0f))));
}

TEST(Complex, AgreesWithStdComplex) {
  const double parts[] = {0.5, -2, 3, 1e-3, -7e5};
  for (const double a : parts) {
    for (const double b : parts) {
      const std::complex<double> x(a, b), y(b, 1.5);
      const Complex<double> p(a, b), q(b, 1.5);
      EXPECT_NEAR(std::abs(std::complex<double>((p * q).real, (p * q).imag) - x * y), 0, 1e-9 * std::abs(x * y));
      EXPECT_NEAR(std::abs(std::complex<double>((p / q).real, (p / q).imag) - x / y), 0, 1e-14 * std::abs(x / y));
    }
  }
  // No overflow on the way: naive division gives 0 or NaN here.
  const Complex<double> large(1e300, 1e300);
  EXPECT_DOUBLE_EQ((large / large).real, 1);
}

TEST(DType, HasPyTorchsCodes) {
  EXPECT_EQ(static_cast<int>(dtype_of<float>), 6);
  EXPECT_EQ(static_cast<int>(dtype_of<i64>), 4);
  EXPECT_EQ(static_cast<int>(dtype_of<BFloat16>), 15);
  EXPECT_EQ(element_size(DType::kComplex128), 16);
  EXPECT_STREQ(dtype_name(DType::kBFloat16), "bfloat16");
  EXPECT_TRUE(is_floating(DType::kBFloat16) && !is_floating(DType::kBool) && !is_integral(DType::kBool));
}

}  // namespace
}  // namespace tsc
