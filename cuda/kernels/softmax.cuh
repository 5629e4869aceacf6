// softmax and log_softmax of dense rows: [outer][reduced], inner is 1. A team of threads takes a row and holds it in
// registers; rows longer than these are read three times.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/kernels/team.cuh"
#include "runtime/kernels/softmax.h"

namespace tsc::cuda {

using kernels::Position;
using kernels::Reduction;
using kernels::Share;

// kHeld values of a row in each thread; 0: none.
template <Share kShare, int kWarps, int kHeld, class T, class Epilogue>
__global__ void __launch_bounds__(Team<kWarps>::kBlockThreads) softmax_kernel(Reduction p, const T* input, T* output,
                                                                              Epilogue epilogue) {
  using Rows = Team<kWarps>;
  constexpr int kRegisters = kHeld > 0 ? kHeld : 1;
  const i64 row = Rows::row();
  const i64 count = row < p.outer ? p.reduced : 0;
  const T* const x = input + (row < p.outer ? row : 0) * p.reduced;
  using V = Value<T>;
  V held[kRegisters];
  V highest = -math::kInfinity<V>;
  // Calls f(i, k) for each i of this thread's elements; k counts them.
  const auto for_each = [&](const auto& f) {
    if constexpr (kHeld > 0) {
      TSC_UNROLL
      for (int k = 0; k < kHeld; ++k) {
        const i64 i = Rows::thread() + k * Rows::kThreads;
        if (i < count) f(i, k);
      }
    } else {
      for (i64 i = Rows::thread(); i < count; i += Rows::kThreads) f(i, 0);
    }
  };
  for_each([&](i64 i, int k) {
    held[k] = static_cast<V>(x[i]);
    highest = math::maximum(highest, held[k]);
  });
  highest = combine_team<kWarps>(highest, [](V a, V b) { return math::maximum(a, b); });
  V sum = 0;
  for_each([&](i64 i, int k) {
    const V e = math::exp((kHeld > 0 ? held[k] : static_cast<V>(x[i])) - highest);
    if constexpr (kShare == Share::kProbability) held[k] = e;
    sum += e;
  });
  sum = combine_team<kWarps>(sum, [](V a, V b) { return a + b; });
  const V share = kernels::detail::share_of<kShare, V>(sum);
  for_each([&](i64 i, int k) {
    V value = kHeld > 0 ? held[k] : static_cast<V>(x[i]);
    if constexpr (kShare == Share::kProbability && kHeld == 0) value = math::exp(value - highest);
    const i64 offset = row * p.reduced + i;
    output[offset] = static_cast<T>(epilogue(kernels::detail::apply_share<kShare, V>(value, highest, share), Position{offset, i}));
  });
}

template <Share kShare, class T, class Epilogue>
void softmax(Launch& launch, Reduction p, const T* input, T* output, const Epilogue& epilogue) {
  const auto run = [&](auto* kernel, int rows, int threads) {
    launch.run(kernel, blocks_for(p.outer, rows), threads, p, input, output, epilogue);
  };
  if (p.reduced <= 8 * Team<1>::kThreads) {
    run(softmax_kernel<kShare, 1, 8, T, Epilogue>, Team<1>::kRows, Team<1>::kBlockThreads);
  } else if (p.reduced <= 8 * Team<8>::kThreads) {
    run(softmax_kernel<kShare, 8, 8, T, Epilogue>, Team<8>::kRows, Team<8>::kBlockThreads);
  } else {
    run(softmax_kernel<kShare, 8, 0, T, Epilogue>, Team<8>::kRows, Team<8>::kBlockThreads);
  }
}

}  // namespace tsc::cuda
