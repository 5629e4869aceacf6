// What an anchor does to each result just before it stores it.
//
// An epilogue is a functor that is written once for a value type V, a Vec of floats or a single float:
//   template <class V> V operator()(V acc, Position at) const;
// Kernels call it once for every element of the output, in any order and from any thread. When an epilogue reads
// another tensor of the output's shape and layout at `at.offset`, that tensor may be the output's own memory.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

struct Position {
  i64 offset;   // of the first lane from the start of the output, in elements
  i64 channel;  // of the first lane: the column of a product, the channel of an image; the operand bias[channel] must
                // be readable for all lanes, so per-channel operands of blocked outputs are padded to whole blocks
};

struct Identity {
  template <class V>
  V operator()(V acc, Position) const {
    return acc;
  }
};

template <class Epilogue>
inline constexpr bool kIsIdentity = kSame<Epilogue, Identity>;

}  // namespace tsc::kernels
