// Weights in the forms that kernels read, made once at compile time. What each kernel wants is said above it in
// runtime/kernels/; `lanes` is the target's vector width in floats and `panel_vectors` the NV of the kernel's tile, so
// a panel is P = NV * lanes columns or output channels wide. What is missing to whole panels or blocks is zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codegen/kernel_table.h"

namespace tsc::codegen {

// The constant operand b[k][j] of a product: depth rows, columns, any strides. The weight [N][K] of a linear layer is
// {data, K, N, 1, K}.
struct MatrixView {
  const float* data;
  int64_t depth, columns;
  int64_t depth_stride, column_stride;
};
// Packing::kPanels, [ceil(columns / P)][depth][P].
std::vector<float> pack_panels(const MatrixView& b, int64_t lanes, int64_t panel_vectors);

// A convolution's weight as PyTorch stores it, [out_channels][in_channels / groups][kernel_height][kernel_width].
struct ConvWeight {
  std::span<const float> data;
  int64_t out_channels, in_channels, groups, kernel_height, kernel_width;

  int64_t group_in_channels() const { return in_channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
};
// Packing::kBlockedConv2d (one group), [ceil(O / P)][ceil(I / lanes)][kh][kw][lanes of I][P].
std::vector<float> pack_conv2d_blocked(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors);
// Packing::kPlainConv2d, [groups][ceil(O / groups / P)][I / groups][kh][kw][P].
std::vector<float> pack_conv2d_plain(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors);
// Packing::kDepthwise (one input and one output channel per group), [ceil(O / lanes)][kh][kw][lanes].
std::vector<float> pack_conv2d_depthwise(const ConvWeight& weight, int64_t lanes);
// Packing::kWinograd (3x3, one group), [36][ceil(O / P)][ceil(I / lanes)][lanes of I][P]: U = G g G^T of each pair of
// channels, computed in double and rounded once.
std::vector<float> pack_conv2d_winograd(const ConvWeight& weight, int64_t lanes, int64_t panel_vectors);

// Floats of these forms, known before anything is packed.
int64_t packed_panels_size(int64_t depth, int64_t columns, int64_t lanes, int64_t panel_vectors);
int64_t packed_conv2d_size(Packing packing, const ConvWeight& weight, int64_t lanes, int64_t panel_vectors);
// The form that `packing` names.
std::vector<float> pack_conv2d(Packing packing, const ConvWeight& weight, int64_t lanes, int64_t panel_vectors);

// A bias or other operand with one number per channel, padded with zeros to a multiple of `lanes * panel_vectors`.
std::vector<float> pack_channels(std::span<const float> values, int64_t lanes, int64_t panel_vectors);
// The same for a kernel that splits output channels by group: each group's share is padded to whole panels.
std::vector<float> pack_group_channels(std::span<const float> values, int64_t groups, int64_t lanes,
                                       int64_t panel_vectors);
int64_t packed_channels_size(int64_t channels, int64_t groups, int64_t lanes, int64_t panel_vectors);

}  // namespace tsc::codegen
