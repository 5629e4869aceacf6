// Reductions against plain loops in double, for rows, strips and narrow columns, ranges and special values.
#include "runtime/kernels/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tsc::kernels {
namespace {

struct Shape {
  i64 outer, reduced, inner;
};
std::vector<Shape> shapes() {
  return {{3, 1, 1},
          {2, 5, 1},
          {3, 49, 1},
          {2, 4 * kLanes, 1},
          {1, 64 * 4 * kLanes + 5, 1},
          {1, 3, 2},
          {2, 9, kLanes},
          {2, 9, 2 * kLanes + 3},
          {2, 70, 4 * kLanes},
          {1, 130, 9 * kLanes + 1},
          {5, 7, 3}};
}

std::vector<float> numbers(i64 count) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& x : values) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) * 0x1p-23f - 0.9f;
  }
  return values;
}

// Runs `kernel(begin, end)` in uneven pieces.
template <class F>
void in_pieces(const Reduction& p, F kernel) {
  const i64 items = reduce_work_items(p);
  for (i64 part = 0; part < 3; ++part) kernel(piece_of(items, 3, part).begin, piece_of(items, 3, part).end);
}

// Compares with `reference(column values)` for each output element.
template <class TOut, class T, class Kernel, class Reference>
void check(const std::vector<T>& input, Shape s, Kernel kernel, Reference reference, double tolerance) {
  const Reduction p = Reduction::dense(s.outer, s.reduced, s.inner);
  std::vector<TOut> output(s.outer * s.inner + 1, TOut(99));
  in_pieces(p, [&](i64 begin, i64 end) { kernel(p, input.data(), output.data(), begin, end); });
  for (i64 o = 0; o < s.outer; ++o) {
    for (i64 j = 0; j < s.inner; ++j) {
      std::vector<T> column;
      for (i64 r = 0; r < s.reduced; ++r) column.push_back(input[(o * s.reduced + r) * s.inner + j]);
      const double want = static_cast<double>(reference(column));
      const double got = static_cast<double>(output[o * s.inner + j]);
      if (std::isnan(want) || std::isinf(want)) {
        EXPECT_TRUE((std::isnan(want) && std::isnan(got)) || want == got) << got << " " << want;
      } else {
        EXPECT_NEAR(got, want, tolerance * std::max(1.0, std::abs(want)))
            << s.outer << " " << s.reduced << " " << s.inner;
      }
    }
  }
  EXPECT_EQ(output.back(), TOut(99));
}

template <class Op, class TOut, class T, class Reference>
void check_op(Op op, const std::vector<T>& input, Shape s, Reference reference, double tolerance) {
  check<TOut>(
      input, s,
      [&](const Reduction& p, const T* in, TOut* out, i64 begin, i64 end) {
        reduce(p, op, in, out, Identity{}, begin, end);
      },
      reference, tolerance);
}

double sum_of(const std::vector<float>& v) {
  double sum = 0;
  for (float x : v) sum += x;
  return sum;
}
double spread_of(const std::vector<float>& v, double correction) {
  const double mean = sum_of(v) / v.size();
  double sum = 0;
  for (float x : v) sum += (x - mean) * (x - mean);
  return sum / (v.size() - correction);
}

TEST(Reduce, Floats) {
  for (const Shape& s : shapes()) {
    const auto x = numbers(s.outer * s.reduced * s.inner);
    check_op<Sum, float>({}, x, s, sum_of, 1e-6);
    check_op<Mean, float>({}, x, s, [](auto& v) { return sum_of(v) / v.size(); }, 1e-6);
    check_op<Max, float>({}, x, s, [](auto& v) { return *std::max_element(v.begin(), v.end()); }, 0);
    check_op<Min, float>({}, x, s, [](auto& v) { return *std::min_element(v.begin(), v.end()); }, 0);
    const auto norm1 = [](auto& v) {
      double sum = 0;
      for (float e : v) sum += std::abs(e);
      return sum;
    };
    const auto norm2 = [](auto& v) {
      double sum = 0;
      for (float e : v) sum += static_cast<double>(e) * e;
      return std::sqrt(sum);
    };
    check_op<Norm1, float>({}, x, s, norm1, 1e-6);
    check_op<Norm2, float>({}, x, s, norm2, 1e-6);
    const auto product = [](auto& v) {
      double result = 1;
      for (float e : v) result *= e;
      return result;
    };
    check_op<Prod, float>({}, x, s, product, 1e-5);
    const auto spread = [&]<Spread kSpread>(double correction) {
      check<float>(
          x, s,
          [&](const Reduction& p, const float* in, float* out, i64 begin, i64 end) {
            variance<kSpread>(p, correction, in, out, Identity{}, begin, end);
          },
          [&](auto& v) {
            const double variance = spread_of(v, correction);
            return kSpread == Spread::kVariance ? variance : std::sqrt(variance);
          },
          1e-6);
    };
    if (s.reduced > 1) spread.operator()<Spread::kVariance>(1);
    spread.operator()<Spread::kDeviation>(0);
  }
}

TEST(Reduce, ErrorOfLongSumsStaysSmall) {
  const i64 n = 1 << 20;
  const auto x = numbers(n);
  float sum = 0;
  std::vector<float> positive = x;
  for (float& e : positive) e = std::abs(e);
  reduce(Reduction::dense(1, n, 1), Sum{}, positive.data(), &sum, Identity{}, 0, 1);
  EXPECT_NEAR(sum / sum_of(positive), 1.0, 5e-7);
}

TEST(Reduce, VarianceOfLargeMeans) {
  auto x = numbers(1000);
  for (float& e : x) e += 4096.0f;
  float result = 0;
  variance<Spread::kVariance>(Reduction::dense(1, 1000, 1), 1, x.data(), &result, Identity{}, 0, 1);
  EXPECT_NEAR(result / spread_of(x, 1), 1.0, 1e-5);
}

template <class T>
void check_arg(const std::vector<T>& x, Shape s) {
  // The first of the largest, where a NaN is larger than all.
  const auto arg = [](const std::vector<T>& v, auto better) {
    size_t best = 0;
    for (size_t i = 1; i < v.size(); ++i) {
      if (v[best] != v[best]) break;
      if (v[i] != v[i] || better(v[i], v[best])) best = i;
    }
    return best;
  };
  check<i64>(
      x, s, [](const Reduction& p, const T* in, i64* out, i64 b, i64 e) { arg_reduce<Arg::kMax>(p, in, out, b, e); },
      [&](auto& v) { return arg(v, [](T a, T b) { return a > b; }); }, 0);
  check<i64>(
      x, s, [](const Reduction& p, const T* in, i64* out, i64 b, i64 e) { arg_reduce<Arg::kMin>(p, in, out, b, e); },
      [&](auto& v) { return arg(v, [](T a, T b) { return a < b; }); }, 0);
}

TEST(Reduce, ArgReductionsTakeTheFirst) {
  for (const Shape& s : shapes()) {
    auto x = numbers(s.outer * s.reduced * s.inner);
    for (float& e : x) e = std::round(e * 8);  // many ties
    check_arg(x, s);
    std::vector<i64> integers(x.begin(), x.end());
    check_arg(integers, s);
    std::vector<uint8_t> bytes(integers.begin(), integers.end());
    check_arg(bytes, s);
    x[x.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    x.back() = std::numeric_limits<float>::quiet_NaN();
    check_arg(x, s);
    check_op<Max, float>(
        {}, x, s,
        [](auto& v) {
          float best = v[0];
          for (float e : v) best = std::isnan(e) || std::isnan(best) ? NAN : std::max(best, e);
          return best;
        },
        0);
    check_op<Sum, float>({}, x, s, sum_of, 1e-6);
  }
  const std::vector<float> infinite(5, -std::numeric_limits<float>::infinity());
  check_arg(infinite, {1, 5, 1});
}

TEST(Reduce, IntegersAndBool) {
  for (const Shape& s : shapes()) {
    const auto x = numbers(s.outer * s.reduced * s.inner);
    std::vector<i64> integers;
    std::vector<uint8_t> bytes, sparse;
    for (float e : x) {
      integers.push_back(static_cast<i64>(e * 1e6f));
      bytes.push_back(static_cast<uint8_t>(e * 100 + 100));
      sparse.push_back(e > 0.98f);
    }
    const auto sum = [](auto& v) {
      i64 result = 0;
      for (auto e : v) result += e;
      return result;
    };
    check_op<Sum, i64>({}, integers, s, sum, 0);
    check_op<Sum, i64>({}, bytes, s, sum, 0);
    check_op<Max, i64>({}, integers, s, [](auto& v) { return *std::max_element(v.begin(), v.end()); }, 0);
    check_op<Min, uint8_t>({}, bytes, s, [](auto& v) { return *std::min_element(v.begin(), v.end()); }, 0);
    const auto any = [](auto& v) { return std::any_of(v.begin(), v.end(), [](auto e) { return e != 0; }); };
    const auto all = [](auto& v) { return std::all_of(v.begin(), v.end(), [](auto e) { return e != 0; }); };
    check_op<AnyOf, uint8_t>({}, sparse, s, any, 0);
    check_op<AllOf, uint8_t>({}, bytes, s, all, 0);
    check_op<AnyOf, uint8_t>({}, x, s, any, 0);

    const Reduction p = Reduction::dense(s.outer, s.reduced, s.inner);
    std::vector<uint8_t> output(s.outer * s.inner);
    std::vector<i64> counts(s.outer * s.inner);
    const bool* flags = reinterpret_cast<const bool*>(sparse.data());
    reduce(p, AnyOf{}, flags, reinterpret_cast<bool*>(output.data()), Identity{}, 0, reduce_work_items(p));
    reduce(p, Sum{}, flags, counts.data(), Identity{}, 0, reduce_work_items(p));
    for (size_t i = 0; i < output.size(); ++i) EXPECT_EQ(output[i], counts[i] != 0);
  }
}

struct AddIndex {
  template <class V>
  V operator()(V v, Position at) const {
    return v * splat<V>(0.0f) + splat<V>(static_cast<float>(at.offset)) + lane_indices<V>();
  }
};

TEST(Reduce, Epilogue) {
  for (const Shape& s : shapes()) {
    const auto x = numbers(s.outer * s.reduced * s.inner);
    std::vector<float> output(s.outer * s.inner);
    const Reduction p = Reduction::dense(s.outer, s.reduced, s.inner);
    reduce(p, Sum{}, x.data(), output.data(), AddIndex{}, 0, reduce_work_items(p));
    for (size_t i = 0; i < output.size(); ++i) EXPECT_EQ(output[i], static_cast<float>(i));
  }
}

TEST(Reduce, Strided) {
  // Columns 1 and 3 of a [4][5] matrix, summed along rows of stride 5.
  const auto x = numbers(20);
  float output[2];
  reduce(Reduction{.outer = 2, .reduced = 4, .inner = 1, .outer_stride = 2, .reduced_stride = 5}, Sum{}, x.data() + 1,
         output, Identity{}, 0, 2);
  for (int o = 0; o < 2; ++o) {
    EXPECT_NEAR(output[o], x[1 + 2 * o] + x[6 + 2 * o] + x[11 + 2 * o] + x[16 + 2 * o], 1e-6);
  }
}

}  // namespace
}  // namespace tsc::kernels
