// Register tiles where a kernel, not the compiler's table (codegen/kernels.def), chooses them.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

// Vector registers that a tile may fill; of those of AArch64 Clang wants some for itself.
#if TSC_VECTOR_BYTES == 64
inline constexpr int kTileRegisters = 32;
#elif defined(__aarch64__)
inline constexpr int kTileRegisters = 26;
#else
inline constexpr int kTileRegisters = 16;
#endif

// Rows of a tile of kVectors vectors each: all accumulators, one row of the other operand and a broadcast fit.
template <int kVectors>
inline constexpr int kTileRows = kVectors == 1 ? 8 : (kTileRegisters - 1 - kVectors) / kVectors;

// Vectors of a tile for `columns` columns: the widest that leaves no rest, and enough rows.
constexpr int tile_vectors(isize columns) {
  const isize vectors = (columns + kLanes - 1) / kLanes;
  const int widest = kTileRegisters > 16 ? 4 : 3;
  for (int width = widest; width > 1; --width) {
    if (vectors % width == 0) return width;
  }
  return vectors > widest ? 2 : 1;
}

}  // namespace tsc::kernels
