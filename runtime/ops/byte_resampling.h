// Images of bytes resampled in fixed point, to the same bytes as PyTorch, whose rule is the Python Imaging Library's:
// the weights of a dimension are rounded to 16 bits, with as many of them behind the point as the largest one leaves.
#pragma once

#include "runtime/ops/movement.h"

namespace tsc::ops {

// Output o is the sum of weights[k] input[places[k]] for k from firsts[o] up to firsts[o + 1], over 2^precision.
struct ByteResampler {
  const i64 *firsts, *places;
  const int32_t* weights;
  i64 count;
  int precision;

  int32_t half() const { return 1 << (precision - 1); }
  uint8_t rounded(int32_t sum) const { return static_cast<uint8_t>(tsc::min(tsc::max(sum >> precision, 0), 255)); }
  void along_row(const uint8_t* row, uint8_t* to) const {
    for (i64 o = 0; o < count; ++o) {
      int32_t sum = half();
      for (i64 k = firsts[o]; k < firsts[o + 1]; ++k) sum += weights[k] * row[places[k]];
      to[o] = rounded(sum);
    }
  }
  // Whole rows of `length`.
  void of_rows(const uint8_t* rows, i64 length, i64 o, uint8_t* to) const {
    constexpr i64 kWidth = 64;
    for (i64 j = 0; j < length; j += kWidth) {
      const i64 width = tsc::min(kWidth, length - j);
      int32_t sums[kWidth];
      for (i64 i = 0; i < width; ++i) sums[i] = half();
      for (i64 k = firsts[o]; k < firsts[o + 1]; ++k) {
        const uint8_t* row = rows + places[k] * length + j;
        for (i64 i = 0; i < width; ++i) sums[i] += weights[k] * row[i];
      }
      for (i64 i = 0; i < width; ++i) to[j + i] = rounded(sums[i]);
    }
  }
};

// Each output along `dim` as a sum of weighted bytes: places (int64) and weights (double) are [outputs][taps], dense,
// the places those of a filter, in order and within the input, -1 where one has ended. Taps at one place count as one.
inline Tensor resample_bytes(Context& ctx, const Tensor& input, i64 dim, const Tensor& places, const Tensor& weights) {
  const i64 outputs = places.size(0), taps = places.size(1);
  Shape sizes(input.sizes());
  sizes[dim] = outputs;
  const Tensor from = dense(ctx, input), result = Tensor::empty(ctx, DType::kUInt8, sizes);
  const Tensor at = Tensor::empty(ctx, DType::kInt64, dims(outputs * (taps + 1) + 1));
  const Tensor merged = Tensor::empty(ctx, DType::kFloat64, dims(outputs * taps));
  const Tensor rounded = Tensor::empty(ctx, DType::kInt32, dims(outputs * taps));
  if (!ctx.ok() || result.numel() == 0) return result;
  i64 *firsts = at.data<i64>(), *kept = firsts + outputs + 1, n = 0;
  // The largest that any sum is on the way, too: it counts before the weights of an edge are all added up.
  double largest = 0;
  for (i64 o = 0; o < outputs; ++o) {
    firsts[o] = n;
    for (i64 k = 0; k < taps && places.data<i64>()[o * taps + k] >= 0; ++k) {
      const i64 place = places.data<i64>()[o * taps + k];
      if (n == firsts[o] || kept[n - 1] != place) {
        kept[n] = place;
        merged.data<double>()[n++] = 0;
      }
      merged.data<double>()[n - 1] += weights.data<double>()[o * taps + k];
      largest = tsc::max(largest, merged.data<double>()[n - 1]);
    }
  }
  firsts[outputs] = n;
  int precision = 1;
  while (precision < 22 && 0.5 + largest * (1 << (precision + 1)) < 1 << 15) ++precision;
  for (i64 k = 0; k < n; ++k) {
    const double weight = merged.data<double>()[k] * (1 << precision);
    const double limited = weight > -32768 ? tsc::min(weight, 32767.0) : -32768;  // also of NaN
    rounded.data<int32_t>()[k] = static_cast<int32_t>(limited < 0 ? limited - 0.5 : limited + 0.5);
  }
  const ByteResampler resampler = {firsts, kept, rounded.data<int32_t>(), outputs, precision};
  i64 outer = 1, inner = 1;
  for (i64 d = 0; d < input.dim(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : input.size(d);
  const i64 size = input.size(dim), work = (n / outputs + 1) * inner;
  const uint8_t* bytes = from.data<uint8_t>();
  uint8_t* output = result.data<uint8_t>();
  if (inner == 1) {
    ctx.parallel_for(outer, kGrain / (outputs * work) + 1, [&](i64 begin, i64 end) {
      for (i64 r = begin; r < end; ++r) resampler.along_row(bytes + r * size, output + r * outputs);
    });
  } else {
    ctx.parallel_for(outer * outputs, kGrain / work + 1, [&](i64 begin, i64 end) {
      for (i64 r = begin; r < end; ++r) {
        resampler.of_rows(bytes + r / outputs * size * inner, inner, r % outputs, output + r * inner);
      }
    });
  }
  return result;
}

}  // namespace tsc::ops
