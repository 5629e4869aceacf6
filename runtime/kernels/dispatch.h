// Turns small run-time numbers into template arguments.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

namespace detail {

template <class T, T... kValues>
struct Sequence {
  template <class F>
  static TSC_INLINE void call([[maybe_unused]] i64 n, [[maybe_unused]] F f) {
    // Clang makes one jump table of the chain of comparisons.
    (void)((n == kValues + 1 && (f.template operator()<kValues + 1>(), true)) || ...);
  }
};

}  // namespace detail

// Calls f.operator()<n>() for 1 <= n <= kMax.
template <int kMax, class F>
TSC_INLINE void dispatch(i64 n, F f) {
  MakeSequence<detail::Sequence, kMax>::call(n, f);
}

TSC_INLINE constexpr i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }
TSC_INLINE constexpr i64 round_up(i64 a, i64 b) { return ceil_div(a, b) * b; }
TSC_INLINE constexpr i64 smaller(i64 a, i64 b) { return a < b ? a : b; }
TSC_INLINE constexpr i64 larger(i64 a, i64 b) { return a > b ? a : b; }

// Piece `index` of `pieces` nearly equal pieces of [0, size): sizes differ by one at most, so that no piece is a stub.
struct Piece {
  i64 begin;
  i64 end;
  constexpr i64 size() const { return end - begin; }
};
TSC_INLINE constexpr Piece piece_of(i64 size, i64 pieces, i64 index) {
  return {size * index / pieces, size * (index + 1) / pieces};
}

}  // namespace tsc::kernels
