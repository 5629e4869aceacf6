// Copies with another order of dims, where the operands' adjacent elements lie along different dims:
//
//   permute({sizes}, out(y, {strides}), in(x, {strides}), begin, end)     (in and out as in pointwise.h)
//
// Work items are permute_work_items({sizes}, in(...)) of them. 32-bit elements are transposed in registers, a square of
// kLanes x kLanes at a time, so that reads and writes both are whole vectors; others go through element by element in
// the same order. Copies that keep the innermost dim, such as concatenations and slices, are pointwise() with a functor
// that returns its operand.
#pragma once

#include "runtime/kernels/pointwise.h"
#include "runtime/kernels/transpose.h"

namespace tsc::kernels {

namespace detail {

// The dim along which the input's elements are adjacent, other than the last; -1 if there is none.
template <class T, int kRank>
TSC_INLINE int adjacent_dim(const In<T, kRank>& input) {
  if (input.strides[kRank - 1] == 1) return -1;
  for (int d = 0; d < kRank - 1; ++d) {
    if (input.strides[d] == 1) return d;
  }
  return -1;
}

// output[i * output_row + j] = input[i + j * input_column] for i < rows, j < columns.
template <class T>
TSC_INLINE void transpose_strip(const T* input, isize input_column, T* output, isize output_row, isize rows, isize columns) {
  isize j = 0;
  if constexpr (sizeof(T) == 4) {
    if (rows == kLanes) {
      for (; j + kLanes <= columns; j += kLanes) {
        VecF square[kLanes];
        TSC_UNROLL
        for (int k = 0; k < kLanes; ++k) {
          square[k] = bit_cast<VecF>(load<Vec<T, kLanes>>(input + (j + k) * input_column));
        }
        transpose(square);
        TSC_UNROLL
        for (int k = 0; k < kLanes; ++k) store(output + k * output_row + j, bit_cast<Vec<T, kLanes>>(square[k]));
      }
    }
  }
  TSC_NO_VECTORIZE
  for (; j < columns; ++j) {
    for (isize i = 0; i < rows; ++i) output[i * output_row + j] = input[i + j * input_column];
  }
}

}  // namespace detail

// Strips of kLanes along the input's adjacent dim, or rows of the last dim where there is no such dim.
template <int kRank, class T>
isize permute_work_items(const isize (&sizes)[kRank], const In<T, kRank>& input) {
  const int adjacent = detail::adjacent_dim(input);
  isize items = 1;
  for (int d = 0; d < kRank - 1; ++d) items *= d == adjacent ? ceil_div(sizes[d], kLanes) : sizes[d];
  return sizes[kRank - 1] == 0 ? 0 : items;
}

template <int kRank, class T>
void permute(const isize (&sizes)[kRank], const Out<T, kRank>& output, const In<T, kRank>& input, isize begin, isize end) {
  constexpr int kInner = kRank - 1;
  const int adjacent = detail::adjacent_dim(input);
  const isize length = sizes[kInner];
  for (isize item = begin; item < end; ++item) {
    isize index[kRank] = {};
    isize rest = item;
    for (int d = kInner - 1; d >= 0; --d) {
      const isize count = d == adjacent ? ceil_div(sizes[d], kLanes) : sizes[d];
      index[d] = rest % count * (d == adjacent ? kLanes : 1);
      rest /= count;
    }
    const T* from = input.data + detail::row_offset(input, index);
    T* to = output.data + detail::row_offset(output, index);
    if (adjacent >= 0 && output.strides[kInner] == 1) {
      const isize rows = smaller(kLanes, sizes[adjacent] - index[adjacent]);
      detail::transpose_strip(from, input.strides[kInner], to, output.strides[adjacent], rows, length);
      continue;
    }
    const isize rows = adjacent < 0 ? 1 : smaller(kLanes, sizes[adjacent] - index[adjacent]);
    for (isize i = 0; i < rows; ++i) {
      const isize from_row = adjacent < 0 ? 0 : i, to_row = adjacent < 0 ? 0 : i * output.strides[adjacent];
      for (isize j = 0; j < length; ++j) {
        to[to_row + j * output.strides[kInner]] = from[from_row + j * input.strides[kInner]];
      }
    }
  }
}

}  // namespace tsc::kernels
