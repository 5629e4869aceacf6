// Reductions of [outer][reduced][inner] to [outer][inner], the output dense.
//
//   reduce(p, Sum{}, input, output, epilogue, begin, end)     Sum, Mean, Prod, Max, Min, AnyOf, AllOf, Norm1, Norm2
//   arg_reduce<Arg::kMax>(p, input, int64 output, begin, end) the first position of the largest (kMin: smallest)
//   element variance(p, correction, input, output, epilogue, begin, end)
//
// with p = {.outer = ..., .reduced = ..., .inner = ..., .outer_stride = ..., .reduced_stride = ...}: strides of the
// input in elements, adjacent elements along `inner`; Reduction::dense(outer, reduced, inner) fills them in. To reduce
// the last dim, inner is 1.
//
// Sums and products of integers and bool are int64; of floats they are float, in chunks of at most 64 additions per
// lane that are added in turn, so that the error grows much slower than that of a loop. Max, Min and the arg
// reductions take a NaN as the extreme, as PyTorch does. Max, Min and arg reductions of nothing are not defined.
//
// The epilogue gets the result converted to the output's type, at Position{offset, offset} of the output. Work items
// are rows where inner is 1, otherwise strips of columns: reduce_work_items(p) of them. Results do not depend on
// ranges.
#pragma once

#include "runtime/kernels/dispatch.h"
#include "runtime/kernels/epilogue.h"
#include "runtime/kernels/math.h"

namespace tsc::kernels {

struct Reduction {
  isize outer = 1, reduced = 1, inner = 1;
  isize outer_stride = 0, reduced_stride = 1;

  static constexpr Reduction dense(isize outer, isize reduced, isize inner) {
    return {outer, reduced, inner, reduced * inner, inner};
  }
};

namespace detail {

inline constexpr int kStripVectors = 4;
inline constexpr isize kStripColumns = kStripVectors * kLanes;

template <class T>
struct WideOf {
  using Type = isize;
};
template <FloatValue T>
struct WideOf<T> {
  using Type = T;
};
template <class T>
struct ByteForBool {
  using Type = T;
};
template <>
struct ByteForBool<bool> {
  using Type = uint8_t;
};

}  // namespace detail

constexpr isize reduce_work_items(const Reduction& p) {
  return p.inner == 1 ? p.outer : p.outer * ceil_div(p.inner, detail::kStripColumns);
}

// A reduction is a type with
//   Accumulator<T>               what elements of T are accumulated in
//   identity<A>()                of combine
//   map<A>(x, v)                 what an element contributes, of lanes A; v counts the vectors of a strip
//   combine(a, b)
//   finish(a, count)             the result for `count` elements

struct Sum {
  template <class T>
  using Accumulator = typename detail::WideOf<T>::Type;
  template <class A>
  static constexpr A identity() {
    return A(0);
  }
  template <class A, class V>
  TSC_INLINE Rebind<V, A> map(V x, int) const {
    return convert<A>(x);
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return math::add(a, b);
  }
  template <class V>
  TSC_INLINE V finish(V sum, isize) const {
    return sum;
  }
};

struct Mean : Sum {
  template <class V>
  TSC_INLINE V finish(V sum, isize count) const {
    return sum / splat<V>(static_cast<Element<V>>(count));
  }
};

struct Norm1 : Sum {
  template <class A, class V>
  TSC_INLINE Rebind<V, A> map(V x, int) const {
    return math::abs(convert<A>(x));
  }
};

struct Norm2 : Sum {
  template <class A, class V>
  TSC_INLINE Rebind<V, A> map(V x, int) const {
    return math::square(convert<A>(x));
  }
  template <class V>
  TSC_INLINE V finish(V sum, isize) const {
    return sqrt(sum);
  }
};

struct Prod : Sum {
  template <class A>
  static constexpr A identity() {
    return A(1);
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return math::mul(a, b);
  }
};

struct Max : Sum {
  template <class T>
  using Accumulator = typename detail::ByteForBool<T>::Type;
  template <class A>
  static constexpr A identity() {
    if constexpr (FloatValue<A>) {
      return -math::kInfinity<A>;
    } else if constexpr (A(-1) < A(0)) {
      return static_cast<A>(1ull << (8 * sizeof(A) - 1));
    } else {
      return 0;
    }
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return math::maximum(a, b);
  }
};

struct Min : Max {
  template <class A>
  static constexpr A identity() {
    return FloatValue<A> ? A(-Max::identity<A>()) : static_cast<A>(-1 - Max::identity<A>());
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return math::minimum(a, b);
  }
};

// AnyOf and AllOf accumulate bytes of 0 and 1.
struct AnyOf : Sum {
  template <class T>
  using Accumulator = uint8_t;
  template <class A, class V>
  TSC_INLINE Rebind<V, A> map(V x, int) const {
    return convert<A>(convert<bool>(x));
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return a | b;
  }
};

struct AllOf : AnyOf {
  template <class A>
  static constexpr A identity() {
    return A(1);
  }
  template <class V>
  TSC_INLINE V combine(V a, V b) const {
    return a & b;
  }
};

namespace detail {

template <class T, class Op>
using AccumulatorOf = typename Op::template Accumulator<T>;

template <class Op, class V>
TSC_INLINE Element<V> fold(const Op& op, V v) {
  if constexpr (kIsVector<V>) {
    return fold<Op, Vec<Element<V>, kLanesOf<V> / 2>>(op, op.combine(extension::low_half(v), extension::high_half(v)));
  } else {
    return v;
  }
}

// Additions per lane before a chunk's sum goes to the total.
inline constexpr isize kChunk = 64;

// All of one row, its elements `stride` apart.
template <class Op, class T>
TSC_INLINE AccumulatorOf<T, Op> reduce_row(const Op& op, const T* row, isize stride, isize count) {
  using A = AccumulatorOf<T, Op>;
  using V = Vec<A, kLanes>;
  using VT = Vec<T, kLanes>;
  constexpr int kSums = 4;
  constexpr isize kStep = kSums * kLanes;
  const V identity = splat<V>(Op::template identity<A>());
  V total = identity;
  isize i = 0;
  while (i + kStep <= count) {
    V sums[kSums];
    TSC_UNROLL
    for (int k = 0; k < kSums; ++k) sums[k] = identity;
    const isize stop = smaller(count, i + kChunk * kStep);
    for (; i + kStep <= stop; i += kStep) {
      TSC_UNROLL
      for (int k = 0; k < kSums; ++k) {
        const T* at = row + (i + k * kLanes) * stride;
        const VT x = stride == 1 ? load<VT>(at) : load_strided<VT>(at, stride);
        sums[k] = op.combine(sums[k], op.template map<A>(x, 0));
      }
    }
    total = op.combine(total, op.combine(op.combine(sums[0], sums[1]), op.combine(sums[2], sums[3])));
  }
  for (; i + kLanes <= count; i += kLanes) {
    const VT x = stride == 1 ? load<VT>(row + i) : load_strided<VT>(row + i * stride, stride);
    total = op.combine(total, op.template map<A>(x, 0));
  }
  A result = fold(op, total);
  TSC_NO_VECTORIZE
  for (; i < count; ++i) result = op.combine(result, op.template map<A>(row[i * stride], 0));
  return result;
}

// kVectors adjacent vectors of columns.
template <int kVectors, class Op, class T, class V>
TSC_INLINE void reduce_strip(const Op& op, const T* strip, isize stride, isize count, V (&totals)[kVectors]) {
  using A = Element<V>;
  const V identity = splat<V>(Op::template identity<A>());
  TSC_UNROLL
  for (int v = 0; v < kVectors; ++v) totals[v] = identity;
  for (isize r = 0; r < count;) {
    V sums[kVectors];
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[v] = identity;
    const isize stop = smaller(count, r + kChunk);
    for (; r < stop; ++r) {
      TSC_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const auto x = load<Vec<T, kLanes>>(strip + r * stride + v * kLanes);
        sums[v] = op.combine(sums[v], op.template map<A>(x, v));
      }
    }
    TSC_UNROLL
    for (int v = 0; v < kVectors; ++v) totals[v] = op.combine(totals[v], sums[v]);
  }
}

// Calls row(o) for single rows, or columns<kVectors>(o, column, skip) for strips of columns, of which the first `skip`
// belong to the strip before; narrow(o, column) for single columns where there is less than a vector of them.
template <class Row, class Columns, class Narrow>
TSC_INLINE void for_each_item(const Reduction& p, isize begin, isize end, Row row, Columns columns, Narrow narrow) {
  if (p.inner == 1) {
    TSC_NO_UNROLL
    for (isize o = begin; o < end; ++o) row(o);
    return;
  }
  const isize strips = ceil_div(p.inner, kStripColumns);
  TSC_NO_UNROLL
  for (isize item = begin; item < end; ++item) {
    const isize o = item / strips;
    isize column = item % strips * kStripColumns;
    const isize stop = smaller(p.inner, column + kStripColumns);
    if (stop - column == kStripColumns) {
      columns.template operator()<kStripVectors>(o, column, 0);
      continue;
    }
    TSC_NO_UNROLL
    for (; column + kLanes <= stop; column += kLanes) columns.template operator()<1>(o, column, 0);
    if (column < stop && p.inner >= kLanes) {
      columns.template operator()<1>(o, stop - kLanes, column - (stop - kLanes));
      continue;
    }
    TSC_NO_UNROLL
    for (; column < stop; ++column) narrow(o, column);
  }
}

// Stores lanes from `skip` on of a vector of results at output[offset].
template <class TOut, class V, class Epilogue>
TSC_INLINE void store_results(TOut* output, isize offset, V results, isize skip, const Epilogue& epilogue) {
  if (skip == 0) {
    store(output + offset, epilogue(convert<TOut>(results), Position{offset, offset}));
    return;
  }
  Element<V> lanes[kLanesOf<V>];
  store(lanes, results);
  TSC_NO_VECTORIZE
  for (isize i = skip; i < kLanesOf<V>; ++i) {
    output[offset + i] = epilogue(convert<TOut>(lanes[i]), Position{offset + i, offset + i});
  }
}

}  // namespace detail

template <class Op, class T, class TOut, class Epilogue = Identity>
void reduce(Reduction p, const Op& op, const T* input, TOut* output, const Epilogue& epilogue, isize begin, isize end) {
  using A = detail::AccumulatorOf<T, Op>;
  const auto one = [&](const T* row, isize stride, isize offset) __attribute__((always_inline)) {
    const A result = op.finish(detail::reduce_row(op, row, stride, p.reduced), p.reduced);
    output[offset] = epilogue(convert<TOut>(result), Position{offset, offset});
  };
  // Where nothing is reduced there may be no memory that an offset could point into.
  const auto at = [&](isize o, isize column) __attribute__((always_inline)) {
    return p.reduced == 0 ? input : input + o * p.outer_stride + column;
  };
  detail::for_each_item(
      p, begin, end, [&](isize o) { one(at(o, 0), p.reduced_stride, o); },
      [&]<int kVectors>(isize o, isize column, isize skip) {
        Vec<A, kLanes> results[kVectors];
        detail::reduce_strip<kVectors>(op, at(o, column), p.reduced_stride, p.reduced, results);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          detail::store_results(output, o * p.inner + column + v * kLanes, op.finish(results[v], p.reduced), skip,
                                epilogue);
        }
      },
      [&](isize o, isize column) { one(at(o, column), p.reduced_stride, o * p.inner + column); });
}

enum class Arg { kMax, kMin };

namespace detail {

// Whether x is the extreme that was found: NaNs match each other.
template <class V>
TSC_INLINE Mask<V> is_extreme(V x, V extreme) {
  if constexpr (FloatValue<V>) {
    return mask_or(equal(x, extreme), mask_and(math::isnan(x), math::isnan(extreme)));
  } else {
    return equal(x, extreme);
  }
}

// Where the extreme of a row, which is in it, comes first.
template <class T>
TSC_INLINE isize first_position(const T* row, isize stride, isize count, T extreme) {
  using V = Vec<T, kLanes>;
  isize i = 0;
  if (stride == 1) {
    while (i + kLanes <= count && !any(is_extreme(load<V>(row + i), splat<V>(extreme)))) i += kLanes;
  }
  while (!is_extreme(row[i * stride], extreme)) ++i;
  return i;
}

template <Arg kArg>
struct ExtremeOf;
template <>
struct ExtremeOf<Arg::kMax> : Max {};
template <>
struct ExtremeOf<Arg::kMin> : Min {};

}  // namespace detail

template <Arg kArg, class T>
void arg_reduce(Reduction p, const T* input, i64* output, isize begin, isize end) {
  const detail::ExtremeOf<kArg> op;
  const auto one = [&](const T* row, isize stride, isize offset) __attribute__((always_inline)) {
    output[offset] = detail::first_position(row, stride, p.reduced, detail::reduce_row(op, row, stride, p.reduced));
  };
  detail::for_each_item(
      p, begin, end, [&](isize o) { one(input + o * p.outer_stride, p.reduced_stride, o); },
      [&]<int kVectors>(isize o, isize column, isize skip) {
        using V = Vec<T, kLanes>;
        using Positions = Vec<i64, kLanes>;
        const T* strip = input + o * p.outer_stride + column;
        V extremes[kVectors];
        Positions positions[kVectors];
        detail::reduce_strip<kVectors>(op, strip, p.reduced_stride, p.reduced, extremes);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) positions[v] = splat<Positions>(0);
        // From the last row to the first, so that the first match stays.
        for (isize r = p.reduced - 1; r >= 0; --r) {
          TSC_UNROLL
          for (int v = 0; v < kVectors; ++v) {
            const V x = load<V>(strip + r * p.reduced_stride + v * kLanes);
            positions[v] = select(detail::is_extreme(x, extremes[v]), splat<Positions>(r), positions[v]);
          }
        }
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          detail::store_results(output, o * p.inner + column + v * kLanes, positions[v], skip, Identity{});
        }
      },
      [&](isize o, isize column) { one(input + o * p.outer_stride + column, p.reduced_stride, o * p.inner + column); });
}

namespace detail {

// Sums of (x - mean) and of its square; a scalar mean serves vectors too. The first is nonzero only by the rounding of
// the mean; taking its square over the count off the second corrects for that.
template <class V, int kVectors>
struct Deviation : Sum {
  V mean[kVectors];
  template <class A, class U>
  TSC_INLINE U map(U x, int v) const {
    if constexpr (kSame<U, V>) {
      return x - mean[v];
    } else {
      return x - splat<U>(mean[v]);
    }
  }
};
template <class V, int kVectors>
struct SquaredDeviation : Deviation<V, kVectors> {
  template <class A, class U>
  TSC_INLINE U map(U x, int v) const {
    return math::square(Deviation<V, kVectors>::template map<A>(x, v));
  }
};

template <class V>
TSC_INLINE V corrected_variance(V squares, V sum, isize count, double correction) {
  using T = Element<V>;
  const V n = splat<V>(static_cast<T>(count));
  const double freedom = static_cast<double>(count) - correction;
  return max((squares - sum * sum / n) / splat<V>(static_cast<T>(freedom > 0 ? freedom : 0)), splat<V>(0));
}

}  // namespace detail

// The sum of squared deviations from the mean over (reduced - correction); its root with kDeviation.
enum class Spread { kVariance, kDeviation };

template <Spread kSpread, class T, class Epilogue = Identity>
void variance(Reduction p, double correction, const T* input, T* output, const Epilogue& epilogue, isize begin, isize end) {
  const auto finish = [](auto v) __attribute__((always_inline)) {
    if constexpr (kSpread == Spread::kDeviation) {
      return sqrt(v);
    } else {
      return v;
    }
  };
  const auto one = [&](const T* row, isize stride, isize offset) __attribute__((always_inline)) {
    detail::SquaredDeviation<T, 1> op;
    op.mean[0] = detail::reduce_row(Sum{}, row, stride, p.reduced) / static_cast<T>(p.reduced);
    const T squares = detail::reduce_row(op, row, stride, p.reduced);
    const T sum = detail::reduce_row(static_cast<const detail::Deviation<T, 1>&>(op), row, stride, p.reduced);
    output[offset] =
        epilogue(finish(detail::corrected_variance(squares, sum, p.reduced, correction)), Position{offset, offset});
  };
  detail::for_each_item(
      p, begin, end, [&](isize o) { one(input + o * p.outer_stride, p.reduced_stride, o); },
      [&]<int kVectors>(isize o, isize column, isize skip) {
        using V = Vec<T, kLanes>;
        const T* strip = input + o * p.outer_stride + column;
        detail::SquaredDeviation<V, kVectors> op;
        V squares[kVectors], sums[kVectors];
        detail::reduce_strip<kVectors>(Sum{}, strip, p.reduced_stride, p.reduced, sums);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) op.mean[v] = sums[v] / splat<V>(static_cast<T>(p.reduced));
        detail::reduce_strip<kVectors>(op, strip, p.reduced_stride, p.reduced, squares);
        detail::reduce_strip<kVectors>(static_cast<const detail::Deviation<V, kVectors>&>(op), strip, p.reduced_stride,
                                       p.reduced, sums);
        TSC_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          const V result = finish(detail::corrected_variance(squares[v], sums[v], p.reduced, correction));
          detail::store_results(output, o * p.inner + column + v * kLanes, result, skip, epilogue);
        }
      },
      [&](isize o, isize column) { one(input + o * p.outer_stride + column, p.reduced_stride, o * p.inner + column); });
}

}  // namespace tsc::kernels
