// Sorting along a dimension, by digits. NaN counts as larger than everything; equal elements keep their order.
#pragma once

#include "runtime/ops/convert.h"
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
struct Keyed {
  uint64_t key;
  uint32_t place;
};
TSC_INLINE uint64_t word_of(uint64_t item) { return item; }
TSC_INLINE uint64_t word_of(const Keyed& item) { return item.key; }
TSC_INLINE bool is_before(uint64_t a, uint64_t b) { return a < b; }
TSC_INLINE bool is_before(const Keyed& a, const Keyed& b) { return a.key < b.key; }

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
// The same of one long row on all threads: each counts the digits of its part of the items, and moves them where those
// of the parts before it end. `counts` has threads << kWideDigit.
template <class Item>
Item* sort_by_digits_shared(Context& ctx, Item* items, Item* spare, i64 n, KeyBits bits, uint32_t* counts) {
  constexpr uint64_t kMask = (uint64_t{1} << kWideDigit) - 1;
  const i64 parts = ctx.threads(), length = (n + parts - 1) / parts;
  const auto for_each_item = [&](auto visit) {
    ctx.parallel_for(parts, [&](i64 first, i64 last) {
      for (i64 part = first; part < last; ++part) {
        uint32_t* of_part = counts + (part << kWideDigit);
        for (i64 i = part * length; i < tsc::min(n, (part + 1) * length); ++i) visit(of_part, i);
      }
    });
  };
  for (int shift = bits.first; shift < bits.first + bits.count; shift += kWideDigit) {
    const auto digit = [shift](const Item& item) { return word_of(item) >> shift & kMask; };
    libc::memset(counts, 0, (sizeof(uint32_t) * static_cast<size_t>(parts)) << kWideDigit);
    for_each_item([&](uint32_t* of_part, i64 i) { ++of_part[digit(items[i])]; });
    uint32_t sum = 0;
    for (uint64_t b = 0; b <= kMask; ++b) {
      for (i64 part = 0; part < parts; ++part) {
        uint32_t& place = counts[(part << kWideDigit) + static_cast<i64>(b)];
        const uint32_t count = place;
        place = sum;
        sum += count;
      }
    }
    for_each_item([&](uint32_t* of_part, i64 i) { spare[of_part[digit(items[i])]++] = items[i]; });
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
// The keys of a row, and where they lie in words together with places: the least key as 0 leaves fewer digits.
template <class T>
struct RowKeys {
  using Key = SortKey<T>;
  const T* row;
  Key flipped, least = 0;
  KeyBits bits = {0, 8 * sizeof(Key)};

  RowKeys(const T* elements, i64 n, bool descending) : row(elements), flipped(descending ? ~Key{0} : 0) {
    bits.first = bits_of(static_cast<uint64_t>(n - 1));
  }
  TSC_INLINE Key key(i64 i) const { return static_cast<Key>(sort_key(row[i]) ^ flipped); }
  void narrow(Key smallest, Key largest) {
    least = smallest;
    bits.count = bits_of(largest - smallest);
  }
  bool fit_in_words() const { return bits.first + bits.count <= 64; }
  TSC_INLINE uint64_t word(i64 i) const {
    const uint64_t high = bits.count == 0 ? 0 : uint64_t{static_cast<Key>(key(i) - least)} << bits.first;
    return high | static_cast<uint64_t>(i);
  }
  i64 place(uint64_t word) const { return static_cast<i64>(word & ((uint64_t{1} << bits.first) - 1)); }
  static i64 place(const Keyed& item) { return item.place; }
};
// Calls use(i, place) with the places of the first `count` of a row's n elements, in order. `scratch` has sort_bytes.
inline i64 sort_bytes(i64 n, i64 count) {
  return static_cast<i64>(kSortCounts * sizeof(uint32_t)) + 2 * candidates(n, count) * static_cast<i64>(sizeof(Keyed));
}
template <class T, class Use>
void sort_row(const T* row, i64 n, i64 count, bool descending, char* scratch, Use use) {
  RowKeys<T> keys(row, n, descending);
  if (candidates(n, count) == n && n > 64) {
    auto least = keys.key(0), largest = least;
    for (i64 i = 1; i < n; ++i) {
      least = tsc::min(least, keys.key(i));
      largest = tsc::max(largest, keys.key(i));
    }
    keys.narrow(least, largest);
  }
  uint32_t* counts = reinterpret_cast<uint32_t*>(scratch);
  char* memory = scratch + kSortCounts * sizeof(uint32_t);
  if (keys.fit_in_words()) {
    uint64_t* items = reinterpret_cast<uint64_t*>(memory);
    const auto item = [=](i64 i) __attribute__((always_inline)) { return keys.word(i); };
    const uint64_t* sorted = sort_first(items, items + candidates(n, count), n, count, keys.bits, counts, item);
    for (i64 i = 0; i < count; ++i) use(i, keys.place(sorted[i]));
  } else if constexpr (sizeof(SortKey<T>) == 8) {
    Keyed* items = reinterpret_cast<Keyed*>(memory);
    const auto item = [=](i64 i)
                          __attribute__((always_inline)) { return Keyed{keys.key(i), static_cast<uint32_t>(i)}; };
    const auto* sorted = sort_first(items, items + candidates(n, count), n, count, {0, 64}, counts, item);
    for (i64 i = 0; i < count; ++i) use(i, keys.place(sorted[i]));
  }
}
// All of one long row, on all threads. False where its keys don't fit in words with their places.
inline constexpr i64 kLongRow = 1 << 16;
template <class T, class Use>
bool sort_long_row(Context& ctx, const T* row, i64 n, bool descending, Use use) {
  RowKeys<T> keys(row, n, descending);
  const i64 threads = ctx.threads(), length = (n + threads - 1) / threads;
  const Scratch scratch(ctx, (static_cast<size_t>(threads) * sizeof(uint32_t) << kWideDigit) +
                                 2 * static_cast<size_t>(n) * sizeof(uint64_t));
  if (!ctx.ok()) return true;
  uint64_t* const items = reinterpret_cast<uint64_t*>(scratch.data());
  uint32_t* const counts = reinterpret_cast<uint32_t*>(items + 2 * n);
  // The extremes of each thread's part, for a while where the items will be.
  ctx.parallel_for(threads, [&](i64 first, i64 last) {
    for (i64 part = first; part < last; ++part) {
      auto least = keys.key(0), largest = least;
      for (i64 i = part * length; i < tsc::min(n, (part + 1) * length); ++i) {
        least = tsc::min(least, keys.key(i));
        largest = tsc::max(largest, keys.key(i));
      }
      items[2 * part] = least;
      items[2 * part + 1] = largest;
    }
  });
  for (i64 part = 1; part < threads; ++part) {
    items[0] = tsc::min(items[0], items[2 * part]);
    items[1] = tsc::max(items[1], items[2 * part + 1]);
  }
  keys.narrow(static_cast<SortKey<T>>(items[0]), static_cast<SortKey<T>>(items[1]));
  if (!keys.fit_in_words()) return false;
  const auto each = [&](auto visit) {
    ctx.parallel_for(n, kGrain, [&](i64 begin, i64 end) {
      for (i64 i = begin; i < end; ++i) visit(i);
    });
  };
  each([&](i64 i) { items[i] = keys.word(i); });
  const uint64_t* sorted = sort_by_digits_shared(ctx, items, items + n, n, keys.bits, counts);
  each([&](i64 i) { use(i, keys.place(sorted[i])); });
  return true;
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
      const T* const data = rows.data.template data<T>();
      const auto put_into_row = [&](i64 r) {
        return [row = data + r * n, to = values.data<T>() + r * count, places = indices.data<i64>() + r * count](
                   i64 i, i64 place) __attribute__((always_inline)) {
          to[i] = row[place];
          places[i] = place;
        };
      };
      if (count == n && n >= kLongRow && rows.count < ctx.threads()) {
        i64 r = 0;
        while (r < rows.count && sort_long_row(ctx, data + r * n, n, descending, put_into_row(r))) ++r;
        if (r == rows.count) return;
      }
      const auto sort_part = [&](i64 begin, i64 end, char* scratch) {
        for (i64 r = begin; r < end; ++r) sort_row(data + r * n, n, count, descending, scratch, put_into_row(r));
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
  const auto sorted = sorted_rows(ctx, self, d, self.dim() == 0 || !ctx.ok() ? 1 : self.size(d), descending);
  return {in_order_of(ctx, self, sorted.get<0>()), in_order_of(ctx, self, sorted.get<1>())};
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
