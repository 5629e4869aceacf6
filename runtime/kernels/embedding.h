// Rows of a table by index: output[i][:] = table[index[i]][:].
//
//   first_bad_index(index, count, rows)     the first position whose index is not in [0, rows), or -1; call it first
//   embedding(p, table, index, output, epilogue, begin, end)     work items are indices
//
// The epilogue gets Position{offset of the dense output, column}.
#pragma once

#include "runtime/kernels/layer_norm.h"

namespace tsc::kernels {

struct Embedding {
  isize count = 0;      // indices
  isize columns = 0;    // of the table and the output
  isize table_row = 0;  // elements from one row of the table to the next
};

template <class Index>
isize first_bad_index(const Index* index, isize count, isize rows) {
  for (isize i = 0; i < count; ++i) {
    if (index[i] < 0 || index[i] >= rows) return i;
  }
  return -1;
}

template <class T, class Index, class Epilogue = Identity>
void embedding(Embedding p, const T* table, const Index* index, T* output, const Epilogue& epilogue, isize begin,
               isize end) {
  TSC_NO_UNROLL
  for (isize i = begin; i < end; ++i) {
    const isize offset = i * p.columns;
    detail::transform_row(table + index[i] * p.table_row, output + offset, p.columns,
                          [&](auto v, isize j)
                              __attribute__((always_inline)) { return epilogue(v, Position{offset + j, j}); });
  }
}

}  // namespace tsc::kernels
