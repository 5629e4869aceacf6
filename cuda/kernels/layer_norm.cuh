// Normalisation of rows, as runtime/kernels/layer_norm.h says it. A team of threads takes a row; it is read three times, the
// second and third time from the cache.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/kernels/team.cuh"
#include "runtime/kernels/layer_norm.h"

namespace tsc::cuda {

using kernels::Position;
using kernels::RowNorm;

template <int kWarps, class T, class Epilogue>
__global__ void __launch_bounds__(Team<kWarps>::kBlockThreads) layer_norm_kernel(RowNorm p, const T* input, const T* weight,
                                                                                 const T* bias, T* output,
                                                                                 Epilogue epilogue) {
  using Rows = Team<kWarps>;
  using V = Value<T>;
  const i64 row = Rows::row();
  const i64 columns = row < p.rows ? p.columns : 0;
  const T* const x = input + (row < p.rows ? row : 0) * p.input_row;
  const V count = static_cast<V>(p.columns);
  const auto add = [](V a, V b) { return a + b; };
  V sum = 0;
  for (i64 i = Rows::thread(); i < columns; i += Rows::kThreads) sum += static_cast<V>(x[i]);
  const V mean = combine_team<kWarps>(sum, add) / count;
  V squares = 0;
  for (i64 i = Rows::thread(); i < columns; i += Rows::kThreads) squares += math::square(static_cast<V>(x[i]) - mean);
  const V variance = combine_team<kWarps>(squares, add) / count;
  const V scale = V(1) / tsc::sqrt(variance + static_cast<V>(p.epsilon));
  for (i64 i = Rows::thread(); i < columns; i += Rows::kThreads) {
    const V normal = (static_cast<V>(x[i]) - mean) * scale;
    const V result = tsc::fma(normal, weight != nullptr ? static_cast<V>(weight[i]) : V(1),
                              bias != nullptr ? static_cast<V>(bias[i]) : V(0));
    const i64 offset = row * p.columns + i;
    output[offset] = static_cast<T>(epilogue(result, Position{offset, i}));
  }
}

template <class T, class Epilogue>
void layer_norm(Launch& launch, RowNorm p, kernels::Identity, const T* input, const T* weight, const T* bias, T* output,
                const Epilogue& epilogue) {
  if (p.columns > kLongRow) {
    launch.run(layer_norm_kernel<8, T, Epilogue>, blocks_for(p.rows, Team<8>::kRows), Team<8>::kBlockThreads, p, input,
               weight, bias, output, epilogue);
  } else {
    launch.run(layer_norm_kernel<1, T, Epilogue>, blocks_for(p.rows, Team<1>::kRows), Team<1>::kBlockThreads, p, input,
               weight, bias, output, epilogue);
  }
}

}  // namespace tsc::cuda
