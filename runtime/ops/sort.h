// Sorting along a dimension, by digits. NaN counts as larger than everything; equal elements keep their order.
#pragma once

#include "runtime/ops/dtype.h"
#include "runtime/ops/rows.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

// Elements are sorted by unsigned keys in their order: zeros are one, all NaN are one and the largest.
template <class T>
using SortKey = typename tsc::detail::UnsignedOf<sizeof(T) == 8 ? 8 : 4>::Type;
template <class T>
TSC_INLINE SortKey<T> sort_key(T x) {
  using Key = SortKey<T>;
  constexpr Key kTop = Key{1} << (8 * sizeof(Key) - 1);
  if constexpr (kSame<T, float> || kSame<T, double>) {
    const Key bits = bit_cast<Key>(x + T(0));  // of both zeros, that of the positive one
    return x != x ? ~Key{0} : bits & kTop ? ~bits : bits | kTop;
  } else if constexpr (kSame<T, Float16> || kSame<T, BFloat16>) {
    return sort_key(static_cast<float>(x));
  } else {
    return static_cast<Key>(static_cast<i64>(x)) ^ kTop;
  }
}
template <class Key>
struct Keyed {
  Key key;
  uint32_t index;
};
inline constexpr i64 kMaxSorted = UINT32_MAX;  // elements of a row
inline constexpr int kWideDigit = 11, kNarrowDigit = 8;
inline constexpr size_t kSortCounts = size_t{6} << kWideDigit;  // of 64 bits; narrow digits need fewer

// Sorts by keys, digit by digit from the lowest; equal ones keep their order. The result is in one of the two.
template <int kBits, class Key>
Keyed<Key>* sort_by_digits(Keyed<Key>* items, Keyed<Key>* spare, i64 n, uint32_t* counts) {
  constexpr int kDigits = (8 * static_cast<int>(sizeof(Key)) + kBits - 1) / kBits;
  constexpr Key kMask = (Key{1} << kBits) - 1;
  libc::memset(counts, 0, (sizeof(uint32_t) * kDigits) << kBits);
  for (i64 i = 0; i < n; ++i) {
    for (int d = 0; d < kDigits; ++d) ++counts[(d << kBits) + static_cast<i64>(items[i].key >> (d * kBits) & kMask)];
  }
  for (int d = 0; d < kDigits; ++d) {
    uint32_t* places = counts + (static_cast<i64>(d) << kBits);
    const auto digit = [d](Key key) { return key >> (d * kBits) & kMask; };
    if (places[digit(items[0].key)] == n) continue;
    for (uint32_t b = 0, sum = 0; b <= kMask; ++b) {
      const uint32_t count = places[b];
      places[b] = sum;
      sum += count;
    }
    for (i64 i = 0; i < n; ++i) spare[places[digit(items[i].key)]++] = items[i];
    swap(items, spare);
  }
  return items;
}
template <class Key>
Keyed<Key>* sort_keyed(Keyed<Key>* items, Keyed<Key>* spare, i64 n, uint32_t* counts) {
  if (n > 1 << 13) return sort_by_digits<kWideDigit>(items, spare, n, counts);
  if (n > 64) return sort_by_digits<kNarrowDigit>(items, spare, n, counts);
  for (i64 i = 1; i < n; ++i) {
    const Keyed<Key> moving = items[i];
    i64 at = i;
    for (; at > 0 && moving.key < items[at - 1].key; --at) items[at] = items[at - 1];
    items[at] = moving;
  }
  return items;
}
// How many candidates for the first `count` of n are collected before all but `count` of them are dropped.
inline i64 candidates(i64 n, i64 count) { return count > n / 4 ? n : tsc::min(n, tsc::max<i64>(2 * count, 64)); }
// The first `count` of n items that key(i) tells, sorted. Both arrays hold `candidates`.
template <class Key, class KeyOf>
Keyed<Key>* sort_first(Keyed<Key>* items, Keyed<Key>* spare, i64 n, i64 count, uint32_t* counts, KeyOf key) {
  const i64 capacity = candidates(n, count);
  const auto sort = [&](i64 held) {
    Keyed<Key>* sorted = sort_keyed(items, spare, held, counts);
    if (sorted != items) swap(items, spare);
  };
  for (i64 i = 0; i < capacity; ++i) items[i] = {key(i), static_cast<uint32_t>(i)};
  sort(capacity);
  if (capacity == n || count == 0) return items;
  i64 held = count;
  for (i64 i = capacity; i < n; ++i) {
    const Key found = key(i);
    if (found >= items[count - 1].key) continue;
    items[held++] = {found, static_cast<uint32_t>(i)};
    if (held < capacity) continue;
    sort(held);
    held = count;
  }
  if (held > count) sort(held);
  return items;
}

// The first `count` of each sorted row, and their positions.
inline Tuple<Tensor, Tensor> sorted_rows(Context& ctx, const Tensor& self, i64 dim, i64 count, bool descending) {
  const DimMask mask = one_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"sort\" not implemented for '%s'", scalar_type_name(self.dtype()));
  }
  const Rows rows = rows_of(ctx, self, mask, self.dtype());
  if (rows.length > kMaxSorted) return ctx.fail(ErrorKind::kUnsupported, "a row of more than 2^32 - 1 elements");
  Shape sizes(rows.kept);
  if (self.dim() > 0) sizes.push(count);
  const Tensor values = Tensor::empty(ctx, self.dtype(), sizes), indices = Tensor::empty(ctx, DType::kInt64, sizes);
  if (!ctx.ok()) return {};
  const i64 n = rows.length, capacity = candidates(n, count);
  with_dtype(self.dtype(), [&]<class T>() {
    if constexpr (!kIsComplex<T>) {
      using Item = Keyed<SortKey<T>>;
      const i64 count_bytes = static_cast<i64>(kSortCounts * sizeof(uint32_t));
      const i64 bytes = count_bytes + 2 * capacity * static_cast<i64>(sizeof(Item));
      ctx.parallel_for_scratch(
          n == 0 ? 0 : rows.count, kGrain / (8 * n + 1) + 1, bytes, [&](i64 begin, i64 end, char* scratch) {
            uint32_t* counts = reinterpret_cast<uint32_t*>(scratch);
            Item* items = reinterpret_cast<Item*>(scratch + count_bytes);
            for (i64 r = begin; r < end; ++r) {
              const T* row = rows.data.template data<T>() + r * n;
              const SortKey<T> flipped = descending ? ~SortKey<T>{0} : 0;
              const Item* sorted =
                  sort_first(items, items + capacity, n, count, counts,
                             [&](i64 i) __attribute__((always_inline)) { return sort_key(row[i]) ^ flipped; });
              for (i64 i = 0; i < count; ++i) {
                values.data<T>()[r * count + i] = row[sorted[i].index];
                indices.data<i64>()[r * count + i] = sorted[i].index;
              }
            }
          });
    }
  });
  // Shape of the result in self's order of dimensions.
  Shape shape(self.sizes());
  if (self.dim() > 0) shape[wrap_dim(ctx, dim, self.dim())] = count;
  const Tensor like = Tensor::empty(ctx, DType::kBool, shape);
  return {moved_back(ctx, values, like, mask, self.dtype()), moved_back(ctx, indices, like, mask, DType::kInt64)};
}
inline Tuple<Tensor, Tensor> sort(Context& ctx, const Tensor& self, i64 dim = -1, bool descending = false) {
  if (!ctx.ok()) return {};
  const i64 d = wrap_dim(ctx, dim, self.dim());
  return sorted_rows(ctx, self, d, self.dim() == 0 || !ctx.ok() ? 1 : self.size(d), descending);
}
inline Tensor argsort(Context& ctx, const Tensor& self, i64 dim = -1, bool descending = false) {
  return sort(ctx, self, dim, descending).get<1>();
}
inline Tuple<Tensor, Tensor> topk(Context& ctx, const Tensor& self, i64 k, i64 dim = -1, bool largest = true,
                                  bool = true) {
  if (!ctx.ok()) return {};
  const i64 d = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (self.dtype() == DType::kBool) return ctx.fail(ErrorKind::kType, "topk does not support bool dtypes on CPU");
  const i64 size = self.dim() == 0 ? 1 : self.size(d);
  if (k < 0 || k > size) return ctx.fail(ErrorKind::kRuntime, "selected index k out of range");
  return sorted_rows(ctx, self, d, self.dim() == 0 ? 1 : k, largest);  // a number is its own first, whatever k
}

// How many elements of a sorted row come before the value (or, with `right`, are not after it). `order`: positions that
// sort the row, or null.
template <class C>
i64 place_in_row(const C* row, const i64* order, i64 length, C value, bool right) {
  i64 begin = 0, end = length;
  while (begin < end) {
    const i64 middle = begin + (end - begin) / 2;
    const C element = row[order == nullptr ? middle : order[middle]];
    const bool is_before = right ? !(element > value) : !(element >= value);
    (is_before ? begin : end) = is_before ? middle + 1 : middle;
  }
  return begin;
}
inline Tensor searchsorted(Context& ctx, const Tensor& sorted_sequence, const Tensor& self, bool out_int32 = false,
                           bool right = false, const Optional<Str>& side = None(),
                           const Optional<Tensor>& sorter = None()) {
  if (!ctx.ok()) return {};
  const auto fail = [&](const char* message) -> Tensor {
    return ctx.fail(ErrorKind::kRuntime, "torch.searchsorted(): %s", message);
  };
  const i64 rank = sorted_sequence.dim(), length = rank == 0 ? 0 : sorted_sequence.size(rank - 1);
  if (side.has_value()) {
    const bool is_right = *side == Str("right");
    if (!is_right && !(*side == Str("left"))) return fail("side can only be 'left' or 'right'");
    if (!is_right && right)
      return fail("side and right can't be set to opposites, got side of left while right was True");
    right = is_right;
  }
  if (rank == 0) return fail("input boundaries tensor should have positive dimension, got 0");
  const DType common = result_type(Operand(sorted_sequence), Operand(self));
  if (is_complex(common)) return fail("complex numbers have no order");
  bool fits = rank == 1 || rank == self.dim();
  for (i64 d = 0; fits && rank > 1 && d < rank - 1; ++d) fits = sorted_sequence.size(d) == self.size(d);
  if (!fits)
    return fail(
        "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value "
        "tensor must match");
  if (sorter.has_value()) {
    if (!same_sizes(sorter->sizes(), sorted_sequence.sizes()))
      return fail("boundary and sorter must have the same size");
    if (sorter->dtype() != DType::kInt64) return fail("sorter must be a tensor of long dtype");
  }
  const DType wide = dtype_of_compute(compute_of(common));
  const Tensor rows = contiguous_as(ctx, sorted_sequence, wide), values = contiguous_as(ctx, self, wide);
  const Tensor order = sorter.has_value() ? contiguous_as(ctx, *sorter, DType::kInt64) : Tensor();
  const Tensor places = Tensor::empty(ctx, DType::kInt64, self.sizes());
  if (!ctx.ok()) return {};
  if (sorter.has_value()) {
    for (i64 i = 0; i < order.numel(); ++i) {
      const i64 place = order.data<i64>()[i];
      if (place < 0 || place >= length) return fail("sorter index out of range");
    }
  }
  const i64 of_a_row = rank == 1 ? self.numel() : self.size(rank - 1);
  with_compute(compute_of(common), [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      for (i64 i = 0; i < self.numel(); ++i) {
        const i64 row = rank == 1 ? 0 : i / of_a_row;
        const i64* row_order = sorter.has_value() ? order.data<i64>() + row * length : nullptr;
        places.data<i64>()[i] =
            place_in_row(rows.data<C>() + row * length, row_order, length, values.data<C>()[i], right);
      }
    }
  });
  return out_int32 ? converted(ctx, places, DType::kInt32) : places;
}

}  // namespace tsc::ops
