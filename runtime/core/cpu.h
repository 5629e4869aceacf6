// Whether the CPU has what this translation unit was compiled for. The compiler's own macros say what that is, so the
// check follows the flags. Other processors than x86 are not checked.
#pragma once

#include "runtime/core/types.h"

namespace tsc {

#if defined(__x86_64__)
namespace cpu {

// The functions of this file run on any x86-64.
#define TSC_BASELINE __attribute__((target("no-avx,no-sse4.1"), noinline))

struct Registers {
  uint32_t eax, ebx, ecx, edx;
};
TSC_BASELINE inline Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
  return r;
}
// Which registers the operating system saves; the CPU must have said that it does.
TSC_BASELINE inline uint32_t saved_registers() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

enum Leaf : uint8_t { k1C, kExtended1C, k7B, k7C, k7D, k7Sub1A, kLeafCount };
struct Feature {
  const char* name;
  Leaf leaf;
  uint8_t bit;
};
inline constexpr Feature kRequired[] = {
#if defined(__SSE4_2__)
    {"sse4.2", k1C, 20},
#endif
#if defined(__POPCNT__)
    {"popcnt", k1C, 23},
#endif
#if defined(__AVX__)
    {"avx", k1C, 28},
#endif
#if defined(__FMA__)
    {"fma", k1C, 12},
#endif
#if defined(__F16C__)
    {"f16c", k1C, 29},
#endif
#if defined(__MOVBE__)
    {"movbe", k1C, 22},
#endif
#if defined(__LZCNT__)
    {"lzcnt", kExtended1C, 5},
#endif
#if defined(__AVX2__)
    {"avx2", k7B, 5},
#endif
#if defined(__BMI__)
    {"bmi", k7B, 3},
#endif
#if defined(__BMI2__)
    {"bmi2", k7B, 8},
#endif
#if defined(__AVX512F__)
    {"avx512f", k7B, 16},
#endif
#if defined(__AVX512DQ__)
    {"avx512dq", k7B, 17},
#endif
#if defined(__AVX512IFMA__)
    {"avx512ifma", k7B, 21},
#endif
#if defined(__AVX512CD__)
    {"avx512cd", k7B, 28},
#endif
#if defined(__AVX512BW__)
    {"avx512bw", k7B, 30},
#endif
#if defined(__AVX512VL__)
    {"avx512vl", k7B, 31},
#endif
#if defined(__AVX512VBMI__)
    {"avx512vbmi", k7C, 1},
#endif
#if defined(__AVX512VBMI2__)
    {"avx512vbmi2", k7C, 6},
#endif
#if defined(__GFNI__)
    {"gfni", k7C, 8},
#endif
#if defined(__AVX512VNNI__)
    {"avx512vnni", k7C, 11},
#endif
#if defined(__AVX512BITALG__)
    {"avx512bitalg", k7C, 12},
#endif
#if defined(__AVX512VPOPCNTDQ__)
    {"avx512vpopcntdq", k7C, 14},
#endif
#if defined(__AVX512FP16__)
    {"avx512fp16", k7D, 23},
#endif
#if defined(__AMX_BF16__)
    {"amx-bf16", k7D, 22},
#endif
#if defined(__AMX_INT8__)
    {"amx-int8", k7D, 25},
#endif
#if defined(__AVXVNNI__)
    {"avxvnni", k7Sub1A, 4},
#endif
#if defined(__AVX512BF16__)
    {"avx512bf16", k7Sub1A, 5},
#endif
    {nullptr, k1C, 0},
};

}  // namespace cpu

// The name of a feature that the CPU or the operating system lacks; null when it has all.
TSC_BASELINE inline const char* missing_cpu_feature() {
  using namespace cpu;
  const uint32_t leaves = cpuid(0, 0).eax;
  const Registers first = cpuid(1, 0);
  const Registers seventh = leaves >= 7 ? cpuid(7, 0) : Registers{0, 0, 0, 0};
  uint32_t words[kLeafCount];
  words[k1C] = first.ecx;
  words[kExtended1C] = cpuid(0x80000000u, 0).eax >= 0x80000001u ? cpuid(0x80000001u, 0).ecx : 0;
  words[k7B] = seventh.ebx;
  words[k7C] = seventh.ecx;
  words[k7D] = seventh.edx;
  words[k7Sub1A] = leaves >= 7 && seventh.eax >= 1 ? cpuid(7, 1).eax : 0;
  for (const Feature* feature = kRequired; feature->name != nullptr; ++feature) {
    if ((words[feature->leaf] >> feature->bit & 1) == 0) return feature->name;
  }
  [[maybe_unused]] const uint32_t saved = (first.ecx >> 27 & 1) != 0 ? saved_registers() : 0;
#if defined(__AVX__)
  if ((saved & 0x6) != 0x6) return "avx (in the operating system)";
#endif
#if defined(__AVX512F__)
  if ((saved & 0xe6) != 0xe6) return "avx512f (in the operating system)";
#endif
  return nullptr;
}
#else
#define TSC_BASELINE
inline const char* missing_cpu_feature() { return nullptr; }
#endif

}  // namespace tsc
