// Direct 2-D convolution in float: output = epilogue(bias + weight * input), any kernel size, stride and dilation.
//
//   conv2d_blocked<TH, TW, NV, S>     blocked input to blocked output, one group
//   conv2d_plain_to_blocked<TW, NV>   plain input (an image of few channels) to blocked output, one group
//   conv2d_plain<TW, NV>              plain to plain, any number of groups
//
// Blocked images are [N][ceil(C / c)][H + 2 halo][W + 2 halo][c], c = kLanes, halo and padding channels zero; plain
// images are [N][C][H][W]. The input's halo stands for the padding, so there is no code for borders; it must be at
// least the padding, on all four sides. Kernels write the output's halo and padding channels too.
//
// A register tile is TH x TW output pixels by NV vectors of output channels; S is the column stride, 0 for one that is
// told at run time. Per input channel and tap the tile reads NV vectors of weights, one forward stream, and broadcasts
// the input of each pixel. Rows and columns are split into equal pieces of at most TH and TW. Packed weights, with
// P = NV * c: Packing::kBlockedConv2d [ceil(O / P)][ceil(C / c)][kh][kw][c][P] and Packing::kPlainConv2d
// [groups][ceil(O / groups / P)][C / groups][kh][kw][P]. The bias is padded likewise and may be null.
//
// Work items are tiles of rows of one panel of output channels (blocked) or bands of rows and columns of one group
// (plain); results do not depend on how they are split between threads. Plain inputs are copied band by band, with
// their padding, to a thread's scratch memory.
#pragma once

#include "runtime/kernels/dispatch.h"
#include "runtime/kernels/epilogue.h"
#include "runtime/kernels/vec.h"

namespace tsc::kernels {

// A convolution or depthwise convolution of images. Halos are of blocked images; output sizes are the caller's to
// compute (a ceiling or "same" padding may differ from one side to the other: the far side is what is left).
struct Conv2d {
  isize batch = 1;
  isize in_channels = 0, in_height = 0, in_width = 0, in_halo = 0;
  isize out_channels = 0, out_height = 0, out_width = 0, out_halo = 0;
  isize kernel_height = 1, kernel_width = 1;
  isize stride_height = 1, stride_width = 1;
  isize pad_height = 0, pad_width = 0;  // at the top and at the left
  isize dilation_height = 1, dilation_width = 1;
  isize groups = 1;
};

// A blocked image's strides, in elements.
struct BlockedImage {
  isize blocks, row, plane, batch;  // `plane` is that of one block of channels
};
TSC_INLINE constexpr BlockedImage blocked_image(isize channels, isize height, isize width, isize halo) {
  const isize blocks = ceil_div(channels, kLanes);
  const isize row = (width + 2 * halo) * kLanes;
  const isize plane = (height + 2 * halo) * row;
  return {blocks, row, plane, blocks * plane};
}
TSC_INLINE constexpr BlockedImage blocked_input(const Conv2d& p) {
  return blocked_image(p.in_channels, p.in_height, p.in_width, p.in_halo);
}
TSC_INLINE constexpr BlockedImage blocked_output(const Conv2d& p) {
  return blocked_image(p.out_channels, p.out_height, p.out_width, p.out_halo);
}

// One register tile; strides in elements.
struct ConvTile {
  const float* input = nullptr;  // of the first pixel's first tap
  isize blocks = 0;                // blocks of kDepth input channels
  isize input_block = 0;           // from one block to the next
  isize kernel_height = 0, kernel_width = 0;
  isize tap_row = 0, tap_column = 0;      // from one tap to the next
  isize pixel_row = 0, pixel_column = 0;  // from one output pixel's input to the next's
  const float* weight = nullptr;
  const float* bias = nullptr;  // may be null
  float* output = nullptr;  // vector v of pixel (y, x) at output[y * output_row + x * output_column + v * ...vector]
  isize output_row = 0, output_column = 0, output_vector = 0;
  float low = -kInfinity, high = kInfinity;  // bounds of the results
};

// The tile is not inlined: all convolutions of a library with an equal tile share it. kDepth input channels lie side by
// side (a block, or one of a plain image); kPixelColumn is the distance of adjacent pixels' inputs, 0 to take the
// tile's.
template <int kHeight, int kWidth, int kVectors, int kDepth, int kPixelColumn>
[[gnu::noinline]] void conv2d_tile(const ConvTile& t) {
  constexpr int kPixels = kHeight * kWidth;
  // Two FMA pipes of four cycles' latency want eight independent sums; a small tile splits the channels.
  constexpr int kWanted = kPixels * kVectors >= 8 ? 1 : kPixels * kVectors >= 4 ? 2 : 4;
  constexpr int kSums = kWanted < kDepth ? kWanted : kDepth;
  VecF acc[kSums][kPixels][kVectors];
  TSC_UNROLL
  for (int s = 0; s < kSums; ++s) {
    TSC_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      TSC_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        acc[s][p][v] = s == 0 && t.bias != nullptr ? load<VecF>(t.bias + v * kLanes) : splat<VecF>(0);
      }
    }
  }
  const float* weight = t.weight;
  const float* block = t.input;
  const isize pixel_row = t.pixel_row;
  const isize pixel_column = kPixelColumn > 0 ? kPixelColumn : t.pixel_column;
  TSC_NO_UNROLL
  for (isize b = 0; b < t.blocks; ++b, block += t.input_block) {
    const float* tap_row = block;
    TSC_NO_UNROLL
    for (isize r = 0; r < t.kernel_height; ++r, tap_row += t.tap_row) {
      const float* tap = tap_row;
      TSC_NO_UNROLL
      for (isize s = 0; s < t.kernel_width; ++s, tap += t.tap_column) {
        // One step per basic block: in a longer one the scheduler collects loads and spills accumulators.
        TSC_NO_UNROLL
        for (int c = 0; c < kDepth; c += kSums) {
          TSC_UNROLL
          for (int sum = 0; sum < kSums; ++sum) {
            VecF w[kVectors];
            TSC_UNROLL
            for (int v = 0; v < kVectors; ++v) {
              w[v] = load<VecF>(weight + v * kLanes);
            }
            weight += kVectors * kLanes;
            TSC_UNROLL
            for (int p = 0; p < kPixels; ++p) {
              const VecF x = splat<VecF>(tap[p / kWidth * pixel_row + p % kWidth * pixel_column + c + sum]);
              TSC_UNROLL
              for (int v = 0; v < kVectors; ++v) {
                acc[sum][p][v] = fma(x, w[v], acc[sum][p][v]);
              }
            }
          }
        }
      }
    }
  }
  TSC_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      VecF sum = acc[0][p][v];
      TSC_UNROLL
      for (int s = 1; s < kSums; ++s) {
        sum += acc[s][p][v];
      }
      sum = min(max(sum, splat<VecF>(t.low)), splat<VecF>(t.high));
      store(t.output + p / kWidth * t.output_row + p % kWidth * t.output_column + v * t.output_vector, sum);
    }
  }
}

// Not inlined either, so that each driver and epilogue has one call and not a table of them.
template <int TH, int TW, int NV, int kDepth, int kPixelColumn>
[[gnu::noinline]] void conv2d_pixels(isize height, isize width, const ConvTile& tile) {
  dispatch<TH>(height, [&]<int kHeight>() {
    dispatch<TW>(width, [&]<int kWidth>() { conv2d_tile<kHeight, kWidth, NV, kDepth, kPixelColumn>(tile); });
  });
}

namespace detail {

// The lanes of a vector whose first lane is channel `channel` that are real channels; the others become zero.
TSC_INLINE VecF keep_channels(VecF v, isize channel, isize channels) {
  if (channel + kLanes <= channels) {
    return v;
  }
  return select(less(lane_indices<VecF>(), splat<VecF>(static_cast<float>(channels - channel))), v, splat<VecF>(0));
}

// Where a tile's pixels go in a blocked output.
struct BlockedTarget {
  float* output;
  isize offset;  // of the tile's first pixel
  isize row, plane;
  isize channel, channels;  // the tile's first channel, and the image's
};

// Stores a tile [vectors][height][width][lanes] through the epilogue. Vectors past the image's channels are dropped.
template <int NV, class Epilogue>
TSC_INLINE void store_pixels(const float* tile, isize height, isize width, const BlockedTarget& to,
                             const Epilogue& epilogue) {
  TSC_NO_UNROLL
  for (isize v = 0; v < NV && to.channel + v * kLanes < to.channels; ++v) {
    const isize channel = to.channel + v * kLanes;
    TSC_NO_UNROLL
    for (isize y = 0; y < height; ++y) {
      TSC_NO_UNROLL
      for (isize x = 0; x < width; ++x, tile += kLanes) {
        const isize offset = to.offset + v * to.plane + y * to.row + x * kLanes;
        const VecF result = epilogue(load<VecF>(tile), Position{offset, channel});
        store(to.output + offset, keep_channels(result, channel, to.channels));
      }
    }
  }
}

// A tile of a blocked output: straight to its place where the tile itself can finish, through the stack otherwise.
// The tile's output, its strides and its bounds are filled in here.
template <int TH, int TW, int NV, int kDepth, int kPixelColumn, class Epilogue>
TSC_INLINE void conv2d_to_blocked(ConvTile tile, isize height, isize width, const BlockedTarget& to,
                                  const Epilogue& epilogue) {
  if constexpr (kIsClamp<Epilogue>) {
    if (to.channel + NV * kLanes <= to.channels) {
      tile.output = to.output + to.offset;
      tile.output_row = to.row;
      tile.output_column = kLanes;
      tile.output_vector = to.plane;
      tile.low = epilogue.low;
      tile.high = epilogue.high;
      conv2d_pixels<TH, TW, NV, kDepth, kPixelColumn>(height, width, tile);
      return;
    }
  }
  alignas(64) float sums[TH * TW * NV * kLanes];
  tile.output = sums;
  tile.output_row = width * kLanes;
  tile.output_column = kLanes;
  tile.output_vector = height * width * kLanes;
  conv2d_pixels<TH, TW, NV, kDepth, kPixelColumn>(height, width, tile);
  store_pixels<NV>(sums, height, width, to, epilogue);
}

[[gnu::noinline]] inline void zero(float* at, isize count) {
  for (isize i = 0; i < count; ++i) {
    at[i] = 0;
  }
}

// Zeroes the halo beside rows [begin, end) of one plane, and above and below where the range meets the border.
[[gnu::noinline]] inline void zero_halo(float* plane, isize height, isize width, isize halo, isize begin, isize end) {
  const isize row = (width + 2 * halo) * kLanes;
  if (halo == 0) {
    return;
  }
  if (begin == 0) {
    zero(plane, halo * row);
  }
  for (isize y = begin; y < end; ++y) {
    float* const first = plane + (y + halo) * row;
    zero(first, halo * kLanes);
    zero(first + (width + halo) * kLanes, halo * kLanes);
  }
  if (end == height) {
    zero(plane + (height + halo) * row, halo * row);
  }
}

// The same for the planes of a panel of `vectors` blocks that exist.
TSC_INLINE void zero_panel_halo(float* image, const BlockedImage& out, const Conv2d& p, isize first_block, isize vectors,
                                Piece rows) {
  for (isize block = first_block; block < smaller(first_block + vectors, out.blocks); ++block) {
    zero_halo(image + block * out.plane, p.out_height, p.out_width, p.out_halo, rows.begin, rows.end);
  }
}

}  // namespace detail

// Blocked to blocked.

template <int TH, int TW, int NV, int S>
constexpr isize conv2d_blocked_work_items(const Conv2d& p) {
  return p.batch * ceil_div(p.out_channels, NV * kLanes) * ceil_div(p.out_height, TH);
}

template <int TH, int TW, int NV, int S, class Epilogue = Identity>
void conv2d_blocked(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                    const Epilogue& epilogue, isize begin, isize end) {
  const BlockedImage in = blocked_input(p);
  const BlockedImage out = blocked_output(p);
  const isize panels = ceil_div(p.out_channels, NV * kLanes);
  const isize row_tiles = ceil_div(p.out_height, TH);
  const isize column_tiles = ceil_div(p.out_width, TW);
  const isize panel_weights = in.blocks * p.kernel_height * p.kernel_width * kLanes * NV * kLanes;
  // Weights that stay in the second-level cache are read anew for each tile of rows, and the image once; otherwise the
  // weights are read once.
  const bool rows_outside = panels * panel_weights <= (256 << 10) / 4;
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize image = item / (panels * row_tiles);
    const isize rest = item % (panels * row_tiles);
    const isize panel = rows_outside ? rest % panels : rest / row_tiles;
    const Piece rows = piece_of(p.out_height, row_tiles, rows_outside ? rest / panels : rest % row_tiles);
    const isize channel = panel * NV * kLanes;
    detail::zero_panel_halo(output + image * out.batch, out, p, panel * NV, NV, rows);
    ConvTile tile;
    tile.blocks = in.blocks;
    tile.input_block = in.plane;
    tile.kernel_height = p.kernel_height;
    tile.kernel_width = p.kernel_width;
    tile.tap_row = p.dilation_height * in.row;
    tile.tap_column = p.dilation_width * kLanes;
    tile.pixel_row = p.stride_height * in.row;
    tile.pixel_column = p.stride_width * kLanes;
    tile.weight = weight + panel * panel_weights;
    tile.bias = bias != nullptr ? bias + channel : nullptr;
    const float* const input_row = input + image * in.batch +
                                   (rows.begin * p.stride_height - p.pad_height + p.in_halo) * in.row +
                                   (p.in_halo - p.pad_width) * kLanes;
    const isize output_row =
        image * out.batch + panel * NV * out.plane + (rows.begin + p.out_halo) * out.row + p.out_halo * kLanes;
    TSC_NO_UNROLL
    for (isize x = 0; x < column_tiles; ++x) {
      const Piece columns = piece_of(p.out_width, column_tiles, x);
      tile.input = input_row + columns.begin * tile.pixel_column;
      detail::conv2d_to_blocked<TH, TW, NV, kLanes, S * kLanes>(
          tile, rows.size(), columns.size(),
          {output, output_row + columns.begin * kLanes, out.row, out.plane, channel, p.out_channels}, epilogue);
    }
  }
}

// From plain images.

namespace detail {

// A band of output rows and columns, and the part of a plain input that it reads, padding included.
struct Bands {
  isize rows, columns;        // number of bands
  isize in_height, in_width;  // of the largest band's input
  constexpr isize count() const { return rows * columns; }
};
TSC_INLINE constexpr isize reach(isize outputs, isize stride, isize kernel, isize dilation) {
  return (outputs - 1) * stride + (kernel - 1) * dilation + 1;
}
TSC_INLINE constexpr Bands bands_of(const Conv2d& p) {
  constexpr isize kColumns = 256;
  constexpr isize kRows = 4;
  constexpr isize kFloats = 32 << 10;  // of a band's copy that is still cheap to hold in a cache
  const isize columns = ceil_div(p.out_width, kColumns);
  const isize in_width = reach(ceil_div(p.out_width, columns), p.stride_width, p.kernel_width, p.dilation_width);
  const isize channels = p.in_channels / p.groups;
  isize band_rows = smaller(kRows, p.out_height);
  while (band_rows > 1 &&
         channels * in_width * reach(band_rows, p.stride_height, p.kernel_height, p.dilation_height) > kFloats) {
    --band_rows;
  }
  const isize rows = ceil_div(p.out_height, band_rows);
  return {rows, columns, reach(ceil_div(p.out_height, rows), p.stride_height, p.kernel_height, p.dilation_height),
          in_width};
}

// Copies rows [top, top + height) and columns [left, left + width) of a plane, zero outside of it.
inline void copy_padded(const float* plane, isize in_height, isize in_width, isize top, isize left, isize height, isize width,
                        float* to) {
  const isize first = smaller(larger(-left, 0), width);
  const isize last = larger(smaller(in_width - left, width), first);
  for (isize y = 0; y < height; ++y, to += width) {
    if (top + y < 0 || top + y >= in_height) {
      zero(to, width);
      continue;
    }
    const float* const from = plane + (top + y) * in_width + left;
    zero(to, first);
    for (isize x = first; x < last; ++x) {
      to[x] = from[x];
    }
    zero(to + last, width - last);
  }
}

// Copies what a band of one group reads to scratch memory [channels of the group][rows][columns], and describes a tile
// that starts there.
[[gnu::noinline]] inline ConvTile plain_tile(const Conv2d& p, const float* input, isize image, isize group, Piece rows,
                                             Piece columns, float* band) {
  const isize height = reach(rows.size(), p.stride_height, p.kernel_height, p.dilation_height);
  const isize width = reach(columns.size(), p.stride_width, p.kernel_width, p.dilation_width);
  const isize channels = p.in_channels / p.groups;
  const isize plane = p.in_height * p.in_width;
  for (isize c = 0; c < channels; ++c) {
    copy_padded(input + (image * p.in_channels + group * channels + c) * plane, p.in_height, p.in_width,
                rows.begin * p.stride_height - p.pad_height, columns.begin * p.stride_width - p.pad_width, height,
                width, band + c * height * width);
  }
  ConvTile tile;
  tile.blocks = channels;
  tile.input_block = height * width;
  tile.kernel_height = p.kernel_height;
  tile.kernel_width = p.kernel_width;
  tile.tap_row = p.dilation_height * width;
  tile.tap_column = p.dilation_width;
  tile.pixel_row = p.stride_height * width;
  tile.pixel_column = p.stride_width;
  return tile;
}

// Calls `compute(tile, panel, y, columns)` for each piece of at most TW pixels of each row and panel of a band; `tile`
// lacks its output and bias.
template <int TW, int NV, class F>
TSC_INLINE void for_each_plain_tile(const Conv2d& p, const float* weight, ConvTile tile, isize group, Piece rows,
                                    Piece columns, F compute) {
  const float* const band = tile.input;
  const isize panels = ceil_div(p.out_channels / p.groups, NV * kLanes);
  const isize panel_weights = tile.blocks * p.kernel_height * p.kernel_width * NV * kLanes;
  const isize column_tiles = ceil_div(columns.size(), TW);
  TSC_NO_UNROLL
  for (isize panel = 0; panel < panels; ++panel) {
    tile.weight = weight + (group * panels + panel) * panel_weights;
    TSC_NO_UNROLL
    for (isize y = rows.begin; y < rows.end; ++y) {
      TSC_NO_UNROLL
      for (isize i = 0; i < column_tiles; ++i) {
        const Piece piece = piece_of(columns.size(), column_tiles, i);
        tile.input = band + (y - rows.begin) * tile.pixel_row + piece.begin * tile.pixel_column;
        compute(tile, panel, y, Piece{columns.begin + piece.begin, columns.begin + piece.end});
      }
    }
  }
}

}  // namespace detail

template <int TW, int NV>
constexpr isize conv2d_plain_work_items(const Conv2d& p) {
  return p.batch * p.groups * detail::bands_of(p).count();
}

// Bytes of scratch memory, 64-byte aligned, that one thread needs.
template <int TW, int NV>
constexpr isize conv2d_plain_scratch_bytes(const Conv2d& p) {
  const detail::Bands bands = detail::bands_of(p);
  return p.in_channels / p.groups * bands.in_height * bands.in_width * static_cast<isize>(sizeof(float));
}

template <int TW, int NV>
constexpr isize conv2d_plain_to_blocked_work_items(const Conv2d& p) {
  return conv2d_plain_work_items<TW, NV>(p);
}
template <int TW, int NV>
constexpr isize conv2d_plain_to_blocked_scratch_bytes(const Conv2d& p) {
  return conv2d_plain_scratch_bytes<TW, NV>(p);
}

template <int TW, int NV, class Epilogue = Identity>
void conv2d_plain_to_blocked(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                             const Epilogue& epilogue, void* scratch, isize begin, isize end) {
  const BlockedImage out = blocked_output(p);
  const detail::Bands bands = detail::bands_of(p);
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize image = item / bands.count();
    const isize band = item % bands.count();
    const Piece rows = piece_of(p.out_height, bands.rows, band / bands.columns);
    const Piece columns = piece_of(p.out_width, bands.columns, band % bands.columns);
    if (columns.begin == 0) {
      detail::zero_panel_halo(output + image * out.batch, out, p, 0, out.blocks, rows);
    }
    ConvTile first = detail::plain_tile(p, input, image, 0, rows, columns, static_cast<float*>(scratch));
    first.input = static_cast<const float*>(scratch);
    detail::for_each_plain_tile<TW, NV>(
        p, weight, first, 0, rows, columns, [&](ConvTile tile, isize panel, isize y, Piece pixels) {
          const isize channel = panel * NV * kLanes;
          tile.bias = bias != nullptr ? bias + channel : nullptr;
          const isize offset = image * out.batch + panel * NV * out.plane + (y + p.out_halo) * out.row +
                             (pixels.begin + p.out_halo) * kLanes;
          detail::conv2d_to_blocked<1, TW, NV, 1, 0>(
              tile, 1, pixels.size(), {output, offset, out.row, out.plane, channel, p.out_channels}, epilogue);
        });
  }
}

template <int TW, int NV, class Epilogue = Identity>
void conv2d_plain(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                  const Epilogue& epilogue, void* scratch, isize begin, isize end) {
  constexpr isize kWidth = NV * kLanes;
  const detail::Bands bands = detail::bands_of(p);
  const isize group_channels = p.out_channels / p.groups;
  const isize padded_channels = round_up(group_channels, kWidth);
  const isize plane = p.out_height * p.out_width;
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize image = item / (p.groups * bands.count());
    const isize group = item / bands.count() % p.groups;
    const isize band = item % bands.count();
    const Piece rows = piece_of(p.out_height, bands.rows, band / bands.columns);
    const Piece columns = piece_of(p.out_width, bands.columns, band % bands.columns);
    ConvTile first = detail::plain_tile(p, input, image, group, rows, columns, static_cast<float*>(scratch));
    first.input = static_cast<const float*>(scratch);
    detail::for_each_plain_tile<TW, NV>(
        p, weight, first, group, rows, columns, [&](ConvTile tile, isize panel, isize y, Piece pixels) {
          tile.bias = bias != nullptr ? bias + group * padded_channels + panel * kWidth : nullptr;
          alignas(64) float sums[TW * kWidth];
          tile.output = sums;
          tile.output_column = kWidth;
          tile.output_vector = kLanes;
          conv2d_pixels<1, TW, NV, 1, 0>(1, pixels.size(), tile);
          const isize channels = smaller(kWidth, group_channels - panel * kWidth);
          for (isize c = 0; c < channels; ++c) {
            const isize channel = group * group_channels + panel * kWidth + c;
            const isize row = (image * p.out_channels + channel) * plane + y * p.out_width + pixels.begin;
            TSC_NO_VECTORIZE
            for (isize x = 0; x < pixels.size(); ++x) {
              // Lanes along a row would be of one channel, so the epilogue is asked for one element at a time.
              output[row + x] = epilogue(sums[x * kWidth + c], Position{row + x, channel});
            }
          }
        });
  }
}

}  // namespace tsc::kernels
