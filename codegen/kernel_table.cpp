#include "codegen/kernel_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tsc::codegen {

namespace {

constexpr auto kRows = std::to_array<KernelRow>({
#define TSC_KERNEL(kernel, height, width, vectors, min_bytes, min_registers, packing) \
  {#kernel, height, width, vectors, min_bytes, min_registers, Packing::packing},
#include "codegen/kernels.def"
#undef TSC_KERNEL
});

// The machine of the cost model. Only ratios matter to a choice; the absolute numbers are for --report.
constexpr double kHertz = 3.5e9;
constexpr double kFmaPerCycle = 2;
constexpr double kLoadsPerCycle = 2;
constexpr double kFmaLatency = 4;
constexpr double kBytesPerCycle = 12;       // one core's stream from memory
constexpr double kColdBytesPerCycle = 8;    // the same for weights that exceed every cache
constexpr double kCacheBytesPerCycle = 28;  // one core\'s stream from its second-level cache
constexpr double kCyclesPerTile = 20;       // call, pointers, first loads

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool fits(const KernelRow& row, const KernelTarget& target) {
  return row.min_vector_bytes <= target.vector_bytes && row.min_registers <= target.registers;
}

// Cycles of one step over the depth of a tile with `pixels` rows of `vectors` vectors: arithmetic, loads of the weight
// row and of the broadcasts, and the latency of the sums when there are few (small tiles keep several partial sums).
double cycles_per_step(double pixels, double vectors) {
  const double fmas = pixels * vectors;
  const double partial_sums = fmas >= 8 ? 1 : fmas >= 4 ? 2 : 4;
  return std::max({fmas / kFmaPerCycle, (pixels + vectors) / kLoadsPerCycle, kFmaLatency / partial_sums});
}

// Cycles of a product over all tiles. Rows are split into equal blocks, as the kernels do.
double product_cycles(const KernelRow& row, const KernelTarget& target, const ProductShape& shape) {
  const auto vectors = static_cast<double>(row.tile_vectors);
  const int64_t blocks = ceil_div(shape.rows, row.tile_width);
  const int64_t panels = ceil_div(shape.columns, row.tile_vectors * target.lanes());
  const double rows_per_block = static_cast<double>(shape.rows) / static_cast<double>(blocks);
  const double step = cycles_per_step(rows_per_block, vectors);
  const double tile = step * static_cast<double>(shape.depth) + kCyclesPerTile + rows_per_block * vectors;
  const double weight_bytes = static_cast<double>(panels * row.tile_vectors * target.lanes() * shape.depth) * 4;
  // The input is read for each panel, mostly behind the arithmetic.
  constexpr double kNotHidden = 0.25;
  const double input_cycles = static_cast<double>(panels * shape.rows * shape.depth) * 4 / kCacheBytesPerCycle;
  const double cycles = tile * static_cast<double>(blocks * panels) + kNotHidden * input_cycles;
  return std::max(cycles, weight_bytes / kBytesPerCycle);
}

// The cheapest row of a kernel, the first of equals. Every kernel has a row that fits every target.
template <class Cost>
KernelChoice cheapest(const KernelTarget& target, std::string_view kernel, Cost cycles_of) {
  const KernelRow* best = nullptr;
  double best_cycles = 0;
  for (const KernelRow& row : kRows) {
    if (row.kernel != kernel || !fits(row, target)) continue;
    const double cycles = cycles_of(row);
    if (best != nullptr && target.is_bare) break;  // one tile for all, whose code is there once
    if (best == nullptr || cycles < best_cycles) {
      best = &row;
      best_cycles = cycles;
    }
  }
  return {.function = std::string(kernel),
          .header = "",
          .template_arguments = {best->tile_height, best->tile_width, best->tile_vectors},
          .packing = best->packing,
          .panel_vectors = best->tile_vectors,
          .seconds = best_cycles / kHertz};
}

KernelChoice select_product(const KernelTarget& target, const ProductShape& shape, std::string_view kernel) {
  KernelChoice choice =
      cheapest(target, kernel, [&](const KernelRow& row) { return product_cycles(row, target, shape); });
  choice.header = "runtime/kernels/gemm.h";
  choice.template_arguments.erase(choice.template_arguments.begin());
  // Where sizes are fixed, no code for more rows than there are.
  if (target.little_memory) choice.template_arguments[0] = std::min(choice.template_arguments[0], std::max<int64_t>(shape.rows, 1));
  return choice;
}

double multiply_adds(const Conv2dShape& s) {
  return static_cast<double>(s.batch * s.out_height * s.out_width * s.out_channels * s.kernel_height * s.kernel_width) *
         static_cast<double>(s.in_channels / s.groups);
}

// Cycles of a direct convolution whose tiles sum over `depth` products. Panels are counted per group.
double conv2d_cycles(const KernelRow& row, const KernelTarget& target, const Conv2dShape& shape, int64_t depth) {
  const auto vectors = static_cast<double>(row.tile_vectors);
  const int64_t panels = shape.groups * ceil_div(shape.out_channels / shape.groups, row.tile_vectors * target.lanes());
  const int64_t row_tiles = ceil_div(shape.out_height, row.tile_height);
  const int64_t column_tiles = ceil_div(shape.out_width, row.tile_width);
  const double tiles = static_cast<double>(shape.batch * panels * row_tiles * column_tiles);
  const double pixels =
      static_cast<double>(shape.batch * panels * shape.out_height * shape.out_width) / std::max(tiles, 1.0);
  // A panel of weights is read from the second-level cache for each tile.
  const double weight_bytes = vectors * static_cast<double>(target.lanes()) * 4;
  const double step = std::max(cycles_per_step(pixels, vectors), weight_bytes / kCacheBytesPerCycle);
  const double cycles = tiles * (step * static_cast<double>(depth) + kCyclesPerTile + pixels * vectors);
  return std::max(cycles, weight_bytes * static_cast<double>(panels * depth) / kBytesPerCycle);
}

KernelChoice select_plain(const KernelTarget& target, const Conv2dShape& shape, std::string_view kernel) {
  const int64_t depth = shape.in_channels / shape.groups * shape.kernel_height * shape.kernel_width;
  KernelChoice choice =
      cheapest(target, kernel, [&](const KernelRow& row) { return conv2d_cycles(row, target, shape, depth); });
  choice.header = "runtime/kernels/conv2d.h";
  choice.template_arguments.erase(choice.template_arguments.begin());
  return choice;
}

KernelChoice select_blocked(const KernelTarget& target, const Conv2dShape& shape) {
  const int64_t depth =
      ceil_div(shape.in_channels, target.lanes()) * target.lanes() * shape.kernel_height * shape.kernel_width;
  KernelChoice choice = cheapest(target, "conv2d_blocked",
                                 [&](const KernelRow& row) { return conv2d_cycles(row, target, shape, depth); });
  choice.header = "runtime/kernels/conv2d.h";
  choice.template_arguments.push_back(shape.stride_width <= 2 ? shape.stride_width : 0);
  return choice;
}

// Winograd's F(4, 3). Its 36 products per tile of 4x4 pixels stand against the direct form's 144; the transforms cost
// about 220 cycles per tile and block of channels, and every weight is read four times over.
struct WinogradWork {
  double tiles;
  double in_blocks, out_blocks;
};
WinogradWork winograd_work(const KernelTarget& target, const Conv2dShape& s) {
  return {static_cast<double>(s.batch * ceil_div(s.out_height, 4) * ceil_div(s.out_width, 4)),
          static_cast<double>(ceil_div(s.in_channels, target.lanes())),
          static_cast<double>(ceil_div(s.out_channels, target.lanes()))};
}

double winograd_cycles(const KernelRow& row, const KernelTarget& target, const Conv2dShape& s) {
  constexpr double kTransformCycles = 110;
  constexpr double kBlock = 28;  // tiles that are multiplied together, about
  const WinogradWork work = winograd_work(target, s);
  const auto lanes = static_cast<double>(target.lanes());
  const auto vectors = static_cast<double>(row.tile_vectors);
  const double block = std::min(work.tiles, kBlock);
  const double pieces = std::ceil(block / static_cast<double>(row.tile_width));
  const double step = cycles_per_step(block / pieces, vectors);
  const double panels = std::ceil(work.out_blocks / vectors);
  const double piece = step * work.in_blocks * lanes + kCyclesPerTile + block / pieces * vectors;
  const double products = 36 * panels * pieces * piece * work.tiles / block;
  const double transforms = work.tiles * (work.in_blocks + work.out_blocks) * kTransformCycles;
  const double weight_bytes = 36 * work.in_blocks * lanes * panels * vectors * lanes * 4;
  return std::max(products + transforms, weight_bytes / kColdBytesPerCycle);
}

// Whether the tiles are too few to make equal blocks for several threads; blocks are as conv2d_winograd.h makes them.
bool wants_stages(const KernelTarget& target, const Conv2dShape& s) {
  constexpr double kFloats = (512 << 10) / 4;
  const auto in = static_cast<double>(s.in_channels);
  const auto out = static_cast<double>(s.out_channels);
  const double tiles_per_block = std::max(kFloats / 36, in * out) / (in + out);
  return winograd_work(target, s).tiles <= 2 * tiles_per_block;
}

// nullopt where the direct form is as good.
std::optional<KernelChoice> select_winograd(const KernelTarget& target, const Conv2dShape& s, double direct_seconds) {
  if (s.kernel_height != 3 || s.kernel_width != 3 || s.stride_height != 1 || s.stride_width != 1) return std::nullopt;
  if (s.dilation_height != 1 || s.dilation_width != 1) return std::nullopt;
  // With few tiles the stream of weights, four times the direct form's, is all there is; and scalar targets are small.
  constexpr double kFewTiles = 8;
  if (winograd_work(target, s).tiles < kFewTiles || target.vector_bytes == 0 || target.little_memory) return std::nullopt;
  KernelChoice choice =
      cheapest(target, "conv2d_winograd", [&](const KernelRow& row) { return winograd_cycles(row, target, s); });
  constexpr double kWorthwhile = 0.85;
  if (choice.seconds > kWorthwhile * direct_seconds) return std::nullopt;
  if (wants_stages(target, s)) choice.function = "conv2d_winograd_staged";
  choice.header = "runtime/kernels/conv2d_winograd.h";
  choice.template_arguments.erase(choice.template_arguments.begin());
  return choice;
}

KernelChoice select_one_group(const KernelTarget& target, const Conv2dShape& shape) {
  const KernelChoice direct = select_blocked(target, shape);
  return select_winograd(target, shape, direct.seconds).value_or(direct);
}

KernelChoice select_depthwise(const KernelTarget& target, const Conv2dShape& s) {
  const bool square = s.kernel_height == s.kernel_width && s.stride_height == s.stride_width &&
                      s.dilation_height == 1 && s.dilation_width == 1;
  const bool special = square && (s.kernel_width == 3 || s.kernel_width == 5) && s.stride_width <= 2;
  KernelChoice choice = cheapest(target, "conv2d_depthwise", [&](const KernelRow& row) {
    const double loads_per_pixel = 1.0 + 1.0 / static_cast<double>(row.tile_width);  // neighbours share their inputs
    return multiply_adds(s) / static_cast<double>(target.lanes()) / kFmaPerCycle * loads_per_pixel;
  });
  choice.header = "runtime/kernels/conv2d_depthwise.h";
  const int64_t tile_width = choice.template_arguments[1];
  choice.template_arguments = {tile_width, special ? s.kernel_width : 0, special ? s.stride_width : 0};
  return choice;
}

}  // namespace

std::span<const KernelRow> kernel_rows() { return kRows; }

int64_t registers_needed(const KernelRow& row) {
  return row.tile_height * row.tile_width * row.tile_vectors + row.tile_vectors + 1;
}

std::string KernelChoice::name() const { return fmt::format("{}<{}>", function, fmt::join(template_arguments, ", ")); }

KernelChoice select_linear(const KernelTarget& target, const ProductShape& shape) {
  return select_product(target, shape, "linear");
}

KernelChoice select_matmul(const KernelTarget& target, const ProductShape& shape) {
  return select_product(target, shape, "matmul");
}

std::optional<KernelChoice> select_conv2d(const KernelTarget& target, const Conv2dShape& shape, Conv2dLayouts layouts) {
  const bool depthwise = shape.groups > 1 && shape.groups == shape.in_channels && shape.groups == shape.out_channels;
  switch (layouts) {
    case Conv2dLayouts::kPlainToPlain:
      return select_plain(target, shape, "conv2d_plain");
    case Conv2dLayouts::kPlainToBlocked:
      if (shape.groups != 1) return std::nullopt;
      return select_plain(target, shape, "conv2d_plain_to_blocked");
    case Conv2dLayouts::kBlockedToBlocked:
      if (depthwise) return select_depthwise(target, shape);
      if (shape.groups != 1) return std::nullopt;
      return select_one_group(target, shape);
  }
  return std::nullopt;
}

}  // namespace tsc::codegen
