// Vec against plain loops, at the width this file is compiled for.
#include "runtime/kernels/vec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tsc {
namespace {

template <class T>
void check_memory() {
  using V = Vec<T, kLanes>;
  T in[3 * kLanes + 1];
  for (int i = 0; i <= 3 * kLanes; ++i) in[i] = static_cast<T>((i * 7 + 1) % 5);
  T out[3 * kLanes + 1] = {};
  store(out + 1, load<V>(in + 1));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(out[1 + i], in[1 + i]);
  for (int n = 0; n <= kLanes; ++n) {
    T partial[kLanes];
    store(partial, load_partial<V>(in, n));
    for (int i = 0; i < kLanes; ++i) EXPECT_EQ(partial[i], i < n ? in[i] : T(0)) << n << " " << i;
    T guarded[kLanes + 1];
    for (T& x : guarded) x = T(1);
    store_partial(guarded, load<V>(in), n);
    for (int i = 0; i <= kLanes; ++i) EXPECT_EQ(guarded[i], i < n ? in[i] : T(1));
  }
  T strided[kLanes];
  store(strided, load_strided<V>(in, 3));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(strided[i], in[3 * i]);
  T spread[3 * kLanes] = {};
  store_strided(spread, 2, load<V>(in));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(spread[2 * i], in[i]);
}

TEST(Vec, Memory) {
  check_memory<float>();
  check_memory<double>();
  check_memory<int64_t>();
  check_memory<int32_t>();
  check_memory<int16_t>();
  check_memory<int8_t>();
  check_memory<uint8_t>();
  check_memory<bool>();
}

template <class From, class To>
void check_convert() {
  From in[kLanes];
  To out[kLanes];
  for (int i = 0; i < kLanes; ++i) in[i] = static_cast<From>(i % 5);
  store(out, convert<To>(load<Vec<From, kLanes>>(in)));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(out[i], static_cast<To>(in[i])) << i;
}

template <class From>
void check_converts() {
  check_convert<From, float>();
  check_convert<From, double>();
  check_convert<From, int64_t>();
  check_convert<From, int32_t>();
  check_convert<From, uint8_t>();
  check_convert<From, bool>();
}

TEST(Vec, Convert) {
  check_converts<float>();
  check_converts<double>();
  check_converts<int64_t>();
  check_converts<int32_t>();
  check_converts<uint8_t>();
  check_converts<bool>();
  EXPECT_TRUE(all(convert<bool>(splat<VecF>(0.25f))));
}

template <class T>
void check_compare_and_select() {
  using V = Vec<T, kLanes>;
  T a[kLanes], b[kLanes], out[kLanes];
  bool mask[kLanes];
  for (int i = 0; i < kLanes; ++i) a[i] = static_cast<T>(i % 3), b[i] = static_cast<T>(i % 2);
  const V va = load<V>(a), vb = load<V>(b);
  store(mask, less(va, vb));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(mask[i], a[i] < b[i]);
  store(mask, equal(va, vb));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(mask[i], a[i] == b[i]);
  store(mask, greater_equal(va, vb));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(mask[i], a[i] >= b[i]);
  store(out, select(less(va, vb), va, vb));
  for (int i = 0; i < kLanes; ++i) EXPECT_EQ(out[i], a[i] < b[i] ? a[i] : b[i]);
}

TEST(Vec, CompareAndSelect) {
  check_compare_and_select<float>();
  check_compare_and_select<double>();
  check_compare_and_select<int64_t>();
  check_compare_and_select<uint8_t>();
  check_compare_and_select<bool>();
}

TEST(Vec, MinAndMaxReturnTheFirstOperandOnNan) {
  const VecF nan = splat<VecF>(std::numeric_limits<float>::quiet_NaN());
  const VecF one = splat<VecF>(1.0f);
  EXPECT_TRUE(std::isnan(horizontal_sum(max(nan, one))));
  EXPECT_EQ(horizontal_max(max(one, nan)), 1.0f);
  EXPECT_TRUE(std::isnan(horizontal_sum(min(nan, one))));
  EXPECT_EQ(horizontal_max(min(one, nan)), 1.0f);
}

TEST(Vec, SplatKeepsNegativeZero) { EXPECT_TRUE(all(less(bit_cast<Bits<VecF>>(splat<VecF>(-0.0f)), splat<Bits<VecF>>(0)))); }

TEST(Vec, Horizontal) {
  const VecF v = lane_indices<VecF>();
  EXPECT_EQ(horizontal_sum(v), kLanes * (kLanes - 1) / 2);
  EXPECT_EQ(horizontal_max(v), kLanes - 1);
  EXPECT_EQ(horizontal_min(v), 0);
  const auto first = equal(v, splat<VecF>(0.0f));
  EXPECT_TRUE(any(first));
  EXPECT_EQ(all(first), kLanes == 1);
  EXPECT_FALSE(any(less(v, splat<VecF>(0.0f))));
}

TEST(Vec, Rounding) {
  const double in[] = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -0.7};
  for (double x : in) {
    EXPECT_EQ(horizontal_max(round_even(splat<VecF>(float(x)))), std::nearbyint(float(x)));
    EXPECT_EQ(floor(x), std::floor(x));
    EXPECT_EQ(horizontal_max(ceil(splat<Vec<double, kLanes>>(x))), std::ceil(x));
    EXPECT_EQ(horizontal_max(trunc(splat<VecF>(float(x)))), std::trunc(float(x)));
  }
  EXPECT_EQ(horizontal_max(fma(splat<VecF>(2.0f), splat<VecF>(3.0f), splat<VecF>(1.0f))), 7.0f);
}

TEST(Vec, MapLanes) {
  const auto twice = map_lanes<double>([](float x) { return 2.0 * x; }, lane_indices<VecF>());
  EXPECT_EQ(horizontal_sum(twice), kLanes * (kLanes - 1));
}

template <int kCount>
void check_lookup() {
  float table[kTableSize];
  for (int i = 0; i < kTableSize; ++i) table[i] = 1.5f * static_cast<float>(i);
  for (int first : {0, 5, 27, -40, 0x4b400000}) {
    int32_t index[kCount];
    float out[kCount];
    for (int i = 0; i < kCount; ++i) index[i] = first + 11 * i;
    store(out, lookup<Vec<float, kCount>>(table, load<Vec<int32_t, kCount>>(index)));
    for (int i = 0; i < kCount; ++i) EXPECT_EQ(out[i], table[index[i] & (kTableSize - 1)]) << first << " " << i;
  }
}

TEST(Vec, Lookup) {
  check_lookup<kLanes>();
  if constexpr (kLanes > 1) check_lookup<8>();  // which are half a vector, a whole one or two
  check_lookup<1>();
}

}  // namespace
}  // namespace tsc
