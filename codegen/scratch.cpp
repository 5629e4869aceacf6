#include "codegen/scratch.h"

#include <algorithm>

#include "codegen/layout.h"

namespace tsc::codegen {

using namespace ir;

namespace {

constexpr int64_t kFloatBytes = 4;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Inputs that `outputs` pixels of a convolution reach.
int64_t reach(int64_t outputs, int64_t stride, int64_t kernel, int64_t dilation) {
  return (outputs - 1) * stride + (kernel - 1) * dilation + 1;
}

// A band of the input, as bands_of in conv2d.h has it.
int64_t conv2d_floats(const Conv2dShape& s) {
  constexpr int64_t kColumns = 256, kRows = 4, kFloats = 32 << 10;
  const int64_t width =
      reach(ceil_div(s.out_width, ceil_div(s.out_width, kColumns)), s.stride_width, s.kernel_width, s.dilation_width);
  const int64_t channels = s.in_channels / s.groups;
  const auto height = [&](int64_t rows) { return reach(rows, s.stride_height, s.kernel_height, s.dilation_height); };
  int64_t rows = std::min(kRows, s.out_height);
  while (rows > 1 && channels * width * height(rows) > kFloats) --rows;
  return channels * width * height(ceil_div(s.out_height, ceil_div(s.out_height, rows)));
}

// A panel of b, and a where its rows are not contiguous.
int64_t matmul_floats(const std::vector<Dim>& a, const Dim& a_column_stride, int64_t panel_floats) {
  const int64_t rows = *a[a.size() - 2].constant(), depth = *a.back().constant();
  return depth * panel_floats + (a_column_stride.is_constant(1) ? 0 : rows * depth);
}

// Keys in panels, values in whole vectors, and a block's scores; the tile is that of runtime/kernels/tile.h.
int64_t attention_floats(const Target& target, int64_t queries, int64_t keys, int64_t depth, int64_t value_depth) {
  const int64_t lanes = kernel_target(target).lanes();
  const int64_t registers = target.vector_bytes == 64 ? 32 : target.triple.starts_with("aarch64") ? 26 : 16;
  const int64_t widest = registers > 16 ? 4 : 3, wanted = ceil_div(value_depth, lanes);
  int64_t vectors = wanted > widest ? 2 : 1;
  for (int64_t width = 2; width <= widest; ++width) {
    if (wanted % width == 0) vectors = width;
  }
  const int64_t rows = vectors == 1 ? 8 : (registers - 1 - vectors) / vectors;
  const int64_t panels = ceil_div(keys, vectors * lanes);
  const int64_t packed_keys = queries > 2 ? panels * vectors * lanes * depth : 0;
  const int64_t values = value_depth % lanes == 0 ? 0 : ceil_div(value_depth, lanes) * lanes * keys;
  return ceil_div(packed_keys + values, 16) * 16 + rows * (panels * vectors + 1) * lanes;
}

}  // namespace

int64_t scratch_bytes(const Target& target, const Graph& graph, const Node& node,
                      const std::map<ValueId, passes::Address>& addresses) {
  const auto dims = [&](ValueId id) -> const std::vector<Dim>& { return graph.value(id).type.tensor.dims; };
  switch (node.op) {
    case Op::conv2d: {
      const std::string function = kernel_of(node).function;
      return function.starts_with("conv2d_plain") ? conv2d_floats(conv2d_shape(graph, node)) * kFloatBytes : 0;
    }
    case Op::matmul:
    case Op::bmm:
    case Op::mm: {
      const int64_t panel = kernel_of(node).panel_vectors * kernel_target(target).lanes();
      return matmul_floats(dims(node.inputs[0]), addresses.at(node.inputs[0]).strides.back(), panel) * kFloatBytes;
    }
    case Op::scaled_dot_product_attention:
    case Op::softmax_attention: {
      const auto size = [&](const char* name, size_t axis) {
        return *dims(node.inputs[input_index(node.op, name)])[axis].constant();
      };
      return attention_floats(target, size("query", 2), size("value", 2), size("query", 3), size("value", 3)) *
             kFloatBytes;
    }
    default:
      return 0;
  }
}

}  // namespace tsc::codegen
