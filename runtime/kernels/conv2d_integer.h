// Convolutions of bytes: out[o][y][x] = sum over c, i, j of image[c][y s + i d][x s + j d] * weight[o][c][i][j],
// exactly, in 32 bits that wrap. The image is unsigned and stands within its padding; the weight is signed.
//
// Two forms. Windows are rows of bytes of an image whose channels lie innermost, and multiply the weight, whose
// channels lie so too, as gemm_integer does. Where each output has one input channel (depthwise), planes are added up
// row by row.
#pragma once

#include "runtime/kernels/gemm_integer.h"
#include "runtime/kernels/transpose.h"

namespace tsc::kernels {

struct Conv2dInteger {
  isize height, width;                            // of the padded image
  isize channels, group_channels, group_outputs;  // of the image; of a group
  isize out_height, out_width;
  isize kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;

  isize depth() const { return kernel_height * kernel_width * group_channels; }
  isize out_plane() const { return out_height * out_width; }
  // Whether a window is one pixel, and the windows are the image itself.
  bool is_pointwise() const {
    return kernel_height * kernel_width == 1 && stride_height * stride_width == 1 && group_channels == channels;
  }
};

// Rows [first, last) of an image [channels][height][width] into a padded one [padded height][padded width][channels].
inline void pad_channels_last(const uint8_t* image, isize channels, isize height, isize width, isize top, isize left,
                              isize padded_width, uint8_t* padded, isize first, isize last) {
  constexpr int kBlock = 16;
  using Bytes = Vec<uint8_t, kBlock>;
  for (isize y = first; y < last; ++y) {
    uint8_t* row = padded + ((y + top) * padded_width + left) * channels;
    for (isize c = 0; c < channels; c += kBlock) {
      const isize some = tsc::min<isize>(kBlock, channels - c);
      for (isize x = 0; x < width; x += kBlock) {
        const isize count = tsc::min<isize>(kBlock, width - x);
        Bytes square[kBlock] = {};
        for (isize i = 0; i < some; ++i)
          square[i] = load_partial<Bytes>(image + ((c + i) * height + y) * width + x, count);
        transpose(square);
        for (isize i = 0; i < count; ++i) store_partial(row + (x + i) * channels + c, square[i], some);
      }
    }
  }
}

// The windows of outputs [begin, end), numbered row by row, as rows [taps][channels of the group].
inline void gather_windows(const Conv2dInteger& p, const uint8_t* padded, isize first_channel, isize begin, isize end,
                           uint8_t* windows) {
  const bool is_run = p.dilation_width == 1 && p.group_channels == p.channels;
  const isize run = is_run ? p.kernel_width * p.channels : p.group_channels;
  for (isize at = begin; at < end; ++at) {
    const isize y = at / p.out_width * p.stride_height, x = at % p.out_width * p.stride_width;
    for (isize i = 0; i < p.kernel_height; ++i) {
      const uint8_t* row = padded + ((y + i * p.dilation_height) * p.width + x) * p.channels + first_channel;
      for (isize j = 0; j < p.kernel_width; j += is_run ? p.kernel_width : 1) {
        __builtin_memcpy(windows, row + j * p.dilation_width * p.channels, static_cast<size_t>(run));
        windows += run;
      }
    }
  }
}

// Outputs [begin, end) of the group that begins at `first_channel`; its weight is [outputs][taps][channels of the
// group]. `windows` holds (end - begin) * depth bytes.
inline void conv2d_integer(const Conv2dInteger& p, const uint8_t* padded, isize first_channel, const int8_t* weight,
                           int32_t* output, uint8_t* windows, isize begin, isize end) {
  const uint8_t* rows = padded + begin * p.channels;
  if (!p.is_pointwise()) {
    gather_windows(p, padded, first_channel, begin, end, windows);
    rows = windows;
  }
  const GemmInteger product = {.rows = end - begin,
                               .columns = p.group_outputs,
                               .depth = p.depth(),
                               .input_row = p.depth(),
                               .weight_row = p.depth(),
                               .output_row = 1,
                               .output_column = p.out_plane()};
  gemm_integer(product, rows, weight, output + begin, 0, p.group_outputs);
}

// One output channel of one input channel: `plane` is padded, the weight [kernel height][kernel width].
inline void conv2d_integer_depthwise(const Conv2dInteger& p, const uint8_t* plane, const int8_t* weight,
                                     int32_t* output) {
  for (isize y = 0; y < p.out_height; ++y) {
    int32_t* sums = output + y * p.out_width;
    for (isize x = 0; x < p.out_width; ++x) sums[x] = 0;
    for (isize i = 0; i < p.kernel_height; ++i) {
      for (isize j = 0; j < p.kernel_width; ++j) {
        const uint8_t* row = plane + (y * p.stride_height + i * p.dilation_height) * p.width + j * p.dilation_width;
        const int32_t w = weight[i * p.kernel_width + j];
        if (p.stride_width == 1) {
          for (isize x = 0; x < p.out_width; ++x) sums[x] += w * row[x];
        } else {
          for (isize x = 0; x < p.out_width; ++x) sums[x] += w * row[x * p.stride_width];
        }
      }
    }
  }
}

}  // namespace tsc::kernels
