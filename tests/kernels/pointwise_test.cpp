// The pointwise driver against plain loops: strides, broadcasts, mixed element types, ranges, several outputs.
#include "runtime/kernels/pointwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tsc::kernels {
namespace {

struct MultiplyAdd {
  template <class V>
  V operator()(V x, V scale, V shift) const {
    return math::add(math::mul(x, scale), shift);
  }
};

std::vector<float> numbers(i64 count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (i64 i = 0; i < count; ++i) values[i] = static_cast<float>(i * 37 % 101) * 0.25f - 7;
  return values;
}

TEST(Pointwise, StridesAndBroadcasts) {
  // x is [3][inner][4] transposed to [3][4][inner]; scale is [4][1], shift is [inner].
  for (i64 inner : {1, 3, kLanes, 2 * kLanes + 5}) {
    const auto x = numbers(3 * 4 * inner), scale = numbers(4), shift = numbers(inner);
    std::vector<float> want(3 * 4 * inner);
    for (i64 a = 0; a < 3; ++a) {
      for (i64 b = 0; b < 4; ++b) {
        for (i64 c = 0; c < inner; ++c) {
          want[(a * 4 + b) * inner + c] = x[(a * inner + c) * 4 + b] * scale[b] + shift[c];
        }
      }
    }
    for (i64 parts : {1, 2, 5}) {
      std::vector<float> y(3 * 4 * inner + 1, 77.0f);
      for (i64 part = 0; part < parts; ++part) {
        const Piece p = piece_of(12 * inner, parts, part);
        pointwise({3, 4, inner}, out(y.data(), {4 * inner, inner, 1}), MultiplyAdd{}, p.begin, p.end,
                  in(x.data(), {4 * inner, 1, 4}), in(scale.data(), {0, 1, 0}), in(shift.data(), {0, 0, 1}));
      }
      for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(y[i], want[i]) << i;
      EXPECT_EQ(y.back(), 77.0f);
    }
  }
}

TEST(Pointwise, StridedOutput) {
  const i64 n = 2 * kLanes + 3;
  const auto x = numbers(n);
  std::vector<float> y(3 * n, -1.0f);
  pointwise({n}, out(y.data(), {3}), [](auto v) { return math::relu(v); }, 0, n, in(x.data(), {1}));
  for (i64 i = 0; i < 3 * n; ++i) EXPECT_EQ(y[i], i % 3 == 0 ? std::max(x[i / 3], 0.0f) : -1.0f);
}

struct Select {
  template <class F, class M, class I>
  F operator()(F x, M mask, I index) const {
    return math::where(mask, x, convert<float>(index));
  }
};

TEST(Pointwise, MixedElementTypes) {
  const i64 n = 3 * kLanes + 1;
  const auto x = numbers(n);
  std::vector<i64> index(n);
  std::iota(index.begin(), index.end(), 1000);
  std::vector<uint8_t> bytes(n);
  for (i64 i = 0; i < n; ++i) bytes[i] = i % 3 == 0;
  const bool* mask = reinterpret_cast<const bool*>(bytes.data());
  std::vector<float> y(n);
  pointwise({n}, out(y.data(), {1}), Select{}, 0, n, in(x.data(), {1}), in(mask, {1}), in(index.data(), {1}));
  for (i64 i = 0; i < n; ++i) EXPECT_EQ(y[i], mask[i] ? x[i] : 1000.0f + i);

  std::vector<uint8_t> less(n + 1, 9);
  const double limit = 0.5;
  pointwise(
      {n}, out(reinterpret_cast<bool*>(less.data()), {1}),
      [](auto a, auto b) { return math::lt(convert<double>(a), b); }, 0, n, in(x.data(), {1}), in(&limit, {0}));
  for (i64 i = 0; i < n; ++i) EXPECT_EQ(less[i], x[i] < 0.5);
  EXPECT_EQ(less[n], 9);
}

struct DivMod {
  template <class V>
  void operator()(V& quotient, V& rest, V a, V b) const {
    quotient = math::floor_divide(a, b);
    rest = math::remainder(a, b);
  }
};

TEST(Pointwise, SeveralOutputsInPlace) {
  const i64 rows = 3, columns = kLanes + 2, n = rows * columns;
  std::vector<i64> a(n), rest(n);
  for (i64 i = 0; i < n; ++i) a[i] = i * 13 - 40;
  const std::vector<i64> before = a;
  const i64 seven = 7;
  pointwise_into({rows, columns}, outs(out(a.data(), {columns, 1}), out(rest.data(), {columns, 1})), DivMod{}, 0, n,
                 in(a.data(), {columns, 1}), in(&seven, {0, 0}));
  for (i64 i = 0; i < n; ++i) {
    EXPECT_EQ(a[i], static_cast<i64>(std::floor(before[i] / 7.0)));
    EXPECT_EQ(rest[i], before[i] - 7 * a[i]);
  }
}

TEST(Pointwise, ResultsDoNotDependOnTheSplit) {
  const i64 n = 7 * kLanes + 3;
  const auto x = numbers(n);
  const auto gelu = [](auto v) { return math::gelu(v); };
  std::vector<float> whole(n), split(n);
  pointwise({n}, out(whole.data(), {1}), gelu, 0, n, in(x.data(), {1}));
  for (i64 i = 0; i < n; i += 5) {
    pointwise({n}, out(split.data(), {1}), gelu, i, std::min(n, i + 5), in(x.data(), {1}));
  }
  EXPECT_EQ(whole, split);
  for (i64 i = 0; i < n; ++i) EXPECT_EQ(whole[i], math::gelu(x[i]));
}

TEST(Pointwise, Empty) {
  pointwise(
      {4, 0}, out(static_cast<float*>(nullptr), {0, 1}), [](auto v) { return v; }, 0, 0,
      in(static_cast<const float*>(nullptr), {0, 1}));
}

}  // namespace
}  // namespace tsc::kernels
