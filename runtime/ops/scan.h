// Running sums, products and extremes along one dimension.
#pragma once

#include "runtime/ops/reduction.h"

namespace tsc::ops {

// A tensor seen as [outer][length][inner], to go along the middle.
struct Lines {
  i64 outer = 1, length = 1, inner = 1;
  Lines(const Tensor& t, i64 dim) {
    for (i64 d = 0; d < t.dim(); ++d) (d < dim ? outer : d == dim ? length : inner) *= t.size(d);
  }
};
// Up to kLines lines side by side: element i of line j is at i * step + j * line. `State` has what came before.
template <class State, int kLines, class C, class Step>
void scan_lines(const C* from, C* to, i64 length, i64 step, i64 lines, i64 line, Step next) {
  const auto read = [&](i64 i) __attribute__((always_inline)) {
    if constexpr (__is_same(State, C)) {
      return from[i];
    } else {
      return widened(from[i]);
    }
  };
  State state[kLines] = {};
  for (i64 j = 0; j < lines; ++j) {
    state[j] = read(j * line);
    to[j * line] = from[j * line];
  }
  for (i64 i = 1; i < length; ++i) {
    for (i64 j = 0; j < lines; ++j) {
      state[j] = next(state[j], read(i * step + j * line));
      if constexpr (__is_same(State, C)) {
        to[i * step + j * line] = state[j];
      } else {
        to[i * step + j * line] = narrowed<C>(state[j]);
      }
    }
  }
}
// One line of elements side by side. `next` is associative, up to rounding in a wider type: four elements are combined
// with each other before they meet the state, on which the next ones wait.
template <class C, class Step>
void scan_line_by_fours(const C* from, C* to, i64 length, Step next) {
  Wide<C> state = widened(from[0]);
  to[0] = from[0];
  i64 i = 1;
  for (; i + 4 <= length; i += 4) {
    Wide<C> sums[4];
    sums[0] = widened(from[i]);
    for (int k = 1; k < 4; ++k) sums[k] = next(sums[k - 1], widened(from[i + k]));
    for (int k = 0; k < 4; ++k) to[i + k] = narrowed<C>(next(state, sums[k]));
    state = next(state, sums[3]);
  }
  for (; i < length; ++i) {
    state = next(state, widened(from[i]));
    to[i] = narrowed<C>(state);
  }
}

// All lines of a tensor.
enum class Scan { kInOrder, kAssociative };
template <Scan kKind, class State, class C, class Step>
void scan(Context& ctx, const Lines& lines, const C* from, C* to, Step step) {
  if (lines.inner == 1) {
    ctx.parallel_for(lines.outer, kGrain / lines.length + 1, [&](i64 begin, i64 end) {
      constexpr int kLines = 4;
      for (i64 r = begin; r < end; r += kLines) {
        const i64 at = r * lines.length, count = tsc::min<i64>(kLines, end - r);
        if constexpr (kKind == Scan::kAssociative && kSame<C, float> && !kSame<State, float>) {
          for (i64 j = 0; j < count; ++j) {
            scan_line_by_fours(from + at + j * lines.length, to + at + j * lines.length, lines.length, step);
          }
        } else if (count == 1) {
          scan_lines<State, 1>(from + at, to + at, lines.length, 1, 1, 0, step);
        } else if (count == kLines) {
          scan_lines<State, kLines>(from + at, to + at, lines.length, 1, kLines, lines.length, step);
        } else {
          scan_lines<State, kLines>(from + at, to + at, lines.length, 1, count, lines.length, step);
        }
      }
    });
    return;
  }
  constexpr int kLines = 64;
  const i64 parts = (lines.inner + kLines - 1) / kLines;
  ctx.parallel_for(lines.outer * parts, kGrain / (lines.length * kLines) + 1, [&](i64 begin, i64 end) {
    for (i64 n = begin; n < end; ++n) {
      const i64 first = n % parts * kLines, at = n / parts * lines.length * lines.inner + first;
      scan_lines<State, kLines>(from + at, to + at, lines.length, lines.inner,
                                tsc::min<i64>(kLines, lines.inner - first), 1, step);
    }
  });
}
template <Scan kKind, class Step>
Tensor scanned(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype, Step step) {
  const DType type = sum_dtype(ctx, self, dtype);
  dim = wrap_dim(ctx, dim, self.dim());
  const Compute compute = compute_of(type);
  const Tensor rows = contiguous_as(ctx, rounded_to(ctx, self, type), dtype_of_compute(compute));
  if (!ctx.ok()) return {};
  const Tensor result = Tensor::empty(ctx, dtype_of_compute(compute), self.sizes());
  if (!ctx.ok()) return {};
  if (result.numel() == 0) return converted(ctx, result, type);
  const Lines lines(self, dim);
  with_compute(compute, [&]<class C>() {
    // What came before is kept wide, of halves in float, as PyTorch keeps it: a product may leave its range and return.
    if constexpr (kSame<C, float> && kKind == Scan::kAssociative) {
      const bool is_half = type == DType::kFloat16 || type == DType::kBFloat16;
      if (is_half) return scan<kKind, float>(ctx, lines, rows.data<C>(), result.data<C>(), step);
    }
    scan<kKind, Wide<C>>(ctx, lines, rows.data<C>(), result.data<C>(), step);
  });
  return converted(ctx, result, type);
}
inline Tensor cumsum(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype = None()) {
  return scanned<Scan::kAssociative>(ctx, self, dim, dtype, [](auto a, auto b) { return a + b; });
}
inline Tensor cumprod(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype = None()) {
  return scanned<Scan::kAssociative>(ctx, self, dim, dtype, [](auto a, auto b) { return a * b; });
}
// The in-place twins keep the tensor's dtype.
inline Tensor cumsum_(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& = None()) {
  return copy_(ctx, self, cumsum(ctx, self, dim, static_cast<i64>(self.dtype())));
}
inline Tensor cumprod_(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& = None()) {
  return copy_(ctx, self, cumprod(ctx, self, dim, static_cast<i64>(self.dtype())));
}

// The extreme so far and its place: the last of equal ones, and of NaNs.
template <class Wins>
Tuple<Tensor, Tensor> running_extreme(Context& ctx, const Tensor& self, i64 dim, Wins wins) {
  const DimMask mask = one_dim(ctx, dim, self.dim());
  const Compute compute = compute_of(self.dtype());
  if (!ctx.ok()) return {};
  if (is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"cummax_cummin\" not implemented for '%s'", scalar_type_name(self.dtype()));
  }
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute));
  if (!ctx.ok()) return {};
  const Tensor values = Tensor::empty(ctx, dtype_of_compute(compute), rows.data.sizes());
  const Tensor indices = Tensor::empty(ctx, DType::kInt64, rows.data.sizes());
  if (!ctx.ok()) return {};
  with_compute(compute, [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      ctx.parallel_for(rows.count, kGrain / tsc::max<i64>(rows.length, 1) + 1, [&](i64 begin, i64 end) {
        for (i64 r = begin; r < end; ++r) {
          const C* row = rows.data.template data<C>() + r * rows.length;
          C* row_values = values.data<C>() + r * rows.length;
          i64* row_indices = indices.data<i64>() + r * rows.length;
          i64 best = 0;
          C extreme = rows.length > 0 ? row[0] : C();
          for (i64 i = 0; i < rows.length; ++i) {
            const C x = row[i];
            // Rarely so: a branch costs nothing then, and a choice would keep the next element waiting.
            if (__builtin_expect(x != x || wins(x, extreme), false)) {
              extreme = x;
              best = i;
            }
            row_values[i] = extreme;
            row_indices[i] = best;
          }
        }
      });
    }
  });
  return {moved_back(ctx, values, self, mask, self.dtype()), moved_back(ctx, indices, self, mask, DType::kInt64)};
}
inline Tuple<Tensor, Tensor> cummax(Context& ctx, const Tensor& self, i64 dim) {
  return running_extreme(ctx, self, dim, [](auto a, auto b) { return a >= b; });
}
inline Tuple<Tensor, Tensor> cummin(Context& ctx, const Tensor& self, i64 dim) {
  return running_extreme(ctx, self, dim, [](auto a, auto b) { return a <= b; });
}

// log(exp(x) + exp(y)) from the number of the larger real part; of infinite ones that are equal there is no difference.
inline Complex<double> logaddexp(Complex<double> x, Complex<double> y) {
  const double nan = __builtin_nan("");
  if (math::isnan(x) || math::isnan(y)) return {nan, nan};
  const bool is_less = x.real < y.real;
  const Complex<double> low = is_less ? x : y, high = is_less ? y : x;
  if (low.real == high.real && low.real - low.real != 0) {
    return low.real < 0 ? low : math::log(math::exp(low) + math::exp(high));
  }
  return math::log1p(math::exp(low - high)) + high;
}
inline Tensor logcumsumexp(Context& ctx, const Tensor& self, i64 dim) {
  if (ctx.ok() && !is_floating(self.dtype()) && !is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"logcumsumexp_out_cpu\" not implemented for '%s'",
                    scalar_type_name(self.dtype()));
  }
  // log(exp(a) + exp(b)), which is infinite where both are the same infinity.
  return scanned<Scan::kInOrder>(ctx, self, dim, None(), []<class W>(W a, W b) -> W {
    if constexpr (kSame<W, double>) {
      if (b != b) return b;
      const double low = a < b ? a : b, high = a < b ? b : a;
      if (low == high && low - low != 0) return a;
      return high + __builtin_log1p(__builtin_exp(low - high));
    } else if constexpr (kIsComplex<W>) {
      return logaddexp(b, a);
    } else {
      return a;  // refused above
    }
  });
}

}  // namespace tsc::ops
