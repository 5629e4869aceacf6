// Transposition of a square of lanes: floats of the target's vectors, or bytes.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

namespace detail {

template <class T, T... kIndex>
struct Interleave {
  // a0 b0 a1 b1 ... of the first and of the second halves of a and b.
  template <class V>
  static TSC_INLINE V low(V a, V b) {
    constexpr int kN = sizeof...(kIndex);
    return extension::shuffle<(kIndex % 2 * kN + kIndex / 2)...>(a, b);
  }
  template <class V>
  static TSC_INLINE V high(V a, V b) {
    constexpr int kN = sizeof...(kIndex);
    return extension::shuffle<(kIndex % 2 * kN + kN / 2 + kIndex / 2)...>(a, b);
  }
};

}  // namespace detail

// rows[i][j] becomes rows[j][i]. Interleaving row i with row i + n/2 rotates the bits of each element's (row, lane)
// index by one place; log2(n) such steps exchange the row's bits with the lane's.
template <class V, int kRows>
TSC_INLINE void transpose(V (&rows)[kRows]) {
  static_assert(kRows == kLanesOf<V>);
  if constexpr (kRows > 1) {
    using Step = MakeSequence<detail::Interleave, kRows>;
    TSC_UNROLL
    for (int step = 1; step < kRows; step *= 2) {
      V mixed[kRows];
      TSC_UNROLL
      for (int i = 0; i < kRows / 2; ++i) {
        mixed[2 * i] = Step::low(rows[i], rows[i + kRows / 2]);
        mixed[2 * i + 1] = Step::high(rows[i], rows[i + kRows / 2]);
      }
      TSC_UNROLL
      for (int i = 0; i < kRows; ++i) {
        rows[i] = mixed[i];
      }
    }
  }
}

}  // namespace tsc::kernels
