// What an anchor does to each result just before it stores it.
//
// An epilogue is a functor that is written once for a value type V, a Vec of floats or a single float:
//   template <class V> V operator()(V acc, Position at) const;
// Kernels call it once for every element of the output, in any order and from any thread. When an epilogue reads
// another tensor of the output's shape and layout at `at.offset`, that tensor may be the output's own memory.
// Identity and Clamp are what kernels do in registers, without a second look at the tile; any other functor costs one
// pass over the tile in the first-level cache. A bias is no epilogue: kernels start their sums with it.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

struct Position {
  isize offset;   // of the first lane from the start of the output, in elements
  isize channel;  // of the first lane: the column of a product, the channel of an image; the operand bias[channel] must
                // be readable for all lanes, so per-channel operands of blocked outputs are padded to whole blocks
};

inline constexpr float kInfinity = __builtin_inff();

struct Identity {
  static constexpr float low = -kInfinity;
  static constexpr float high = kInfinity;
  template <class V>
  TSC_INLINE V operator()(V acc, Position) const {
    return acc;
  }
};

// relu is Clamp{0, kInfinity}, relu6 is Clamp{0, 6}. A NaN stays.
struct Clamp {
  float low;
  float high;
  template <class V>
  TSC_INLINE V operator()(V acc, Position) const {
    return min(max(acc, splat<V>(low)), splat<V>(high));
  }
};

template <class Epilogue>
inline constexpr bool kIsClamp = kSame<Epilogue, Identity> || kSame<Epilogue, Clamp>;

}  // namespace tsc::kernels
