// Convolutions of plain images, weight [out_channels][in_channels / groups][kernel_height][kernel_width]:
//
//   conv2d<kernel_height, kernel_width>(launch, p, input, weight, bias, output, epilogue)     bias may be null
//
// As an implicit product: rows are output channels, columns the output pixels of all images, the depth is the taps, and the
// matrix of taps is never made: a thread gathers what its column of the tile needs. Groups are its batch. Groups of few
// channels, depthwise convolutions above all, would leave most of a tile empty: there a thread takes one result. Images of float16 and
// bfloat16 go to tensor cores, but for these.
#pragma once

#include "cuda/kernels/gemm.cuh"
#include "runtime/kernels/conv2d.h"

namespace tsc::cuda {

using kernels::Conv2d;

// The taps of one output pixel, for a group of channels; 0 beyond the image.
template <int kHeight, int kWidth, class T>
class PixelTaps {
 public:
  __device__ __forceinline__ PixelTaps(const Conv2d& p, const T* input, i64 group, i64 pixel) : p_(p) {
    const i64 pixels = p_.out_height * p_.out_width;
    inside_ = pixel < p_.batch * pixels;
    y_ = static_cast<int>(pixel % pixels / p_.out_width * p_.stride_height - p_.pad_height);
    x_ = static_cast<int>(pixel % p_.out_width * p_.stride_width - p_.pad_width);
    const i64 channels = p_.in_channels / p_.groups;
    depth_ = channels * kHeight * kWidth;
    plane_ = p_.in_height * p_.in_width;
    data_ = input + (inside_ ? (pixel / pixels * p_.in_channels + group * channels) * plane_ : 0);
  }
  __device__ __forceinline__ T at(int k) const {
    const int tap = k % (kHeight * kWidth);
    const int y = y_ + tap / kWidth * static_cast<int>(p_.dilation_height);
    const int x = x_ + tap % kWidth * static_cast<int>(p_.dilation_width);
    const bool inside = inside_ && k < depth_ && y >= 0 && y < p_.in_height && x >= 0 && x < p_.in_width;
    return inside ? data_[k / (kHeight * kWidth) * plane_ + y * p_.in_width + x] : T();
  }

 private:
  const Conv2d& p_;
  const T* data_;
  i64 depth_, plane_;
  int y_, x_;
  bool inside_;
};

// The matrix [pixels][taps] of a group.
template <int kHeight, int kWidth>
struct ImageTaps {
  const float* input;
  Conv2d p;

  template <int kRows>
  class Reader {
   public:
    __device__ __forceinline__ Reader(const ImageTaps& taps, i64 group, i64 first_row)
        : pixel_(taps.p, taps.input, group, first_row + static_cast<int>(threadIdx.x) % kRows) {}
    __device__ __forceinline__ void fetch(i64 first_k) {
      TSC_UNROLL
      for (int i = 0; i < kValues; ++i) values_[i] = pixel_.at(static_cast<int>(first_k) + first_step() + i * kStepsApart);
    }
    template <class Tile>
    __device__ __forceinline__ void commit(Tile& tile, int buffer) const {
      const int row = static_cast<int>(threadIdx.x) % kRows;
      TSC_UNROLL
      for (int i = 0; i < kValues; ++i) {
        tile.set(SharedTile<kRows>::at(buffer, first_step() + i * kStepsApart, row), values_[i]);
      }
    }

   private:
    static constexpr int kStepsApart = kGemmThreads / kRows;
    static constexpr int kValues = kStep / kStepsApart;
    static __device__ __forceinline__ int first_step() { return static_cast<int>(threadIdx.x) / kRows; }

    PixelTaps<kHeight, kWidth, float> pixel_;
    float values_[kValues];
  };
};

// The same in words of two taps.
template <int kHeight, int kWidth, class T>
struct HalfImageTaps {
  const T* input;
  Conv2d p;

  template <int kRows, int kThreads>
  class Reader {
   public:
    __device__ __forceinline__ Reader(const HalfImageTaps& taps, i64 group, i64 first_row)
        : pixel_(taps.p, taps.input, group, first_row + static_cast<int>(threadIdx.x) % kRows) {}
    __device__ __forceinline__ void fetch(i64 first_k) {
      TSC_UNROLL
      for (int i = 0; i < kWords; ++i) {
        const int k = static_cast<int>(first_k) + 2 * (first_word() + i * kWordsApart);
        words_[i] = pair_of(pixel_.at(k), pixel_.at(k + 1));
      }
    }
    template <class Tile>
    __device__ __forceinline__ void commit(Tile& tile, int buffer) const {
      const int row = static_cast<int>(threadIdx.x) % kRows;
      TSC_UNROLL
      for (int i = 0; i < kWords; ++i) {
        tile.set(HalfTile<kRows>::at(buffer, row, first_word() + i * kWordsApart), words_[i]);
      }
    }

   private:
    static constexpr int kWordsApart = kThreads / kRows;
    static constexpr int kWords = kHalfWords / kWordsApart;
    static __device__ __forceinline__ int first_word() { return static_cast<int>(threadIdx.x) / kRows; }

    PixelTaps<kHeight, kWidth, T> pixel_;
    uint32_t words_[kWords];
  };
};

template <class T, class Epilogue>
struct ImageResult {
  T* output;
  const T* bias;
  i64 pixels, out_channels, group_channels;
  Epilogue epilogue;

  __device__ __forceinline__ void store(i64 group, i64 m, i64 n, float sum) const {
    const i64 channel = group * group_channels + m;
    const i64 offset = (n / pixels * out_channels + channel) * pixels + n % pixels;
    const float biased = bias != nullptr ? sum + static_cast<float>(bias[channel]) : sum;
    output[offset] = static_cast<T>(epilogue(biased, Position{offset, channel}));
  }
};

template <int kHeight, int kWidth, class T, class Epilogue>
__global__ void __launch_bounds__(256) conv2d_narrow_kernel(Conv2d p, const T* input, const T* weight,
                                                            ImageResult<T, Epilogue> result) {
  const i64 item = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= p.batch * p.out_channels * result.pixels) return;
  const i64 pixel = item % result.pixels, channel = item / result.pixels % p.out_channels;
  const i64 image = item / result.pixels / p.out_channels;
  const i64 channels = p.in_channels / p.groups, group = channel / result.group_channels;
  const i64 y0 = pixel / p.out_width * p.stride_height - p.pad_height;
  const i64 x0 = pixel % p.out_width * p.stride_width - p.pad_width;
  const T* plane = input + (image * p.in_channels + group * channels) * p.in_height * p.in_width;
  const T* taps = weight + channel * channels * kHeight * kWidth;
  float sum = 0;
  for (i64 c = 0; c < channels; ++c) {
    // Large windows row by row: the tests of all their taps at once are more than the registers hold.
#pragma unroll(kHeight * kWidth > 25 ? 1 : kHeight)
    for (int row = 0; row < kHeight; ++row) {
      const i64 y = y0 + row * p.dilation_height;
#pragma unroll(kIsHalf<T> && kWidth > 5 ? 1 : kWidth)
      for (int column = 0; column < kWidth; ++column) {
        const i64 x = x0 + column * p.dilation_width;
        const bool inside = y >= 0 && y < p.in_height && x >= 0 && x < p.in_width;
        if (inside) {
          sum = tsc::fma(static_cast<float>(taps[row * kWidth + column]), static_cast<float>(plane[y * p.in_width + x]), sum);
        }
      }
    }
    plane += p.in_height * p.in_width;
    taps += kHeight * kWidth;
  }
  result.store(group, channel % result.group_channels, image * result.pixels + pixel, sum);
}

template <int kHeight, int kWidth, class T, class Epilogue>
void conv2d(Launch& launch, const Conv2d& p, const T* input, const T* weight, const Given<T>* bias, T* output,
            const Epilogue& epilogue) {
  constexpr i64 kNarrow = 16;  // channels of a group
  const i64 pixels = p.out_height * p.out_width, group_channels = p.out_channels / p.groups;
  const i64 depth = p.in_channels / p.groups * kHeight * kWidth;
  const ImageResult<T, Epilogue> result{output, bias, pixels, p.out_channels, group_channels, epilogue};
  if (group_channels < kNarrow && p.groups > 1) {
    launch.run(conv2d_narrow_kernel<kHeight, kWidth, T, Epilogue>, blocks_for(p.batch * p.out_channels * pixels, 256), 256, p,
               input, weight, result);
    return;
  }
  Rows<T> a{.data = weight, .rows = group_channels, .depth = depth, .row_stride = depth, .depth_stride = 1};
  a.batch_strides[0] = group_channels * depth;
  if constexpr (kIsHalf<T>) {
    a.choose_loads();
    gemm_half<T>(launch, group_channels, p.batch * pixels, depth, p.groups, a, HalfImageTaps<kHeight, kWidth, T>{input, p}, result);
  } else {
    a.choose_fours();
    gemm(launch, group_channels, p.batch * pixels, depth, p.groups, a, ImageTaps<kHeight, kWidth>{input, p}, result);
  }
}

}  // namespace tsc::cuda
