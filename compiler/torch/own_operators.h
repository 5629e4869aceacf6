// The ops "tsc::..." of the op table, which PyTorch doesn't have: what decompositions need and its ops can't say well.
#pragma once

#include <string_view>

namespace tsc {

// Tells LibTorch of them, once: their schemas, and what they compute, which the runtime's functions equal. And of the
// schemas of torchvision's operators, so that files with them load: those with a decomposition compile.
void define_own_operators();

inline constexpr std::string_view kVisionNamespace = "torchvision";

}  // namespace tsc
