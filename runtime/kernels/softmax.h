// softmax, log_softmax and logsumexp along one dim of [outer][reduced][inner].
//
//   softmax<Share::kProbability>(p, input, output, epilogue, begin, end)     exp(x - max) / sum exp(x - max)
//   softmax<Share::kLogProbability>(p, input, output, epilogue, begin, end)  x - max - log(sum exp(x - max))
//   logsumexp(p, input, output, epilogue, begin, end)                        [outer][inner]
//
// p is reduce.h's Reduction, work items are reduce_work_items(p). The output of softmax is dense and may be the input's
// own memory when that is dense; the epilogue must not read it. The epilogue gets Position{offset, position along the
// reduced dim} where inner is 1 and Position{offset, column} elsewhere. A row of -inf only gives NaN, as in PyTorch.
//
// Where inner is 1, several rows are done at a time: the horizontal steps of one row, which are long chains of few
// instructions, overlap with those of the others.
#pragma once

#include "runtime/kernels/reduce.h"

namespace tsc::kernels {

enum class Share { kProbability, kLogProbability };

namespace detail {

inline constexpr int kSoftmaxRows = 4;

// Elements [i, i + lanes) of a row, -inf from `count` on: these add nothing to maximum and sum.
template <class V>
TSC_INLINE V load_row(const Element<V>* row, isize i, isize count) {
  if (i + kLanesOf<V> <= count) return load<V>(row + i);
  using Index = Bits<V>;
  const Mask<V> inside = less(lane_indices<Index>(), splat<Index>(static_cast<Element<Index>>(count - i)));
  return select(inside, load_partial<V>(row + i, count - i), splat<V>(-math::kInfinity<V>));
}

// The factor of exp(x - maximum), or the number to take off x - maximum.
template <Share kShare, class V>
TSC_INLINE V share_of(V sum) {
  if constexpr (kShare == Share::kProbability) {
    return splat<V>(1) / sum;
  } else {
    return math::log(sum);
  }
}
// x is exp(x - maximum) where shares are probabilities.
template <Share kShare, class V>
TSC_INLINE V apply_share(V x, V maximum, V share) {
  if constexpr (kShare == Share::kProbability) {
    return x * share;
  } else {
    return x - maximum - share;
  }
}

// kRows rows of `count` elements. Probabilities pass through the output: exp is computed once.
template <Share kShare, int kRows, class T, class Epilogue>
TSC_INLINE void softmax_rows(const T* input, isize input_row, T* output, isize offset, isize count,
                             const Epilogue& epilogue) {
  using V = Vec<T, kLanes>;
  constexpr bool kStoresExp = kShare == Share::kProbability;
  V maximum[kRows], sum[kRows];
  T highest[kRows], share[kRows];
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) maximum[r] = splat<V>(-math::kInfinity<V>), sum[r] = splat<V>(0);
  for (isize i = 0; i < count; i += kLanes) {
    TSC_UNROLL
    for (int r = 0; r < kRows; ++r) maximum[r] = max(maximum[r], load_row<V>(input + r * input_row, i, count));
  }
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) highest[r] = horizontal_max(maximum[r]);
  for (isize i = 0; i < count; i += kLanes) {
    TSC_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V e = math::exp_flushed(load_row<V>(input + r * input_row, i, count) - splat<V>(highest[r]));
      sum[r] += e;
      if constexpr (kStoresExp) store_partial(output + offset + r * count + i, e, smaller(kLanes, count - i));
    }
  }
  TSC_UNROLL
  for (int r = 0; r < kRows; ++r) share[r] = share_of<kShare>(horizontal_sum(sum[r]));
  const auto finish = [&]<class U>(isize i, int r) __attribute__((always_inline)) {
    const isize at = offset + r * count + i;
    const U x = load<U>(kStoresExp ? output + at : input + r * input_row + i);
    store(output + at, epilogue(apply_share<kShare>(x, splat<U>(highest[r]), splat<U>(share[r])), Position{at, i}));
  };
  isize i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    TSC_UNROLL
    for (int r = 0; r < kRows; ++r) finish.template operator()<V>(i, r);
  }
  // Single elements: the epilogue may read other tensors, which end where the output does.
  TSC_NO_VECTORIZE
  for (; i < count; ++i) {
    for (int r = 0; r < kRows; ++r) finish.template operator()<T>(i, r);
  }
}

// Stores f(v, i) of lanes from `skip` on, i the first lane's number.
template <class V, class F>
TSC_INLINE void store_from(Element<V>* p, V v, isize skip, const F& f) {
  if (skip == 0) {
    store(p, f(v, isize{0}));
    return;
  }
  Element<V> lanes[kLanesOf<V>];
  store(lanes, v);
  TSC_NO_VECTORIZE
  for (isize i = skip; i < kLanesOf<V>; ++i) p[i] = f(lanes[i], i);
}

// kVectors adjacent vectors V (or one scalar) of columns.
template <Share kShare, class V, int kVectors, class Epilogue>
TSC_INLINE void softmax_strip(const Element<V>* input, isize input_stride, Element<V>* output, isize offset,
                              isize output_stride, isize column, isize count, isize skip, const Epilogue& epilogue) {
  constexpr bool kStoresExp = kShare == Share::kProbability;
  constexpr int kWidth = kLanesOf<V>;
  V maximum[kVectors], sum[kVectors];
  TSC_UNROLL
  for (int v = 0; v < kVectors; ++v) maximum[v] = splat<V>(-math::kInfinity<V>), sum[v] = splat<V>(0);
  for (isize r = 0; r < count; ++r) {
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) maximum[v] = max(maximum[v], load<V>(input + r * input_stride + v * kWidth));
  }
  for (isize r = 0; r < count; ++r) {
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const V e = math::exp_flushed(load<V>(input + r * input_stride + v * kWidth) - maximum[v]);
      sum[v] += e;
      if constexpr (kStoresExp)
        store_from(output + offset + r * output_stride + v * kWidth, e, skip, [](auto x, isize) { return x; });
    }
  }
  TSC_UNROLL
  for (int v = 0; v < kVectors; ++v) sum[v] = share_of<kShare>(sum[v]);
  for (isize r = 0; r < count; ++r) {
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const isize at = offset + r * output_stride + v * kWidth;
      const V x = load<V>(kStoresExp ? output + at : input + r * input_stride + v * kWidth);
      store_from(output + at, apply_share<kShare>(x, maximum[v], sum[v]), skip,
                 [&](auto y, isize i)
                     __attribute__((always_inline)) { return epilogue(y, Position{at + i, column + v * kWidth + i}); });
    }
  }
}

// The sum of exp(x - maximum).
template <class V, int kVectors>
struct ExpBelow : Sum {
  V maximum[kVectors];
  template <class A, class U>
  TSC_INLINE U map(U x, int v) const {
    if constexpr (kSame<U, V>) {
      return math::exp(x - maximum[v]);
    } else {
      return math::exp(x - splat<U>(maximum[v]));
    }
  }
};

// An infinite maximum must not make inf - inf of the elements equal to it.
template <class V>
TSC_INLINE V finite_or_zero(V maximum) {
  return select(math::isinf(maximum), splat<V>(0), maximum);
}

}  // namespace detail

template <Share kShare, class T, class Epilogue = Identity>
void softmax(Reduction p, const T* input, T* output, const Epilogue& epilogue, isize begin, isize end) {
  if (p.inner == 1 && p.reduced_stride == 1) {
    TSC_NO_UNROLL
    for (isize o = begin; o < end; o += detail::kSoftmaxRows) {
      dispatch<detail::kSoftmaxRows>(smaller(detail::kSoftmaxRows, end - o), [&]<int kRows>() {
        detail::softmax_rows<kShare, kRows>(input + o * p.outer_stride, p.outer_stride, output, o * p.reduced,
                                            p.reduced, epilogue);
      });
    }
    return;
  }
  const auto strip = [&]<class V, int kVectors>(isize o, isize column, isize skip) __attribute__((always_inline)) {
    detail::softmax_strip<kShare, V, kVectors>(input + o * p.outer_stride + column, p.reduced_stride, output,
                                               o * p.reduced * p.inner + column, p.inner, column, p.reduced, skip,
                                               epilogue);
  };
  detail::for_each_item(
      p, begin, end, [&](isize o) { strip.template operator()<T, 1>(o, 0, 0); },
      [&]<int kVectors>(isize o, isize column, isize skip) {
        strip.template operator()<Vec<T, kLanes>, kVectors>(o, column, skip);
      },
      [&](isize o, isize column) { strip.template operator()<T, 1>(o, column, 0); });
}

template <class T, class Epilogue = Identity>
void logsumexp(Reduction p, const T* input, T* output, const Epilogue& epilogue, isize begin, isize end) {
  const auto one = [&](const T* row, isize stride, isize offset) __attribute__((always_inline)) {
    detail::ExpBelow<T, 1> op;
    op.maximum[0] = detail::finite_or_zero(detail::reduce_row(Max{}, row, stride, p.reduced));
    const T sum = detail::reduce_row(op, row, stride, p.reduced);
    output[offset] = epilogue(math::log(sum) + op.maximum[0], Position{offset, offset});
  };
  detail::for_each_item(
      p, begin, end, [&](isize o) { one(input + o * p.outer_stride, p.reduced_stride, o); },
      [&]<int kVectors>(isize o, isize column, isize skip) {
        using V = Vec<T, kLanes>;
        const T* strip = input + o * p.outer_stride + column;
        detail::ExpBelow<V, kVectors> op;
        V sums[kVectors];
        detail::reduce_strip<kVectors>(Max{}, strip, p.reduced_stride, p.reduced, op.maximum);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) op.maximum[v] = detail::finite_or_zero(op.maximum[v]);
        detail::reduce_strip<kVectors>(op, strip, p.reduced_stride, p.reduced, sums);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          detail::store_results(output, o * p.inner + column + v * kLanes, V(math::log(sums[v]) + op.maximum[v]), skip,
                                epilogue);
        }
      },
      [&](isize o, isize column) { one(input + o * p.outer_stride + column, p.reduced_stride, o * p.inner + column); });
}

}  // namespace tsc::kernels
