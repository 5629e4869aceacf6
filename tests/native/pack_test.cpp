// A packed weight has the size that was planned for it before it was made.
#include <gtest/gtest.h>

#include "codegen/pack.h"

namespace tsc::codegen {
namespace {

constexpr int64_t kLanes[] = {1, 4, 8, 16};
constexpr int64_t kPanelVectors[] = {1, 2, 4};

void check_conv2d(Packing packing, int64_t outputs, int64_t inputs, int64_t groups, int64_t kernel) {
  const std::vector<float> data(static_cast<size_t>(outputs * inputs / groups * kernel * kernel), 1.0f);
  const ConvWeight weight{data, outputs, inputs, groups, kernel, kernel};
  for (int64_t lanes : kLanes) {
    for (int64_t vectors : kPanelVectors) {
      EXPECT_EQ(static_cast<int64_t>(pack_conv2d(packing, weight, lanes, vectors).size()),
                packed_conv2d_size(packing, weight, lanes, vectors))
          << "packing " << static_cast<int>(packing) << ", " << outputs << " outputs, " << inputs << " inputs, " << groups
          << " groups, " << lanes << " lanes, " << vectors << " vectors";
    }
  }
}

TEST(PackTest, SizesAreThosePlanned) {
  for (int64_t outputs : {1, 3, 16, 65}) {
    for (int64_t inputs : {1, 3, 16, 33}) {
      for (int64_t kernel : {1, 3}) {
        check_conv2d(Packing::kBlockedConv2d, outputs, inputs, 1, kernel);
        check_conv2d(Packing::kPlainConv2d, outputs, inputs, 1, kernel);
      }
      check_conv2d(Packing::kWinograd, outputs, inputs, 1, 3);
    }
    check_conv2d(Packing::kDepthwise, outputs, outputs, outputs, 3);
    check_conv2d(Packing::kPlainConv2d, 4 * outputs, 12, 4, 3);
  }
  for (int64_t lanes : kLanes) {
    for (int64_t vectors : kPanelVectors) {
      for (int64_t columns : {1, 7, 64}) {
        const std::vector<float> data(static_cast<size_t>(columns * 5), 1.0f);
        EXPECT_EQ(static_cast<int64_t>(pack_panels({data.data(), 5, columns, columns, 1}, lanes, vectors).size()),
                  packed_panels_size(5, columns, lanes, vectors));
      }
      for (int64_t groups : {1, 3}) {
        const std::vector<float> values(30, 1.0f);
        EXPECT_EQ(static_cast<int64_t>(pack_group_channels(values, groups, lanes, vectors).size()),
                  packed_channels_size(30, groups, lanes, vectors));
      }
    }
  }
}

}  // namespace
}  // namespace tsc::codegen
