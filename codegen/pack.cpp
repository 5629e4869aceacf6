#include "codegen/pack.h"

#include <array>
#include <cstddef>

#include "compiler/ir/assert.h"

namespace tsc::codegen {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Appends weight[output channels of one panel][input channel][row][column], the output channel innermost.
void append_column(const ConvWeight& weight, int64_t first_output, int64_t end_output, int64_t panel, int64_t input,
                   int64_t row, int64_t column, std::vector<float>& packed) {
  for (int64_t lane = 0; lane < panel; ++lane) {
    const int64_t output = first_output + lane;
    const bool inside = output < end_output && input < weight.group_in_channels();
    const int64_t index =
        ((output * weight.group_in_channels() + input) * weight.kernel_height + row) * weight.kernel_width + column;
    packed.push_back(inside ? weight.data[static_cast<size_t>(index)] : 0.0f);
  }
}

// Winograd F(4, 3) with the points 0, 1, -1, 1/2, -2 and infinity: row i holds the powers 0..2 of point i divided by
// the product of its differences to the other finite points.
constexpr std::array<std::array<double, 3>, 6> kWinogradG = {{
    {1, 0, 0},
    {1.0 / 3, 1.0 / 3, 1.0 / 3},
    {-1.0 / 3, 1.0 / 3, -1.0 / 3},
    {-16.0 / 15, -8.0 / 15, -4.0 / 15},
    {1.0 / 15, -2.0 / 15, 4.0 / 15},
    {0, 0, 1},
}};

// G g G^T of one 3x3 kernel.
std::array<double, 36> transform_kernel(std::span<const float> g) {
  std::array<std::array<double, 3>, 6> columns = {};  // G g
  for (size_t i = 0; i < 6; ++i) {
    for (size_t x = 0; x < 3; ++x) {
      for (size_t y = 0; y < 3; ++y) columns[i][x] += kWinogradG[i][y] * static_cast<double>(g[y * 3 + x]);
    }
  }
  std::array<double, 36> u = {};
  for (size_t i = 0; i < 6; ++i) {
    for (size_t j = 0; j < 6; ++j) {
      for (size_t x = 0; x < 3; ++x) u[i * 6 + j] += columns[i][x] * kWinogradG[j][x];
    }
  }
  return u;
}

}  // namespace

std::vector<float> pack_panels(const MatrixView& b, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  std::vector<float> packed;
  packed.reserve(static_cast<size_t>(ceil_div(b.columns, panel) * panel * b.depth));
  for (int64_t first = 0; first < b.columns; first += panel) {
    for (int64_t k = 0; k < b.depth; ++k) {
      for (int64_t j = first; j < first + panel; ++j) {
        packed.push_back(j < b.columns ? b.data[k * b.depth_stride + j * b.column_stride] : 0.0f);
      }
    }
  }
  return packed;
}

std::vector<float> pack_conv2d_blocked(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  std::vector<float> packed;
  packed.reserve(static_cast<size_t>(ceil_div(weight.out_channels, panel) * panel *
                                     ceil_div(weight.in_channels, lanes) * lanes * weight.kernel_height *
                                     weight.kernel_width));
  for (int64_t output = 0; output < weight.out_channels; output += panel) {
    for (int64_t block = 0; block < weight.in_channels; block += lanes) {
      for (int64_t row = 0; row < weight.kernel_height; ++row) {
        for (int64_t column = 0; column < weight.kernel_width; ++column) {
          for (int64_t input = block; input < block + lanes; ++input) {
            append_column(weight, output, weight.out_channels, panel, input, row, column, packed);
          }
        }
      }
    }
  }
  return packed;
}

std::vector<float> pack_conv2d_plain(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  std::vector<float> packed;
  for (int64_t group = 0; group < weight.groups; ++group) {
    const int64_t end = (group + 1) * weight.group_out_channels();
    for (int64_t output = group * weight.group_out_channels(); output < end; output += panel) {
      for (int64_t input = 0; input < weight.group_in_channels(); ++input) {
        for (int64_t row = 0; row < weight.kernel_height; ++row) {
          for (int64_t column = 0; column < weight.kernel_width; ++column) {
            append_column(weight, output, end, panel, input, row, column, packed);
          }
        }
      }
    }
  }
  return packed;
}

std::vector<float> pack_conv2d_depthwise(const ConvWeight& weight, int64_t lanes) {
  std::vector<float> packed;
  for (int64_t output = 0; output < weight.out_channels; output += lanes) {
    for (int64_t row = 0; row < weight.kernel_height; ++row) {
      for (int64_t column = 0; column < weight.kernel_width; ++column) {
        append_column(weight, output, weight.out_channels, lanes, 0, row, column, packed);
      }
    }
  }
  return packed;
}

std::vector<float> pack_conv2d_winograd(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  const int64_t panels = ceil_div(weight.out_channels, panel);
  const int64_t depth = ceil_div(weight.in_channels, lanes) * lanes;
  const int64_t plane = panels * depth * panel;  // floats of one of the 36 matrices
  std::vector<float> packed(static_cast<size_t>(36 * plane));
  for (int64_t output = 0; output < weight.out_channels; ++output) {
    for (int64_t input = 0; input < weight.in_channels; ++input) {
      const auto u =
          transform_kernel(weight.data.subspan(static_cast<size_t>((output * weight.in_channels + input) * 9), 9));
      const int64_t at = (output / panel * depth + input) * panel + output % panel;
      for (int64_t i = 0; i < 36; ++i) {
        packed[static_cast<size_t>(i * plane + at)] = static_cast<float>(u[static_cast<size_t>(i)]);
      }
    }
  }
  return packed;
}

int64_t packed_panels_size(int64_t depth, int64_t columns, int64_t lanes, int64_t panel_vectors) {
  return ceil_div(columns, lanes * panel_vectors) * lanes * panel_vectors * depth;
}

int64_t packed_conv2d_size(Packing packing, const ConvWeight& weight, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  const int64_t kernel = weight.kernel_height * weight.kernel_width;
  const int64_t outputs = ceil_div(weight.out_channels, panel) * panel, inputs = ceil_div(weight.in_channels, lanes) * lanes;
  switch (packing) {
    case Packing::kBlockedConv2d:
      return outputs * inputs * kernel;
    case Packing::kPlainConv2d:
      return weight.groups * ceil_div(weight.group_out_channels(), panel) * panel * weight.group_in_channels() * kernel;
    case Packing::kDepthwise:
      return ceil_div(weight.out_channels, lanes) * lanes * kernel;
    case Packing::kWinograd:
      return 36 * outputs * inputs;
    case Packing::kNone:
    case Packing::kPanels:
      break;
  }
  TSC_ASSERT(false, "a convolution's weight has no packing {}", static_cast<int>(packing));
}

std::vector<float> pack_conv2d(Packing packing, const ConvWeight& weight, int64_t lanes, int64_t panel_vectors) {
  switch (packing) {
    case Packing::kBlockedConv2d:
      return pack_conv2d_blocked(weight, lanes, panel_vectors);
    case Packing::kPlainConv2d:
      return pack_conv2d_plain(weight, lanes, panel_vectors);
    case Packing::kDepthwise:
      return pack_conv2d_depthwise(weight, lanes);
    case Packing::kWinograd:
      return pack_conv2d_winograd(weight, lanes, panel_vectors);
    case Packing::kNone:
    case Packing::kPanels:
      break;
  }
  TSC_ASSERT(false, "a convolution's weight has no packing {}", static_cast<int>(packing));
}

std::vector<float> pack_channels(std::span<const float> values, int64_t lanes, int64_t panel_vectors) {
  return pack_group_channels(values, 1, lanes, panel_vectors);
}

std::vector<float> pack_group_channels(std::span<const float> values, int64_t groups, int64_t lanes,
                                       int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  const auto share = static_cast<int64_t>(values.size()) / groups;
  std::vector<float> packed;
  for (int64_t group = 0; group < groups; ++group) {
    const auto from = values.subspan(static_cast<size_t>(group * share), static_cast<size_t>(share));
    packed.insert(packed.end(), from.begin(), from.end());
    packed.resize(static_cast<size_t>((group + 1) * ceil_div(share, panel) * panel), 0.0f);
  }
  return packed;
}

int64_t packed_channels_size(int64_t channels, int64_t groups, int64_t lanes, int64_t panel_vectors) {
  const int64_t panel = lanes * panel_vectors;
  return groups * ceil_div(channels / groups, panel) * panel;
}

}  // namespace tsc::codegen
