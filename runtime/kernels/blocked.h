// What a pass over the interior of a blocked image must leave zero: its halo and the channels that only fill the last
// block (layouts as in conv2d.h).
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

inline void zero_borders(float* image, isize batch, isize channels, isize height, isize width, isize halo) {
  const BlockedImage shape = blocked_image(channels, height, width, halo);
  const isize used = channels % kLanes;
  for (isize n = 0; n < batch; ++n) {
    for (isize block = 0; block < shape.blocks; ++block) {
      detail::zero_halo(image + n * shape.batch + block * shape.plane, height, width, halo, 0, height);
    }
    if (used == 0) continue;
    float* const last = image + n * shape.batch + (shape.blocks - 1) * shape.plane + halo * (shape.row + kLanes);
    for (isize y = 0; y < height; ++y) {
      for (isize x = 0; x < width; ++x) {
        for (isize c = used; c < kLanes; ++c) last[y * shape.row + x * kLanes + c] = 0;
      }
    }
  }
}

}  // namespace tsc::kernels
