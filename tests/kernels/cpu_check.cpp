// Ends the program before any code for wider vectors runs on a machine that lacks them. Compiled for the baseline.
#include <cstdio>
#include <cstdlib>

namespace {

bool cpu_has_width() {
#if defined(__x86_64__) && TSC_VECTOR_BYTES == 64
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__x86_64__) && TSC_VECTOR_BYTES == 32
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

// Before the constructors of GoogleTest's registrations, which are compiled for the width under test.
__attribute__((constructor(101))) void check_cpu() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  if (!cpu_has_width()) {
    std::puts("SKIP: this machine has no vectors of the width under test");
    std::fflush(stdout);
    std::_Exit(0);
  }
}

}  // namespace
