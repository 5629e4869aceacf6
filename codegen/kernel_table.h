// Which kernel, with which register tile, does a contraction or a convolution: kernels.def as data, and a cost model
// that picks a row for given shapes and target.
//
// A choice names a function template of runtime/kernels/ and its template arguments, and the form in which that
// kernel wants its weight (pack.h makes it). Choices depend on facts that hold for all sizes (channels, kernel,
// stride, target) and on hints (batch, rows, image size): code from a choice is right for every size, and the static
// and the general version of a model share one choice and therefore one packed weight.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tsc::codegen {

// What kernels need to know of a target.
struct KernelTarget {
  int64_t vector_bytes = 64;  // 0: scalar code
  int64_t registers = 32;     // vector registers
  int64_t l2_bytes = 1 << 20;
  bool is_bare = false;        // code counts, too
  bool little_memory = false;  // weights and scratch memory count more than time

  // Floats of a vector, which is also the channel block of Layout::kBlocked.
  int64_t lanes() const { return vector_bytes >= 8 ? vector_bytes / 4 : 1; }
};

// Forms of a packed weight; pack.h says what each is.
enum class Packing : uint8_t { kNone, kPanels, kBlockedConv2d, kPlainConv2d, kDepthwise, kWinograd };

// A row of kernels.def.
struct KernelRow {
  std::string_view kernel;  // the function template
  int64_t tile_height;      // rows of output pixels per register tile; 1 for contractions
  int64_t tile_width;       // output pixels in a row, or rows of a product
  int64_t tile_vectors;     // vectors of output channels, or columns of a product
  int64_t min_vector_bytes;
  int64_t min_registers;
  Packing packing;
};
std::span<const KernelRow> kernel_rows();
// Vector registers that a row's accumulators, one row of weights and one broadcast input fill.
int64_t registers_needed(const KernelRow& row);

struct KernelChoice {
  std::string function;                     // "linear", in namespace tsc::kernels
  std::string header;                       // "kernels/gemm.h", below runtime/
  std::vector<int64_t> template_arguments;  // {6, 4}
  Packing packing = Packing::kNone;
  int64_t panel_vectors = 1;  // NV of the packed weight
  double seconds = 0;         // estimate of one thread's time at the hints, for --report

  std::string name() const;  // "linear<6, 4>"
};

struct ProductShape {
  int64_t rows, columns, depth;  // rows is a hint
};
// input [rows, depth] times a constant weight: `linear<MR, NV>`, Packing::kPanels.
KernelChoice select_linear(const KernelTarget& target, const ProductShape& shape);
// Neither operand is constant: `matmul<MR, NV>`, which packs at run time. All three sizes are hints.
KernelChoice select_matmul(const KernelTarget& target, const ProductShape& shape);

struct Conv2dShape {
  int64_t batch, in_height, in_width, out_height, out_width;  // hints
  int64_t in_channels, out_channels, groups;
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  int64_t pad_height, pad_width, dilation_height, dilation_width;
};
// A choice's function and how it is called (p is a tsc::kernels::Conv2d, t the template arguments, `weight` is what
// pack.h makes for `packing`, `epilogue` a functor as runtime/kernels/epilogue.h says):
//   conv2d_blocked, conv2d_depthwise:
//     f<t>(p, input, weight, bias, output, epilogue, begin, end) over f_work_items<t>(p)
//   conv2d_plain, conv2d_plain_to_blocked, conv2d_winograd:
//     f<t>(p, input, weight, bias, output, epilogue, scratch, begin, end) over f_work_items<t>(p), where each range has
//     scratch memory of its own of f_scratch_bytes<t>(p)
//   conv2d_winograd_staged, for each stage from 0 to kWinogradStages - 1, one after the other:
//     f<t>(p, stage, input, weight, bias, output, epilogue, scratch, begin, end) over f_work_items<t>(p, stage), where
//     all ranges and stages share scratch memory of f_scratch_bytes<t>(p)
// The bias is pack_channels(bias, lanes, panel_vectors), for conv2d_plain pack_group_channels; null where there is
// none.
enum class Conv2dLayouts : uint8_t { kPlainToPlain, kPlainToBlocked, kBlockedToBlocked };
// The best kernel for given layouts; nullopt when no kernel takes them (kPlainToPlain always has one). With
// kBlockedToBlocked the input's halo must be at least the padding.
std::optional<KernelChoice> select_conv2d(const KernelTarget& target, const Conv2dShape& shape, Conv2dLayouts layouts);

}  // namespace tsc::codegen
