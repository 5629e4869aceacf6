#include "runtime/core/context.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tsc {
namespace {

// Counts blocks and can refuse one.
struct CountingHost {
  std::map<void*, size_t> blocks;
  int allocations = 0;
  int refuse = -1;  // the allocation to refuse
  Host host;

  CountingHost() {
    host.allocator = {[](void* user, size_t alignment, size_t bytes) -> void* {
                        auto& self = *static_cast<CountingHost*>(user);
                        if (self.allocations++ == self.refuse) return nullptr;
                        void* block = std::aligned_alloc(alignment, bytes);
                        self.blocks[block] = bytes;
                        return block;
                      },
                      [](void* user, void* block, size_t bytes) {
                        auto& self = *static_cast<CountingHost*>(user);
                        EXPECT_EQ(self.blocks[block], bytes);
                        self.blocks.erase(block);
                        std::free(block);
                      },
                      this};
  }
};

TEST(SizeClass, CoversEverySizeWithAtMostAQuarterUnused) {
  int last = -1;
  for (size_t bytes = 0; bytes < 100000; ++bytes) {
    const SizeClass size = SizeClass::of(bytes);
    ASSERT_GE(size.bytes, bytes);
    ASSERT_LE(size.bytes, bytes + bytes / 4 + 64);
    ASSERT_EQ(size.bytes % kAlignment, 0u);
    ASSERT_EQ(SizeClass::bytes_of(size.index), size.bytes);
    ASSERT_TRUE(size.index == last || size.index == last + 1);
    last = size.index;
  }
  for (int shift = 17; shift <= 46; ++shift) {
    const SizeClass size = SizeClass::of(size_t{1} << shift);
    ASSERT_EQ(size.bytes, size_t{1} << shift);
    ASSERT_EQ(SizeClass::bytes_of(size.index), size.bytes);
    ASSERT_LT(size.index, SizeClass::kCount);
  }
}

TEST(Context, ReusesBlocksAndReturnsThemAll) {
  CountingHost counting;
  {
    Context ctx(counting.host);
    void* first = ctx.allocate(1000);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % kAlignment, 0u);
    ctx.free(first, 1000);
    EXPECT_EQ(ctx.allocate(990), first);
    EXPECT_EQ(counting.allocations, 1);
    ctx.free(first, 990);
    EXPECT_EQ(ctx.live_bytes(), 0u);
  }
  EXPECT_TRUE(counting.blocks.empty());
}

TEST(Context, GivesBackWhatCallsOfItsSizeDoNotNeed) {
  CountingHost counting;
  Context ctx(counting.host);
  for (size_t bytes = size_t{1} << 20; bytes < size_t{1} << 26; bytes *= 2) ctx.free(ctx.allocate(bytes), bytes);
  ctx.end_call();
  for (int i = 0; i < 40; ++i) {
    ctx.free(ctx.allocate(100), 100);
    ctx.end_call();
  }
  EXPECT_LE(counting.blocks.size(), 1u);
}

TEST(Context, FailsOnceWithTheFirstErrorAndItsPosition) {
  Context ctx;
  ctx.at(7);
  ctx.fail(ErrorKind::kIndex, "index %d", 3);
  ctx.at(8);
  ctx.fail(ErrorKind::kValue, "later");
  EXPECT_FALSE(ctx.ok());
  EXPECT_EQ(ctx.error().kind, ErrorKind::kIndex);
  EXPECT_STREQ(ctx.error().message, "index 3");
  EXPECT_EQ(ctx.error().source, 7);
  ctx.clear_error();
  EXPECT_TRUE(ctx.ok());
  const std::string text(5000, 'x');
  ctx.raise("ValueError", text.data(), 5000);
  EXPECT_EQ(std::string(ctx.error().message).size(), Error::kMessageBytes - 1);
  EXPECT_STREQ(ctx.error().class_name, "ValueError");
}

TEST(Context, ReportsOutOfMemory) {
  CountingHost counting;
  Context ctx(counting.host);
  counting.refuse = 0;
  void* block = ctx.allocate(64);  // the second try succeeds: a cache may have been given back
  EXPECT_NE(block, nullptr);
  ctx.free(block, 64);
  EXPECT_EQ(ctx.allocate(size_t{1} << 60), nullptr);
  EXPECT_EQ(ctx.error().kind, ErrorKind::kOutOfMemory);
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Context, LimitsRecursion) {
  Context ctx;
  int depth = 0;
  while (ctx.enter()) ++depth;
  EXPECT_EQ(depth, 1000);
  EXPECT_EQ(ctx.error().kind, ErrorKind::kRuntime);
}

TEST(ParallelFor, CoversEachIndexOnceForEveryThreadCount) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    Host host;
    host.parallel = pool.parallel();
    Context ctx(host);
    for (const i64 count : {0, 1, 2, 7, 100, 1001}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
      std::atomic<int> ranges = 0;
      ctx.parallel_for(count, 2, [&](i64 begin, i64 end) {
        ++ranges;
        for (i64 i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      for (const auto& times : seen) ASSERT_EQ(times, 1);
      EXPECT_LE(ranges, threads);
    }
  }
}

TEST(ThreadPool, RunsManyJobsInOrder) {
  ThreadPool pool(4);
  i64 sums[4] = {};
  for (int job = 0; job < 20000; ++job) {
    pool.run(4, [](void* data, i64 part) { static_cast<i64*>(data)[part] += part + 1; }, sums);
  }
  for (i64 part = 0; part < 4; ++part) EXPECT_EQ(sums[part], 20000 * (part + 1));
}

TEST(ThreadPool, WakesUpAfterSleeping) {
  ThreadPool pool(2);
  for (int i = 0; i < 5; ++i) {
    std::atomic<int> done = 0;
    pool.run(2, [](void* data, i64) { ++*static_cast<std::atomic<int>*>(data); }, &done);
    EXPECT_EQ(done, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// The CPUs that the pool's worker may run on, as it says itself in a job that both threads take part in; after it has
// slept.
std::set<int> cpus_of_worker(ThreadPool& pool) {
  struct Job {
    std::atomic<int> begun = 0;
    std::thread::id caller = std::this_thread::get_id();
    cpu_set_t cpus;
  } job;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto body = [](void* data, i64) {
    Job& j = *static_cast<Job*>(data);
    ++j.begun;
    while (j.begun < 2) std::this_thread::yield();
    if (std::this_thread::get_id() != j.caller) sched_getaffinity(0, sizeof j.cpus, &j.cpus);
  };
  pool.run(2, body, &job);
  std::set<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &job.cpus)) cpus.insert(cpu);
  }
  return cpus;
}

TEST(ThreadPool, WorkersAreKeptOffTheCallersCpu) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "this process may run on one CPU only";
  std::set<int> all;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) all.insert(cpu);
  }
  ThreadPool pool(2);
  cpus_of_worker(pool);  // starts it
  for (const int cpu : {*all.begin(), *all.rbegin(), *all.begin()}) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ASSERT_EQ(sched_setaffinity(0, sizeof only, &only), 0);
    std::set<int> others = all;
    others.erase(cpu);
    EXPECT_EQ(cpus_of_worker(pool), others);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<i64> total = 0;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        pool.run(3, [](void* data, i64 part) { *static_cast<std::atomic<i64>*>(data) += part; }, &total);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 2000 * 3);
}

}  // namespace
}  // namespace tsc
