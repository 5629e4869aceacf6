// Products of bytes: out[i][j] = sum over k of input[i][k] * weight[j][k], exactly, in 32 bits that wrap.
//
// The input is unsigned and the weight signed, as quantised models have them and VNNI's vpdpbusd takes them. Both are
// read where they lie, rows of bytes along the depth: sums run along the depth too, each lane keeps a part of its own,
// and lanes are added up at the end. So weights need no packing, and a product of one row is one stream over them.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

struct GemmInteger {
  isize rows, columns, depth;
  isize input_row, weight_row, output_row, output_column;  // strides
};

namespace detail {

inline constexpr int kByteLanes = kLanes == 1 ? 1 : 4 * kLanes;
using BytesU = Vec<uint8_t, kByteLanes>;
using BytesS = Vec<int8_t, kByteLanes>;
using Sums = Vec<int32_t, kLanes>;

// Adds all products of bytes to the lanes, each to some lane. A product of two bytes is exact in 16 bits.
template <class A, class B>
TSC_INLINE Sums add_products(Sums sums, A a, B b) {
  if constexpr (!kIsVector<A>) {
    return sums + static_cast<int32_t>(a) * b;
  } else if constexpr (extension::kHasDotOfBytes<Sums>) {
    return extension::dot_of_bytes(sums, a, b);
  } else {
    using Pairs = Vec<int32_t, kLanesOf<A> / 2>;
    const auto pairs = bit_cast<Pairs>(convert<int16_t>(a) * convert<int16_t>(b));
    const Pairs added = ((pairs << 16) >> 16) + (pairs >> 16);
    return sums + extension::low_half(added) + extension::high_half(added);
  }
}

// A tile of sums; `kRows * kColumns` accumulators, the columns' weights and one input must fit the registers.
template <int kRows, int kColumns>
[[gnu::noinline]] inline void integer_tile(const GemmInteger& g, const uint8_t* input, const int8_t* weight,
                                           int32_t* output) {
  Sums sums[kRows][kColumns] = {};
  isize k = 0;
  TSC_NO_UNROLL
  for (; k + kByteLanes <= g.depth; k += kByteLanes) {
    BytesS w[kColumns];
    TSC_UNROLL
    for (int j = 0; j < kColumns; ++j) w[j] = load<BytesS>(weight + j * g.weight_row + k);
    TSC_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const BytesU x = load<BytesU>(input + i * g.input_row + k);
      TSC_UNROLL
      for (int j = 0; j < kColumns; ++j) sums[i][j] = add_products(sums[i][j], x, w[j]);
    }
  }
  if (const isize rest = g.depth - k; rest > 0) {
    BytesS w[kColumns];
    TSC_UNROLL
    for (int j = 0; j < kColumns; ++j) w[j] = load_partial<BytesS>(weight + j * g.weight_row + k, rest);
    TSC_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const BytesU x = load_partial<BytesU>(input + i * g.input_row + k, rest);
      TSC_UNROLL
      for (int j = 0; j < kColumns; ++j) sums[i][j] = add_products(sums[i][j], x, w[j]);
    }
  }
  TSC_UNROLL
  for (int i = 0; i < kRows; ++i) {
    TSC_UNROLL
    for (int j = 0; j < kColumns; ++j) output[i * g.output_row + j * g.output_column] = horizontal_sum(sums[i][j]);
  }
}

template <int kRows, int kColumns>
inline void integer_rows(const GemmInteger& g, const uint8_t* input, const int8_t* weight, int32_t* output) {
  isize i = 0;
  for (; i + kRows <= g.rows; i += kRows) {
    integer_tile<kRows, kColumns>(g, input + i * g.input_row, weight, output + i * g.output_row);
  }
  for (; i < g.rows; ++i) integer_tile<1, kColumns>(g, input + i * g.input_row, weight, output + i * g.output_row);
}

template <int kRows>
inline void integer_columns(const GemmInteger& g, const uint8_t* input, const int8_t* weight, int32_t* output) {
  constexpr int kColumns = kLanes == 1 ? 2 : 4;
  isize j = 0;
  for (; j + kColumns <= g.columns; j += kColumns) {
    integer_rows<kRows, kColumns>(g, input, weight + j * g.weight_row, output + j * g.output_column);
  }
  for (; j < g.columns; ++j) integer_rows<kRows, 1>(g, input, weight + j * g.weight_row, output + j * g.output_column);
}

}  // namespace detail

// Columns [first, last).
inline void gemm_integer(const GemmInteger& g, const uint8_t* input, const int8_t* weight, int32_t* output, isize first,
                         isize last) {
  constexpr int kRows = kLanes == 1 ? 2 : 4;
  // Rows that stay in the cache while all columns pass by.
  constexpr isize kBlockBytes = 128 << 10;
  const isize block = tsc::max<isize>(kRows, kBlockBytes / tsc::max<isize>(g.depth, 1) / kRows * kRows);
  GemmInteger part = g;
  for (isize begin = 0; begin < g.rows; begin += block) {
    part.rows = tsc::min(block, g.rows - begin);
    part.columns = last - first;
    detail::integer_columns<kRows>(part, input + begin * g.input_row, weight + first * g.weight_row,
                                   output + begin * g.output_row + first * g.output_column);
  }
}

}  // namespace tsc::kernels
