#include "passes/passes.h"

#include <algorithm>
#include <iterator>

namespace tsc::passes {

static constexpr Pass kPasses[] = {
#define TSC_PASS(name, contract) {#name, name, contract},
#include "passes/passes.def"
#undef TSC_PASS
};

std::span<const Pass> all_passes() { return kPasses; }

const Pass* find_pass(std::string_view name) {
  const Pass* found = std::ranges::find(kPasses, name, &Pass::name);
  return found == std::end(kPasses) ? nullptr : found;
}

}  // namespace tsc::passes
