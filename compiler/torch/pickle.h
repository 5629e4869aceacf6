// Reads a pickle of a TorchScript archive without building its objects: only the opcodes that LibTorch's own pickler
// writes, every length checked against what is there, nesting limited. Collects the storages that its tensors need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tsc {

struct StorageNeed {
  std::string key;  // the record's name below "data/" or "constants/"
  int64_t bytes;
};

// The needs, or what is wrong with the pickle.
std::variant<std::vector<StorageNeed>, std::string> scan_pickle(std::string_view bytes);

}  // namespace tsc
