// A small thread pool. One job runs at a time: the caller runs part 0, sleeping or late workers' parts are taken over
// by whoever is free, so a job never waits for a thread to wake up. A caller who finds the pool busy runs its parts
// alone. How work is split depends on neither, so results do not either.
//
// Threads are started by the first job. After a job they spin for some tens of microseconds and then sleep on a futex.
// Before they are woken they are kept off the caller's CPU: where few CPUs share a cache and are busy, Linux wakes
// threads up behind the one that woke them, and moves them milliseconds later, when the job is long done. After fork()
// the child has no workers: its jobs still complete, on the calling thread.
#pragma once

#include "runtime/core/libc.h"
#include "runtime/core/types.h"

namespace tsc {

// How to run `body(data, part)` for every part in [0, parts), each once, and return when all are done. This is the
// shape of the pool and of a caller's own scheduler.
struct Parallel {
  void (*run)(void* user, i64 parts, void (*body)(void* data, i64 part), void* data) = nullptr;
  void* user = nullptr;
  int threads = 1;
};

inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

class ThreadPool {
 public:
  static constexpr int kMaxThreads = 256;

  explicit ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads > kMaxThreads ? kMaxThreads : threads) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { stop(); }

  Parallel parallel() { return {&run_job, this, threads_}; }
  int threads() const { return threads_; }

  void run(i64 parts, void (*body)(void*, i64), void* data) {
    if (parts <= 1 || threads_ == 1 || parts > kMaxThreads || !acquire()) {
      for (i64 part = 0; part < parts; ++part) body(data, part);
      return;
    }
    start();
    body_ = body;
    data_ = data;
    __atomic_store_n(&done_, 0, __ATOMIC_RELAXED);
    const uint64_t job = ((epoch(job_) + 1) << kPartBits) | static_cast<uint64_t>(parts);
    __atomic_store_n(&job_, job, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&sleepers_, __ATOMIC_SEQ_CST) != 0) {
      keep_workers_off(libc::sched_getcpu());
      wake_workers();
    }
    work(job, 0);
    for (int spin = 0; __atomic_load_n(&done_, __ATOMIC_ACQUIRE) != parts; ++spin) {
      if (spin < kSpins) {
        pause_cpu();
      } else {
        libc::sched_yield();
      }
    }
    __atomic_store_n(&busy_, 0, __ATOMIC_RELEASE);
  }

 private:
  static constexpr int kPartBits = 16;
  static constexpr int kSpins = 2000;  // about 20 to 50 microseconds
  static constexpr int kMaxCpus = 1024;
  struct Cpus {
    uint64_t words[kMaxCpus / 64] = {};
    bool operator==(const Cpus&) const = default;
  };
  struct Worker {
    ThreadPool* pool;
    int index;
    uintptr_t thread;
  };

  static uint64_t epoch(uint64_t job) { return job >> kPartBits; }
  static void run_job(void* user, i64 parts, void (*body)(void*, i64), void* data) {
    static_cast<ThreadPool*>(user)->run(parts, body, data);
  }
  bool acquire() { return __atomic_exchange_n(&busy_, 1, __ATOMIC_ACQUIRE) == 0; }

  // A part belongs to whoever moves its claim to the job's epoch. A thread that comes late with an older job finds all
  // of that job's parts claimed, by it or by a newer one.
  bool claim(uint64_t job, i64 part) {
    uint64_t seen = __atomic_load_n(&claims_[part], __ATOMIC_RELAXED);
    return seen < epoch(job) &&
           __atomic_compare_exchange_n(&claims_[part], &seen, epoch(job), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  }
  // Runs the parts that nobody has claimed, beginning with the thread's own, so that a part tends to meet the same
  // cache in one job after the other.
  void work(uint64_t job, i64 own) {
    const i64 parts = static_cast<i64>(job & ((uint64_t{1} << kPartBits) - 1)), first = own * parts / threads_;
    for (i64 i = 0; i < parts; ++i) {
      const i64 part = first + i < parts ? first + i : first + i - parts;
      if (!claim(job, part)) continue;
      body_(data_, part);
      __atomic_fetch_add(&done_, 1, __ATOMIC_RELEASE);
    }
  }

  static void* worker_main(void* argument) {
    const Worker& self = *static_cast<Worker*>(argument);
    ThreadPool& pool = *self.pool;
    uint64_t last = 0;
    for (;;) {
      const uint64_t job = pool.next_job(last);
      if (__atomic_load_n(&pool.stopping_, __ATOMIC_ACQUIRE) != 0) return nullptr;
      pool.work(job, self.index);
      last = job;
    }
  }
  // Waits until the job is another than `last`, or the pool stops.
  uint64_t next_job(uint64_t last) {
    for (int spin = 0;; ++spin) {
      const uint32_t wakeups = __atomic_load_n(&wakeups_, __ATOMIC_SEQ_CST);
      const uint64_t job = __atomic_load_n(&job_, __ATOMIC_SEQ_CST);
      if (job != last || __atomic_load_n(&stopping_, __ATOMIC_ACQUIRE) != 0) return job;
      if (spin < kSpins) {
        pause_cpu();
        continue;
      }
      __atomic_fetch_add(&sleepers_, 1, __ATOMIC_SEQ_CST);
      if (__atomic_load_n(&job_, __ATOMIC_SEQ_CST) == last && __atomic_load_n(&stopping_, __ATOMIC_SEQ_CST) == 0) {
        futex(kWait, wakeups);
      }
      __atomic_fetch_sub(&sleepers_, 1, __ATOMIC_SEQ_CST);
    }
  }

  // Workers may run where they might when they were started, or where somebody has since allowed them to, but not on
  // `cpu` if there is another. All of them are alike.
  void keep_workers_off(int cpu) {
    Cpus now;
    if (cpu == avoided_ || cpu < 0 || cpu >= kMaxCpus || process_ != libc::getpid()) return;
    if (libc::pthread_getaffinity_np(workers_[0].thread, sizeof now, now.words) != 0) return;
    if (avoided_ < 0 || !(now == left_)) allowed_ = now;
    left_ = allowed_;
    left_.words[cpu / 64] &= ~(uint64_t{1} << (cpu % 64));
    if (left_ == Cpus()) left_ = allowed_;
    for (int i = 0; i < started_; ++i) libc::pthread_setaffinity_np(workers_[i].thread, sizeof left_, left_.words);
    avoided_ = cpu;
  }

  // Linux's futex call on `wakeups_`.
  static constexpr int kWait = 0 | 128;  // FUTEX_WAIT, private to the process
  static constexpr int kWake = 1 | 128;
  void futex(int operation, uint32_t value) {
#if defined(__x86_64__)
    constexpr long kFutex = 202;
#elif defined(__i386__) || defined(__arm__)
    constexpr long kFutex = 240;
#else
    constexpr long kFutex = 98;  // the generic system call table: aarch64, riscv64
#endif
    libc::syscall(kFutex, &wakeups_, operation, value, nullptr, nullptr, 0);
  }
  void wake_workers() {
    __atomic_fetch_add(&wakeups_, 1, __ATOMIC_SEQ_CST);
    futex(kWake, 0x7fffffff);
  }

  // A thread that cannot be created is done without: the others take its parts.
  void start() {
    if (started_ != 0 || process_ != 0) return;
    process_ = libc::getpid();
    for (int i = 1; i < threads_; ++i) {
      workers_[started_] = {this, i, 0};
      if (libc::pthread_create(&workers_[started_].thread, nullptr, &worker_main, &workers_[started_]) == 0) ++started_;
    }
  }
  void stop() {
    if (started_ == 0 || process_ != libc::getpid()) return;
    __atomic_store_n(&stopping_, 1, __ATOMIC_SEQ_CST);
    wake_workers();
    for (int i = 0; i < started_; ++i) libc::pthread_join(workers_[i].thread, nullptr);
  }

  const int threads_;
  int started_ = 0;
  int process_ = 0;
  void (*body_)(void*, i64) = nullptr;
  void* data_ = nullptr;
  alignas(64) uint64_t job_ = 0;  // epoch << kPartBits | parts
  uint32_t stopping_ = 0;
  alignas(64) i64 done_ = 0;
  alignas(64) uint32_t busy_ = 0;
  alignas(64) uint32_t wakeups_ = 0;
  uint32_t sleepers_ = 0;
  int avoided_ = -1;  // the CPU that workers are kept off; the rest is read and written by the caller that is `busy_`
  Cpus allowed_, left_;  // with it and without
  alignas(64) uint64_t claims_[kMaxThreads] = {};
  Worker workers_[kMaxThreads] = {};
};

}  // namespace tsc
