// The source files that are built into the compiler: the runtime, which emitted code includes and which ships with it,
// and the standard headers that a compiler must bring. Text lives as long as the process.
#pragma once

#include <string_view>
#include <vector>

namespace tsc::codegen {

struct EmbeddedFile {
  std::string_view name;  // relative to the folder: "core/tensor.h"
  std::string_view text;  // a zero byte follows it
};

// The folder runtime/: include/, core/, ops/, kernels/.
const std::vector<EmbeddedFile>& runtime_files();
// What sources of devices include, by its path from the project's folder.
const std::vector<EmbeddedFile>& device_files();
// <stddef.h> and its like, as Clang's users get them from Clang's resource folder.
const std::vector<EmbeddedFile>& freestanding_headers();

}  // namespace tsc::codegen
