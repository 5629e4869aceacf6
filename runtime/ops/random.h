// Random numbers from the context's stream.
#pragma once

#include "runtime/core/context.h"

namespace tsc::ops {

// Uniform in [0, 1), with 53 bits.
inline double random_uniform(Context& ctx) { return static_cast<double>(ctx.random_bits() >> 11) * 0x1p-53; }

// Normal with mean 0 and deviation 1 (Box and Muller).
inline double random_normal(Context& ctx) {
  const double u = 1.0 - random_uniform(ctx);
  return __builtin_sqrt(-2.0 * __builtin_log(u)) * __builtin_cos(6.283185307179586 * random_uniform(ctx));
}

}  // namespace tsc::ops
