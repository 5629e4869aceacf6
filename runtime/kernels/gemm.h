// Products of matrices: output[i][j] = epilogue(bias[j] + sum over k of a[i][k] * b[k][j]), in float.
//
//   linear<MR, NV>   b is a constant, packed ahead
//   matmul<MR, NV>   b is packed (or read in place) at run time; strided operands, two batch dimensions
//
// The packed form of b, Packing::kPanels, is [ceil(N / P)][K][P] with P = NV * kLanes: panels of P columns, each one
// forward stream; columns past N are zero. The bias is padded to whole panels and may be null.
//
// A register tile is MR rows by NV vectors: it needs MR * NV accumulators, NV registers for a row of the panel and one
// for the broadcast of a[i][k]. Rows are split into equal blocks of at most MR, so that no block is a stub; one row is
// a matrix-vector product, whose speed is that of the stream of b. A full sum over k stays in registers, in ascending
// order of k (tiles of few accumulators keep several partial sums, which depends on sizes only).
//
// Work items are (panel, row block) pairs, panels outside: a range of them reads its panels once. Every item is
// computed the same way whatever the range, so results do not depend on how items are split between threads.
#pragma once

#include "runtime/kernels/dispatch.h"
#include "runtime/kernels/epilogue.h"
#include "runtime/kernels/gemv.h"
#include "runtime/kernels/transpose.h"
#include "runtime/kernels/vec.h"

namespace tsc::kernels {

struct Linear {
  isize rows = 0, columns = 0, depth = 0;
  isize input_row = 0;   // elements from one row of the input to the next
  isize output_row = 0;  // the same of the output
};

struct Matmul {
  isize rows = 0, columns = 0, depth = 0;
  isize a_row = 0, a_depth = 1;                                  // strides of a[i][k] in elements
  isize b_depth = 0, b_column = 1;                               // of b[k][j]
  isize output_row = 0;                                          // of output[i][j]; its columns are adjacent
  isize batch[2] = {1, 1};                                       // outer and inner batch size
  isize a_batch[2] = {}, b_batch[2] = {}, output_batch[2] = {};  // their strides, 0 to broadcast
};

// One register tile of a product, of which epilogue and layouts are the caller's.
struct ProductTile {
  isize depth = 0;
  const float* a = nullptr;  // a[i * a_row + k]
  isize a_row = 0;
  const float* b = nullptr;  // b[k * b_depth + j]
  isize b_depth = 0;
  const float* bias = nullptr;  // may be null
  float* output = nullptr;      // vector v of row i at output[i * output_row + v * output_vector]
  isize output_row = 0;
  isize output_vector = 0;
  float low = -kInfinity, high = kInfinity;  // bounds of the results
};

// The tile is not inlined: all products of a library with equal MR and NV share it.
template <int kRows, int kVectors>
[[gnu::noinline]] void product_tile(const ProductTile& t) {
  // Two FMA pipes of four cycles' latency want eight independent sums.
  constexpr int kSums = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;
  VecF acc[kSums][kRows][kVectors];
  TSC_UNROLL
  for (int s = 0; s < kSums; ++s) {
    TSC_UNROLL
    for (int i = 0; i < kRows; ++i) {
      TSC_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        acc[s][i][v] = s == 0 && t.bias != nullptr ? load<VecF>(t.bias + v * kLanes) : splat<VecF>(0);
      }
    }
  }
  const float* a = t.a;
  const float* b = t.b;
  const isize a_row = t.a_row;
  const isize b_depth = t.b_depth;
  const auto step = [&](VecF(&sum)[kRows][kVectors], const float* a_k, const float* b_k)
                        __attribute__((always_inline)) {
                          VecF b_row[kVectors];
                          TSC_UNROLL
                          for (int v = 0; v < kVectors; ++v) {
                            b_row[v] = load<VecF>(b_k + v * kLanes);
                          }
                          TSC_UNROLL
                          for (int i = 0; i < kRows; ++i) {
                            const VecF x = splat<VecF>(a_k[i * a_row]);
                            TSC_UNROLL
                            for (int v = 0; v < kVectors; ++v) {
                              sum[i][v] = fma(x, b_row[v], sum[i][v]);
                            }
                          }
                        };
  isize k = 0;
  // Several steps in one basic block would tempt the scheduler to collect their loads first, and to spill accumulators.
  TSC_NO_UNROLL
  for (; k + kSums <= t.depth; k += kSums, a += kSums, b += kSums * b_depth) {
    TSC_UNROLL
    for (int s = 0; s < kSums; ++s) {
      step(acc[s], a + s, b + s * b_depth);
    }
  }
  if constexpr (kSums > 1) {
    TSC_NO_UNROLL
    for (; k < t.depth; ++k, ++a, b += b_depth) {
      step(acc[0], a, b);
    }
  }
  TSC_UNROLL
  for (int i = 0; i < kRows; ++i) {
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      VecF sum = acc[0][i][v];
      TSC_UNROLL
      for (int s = 1; s < kSums; ++s) {
        sum += acc[s][i][v];
      }
      sum = min(max(sum, splat<VecF>(t.low)), splat<VecF>(t.high));
      store(t.output + i * t.output_row + v * t.output_vector, sum);
    }
  }
}

// Not inlined either, so that each driver and epilogue has one call and not a table of them.
template <int kMaxRows, int kVectors>
[[gnu::noinline]] void product_rows(isize rows, const ProductTile& tile) {
  dispatch<kMaxRows>(rows, [&]<int kRows>() { product_tile<kRows, kVectors>(tile); });
}

// Stores rows of a tile [rows][kVectors * kLanes] through the epilogue; columns past `columns` are dropped.
template <int kVectors, class Epilogue>
TSC_INLINE void store_tile(const float* tile, isize rows, isize columns, float* output, isize output_row, Position at,
                           const Epilogue& epilogue) {
  constexpr isize kWidth = kVectors * kLanes;
  TSC_NO_UNROLL
  for (isize i = 0; i < rows; ++i) {
    const float* row = tile + i * kWidth;
    const isize offset = at.offset + i * output_row;
    if (columns == kWidth) {
      TSC_UNROLL
      for (isize j = 0; j < kWidth; j += kLanes) {
        store(output + offset + j, epilogue(load<VecF>(row + j), Position{offset + j, at.channel + j}));
      }
      continue;
    }
    isize j = 0;
    TSC_NO_UNROLL
    for (; j + kLanes <= columns; j += kLanes) {
      store(output + offset + j, epilogue(load<VecF>(row + j), Position{offset + j, at.channel + j}));
    }
    TSC_NO_VECTORIZE
    for (; j < columns; ++j) {
      output[offset + j] = epilogue(row[j], Position{offset + j, at.channel + j});
    }
  }
}

// A block of rows of one panel: straight into the output where the tile itself can finish, through a tile on the stack
// otherwise.
// `tile.output` and its strides are filled in here.
template <int MR, int NV, class Epilogue>
TSC_INLINE void product_block(ProductTile tile, isize rows, isize columns, float* output, isize output_row, Position at,
                              const Epilogue& epilogue) {
  constexpr isize kWidth = NV * kLanes;
  tile.output_vector = kLanes;
  if constexpr (kIsClamp<Epilogue>) {
    if (columns == kWidth) {
      tile.low = epilogue.low;
      tile.high = epilogue.high;
      tile.output = output + at.offset;
      tile.output_row = output_row;
      product_rows<MR, NV>(rows, tile);
      return;
    }
  }
  alignas(64) float sums[MR * kWidth];
  tile.output = sums;
  tile.output_row = kWidth;
  product_rows<MR, NV>(rows, tile);
  store_tile<NV>(sums, rows, columns, output, output_row, at, epilogue);
}

template <int MR, int NV>
constexpr isize linear_work_items(const Linear& p) {
  return ceil_div(p.columns, NV * kLanes) * ceil_div(p.rows, MR);
}

// Computes work items [begin, end) of output[rows][columns] = input[rows][depth] * weight (+ bias).
template <int MR, int NV, class Epilogue = Identity>
void linear(Linear p, const float* input, const float* weight, const float* bias, float* output,
            const Epilogue& epilogue, isize begin, isize end) {
  constexpr isize kWidth = NV * kLanes;
  const isize row_blocks = ceil_div(p.rows, MR);
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize panel = item / row_blocks;
    const Piece rows = piece_of(p.rows, row_blocks, item % row_blocks);
    const isize column = panel * kWidth;
    const ProductTile tile = {.depth = p.depth,
                              .a = input + rows.begin * p.input_row,
                              .a_row = p.input_row,
                              .b = weight + panel * p.depth * kWidth,
                              .b_depth = kWidth,
                              .bias = bias != nullptr ? bias + column : nullptr};
    product_block<MR, NV>(tile, rows.size(), smaller(kWidth, p.columns - column), output, p.output_row,
                          Position{rows.begin * p.output_row + column, column}, epilogue);
  }
}

namespace detail {

// Copies columns [0, columns) of b[depth][...] to a panel [depth][kWidth]; the other columns are zero.
template <int kWidth>
[[gnu::noinline]] void pack_panel(const float* b, isize depth, isize columns, isize b_depth, isize b_column, float* panel) {
  isize k = 0;
  if (b_column == 1 && columns == kWidth) {
    for (; k < depth; ++k) {
      TSC_UNROLL
      for (isize j = 0; j < kWidth; j += kLanes) {
        store(panel + k * kWidth + j, load<VecF>(b + k * b_depth + j));
      }
    }
    return;
  }
  if (b_depth == 1) {
    // Rows of b's transpose are contiguous: squares of lanes are turned in registers.
    for (; k + kLanes <= depth; k += kLanes) {
      for (isize j = 0; j < kWidth; j += kLanes) {
        VecF square[kLanes];
        TSC_UNROLL
        for (isize i = 0; i < kLanes; ++i) {
          square[i] = j + i < columns ? load<VecF>(b + (j + i) * b_column + k) : splat<VecF>(0);
        }
        transpose(square);
        TSC_UNROLL
        for (isize i = 0; i < kLanes; ++i) {
          store(panel + (k + i) * kWidth + j, square[i]);
        }
      }
    }
  }
  for (; k < depth; ++k) {
    for (isize j = 0; j < kWidth; ++j) {
      panel[k * kWidth + j] = j < columns ? b[k * b_depth + j * b_column] : 0.0f;
    }
  }
}

// Floats of a thread's copy of a, which is made where a row of a is not contiguous.
constexpr isize copied_a(const Matmul& p) { return p.a_depth == 1 ? 0 : p.rows * p.depth; }

}  // namespace detail

template <int MR, int NV>
constexpr isize matmul_work_items(const Matmul& p) {
  return p.batch[0] * p.batch[1] * ceil_div(p.columns, NV * kLanes) * ceil_div(p.rows, MR);
}

// Bytes of scratch memory, 64-byte aligned, that one thread needs.
template <int MR, int NV>
constexpr isize matmul_scratch_bytes(const Matmul& p) {
  return (p.depth * NV * kLanes + detail::copied_a(p)) * static_cast<isize>(sizeof(float));
}

// Computes work items [begin, end) of output[b0][b1] = a[b0][b1] * b[b0][b1]. The epilogue's channel is the column.
template <int MR, int NV, class Epilogue = Identity>
void matmul(Matmul p, const float* a, const float* b, float* output, const Epilogue& epilogue, void* scratch, isize begin,
            isize end) {
  constexpr isize kWidth = NV * kLanes;
  const isize row_blocks = ceil_div(p.rows, MR);
  const isize panels = ceil_div(p.columns, kWidth);
  float* const packed_b = static_cast<float*>(scratch);
  float* const copied_a = packed_b + p.depth * kWidth;
  const bool copy_a = p.a_depth != 1;
  isize packed_panel = -1;
  isize copied_batch = -1;
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const Piece rows = piece_of(p.rows, row_blocks, item % row_blocks);
    const isize panel = item / row_blocks;  // counted over all batches
    const isize column = panel % panels * kWidth;
    const isize columns = smaller(kWidth, p.columns - column);
    const isize batch = panel / panels;
    const isize outer = batch / p.batch[1];
    const isize inner = batch % p.batch[1];
    const float* a_matrix = a + outer * p.a_batch[0] + inner * p.a_batch[1];
    const float* b_panel = b + outer * p.b_batch[0] + inner * p.b_batch[1] + column * p.b_column;
    isize a_row = p.a_row;
    if (copy_a) {
      if (copied_batch != batch) {
        for (isize i = 0; i < p.rows; ++i) {
          for (isize k = 0; k < p.depth; ++k) {
            copied_a[i * p.depth + k] = a_matrix[i * p.a_row + k * p.a_depth];
          }
        }
        copied_batch = batch;
      }
      a_matrix = copied_a;
      a_row = p.depth;
    }
    const float* a_rows = a_matrix + rows.begin * a_row;
    const Position at = {outer * p.output_batch[0] + inner * p.output_batch[1] + rows.begin * p.output_row + column,
                         column};
    if (p.rows == 1 && p.b_depth == 1) {
      // Packing would read and write more than the product itself does.
      alignas(64) float sums[kWidth];
      dot_columns(a_rows, b_panel, p.b_column, p.depth, columns, sums);
      store_tile<NV>(sums, 1, columns, output, p.output_row, at, epilogue);
      continue;
    }
    ProductTile tile = {.depth = p.depth, .a = a_rows, .a_row = a_row};
    if (row_blocks == 1 && p.b_column == 1 && columns == kWidth) {
      tile.b = b_panel;
      tile.b_depth = p.b_depth;
    } else {
      if (packed_panel != panel) {
        detail::pack_panel<kWidth>(b_panel, p.depth, columns, p.b_depth, p.b_column, packed_b);
        packed_panel = panel;
      }
      tile.b = packed_b;
      tile.b_depth = kWidth;
    }
    product_block<MR, NV>(tile, rows.size(), columns, output, p.output_row, at, epilogue);
  }
}

}  // namespace tsc::kernels
