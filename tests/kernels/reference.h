// What kernel tests share: deterministic data, and comparison with a sum in double whose error bound follows from the
// sum's own terms.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "runtime/kernels/epilogue.h"

namespace tsc::kernels::test {

// Calls check(0), a generic lambda, for the rows of kernels.def that this vector width's usual targets may choose
// (AVX-512 has 32 registers, AVX2 has 16), so that every row is compiled and run at some width and few at several.
template <int kMinBytes, int kMinRegisters, class F>
void for_row(F check) {
  if constexpr (TSC_VECTOR_BYTES == 64   ? kMinRegisters == 32
                : TSC_VECTOR_BYTES == 32 ? kMinBytes <= 32 && kMinRegisters == 16
                                         : kMinBytes == TSC_VECTOR_BYTES) {
    check(0);
  }
}

inline std::vector<float> random_floats(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float& x : values) x = distribution(generator);
  return values;
}

// A sum of products in double with the sum of their magnitudes.
struct Sum {
  double value = 0;
  double magnitude = 0;
  int64_t terms = 0;
  void add(double x, double w) {
    value += x * w;
    magnitude += std::fabs(x * w);
    ++terms;
  }
  // |computed - exact| <= gamma_n * sum |x * w| for any order of n float operations.
  double bound() const {
    return (static_cast<double>(terms) + 2) * 0.5 * std::numeric_limits<float>::epsilon() * magnitude + 1e-30;
  }
};

// An epilogue that reads a tensor of the output's layout and its own position: relu(acc + residual) + channel / 8.
struct AddReluChannel {
  const float* residual;
  template <class V>
  V operator()(V acc, Position at) const {
    const V sum = acc + load<V>(residual + at.offset);
    return max(splat<V>(0), sum) + (splat<V>(static_cast<float>(at.channel)) + lane_indices<V>()) * splat<V>(0.125f);
  }
  static double expected(double acc, double residual, int64_t channel) {
    return std::fmax(0.0, acc + residual) + static_cast<double>(channel) * 0.125;
  }
};

// Calls run(begin, end) for uneven ranges that cover [0, items), as threads would.
template <class F>
void in_ranges(int64_t items, F run) {
  for (int64_t begin = 0, size = 1; begin < items; ++size) {
    const int64_t end = begin + size < items ? begin + size : items;
    run(begin, end);
    begin = end;
  }
}

}  // namespace tsc::kernels::test
