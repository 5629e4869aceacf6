// Looks into a model file before LibTorch does, for LibTorch trusts what it reads: it crashes on deep nesting, and
// hands out foreign memory for a storage record that is shorter than its tensors.
#pragma once

#include <optional>
#include <string>

#include "compiler/diagnostic.h"

namespace tsc {

// Why the file is no TorchScript archive that may be loaded; nullopt when it is one.
std::optional<Diagnostic> check_archive(const std::string& path);

}  // namespace tsc
