// The table of tiles, and the selector's choices for layers of well-known networks.
#include "codegen/kernel_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tsc::codegen {
namespace {

constexpr KernelTarget kAvx512 = {.vector_bytes = 64, .registers = 32, .l2_bytes = 1 << 20};
constexpr KernelTarget kAvx2 = {.vector_bytes = 32, .registers = 16, .l2_bytes = 256 << 10};
constexpr KernelTarget kNeon = {.vector_bytes = 16, .registers = 32, .l2_bytes = 512 << 10};
constexpr KernelTarget kScalar = {.vector_bytes = 0, .registers = 16, .l2_bytes = 0};

Conv2dShape conv(int64_t in, int64_t out, int64_t size, int64_t kernel, int64_t stride, int64_t groups = 1) {
  return {1,      size * stride, size * stride, size,   size,       in,         out, groups,
          kernel, kernel,        stride,        stride, kernel / 2, kernel / 2, 1,   1};
}

TEST(KernelTable, TilesFitTheirRegisters) {
  for (const KernelRow& row : kernel_rows()) {
    EXPECT_LE(registers_needed(row), row.min_registers) << row.kernel << " " << row.tile_width;
  }
}

// Whether a row of the table has the choice's tile (staged Winograd shares the rows of the other form).
bool is_row(const KernelTarget& target, const KernelChoice& choice) {
  const std::string kernel = choice.function == "conv2d_winograd_staged" ? "conv2d_winograd" : choice.function;
  const bool has_height = kernel == "conv2d_blocked";
  const int64_t width = choice.template_arguments[has_height ? 1 : 0];
  return std::ranges::any_of(kernel_rows(), [&](const KernelRow& row) {
    return row.kernel == kernel && row.tile_width == width && row.tile_vectors == choice.panel_vectors &&
           (!has_height || row.tile_height == choice.template_arguments[0]) && row.packing == choice.packing &&
           row.min_vector_bytes <= target.vector_bytes && row.min_registers <= target.registers;
  });
}

TEST(KernelTable, ChoicesAreRowsThatFit) {
  for (const KernelTarget& target : {kAvx512, kAvx2, kNeon, kScalar}) {
    for (const int64_t size : {1, 7, 15, 64, 224}) {
      for (const int64_t channels : {1, 3, 16, 100, 512}) {
        EXPECT_TRUE(is_row(target, select_linear(target, {size, channels, 64})));
        EXPECT_TRUE(is_row(target, select_matmul(target, {size, channels, 64})));
        for (const int64_t stride : {1, 2, 3}) {
          const Conv2dShape shape = conv(channels, 2 * channels, size, 3, stride);
          for (const auto layouts :
               {Conv2dLayouts::kPlainToPlain, Conv2dLayouts::kPlainToBlocked, Conv2dLayouts::kBlockedToBlocked}) {
            const auto choice = select_conv2d(target, shape, layouts);
            ASSERT_TRUE(choice.has_value());
            EXPECT_TRUE(is_row(target, *choice)) << choice->name();
            EXPECT_GT(choice->seconds, 0);
          }
        }
      }
    }
  }
}

TEST(KernelTable, Convolutions) {
  const auto blocked = [](const Conv2dShape& shape) {
    const auto choice = select_conv2d(kAvx512, shape, Conv2dLayouts::kBlockedToBlocked);
    return choice ? choice->name() : "none";
  };
  EXPECT_TRUE(blocked(conv(64, 64, 56, 3, 1)).starts_with("conv2d_winograd<"));
  EXPECT_TRUE(blocked(conv(256, 256, 14, 3, 1)).starts_with("conv2d_winograd_staged<"));
  EXPECT_EQ(blocked(conv(512, 512, 7, 3, 1)), "conv2d_blocked<2, 7, 2, 1>");
  EXPECT_EQ(blocked(conv(64, 128, 28, 3, 2)), "conv2d_blocked<1, 14, 2, 2>");
  EXPECT_TRUE(blocked(conv(64, 128, 28, 5, 3)).ends_with(", 0>"));
  EXPECT_EQ(blocked(conv(32, 32, 112, 3, 1, 32)), "conv2d_depthwise<7, 3, 1>");
  EXPECT_EQ(blocked(conv(32, 32, 112, 7, 1, 32)), "conv2d_depthwise<7, 0, 0>");
  EXPECT_EQ(blocked(conv(32, 32, 112, 3, 1, 4)), "none");
  EXPECT_EQ(select_conv2d(kAvx512, conv(32, 64, 56, 3, 1, 4), Conv2dLayouts::kPlainToPlain)->function, "conv2d_plain");
  EXPECT_EQ(select_conv2d(kAvx512, conv(32, 64, 56, 3, 1, 4), Conv2dLayouts::kPlainToBlocked), std::nullopt);
  EXPECT_EQ(select_conv2d(kScalar, conv(64, 64, 56, 3, 1), Conv2dLayouts::kBlockedToBlocked)->function,
            "conv2d_blocked");
}

TEST(KernelTable, Products) {
  EXPECT_EQ(select_linear(kAvx512, {128, 768, 768}).name(), "linear<6, 4>");
  EXPECT_EQ(select_linear(kAvx512, {128, 16, 768}).panel_vectors, 1);
  EXPECT_EQ(select_linear(kAvx2, {128, 768, 768}).packing, Packing::kPanels);
}

}  // namespace
}  // namespace tsc::codegen
