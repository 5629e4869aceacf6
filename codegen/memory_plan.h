// Places in one block of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tsc::codegen {

// Needed from one moment to another, both included.
struct PlannedBlock {
  int64_t bytes = 0;
  size_t first = 0, last = 0;
  int64_t offset = 0;  // what plan_memory finds
};

// Gives each block a place that no other has at the same time, and returns the bytes that all of them take. Offsets and
// bytes are multiples of `alignment`.
int64_t plan_memory(std::span<PlannedBlock> blocks, int64_t alignment);

}  // namespace tsc::codegen
