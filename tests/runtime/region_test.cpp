// What emitted code asks of a region's inputs, and the region's memory.
#include <gtest/gtest.h>

#include "runtime/core/arena.h"
#include "runtime/core/checks.h"

namespace tsc {
namespace {

TEST(Arena, CutsOneBlockIntoAlignedSlots) {
  Context ctx;
  {
    Arena<3> arena(ctx, {100, 0, 64});
    ASSERT_TRUE(ctx.ok());
    const auto guard = static_cast<std::ptrdiff_t>(kGuardBytes);  // behind each slot, for AddressSanitizer
    EXPECT_EQ(arena.slot<char>(1) - arena.slot<char>(0), 128 + guard);
    EXPECT_EQ(arena.slot<char>(2) - arena.slot<char>(1), guard);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.slot<float>(2)) % kAlignment, 0u);
    arena.slot<char>(2)[63] = 1;
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Arena, FailsOnSizesThatNoMemoryHolds) {
  for (const i64 bytes : {i64{-1}, INT64_MAX, i64{1} << 50}) {
    Context ctx;
    Arena<2> arena(ctx, {bytes, 64});
    EXPECT_EQ(ctx.error().kind, ErrorKind::kOutOfMemory);
  }
}

TEST(Checks, SizesRoundAsPython) {
  EXPECT_EQ(floor_div(-7, 2), -4);
  EXPECT_EQ(floor_div(7, -2), -4);
  EXPECT_EQ(floor_div(-8, 2), -4);
  EXPECT_EQ(floor_mod(-7, 2), 1);
  EXPECT_EQ(floor_mod(7, -2), -1);
  EXPECT_EQ(broadcast_size(1, 5), 5);
  EXPECT_EQ(broadcast_size(5, 1), 5);
}

const char* message_of(const Context& ctx) { return ctx.ok() ? "" : ctx.error().message; }

TEST(Checks, NameWhatIsWrong) {
  Context good;
  const Tensor x = Tensor::empty(good, DType::kFloat32, dims(2, 3));
  const Tensor scalar = Tensor::empty(good, DType::kFloat32, dims());
  check_dtype(good, x, "x", DType::kFloat32);
  check_sizes<2>(good, x, "x", {-1, 3});
  check_sizes<0>(good, scalar, "s");
  check_size(good, 3, "x", 1, 3);
  check_broadcast(good, 3, 1);
  EXPECT_TRUE(good.ok());

  Context dtype, rank, size, no_rank, other, broadcast, undefined;
  check_dtype(dtype, x, "x", DType::kInt64);
  EXPECT_STREQ(message_of(dtype), "input x must be int64, not float32");
  check_sizes<3>(rank, x, "x", {-1, -1, -1});
  EXPECT_STREQ(message_of(rank), "input x must have 3 dimensions, not 2");
  check_sizes<2>(size, x, "x", {-1, 4});
  EXPECT_STREQ(message_of(size), "input x must have size 4 in dimension 1, not 3");
  check_sizes<0>(no_rank, x, "x");
  EXPECT_STREQ(message_of(no_rank), "input x must have no dimensions");
  check_size(other, 3, "x", 1, 5);
  EXPECT_STREQ(message_of(other), "input x must have size 5 in dimension 1, not 3");
  check_broadcast(broadcast, 3, 2);
  EXPECT_EQ(broadcast.error().kind, ErrorKind::kShape);
  check_dtype(undefined, Tensor(), "x", DType::kFloat32);
  EXPECT_EQ(undefined.error().kind, ErrorKind::kType);
}

}  // namespace
}  // namespace tsc
