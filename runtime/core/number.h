// Arithmetic of TorchScript's numbers that cannot fail.
#pragma once

#include "runtime/core/compiler.h"
#include "runtime/core/types.h"

namespace tsc {

// Arithmetic of TorchScript's ints, which wrap around.
TSC_INLINE i64 wrap_add(i64 a, i64 b) { return static_cast<i64>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
TSC_INLINE i64 wrap_sub(i64 a, i64 b) { return static_cast<i64>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); }
TSC_INLINE i64 wrap_mul(i64 a, i64 b) { return static_cast<i64>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }

// Whole quotients and their rest, with Python's rounding.
constexpr i64 floor_div(i64 a, i64 b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
constexpr i64 floor_mod(i64 a, i64 b) { return a - b * floor_div(a, b); }

// What int() makes of a float; of one that no int is near, the least.
TSC_INLINE i64 truncate(double x) {
  return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? static_cast<i64>(x) : INT64_MIN;
}

// The length of range(begin, end, step), for a step that is not 0.
constexpr i64 range_length(i64 begin, i64 end, i64 step) {
  if (step > 0) return end > begin ? (end - begin + step - 1) / step : 0;
  return begin > end ? (begin - end - step - 1) / -step : 0;
}

}  // namespace tsc
