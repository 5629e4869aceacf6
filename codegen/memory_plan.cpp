#include "codegen/memory_plan.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tsc::codegen {

// The largest first; each goes into the lowest gap that has room for it.
int64_t plan_memory(std::span<PlannedBlock> blocks, int64_t alignment) {
  const auto rounded = [&](int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
  std::vector<PlannedBlock*> order;
  for (PlannedBlock& block : blocks) order.push_back(&block);
  std::ranges::sort(order, {}, [&](const PlannedBlock* b) { return std::pair(-b->bytes, b - blocks.data()); });
  std::vector<const PlannedBlock*> placed;  // by their offsets
  int64_t total = 0;
  for (PlannedBlock* block : order) {
    int64_t offset = 0;
    for (const PlannedBlock* other : placed) {
      if (block->first > other->last || other->first > block->last) continue;
      if (offset + rounded(block->bytes) <= other->offset) break;
      offset = std::max(offset, other->offset + rounded(other->bytes));
    }
    block->offset = offset;
    placed.insert(std::ranges::upper_bound(placed, offset, {}, &PlannedBlock::offset), block);
    total = std::max(total, offset + rounded(block->bytes));
  }
  return total;
}

}  // namespace tsc::codegen
