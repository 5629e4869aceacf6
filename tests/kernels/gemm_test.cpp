// linear and matmul, every tile row, against sums in double.
#include "runtime/kernels/gemm.h"

#include <gtest/gtest.h>

#include "codegen/pack.h"
#include "tests/kernels/reference.h"

namespace tsc::kernels {
namespace {

using test::AddReluChannel;
using test::random_floats;
using test::Sum;

constexpr float kGuard = 12345.0f;

enum class Bias { kNone, kAdded };

template <int MR, int NV, class Check>
void check_linear(int64_t rows, int64_t columns, int64_t depth, Bias with_bias, Check check) {
  SCOPED_TRACE(testing::Message() << MR << "x" << NV << ": " << rows << "x" << columns << "x" << depth);
  const Linear p = {
      .rows = rows, .columns = columns, .depth = depth, .input_row = depth + 3, .output_row = columns + 5};
  const auto input = random_floats(static_cast<size_t>(rows * p.input_row), 1);
  const auto weight = random_floats(static_cast<size_t>(columns * depth), 2);
  const auto bias = random_floats(static_cast<size_t>(columns), 3);
  const auto packed_weight = codegen::pack_panels({weight.data(), depth, columns, 1, depth}, kLanes, NV);
  const auto packed_bias = codegen::pack_channels(bias, kLanes, NV);
  std::vector<Sum> sums(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      Sum& sum = sums[static_cast<size_t>(i * columns + j)];
      if (with_bias == Bias::kAdded) sum.add(bias[static_cast<size_t>(j)], 1);
      for (int64_t k = 0; k < depth; ++k) {
        sum.add(input[static_cast<size_t>(i * p.input_row + k)], weight[static_cast<size_t>(j * depth + k)]);
      }
    }
  }
  check(p, input.data(), packed_weight.data(), with_bias == Bias::kAdded ? packed_bias.data() : nullptr, sums);
}

template <int MR, int NV>
void check_linear_identity(int64_t rows, int64_t columns, int64_t depth, Bias with_bias) {
  check_linear<MR, NV>(
      rows, columns, depth, with_bias,
      [&](Linear p, const float* input, const float* weight, const float* bias, const std::vector<Sum>& sums) {
        std::vector<float> output(static_cast<size_t>(rows * p.output_row), kGuard);
        test::in_ranges(linear_work_items<MR, NV>(p), [&](int64_t begin, int64_t end) {
          linear<MR, NV>(p, input, weight, bias, output.data(), Identity{}, begin, end);
        });
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < p.output_row; ++j) {
            const float y = output[static_cast<size_t>(i * p.output_row + j)];
            if (j >= columns) {
              ASSERT_EQ(y, kGuard) << i << " " << j;
              continue;
            }
            const Sum& sum = sums[static_cast<size_t>(i * columns + j)];
            ASSERT_NEAR(y, sum.value, sum.bound()) << i << " " << j;
          }
        }
      });
}

// The residual is the output's own memory, as in a residual block that is planned in place.
template <int MR, int NV>
void check_linear_epilogue(int64_t rows, int64_t columns, int64_t depth) {
  check_linear<MR, NV>(
      rows, columns, depth, Bias::kAdded,
      [&](Linear p, const float* input, const float* weight, const float* bias, const std::vector<Sum>& sums) {
        const auto residual = random_floats(static_cast<size_t>(rows * p.output_row), 4);
        auto output = residual;
        linear<MR, NV>(p, input, weight, bias, output.data(), AddReluChannel{output.data()}, 0,
                       linear_work_items<MR, NV>(p));
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j) {
            const auto at = static_cast<size_t>(i * p.output_row + j);
            const Sum& sum = sums[static_cast<size_t>(i * columns + j)];
            const double expected = AddReluChannel::expected(sum.value, static_cast<double>(residual[at]), j);
            ASSERT_NEAR(output[at], expected, sum.bound() + 3e-7 * (std::fabs(expected) + 2)) << i << " " << j;
          }
        }
      });
}

template <int MR, int NV>
void check_linear_tile() {
  constexpr int64_t kWidth = NV * kLanes;
  for (int64_t rows = 1; rows <= 2 * MR + 1; ++rows) {
    check_linear_identity<MR, NV>(rows, kWidth, 9, Bias::kAdded);
  }
  check_linear_identity<MR, NV>(MR + 1, 2 * kWidth, 1, Bias::kNone);
  check_linear_identity<MR, NV>(3, 3 * kWidth - 1, 37, Bias::kAdded);
  check_linear_identity<MR, NV>(1, kWidth + 1, 250, Bias::kNone);
  check_linear_epilogue<MR, NV>(MR + 2, kWidth + kLanes / 2 + 1, 33);
  check_linear_epilogue<MR, NV>(2, 2 * kWidth, 5);
}

// How an operand of matmul lies in memory.
enum class Order { kRows, kColumns, kNeither };

template <int MR, int NV>
void check_matmul(int64_t rows, int64_t columns, int64_t depth, Order a_order, Order b_order) {
  SCOPED_TRACE(testing::Message() << MR << "x" << NV << ": " << rows << "x" << columns << "x" << depth << " a "
                                  << static_cast<int>(a_order) << " b " << static_cast<int>(b_order));
  Matmul p = {.rows = rows, .columns = columns, .depth = depth, .output_row = columns + 2, .batch = {2, 3}};
  p.a_row = a_order == Order::kRows ? depth + 1 : a_order == Order::kColumns ? 1 : 2;
  p.a_depth = a_order == Order::kRows ? 1 : a_order == Order::kColumns ? rows + 1 : 2 * rows + 1;
  p.b_depth = b_order == Order::kRows ? columns + 3 : b_order == Order::kColumns ? 1 : 3;
  p.b_column = b_order == Order::kRows ? 1 : b_order == Order::kColumns ? depth + 1 : 3 * depth + 1;
  const int64_t a_size = (rows - 1) * p.a_row + (depth - 1) * p.a_depth + 1;
  const int64_t b_size = (depth - 1) * p.b_depth + (columns - 1) * p.b_column + 1;
  p.a_batch[0] = 3 * a_size;
  p.a_batch[1] = a_size;
  p.b_batch[0] = b_size;
  p.b_batch[1] = 0;  // broadcast over the inner batch
  p.output_batch[1] = rows * p.output_row;
  p.output_batch[0] = 3 * p.output_batch[1] + 7;
  const auto a = random_floats(static_cast<size_t>(6 * a_size), 5);
  const auto b = random_floats(static_cast<size_t>(2 * b_size), 6);
  const auto residual = random_floats(static_cast<size_t>(2 * p.output_batch[0]), 7);
  std::vector<float> output(residual.size(), kGuard);
  std::vector<float> scratch(static_cast<size_t>(matmul_scratch_bytes<MR, NV>(p)) / sizeof(float) + 1, kGuard);
  test::in_ranges(matmul_work_items<MR, NV>(p), [&](int64_t begin, int64_t end) {
    matmul<MR, NV>(p, a.data(), b.data(), output.data(), AddReluChannel{residual.data()}, scratch.data(), begin, end);
  });
  EXPECT_EQ(scratch.back(), kGuard);
  for (int64_t outer = 0; outer < 2; ++outer) {
    for (int64_t inner = 0; inner < 3; ++inner) {
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          Sum sum;
          for (int64_t k = 0; k < depth; ++k) {
            sum.add(a[static_cast<size_t>(outer * p.a_batch[0] + inner * p.a_batch[1] + i * p.a_row + k * p.a_depth)],
                    b[static_cast<size_t>(outer * p.b_batch[0] + k * p.b_depth + j * p.b_column)]);
          }
          const auto at =
              static_cast<size_t>(outer * p.output_batch[0] + inner * p.output_batch[1] + i * p.output_row + j);
          const double expected = AddReluChannel::expected(sum.value, static_cast<double>(residual[at]), j);
          ASSERT_NEAR(output[at], expected, sum.bound() + 3e-7 * (std::fabs(expected) + 2)) << i << " " << j;
        }
      }
    }
  }
}

template <int MR, int NV>
void check_matmul_tile() {
  constexpr int64_t kWidth = NV * kLanes;
  for (const Order b_order : {Order::kRows, Order::kColumns, Order::kNeither}) {
    check_matmul<MR, NV>(MR + 1, kWidth + 3, 2 * kLanes + 1, Order::kRows, b_order);
    check_matmul<MR, NV>(1, 2 * kWidth, 19, Order::kRows, b_order);
    check_matmul<MR, NV>(2, kWidth + 1, 7, Order::kNeither, b_order);
  }
  check_matmul<MR, NV>(MR + 1, kWidth, 12, Order::kColumns, Order::kRows);
}

// One TEST per row of kernels.def that this width can run.
#define TSC_KERNEL(kernel, height, width, vectors, min_bytes, min_registers, packing) \
  TSC_TEST_##kernel(width, vectors, min_bytes, min_registers)
#define TSC_TEST_conv2d_blocked(...)
#define TSC_TEST_conv2d_plain(...)
#define TSC_TEST_conv2d_plain_to_blocked(...)
#define TSC_TEST_conv2d_depthwise(...)
#define TSC_TEST_conv2d_winograd(...)
#define TSC_TEST_matmul(...)
#define TSC_TEST_linear(rows, vectors, min_bytes, min_registers)                               \
  TEST(Linear, Tile##rows##x##vectors##From##min_bytes) {                                      \
    test::for_row<min_bytes, min_registers>([](auto) { check_linear_tile<rows, vectors>(); }); \
  }
#include "codegen/kernels.def"
#undef TSC_TEST_linear
#undef TSC_TEST_matmul
#define TSC_TEST_linear(...)
#define TSC_TEST_matmul(rows, vectors, min_bytes, min_registers)                               \
  TEST(Matmul, Tile##rows##x##vectors##From##min_bytes) {                                      \
    test::for_row<min_bytes, min_registers>([](auto) { check_matmul_tile<rows, vectors>(); }); \
  }
#include "codegen/kernels.def"

}  // namespace
}  // namespace tsc::kernels
