// Products of bytes against plain loops: sizes around tiles, vectors and blocks, all values of bytes, and strides.
#include "runtime/kernels/gemm_integer.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tsc::kernels {
namespace {

void expect_product(i64 rows, i64 columns, i64 depth, i64 gap) {
  std::mt19937 random(static_cast<unsigned>(rows * 31 + columns * 7 + depth));
  const GemmInteger g = {rows, columns, depth, depth + gap, depth + 2 * gap, columns + gap, 1};
  std::vector<uint8_t> input(static_cast<size_t>(rows * g.input_row));
  std::vector<int8_t> weight(static_cast<size_t>(columns * g.weight_row));
  for (uint8_t& x : input) x = static_cast<uint8_t>(random());
  for (int8_t& w : weight) w = static_cast<int8_t>(random());
  // The extremes, whose products are the largest.
  for (i64 k = 0; k < depth && rows > 0; ++k) {
    input[static_cast<size_t>(k)] = 255;
    weight[static_cast<size_t>(k)] = -128;
  }
  constexpr int32_t kUntouched = 12345;
  std::vector<int32_t> output(static_cast<size_t>(rows * g.output_row), kUntouched);
  const i64 middle = columns / 2;
  gemm_integer(g, input.data(), weight.data(), output.data(), 0, middle);
  gemm_integer(g, input.data(), weight.data(), output.data(), middle, columns);
  for (i64 i = 0; i < rows; ++i) {
    for (i64 j = 0; j < g.output_row; ++j) {
      int32_t sum = j < columns ? 0 : kUntouched;
      for (i64 k = 0; k < depth && j < columns; ++k) {
        sum += input[static_cast<size_t>(i * g.input_row + k)] * weight[static_cast<size_t>(j * g.weight_row + k)];
      }
      ASSERT_EQ(output[static_cast<size_t>(i * g.output_row + j)], sum)
          << rows << "x" << columns << "x" << depth << " at " << i << ", " << j;
    }
  }
}

TEST(GemmInteger, EqualsLoops) {
  for (const i64 rows : {1, 3, 4, 9}) {
    for (const i64 columns : {1, 2, 5, 16}) {
      for (const i64 depth : {1, 15, 16, 63, 64, 65, 300}) expect_product(rows, columns, depth, depth % 3);
    }
  }
  expect_product(0, 3, 5, 0);
  expect_product(3, 4, 0, 0);
  expect_product(2, 3, 30000, 0);
  expect_product(70, 5, 4000, 1);  // several blocks of rows
}

}  // namespace
}  // namespace tsc::kernels
