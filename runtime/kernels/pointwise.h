// One pass over tensors for a fused group of pointwise ops. The group is a functor that is written once for generic
// values, gets one value per input and returns the output's:
//
//   struct ScaleShift {
//     template <class V> V operator()(V x, V scale, V shift) const { return math::add(math::mul(x, scale), shift); }
//   };
//   pointwise({64, 3136}, out(y, {3136, 1}), ScaleShift{}, begin, end,
//             in(x, {3136, 1}), in(scale, {1, 0}), in(shift, {1, 0}));
//
// The braces hold the sizes of the output and the strides of each operand, in elements, as many as there are sizes (at
// least one); a stride of 0 broadcasts. Fewer dims are faster: the caller merges those that it can, and puts the
// dim whose strides are 1 last. Each operand has its own element type: an input of T comes as Rebind<V, T>, a bool
// input as a mask, and the functor converts with convert<T>(). A bool output is stored from a mask.
//
// pointwise_into has several outputs: the functor takes references to their values first and returns nothing:
//   template <class V> void operator()(V& sine, V& cosine, V x) const;
//   pointwise_into({n}, outs(out(s, {1}), out(c, {1})), SinCos{}, begin, end, in(x, {1}));
//
// [begin, end) is a range of the output's elements in row-major order of the sizes; an element's value does not depend
// on the range. An output may be an input's own memory if both have the same strides.
#pragma once

#include "runtime/kernels/dispatch.h"
#include "runtime/kernels/math.h"

namespace tsc::kernels {

template <class T, int kRank>
struct In {
  const T* data;
  i64 strides[kRank];
};
template <class T, int kRank>
struct Out {
  T* data;
  i64 strides[kRank];
};

struct Copy {
  template <class V>
  TSC_INLINE V operator()(V x) const {
    return x;
  }
};

namespace detail {

template <class Operand, class T, int kRank>
TSC_INLINE Operand make_operand(T* data, const i64 (&strides)[kRank]) {
  Operand operand;
  operand.data = data;
  TSC_UNROLL
  for (int d = 0; d < kRank; ++d) operand.strides[d] = strides[d];
  return operand;
}

// An operand in one row of the innermost dim; `held` is its only value when the stride is 0.
template <class T>
struct Source {
  using V = Vec<T, kLanes>;
  const T* data;
  i64 stride;
  V held;

  static TSC_INLINE Source at(const T* data, i64 stride) { return {data, stride, splat<V>(*data)}; }

  TSC_INLINE V vector(i64 i) const {
    return stride == 1 ? load<V>(data + i) : stride == 0 ? held : load_strided<V>(data + i * stride, stride);
  }
  TSC_INLINE V tail(i64 i, i64 count) const {
    if (stride == 1) return load_partial<V>(data + i, count);
    if (stride == 0) return held;
    T lanes[kLanes] = {};
    for (i64 lane = 0; lane < count; ++lane) lanes[lane] = data[(i + lane) * stride];
    return load<V>(lanes);
  }
};

template <class T>
struct Target {
  using V = Vec<T, kLanes>;
  T* data;
  i64 stride;

  TSC_INLINE void vector(i64 i, V v) const {
    if (stride == 1) {
      store(data + i, v);
    } else {
      store_strided(data + i * stride, stride, v);
    }
  }
  TSC_INLINE void tail(i64 i, V v, i64 count) const {
    if (stride == 1) {
      store_partial(data + i, v, count);
      return;
    }
    T lanes[kLanes];
    store(lanes, v);
    for (i64 lane = 0; lane < count; ++lane) data[(i + lane) * stride] = lanes[lane];
  }
};

template <class T, int kRank>
TSC_INLINE i64 row_offset(const T& operand, const i64 (&index)[kRank]) {
  i64 offset = 0;
  TSC_UNROLL
  for (int d = 0; d < kRank; ++d) offset += index[d] * operand.strides[d];
  return offset;
}

// The rows of an operand along the dim before the innermost.
template <class T>
struct SourceRows {
  const T* data;
  i64 stride, row_stride;
  TSC_INLINE Source<T> row(i64 r) const { return Source<T>::at(data + r * row_stride, stride); }
};
template <class T>
struct TargetRows {
  T* data;
  i64 stride, row_stride;
  TSC_INLINE Target<T> row(i64 r) const { return {data + r * row_stride, stride}; }
};

template <class Operand>
TSC_INLINE i64 row_stride(const Operand& operand) {
  constexpr int kRank = sizeof(operand.strides) / sizeof(i64);
  if constexpr (kRank > 1) {
    return operand.strides[kRank - 2];
  } else {
    return 0;
  }
}
template <class T, int kRank>
TSC_INLINE SourceRows<T> rows_at(const In<T, kRank>& input, const i64 (&index)[kRank]) {
  return {input.data + row_offset(input, index), input.strides[kRank - 1], row_stride(input)};
}
template <class T, int kRank>
TSC_INLINE TargetRows<T> rows_at(const Out<T, kRank>& output, const i64 (&index)[kRank]) {
  return {output.data + row_offset(output, index), output.strides[kRank - 1], row_stride(output)};
}

// A pack as a value: pack(a, b)(use) is use(a, b).
template <class... T>
TSC_INLINE auto pack(T... items) {
  return [items...](auto&& use) __attribute__((always_inline)) { return use(items...); };
}

// Row r, `count` elements.
template <class F, class Targets, class... From>
TSC_INLINE void pointwise_row(i64 r, i64 count, const F& f, const Targets& targets, const Source<From>&... sources) {
  targets([&](auto... rows) __attribute__((always_inline)) {
    const auto step = [&](typename decltype(rows.row(0))::V... results, [[maybe_unused]] auto load_from, auto store_to)
                          __attribute__((always_inline)) {
                            f(results..., load_from(sources)...);
                            (store_to(rows.row(r), results), ...);
                          };
    i64 i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      step(
          typename decltype(rows.row(0))::V{}...,
          [i](const auto& s) __attribute__((always_inline)) { return s.vector(i); },
          [i](const auto& t, auto v) __attribute__((always_inline)) { t.vector(i, v); });
    }
    if (i < count) {
      const i64 rest = count - i;
      step(
          typename decltype(rows.row(0))::V{}...,
          [=](const auto& s) __attribute__((always_inline)) { return s.tail(i, rest); },
          [=](const auto& t, auto v) __attribute__((always_inline)) { t.tail(i, v, rest); });
    }
  });
}

// Rows of `length` elements until `count` elements are done. A function of its own, so that its packs are variables.
template <class F, class Targets, class... From>
TSC_INLINE void pointwise_rows(i64 length, i64 count, const F& f, const Targets& targets,
                               const SourceRows<From>&... sources) {
  TSC_NO_UNROLL
  for (i64 r = 0; count > 0; ++r, count -= length) {
    pointwise_row(r, smaller(length, count), f, targets, sources.row(r)...);
  }
}

}  // namespace detail

template <class T, int kRank>
TSC_INLINE In<T, kRank> in(const T* data, const i64 (&strides)[kRank]) {
  return detail::make_operand<In<T, kRank>>(data, strides);
}
template <class T, int kRank>
TSC_INLINE Out<T, kRank> out(T* data, const i64 (&strides)[kRank]) {
  return detail::make_operand<Out<T, kRank>>(data, strides);
}
template <class... O>
TSC_INLINE auto outs(O... outputs) {
  return detail::pack(outputs...);
}

template <int kRank, class Outs, class F, class... T>
TSC_INLINE void pointwise_into(const i64 (&sizes)[kRank], const Outs& outputs, const F& f, i64 begin, i64 end,
                               const In<T, kRank>&... inputs) {
  if (begin >= end) return;
  constexpr int kInner = kRank - 1;
  // index is the position of the current row, its last entry unused; `column` the first element of the range in it.
  i64 index[kRank] = {};
  const i64 length = sizes[kInner];
  i64 column = begin % length;
  i64 rest = begin / length;
  TSC_UNROLL
  for (int d = kInner - 1; d >= 0; --d) {
    index[d] = rest % sizes[d];
    rest /= sizes[d];
  }
  for (i64 at = begin; at < end;) {
    // The rest of a row that the range begins inside, or all rows along the dim before the innermost.
    const i64 rows = kRank > 1 && column == 0 ? sizes[larger(kInner - 1, 0)] - index[larger(kInner - 1, 0)] : 1;
    const i64 count = smaller(rows * length - column, end - at);
    index[kInner] = column;
    const auto targets = outputs(
        [&](auto... output) __attribute__((always_inline)) { return detail::pack(detail::rows_at(output, index)...); });
    detail::pointwise_rows(length, count, f, targets, detail::rows_at(inputs, index)...);
    at += count;
    column = 0;
    if constexpr (kRank > 1) {
      index[kInner - 1] += rows;
      for (int d = kInner - 1; d > 0 && index[d] == sizes[d]; --d) {
        index[d] = 0;
        ++index[d - 1];
      }
    }
  }
}

template <int kRank, class TOut, class F, class... T>
TSC_INLINE void pointwise(const i64 (&sizes)[kRank], const Out<TOut, kRank>& output, const F& f, i64 begin, i64 end,
                          const In<T, kRank>&... inputs) {
  pointwise_into(
      sizes, outs(output),
      [&f](Vec<TOut, kLanes>& result, const Vec<T, kLanes>&... values)
          __attribute__((always_inline)) { result = f(values...); },
      begin, end, inputs...);
}

}  // namespace tsc::kernels
