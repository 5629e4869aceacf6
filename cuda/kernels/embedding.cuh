// Rows of a table by index, with the Embedding of runtime/kernels/embedding.h. An index outside [0, rows) gives zeros, and
// the first of them goes to `fault`.
#pragma once

#include "cuda/core/launch.cuh"
#include "runtime/kernels/embedding.h"

namespace tsc::cuda {

using kernels::Embedding;
using kernels::Position;

template <class T, class Index, class Epilogue>
__global__ void __launch_bounds__(256) embedding_kernel(Embedding p, i64 rows, const T* table, const Index* index, T* output,
                                                        Epilogue epilogue, Fault* fault) {
  const i64 item = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= p.count * p.columns) return;
  const i64 position = item / p.columns;
  const i64 row = index[position];
  const bool inside = row >= 0 && row < rows;
  if (!inside && item % p.columns == 0) atomicMin(&fault->position, static_cast<unsigned long long>(position));
  const i64 column = item % p.columns;
  output[item] = epilogue(inside ? table[row * p.table_row + column] : T(), Position{item, column});
}

// The index at the position that all have agreed on.
template <class Index>
__global__ void fault_index_kernel(const Index* index, Fault* fault) {
  if (fault->position != ~0ull) fault->index = index[fault->position];
}

template <class T, class Index, class Epilogue>
void embedding(Launch& launch, Embedding p, i64 rows, const T* table, const Index* index, T* output,
               const Epilogue& epilogue) {
  Fault* const fault = launch.fault(
      "embedding(): index %lld at position %lld is out of range, the table has %lld rows", rows);
  launch.run(embedding_kernel<T, Index, Epilogue>, blocks_for(p.count * p.columns, 256), 256, p, rows, table, index, output,
             epilogue, fault);
  launch.run(fault_index_kernel<Index>, 1, 1, index, fault);
}

}  // namespace tsc::cuda
