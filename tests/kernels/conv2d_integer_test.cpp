// Convolutions of bytes against plain loops: padding, strides, dilations, groups, tails of channels and of pixels.
#include "runtime/kernels/conv2d_integer.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tsc::kernels {
namespace {

struct Case {
  i64 channels, outputs, groups, height, width, kernel, stride, padding, dilation;
};

int64_t at(const std::vector<uint8_t>& image, const Case& c, i64 channel, i64 y, i64 x, uint8_t outside) {
  if (y < 0 || x < 0 || y >= c.height || x >= c.width) return outside;
  return image[static_cast<size_t>((channel * c.height + y) * c.width + x)];
}

void expect_convolution(const Case& c) {
  constexpr uint8_t kOutside = 77;
  std::mt19937 random(static_cast<unsigned>(c.channels * 100 + c.kernel));
  const i64 group_channels = c.channels / c.groups, group_outputs = c.outputs / c.groups;
  const auto extent = [&](i64 size) { return (size + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; };
  const Conv2dInteger p = {.height = c.height + 2 * c.padding,
                           .width = c.width + 2 * c.padding,
                           .channels = c.channels,
                           .group_channels = group_channels,
                           .group_outputs = group_outputs,
                           .out_height = extent(c.height),
                           .out_width = extent(c.width),
                           .kernel_height = c.kernel,
                           .kernel_width = c.kernel,
                           .stride_height = c.stride,
                           .stride_width = c.stride,
                           .dilation_height = c.dilation,
                           .dilation_width = c.dilation};
  std::vector<uint8_t> image(static_cast<size_t>(c.channels * c.height * c.width));
  std::vector<int8_t> weight(static_cast<size_t>(c.outputs * p.depth()));  // [output][tap][channel]
  for (uint8_t& x : image) x = static_cast<uint8_t>(random());
  for (int8_t& w : weight) w = static_cast<int8_t>(random());
  std::vector<uint8_t> padded(static_cast<size_t>(p.height * p.width * p.channels), kOutside);
  std::vector<int32_t> output(static_cast<size_t>(c.outputs * p.out_plane()), -1);
  if (group_channels == 1) {
    for (i64 o = 0; o < c.outputs; ++o) {
      const i64 channel = o / group_outputs;
      uint8_t* plane = padded.data() + channel * p.height * p.width;
      pad_channels_last(image.data() + channel * c.height * c.width, 1, c.height, c.width, c.padding, c.padding,
                        p.width, plane, 0, c.height);
      conv2d_integer_depthwise(p, plane, weight.data() + o * p.depth(), output.data() + o * p.out_plane());
    }
  } else {
    const i64 half = c.height / 2;
    pad_channels_last(image.data(), c.channels, c.height, c.width, c.padding, c.padding, p.width, padded.data(), 0,
                      half);
    pad_channels_last(image.data(), c.channels, c.height, c.width, c.padding, c.padding, p.width, padded.data(), half,
                      c.height);
    const i64 middle = p.out_plane() / 3;
    std::vector<uint8_t> windows(static_cast<size_t>(p.out_plane() * p.depth()));
    for (i64 g = 0; g < c.groups; ++g) {
      for (const auto& [begin, end] : {std::pair{i64{0}, middle}, std::pair{middle, p.out_plane()}}) {
        conv2d_integer(p, padded.data(), g * group_channels, weight.data() + g * group_outputs * p.depth(),
                       output.data() + g * group_outputs * p.out_plane(), windows.data(), begin, end);
      }
    }
  }
  for (i64 o = 0; o < c.outputs; ++o) {
    for (i64 y = 0; y < p.out_height; ++y) {
      for (i64 x = 0; x < p.out_width; ++x) {
        int64_t sum = 0;
        for (i64 k = 0; k < p.depth(); ++k) {
          const i64 tap = k / group_channels, channel = o / group_outputs * group_channels + k % group_channels;
          const i64 row = y * c.stride + tap / c.kernel * c.dilation - c.padding;
          const i64 column = x * c.stride + tap % c.kernel * c.dilation - c.padding;
          sum += at(image, c, channel, row, column, kOutside) * weight[static_cast<size_t>(o * p.depth() + k)];
        }
        ASSERT_EQ(output[static_cast<size_t>((o * p.out_height + y) * p.out_width + x)], sum)
            << c.channels << " channels, kernel " << c.kernel << " at " << o << ", " << y << ", " << x;
      }
    }
  }
}

TEST(Conv2dInteger, EqualsLoops) {
  expect_convolution({3, 5, 1, 9, 11, 3, 1, 1, 1});
  expect_convolution({3, 8, 1, 13, 17, 7, 2, 3, 1});
  expect_convolution({17, 4, 1, 6, 35, 3, 2, 1, 1});
  expect_convolution({32, 6, 1, 5, 5, 1, 1, 0, 1});  // the image's own rows
  expect_convolution({20, 6, 1, 7, 6, 1, 2, 0, 1});
  expect_convolution({16, 3, 1, 8, 8, 3, 1, 2, 2});
  expect_convolution({12, 8, 4, 6, 7, 3, 1, 1, 1});   // groups
  expect_convolution({5, 5, 5, 9, 33, 3, 1, 1, 1});   // depthwise
  expect_convolution({4, 8, 4, 12, 13, 5, 2, 2, 1});  // with two outputs each
  expect_convolution({2, 2, 2, 9, 9, 3, 1, 2, 2});
}

}  // namespace
}  // namespace tsc::kernels
