// Images of kernel tests: plain and blocked ones, and the convolution of plain images in double.
#pragma once

#include "codegen/pack.h"
#include "runtime/kernels/conv2d.h"
#include "tests/kernels/reference.h"

namespace tsc::kernels::test {

struct ImageShape {
  int64_t batch, channels, height, width;
  size_t count() const { return static_cast<size_t>(batch * channels * height * width); }
  size_t at(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return static_cast<size_t>(((n * channels + c) * height + y) * width + x);
  }
};

struct BlockedShape {
  ImageShape image;
  int64_t halo;
  BlockedImage strides() const { return blocked_image(image.channels, image.height, image.width, halo); }
  size_t count() const { return static_cast<size_t>(image.batch * strides().batch); }
  size_t at(int64_t n, int64_t c, int64_t y, int64_t x) const {
    const BlockedImage s = strides();
    return static_cast<size_t>(n * s.batch + c / kLanes * s.plane + (y + halo) * s.row + (x + halo) * kLanes +
                               c % kLanes);
  }
};

inline std::vector<float> to_blocked(const std::vector<float>& plain, const BlockedShape& shape) {
  std::vector<float> blocked(shape.count(), 0.0f);
  const ImageShape& s = shape.image;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t y = 0; y < s.height; ++y)
        for (int64_t x = 0; x < s.width; ++x) blocked[shape.at(n, c, y, x)] = plain[s.at(n, c, y, x)];
  return blocked;
}

// The plain image of a blocked one; fails unless halo and padding channels are zero.
inline std::vector<float> from_blocked(const std::vector<float>& blocked, const BlockedShape& shape) {
  const ImageShape& s = shape.image;
  std::vector<float> plain(s.count());
  auto rest = blocked;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t y = 0; y < s.height; ++y)
        for (int64_t x = 0; x < s.width; ++x) {
          plain[s.at(n, c, y, x)] = blocked[shape.at(n, c, y, x)];
          rest[shape.at(n, c, y, x)] = 0;
        }
  for (const float x : rest) {
    EXPECT_EQ(x, 0.0f) << "halo or padding channel";
    if (x != 0.0f) break;
  }
  return plain;
}

// A convolution's data and the exact result.
struct ConvCase {
  Conv2d p;
  std::vector<float> input, weight, bias, residual;  // plain
  std::vector<Sum> sums;                             // of the output

  ImageShape in() const { return {p.batch, p.in_channels, p.in_height, p.in_width}; }
  ImageShape out() const { return {p.batch, p.out_channels, p.out_height, p.out_width}; }
  codegen::ConvWeight conv_weight() const {
    return {weight, p.out_channels, p.in_channels, p.groups, p.kernel_height, p.kernel_width};
  }
};

// Fills in the output's size and everything else from the sizes in `p`.
inline ConvCase make_conv_case(Conv2d p) {
  p.out_height = (p.in_height + 2 * p.pad_height - p.dilation_height * (p.kernel_height - 1) - 1) / p.stride_height + 1;
  p.out_width = (p.in_width + 2 * p.pad_width - p.dilation_width * (p.kernel_width - 1) - 1) / p.stride_width + 1;
  ConvCase c = {p, {}, {}, {}, {}, {}};
  const int64_t group_in = p.in_channels / p.groups;
  const int64_t group_out = p.out_channels / p.groups;
  const ImageShape weight_shape = {p.out_channels, group_in, p.kernel_height, p.kernel_width};
  c.input = random_floats(c.in().count(), 11);
  c.weight = random_floats(weight_shape.count(), 12);
  c.bias = random_floats(static_cast<size_t>(p.out_channels), 13);
  c.residual = random_floats(c.out().count(), 14);
  c.sums.resize(c.out().count());
  for (int64_t n = 0; n < p.batch; ++n)
    for (int64_t o = 0; o < p.out_channels; ++o)
      for (int64_t y = 0; y < p.out_height; ++y)
        for (int64_t x = 0; x < p.out_width; ++x) {
          Sum& sum = c.sums[c.out().at(n, o, y, x)];
          sum.add(c.bias[static_cast<size_t>(o)], 1);
          for (int64_t i = 0; i < group_in; ++i)
            for (int64_t r = 0; r < p.kernel_height; ++r)
              for (int64_t s = 0; s < p.kernel_width; ++s) {
                const int64_t in_y = y * p.stride_height - p.pad_height + r * p.dilation_height;
                const int64_t in_x = x * p.stride_width - p.pad_width + s * p.dilation_width;
                if (in_y < 0 || in_y >= p.in_height || in_x < 0 || in_x >= p.in_width) continue;
                sum.add(c.input[c.in().at(n, o / group_out * group_in + i, in_y, in_x)],
                        c.weight[weight_shape.at(o, i, r, s)]);
              }
        }
  return c;
}

// `extra` is what a method's error may exceed a direct sum's bound by.
inline void expect_conv(const ConvCase& c, const std::vector<float>& output, double extra = 0) {
  ASSERT_EQ(output.size(), c.sums.size());
  for (size_t i = 0; i < output.size(); ++i) ASSERT_NEAR(output[i], c.sums[i].value, c.sums[i].bound() + extra) << i;
}

inline void expect_conv_relu(const ConvCase& c, const std::vector<float>& output) {
  for (size_t i = 0; i < output.size(); ++i) {
    ASSERT_NEAR(output[i], std::fmax(0.0, c.sums[i].value), c.sums[i].bound()) << i;
  }
}

// Of the epilogue AddReluChannel with the case's residual.
inline void expect_conv_epilogue(const ConvCase& c, const std::vector<float>& output, double extra = 0) {
  const ImageShape out = c.out();
  for (size_t i = 0; i < output.size(); ++i) {
    const int64_t channel = static_cast<int64_t>(i) / (out.height * out.width) % out.channels;
    const double expected = AddReluChannel::expected(c.sums[i].value, static_cast<double>(c.residual[i]), channel);
    ASSERT_NEAR(output[i], expected, c.sums[i].bound() + extra + 3e-7 * (std::fabs(expected) + 2)) << i;
  }
}

}  // namespace tsc::kernels::test
