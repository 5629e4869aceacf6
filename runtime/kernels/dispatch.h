// Turns small run-time numbers into template arguments.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

namespace detail {

template <class T, T... kValues>
struct Sequence {
  template <class F>
  static TSC_INLINE void call([[maybe_unused]] isize n, [[maybe_unused]] F f) {
    // Clang makes one jump table of the chain of comparisons.
    (void)((n == kValues + 1 && (f.template operator()<kValues + 1>(), true)) || ...);
  }
};

}  // namespace detail

// Calls f.operator()<n>() for 1 <= n <= kMax.
template <int kMax, class F>
TSC_INLINE void dispatch(isize n, F f) {
  MakeSequence<detail::Sequence, kMax>::call(n, f);
}

TSC_INLINE constexpr isize ceil_div(isize a, isize b) { return (a + b - 1) / b; }
TSC_INLINE constexpr isize round_up(isize a, isize b) { return ceil_div(a, b) * b; }
TSC_INLINE constexpr isize smaller(isize a, isize b) { return a < b ? a : b; }
TSC_INLINE constexpr isize larger(isize a, isize b) { return a > b ? a : b; }

// Piece `index` of `pieces` nearly equal pieces of [0, size): sizes differ by one at most, so that no piece is a stub.
struct Piece {
  isize begin;
  isize end;
  constexpr isize size() const { return end - begin; }
};
TSC_INLINE constexpr Piece piece_of(isize size, isize pieces, isize index) {
  return {size * index / pieces, size * (index + 1) / pieces};
}

}  // namespace tsc::kernels
