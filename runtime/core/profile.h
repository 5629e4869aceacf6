// Times of groups and ops, in libraries that `tsc --profile` made. Others do not include this file.
#pragma once

#include "runtime/core/libc.h"
#include "runtime/core/types.h"
#include "runtime/include/tsc/tsc.h"

namespace tsc {

// What a group did, by the sizes that it ran with.
struct Work {
  i64 operations = 0;
  i64 bytes = 0;
};

// Adds what it measures to rows of the model's table, which all calls on all threads share.
class Stopwatch {
 public:
  // Ends what began when the watch was made, or at its last lap.
  void lap(tsc_profile_time& row, Work work = {}) {
    const uint64_t end = now();
    add(row.calls, 1);
    add(row.nanoseconds, end - begin_);
    add(row.operations, static_cast<uint64_t>(work.operations));
    add(row.bytes, static_cast<uint64_t>(work.bytes));
    begin_ = now();  // what the counters cost is nobody's
  }

 private:
  static uint64_t now() {
    constexpr int kMonotonic = 1;  // CLOCK_MONOTONIC
    libc::Time time = {};
    libc::clock_gettime(kMonotonic, &time);
    return static_cast<uint64_t>(time.seconds) * 1000000000u + static_cast<uint64_t>(time.nanoseconds);
  }
  static void add(uint64_t& counter, uint64_t value) { __atomic_fetch_add(&counter, value, __ATOMIC_RELAXED); }

  uint64_t begin_ = now();
};

// The entry point: `name` may be null when the library has one model.
template <size_t Count>
const tsc_profile* find_profile(const tsc_profile* const (&profiles)[Count], const char* name) {
  if (name == nullptr) return Count == 1 ? profiles[0] : nullptr;
  for (const tsc_profile* profile : profiles) {
    if (libc::strcmp(profile->model, name) == 0) return profile;
  }
  return nullptr;
}

}  // namespace tsc
