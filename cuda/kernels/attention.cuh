// Scaled dot product attention, as runtime/kernels/attention.h says it, in one pass over the keys: a block takes a query, its
// threads a key each for the scores and a column each for the output, which is scaled when a larger score comes.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/kernels/team.cuh"
#include "runtime/kernels/attention.h"

namespace tsc::cuda {

using kernels::Attention;
using kernels::NoMask;
using kernels::Position;
using kernels::Visibility;

inline constexpr int kAttentionWarps = 4;
inline constexpr int kAttentionThreads = kAttentionWarps * kWarp;
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

template <class T, class Mask, class Epilogue>
__global__ void __launch_bounds__(kAttentionThreads) attention_kernel(Attention p, const T* query, const T* key, const T* value,
                                                                      Mask mask, T* output, Epilogue epilogue) {
  constexpr int kColumns = kMostAttentionDepth / kAttentionThreads;  // of a thread
  __shared__ Shared<float, kMostAttentionDepth> q;
  __shared__ Shared<float, kAttentionThreads> weights;
  const int thread = static_cast<int>(threadIdx.x);
  const i64 item = blockIdx.x;
  const i64 i = item % p.queries, head = item / p.queries % p.heads, batch = item / p.queries / p.heads;
  const i64 kept = head / p.head_group;
  const T* const q_row = query + batch * p.query_batch + head * p.query_head + i * p.query_row;
  const T* const keys = key + batch * p.key_batch + kept * p.key_head;
  const T* const values = value + batch * p.value_batch + kept * p.value_head;
  const i64 mask_row = batch * p.mask_batch + head * p.mask_head + i * p.mask_query;
  for (int d = thread; d < p.depth; d += kAttentionThreads) q.set(d, static_cast<float>(q_row[d]));
  __syncthreads();
  const i64 visible = p.visibility == Visibility::kCausal ? min<i64>(i + 1, p.keys) : p.keys;
  float highest = -math::kInfinity<float>, sum = 0;
  float result[kColumns] = {};
  for (i64 first = 0; first < visible; first += kAttentionThreads) {
    const int count = static_cast<int>(min<i64>(visible - first, kAttentionThreads));
    float score = -math::kInfinity<float>;
    if (thread < count) {
      const T* const k_row = keys + (first + thread) * p.key_row;
      float dot = 0;
      for (int d = 0; d < p.depth; ++d) dot = tsc::fma(q.get(d), static_cast<float>(k_row[d]), dot);
      score = masked(dot * p.scale, mask, mask_row + (first + thread) * p.mask_key);
    }
    const float largest = combine_team<kAttentionWarps>(score, [](float a, float b) { return math::maximum(a, b); });
    const float next = math::maximum(highest, largest);
    // Nothing seen yet: every weight is 0, and so is what came before.
    const bool none = next == -math::kInfinity<float>;
    const float weight = none ? 0.0f : math::exp(score - next);
    const float keep = none ? 0.0f : math::exp(highest - next);
    weights.set(thread, weight);  // the team's barriers lie between its readers and this
    sum = sum * keep + combine_team<kAttentionWarps>(weight, [](float a, float b) { return a + b; });
    TSC_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      const int column = thread + c * kAttentionThreads;
      if (column >= p.value_depth) continue;
      float total = result[c] * keep;
      for (int j = 0; j < count; ++j) {
        total = tsc::fma(weights.get(j), static_cast<float>(values[(first + j) * p.value_row + column]), total);
      }
      result[c] = total;
    }
    highest = next;
  }
  const i64 row = batch * p.output_batch + head * p.output_head + i * p.output_row;
  TSC_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int column = thread + c * kAttentionThreads;
    if (column >= p.value_depth) continue;
    const float mean = sum == 0.0f ? 0.0f : result[c] / sum;
    output[row + column] = static_cast<T>(epilogue(mean, Position{row + column, column}));
  }
}

template <class T, class Mask, class Epilogue>
void attention(Launch& launch, const Attention& p, const T* query, const T* key, const T* value, Mask mask, T* output,
               const Epilogue& epilogue) {
  launch.run(attention_kernel<T, Mask, Epilogue>, static_cast<unsigned>(p.batch * p.heads * p.queries), kAttentionThreads, p,
             query, key, value, mask, output, epilogue);
}

}  // namespace tsc::cuda
