#include "codegen/kernel_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

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
constexpr double kBytesPerCycle = 12;  // one core's stream from memory
constexpr double kCyclesPerTile = 20;  // call, pointers, first loads

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
  return std::max(tile * static_cast<double>(blocks * panels), weight_bytes / kBytesPerCycle);
}

KernelChoice select_product(const KernelTarget& target, const ProductShape& shape, std::string_view kernel) {
  const KernelRow* best = nullptr;
  double best_cycles = 0;
  for (const KernelRow& row : kRows) {
    if (row.kernel != kernel || !fits(row, target)) continue;
    const double cycles = product_cycles(row, target, shape);
    if (best == nullptr || cycles < best_cycles) {
      best = &row;
      best_cycles = cycles;
    }
  }
  return {.function = std::string(kernel),
          .header = "runtime/kernels/gemm.h",
          .template_arguments = {best->tile_width, best->tile_vectors},
          .packing = best->packing,
          .panel_vectors = best->tile_vectors,
          .seconds = best_cycles / kHertz};
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

}  // namespace tsc::codegen
