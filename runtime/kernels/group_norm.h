// Normalisation of images [batch][channels][spatial], plain layout, by statistics of channel groups or given ones:
//
//   group_norm(p, input, weight, bias, output, epilogue, begin, end)               mean and variance of each group
//   batch_norm(p, input, mean, variance, weight, bias, output, epilogue, begin, end)   of each channel, given
//
// (x - mean) / sqrt(variance + epsilon) * weight + bias. weight and bias have a number per channel and may be null.
// instance_norm is group_norm with a group per channel. Input and output are dense and may be the same memory. The
// epilogue gets Position{offset, channel}, all lanes of one channel. Work items: batch * groups, and batch * channels.
#pragma once

#include "runtime/kernels/layer_norm.h"

namespace tsc::kernels {

struct ChannelNorm {
  isize batch = 1, channels = 1, spatial = 1;
  isize groups = 1;  // of group_norm
  double epsilon = 1e-5;
};

namespace detail {

// x * scale + shift for one channel.
template <class T, class Epilogue>
TSC_INLINE void scale_channel(const T* input, T* output, isize offset, isize channel, isize spatial, T scale, T shift,
                              const Epilogue& epilogue) {
  transform_row(input + offset, output + offset, spatial, [&]<class V>(V v, isize i) __attribute__((always_inline)) {
    return epilogue(fma(v, splat<V>(scale), splat<V>(shift)), Position{offset + i, channel});
  });
}

}  // namespace detail

template <class T, class Epilogue = Identity>
void group_norm(ChannelNorm p, const T* input, const T* weight, const T* bias, T* output, const Epilogue& epilogue,
                isize begin, isize end) {
  const isize group_channels = p.channels / p.groups;
  const isize count = group_channels * p.spatial;
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const T* group = input + item * count;
    detail::SquaredDeviation<T, 1> deviation;
    deviation.mean[0] = detail::reduce_row(Sum{}, group, 1, count) / static_cast<T>(count);
    const T mean = deviation.mean[0];
    const T variance = detail::reduce_row(deviation, group, 1, count) / static_cast<T>(count);
    const T root = T(1) / sqrt(variance + static_cast<T>(p.epsilon));
    const isize first_channel = item % p.groups * group_channels;
    TSC_NO_UNROLL
    for (isize c = 0; c < group_channels; ++c) {
      const isize channel = first_channel + c;
      const T scale = weight != nullptr ? root * weight[channel] : root;
      const T shift = fma(-mean, scale, bias != nullptr ? bias[channel] : T(0));
      detail::scale_channel(input, output, item * count + c * p.spatial, channel, p.spatial, scale, shift, epilogue);
    }
  }
}

template <class T, class Epilogue = Identity>
void batch_norm(ChannelNorm p, const T* input, const T* mean, const T* variance, const T* weight, const T* bias,
                T* output, const Epilogue& epilogue, isize begin, isize end) {
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize channel = item % p.channels;
    const T root = T(1) / sqrt(variance[channel] + static_cast<T>(p.epsilon));
    const T scale = weight != nullptr ? root * weight[channel] : root;
    const T shift = fma(-mean[channel], scale, bias != nullptr ? bias[channel] : T(0));
    detail::scale_channel(input, output, item * p.spatial, channel, p.spatial, scale, shift, epilogue);
  }
}

}  // namespace tsc::kernels
