// Dense copies: a tensor's elements in row-major order without gaps, as kernels and callers want them.
#pragma once

#include "runtime/core/tensor.h"

namespace tsc {

namespace detail {

// The elements are copied as plain T of their size.
template <class T>
void pack_strided(const Tensor& from, T* to) {
  const i64 rank = from.dim();  // at least 1: a tensor without dimensions is contiguous
  const i64 length = from.size(rank - 1);
  const i64 step = from.stride(rank - 1);
  i64 index[kMaxRank] = {};
  const T* row = from.data<const T>();
  for (i64 done = 0; done < from.numel(); done += length) {
    for (i64 i = 0; i < length; ++i) to[done + i] = row[i * step];
    for (i64 d = rank - 2; d >= 0; --d) {
      row += from.stride(d);
      if (++index[d] < from.size(d)) break;
      row -= from.size(d) * from.stride(d);
      index[d] = 0;
    }
  }
}

}  // namespace detail

[[gnu::noinline]] inline void pack_elements(const Tensor& from, char* to) {
  if (from.is_contiguous()) {
    return libc::memcpy(to, from.data<const char>(), static_cast<size_t>(from.numel() * from.element_size()));
  }
  switch (from.element_size()) {
    case 1:
      return detail::pack_strided(from, reinterpret_cast<uint8_t*>(to));
    case 2:
      return detail::pack_strided(from, reinterpret_cast<uint16_t*>(to));
    case 4:
      return detail::pack_strided(from, reinterpret_cast<uint32_t*>(to));
    case 8:
      return detail::pack_strided(from, reinterpret_cast<uint64_t*>(to));
    default:
      return detail::pack_strided(from, reinterpret_cast<Complex<double>*>(to));
  }
}

// A new tensor of the same elements.
inline Tensor copy_dense(Context& ctx, const Tensor& tensor) {
  if (!ctx.ok() || !tensor.defined()) return {};
  Tensor copy = Tensor::empty(ctx, tensor.dtype(), tensor.sizes());
  if (ctx.ok()) pack_elements(tensor, copy.bytes());
  return copy;
}

// The tensor itself when it is dense, else such a copy.
inline Tensor dense(Context& ctx, const Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : copy_dense(ctx, tensor);
}

}  // namespace tsc
