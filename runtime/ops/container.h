// Lists, dicts, tuples, optionals and identity. Element types are those of the operands: these are templates, compiled
// for what a program uses. `object_new`, `attr_get`, `attr_set`, `tuple_slice` and the
// unpacking ops name fields, so the compiler emits them itself.
#pragma once

#include "runtime/core/object.h"
#include "runtime/ops/query.h"
#include "runtime/ops/str.h"

namespace tsc::ops {

// A parameter whose type the other operands tell, so that a literal converts to it.
template <class T>
struct Told {
  using Type = T;
};
template <class T>
using As = typename Told<T>::Type;

// An operand as the items' type: a literal converts, and an Any boxes it.
template <class T, class Item>
T item_as(Context& ctx, const Item& item) {
  if constexpr (__is_same(T, Any)) {
    return Any::make(ctx, item);
  } else {
    return T(item);
  }
}

// Equality of items: tensors by value, as `==` of one-element tensors; everything else by ==.
template <class T>
bool items_equal(Context&, const T& a, const T& b) {
  return a == b;
}
inline bool items_equal(Context& ctx, const Tensor& a, const Tensor& b) { return ctx.ok() && equal(ctx, a, b); }

template <class T>
i64 len(Context&, const List<T>& a) {
  return a.size();
}
template <class K, class V>
i64 len(Context&, const Dict<K, V>& self) {
  return self.size();
}
inline i64 len(Context&, const Str& s) { return s.size(); }

template <class T, class Item>
List<T> list_append(Context& ctx, const List<T>& self, const Item& item) {
  if (ctx.ok()) self.append(item_as<T>(ctx, item));
  return self;
}
template <class T>
None list_extend(Context& ctx, const List<T>& self, const List<T>& other) {
  if (ctx.ok()) self.extend(other);
  return {};
}
template <class T, class Item>
None list_insert(Context& ctx, const List<T>& self, i64 index, const Item& item) {
  self.insert(ctx, index, item_as<T>(ctx, item));
  return {};
}
template <class T>
T list_pop(Context& ctx, const List<T>& self, i64 index = -1) {
  return self.pop(ctx, index);
}
template <class T>
i64 find_item(Context& ctx, const List<T>& self, const As<T>& item) {
  for (i64 i = 0; i < self.size(); ++i) {
    if (items_equal(ctx, self[i], item)) return i;
  }
  return -1;
}
template <class T>
None list_remove(Context& ctx, const List<T>& self, const As<T>& item) {
  if (!ctx.ok()) return {};
  const i64 at = find_item(ctx, self, item);
  if (at < 0) return ctx.fail(ErrorKind::kValue, "list.remove(x): x not in list");
  self.erase(at);
  return {};
}
template <class T>
None list_clear(Context& ctx, const List<T>& self) {
  if (ctx.ok()) self.clear();
  return {};
}
template <class T>
None list_reverse(Context& ctx, const List<T>& self) {
  if (!ctx.ok()) return {};
  for (i64 i = 0, j = self.size() - 1; i < j; ++i, --j) tsc::swap(self[i], self[j]);
  return {};
}
template <class T>
List<T> list_copy(Context& ctx, const List<T>& self) {
  return self.copy(ctx);
}
template <class T>
i64 list_count(Context& ctx, const List<T>& self, const As<T>& item) {
  i64 count = 0;
  for (const T& x : self) count += items_equal(ctx, x, item);
  return count;
}
template <class T>
i64 list_index(Context& ctx, const List<T>& self, const As<T>& item) {
  const i64 at = find_item(ctx, self, item);
  if (at >= 0 || !ctx.ok()) return at;
  const Str text = to_str(ctx, item);
  ctx.fail(ErrorKind::kValue, "'%.*s' is not in list", static_cast<int>(tsc::min<i64>(text.size(), 512)), text.data());
  return 0;
}
template <class T>
T list_getitem(Context& ctx, const List<T>& list, i64 index) {
  return list.get(ctx, index);
}
template <class T, class Item>
List<T> list_setitem(Context& ctx, const List<T>& list, i64 index, const Item& item) {
  list.set(ctx, index, item_as<T>(ctx, item));
  return list;
}
template <class T>
None list_delitem(Context& ctx, const List<T>& self, i64 index) {
  const i64 at = self.index_of(ctx, index);
  if (at >= 0) self.erase(at);
  return {};
}
template <class T>
List<T> list_slice(Context& ctx, const List<T>& l, const Optional<i64>& start = None(),
                   const Optional<i64>& end = None(), i64 step = 1) {
  const SliceRange range(ctx, l.size(), start, end, step);
  List<T> result = List<T>::make(ctx, range.count);
  for (i64 i = 0; i < range.count && ctx.ok(); ++i) result.append(l[range.first + i * step]);
  return result;
}
template <class T>
List<T> list_add(Context& ctx, const List<T>& a, const List<T>& b) {
  List<T> result = List<T>::make(ctx, a.size() + b.size());
  result.extend(a);
  result.extend(b);
  return result;
}
template <class T>
List<T> list_iadd(Context& ctx, const List<T>& self, const List<T>& b) {
  if (ctx.ok()) self.extend(b);
  return self;
}
template <class T>
List<T> list_imul(Context& ctx, const List<T>& l, i64 n) {
  const i64 size = l.size();
  if (n <= 0 && ctx.ok()) l.clear();
  for (i64 copy = 1; copy < n && ctx.ok(); ++copy) {
    for (i64 i = 0; i < size && ctx.ok(); ++i) l.append(T(l[i]));
  }
  return l;
}
template <class T>
List<T> list_mul(Context& ctx, const List<T>& l, i64 n) {
  List<T> result = List<T>::make(ctx);
  for (i64 i = 0; i < n && l.size() > 0 && ctx.ok(); ++i) result.extend(l);
  return result;
}
template <class T>
List<T> list_mul(Context& ctx, i64 n, const List<T>& l) {
  return list_mul(ctx, l, n);
}
template <class T>
bool list_contains(Context& ctx, const List<T>& l, const As<T>& item) {
  return find_item(ctx, l, item) >= 0;
}

// Enums.
template <class T>
Str enum_name(Context&, T member) {
  const char* name = decltype(members_of(member))::kNames[static_cast<i64>(member)];
  return Str::literal(name, static_cast<i64>(libc::strlen(name)));
}
template <class T>
auto enum_value(Context&, T member) {
  const auto value = decltype(members_of(member))::kValues[static_cast<i64>(member)];
  if constexpr (__is_same(decltype(value), const char* const)) {
    return Str::literal(value, static_cast<i64>(libc::strlen(value)));
  } else {
    return value;
  }
}

// A field of a tuple whose fields are all of one type.
template <class First, class... T>
First tuple_index(Context& ctx, const Tuple<First, T...>& tuple, i64 index) {
  constexpr i64 kCount = 1 + static_cast<i64>(sizeof...(T));
  const i64 at = index < 0 ? index + kCount : index;
  First found{};
  if (ctx.ok() && (at < 0 || at >= kCount)) return ctx.fail(ErrorKind::kIndex, "Tuple list index out of range"), found;
  const auto choose = [&]<int... I>(Indices<I...>) {
    static_cast<void>(((at == I && (found = tuple.template get<I>(), true)) || ...));
  };
  choose(MakeIndices<static_cast<int>(kCount)>());
  return found;
}

// A stable merge sort, as Python's sort is stable.
template <class T>
bool item_less(Context&, const T& a, const T& b) {
  return a < b;
}
inline bool item_less(Context& ctx, const Tensor& a, const Tensor& b) {
  return item(ctx, a).to_double() < item(ctx, b).to_double();
}
// Tuples go by their first fields that differ.
template <class... T, int... I>
bool fields_less(Context& ctx, const Tuple<T...>& a, const Tuple<T...>& b, Indices<I...>) {
  bool is_less = false;
  const auto decided = [&](const auto& x, const auto& y) {
    is_less = item_less(ctx, x, y);
    return is_less || item_less(ctx, y, x);
  };
  static_cast<void>((decided(a.template get<I>(), b.template get<I>()) || ...));
  return is_less;
}
template <class... T>
bool item_less(Context& ctx, const Tuple<T...>& a, const Tuple<T...>& b) {
  return fields_less(ctx, a, b, MakeIndices<static_cast<int>(sizeof...(T))>());
}
// What can be sorted; of other lists the program learns it when it tries.
template <class T>
inline constexpr bool kHasOrder =
    __is_same(T, i64) || __is_same(T, double) || __is_same(T, bool) || __is_same(T, Str) || __is_same(T, Tensor);
template <class... T>
inline constexpr bool kHasOrder<Tuple<T...>> = (kHasOrder<T> && ...);
template <class T>
void merge_sort(Context& ctx, const List<T>& list, const List<T>& spare, i64 begin, i64 end, bool reverse) {
  if (end - begin < 2) return;
  const i64 middle = begin + (end - begin) / 2;
  merge_sort(ctx, list, spare, begin, middle, reverse);
  merge_sort(ctx, list, spare, middle, end, reverse);
  i64 a = begin, b = middle;
  for (i64 i = begin; i < end; ++i) {
    const bool take_b =
        a == middle || (b < end && (reverse ? item_less(ctx, list[a], list[b]) : item_less(ctx, list[b], list[a])));
    spare[i] = list[take_b ? b++ : a++];
  }
  for (i64 i = begin; i < end; ++i) list[i] = spare[i];
}
template <class T>
None list_sort(Context& ctx, const List<T>& self, bool reverse = false) {
  if constexpr (kHasOrder<T>) {
    const List<T> spare = self.copy(ctx);
    if (ctx.ok()) merge_sort(ctx, self, spare, 0, self.size(), reverse);
  } else {
    ctx.fail(ErrorKind::kRuntime,
             "Only list of Tensors, ints, floats, bools, strs, a User Defined Class that defines the __lt__ compare "
             "method or Tuples of aforementioned types can be sorted");
  }
  return {};
}
template <class T>
List<T> list_sorted(Context& ctx, const List<T>& input) {
  List<T> result = input.copy(ctx);
  list_sort(ctx, result);
  return result;
}
inline i64 list_sum(Context&, const List<i64>& self) {
  uint64_t sum = 0;
  for (const i64 x : self) sum += static_cast<uint64_t>(x);
  return static_cast<i64>(sum);
}
inline i64 list_sum(Context&, const List<bool>& self) {
  i64 sum = 0;
  for (const bool x : self) sum += x;
  return sum;
}
template <class T>
T list_sum(Context&, const List<T>& self) {
  T sum{};
  for (const T& x : self) sum = sum + x;
  return sum;
}
inline bool is_true(const Str& x) { return !x.empty(); }
template <class T>
bool is_true(const T& x) {
  return x != T(0);
}
template <class T>
bool list_any(Context&, const List<T>& self) {
  for (const T& x : self) {
    if (is_true(x)) return true;
  }
  return false;
}
template <class T>
bool list_all(Context&, const List<T>& self) {
  for (const T& x : self) {
    if (!is_true(x)) return false;
  }
  return true;
}
template <class T>
bool list_eq(Context& ctx, const List<T>& a, const List<T>& b) {
  if (a.size() != b.size()) return false;
  for (i64 i = 0; i < a.size(); ++i) {
    if (!items_equal(ctx, a[i], b[i])) return false;
  }
  return true;
}
template <class T>
bool list_ne(Context& ctx, const List<T>& a, const List<T>& b) {
  return !list_eq(ctx, a, b);
}

// The sizes that two tensors of these sizes broadcast to. PyTorch's message takes the second for a.
inline List<i64> broadcast_sizes(Context& ctx, const List<i64>& a, const List<i64>& b) {
  const i64 rank = tsc::max(a.size(), b.size());
  List<i64> sizes = List<i64>::make(ctx, rank);
  for (i64 i = 0; i < rank && ctx.ok(); ++i) {
    const i64 in_a = i - rank + a.size(), in_b = i - rank + b.size();
    const i64 x = in_a < 0 ? 1 : a[in_a], y = in_b < 0 ? 1 : b[in_b];
    if (x != y && x != 1 && y != 1) {
      ctx.fail(ErrorKind::kShape,
               "The size of tensor a (%lld) must match the size of tensor b (%lld) at non-singleton dimension %lld",
               static_cast<long long>(y), static_cast<long long>(x), static_cast<long long>(i));
    }
    sizes.append(x == 1 ? y : x);
  }
  return sizes;
}

// Dicts.

template <class K, class V>
V dict_getitem(Context& ctx, const Dict<K, V>& self, const As<K>& key) {
  return self.get(ctx, key);
}
template <class K, class V, class Item>
None dict_setitem(Context& ctx, const Dict<K, V>& self, const As<K>& key, const Item& value) {
  if (ctx.ok()) self.set(key, item_as<V>(ctx, value));
  return {};
}
template <class K, class V>
bool dict_contains(Context&, const Dict<K, V>& self, const As<K>& key) {
  return self.contains(key);
}
template <class K, class V>
List<K> dict_keys(Context& ctx, const Dict<K, V>& self) {
  List<K> keys = List<K>::make(ctx, self.size());
  for (const auto& entry : self) keys.append(entry.key);
  return keys;
}
template <class K, class V>
List<V> dict_values(Context& ctx, const Dict<K, V>& self) {
  List<V> values = List<V>::make(ctx, self.size());
  for (const auto& entry : self) values.append(entry.value);
  return values;
}
template <class K, class V>
List<Tuple<K, V>> dict_items(Context& ctx, const Dict<K, V>& self) {
  List<Tuple<K, V>> items = List<Tuple<K, V>>::make(ctx, self.size());
  for (const auto& entry : self) items.append(Tuple<K, V>(entry.key, entry.value));
  return items;
}
template <class K, class V>
Optional<V> dict_get(Context&, const Dict<K, V>& self, const As<K>& key) {
  const V* value = self.find(key);
  return value == nullptr ? Optional<V>() : Optional<V>(*value);
}
template <class K, class V, class Item>
V dict_get_default(Context& ctx, const Dict<K, V>& self, const As<K>& key, const Item& other) {
  const V* value = self.find(key);
  return value == nullptr ? item_as<V>(ctx, other) : *value;
}
template <class K, class V>
V dict_pop(Context& ctx, const Dict<K, V>& self, const As<K>& key) {
  return self.pop(ctx, key);
}
template <class K, class V, class Item>
V dict_pop_default(Context& ctx, const Dict<K, V>& self, const As<K>& key, const Item& other) {
  if (!ctx.ok()) return V();
  return self.contains(key) ? dict_pop(ctx, self, key) : item_as<V>(ctx, other);
}
template <class K, class V, class Item>
V dict_pop(Context& ctx, const Dict<K, V>& self, const As<K>& key, const Item& other) {
  return dict_pop_default(ctx, self, key, other);
}
// PyTorch takes the first entry, not the last as Python does.
template <class K, class V>
Tuple<K, V> dict_popitem(Context& ctx, const Dict<K, V>& self) {
  if (!ctx.ok()) return {};
  if (self.empty()) return ctx.fail(ErrorKind::kKey, "popitem(): dictionary is empty");
  const auto& first = *self.begin();
  Tuple<K, V> item(first.key, first.value);
  self.pop(ctx, item.template get<0>());
  return item;
}
template <class K, class V, class Item>
V dict_setdefault(Context& ctx, const Dict<K, V>& self, const As<K>& key, const Item& other) {
  if (!ctx.ok()) return V();
  if (const V* value = self.find(key)) return *value;
  const V value = item_as<V>(ctx, other);
  self.set(key, value);
  return value;
}
template <class K, class V>
None dict_update(Context& ctx, const Dict<K, V>& self, const Dict<K, V>& other) {
  if (!ctx.ok() || self.is_same(other)) return {};
  for (const auto& entry : other) self.set(entry.key, entry.value);
  return {};
}
template <class K, class V>
None dict_delete(Context& ctx, const Dict<K, V>& self, const As<K>& key) {
  dict_pop(ctx, self, key);
  return {};
}
template <class K, class V>
None dict_clear(Context& ctx, const Dict<K, V>& self) {
  if (ctx.ok()) self.clear();
  return {};
}
template <class K, class V>
Dict<K, V> dict_copy(Context& ctx, const Dict<K, V>& self) {
  Dict<K, V> result = Dict<K, V>::make(ctx);
  dict_update(ctx, result, self);
  return result;
}
template <class K, class V>
Dict<K, V> dict_make(Context& ctx, const Dict<K, V>& self) {
  return dict_copy(ctx, self);
}
template <class K, class V>
Dict<K, V> dict_make(Context& ctx, const List<Tuple<K, V>>& inputs) {
  Dict<K, V> result = Dict<K, V>::make(ctx);
  for (const auto& item : inputs) result.set(item.template get<0>(), item.template get<1>());
  return result;
}
inline Dict<Str, Tensor> dict_make(Context& ctx) { return Dict<Str, Tensor>::make(ctx); }

// Identity. None is itself only; handles are the same when they share the object.
template <class A, class B>
bool is_(Context& ctx, const A& a, const B& b) {
  if constexpr (__is_same(A, None) && __is_same(B, None)) {
    return true;
  } else if constexpr (__is_same(A, None)) {
    return is_(ctx, b, a);
  } else if constexpr (__is_same(B, None)) {
    if constexpr (requires { a.has_value(); }) {
      return !a.has_value();
    } else if constexpr (requires { a.is_none(); }) {
      return a.is_none();
    } else {
      return false;
    }
  } else if constexpr (requires { a.has_value(); } && requires { b.has_value(); }) {
    return a.has_value() == b.has_value() && (!a.has_value() || is_(ctx, *a, *b));
  } else if constexpr (requires { a.has_value(); }) {
    return a.has_value() && is_(ctx, *a, b);
  } else if constexpr (requires { b.has_value(); }) {
    return b.has_value() && is_(ctx, a, *b);
  } else if constexpr (__is_same(A, B) && requires { a.is_same(b); }) {
    return a.is_same(b);
  } else if constexpr (__is_same(A, B) && requires { a == b; }) {
    return a == b;
  } else {
    return false;
  }
}
template <class A, class B>
bool isnot(Context& ctx, const A& a, const B& b) {
  return !is_(ctx, a, b);
}

template <class T>
T unwrap_optional(Context& ctx, const Optional<T>& optional) {
  if (ctx.ok() && !optional.has_value()) return ctx.fail(ErrorKind::kRuntime, "Unwrapping null optional");
  return *optional;
}
template <class T>
T unwrap_optional(Context&, const T& value) {
  return value;
}

}  // namespace tsc::ops
