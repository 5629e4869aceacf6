// What --report prints: how each op of the models runs, and how many bytes the library holds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "codegen/emit.h"

namespace tsc {

struct LibrarySize {
  size_t file_bytes = 0;
  size_t code_bytes = 0;
  // Of freestanding programs, whose bytes are counted: constants beside the weights.
  std::optional<size_t> constant_bytes = {};
};

std::string format_report(const std::vector<codegen::EmittedModel>& models, const LibrarySize& size);

}  // namespace tsc
