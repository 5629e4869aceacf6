// Normalisation of the rows of [rows][columns]:
//
//   layer_norm(p, prologue, input, weight, bias, output, epilogue, begin, end)
//       (x - mean) / sqrt(variance + epsilon) * weight + bias
//   rms_norm(p, prologue, input, weight, output, epilogue, begin, end)
//       x / sqrt(mean of squares + epsilon) * weight
//
// x = prologue(input, Position{offset of the dense output, column}), e.g. the sum with a residual; Identity for none.
// weight and bias have a number per column and may be null. The epilogue gets Position{offset, column}. Work items are
// rows. The output is dense; it may be the memory of the input or of what the prologue reads at `offset`, but the
// epilogue must not read it where there is a prologue, whose results pass through it.
//
// A row stays in the first-level cache from the first pass to the last, so that memory is read and written once. The
// variance is computed from deviations: a difference of large sums would lose it.
#pragma once

#include "runtime/kernels/reduce.h"

namespace tsc::kernels {

struct RowNorm {
  isize rows = 0, columns = 0;
  isize input_row = 0;  // elements from one row of the input to the next
  double epsilon = 1e-5;
};

namespace detail {

// output[i] = f(input[i], i) on whole vectors and single elements after these, as functors may read other tensors.
template <class T, class F>
TSC_INLINE void transform_row(const T* input, T* output, isize columns, const F& f) {
  isize i = 0;
  for (; i + kLanes <= columns; i += kLanes) store(output + i, f(load<Vec<T, kLanes>>(input + i), i));
  TSC_NO_VECTORIZE
  for (; i < columns; ++i) output[i] = f(input[i], i);
}

// weight[i] and on, or `otherwise` without weights.
template <class V>
TSC_INLINE V optional_operand(const Element<V>* weight, isize i, Element<V> otherwise) {
  return weight != nullptr ? load<V>(weight + i) : splat<V>(otherwise);
}

// The prologue's row, in the output's memory, or the input itself when there is none.
template <class T, class Prologue>
TSC_INLINE const T* prepared_row(const Prologue& prologue, const T* input, T* output, isize offset, isize columns) {
  if constexpr (kSame<Prologue, Identity>) {
    return input;
  } else {
    transform_row(input, output + offset, columns,
                  [&](auto x, isize i) __attribute__((always_inline)) { return prologue(x, Position{offset + i, i}); });
    return output + offset;
  }
}

}  // namespace detail

template <class T, class Prologue, class Epilogue>
void layer_norm(RowNorm p, const Prologue& prologue, const T* input, const T* weight, const T* bias, T* output,
                const Epilogue& epilogue, isize begin, isize end) {
  const T count = static_cast<T>(p.columns);
  TSC_NO_UNROLL
  for (isize row = begin; row < end; ++row) {
    const isize offset = row * p.columns;
    const T* x = detail::prepared_row(prologue, input + row * p.input_row, output, offset, p.columns);
    detail::SquaredDeviation<T, 1> deviation;
    deviation.mean[0] = detail::reduce_row(Sum{}, x, 1, p.columns) / count;
    const T variance = detail::reduce_row(deviation, x, 1, p.columns) / count;
    const T mean = deviation.mean[0];
    const T scale = T(1) / sqrt(variance + static_cast<T>(p.epsilon));
    detail::transform_row(x, output + offset, p.columns, [&]<class V>(V v, isize i) __attribute__((always_inline)) {
      const V normal = (v - splat<V>(mean)) * splat<V>(scale);
      const V result =
          fma(normal, detail::optional_operand<V>(weight, i, T(1)), detail::optional_operand<V>(bias, i, T(0)));
      return epilogue(result, Position{offset + i, i});
    });
  }
}

template <class T, class Prologue, class Epilogue>
void rms_norm(RowNorm p, const Prologue& prologue, const T* input, const T* weight, T* output, const Epilogue& epilogue,
              isize begin, isize end) {
  TSC_NO_UNROLL
  for (isize row = begin; row < end; ++row) {
    const isize offset = row * p.columns;
    const T* x = detail::prepared_row(prologue, input + row * p.input_row, output, offset, p.columns);
    const T squares = detail::reduce_row(Norm2{}, x, 1, p.columns) / static_cast<T>(p.columns);
    const T scale = T(1) / sqrt(squares + static_cast<T>(p.epsilon));
    detail::transform_row(x, output + offset, p.columns, [&]<class V>(V v, isize i) __attribute__((always_inline)) {
      const V result = v * splat<V>(scale) * detail::optional_operand<V>(weight, i, T(1));
      return epilogue(result, Position{offset + i, i});
    });
  }
}

}  // namespace tsc::kernels
