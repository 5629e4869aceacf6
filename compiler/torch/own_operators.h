// The ops "tsc::..." of the op table, which PyTorch doesn't have: what decompositions need and its ops can't say well.
#pragma once

namespace tsc {

// Tells LibTorch of them, once: their schemas, and what they compute, which the runtime's functions equal.
void define_own_operators();

}  // namespace tsc
