// Direct, plain and depthwise convolutions, every tile row, against sums in double.
#include "runtime/kernels/conv2d.h"

#include <gtest/gtest.h>

#include "codegen/pack.h"
#include "runtime/kernels/conv2d_depthwise.h"
#include "tests/kernels/images.h"

namespace tsc::kernels {
namespace {

using test::AddReluChannel;
using test::BlockedShape;
using test::ConvCase;
using test::to_blocked;

constexpr float kGarbage = 777.0f;

// Runs `kernel(p, input, bias, output, epilogue, begin, end)` on blocked images with three epilogues: none, a clamp,
// and one that reads the output's own memory.
template <class Kernel>
void check_blocked(const ConvCase& c, int64_t items, const std::vector<float>& input, const std::vector<float>& bias,
                   Kernel kernel) {
  SCOPED_TRACE(testing::Message() << c.p.in_channels << "x" << c.p.in_height << "x" << c.p.in_width << " to "
                                  << c.p.out_channels << "x" << c.p.out_height << "x" << c.p.out_width << " kernel "
                                  << c.p.kernel_height << "x" << c.p.kernel_width << " stride " << c.p.stride_width);
  const BlockedShape out = {c.out(), c.p.out_halo};
  std::vector<float> output(out.count(), kGarbage);
  test::in_ranges(items, [&](int64_t begin, int64_t end) {
    kernel(c.p, input.data(), bias.data(), output.data(), Identity{}, begin, end);
  });
  test::expect_conv(c, from_blocked(output, out));
  output.assign(out.count(), kGarbage);
  kernel(c.p, input.data(), bias.data(), output.data(), Clamp{0, kInfinity}, 0, items);
  test::expect_conv_relu(c, from_blocked(output, out));
  output = to_blocked(c.residual, out);
  kernel(c.p, input.data(), bias.data(), output.data(), AddReluChannel{output.data()}, 0, items);
  test::expect_conv_epilogue(c, from_blocked(output, out));
}

template <int TH, int TW, int NV, int S>
void check_conv2d_blocked(const Conv2d& p) {
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_blocked(c.conv_weight(), kLanes, NV);
  check_blocked(
      c, conv2d_blocked_work_items<TH, TW, NV, S>(c.p), to_blocked(c.input, {c.in(), p.in_halo}),
      codegen::pack_channels(c.bias, kLanes, NV),
      [&](const Conv2d& q, const float* input, const float* bias, float* output, const auto& epilogue, int64_t begin,
          int64_t end) { conv2d_blocked<TH, TW, NV, S>(q, input, weight.data(), bias, output, epilogue, begin, end); });
}

template <int TH, int TW, int NV>
void check_conv2d_blocked_tile() {
  // Each width up to two tiles and a bit, with channels that fill neither blocks nor panels.
  for (int64_t width = 1; width <= 2 * TW + 1; ++width) {
    check_conv2d_blocked<TH, TW, NV, 1>({.in_channels = kLanes + 1,
                                         .in_height = 3,
                                         .in_width = width,
                                         .in_halo = 1,
                                         .out_channels = NV * kLanes + 3,
                                         .kernel_height = 3,
                                         .kernel_width = 3,
                                         .pad_height = 1,
                                         .pad_width = 1});
  }
  check_conv2d_blocked<TH, TW, NV, 1>({.batch = 2,
                                       .in_channels = 2 * kLanes,
                                       .in_height = 4,
                                       .in_width = TW + 2,
                                       .out_channels = 2 * NV * kLanes,
                                       .out_halo = 2});
  check_conv2d_blocked<TH, TW, NV, 2>({.batch = 2,
                                       .in_channels = 3,
                                       .in_height = 9,
                                       .in_width = 2 * TW + 3,
                                       .in_halo = 2,
                                       .out_channels = kLanes,
                                       .out_halo = 1,
                                       .kernel_height = 3,
                                       .kernel_width = 3,
                                       .stride_height = 2,
                                       .stride_width = 2,
                                       .pad_height = 1,
                                       .pad_width = 1});
  check_conv2d_blocked<TH, TW, NV, 0>({.in_channels = 5,
                                       .in_height = 13,
                                       .in_width = 3 * TW + 8,
                                       .in_halo = 4,
                                       .out_channels = 7,
                                       .out_halo = 1,
                                       .kernel_height = 2,
                                       .kernel_width = 3,
                                       .stride_height = 2,
                                       .stride_width = 3,
                                       .pad_height = 1,
                                       .pad_width = 4,
                                       .dilation_height = 3,
                                       .dilation_width = 2});
}

template <int TW, int NV>
void check_conv2d_plain_to_blocked(const Conv2d& p) {
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_plain(c.conv_weight(), kLanes, NV);
  std::vector<float> scratch(
      static_cast<size_t>(conv2d_plain_to_blocked_scratch_bytes<TW, NV>(c.p)) / sizeof(float) + 1, kGarbage);
  check_blocked(c, conv2d_plain_to_blocked_work_items<TW, NV>(c.p), c.input, codegen::pack_channels(c.bias, kLanes, NV),
                [&](const Conv2d& q, const float* input, const float* bias, float* output, const auto& epilogue,
                    int64_t begin, int64_t end) {
                  conv2d_plain_to_blocked<TW, NV>(q, input, weight.data(), bias, output, epilogue, scratch.data(),
                                                  begin, end);
                });
  EXPECT_EQ(scratch.back(), kGarbage);
}

// 7x7 of stride 2 as a network's first layer has it, one of everything odd, and an image wider than a band.
Conv2d first_layer(int64_t width) {
  return {.batch = 2,
          .in_channels = 3,
          .in_height = 11,
          .in_width = width,
          .out_channels = kLanes + 5,
          .out_halo = 1,
          .kernel_height = 7,
          .kernel_width = 7,
          .stride_height = 2,
          .stride_width = 2,
          .pad_height = 3,
          .pad_width = 3};
}
Conv2d odd_layer(int64_t groups) {
  return {.batch = 2,
          .in_channels = 2 * groups,
          .in_height = 6,
          .in_width = 17,
          .out_channels = 5 * groups,
          .kernel_height = 3,
          .kernel_width = 2,
          .stride_height = 1,
          .stride_width = 3,
          .pad_height = 4,
          .pad_width = 1,
          .dilation_height = 2,
          .dilation_width = 3,
          .groups = groups};
}
Conv2d wide_layer(int64_t groups) {
  return {.in_channels = groups,
          .in_height = 2,
          .in_width = 600,
          .out_channels = 2 * groups,
          .kernel_height = 1,
          .kernel_width = 3,
          .pad_width = 1,
          .groups = groups};
}

template <int TW, int NV>
void check_conv2d_plain_to_blocked_tile() {
  check_conv2d_plain_to_blocked<TW, NV>(first_layer(4 * TW + 3));
  check_conv2d_plain_to_blocked<TW, NV>(odd_layer(1));
  check_conv2d_plain_to_blocked<TW, NV>(wide_layer(1));
}

template <int TW, int NV>
void check_conv2d_plain(const Conv2d& p) {
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_plain(c.conv_weight(), kLanes, NV);
  const auto bias = codegen::pack_group_channels(c.bias, p.groups, kLanes, NV);
  std::vector<float> scratch(static_cast<size_t>(conv2d_plain_scratch_bytes<TW, NV>(c.p)) / sizeof(float) + 1,
                             kGarbage);
  std::vector<float> output(c.out().count(), kGarbage);
  const int64_t items = conv2d_plain_work_items<TW, NV>(c.p);
  test::in_ranges(items, [&](int64_t begin, int64_t end) {
    conv2d_plain<TW, NV>(c.p, c.input.data(), weight.data(), bias.data(), output.data(), Identity{}, scratch.data(),
                         begin, end);
  });
  test::expect_conv(c, output);
  output = c.residual;
  conv2d_plain<TW, NV>(c.p, c.input.data(), weight.data(), bias.data(), output.data(), AddReluChannel{output.data()},
                       scratch.data(), 0, items);
  test::expect_conv_epilogue(c, output);
  EXPECT_EQ(scratch.back(), kGarbage);
}

template <int TW, int NV>
void check_conv2d_plain_tile() {
  check_conv2d_plain<TW, NV>(first_layer(2 * TW + 1));
  check_conv2d_plain<TW, NV>(odd_layer(1));
  check_conv2d_plain<TW, NV>(odd_layer(3));
  check_conv2d_plain<TW, NV>(wide_layer(2));
}

template <int TW, int K, int S>
void check_conv2d_depthwise(Conv2d p) {
  p.groups = p.out_channels = p.in_channels;
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_depthwise(c.conv_weight(), kLanes);
  check_blocked(
      c, conv2d_depthwise_work_items<TW, K, S>(c.p), to_blocked(c.input, {c.in(), p.in_halo}),
      codegen::pack_channels(c.bias, kLanes, 1),
      [&](const Conv2d& q, const float* input, const float* bias, float* output, const auto& epilogue, int64_t begin,
          int64_t end) { conv2d_depthwise<TW, K, S>(q, input, weight.data(), bias, output, epilogue, begin, end); });
}

template <int TW, int K, int S>
void check_depthwise_kernel() {
  for (int64_t width = K; width <= 2 * TW * S + 1; ++width) {
    check_conv2d_depthwise<TW, K, S>({.batch = 2,
                                      .in_channels = kLanes + 2,
                                      .in_height = 7,
                                      .in_width = width,
                                      .in_halo = K / 2,
                                      .out_halo = width % 2,
                                      .kernel_height = K,
                                      .kernel_width = K,
                                      .stride_height = S,
                                      .stride_width = S,
                                      .pad_height = K / 2,
                                      .pad_width = K / 2});
  }
}

template <int TW>
void check_conv2d_depthwise_tile() {
  check_depthwise_kernel<TW, 3, 1>();
  check_depthwise_kernel<TW, 3, 2>();
  check_depthwise_kernel<TW, 5, 1>();
  check_depthwise_kernel<TW, 5, 2>();
  check_conv2d_depthwise<TW, 0, 0>({.in_channels = 2 * kLanes,
                                    .in_height = 9,
                                    .in_width = 3 * TW + 1,
                                    .in_halo = 3,
                                    .out_halo = 1,
                                    .kernel_height = 2,
                                    .kernel_width = 7,
                                    .stride_height = 3,
                                    .stride_width = 1,
                                    .pad_height = 1,
                                    .pad_width = 3,
                                    .dilation_height = 2});
}

// One TEST per row of kernels.def that this width can run.
#define TSC_ROW_TEST(suite, height, width, vectors, min_bytes, min_registers, check) \
  TEST(suite, Tile##height##x##width##x##vectors##From##min_bytes) {                 \
    test::for_row<min_bytes, min_registers>([](auto) { check; });                    \
  }
#define TSC_TEST_linear(...)
#define TSC_TEST_matmul(...)
#define TSC_TEST_conv2d_winograd(...)
#define TSC_TEST_conv2d_blocked(h, w, v, bytes, registers) \
  TSC_ROW_TEST(Conv2dBlocked, h, w, v, bytes, registers, (check_conv2d_blocked_tile<h, w, v>()))
#define TSC_TEST_conv2d_plain_to_blocked(h, w, v, bytes, registers) \
  TSC_ROW_TEST(Conv2dPlainToBlocked, h, w, v, bytes, registers, (check_conv2d_plain_to_blocked_tile<w, v>()))
#define TSC_TEST_conv2d_plain(h, w, v, bytes, registers) \
  TSC_ROW_TEST(Conv2dPlain, h, w, v, bytes, registers, (check_conv2d_plain_tile<w, v>()))
#define TSC_TEST_conv2d_depthwise(h, w, v, bytes, registers) \
  TSC_ROW_TEST(Conv2dDepthwise, h, w, v, bytes, registers, (check_conv2d_depthwise_tile<w>()))
#define TSC_KERNEL(kernel, height, width, vectors, min_bytes, min_registers, packing) \
  TSC_TEST_##kernel(height, width, vectors, min_bytes, min_registers)
#include "codegen/kernels.def"

}  // namespace
}  // namespace tsc::kernels
