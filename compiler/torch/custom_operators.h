// Operators that neither PyTorch nor tsc has: a library of the user's own defined them when the file was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tsc {

inline constexpr std::string_view kCustomOperatorAdvice =
    "it is a custom operator, whose code isn't in the file: write it with PyTorch's own ops";

// Tells LibTorch of those that the code of a `.pt` file names, so that it reads the file: a place that isn't reached
// (`if self.training:`) may hold them, and those that are left are refused with their lines. A file has no schemas:
// any arguments, as many tensors as the code unpacks, and side effects. Names of all that are unknown, "space::name".
std::vector<std::string> define_custom_operators(const std::string& path);

}  // namespace tsc
