// Copies with every order of dims against plain indexing.
#include "runtime/kernels/permute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace tsc::kernels {
namespace {

template <class T>
void check(const std::vector<i64>& shape) {
  const i64 count = shape[0] * shape[1] * shape[2];
  std::vector<T> x(count);
  for (i64 i = 0; i < count; ++i) x[i] = static_cast<T>(i % 251);
  const i64 strides[3] = {shape[1] * shape[2], shape[2], 1};
  int order[3] = {0, 1, 2};
  do {
    const i64 sizes[3] = {shape[order[0]], shape[order[1]], shape[order[2]]};
    const i64 from[3] = {strides[order[0]], strides[order[1]], strides[order[2]]};
    for (i64 step : {1, 2}) {  // a dense output, and one with gaps
      std::vector<T> y(step * count + 1, T(1));
      const i64 to[3] = {sizes[1] * sizes[2] * step, sizes[2] * step, step};
      const auto input = in(x.data(), from);
      const i64 items = permute_work_items(sizes, input);
      for (i64 part = 0; part < 3; ++part) {
        const Piece p = piece_of(items, 3, part);
        permute(sizes, out(y.data(), to), input, p.begin, p.end);
      }
      for (i64 a = 0; a < sizes[0]; ++a) {
        for (i64 b = 0; b < sizes[1]; ++b) {
          for (i64 c = 0; c < sizes[2]; ++c) {
            ASSERT_EQ(y[a * to[0] + b * to[1] + c * to[2]], x[a * from[0] + b * from[1] + c * from[2]])
                << order[0] << order[1] << order[2];
          }
        }
      }
      EXPECT_EQ(y.back(), T(1));
    }
  } while (std::next_permutation(order, order + 3));
}

TEST(Permute, AllOrders) {
  for (const std::vector<i64>& shape : std::vector<std::vector<i64>>{
           {2, 3, 5}, {1, 2 * kLanes, kLanes}, {3, 2 * kLanes + 3, kLanes + 1}, {kLanes, 1, 3 * kLanes + 2}}) {
    check<float>(shape);
    check<int32_t>(shape);
    check<i64>(shape);
    check<uint8_t>(shape);
  }
}

TEST(Permute, Empty) {
  const i64 sizes[2] = {4, 0}, strides[2] = {1, 4};
  EXPECT_EQ(permute_work_items(sizes, in(static_cast<const float*>(nullptr), strides)), 0);
}

}  // namespace
}  // namespace tsc::kernels
