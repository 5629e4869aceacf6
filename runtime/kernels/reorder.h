// Images between the plain layout [N][C][H][W] and the blocked one [N][ceil(C / c)][H + 2 halo][W + 2 halo][c] with
// c = kLanes, whose halo and padding channels are zero (written here).
//
// Work items are rows of one block of channels. Squares of c pixels by c channels are turned in registers.
#pragma once

#include "runtime/kernels/conv2d.h"
#include "runtime/kernels/transpose.h"

namespace tsc::kernels {

struct Reorder {
  i64 batch = 1;
  i64 channels = 0, height = 0, width = 0;
  i64 halo = 0;  // of the blocked image
};

constexpr i64 reorder_work_items(const Reorder& p) { return p.batch * ceil_div(p.channels, kLanes) * p.height; }

namespace detail {

struct ReorderRow {
  i64 plain, blocked;  // offsets of the row's first pixel, in the block's first channel
  i64 channels;        // of the block that exist
  i64 block;           // counted over all images
  i64 y;
};
TSC_INLINE constexpr ReorderRow reorder_row(const Reorder& p, i64 item) {
  const BlockedImage image = blocked_image(p.channels, p.height, p.width, p.halo);
  const i64 y = item % p.height;
  const i64 block = item / p.height;
  const i64 channel = block % image.blocks * kLanes;
  const i64 plane = block / image.blocks * p.channels + channel;
  return {plane * p.height * p.width + y * p.width, block * image.plane + (y + p.halo) * image.row + p.halo * kLanes,
          smaller(kLanes, p.channels - channel), block, y};
}

}  // namespace detail

inline void plain_to_blocked(Reorder p, const float* input, float* output, i64 begin, i64 end) {
  const i64 plane = p.height * p.width;
  const i64 blocked_plane = blocked_image(p.channels, p.height, p.width, p.halo).plane;
  for (i64 item = begin; item < end; ++item) {
    const detail::ReorderRow row = detail::reorder_row(p, item);
    detail::zero_halo(output + row.block * blocked_plane, p.height, p.width, p.halo, row.y, row.y + 1);
    const float* const from = input + row.plain;
    float* const to = output + row.blocked;
    TSC_NO_UNROLL
    for (i64 x = 0; x < p.width; x += kLanes) {
      const i64 pixels = smaller(kLanes, p.width - x);
      VecF square[kLanes];
      TSC_UNROLL
      for (i64 c = 0; c < kLanes; ++c) {
        square[c] = c < row.channels ? load_partial<VecF>(from + c * plane + x, pixels) : splat<VecF>(0);
      }
      transpose(square);
      TSC_UNROLL
      for (i64 i = 0; i < kLanes; ++i) {
        if (i < pixels) {
          store(to + (x + i) * kLanes, square[i]);
        }
      }
    }
  }
}

inline void blocked_to_plain(Reorder p, const float* input, float* output, i64 begin, i64 end) {
  const i64 plane = p.height * p.width;
  for (i64 item = begin; item < end; ++item) {
    const detail::ReorderRow row = detail::reorder_row(p, item);
    const float* const from = input + row.blocked;
    float* const to = output + row.plain;
    TSC_NO_UNROLL
    for (i64 x = 0; x < p.width; x += kLanes) {
      const i64 pixels = smaller(kLanes, p.width - x);
      VecF square[kLanes];
      TSC_UNROLL
      for (i64 i = 0; i < kLanes; ++i) {
        square[i] = i < pixels ? load<VecF>(from + (x + i) * kLanes) : splat<VecF>(0);
      }
      transpose(square);
      TSC_UNROLL
      for (i64 c = 0; c < kLanes; ++c) {
        if (c < row.channels) {
          store_partial(to + c * plane + x, square[c], pixels);
        }
      }
    }
  }
}

}  // namespace tsc::kernels
