// Reductions of [outer][reduced][inner] to [outer][inner] with the reductions of runtime/kernels/reduce.h: Sum, Mean,
// Max, Min. Where inner is 1 a team of threads takes a row; elsewhere a thread takes a column, its neighbours the next
// ones.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/kernels/team.cuh"
#include "runtime/kernels/reduce.h"

namespace tsc::cuda {

using kernels::Position;
using kernels::Reduction;

// Elements `first`, `first + step`, ... of what is reduced, in chunks: no sum adds more than 64 numbers in a row before
// it is added to the others, as in runtime/kernels/reduce.h.
template <class A, class Op, class T>
__device__ A reduce_strided(const Op& op, const T* input, i64 stride, i64 first, i64 step, i64 count) {
  constexpr i64 kChunk = 64;
  A outer = Op::template identity<A>();
  for (i64 begin = first; begin < count;) {
    A middle = Op::template identity<A>();
    for (i64 chunk = 0; chunk < kChunk && begin < count; ++chunk) {
      A inner = Op::template identity<A>();
      for (i64 i = 0; i < kChunk && begin < count; ++i, begin += step) {
        inner = op.combine(inner, op.template map<A>(static_cast<Value<T>>(input[begin * stride]), 0));
      }
      middle = op.combine(middle, inner);
    }
    outer = op.combine(outer, middle);
  }
  return outer;
}

template <int kWarps, class Op, class T, class TOut, class Epilogue>
__global__ void __launch_bounds__(Team<kWarps>::kBlockThreads)
    reduce_rows_kernel(Reduction p, Op op, const T* input, TOut* output, Epilogue epilogue) {
  using A = typename Op::template Accumulator<Value<T>>;
  const i64 row = Team<kWarps>::row();
  A sum = Op::template identity<A>();
  if (row < p.outer) {
    sum = reduce_strided<A>(op, input + row * p.outer_stride, p.reduced_stride, Team<kWarps>::thread(),
                            Team<kWarps>::kThreads, p.reduced);
  }
  sum = combine_team<kWarps>(sum, [&](A a, A b) { return op.combine(a, b); });
  if (row < p.outer && Team<kWarps>::thread() == 0) {
    output[row] = static_cast<TOut>(epilogue(convert<Value<TOut>>(op.finish(sum, p.reduced)), Position{row, row}));
  }
}

template <class Op, class T, class TOut, class Epilogue>
__global__ void __launch_bounds__(256)
    reduce_columns_kernel(Reduction p, Op op, const T* input, TOut* output, Epilogue epilogue) {
  using A = typename Op::template Accumulator<Value<T>>;
  const i64 item = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= p.outer * p.inner) return;
  const T* const column = input + item / p.inner * p.outer_stride + item % p.inner;
  const A sum = reduce_strided<A>(op, column, p.reduced_stride, 0, 1, p.reduced);
  output[item] = static_cast<TOut>(epilogue(convert<Value<TOut>>(op.finish(sum, p.reduced)), Position{item, item}));
}

template <class Op, class T, class TOut, class Epilogue>
void reduce(Launch& launch, Reduction p, const Op& op, const T* input, TOut* output, const Epilogue& epilogue) {
  if (p.inner != 1) {
    launch.run(reduce_columns_kernel<Op, T, TOut, Epilogue>, blocks_for(p.outer * p.inner, 256), 256, p, op, input,
               output, epilogue);
  } else if (p.reduced > kLongRow) {
    launch.run(reduce_rows_kernel<8, Op, T, TOut, Epilogue>, blocks_for(p.outer, Team<8>::kRows),
               Team<8>::kBlockThreads, p, op, input, output, epilogue);
  } else {
    launch.run(reduce_rows_kernel<1, Op, T, TOut, Epilogue>, blocks_for(p.outer, Team<1>::kRows),
               Team<1>::kBlockThreads, p, op, input, output, epilogue);
  }
}

}  // namespace tsc::cuda
