// LibTorch's thread pool spins; tests that run side by side must not fight for the cores.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

class OneThread : public testing::Environment {
  void SetUp() override { at::set_num_threads(1); }
};
[[maybe_unused]] const testing::Environment* const kOneThread = testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
