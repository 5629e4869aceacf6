// Random bits: the Mersenne Twister MT19937 (Matsumoto and Nishimura, "Mersenne Twister: A 623-dimensionally
// equidistributed uniform pseudo-random number generator", 1998), which PyTorch's CPU generator is, too. Equal seeds
// give equal streams there and here.
#pragma once

#include "runtime/core/types.h"

namespace tsc {

class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;  // that of a PyTorch process in which nobody seeds

  explicit Generator(uint64_t seed) {
    state_[0] = static_cast<uint32_t>(seed);
    for (uint32_t i = 1; i < kSize; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }

  uint32_t bits32() {
    if (next_ == kSize) renew();
    uint32_t y = state_[next_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  uint64_t bits64() {
    const uint64_t high = bits32();
    return high << 32 | bits32();
  }

  // Uniform in [0, 1), with 53 and with 24 bits.
  double uniform() { return static_cast<double>(bits64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53; }
  float uniform_float() { return static_cast<float>(bits32() & ((1u << 24) - 1)) * 0x1p-24f; }

  // Normal with mean 0 and deviation 1 (Box and Muller). Values come in pairs; the second waits for the next call.
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double angle = 2 * kPi * uniform();
    const double radius = __builtin_sqrt(-2 * __builtin_log1p(-uniform()));
    spare_ = radius * __builtin_sin(angle);
    has_spare_ = true;
    return radius * __builtin_cos(angle);
  }

  static constexpr double kPi = 3.14159265358979323846;

  // Where the stream is, as numbers to keep elsewhere: the twister's words, the next of them, the spare normal.
  static constexpr i64 kSavedSize = 624 + 3;
  void save(i64* to) const {
    for (uint32_t i = 0; i < kSize; ++i) to[i] = state_[i];
    to[kSize] = next_;
    to[kSize + 1] = has_spare_;
    __builtin_memcpy(to + kSize + 2, &spare_, sizeof spare_);
  }
  // False, and nothing changes, when `from` was not written by `save`.
  bool restore(const i64* from) {
    for (uint32_t i = 0; i < kSize; ++i) {
      if (from[i] < 0 || from[i] > 0xffffffff) return false;
    }
    if (from[kSize] < 0 || from[kSize] > kSize || (from[kSize + 1] != 0 && from[kSize + 1] != 1)) return false;
    for (uint32_t i = 0; i < kSize; ++i) state_[i] = static_cast<uint32_t>(from[i]);
    next_ = static_cast<uint32_t>(from[kSize]);
    has_spare_ = from[kSize + 1] == 1;
    __builtin_memcpy(&spare_, from + kSize + 2, sizeof spare_);
    return true;
  }

 private:
  static constexpr uint32_t kSize = 624, kShift = 397;

  void renew() {
    for (uint32_t i = 0; i < kSize; ++i) {
      const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
      state_[i] = state_[(i + kShift) % kSize] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    next_ = 0;
  }

  uint32_t state_[kSize];
  uint32_t next_ = kSize;
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace tsc
