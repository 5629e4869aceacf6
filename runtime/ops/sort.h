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
// What is sorted: a key and the place where it was, in one word where both fit (the key above the place), else as two.
template <class Key>
struct Keyed {
  Key key;
  uint32_t place;
};
TSC_INLINE uint64_t word_of(uint64_t item) { return item; }
TSC_INLINE uint64_t word_of(const Keyed<uint64_t>& item) { return item.key; }
TSC_INLINE bool is_before(uint64_t a, uint64_t b) { return a < b; }
TSC_INLINE bool is_before(const Keyed<uint64_t>& a, const Keyed<uint64_t>& b) { return a.key < b.key; }

inline constexpr i64 kMaxSorted = UINT32_MAX;  // elements of a row
inline constexpr int kWideDigit = 11, kNarrowDigit = 8;
inline constexpr size_t kSortCounts = size_t{6} << kWideDigit;  // of 64 bits; narrow digits need fewer
inline int bits_of(uint64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(x); }

// The bits of words that hold the keys.
struct KeyBits {
  int first, count;
};
// Sorts by keys, digit by digit from the lowest; equal ones keep their order. The result is in one of the two.
template <int kBits, class Item>
Item* sort_by_digits(Item* items, Item* spare, i64 n, KeyBits bits, uint32_t* counts) {
  constexpr uint64_t kMask = (uint64_t{1} << kBits) - 1;
  const int digits = (bits.count + kBits - 1) / kBits;
  libc::memset(counts, 0, (sizeof(uint32_t) * static_cast<size_t>(digits)) << kBits);
  for (i64 i = 0; i < n; ++i) {
    uint64_t rest = word_of(items[i]) >> bits.first;
    for (int d = 0; d < digits; ++d, rest >>= kBits) ++counts[(d << kBits) + static_cast<i64>(rest & kMask)];
  }
  for (int d = 0; d < digits; ++d) {
    uint32_t* places = counts + (static_cast<i64>(d) << kBits);
    const int shift = bits.first + d * kBits;
    const auto digit = [shift](const Item& item) { return word_of(item) >> shift & kMask; };
    if (places[digit(items[0])] == n) continue;
    for (uint64_t b = 0, sum = 0; b <= kMask; ++b) {
      const uint32_t count = places[b];
      places[b] = static_cast<uint32_t>(sum);
      sum += count;
    }
    for (i64 i = 0; i < n; ++i) spare[places[digit(items[i])]++] = items[i];
    swap(items, spare);
  }
  return items;
}
template <class Item>
Item* sort_items(Item* items, Item* spare, i64 n, KeyBits bits, uint32_t* counts) {
  if (bits.count == 0) return items;
  if (n > 1 << 13) return sort_by_digits<kWideDigit>(items, spare, n, bits, counts);
  if (n > 64) return sort_by_digits<kNarrowDigit>(items, spare, n, bits, counts);
  for (i64 i = 1; i < n; ++i) {
    const Item moving = items[i];
    i64 at = i;
    for (; at > 0 && is_before(moving, items[at - 1]); --at) items[at] = items[at - 1];
    items[at] = moving;
  }
  return items;
}
// How many candidates for the first `count` of n items are held: those alone where they are few and kept in order, all
// where there are few others, else some more, of which from time to time the last ones are dropped.
inline constexpr i64 kFewFirst = 16;
inline i64 candidates(i64 n, i64 count) {
  if (count > n / 4) return n;
  return count <= kFewFirst ? count : tsc::min(n, tsc::max<i64>(2 * count, 64));
}
// The first `count` of the n items that item(i) tells, sorted. Both arrays hold `candidates`.
template <class Item, class ItemAt>
Item* sort_first(Item* items, Item* spare, i64 n, i64 count, KeyBits bits, uint32_t* counts, ItemAt item) {
  const i64 capacity = candidates(n, count);
  const auto sort = [&](i64 held) {
    Item* sorted = sort_items(items, spare, held, bits, counts);
    if (sorted != items) swap(items, spare);
  };
  for (i64 i = 0; i < capacity; ++i) items[i] = item(i);
  sort(capacity);
  if (capacity == n || count == 0) return items;
  i64 held = count;
  for (i64 i = capacity; i < n; ++i) {
    const Item found = item(i);
    if (!is_before(found, items[count - 1])) continue;
    if (capacity == count) {
      i64 at = count - 1;
      for (; at > 0 && is_before(found, items[at - 1]); --at) items[at] = items[at - 1];
      items[at] = found;
      continue;
    }
    items[held++] = found;
    if (held < capacity) continue;
    sort(held);
    held = count;
  }
  if (held > count) sort(held);
  return items;
}
// Calls use(i, place) with the places of the first `count` of a row's n elements, in order. `scratch` has sort_bytes.
inline i64 sort_bytes(i64 n, i64 count) {
  return static_cast<i64>(kSortCounts * sizeof(uint32_t)) +
         2 * candidates(n, count) * static_cast<i64>(sizeof(Keyed<uint64_t>));
}
template <class T, class Use>
void sort_row(const T* row, i64 n, i64 count, bool descending, char* scratch, Use use) {
  using Key = SortKey<T>;
  const Key flipped = descending ? ~Key{0} : 0;
  const auto key = [=](i64 i) __attribute__((always_inline)) { return static_cast<Key>(sort_key(row[i]) ^ flipped); };
  Key least = 0, largest = ~Key{0};
  if (candidates(n, count) == n && n > 64) {  // the least key as 0 leaves fewer digits
    least = largest = key(0);
    for (i64 i = 1; i < n; ++i) {
      const Key k = key(i);
      least = tsc::min(least, k);
      largest = tsc::max(largest, k);
    }
  }
  uint32_t* counts = reinterpret_cast<uint32_t*>(scratch);
  char* memory = scratch + kSortCounts * sizeof(uint32_t);
  const int key_bits = bits_of(largest - least), place_bits = bits_of(static_cast<uint64_t>(n - 1));
  if (key_bits + place_bits <= 64) {
    uint64_t* items = reinterpret_cast<uint64_t*>(memory);
    const auto item = [=](i64 i) __attribute__((always_inline)) {
      return (key_bits == 0 ? 0 : uint64_t{static_cast<Key>(key(i) - least)} << place_bits) | static_cast<uint64_t>(i);
    };
    const uint64_t* sorted =
        sort_first(items, items + candidates(n, count), n, count, {place_bits, key_bits}, counts, item);
    const uint64_t mask = (uint64_t{1} << place_bits) - 1;
    for (i64 i = 0; i < count; ++i) use(i, static_cast<i64>(sorted[i] & mask));
  } else if constexpr (sizeof(Key) == 8) {
    Keyed<uint64_t>* items = reinterpret_cast<Keyed<uint64_t>*>(memory);
    const auto item = [=](i64 i)
                          __attribute__((always_inline)) { return Keyed<uint64_t>{key(i), static_cast<uint32_t>(i)}; };
    const auto* sorted = sort_first(items, items + candidates(n, count), n, count, {0, 64}, counts, item);
    for (i64 i = 0; i < count; ++i) use(i, static_cast<i64>(sorted[i].place));
  }
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
  const i64 n = rows.length;
  with_dtype(self.dtype(), [&]<class T>() {
    if constexpr (!kIsComplex<T>) {
      const auto sort_part = [&](i64 begin, i64 end, char* scratch) {
        for (i64 r = begin; r < end; ++r) {
          const T* row = rows.data.template data<T>() + r * n;
          T* row_values = values.data<T>() + r * count;
          i64* row_indices = indices.data<i64>() + r * count;
          sort_row(row, n, count, descending, scratch, [=](i64 i, i64 place) __attribute__((always_inline)) {
            row_values[i] = row[place];
            row_indices[i] = place;
          });
        }
      };
      ctx.parallel_for_scratch(n == 0 ? 0 : rows.count, kGrain / (8 * n + 1) + 1, sort_bytes(n, count), sort_part);
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
