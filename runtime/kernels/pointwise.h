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
  isize strides[kRank];
};
template <class T, int kRank>
struct Out {
  T* data;
  isize strides[kRank];
};

struct Copy {
  template <class V>
  TSC_INLINE V operator()(V x) const {
    return x;
  }
};

namespace detail {

template <class Operand, class T, int kRank>
TSC_INLINE Operand make_operand(T* data, const isize (&strides)[kRank]) {
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
  isize stride;
  V held;

  static TSC_INLINE Source at(const T* data, isize stride) { return {data, stride, splat<V>(*data)}; }

  TSC_INLINE V vector(isize i) const {
    return stride == 1 ? load<V>(data + i) : stride == 0 ? held : load_strided<V>(data + i * stride, stride);
  }
  TSC_INLINE V tail(isize i, isize count) const {
    if (stride == 1) return load_partial<V>(data + i, count);
    if (stride == 0) return held;
    T lanes[kLanes] = {};
    for (isize lane = 0; lane < count; ++lane) lanes[lane] = data[(i + lane) * stride];
    return load<V>(lanes);
  }
};

template <class T>
struct Target {
  using V = Vec<T, kLanes>;
  T* data;
  isize stride;

  TSC_INLINE void vector(isize i, V v) const {
    if (stride == 1) {
      store(data + i, v);
    } else {
      store_strided(data + i * stride, stride, v);
    }
  }
  TSC_INLINE void tail(isize i, V v, isize count) const {
    if (stride == 1) {
      store_partial(data + i, v, count);
      return;
    }
    T lanes[kLanes];
    store(lanes, v);
    for (isize lane = 0; lane < count; ++lane) data[(i + lane) * stride] = lanes[lane];
  }
};

template <class T, int kRank>
TSC_INLINE isize row_offset(const T& operand, const isize (&index)[kRank]) {
  isize offset = 0;
  TSC_UNROLL
  for (int d = 0; d < kRank; ++d) offset += index[d] * operand.strides[d];
  return offset;
}

// The rows of an operand along the dim before the innermost.
template <class T>
struct SourceRows {
  const T* data;
  isize stride, row_stride;
  TSC_INLINE Source<T> row(isize r) const { return Source<T>::at(data + r * row_stride, stride); }
};
template <class T>
struct TargetRows {
  T* data;
  isize stride, row_stride;
  TSC_INLINE Target<T> row(isize r) const { return {data + r * row_stride, stride}; }
};

template <class Operand>
TSC_INLINE isize row_stride(const Operand& operand) {
  constexpr int kRank = sizeof(operand.strides) / sizeof(isize);
  if constexpr (kRank > 1) {
    return operand.strides[kRank - 2];
  } else {
    return 0;
  }
}
template <class T, int kRank>
TSC_INLINE SourceRows<T> rows_at(const In<T, kRank>& input, const isize (&index)[kRank]) {
  return {input.data + row_offset(input, index), input.strides[kRank - 1], row_stride(input)};
}
template <class T, int kRank>
TSC_INLINE TargetRows<T> rows_at(const Out<T, kRank>& output, const isize (&index)[kRank]) {
  return {output.data + row_offset(output, index), output.strides[kRank - 1], row_stride(output)};
}

// A pack as a value: pack(a, b)(use) is use(a, b).
template <class... T>
TSC_INLINE auto pack(T... items) {
  return [items...](auto&& use) __attribute__((always_inline)) { return use(items...); };
}

// Row r, `count` elements.
template <class F, class Targets, class... From>
TSC_INLINE void pointwise_row(isize r, isize count, const F& f, const Targets& targets, const Source<From>&... sources) {
  targets([&](auto... rows) __attribute__((always_inline)) {
    const auto step = [&](typename decltype(rows.row(0))::V... results, [[maybe_unused]] auto load_from, auto store_to)
                          __attribute__((always_inline)) {
                            f(results..., load_from(sources)...);
                            (store_to(rows.row(r), results), ...);
                          };
    isize i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      step(
          typename decltype(rows.row(0))::V{}...,
          [i](const auto& s) __attribute__((always_inline)) { return s.vector(i); },
          [i](const auto& t, auto v) __attribute__((always_inline)) { t.vector(i, v); });
    }
    if (i < count) {
      const isize rest = count - i;
      step(
          typename decltype(rows.row(0))::V{}...,
          [=](const auto& s) __attribute__((always_inline)) { return s.tail(i, rest); },
          [=](const auto& t, auto v) __attribute__((always_inline)) { t.tail(i, v, rest); });
    }
  });
}

// Rows of `length` elements until `count` elements are done. A function of its own, so that its packs are variables.
template <class F, class Targets, class... From>
TSC_INLINE void pointwise_rows(isize length, isize count, const F& f, const Targets& targets,
                               const SourceRows<From>&... sources) {
  TSC_NO_UNROLL
  for (isize r = 0; count > 0; ++r, count -= length) {
    pointwise_row(r, smaller(length, count), f, targets, sources.row(r)...);
  }
}

}  // namespace detail

template <class T, int kRank>
TSC_INLINE In<T, kRank> in(const T* data, const isize (&strides)[kRank]) {
  return detail::make_operand<In<T, kRank>>(data, strides);
}
template <class T, int kRank>
TSC_INLINE Out<T, kRank> out(T* data, const isize (&strides)[kRank]) {
  return detail::make_operand<Out<T, kRank>>(data, strides);
}
template <class... O>
TSC_INLINE auto outs(O... outputs) {
  return detail::pack(outputs...);
}

template <int kRank, class Outs, class F, class... T>
TSC_INLINE void pointwise_into(const isize (&sizes)[kRank], const Outs& outputs, const F& f, isize begin, isize end,
                               const In<T, kRank>&... inputs) {
  if (begin >= end) return;
  constexpr int kInner = kRank - 1;
  // index is the position of the current row, its last entry unused; `column` the first element of the range in it.
  isize index[kRank] = {};
  const isize length = sizes[kInner];
  isize column = begin % length;
  isize rest = begin / length;
  TSC_UNROLL
  for (int d = kInner - 1; d >= 0; --d) {
    index[d] = rest % sizes[d];
    rest /= sizes[d];
  }
  for (isize at = begin; at < end;) {
    // The rest of a row that the range begins inside, or all rows along the dim before the innermost.
    const isize rows = kRank > 1 && column == 0 ? sizes[larger(kInner - 1, 0)] - index[larger(kInner - 1, 0)] : 1;
    const isize count = smaller(rows * length - column, end - at);
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
TSC_INLINE void pointwise(const isize (&sizes)[kRank], const Out<TOut, kRank>& output, const F& f, isize begin, isize end,
                          const In<T, kRank>&... inputs) {
  pointwise_into(
      sizes, outs(output),
      [&f](Vec<TOut, kLanes>& result, const Vec<T, kLanes>&... values)
          __attribute__((always_inline)) { result = f(values...); },
      begin, end, inputs...);
}

// One function for all copies of a type and rank: a network that joins many tensors has hundreds of them, and loops of
// their own take the compiler as long as all the rest, and gain nothing.
template <int kRank, class T>
[[gnu::noinline]] void pointwise(const isize (&sizes)[kRank], const Out<T, kRank>& output, const Copy& copy, isize begin,
                            isize end, const In<T, kRank>& input) {
  const auto run = [&](const Out<T, kRank>& to, const In<T, kRank>& from) __attribute__((always_inline)) {
    pointwise<kRank, T, Copy, T>(sizes, to, copy, begin, end, from);
  };
  if (output.strides[kRank - 1] != 1 || input.strides[kRank - 1] != 1) return run(output, input);
  // The strides that are most common, as constants.
  Out<T, kRank> to = output;
  In<T, kRank> from = input;
  to.strides[kRank - 1] = from.strides[kRank - 1] = 1;
  run(to, from);
}

}  // namespace tsc::kernels
