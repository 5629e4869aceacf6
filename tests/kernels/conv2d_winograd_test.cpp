// Winograd convolutions, every tile row, against sums in double.
#include "runtime/kernels/conv2d_winograd.h"

#include <gtest/gtest.h>

#include "codegen/pack.h"
#include "tests/kernels/images.h"

namespace tsc::kernels {
namespace {

using test::AddReluChannel;
using test::BlockedShape;
using test::ConvCase;

constexpr float kGarbage = 777.0f;

// The transforms mix the pixels of a patch, so an output's error is relative to the sums around it, not to its own.
double transform_error(const ConvCase& c) {
  double largest = 0;
  for (const test::Sum& sum : c.sums) largest = std::fmax(largest, sum.magnitude);
  return 8 * static_cast<double>(std::numeric_limits<float>::epsilon()) * largest;
}

enum class Schedule { kBlocks, kStages };

template <int MR, int NV, class Epilogue>
void run(Schedule schedule, const Conv2d& p, const float* input, const float* weight, const float* bias, float* output,
         const Epilogue& epilogue) {
  const int64_t bytes = schedule == Schedule::kBlocks ? conv2d_winograd_scratch_bytes<MR, NV>(p)
                                                      : conv2d_winograd_staged_scratch_bytes<MR, NV>(p);
  std::vector<float> scratch(static_cast<size_t>(bytes) / sizeof(float) + 1, kGarbage);
  if (schedule == Schedule::kBlocks) {
    test::in_ranges(conv2d_winograd_work_items<MR, NV>(p), [&](int64_t begin, int64_t end) {
      conv2d_winograd<MR, NV>(p, input, weight, bias, output, epilogue, scratch.data(), begin, end);
    });
  } else {
    for (int stage = 0; stage < kWinogradStages; ++stage) {
      test::in_ranges(conv2d_winograd_staged_work_items<MR, NV>(p, stage), [&](int64_t begin, int64_t end) {
        conv2d_winograd_staged<MR, NV>(p, stage, input, weight, bias, output, epilogue, scratch.data(), begin, end);
      });
    }
  }
  EXPECT_EQ(scratch.back(), kGarbage);
}

template <int MR, int NV>
void check_winograd(Conv2d p) {
  p.kernel_height = p.kernel_width = 3;
  SCOPED_TRACE(testing::Message() << p.in_channels << "x" << p.in_height << "x" << p.in_width << " to "
                                  << p.out_channels);
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_winograd(c.conv_weight(), kLanes, NV);
  const auto bias = codegen::pack_channels(c.bias, kLanes, NV);
  const auto input = test::to_blocked(c.input, {c.in(), p.in_halo});
  const BlockedShape out = {c.out(), p.out_halo};
  for (const Schedule schedule : {Schedule::kBlocks, Schedule::kStages}) {
    std::vector<float> output(out.count(), kGarbage);
    run<MR, NV>(schedule, c.p, input.data(), weight.data(), bias.data(), output.data(), Clamp{-kInfinity, kInfinity});
    test::expect_conv(c, test::from_blocked(output, out), transform_error(c));
    output = test::to_blocked(c.residual, out);
    run<MR, NV>(schedule, c.p, input.data(), weight.data(), bias.data(), output.data(), AddReluChannel{output.data()});
    test::expect_conv_epilogue(c, test::from_blocked(output, out), transform_error(c));
  }
}

template <int MR, int NV>
void check_conv2d_winograd_tile() {
  // Sizes of every remainder by four, halos that end before and beyond the last patch.
  for (int64_t size = 1; size <= 9; ++size) {
    check_winograd<MR, NV>({.batch = 2,
                            .in_channels = kLanes + 1,
                            .in_height = size,
                            .in_width = size + 2,
                            .in_halo = 1 + size % 3,
                            .out_channels = NV * kLanes + 3,
                            .out_halo = size % 2,
                            .pad_height = 1,
                            .pad_width = 1});
  }
  check_winograd<MR, NV>({.in_channels = 3, .in_height = 12, .in_width = 4 * MR + 1, .out_channels = kLanes});
  check_winograd<MR, NV>({.in_channels = kLanes,
                          .in_height = 16,
                          .in_width = 16,
                          .in_halo = 2,
                          .out_channels = NV * kLanes,
                          .out_halo = 1,
                          .pad_height = 2,
                          .pad_width = 2});
}

// Many blocks of tiles, and the same bits from both schedules where the split of tiles is the same.
TEST(Conv2dWinograd, ManyBlocks) {
  constexpr int kVectors = 2;
  const Conv2d p = {.in_channels = 40,
                    .in_height = 120,
                    .in_width = 121,
                    .in_halo = 1,
                    .out_channels = 24,
                    .out_halo = 1,
                    .pad_height = 1,
                    .pad_width = 1};
  Conv2d sized = p;
  sized.kernel_height = sized.kernel_width = 3;
  sized.out_height = 120;
  sized.out_width = 121;
  ASSERT_GE((conv2d_winograd_work_items<4, kVectors>(sized)), 4);
  check_winograd<4, kVectors>(p);
}

// The error stays near that of a direct convolution: a loss of the good points would show here.
TEST(Conv2dWinograd, Accuracy) {
  const Conv2d p = {.in_channels = 64,
                    .in_height = 16,
                    .in_width = 16,
                    .in_halo = 1,
                    .out_channels = 16,
                    .kernel_height = 3,
                    .kernel_width = 3,
                    .pad_height = 1,
                    .pad_width = 1};
  const ConvCase c = test::make_conv_case(p);
  const auto weight = codegen::pack_conv2d_winograd(c.conv_weight(), kLanes, 2);
  const auto bias = codegen::pack_channels(c.bias, kLanes, 2);
  const auto input = test::to_blocked(c.input, {c.in(), p.in_halo});
  const BlockedShape out = {c.out(), p.out_halo};
  std::vector<float> output(out.count(), kGarbage);
  run<4, 2>(Schedule::kStages, c.p, input.data(), weight.data(), bias.data(), output.data(), Identity{});
  const auto plain = test::from_blocked(output, out);
  double largest = 0, error = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    largest = std::fmax(largest, std::fabs(c.sums[i].value));
    error = std::fmax(error, std::fabs(plain[i] - c.sums[i].value));
  }
  EXPECT_LT(error / largest, 3e-6);
}

#define TSC_TEST_linear(...)
#define TSC_TEST_matmul(...)
#define TSC_TEST_conv2d_blocked(...)
#define TSC_TEST_conv2d_plain_to_blocked(...)
#define TSC_TEST_conv2d_plain(...)
#define TSC_TEST_conv2d_depthwise(...)
#define TSC_TEST_conv2d_winograd(width, vectors, min_bytes, min_registers)                               \
  TEST(Conv2dWinograd, Tile##width##x##vectors##From##min_bytes) {                                       \
    test::for_row<min_bytes, min_registers>([](auto) { check_conv2d_winograd_tile<width, vectors>(); }); \
  }
#define TSC_KERNEL(kernel, height, width, vectors, min_bytes, min_registers, packing) \
  TSC_TEST_##kernel(width, vectors, min_bytes, min_registers)
#include "codegen/kernels.def"

}  // namespace
}  // namespace tsc::kernels
