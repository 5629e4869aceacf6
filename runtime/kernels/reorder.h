// Images between the plain layout [N][C][H][W] and the blocked one [N][ceil(C / c)][H + 2 halo][W + 2 halo][c] with
// c = kLanes, whose halo and padding channels are zero (written here).
//
// Work items are rows of one block of channels. Squares of c pixels by c channels are turned in registers.
#pragma once

#include "runtime/kernels/conv2d.h"
#include "runtime/kernels/transpose.h"

namespace tsc::kernels {

struct Reorder {
  isize batch = 1;
  isize channels = 0, height = 0, width = 0;
  isize halo = 0;  // of the blocked image
};

constexpr isize reorder_work_items(const Reorder& p) { return p.batch * ceil_div(p.channels, kLanes) * p.height; }

namespace detail {

struct ReorderRow {
  isize plain, blocked;  // offsets of the row's first pixel, in the block's first channel
  isize channels;        // of the block that exist
  isize block;           // counted over all images
  isize y;
};
TSC_INLINE constexpr ReorderRow reorder_row(const Reorder& p, isize item) {
  const BlockedImage image = blocked_image(p.channels, p.height, p.width, p.halo);
  const isize y = item % p.height;
  const isize block = item / p.height;
  const isize channel = block % image.blocks * kLanes;
  const isize plane = block / image.blocks * p.channels + channel;
  return {plane * p.height * p.width + y * p.width, block * image.plane + (y + p.halo) * image.row + p.halo * kLanes,
          smaller(kLanes, p.channels - channel), block, y};
}

}  // namespace detail

inline void plain_to_blocked(Reorder p, const float* input, float* output, isize begin, isize end) {
  const isize plane = p.height * p.width;
  const isize blocked_plane = blocked_image(p.channels, p.height, p.width, p.halo).plane;
  for (isize item = begin; item < end; ++item) {
    const detail::ReorderRow row = detail::reorder_row(p, item);
    detail::zero_halo(output + row.block * blocked_plane, p.height, p.width, p.halo, row.y, row.y + 1);
    const float* const from = input + row.plain;
    float* const to = output + row.blocked;
    TSC_NO_UNROLL
    for (isize x = 0; x < p.width; x += kLanes) {
      const isize pixels = smaller(kLanes, p.width - x);
      VecF square[kLanes];
      TSC_UNROLL
      for (isize c = 0; c < kLanes; ++c) {
        square[c] = c < row.channels ? load_partial<VecF>(from + c * plane + x, pixels) : splat<VecF>(0);
      }
      transpose(square);
      TSC_UNROLL
      for (isize i = 0; i < kLanes; ++i) {
        if (i < pixels) {
          store(to + (x + i) * kLanes, square[i]);
        }
      }
    }
  }
}

inline void blocked_to_plain(Reorder p, const float* input, float* output, isize begin, isize end) {
  const isize plane = p.height * p.width;
  for (isize item = begin; item < end; ++item) {
    const detail::ReorderRow row = detail::reorder_row(p, item);
    const float* const from = input + row.blocked;
    float* const to = output + row.plain;
    TSC_NO_UNROLL
    for (isize x = 0; x < p.width; x += kLanes) {
      const isize pixels = smaller(kLanes, p.width - x);
      VecF square[kLanes];
      TSC_UNROLL
      for (isize i = 0; i < kLanes; ++i) {
        square[i] = i < pixels ? load<VecF>(from + (x + i) * kLanes) : splat<VecF>(0);
      }
      transpose(square);
      TSC_UNROLL
      for (isize c = 0; c < kLanes; ++c) {
        if (c < row.channels) {
          store_partial(to + c * plane + x, square[c], pixels);
        }
      }
    }
  }
}

}  // namespace tsc::kernels
