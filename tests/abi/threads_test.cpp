// One instance, many threads; the life of models while others run.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "tests/abi/tiny_library.h"

namespace {

constexpr int kThreads = 8;

void on_threads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

tsc::Options with_threads(int threads) {
  tsc::Options options;
  options.threads = threads;
  return options;
}

// Each thread has inputs of its own and sees exactly its own results, bad inputs of others beside it.
TEST(Threads, OneStatelessInstance) {
  const tsc::Library library(tiny_library(TSC_ABI_VERSION));
  for (const int model_threads : {1, 3}) {
    const tsc::Model model = library.model("tiny", with_threads(model_threads));
    on_threads([&](int t) {
      std::vector<float> x(8192);
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) + static_cast<float>(t) * 0.5f;
      for (int i = 0; i < 300; ++i) {
        if (i % 50 == 7) {
          EXPECT_THROW(model("check")(tsc::tensor(x.data(), {3})), tsc::Error);
          continue;
        }
        const int64_t size = 1 + (i * 37 + t * 101) % 8192;
        const tsc::Result y = model("squares")(tsc::tensor(x.data(), {size}));
        for (int64_t k = 0; k < size; k += 61) ASSERT_EQ(y.tensor().data<float>()[k], x[k] * x[k]);
      }
    });
  }
}

TEST(Threads, InstancesOfOneModelAreApart) {
  const tsc::Model model = tsc::Library(tiny_library(TSC_ABI_VERSION)).model("tiny");
  on_threads([&](int t) {
    const tsc::Model mine = model.another();
    float x[3] = {1, 2, static_cast<float>(t)};
    for (int i = 1; i <= 200; ++i) {
      const tsc::Result stats = mine("accumulate")(tsc::tensor(x, {3}));
      ASSERT_EQ(stats["count"].to_int(), i);
      ASSERT_EQ(stats["total"].tensor().data<float>()[2], static_cast<float>(i * t));
    }
  });
}

// A shared stateful instance: every call either counts or is told that another one runs.
TEST(Threads, SharedStateIsGuarded) {
  const tsc::Model model = tsc::Library(tiny_library(TSC_ABI_VERSION)).model("tiny");
  std::atomic<int64_t> counted = 0;
  on_threads([&](int) {
    float x[3] = {1, 1, 1};
    for (int i = 0; i < 300; ++i) {
      try {
        model("accumulate")(tsc::tensor(x, {3}));
        ++counted;
      } catch (const tsc::Error& error) {
        ASSERT_EQ(error.status(), TSC_BUSY);
      }
    }
  });
  EXPECT_EQ(model.state("count").to_int(), counted);
  EXPECT_EQ(model.state("total").tensor().data<float>()[0], static_cast<float>(counted));
}

TEST(Threads, ResultsAreFreedAnywhere) {
  const tsc::Model model = tsc::Library(tiny_library(TSC_ABI_VERSION)).model("tiny");
  std::vector<std::unique_ptr<tsc::Result>> results(kThreads);
  float x[4] = {1, 2, 3, 4};
  on_threads([&](int t) {
    results[static_cast<size_t>(t)] = std::make_unique<tsc::Result>(model("squares")(tsc::tensor(x, {4})));
  });
  on_threads([&](int t) { results[static_cast<size_t>((t + 3) % kThreads)].reset(); });
}

TEST(Threads, ModelsComeAndGo) {
  const tsc::Library library(tiny_library(TSC_ABI_VERSION));
  std::vector<float> x(5000, 2.0f);
  on_threads([&](int) {
    for (int i = 0; i < 20; ++i) {
      const tsc::Model model = library.model("tiny", with_threads(1 + i % 3));
      ASSERT_EQ(model("squares")(tsc::tensor(x.data(), {5000})).tensor().data<float>()[4999], 4);
    }
  });
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__  // as GCC says it
#endif
#endif
#ifndef __SANITIZE_THREAD__
TEST(Threads, AForkedChildStillRuns) {
  std::vector<float> x(50000, 3.0f);
  const tsc::Model model = tsc::Library(tiny_library(TSC_ABI_VERSION)).model("tiny", with_threads(3));
  model("squares")(tsc::tensor(x.data(), {50000}));
  const pid_t child = fork();
  if (child == 0) {
    bool good = false;
    {
      const tsc::Model gone = model.another();
      good = gone("squares")(tsc::tensor(x.data(), {50000})).tensor().data<float>()[49999] == 9;
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}
#endif

}  // namespace
