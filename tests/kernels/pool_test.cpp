// Pooling and reordering of images against plain loops that follow PyTorch's definitions.
#include "runtime/kernels/pool.h"

#include <gtest/gtest.h>

#include "runtime/kernels/reorder.h"
#include "tests/kernels/images.h"

namespace tsc::kernels {
namespace {

using test::BlockedShape;
using test::ImageShape;

constexpr float kGarbage = 777.0f;

enum class Kind { kMax, kAverage, kAdaptive };

ImageShape in_shape(const Pool2d& p) { return {p.batch, p.channels, p.in_height, p.in_width}; }
ImageShape out_shape(const Pool2d& p) { return {p.batch, p.channels, p.out_height, p.out_width}; }

// One output element in double, by looking at every position of the padded window.
double expected_element(Kind kind, const Pool2d& p, const std::vector<float>& input, int64_t n, int64_t c, int64_t y,
                        int64_t x) {
  double best = -std::numeric_limits<double>::infinity();
  double sum = 0;
  int64_t inside = 0;
  int64_t padded = 0;
  const bool adaptive = kind == Kind::kAdaptive;
  const int64_t top = adaptive ? y * p.in_height / p.out_height : y * p.stride_height - p.pad_height;
  const int64_t left = adaptive ? x * p.in_width / p.out_width : x * p.stride_width - p.pad_width;
  const int64_t rows = adaptive ? ceil_div((y + 1) * p.in_height, p.out_height) - top : p.kernel_height;
  const int64_t columns = adaptive ? ceil_div((x + 1) * p.in_width, p.out_width) - left : p.kernel_width;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t s = 0; s < columns; ++s) {
      const int64_t in_y = top + r * p.dilation_height;
      const int64_t in_x = left + s * p.dilation_width;
      if (in_y < p.in_height + p.pad_height && in_x < p.in_width + p.pad_width) ++padded;
      if (in_y < 0 || in_x < 0 || in_y >= p.in_height || in_x >= p.in_width) continue;
      const double value = input[in_shape(p).at(n, c, in_y, in_x)];
      ++inside;
      sum += value;
      if (value > best || std::isnan(value)) best = value;
    }
  }
  if (kind == Kind::kMax) return best;
  if (inside == 0) return 0;
  if (adaptive) return sum / static_cast<double>(inside);
  const int64_t count = p.divisor != 0 ? p.divisor : p.pad_count == PadCount::kIncluded ? padded : inside;
  return sum / static_cast<double>(count);
}

void expect_pooled(Kind kind, const Pool2d& p, const std::vector<float>& input, const std::vector<float>& output) {
  const ImageShape shape = out_shape(p);
  for (int64_t n = 0; n < shape.batch; ++n)
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t y = 0; y < shape.height; ++y)
        for (int64_t x = 0; x < shape.width; ++x) {
          const double expected = expected_element(kind, p, input, n, c, y, x);
          const float actual = output[shape.at(n, c, y, x)];
          if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(actual)) << n << " " << c << " " << y << " " << x;
          } else {
            ASSERT_NEAR(actual, expected, kind == Kind::kMax ? 0.0 : 1e-5) << n << " " << c << " " << y << " " << x;
          }
        }
}

using Kernel = void (*)(Pool2d, const float*, float*, i64, i64);

std::vector<float> run(Kernel kernel, const Pool2d& p, int64_t items, const std::vector<float>& input, size_t count) {
  std::vector<float> output(count, kGarbage);
  test::in_ranges(items, [&](int64_t begin, int64_t end) { kernel(p, input.data(), output.data(), begin, end); });
  return output;
}

void check_pool(Kind kind, const Pool2d& p) {
  SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(kind) << " " << p.in_height << "x" << p.in_width
                                  << " to " << p.out_height << "x" << p.out_width);
  auto input = test::random_floats(in_shape(p).count(), 21);
  if (kind == Kind::kMax) input[input.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  const auto blocked = test::to_blocked(input, {in_shape(p), p.in_halo});
  const BlockedShape blocked_out = {out_shape(p), p.out_halo};
  const int64_t plain_items = pool2d_plain_work_items(p);
  const int64_t blocked_items = pool2d_blocked_work_items(p);
  switch (kind) {
    case Kind::kMax:
    case Kind::kAverage: {
      const bool max = kind == Kind::kMax;
      expect_pooled(kind, p, input,
                    run(max ? max_pool2d_plain : avg_pool2d_plain, p, plain_items, input, out_shape(p).count()));
      expect_pooled(kind, p, input,
                    test::from_blocked(run(max ? max_pool2d_blocked : avg_pool2d_blocked, p, blocked_items, blocked,
                                           blocked_out.count()),
                                       blocked_out));
      break;
    }
    case Kind::kAdaptive:
      expect_pooled(kind, p, input, run(adaptive_avg_pool2d_plain, p, plain_items, input, out_shape(p).count()));
      expect_pooled(kind, p, input, run(adaptive_avg_pool2d_blocked, p, blocked_items, blocked, out_shape(p).count()));
      break;
  }
}

// 3x3 of stride 2 and padding 1, as in a network's stem; the output's height tells floor (5) from ceil mode (6). Rows
// are long enough for windows that are pooled together.
Pool2d stem(int64_t out_height) {
  return {.batch = 2,
          .channels = kLanes + 3,
          .in_height = 10,
          .in_width = 28,
          .in_halo = 2,
          .out_height = out_height,
          .out_width = out_height + 9,
          .out_halo = 1,
          .kernel_height = 3,
          .kernel_width = 3,
          .stride_height = 2,
          .stride_width = 2,
          .pad_height = 1,
          .pad_width = 1};
}

TEST(Pool, Max) {
  check_pool(Kind::kMax, stem(5));
  check_pool(Kind::kMax, stem(6));  // ceil mode
  Pool2d p = stem(0);
  p.dilation_height = 2;
  p.dilation_width = 3;
  p.out_height = 4;
  p.out_width = 12;
  check_pool(Kind::kMax, p);
  p = {.channels = 1,
       .in_height = 1,
       .in_width = 9,
       .out_height = 1,
       .out_width = 4,
       .kernel_width = 3,
       .stride_width = 2};
  check_pool(Kind::kMax, p);
}

TEST(Pool, Average) {
  for (const int64_t size : {5, 6}) {
    Pool2d p = stem(size);
    check_pool(Kind::kAverage, p);
    p.pad_count = PadCount::kExcluded;
    check_pool(Kind::kAverage, p);
    p.divisor = 5;
    check_pool(Kind::kAverage, p);
  }
}

TEST(Pool, AdaptiveAverage) {
  for (const int64_t size : {1, 3, 7, 10, 13}) {
    Pool2d p = stem(size);
    p.pad_height = p.pad_width = 0;
    p.out_width = size + 1;
    check_pool(Kind::kAdaptive, p);
  }
}

TEST(Reorder, RoundTrip) {
  for (const int64_t width : {1, 5, 16, 35}) {
    for (const int64_t channels : {1, 4, 2 * kLanes, 2 * kLanes + 1}) {
      for (const int64_t halo : {0, 2}) {
        SCOPED_TRACE(testing::Message() << channels << "x3x" << width << " halo " << halo);
        const Reorder p = {.batch = 2, .channels = channels, .height = 3, .width = width, .halo = halo};
        const BlockedShape shape = {{2, channels, 3, width}, halo};
        const auto plain = test::random_floats(shape.image.count(), 22);
        std::vector<float> blocked(shape.count(), kGarbage);
        test::in_ranges(reorder_work_items(p), [&](int64_t begin, int64_t end) {
          plain_to_blocked(p, plain.data(), blocked.data(), begin, end);
        });
        ASSERT_EQ(blocked, test::to_blocked(plain, shape));
        std::vector<float> back(plain.size(), kGarbage);
        test::in_ranges(reorder_work_items(p), [&](int64_t begin, int64_t end) {
          blocked_to_plain(p, blocked.data(), back.data(), begin, end);
        });
        ASSERT_EQ(back, plain);
      }
    }
  }
}

}  // namespace
}  // namespace tsc::kernels
