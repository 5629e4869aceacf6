// Scaled dot product attention, as runtime/kernels/attention.h says it, in one pass over the keys: a block takes some
// queries of a head, so that keys and values are read once for all of them. For each tile of keys, threads make scores,
// four keys for each of two queries; then weights, which are scaled when a larger score comes; then sums of values, a
// column for several queries each.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/kernels/team.cuh"
#include "runtime/kernels/attention.h"

namespace tsc::cuda {

using kernels::Attention;
using kernels::NoMask;
using kernels::Position;
using kernels::Unseeing;
using kernels::Visibility;

inline constexpr int kAttentionThreads = 128;
inline constexpr int kAttentionBlocks = 3;     // of a processor; for more, which it strives for, ptxas spills
inline constexpr int kAttentionQueries = 16;     // of a block
inline constexpr int kAttentionKeys = 64;        // of a tile
inline constexpr int kAttentionStep = 16;        // of the depth, in shared memory at once
inline constexpr int kMostAttentionDepth = 256;  // of queries and of values

// The score of a key after the mask.
__device__ __forceinline__ float masked(float score, NoMask, i64) { return score; }
template <class T>
__device__ __forceinline__ float masked(float score, const T* mask, i64 offset) {
  return score + static_cast<float>(mask[offset]);
}
__device__ __forceinline__ float masked(float score, const bool* mask, i64 offset) {
  return mask[offset] ? score : -math::kInfinity<float>;
}

// Rows of kRows floats in shared memory; four more than the row spreads columns over the banks and keeps fours aligned.
template <int kRows, int kColumns>
struct SharedRows {
  static constexpr int kPitch = kColumns + 4;
  using Type = Shared<float, kRows * kPitch>;
  static __device__ __forceinline__ int at(int row, int column) { return row * kPitch + column; }
};

// Values of at most kColumns * kAttentionThreads / kGroups columns: kGroups threads share a column's queries.
template <int kGroups, int kColumns, class T, class Mask, class Epilogue>
__global__ void __launch_bounds__(kAttentionThreads, kAttentionBlocks)
    attention_kernel(Attention p, const T* query, const T* key, const T* value, Mask mask, T* output,
                     Epilogue epilogue) {
  constexpr int kQueries = kAttentionQueries, kKeys = kAttentionKeys, kStep = kAttentionStep,
                kThreads = kAttentionThreads;
  constexpr int kKeyThreads = kKeys / 4, kOwn = kQueries / kGroups, kColumnThreads = kThreads / kGroups;
  constexpr int kSharers = kThreads / kQueries;  // threads that share a query's weights
  static_assert(kKeyThreads * kQueries / 2 == kThreads && kSharers <= kWarp);
  using QueryTile = SharedRows<kQueries, kStep>;
  using KeyTile = SharedRows<kKeys, kStep>;
  using ScoreTile =
      SharedRows<kKeys, kQueries>;  // [key][query], so that neighbours are several queries' weights of a key
  __shared__ typename QueryTile::Type q;
  __shared__ typename KeyTile::Type k;
  __shared__ typename ScoreTile::Type weights;
  __shared__ Shared<float, kQueries> keep;  // by what the sums so far are multiplied; at the end the sums of weights
  const int thread = static_cast<int>(threadIdx.x);
  const i64 blocks = (p.queries + kQueries - 1) / kQueries, item = blockIdx.x;
  const i64 first = item % blocks * kQueries, head = item / blocks % p.heads, batch = item / blocks / p.heads;
  const i64 kept = head / p.head_group;
  const T* const queries = query + batch * p.query_batch + head * p.query_head + first * p.query_row;
  const T* const keys = key + batch * p.key_batch + kept * p.key_head;
  const T* const values = value + batch * p.value_batch + kept * p.value_head;
  const i64 mask_block = batch * p.mask_batch + head * p.mask_head + first * p.mask_query;
  const int rows = static_cast<int>(min<i64>(kQueries, p.queries - first));
  const i64 visible = p.visibility == Visibility::kCausal ? min<i64>(first + rows, p.keys) : p.keys;

  const int key_lane = thread % kKeyThreads, pair = thread / kKeyThreads * 2;             // of scores
  const int sharer = thread % kSharers, row = thread / kSharers;                          // of weights
  const int column_lane = thread % kColumnThreads, own = thread / kColumnThreads * kOwn;  // of sums
  float highest = -math::kInfinity<float>, sum = 0;
  float result[kOwn][kColumns] = {};
  for (i64 first_key = 0; first_key < visible; first_key += kKeys) {
    const int count = static_cast<int>(min<i64>(visible - first_key, kKeys));
    float scores[2][4] = {};
    for (int d0 = 0; d0 == 0 || d0 < p.depth; d0 += kStep) {
      __syncthreads();  // whoever read the tiles has done so
      for (int e = thread; e < kQueries * kStep; e += kThreads) {
        const int r = e / kStep, d = e % kStep;
        const bool inside = r < rows && d0 + d < p.depth;
        q.set(QueryTile::at(r, d), inside ? static_cast<float>(queries[r * p.query_row + d0 + d]) : 0.0f);
      }
      for (int e = thread; e < kKeys * kStep; e += kThreads) {
        const int r = e / kStep, d = e % kStep;
        const bool inside = r < count && d0 + d < p.depth;
        k.set(KeyTile::at(r, d), inside ? static_cast<float>(keys[(first_key + r) * p.key_row + d0 + d]) : 0.0f);
      }
      __syncthreads();
      TSC_UNROLL
      for (int d = 0; d < kStep; d += 4) {
        float4 a[2], b[4];
        TSC_UNROLL
        for (int i = 0; i < 2; ++i) a[i] = q.get4(QueryTile::at(pair + i, d));
        TSC_UNROLL
        for (int j = 0; j < 4; ++j) b[j] = k.get4(KeyTile::at(key_lane + j * kKeyThreads, d));
        TSC_UNROLL
        for (int i = 0; i < 2; ++i) {
          TSC_UNROLL
          for (int j = 0; j < 4; ++j) {
            float& score = scores[i][j];
            score = tsc::fma(a[i].x, b[j].x, score);
            score = tsc::fma(a[i].y, b[j].y, score);
            score = tsc::fma(a[i].z, b[j].z, score);
            score = tsc::fma(a[i].w, b[j].w, score);
          }
        }
      }
    }
    TSC_UNROLL
    for (int i = 0; i < 2; ++i) {
      const int r = pair + i;
      const i64 limit = p.visibility == Visibility::kCausal ? first + r + 1 - first_key : count;
      TSC_UNROLL
      for (int j = 0; j < 4; ++j) {
        const int at = key_lane + j * kKeyThreads;
        const bool seen = r < rows && at < count && at < limit;
        const i64 offset = mask_block + r * p.mask_query + (first_key + at) * p.mask_key;
        weights.set(ScoreTile::at(at, r),
                    seen ? masked(scores[i][j] * p.scale, mask, offset) : -math::kInfinity<float>);
      }
    }
    __syncthreads();
    // The threads of a query are neighbours in a warp.
    float largest = highest;
    TSC_UNROLL
    for (int j = 0; j < kKeys; j += kSharers)
      largest = math::maximum(largest, weights.get(ScoreTile::at(j + sharer, row)));
    TSC_UNROLL
    for (int distance = kSharers / 2; distance > 0; distance /= 2) {
      largest = math::maximum(largest, __shfl_xor_sync(~0u, largest, distance));
    }
    // Nothing seen yet: every weight is 0, and so is what came before.
    const bool none = largest == -math::kInfinity<float>;
    const float kept_part = none ? 0.0f : math::exp(highest - largest);
    float part = 0;
    TSC_UNROLL
    for (int j = 0; j < kKeys; j += kSharers) {
      const int at = ScoreTile::at(j + sharer, row);
      const float weight = none ? 0.0f : math::exp(weights.get(at) - largest);
      weights.set(at, weight);
      part += weight;
    }
    TSC_UNROLL
    for (int distance = kSharers / 2; distance > 0; distance /= 2) part += __shfl_xor_sync(~0u, part, distance);
    sum = sum * kept_part + part;
    highest = largest;
    if (sharer == 0) keep.set(row, kept_part);
    __syncthreads();
    TSC_UNROLL
    for (int i = 0; i < kOwn; ++i) {
      const float factor = keep.get(own + i);
      TSC_UNROLL
      for (int c = 0; c < kColumns; ++c) result[i][c] *= factor;
    }
    for (int j = 0; j < count; ++j) {
      float weight[kOwn];
      TSC_UNROLL
      for (int i = 0; i < kOwn; i += 4) {
        const float4 four = weights.get4(ScoreTile::at(j, own + i));
        weight[i] = four.x;
        weight[i + 1] = four.y;
        weight[i + 2] = four.z;
        weight[i + 3] = four.w;
      }
      TSC_UNROLL
      for (int c = 0; c < kColumns; ++c) {
        const int column = column_lane + c * kColumnThreads;
        if (column >= p.value_depth) continue;
        const float number = static_cast<float>(values[(first_key + j) * p.value_row + column]);
        TSC_UNROLL
        for (int i = 0; i < kOwn; ++i) result[i][c] = tsc::fma(weight[i], number, result[i][c]);
      }
    }
  }
  __syncthreads();
  if (sharer == 0) keep.set(row, sum);
  __syncthreads();
  const float unseen =
      p.unseeing == Unseeing::kZero || p.keys == 0 ? 0.0f : math::kInfinity<float> - math::kInfinity<float>;
  TSC_UNROLL
  for (int i = 0; i < kOwn; ++i) {
    if (own + i >= rows) continue;
    const i64 to = batch * p.output_batch + head * p.output_head + (first + own + i) * p.output_row;
    const float total = keep.get(own + i);
    TSC_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      const int column = column_lane + c * kColumnThreads;
      if (column >= p.value_depth) continue;
      const float mean = total == 0.0f ? unseen : result[i][c] / total;
      output[to + column] = static_cast<T>(epilogue(mean, Position{to + column, column}));
    }
  }
}

template <class T, class Mask, class Epilogue>
void attention(Launch& launch, const Attention& p, const T* query, const T* key, const T* value, Mask mask, T* output,
               const Epilogue& epilogue) {
  const i64 blocks = (p.queries + kAttentionQueries - 1) / kAttentionQueries;
  const auto kernel = p.value_depth <= kAttentionThreads / 2 ? attention_kernel<2, 1, T, Mask, Epilogue>
                                                             : attention_kernel<1, 2, T, Mask, Epilogue>;
  launch.run(kernel, static_cast<unsigned>(p.batch * p.heads * blocks), kAttentionThreads, p, query, key, value, mask,
             output, epilogue);
}

}  // namespace tsc::cuda
