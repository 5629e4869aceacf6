// The caller's allocator: every block comes back with its size, and each allocation may fail.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/abi/tiny_library.h"

namespace {

struct Memory {
  std::map<void*, size_t> blocks;
  int allocations = 0;
  int refuse_from = -1;  // refuses this allocation and, when `forever`, all later ones
  bool forever = false;

  tsc_options options() {
    tsc_options result{};
    result.struct_size = sizeof result;
    result.allocator_user = this;
    result.allocate = [](void* user, size_t alignment, size_t bytes) -> void* {
      auto& self = *static_cast<Memory*>(user);
      const int number = self.allocations++;
      if (self.refuse_from >= 0 && (self.forever ? number >= self.refuse_from : number == self.refuse_from))
        return nullptr;
      void* block = std::aligned_alloc(alignment, bytes);
      self.blocks[block] = bytes;
      return block;
    };
    result.release = [](void* user, void* block, size_t bytes) {
      auto& self = *static_cast<Memory*>(user);
      EXPECT_EQ(self.blocks.count(block), 1u);
      EXPECT_EQ(self.blocks[block], bytes);
      self.blocks.erase(block);
      std::free(block);
    };
    return result;
  }
};

float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};

// Everything that a library does, once. Throws on the first failure.
void use_everything(const tsc::Library& library, const tsc_options& options) {
  const auto vector = [] { return tsc::tensor(data, {3}); };
  tsc::Model model = library.model("tiny", options);
  const tsc::Result y = model("forward")(tsc::tensor(data, {2, 4}), 2.0);
  EXPECT_EQ(y.tensor().data<float>()[5], 58);
  const tsc::Value features = tsc::dict({{"b", tsc::list({vector(), vector()})}, {"a", tsc::list({vector()})}});
  EXPECT_EQ(model("totals")(features)["b"].tensor().data<float>()[0], 2);
  EXPECT_EQ(model("shift")(tsc::object({1, 2}), -1)[1].to_string(), "backwards");
  EXPECT_EQ(model("echo")(tsc::list({1, "two", vector()})).size(), 3u);
  model("remember")(vector());
  EXPECT_EQ(model("accumulate")(vector())["total"].tensor().data<float>()[1], 4);
  tsc::Model copy = model.clone();
  copy.set_state("total", vector());
  EXPECT_EQ(copy.state("total").tensor().data<float>()[2], 3);
  copy.reset();
}

TEST(Memory, AllComesBack) {
  Memory memory;
  use_everything(tsc::Library(tiny_library(TSC_ABI_VERSION)), memory.options());
  EXPECT_GT(memory.allocations, 0);
  EXPECT_TRUE(memory.blocks.empty());
}

TEST(Memory, ARepeatedCallAllocatesOnlyItsResult) {
  Memory memory;
  const tsc_options options = memory.options();
  const tsc::Model model = tsc::Library(tiny_library(TSC_ABI_VERSION)).model("tiny", options);
  for (int i = 0; i < 3; ++i) model("forward")(tsc::tensor(data, {2, 4}), 2.0);
  const int before = memory.allocations;
  for (int i = 0; i < 100; ++i) model("forward")(tsc::tensor(data, {2, 4}), 2.0);
  EXPECT_LE(memory.allocations - before, 200);  // the result and its tensor
}

TEST(Memory, ResultsOutliveModels) {
  Memory memory;
  const tsc_options options = memory.options();
  {
    const tsc::Library library(tiny_library(TSC_ABI_VERSION));
    const tsc::Result y = [&] { return library.model("tiny", options)("forward")(tsc::tensor(data, {2, 4})); }();
    EXPECT_EQ(y.tensor().data<float>()[0], 1.5f);
  }
  EXPECT_TRUE(memory.blocks.empty());
}

TEST(Memory, EveryAllocationMayFail) {
  const tsc::Library library(tiny_library(TSC_ABI_VERSION));
  for (const bool forever : {false, true}) {
    int completed = 0;
    for (int refused = 0; completed < 3; ++refused) {
      ASSERT_LT(refused, 10000);
      Memory memory;
      memory.refuse_from = refused;
      memory.forever = forever;
      try {
        use_everything(library, memory.options());
        // A single failure is survived where a cache could be given back.
        if (memory.allocations <= refused) ++completed;
      } catch (const tsc::Error& error) {
        EXPECT_EQ(error.status(), TSC_OUT_OF_MEMORY) << error.what();
      }
      EXPECT_TRUE(memory.blocks.empty()) << "leak after allocation " << refused << " failed";
    }
  }
}

}  // namespace
