// softmax, layer, RMS, group and batch normalisation and embedding against loops in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/kernels/embedding.h"
#include "runtime/kernels/group_norm.h"
#include "runtime/kernels/layer_norm.h"
#include "runtime/kernels/softmax.h"

namespace tsc::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

template <class T = float>
std::vector<T> numbers(i64 count, double scale = 3, double shift = 0.2) {
  std::vector<T> values(static_cast<size_t>(count));
  uint32_t state = 7;
  for (T& x : values) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<T>((static_cast<double>(state >> 8) * 0x1p-23 - 1) * scale + shift);
  }
  return values;
}

struct Shape {
  i64 outer, reduced, inner;
};
std::vector<Shape> shapes() {
  return {{1, 1, 1},         {7, 5, 1}, {6, 2 * kLanes, 1}, {5, 3 * kLanes + 1, 1}, {2, 5, 3}, {2, 9, 2 * kLanes + 3},
          {1, 4, 5 * kLanes}};
}

template <Share kShare, class T>
void check_softmax(const std::vector<T>& x, Shape s, double tolerance) {
  const Reduction p = Reduction::dense(s.outer, s.reduced, s.inner);
  std::vector<T> y(x.size()), in_place = x, lse(s.outer * s.inner);
  const i64 items = reduce_work_items(p);
  for (int part = 0; part < 3; ++part) {
    const Piece piece = piece_of(items, 3, part);
    softmax<kShare>(p, x.data(), y.data(), Identity{}, piece.begin, piece.end);
    logsumexp(p, x.data(), lse.data(), Identity{}, piece.begin, piece.end);
  }
  softmax<kShare>(p, in_place.data(), in_place.data(), Identity{}, 0, items);
  for (i64 o = 0; o < s.outer; ++o) {
    for (i64 j = 0; j < s.inner; ++j) {
      const auto at = [&](i64 r) { return (o * s.reduced + r) * s.inner + j; };
      double maximum = -kInf, sum = 0;
      for (i64 r = 0; r < s.reduced; ++r) maximum = std::max<double>(maximum, x[at(r)]);
      for (i64 r = 0; r < s.reduced; ++r) sum += std::exp(x[at(r)] - maximum);
      for (i64 r = 0; r < s.reduced; ++r) {
        const double log_probability = x[at(r)] - maximum - std::log(sum);
        const double want = kShare == Share::kProbability ? std::exp(log_probability) : log_probability;
        if (std::isnan(want) || std::isinf(want)) {
          EXPECT_TRUE(y[at(r)] == want || (std::isnan(y[at(r)]) && std::isnan(want)));
        } else {
          EXPECT_NEAR(y[at(r)], want, tolerance * std::max(1.0, std::abs(want)));
        }
        EXPECT_TRUE(in_place[at(r)] == y[at(r)] || std::isnan(y[at(r)]));
      }
      const double want = std::isinf(maximum) ? maximum : std::log(sum) + maximum;
      if (!std::isnan(want) && !std::isinf(want)) {
        EXPECT_NEAR(lse[o * s.inner + j], want, 4 * tolerance * std::max(1.0, std::abs(want)));
      } else {
        EXPECT_TRUE(lse[o * s.inner + j] == want);
      }
    }
  }
}

TEST(Softmax, RowsAndColumns) {
  for (const Shape& s : shapes()) {
    auto x = numbers(s.outer * s.reduced * s.inner, 10);
    check_softmax<Share::kProbability>(x, s, 3e-7);
    check_softmax<Share::kLogProbability>(x, s, 3e-7);
    x[x.size() / 2] = -kInf;
    if (s.reduced > 1) {
      check_softmax<Share::kProbability>(x, s, 3e-7);
      check_softmax<Share::kLogProbability>(x, s, 3e-7);
    }
    const auto wide = numbers<double>(s.outer * s.reduced * s.inner, 10);
    check_softmax<Share::kProbability>(wide, s, 1e-15);
    check_softmax<Share::kLogProbability>(wide, s, 1e-15);
  }
}

TEST(Softmax, InfinitiesAndNan) {
  const Reduction p = Reduction::dense(1, 3, 1);
  float y[3], lse = 0;
  const float masked[3] = {-kInf, -kInf, -kInf}, infinite[3] = {1, kInf, 2}, broken[3] = {1, NAN, 2};
  softmax<Share::kProbability>(p, masked, y, Identity{}, 0, 1);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[2]));
  logsumexp(p, masked, &lse, Identity{}, 0, 1);
  EXPECT_EQ(lse, -kInf);
  logsumexp(p, infinite, &lse, Identity{}, 0, 1);
  EXPECT_EQ(lse, kInf);
  softmax<Share::kLogProbability>(p, broken, y, Identity{}, 0, 1);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2]));
}

struct AddAt {
  const float* other;
  template <class V>
  V operator()(V v, Position at) const {
    return v + load<V>(other + at.offset);
  }
};

TEST(LayerNorm, RowsWithPrologueAndEpilogue) {
  for (i64 columns : {1L, 5L, i64{kLanes}, i64{4 * kLanes}, i64{11 * kLanes + 7}}) {
    const i64 rows = 5;
    const auto x = numbers(rows * columns, 2, 50), w = numbers(columns), b = numbers(columns, 1);
    const auto residual = numbers(rows * columns, 0.5);
    const RowNorm p = {.rows = rows, .columns = columns, .input_row = columns, .epsilon = 1e-5};
    for (bool affine : {true, false}) {
      for (bool fused : {true, false}) {
        std::vector<float> y(rows * columns + 1, 9), z = y;
        const float* weight = affine ? w.data() : nullptr;
        const float* bias = affine ? b.data() : nullptr;
        for (int part = 0; part < 2; ++part) {
          const Piece piece = piece_of(rows, 2, part);
          if (fused) {
            layer_norm(p, AddAt{residual.data()}, x.data(), weight, bias, y.data(), AddAt{residual.data()}, piece.begin,
                       piece.end);
            rms_norm(p, AddAt{residual.data()}, x.data(), weight, z.data(), AddAt{residual.data()}, piece.begin,
                     piece.end);
          } else {
            layer_norm(p, Identity{}, x.data(), weight, bias, y.data(), Identity{}, piece.begin, piece.end);
            rms_norm(p, Identity{}, x.data(), weight, z.data(), Identity{}, piece.begin, piece.end);
          }
        }
        EXPECT_EQ(y.back(), 9);
        for (i64 r = 0; r < rows; ++r) {
          std::vector<double> v(columns);
          double mean = 0, variance = 0, squares = 0;
          for (i64 i = 0; i < columns; ++i) v[i] = x[r * columns + i] + (fused ? residual[r * columns + i] : 0.0f);
          for (double e : v) mean += e / columns, squares += e * e / columns;
          for (double e : v) variance += (e - mean) * (e - mean) / columns;
          for (i64 i = 0; i < columns; ++i) {
            const double scale = affine ? w[i] : 1.0, shift = affine ? b[i] : 0.0;
            const double after = fused ? residual[r * columns + i] : 0.0;
            EXPECT_NEAR(y[r * columns + i], (v[i] - mean) / std::sqrt(variance + 1e-5) * scale + shift + after, 1e-4);
            EXPECT_NEAR(z[r * columns + i], v[i] / std::sqrt(squares + 1e-5) * scale + after, 2e-6);
          }
        }
      }
    }
  }
}

TEST(GroupNorm, GroupsAndGivenStatistics) {
  for (i64 spatial : {i64{1}, i64{7}, i64{3 * kLanes + 2}}) {
    const i64 batch = 2, channels = 6, groups = 3, count = channels / groups * spatial;
    const auto x = numbers(batch * channels * spatial, 2, 3), w = numbers(channels), b = numbers(channels, 1);
    const auto mean = numbers(channels), variance = numbers(channels, 0.4, 1.0);
    std::vector<float> y(x.size()), z(x.size());
    const ChannelNorm p = {.batch = batch, .channels = channels, .spatial = spatial, .groups = groups, .epsilon = 1e-5};
    group_norm(p, x.data(), w.data(), b.data(), y.data(), Identity{}, 0, 2);
    group_norm(p, x.data(), w.data(), b.data(), y.data(), Identity{}, 2, batch * groups);
    batch_norm(p, x.data(), mean.data(), variance.data(), w.data(), b.data(), z.data(), Identity{}, 0,
               batch * channels);
    for (i64 g = 0; g < batch * groups; ++g) {
      double m = 0, v = 0;
      for (i64 i = 0; i < count; ++i) m += static_cast<double>(x[g * count + i]) / count;
      for (i64 i = 0; i < count; ++i) v += (x[g * count + i] - m) * (x[g * count + i] - m) / count;
      for (i64 i = 0; i < count; ++i) {
        const i64 c = g % groups * 2 + i / spatial;
        EXPECT_NEAR(y[g * count + i], (x[g * count + i] - m) / std::sqrt(v + 1e-5) * w[c] + b[c], 1e-5);
        EXPECT_NEAR(z[g * count + i], (x[g * count + i] - mean[c]) / std::sqrt(variance[c] + 1e-5) * w[c] + b[c], 2e-5);
      }
    }
  }
}

TEST(Embedding, CopiesRowsAndFindsBadIndices) {
  const i64 rows = 9, columns = 2 * kLanes + 3;
  const auto table = numbers(rows * columns);
  const std::vector<i64> index = {8, 0, 3, 3};
  std::vector<float> y(4 * columns + 1, 5);
  const Embedding p = {.count = 4, .columns = columns, .table_row = columns};
  EXPECT_EQ(first_bad_index(index.data(), 4, rows), -1);
  embedding(p, table.data(), index.data(), y.data(), Identity{}, 0, 1);
  embedding(p, table.data(), index.data(), y.data(), Identity{}, 1, 4);
  for (i64 i = 0; i < 4; ++i) {
    for (i64 j = 0; j < columns; ++j) EXPECT_EQ(y[i * columns + j], table[index[i] * columns + j]);
  }
  EXPECT_EQ(y.back(), 5);
  const std::vector<int32_t> bad = {1, 2, -1, 9};
  EXPECT_EQ(first_bad_index(bad.data(), 4, rows), 2);
  EXPECT_EQ(first_bad_index(bad.data() + 3, 1, rows), 0);
}

}  // namespace
}  // namespace tsc::kernels
