// Attention against the definition in double: masks, causality, strides, grouped heads, odd sizes, ranges of work.
#include "runtime/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace tsc::kernels {
namespace {

constexpr int kMR = 4, kNV = 2;

std::vector<float> numbers(i64 count, uint32_t state) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return values;
}

// [batch][rows][heads][depth] of query and output, [batch][heads][rows][depth] of key and value.
Attention make(i64 batch, i64 heads, i64 queries, i64 keys, i64 depth, i64 value_depth, i64 group) {
  Attention p;
  p.batch = batch, p.heads = heads, p.queries = queries, p.keys = keys, p.depth = depth, p.value_depth = value_depth;
  p.head_group = group;
  p.query_row = heads * depth, p.query_head = depth, p.query_batch = queries * p.query_row;
  p.key_row = depth, p.key_head = keys * depth, p.key_batch = heads / group * p.key_head;
  p.value_row = value_depth, p.value_head = keys * value_depth, p.value_batch = heads / group * p.value_head;
  p.output_row = heads * value_depth, p.output_head = value_depth, p.output_batch = queries * p.output_row;
  p.scale = 1.0f / std::sqrt(static_cast<float>(depth)) * 3;
  return p;
}

template <class M>
double mask_of(const M* mask, i64 at) {
  return kSame<M, bool> ? (mask[at] ? 0.0 : -INFINITY) : static_cast<double>(mask[at]);
}
double mask_of(NoMask, i64) { return 0; }

template <class M>
void check(const Attention& p, M mask) {
  const auto q = numbers(p.batch * p.query_batch, 1), k = numbers(p.batch * p.key_batch, 2);
  const auto v = numbers(p.batch * p.value_batch, 3);
  std::vector<float> y(p.batch * p.output_batch + 1, 9);
  const i64 bytes = attention_scratch_bytes<kMR, kNV>(p);
  const std::unique_ptr<char[]> memory(new char[bytes + 64]);
  void* scratch = memory.get() + (64 - reinterpret_cast<uintptr_t>(memory.get()) % 64);
  const i64 items = attention_work_items<kMR, kNV>(p);
  for (int part = 0; part < 3; ++part) {
    const Piece piece = piece_of(items, 3, part);
    attention<kMR, kNV>(p, q.data(), k.data(), v.data(), mask, y.data(), Identity{}, scratch, piece.begin, piece.end);
  }
  EXPECT_EQ(y.back(), 9);
  for (i64 b = 0; b < p.batch; ++b) {
    for (i64 h = 0; h < p.heads; ++h) {
      for (i64 i = 0; i < p.queries; ++i) {
        std::vector<double> weight(p.keys);
        double maximum = -INFINITY, sum = 0;
        for (i64 j = 0; j < p.keys; ++j) {
          double dot = 0;
          for (i64 d = 0; d < p.depth; ++d) {
            dot += static_cast<double>(q[b * p.query_batch + h * p.query_head + i * p.query_row + d]) *
                   k[b * p.key_batch + h / p.head_group * p.key_head + j * p.key_row + d];
          }
          weight[j] =
              dot * p.scale + mask_of(mask, b * p.mask_batch + h * p.mask_head + i * p.mask_query + j * p.mask_key);
          if (p.visibility == Visibility::kCausal && j > i) weight[j] = -INFINITY;
          maximum = std::max(maximum, weight[j]);
        }
        for (double& w : weight) sum += w = maximum == -INFINITY ? 0 : std::exp(w - maximum);
        for (i64 d = 0; d < p.value_depth; ++d) {
          double want = 0;
          for (i64 j = 0; j < p.keys; ++j) {
            want += weight[j] * v[b * p.value_batch + h / p.head_group * p.value_head + j * p.value_row + d];
          }
          want = sum == 0 ? 0 : want / sum;
          ASSERT_NEAR(y[b * p.output_batch + h * p.output_head + i * p.output_row + d], want, 2e-6)
              << "queries " << p.queries << " keys " << p.keys << " depth " << p.depth << " at " << i << " " << d;
        }
      }
    }
  }
}

TEST(Attention, Sizes) {
  for (i64 keys : {i64{1}, i64{3}, i64{2 * kLanes}, i64{5 * kLanes + 3}}) {
    for (i64 queries : {1, 2, 3, 9}) {
      for (i64 depth : {i64{3}, i64{2 * kLanes}, i64{3 * kLanes + 1}}) {
        check(make(2, 2, queries, keys, depth, depth, 1), NoMask{});
      }
    }
  }
  check(make(1, 2, 5, 7, 4, 3 * kLanes, 1), NoMask{});
}

TEST(Attention, TilesFitTheRegisters) {
  EXPECT_EQ(tile_vectors(1), 1);
  EXPECT_EQ(tile_vectors(2 * kLanes), 2);
  EXPECT_EQ(tile_vectors(5 * kLanes), 2);
  EXPECT_EQ(tile_vectors(12 * kLanes), kTileRegisters > 16 ? 4 : 3);
  EXPECT_LE(kTileRows<2> * 2 + 3, kTileRegisters);
  EXPECT_LE(kTileRows<4> * 4 + 5, kTileRegisters);
  constexpr int kVectors = tile_vectors(4 * kLanes);
  static_assert(kTileRows<kVectors> > 1);
}

TEST(Attention, Causal) {
  for (i64 keys : {3, 9, 40}) {
    Attention p = make(1, 2, 11, keys, 8, 8, 1);
    p.visibility = Visibility::kCausal;
    check(p, NoMask{});
  }
}

TEST(Attention, GroupedHeads) { check(make(2, 6, 5, 9, 8, 8, 3), NoMask{}); }

TEST(Attention, Masks) {
  const i64 queries = 7, keys = 2 * kLanes + 5;
  Attention p = make(2, 3, queries, keys, 8, 8, 1);
  const auto bias = numbers(2 * queries * keys, 5);
  p.mask_batch = queries * keys, p.mask_query = keys, p.mask_key = 1;
  check(p, bias.data());
  std::vector<uint8_t> bytes;
  for (float x : bias) bytes.push_back(x > -0.3f);
  std::fill(bytes.begin(), bytes.begin() + keys, 0);  // a query that sees nothing
  const bool* keep = reinterpret_cast<const bool*>(bytes.data());
  check(p, keep);
  p.visibility = Visibility::kCausal;
  check(p, keep);
  // One mask per batch over keys only; one per query; one transposed.
  p.visibility = Visibility::kAllKeys;
  p.mask_batch = keys, p.mask_query = 0;
  check(p, keep + keys);
  p.mask_batch = 0, p.mask_query = 1, p.mask_key = 0;
  check(p, bias.data());
  p.mask_key = queries;
  check(p, bias.data());
}

TEST(Attention, UnseeingQueries) {
  Attention p = make(1, 1, 3, 2 * kLanes + 1, 4, 4, 1);
  p.mask_query = p.keys, p.mask_key = 1;
  const auto x = numbers(p.keys * 4, 1);
  std::vector<float> mask(3 * p.keys), y(12);
  std::fill(mask.begin() + p.keys, mask.begin() + 2 * p.keys, -INFINITY);
  std::vector<float> scratch(attention_scratch_bytes<kMR, kNV>(p) / 4 + 16);
  const auto run = [&] {
    attention<kMR, kNV>(p, x.data(), x.data(), x.data(), mask.data(), y.data(), Identity{}, scratch.data(), 0,
                        attention_work_items<kMR, kNV>(p));
  };
  run();
  for (i64 i = 0; i < 12; ++i) EXPECT_EQ(y[i] == 0, i / 4 == 1) << i;
  p.unseeing = Unseeing::kNaN;
  run();
  for (i64 i = 0; i < 12; ++i) EXPECT_EQ(std::isnan(y[i]), i / 4 == 1) << i;
  p.keys = 0;  // a sum of nothing
  run();
  for (i64 i = 0; i < 12; ++i) EXPECT_EQ(y[i], 0) << i;
}

TEST(Attention, NanSpreadsToItsQueryOnly) {
  Attention p = make(1, 1, 5, 6, 4, 4, 1);
  auto q = numbers(20, 1);
  const auto k = numbers(24, 2), v = numbers(24, 3);
  q[2 * 4] = NAN;
  std::vector<float> y(20);
  std::vector<float> scratch(attention_scratch_bytes<kMR, kNV>(p) / 4 + 16);
  attention<kMR, kNV>(p, q.data(), k.data(), v.data(), NoMask{}, y.data(), Identity{}, scratch.data(), 0,
                      attention_work_items<kMR, kNV>(p));
  for (i64 i = 0; i < 20; ++i) EXPECT_EQ(std::isnan(y[i]), i / 4 == 2) << i;
}

}  // namespace
}  // namespace tsc::kernels
