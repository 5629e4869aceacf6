// 3x3 convolution of stride 1 by Winograd's F(4, 3): blocked to blocked, one group, no dilation.
//
// Each tile of 4x4 output pixels needs a 6x6 patch d of the input. With the points 0, 1, -1, 1/2, -2 and infinity,
//   V = B^T d B,   M[i] = U[i] V[i] for each of the 36 positions i,   output = A^T M A,
// where U = G g G^T of each kernel g is computed ahead (Packing::kWinograd). That is 36 products of channels where the
// direct form has 144. These points keep the error within ten times that of the direct form.
//
// The transforms work on vectors of channels; the 36 products are conv2d.h's tile with tiles in the place of pixels:
// MR tiles by NV vectors. V is [36][ceil(C / c)][tiles][c], M is [36][ceil(O / P) * NV][tiles][c].
//
//   conv2d_winograd          work items are blocks of tiles whose V and M a thread keeps in its own cache
//   conv2d_winograd_staged   for images of few tiles: three stages, each split between all threads, one after the
//   other,
//                            with V and M of all tiles in shared scratch memory
//
// The input's halo is at least the padding; a patch that ends beyond the halo is filled up with zeros.
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

namespace detail {

inline constexpr isize kWinogradTile = 4;
inline constexpr isize kWinogradPatch = 6;
inline constexpr isize kWinogradProducts = kWinogradPatch * kWinogradPatch;

// B^T d for one column or row of a patch.
TSC_INLINE void winograd_input(VecF (&d)[6]) {
  const VecF a = d[3] - d[1];
  const VecF b = d[4] - d[2];
  const VecF half = splat<VecF>(0.5f);
  const VecF three_halves = splat<VecF>(1.5f);
  const VecF five_halves = splat<VecF>(2.5f);
  const VecF r0 = fma(three_halves, a, (d[0] - d[2]) + b);
  const VecF r1 = fma(five_halves, d[3], fma(half, d[2], d[4])) - d[1];
  const VecF r2 = fma(-five_halves, d[2], fma(half, d[3], d[4])) + d[1];
  const VecF r5 = fma(three_halves, b, (d[5] - d[3]) - a);
  d[0] = r0;
  d[1] = r1;
  d[2] = r2;
  d[3] = fma(splat<VecF>(2), a, b);
  d[4] = fma(-half, a, b);
  d[5] = r5;
}

// A^T m for one column or row of products.
TSC_INLINE void winograd_output(const VecF (&m)[6], VecF (&y)[4]) {
  const VecF sum = m[1] + m[2];
  const VecF difference = m[1] - m[2];
  y[0] = ((m[0] + sum) + m[3]) + m[4];
  y[1] = fma(splat<VecF>(-2), m[4], fma(splat<VecF>(0.5f), m[3], difference));
  y[2] = fma(splat<VecF>(4), m[4], fma(splat<VecF>(0.25f), m[3], sum));
  y[3] = fma(splat<VecF>(-8), m[4], fma(splat<VecF>(0.125f), m[3], difference)) + m[5];
}

// V of one patch and block of channels: element i goes to v[i * matrix].
[[gnu::noinline]] inline void winograd_input_tile(const float* patch, isize row, float* v, isize matrix) {
  VecF columns[6][6];
  TSC_UNROLL
  for (int x = 0; x < 6; ++x) {
    VecF d[6];
    TSC_UNROLL
    for (int y = 0; y < 6; ++y) {
      d[y] = load<VecF>(patch + y * row + x * kLanes);
    }
    winograd_input(d);
    TSC_UNROLL
    for (int y = 0; y < 6; ++y) {
      columns[y][x] = d[y];
    }
  }
  TSC_UNROLL
  for (int y = 0; y < 6; ++y) {
    winograd_input(columns[y]);
    TSC_UNROLL
    for (int x = 0; x < 6; ++x) {
      store(v + (y * 6 + x) * matrix, columns[y][x]);
    }
  }
}

// Output pixels of one tile and block of channels, from products m[i * matrix].
struct WinogradOutput {
  const float* m;
  isize matrix;
  const float* bias;  // may be null
  float* output;
  isize output_row;
  float low = -kInfinity, high = kInfinity;
};
[[gnu::noinline]] inline void winograd_output_tile(const WinogradOutput& t) {
  VecF rows[4][6];
  TSC_UNROLL
  for (int x = 0; x < 6; ++x) {
    VecF m[6];
    TSC_UNROLL
    for (int y = 0; y < 6; ++y) {
      m[y] = load<VecF>(t.m + (y * 6 + x) * t.matrix);
    }
    VecF column[4];
    winograd_output(m, column);
    TSC_UNROLL
    for (int y = 0; y < 4; ++y) {
      rows[y][x] = column[y];
    }
  }
  const VecF bias = t.bias != nullptr ? load<VecF>(t.bias) : splat<VecF>(0);
  TSC_UNROLL
  for (int y = 0; y < 4; ++y) {
    VecF row[4];
    winograd_output(rows[y], row);
    TSC_UNROLL
    for (int x = 0; x < 4; ++x) {
      store(t.output + y * t.output_row + x * kLanes, min(max(row[x] + bias, splat<VecF>(t.low)), splat<VecF>(t.high)));
    }
  }
}

// The tiles of all images, in order of image, row, column.
struct WinogradTiles {
  isize rows, columns;
  isize count;
};
TSC_INLINE constexpr WinogradTiles winograd_tiles(const Conv2d& p) {
  const isize rows = ceil_div(p.out_height, kWinogradTile);
  const isize columns = ceil_div(p.out_width, kWinogradTile);
  return {rows, columns, p.batch * rows * columns};
}

// V and M of the tiles [first, first + count).
struct WinogradBlock {
  isize first, count;
  float* v;
  float* m;
  isize v_matrix, m_matrix;  // floats from one of the 36 matrices to the next
};
// A vector more than the matrix keeps the 36 matrices from falling into the same sets of a cache.
TSC_INLINE constexpr isize winograd_matrix(isize channel_blocks, isize tiles) {
  return (channel_blocks * tiles + 1) * kLanes;
}
template <int NV>
TSC_INLINE constexpr isize winograd_bytes(const Conv2d& p, isize tiles) {
  const isize out_blocks = ceil_div(p.out_channels, NV * kLanes) * NV;
  const isize floats = winograd_matrix(ceil_div(p.in_channels, kLanes), tiles) + winograd_matrix(out_blocks, tiles);
  return kWinogradProducts * floats * static_cast<isize>(sizeof(float));
}
template <int NV>
TSC_INLINE WinogradBlock winograd_block(const Conv2d& p, isize first, isize count, void* scratch) {
  WinogradBlock block;
  block.first = first;
  block.count = count;
  block.v_matrix = winograd_matrix(ceil_div(p.in_channels, kLanes), count);
  block.m_matrix = winograd_matrix(ceil_div(p.out_channels, NV * kLanes) * NV, count);
  block.v = static_cast<float*>(scratch);
  block.m = block.v + kWinogradProducts * block.v_matrix;
  return block;
}

struct TilePosition {
  isize image, y, x;  // of the tile's first output pixel
};
TSC_INLINE TilePosition tile_position(const WinogradTiles& tiles, isize tile) {
  const isize row = tile / tiles.columns;
  return {row / tiles.rows, row % tiles.rows * kWinogradTile, tile % tiles.columns * kWinogradTile};
}

// Transforms the patches of tiles [begin, end) of one block of input channels.
[[gnu::noinline]] inline void winograd_inputs(const Conv2d& p, const WinogradBlock& block, const float* input,
                                              isize channel_block, isize begin, isize end) {
  const BlockedImage in = blocked_input(p);
  const WinogradTiles tiles = winograd_tiles(p);
  for (isize tile = begin; tile < end; ++tile) {
    const TilePosition at = tile_position(tiles, tile);
    // In the coordinates of the image with its halo.
    const isize y = at.y - p.pad_height + p.in_halo;
    const isize x = at.x - p.pad_width + p.in_halo;
    const float* const patch = input + at.image * in.batch + channel_block * in.plane + y * in.row + x * kLanes;
    float* const v = block.v + (channel_block * block.count + tile - block.first) * kLanes;
    const isize height = smaller(kWinogradPatch, p.in_height + 2 * p.in_halo - y);
    const isize width = smaller(kWinogradPatch, p.in_width + 2 * p.in_halo - x);
    if (height == kWinogradPatch && width == kWinogradPatch) {
      winograd_input_tile(patch, in.row, v, block.v_matrix);
      continue;
    }
    alignas(64) float filled[kWinogradProducts * kLanes];
    zero(filled, kWinogradProducts * kLanes);
    for (isize r = 0; r < height; ++r) {
      for (isize i = 0; i < width * kLanes; i += kLanes) {
        store(filled + r * kWinogradPatch * kLanes + i, load<VecF>(patch + r * in.row + i));
      }
    }
    winograd_input_tile(filled, kWinogradPatch * kLanes, v, block.v_matrix);
  }
}

// One of the 36 products, for one panel of output channels and all tiles of the block.
template <int MR, int NV>
[[gnu::noinline]] void winograd_product(const Conv2d& p, const WinogradBlock& block, const float* weight, isize product,
                                        isize panel) {
  const isize in_blocks = ceil_div(p.in_channels, kLanes);
  const isize panels = ceil_div(p.out_channels, NV * kLanes);
  const isize pieces = ceil_div(block.count, MR);
  ConvTile tile;
  tile.blocks = in_blocks;
  tile.input_block = block.count * kLanes;
  tile.kernel_height = tile.kernel_width = 1;
  tile.weight = weight + (product * panels + panel) * in_blocks * kLanes * NV * kLanes;
  tile.output_column = kLanes;
  tile.output_vector = block.count * kLanes;
  TSC_NO_UNROLL
  for (isize i = 0; i < pieces; ++i) {
    const Piece rows = piece_of(block.count, pieces, i);
    tile.input = block.v + product * block.v_matrix + rows.begin * kLanes;
    tile.output = block.m + product * block.m_matrix + (panel * NV * block.count + rows.begin) * kLanes;
    conv2d_pixels<1, MR, NV, kLanes, kLanes>(1, rows.size(), tile);
  }
}

// Zeroes the part of the halo that touches an output tile of `height` x `width` pixels; `plane` is the output's.
[[gnu::noinline]] inline void zero_tile_halo(const Conv2d& p, float* plane, isize y, isize x, isize height, isize width) {
  const isize halo = p.out_halo;
  const isize row = (p.out_width + 2 * halo) * kLanes;
  const isize left = x == 0 ? -halo : x;
  const isize right = x + width == p.out_width ? x + width + halo : x + width;
  const isize top = y == 0 ? -halo : y;
  const isize bottom = y + height == p.out_height ? y + height + halo : y + height;
  for (isize i = top; i < bottom; ++i) {
    float* const pixels = plane + (i + halo) * row + halo * kLanes;
    if (i < 0 || i >= p.out_height) {
      zero(pixels + left * kLanes, (right - left) * kLanes);
      continue;
    }
    zero(pixels + left * kLanes, (x - left) * kLanes);
    zero(pixels + (x + width) * kLanes, (right - x - width) * kLanes);
  }
}

// Transforms and stores tiles [begin, end) of one block of output channels.
template <class Epilogue>
[[gnu::noinline]] void winograd_outputs(const Conv2d& p, const WinogradBlock& block, const float* bias, float* output,
                                        const Epilogue& epilogue, isize channel_block, isize begin, isize end) {
  const BlockedImage out = blocked_output(p);
  const WinogradTiles tiles = winograd_tiles(p);
  const isize channel = channel_block * kLanes;
  TSC_NO_UNROLL
  for (isize tile = begin; tile < end; ++tile) {
    const TilePosition at = tile_position(tiles, tile);
    const isize height = smaller(kWinogradTile, p.out_height - at.y);
    const isize width = smaller(kWinogradTile, p.out_width - at.x);
    const isize plane = at.image * out.batch + channel_block * out.plane;
    const isize offset = plane + (at.y + p.out_halo) * out.row + (at.x + p.out_halo) * kLanes;
    zero_tile_halo(p, output + plane, at.y, at.x, height, width);
    WinogradOutput result = {.m = block.m + (channel_block * block.count + tile - block.first) * kLanes,
                             .matrix = block.m_matrix,
                             .bias = bias != nullptr ? bias + channel : nullptr,
                             .output = output + offset,
                             .output_row = out.row};
    if constexpr (kIsClamp<Epilogue>) {
      if (height == kWinogradTile && width == kWinogradTile && channel + kLanes <= p.out_channels) {
        result.low = epilogue.low;
        result.high = epilogue.high;
        winograd_output_tile(result);
        continue;
      }
    }
    alignas(64) float pixels[kWinogradTile * kWinogradTile * kLanes];
    result.output = pixels;
    result.output_row = kWinogradTile * kLanes;
    winograd_output_tile(result);
    TSC_NO_UNROLL
    for (isize y = 0; y < height; ++y) {
      store_pixels<1>(pixels + y * result.output_row, 1, width,
                      {output, offset + y * out.row, out.row, out.plane, channel, p.out_channels}, epilogue);
    }
  }
}

// Tiles per block: V and M within about half a megabyte, or as large as U, which every block reads once.
TSC_INLINE constexpr isize winograd_block_count(const Conv2d& p) {
  constexpr isize kFloats = (512 << 10) / 4;
  const isize floats_per_tile = kWinogradProducts * (p.in_channels + p.out_channels);
  const isize weights = kWinogradProducts * p.in_channels * p.out_channels;
  const isize largest = larger(1, larger(kFloats, weights) / floats_per_tile);
  const isize blocks = ceil_div(winograd_tiles(p).count, largest);
  // A few threads shall have equal shares.
  return blocks > 2 ? smaller(round_up(blocks, 4), winograd_tiles(p).count) : blocks;
}

}  // namespace detail

// Blocks of tiles.

template <int MR, int NV>
constexpr isize conv2d_winograd_work_items(const Conv2d& p) {
  return detail::winograd_block_count(p);
}

// Bytes of scratch memory, 64-byte aligned, that one thread needs.
template <int MR, int NV>
constexpr isize conv2d_winograd_scratch_bytes(const Conv2d& p) {
  const isize blocks = larger(1, detail::winograd_block_count(p));
  return detail::winograd_bytes<NV>(p, ceil_div(detail::winograd_tiles(p).count, blocks));
}

template <int MR, int NV, class Epilogue = Identity>
void conv2d_winograd(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                     const Epilogue& epilogue, void* scratch, isize begin, isize end) {
  const isize blocks = detail::winograd_block_count(p);
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const Piece tiles = piece_of(detail::winograd_tiles(p).count, blocks, item);
    const detail::WinogradBlock block = detail::winograd_block<NV>(p, tiles.begin, tiles.size(), scratch);
    for (isize c = 0; c < ceil_div(p.in_channels, kLanes); ++c) {
      detail::winograd_inputs(p, block, input, c, tiles.begin, tiles.end);
    }
    for (isize product = 0; product < detail::kWinogradProducts; ++product) {
      for (isize panel = 0; panel < ceil_div(p.out_channels, NV * kLanes); ++panel) {
        detail::winograd_product<MR, NV>(p, block, weight, product, panel);
      }
    }
    for (isize o = 0; o < ceil_div(p.out_channels, kLanes); ++o) {
      detail::winograd_outputs(p, block, bias, output, epilogue, o, tiles.begin, tiles.end);
    }
  }
}

// Stages. A stage begins when all items of the one before it are done.

inline constexpr int kWinogradStages = 3;  // transforms of the input, products, transforms of the output

// Bytes of scratch memory, 64-byte aligned, that all threads share over all stages.
template <int MR, int NV>
constexpr isize conv2d_winograd_staged_scratch_bytes(const Conv2d& p) {
  return detail::winograd_bytes<NV>(p, detail::winograd_tiles(p).count);
}

template <int MR, int NV>
constexpr isize conv2d_winograd_staged_work_items(const Conv2d& p, int stage) {
  const detail::WinogradTiles tiles = detail::winograd_tiles(p);
  switch (stage) {
    case 0:
      return ceil_div(p.in_channels, kLanes) * p.batch * tiles.rows;
    case 1:
      return detail::kWinogradProducts * ceil_div(p.out_channels, NV * kLanes);
    default:
      return ceil_div(p.out_channels, kLanes) * p.batch * tiles.rows;
  }
}

template <int MR, int NV, class Epilogue = Identity>
void conv2d_winograd_staged(Conv2d p, int stage, const float* input, const float* weight, const float* bias,
                            float* output, const Epilogue& epilogue, void* scratch, isize begin, isize end) {
  const detail::WinogradTiles tiles = detail::winograd_tiles(p);
  const detail::WinogradBlock block = detail::winograd_block<NV>(p, 0, tiles.count, scratch);
  const isize panels = ceil_div(p.out_channels, NV * kLanes);
  const isize tile_rows = p.batch * tiles.rows;
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize channel_block = item / tile_rows;
    const isize first = item % tile_rows * tiles.columns;
    switch (stage) {
      case 0:
        detail::winograd_inputs(p, block, input, channel_block, first, first + tiles.columns);
        break;
      case 1:
        detail::winograd_product<MR, NV>(p, block, weight, item / panels, item % panels);
        break;
      default:
        detail::winograd_outputs(p, block, bias, output, epilogue, channel_block, first, first + tiles.columns);
        break;
    }
  }
}

}  // namespace tsc::kernels
