// What a pass over the interior of a blocked image must leave zero: its halo and the channels that only fill the last
// block (layouts as in conv2d.h).
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

inline void zero_borders(float* image, i64 batch, i64 channels, i64 height, i64 width, i64 halo) {
  const BlockedImage shape = blocked_image(channels, height, width, halo);
  const i64 used = channels % kLanes;
  for (i64 n = 0; n < batch; ++n) {
    for (i64 block = 0; block < shape.blocks; ++block) {
      detail::zero_halo(image + n * shape.batch + block * shape.plane, height, width, halo, 0, height);
    }
    if (used == 0) continue;
    float* const last = image + n * shape.batch + (shape.blocks - 1) * shape.plane + halo * (shape.row + kLanes);
    for (i64 y = 0; y < height; ++y) {
      for (i64 x = 0; x < width; ++x) {
        for (i64 c = used; c < kLanes; ++c) last[y * shape.row + x * kLanes + c] = 0;
      }
    }
  }
}

}  // namespace tsc::kernels
