// Emitted source as clang-format leaves it.
#pragma once

#include <string>

namespace tsc::codegen {

// Google's style, 120 columns. Text that can't be parsed comes back as it is.
std::string format_source(const std::string& text);
// What a .clang-format file beside the source says, so that the tool agrees.
std::string format_settings();

}  // namespace tsc::codegen
