// Lists, dicts and tuples, with Python's semantics: lists and dicts are shared objects, tuples are values, dicts keep
// the order of insertion. Methods that can fail take the context; those that do not say so need valid operands. A list
// or dict that a failed operation returned reads as empty and ignores writes.
#pragma once

#include "runtime/core/scalar.h"

namespace tsc {

template <class T>
struct ListImpl : Counted {
  T* items = nullptr;
  i64 size = 0;
  i64 capacity = 0;

  // Room for `wanted` items; false when there is no memory.
  [[gnu::noinline]] bool reserve(i64 wanted) {
    if (wanted <= capacity) return true;
    if (wanted > kMaxItems) {
      owner->fail(ErrorKind::kOutOfMemory, "out of memory: a list of %lld items", static_cast<long long>(wanted));
      return false;
    }
    const i64 grown = max(wanted, capacity + capacity / 2 + 4);
    T* moved = static_cast<T*>(owner->allocate(static_cast<size_t>(grown) * sizeof(T)));
    if (moved == nullptr) return false;
    for (i64 i = 0; i < size; ++i) {
      new (moved + i, kPlace) T(tsc::move(items[i]));
      items[i].~T();
    }
    owner->free(items, static_cast<size_t>(capacity) * sizeof(T));
    items = moved;
    capacity = grown;
    return true;
  }
  void clear() {
    while (size > 0) items[--size].~T();
  }
  [[gnu::noinline]] void destroy() {
    clear();
    owner->free(items, static_cast<size_t>(capacity) * sizeof(T));
    free_object(this);
  }

 private:
  static constexpr i64 kMaxItems = (i64{1} << 46) / static_cast<i64>(sizeof(T));
};

template <class T>
class List : public Handle<ListImpl<T>> {
  using Base = Handle<ListImpl<T>>;
  using Base::impl_;

 public:
  using Element = T;
  using Base::Base;

  static List make(Context& ctx, i64 capacity = 0) {
    List list(Base::create(ctx));
    if (list.defined() && capacity > 0) list.impl_->reserve(capacity);
    return list;
  }
  template <class... Items>
  static List of(Context& ctx, Items&&... items) {
    List list = make(ctx, static_cast<i64>(sizeof...(Items)));
    (list.append(static_cast<T>(tsc::forward<Items>(items))), ...);
    return list;
  }
  static List copy_of(Context& ctx, Span<const T> items) {
    List list = make(ctx, items.size());
    for (const T& item : items) list.append(item);
    return list;
  }

  i64 size() const { return impl_ == nullptr ? 0 : impl_->size; }
  bool empty() const { return size() == 0; }
  T* data() const { return impl_ == nullptr ? nullptr : impl_->items; }
  T* begin() const { return data(); }
  T* end() const { return data() + size(); }
  T& operator[](i64 i) const { return impl_->items[i]; }  // 0 <= i < size()
  Span<const T> span() const { return Span<const T>(data(), size()); }

  void append(T item) const {
    if (impl_ == nullptr || (impl_->size == impl_->capacity && !impl_->reserve(impl_->size + 1))) return;
    new (impl_->items + impl_->size, kPlace) T(tsc::move(item));
    ++impl_->size;
  }
  void extend(const List& other) const {
    const i64 count = other.size();  // taken before: a list may be extended by itself
    if (impl_ == nullptr || !impl_->reserve(impl_->size + count)) return;
    for (i64 i = 0; i < count; ++i) append(other[i]);
  }
  void clear() const {
    if (impl_ != nullptr) impl_->clear();
  }
  List copy(Context& ctx) const { return copy_of(ctx, span()); }

  // Python's index, which counts from the end when negative; -1 and IndexError when there is no such item.
  i64 index_of(Context& ctx, i64 i) const {
    if (!ctx.ok()) return -1;
    const i64 index = i < 0 ? i + size() : i;
    if (index >= 0 && index < size()) return index;
    ctx.fail(ErrorKind::kIndex, "list index out of range");
    return -1;
  }
  T get(Context& ctx, i64 i) const {
    const i64 index = index_of(ctx, i);
    return index < 0 ? T() : impl_->items[index];
  }
  void set(Context& ctx, i64 i, T item) const {
    const i64 index = index_of(ctx, i);
    if (index >= 0) impl_->items[index] = tsc::move(item);
  }
  // Python's list.insert: an index beyond an end means that end.
  void insert(Context& ctx, i64 i, T item) const {
    if (impl_ == nullptr || !ctx.ok()) return;
    const i64 from_start = i < 0 ? i + size() : i;
    const i64 index = min(max<i64>(from_start, 0), size());
    append(tsc::move(item));
    for (i64 k = size() - 1; ctx.ok() && k > index; --k) swap(impl_->items[k], impl_->items[k - 1]);
  }
  T pop(Context& ctx, i64 i = -1) const {
    if (ctx.ok() && empty()) return ctx.fail(ErrorKind::kIndex, "pop from empty list");
    const i64 index = index_of(ctx, i);
    if (index < 0) return T();
    T item = tsc::move(impl_->items[index]);
    erase(index);
    return item;
  }
  // Removes the item at 0 <= index < size().
  void erase(i64 index) const {
    for (i64 k = index; k + 1 < size(); ++k) impl_->items[k] = tsc::move(impl_->items[k + 1]);
    impl_->items[--impl_->size].~T();
  }
};

// A constant list of plain values, for operands such as strides: `constinit const ConstantList<i64, 2> k_2x2{2, 2}`.
// It converts to a List that must not be written.
template <class T, int N>
class ConstantList {
 public:
  template <class... Items>
  constexpr explicit ConstantList(Items... items) : items_{static_cast<T>(items)...} {
    static_assert(sizeof...(Items) == N);
    impl_.references = kImmortal;
    impl_.items = items_;
    impl_.size = impl_.capacity = N;
  }
  operator List<T>() const { return List<T>(const_cast<ListImpl<T>*>(&impl_)); }  // NOLINT(google-explicit-constructor)

 private:
  T items_[N];
  ListImpl<T> impl_;
};
template <class T>
class ConstantList<T, 0> {
 public:
  constexpr ConstantList() { impl_.references = kImmortal; }
  operator List<T>() const { return List<T>(const_cast<ListImpl<T>*>(&impl_)); }  // NOLINT(google-explicit-constructor)

 private:
  ListImpl<T> impl_;
};

// Keys of dicts. Tensors are compared by identity.
inline uint64_t hash_bytes(const void* data, size_t bytes) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3u;
  return hash;
}
inline uint64_t hash_bits(uint64_t bits) {
  bits = (bits ^ (bits >> 32)) * 0x9e3779b97f4a7c15u;
  return bits ^ (bits >> 29);
}
inline uint64_t hash_key(i64 key) { return hash_bits(static_cast<uint64_t>(key)); }
inline uint64_t hash_key(bool key) { return hash_bits(key); }
inline uint64_t hash_key(double key) { return hash_bits(bit_cast<uint64_t>(key == 0 ? 0.0 : key)); }
inline uint64_t hash_key(Complex<double> key) { return hash_key(key.real) ^ hash_bits(hash_key(key.imag)); }
inline uint64_t hash_key(const Str& key) { return hash_bytes(key.data(), static_cast<size_t>(key.size())); }
inline uint64_t hash_key(const Tensor& key) { return hash_bits(reinterpret_cast<uintptr_t>(key.impl())); }
template <class K>
bool same_key(const K& a, const K& b) {
  return a == b;
}
inline bool same_key(const Tensor& a, const Tensor& b) { return a.is_same(b); }

[[gnu::cold]] inline void fail_missing_key(Context& ctx, i64 key) {
  ctx.fail(ErrorKind::kKey, "the dict has no key %lld", static_cast<long long>(key));
}
[[gnu::cold]] inline void fail_missing_key(Context& ctx, bool key) {
  ctx.fail(ErrorKind::kKey, "the dict has no key %s", key ? "True" : "False");
}
[[gnu::cold]] inline void fail_missing_key(Context& ctx, double key) {
  ctx.fail(ErrorKind::kKey, "the dict has no key %g", key);
}
[[gnu::cold]] inline void fail_missing_key(Context& ctx, Complex<double> key) {
  ctx.fail(ErrorKind::kKey, "the dict has no key (%g+%gj)", key.real, key.imag);
}
[[gnu::cold]] inline void fail_missing_key(Context& ctx, const Str& key) {
  const int size = static_cast<int>(min<i64>(key.size(), 512));
  ctx.fail(ErrorKind::kKey, "the dict has no key '%.*s'", size, key.data());
}
[[gnu::cold]] inline void fail_missing_key(Context& ctx, const Tensor&) {
  ctx.fail(ErrorKind::kKey, "the dict has no such tensor as key");
}

// Entries lie in the order of insertion, deleted ones as gaps; from kIndexFrom entries on, a table of positions with
// open addressing finds them by hash.
template <class K, class V>
struct DictImpl : Counted {
  struct Entry {
    K key;
    V value;
    uint64_t hash;
    bool live;
  };
  static constexpr i64 kIndexFrom = 9;

  Entry* entries = nullptr;
  i64 used = 0;  // entries with gaps
  i64 live = 0;
  i64 capacity = 0;
  int32_t* table = nullptr;  // -1: free
  i64 table_size = 0;        // a power of two, at least twice the capacity

  [[gnu::noinline]] i64 find(const K& key, uint64_t hash) const {
    if (table == nullptr) {
      for (i64 i = 0; i < used; ++i) {
        if (matches(i, key, hash)) return i;
      }
      return -1;
    }
    for (i64 slot = first_slot(hash); table[slot] >= 0; slot = next_slot(slot)) {
      if (matches(table[slot], key, hash)) return table[slot];
    }
    return -1;
  }
  // Appends a key that is not there; null when there is no memory.
  [[gnu::noinline]] V* insert(K key, V value, uint64_t hash) {
    if (used == capacity && !rebuild(live + live / 2 + 4)) return nullptr;
    Entry* entry = new (entries + used, kPlace) Entry{tsc::move(key), tsc::move(value), hash, true};
    if (table != nullptr) add_to_table(used);
    ++used;
    ++live;
    return &entry->value;
  }
  // The entry becomes a gap; what it held is returned, so that its end cannot meet a half-changed dict.
  V erase(i64 index) {
    Entry& entry = entries[index];
    V value = tsc::move(entry.value);
    entry.key = K();
    entry.live = false;
    if (--live == 0) clear();
    return value;
  }
  void clear() {
    for (i64 i = 0; i < used; ++i) entries[i].~Entry();
    used = live = 0;
    for (i64 i = 0; i < table_size; ++i) table[i] = -1;
  }
  [[gnu::noinline]] void destroy() {
    clear();
    free_arrays();
    free_object(this);
  }

 private:
  bool matches(i64 index, const K& key, uint64_t hash) const {
    const Entry& entry = entries[index];
    return entry.live && entry.hash == hash && same_key(entry.key, key);
  }
  i64 first_slot(uint64_t hash) const { return static_cast<i64>(hash & static_cast<uint64_t>(table_size - 1)); }
  i64 next_slot(i64 slot) const { return (slot + 1) & (table_size - 1); }
  void add_to_table(i64 index) {
    i64 slot = first_slot(entries[index].hash);
    while (table[slot] >= 0) slot = next_slot(slot);
    table[slot] = static_cast<int32_t>(index);
  }
  void free_arrays() {
    owner->free(entries, static_cast<size_t>(capacity) * sizeof(Entry));
    owner->free(table, static_cast<size_t>(table_size) * sizeof(int32_t));
  }
  // Moves the live entries to new arrays with room for `wanted`.
  [[gnu::noinline]] bool rebuild(i64 wanted) {
    if (wanted > (i64{1} << 30)) {
      owner->fail(ErrorKind::kOutOfMemory, "out of memory: a dict of %lld items", static_cast<long long>(wanted));
      return false;
    }
    i64 slots = 0;
    if (wanted >= kIndexFrom) {
      for (slots = 32; slots < 2 * wanted;) slots *= 2;
    }
    Entry* moved = static_cast<Entry*>(owner->allocate(static_cast<size_t>(wanted) * sizeof(Entry)));
    int32_t* positions = slots == 0 ? nullptr : static_cast<int32_t*>(owner->allocate(static_cast<size_t>(slots) * 4));
    if (moved == nullptr || (slots != 0 && positions == nullptr)) {
      owner->free(moved, static_cast<size_t>(wanted) * sizeof(Entry));
      return false;
    }
    i64 count = 0;
    for (i64 i = 0; i < used; ++i) {
      if (entries[i].live) new (moved + count++, kPlace) Entry(tsc::move(entries[i]));
      entries[i].~Entry();
    }
    free_arrays();
    entries = moved;
    used = count;
    capacity = wanted;
    table = positions;
    table_size = slots;
    for (i64 i = 0; i < slots; ++i) table[i] = -1;
    for (i64 i = 0; table != nullptr && i < used; ++i) add_to_table(i);
    return true;
  }
};

template <class K, class V>
class Dict : public Handle<DictImpl<K, V>> {
  using Base = Handle<DictImpl<K, V>>;
  using Base::impl_;

 public:
  using Key = K;
  using Mapped = V;
  using Entry = typename DictImpl<K, V>::Entry;
  using Base::Base;

  static Dict make(Context& ctx) { return Dict(Base::create(ctx)); }

  i64 size() const { return impl_ == nullptr ? 0 : impl_->live; }
  bool empty() const { return size() == 0; }
  // The key's value, or null. Valid until the dict changes.
  V* find(const K& key) const {
    const i64 index = impl_ == nullptr ? -1 : impl_->find(key, hash_key(key));
    return index < 0 ? nullptr : &impl_->entries[index].value;
  }
  bool contains(const K& key) const { return find(key) != nullptr; }
  V get(Context& ctx, const K& key) const {
    if (!ctx.ok()) return V();
    if (V* value = find(key)) return *value;
    fail_missing_key(ctx, key);
    return V();
  }
  void set(K key, V value) const {
    if (impl_ == nullptr) return;
    const uint64_t hash = hash_key(key);
    const i64 index = impl_->find(key, hash);
    if (index < 0) {
      impl_->insert(tsc::move(key), tsc::move(value), hash);
    } else {
      impl_->entries[index].value = tsc::move(value);
    }
  }
  // Removes the key and returns its value; KeyError when it is not there.
  V pop(Context& ctx, const K& key) const {
    if (!ctx.ok()) return V();
    const i64 index = impl_ == nullptr ? -1 : impl_->find(key, hash_key(key));
    if (index >= 0) return impl_->erase(index);
    fail_missing_key(ctx, key);
    return V();
  }
  void clear() const {
    if (impl_ != nullptr) impl_->clear();
  }
  Dict copy(Context& ctx) const {
    Dict result = make(ctx);
    for (const Entry& entry : *this) result.set(entry.key, entry.value);
    return result;
  }
  List<K> keys(Context& ctx) const {
    List<K> result = List<K>::make(ctx, size());
    for (const Entry& entry : *this) result.append(entry.key);
    return result;
  }
  List<V> values(Context& ctx) const {
    List<V> result = List<V>::make(ctx, size());
    for (const Entry& entry : *this) result.append(entry.value);
    return result;
  }

  // `for (auto& entry : dict)` visits the entries in the order of insertion; the dict must not change meanwhile.
  class Iterator {
   public:
    Iterator(Entry* entry, Entry* end) : entry_(entry), end_(end) { skip_gaps(); }
    Entry& operator*() const { return *entry_; }
    Iterator& operator++() {
      ++entry_;
      skip_gaps();
      return *this;
    }
    friend bool operator!=(const Iterator& a, const Iterator& b) { return a.entry_ != b.entry_; }

   private:
    void skip_gaps() {
      while (entry_ != end_ && !entry_->live) ++entry_;
    }
    Entry* entry_;
    Entry* end_;
  };
  Iterator begin() const { return Iterator(entries(), entries_end()); }
  Iterator end() const { return Iterator(entries_end(), entries_end()); }

 private:
  Entry* entries() const { return impl_ == nullptr ? nullptr : impl_->entries; }
  Entry* entries_end() const { return impl_ == nullptr ? nullptr : impl_->entries + impl_->used; }
};

// Tuples.

template <int... I>
struct Indices {};
template <class T, T... I>
using IndicesOf = Indices<I...>;
template <int N>
using MakeIndices = MakeSequence<IndicesOf, N>;

template <int I, class T>
struct TupleField {
  T value{};
};
template <int I, class T>
constexpr const T& tuple_field(const TupleField<I, T>& field) {
  return field.value;
}
template <int I, class T>
constexpr T& tuple_field(TupleField<I, T>& field) {
  return field.value;
}
template <class I, class... T>
struct TupleFields;
template <int... I, class... T>
struct TupleFields<Indices<I...>, T...> : TupleField<I, T>... {
  constexpr TupleFields() = default;
  constexpr explicit TupleFields(Place, T... values) : TupleField<I, T>{tsc::move(values)}... {}
};

template <class... T>
struct Tuple : TupleFields<MakeIndices<static_cast<int>(sizeof...(T))>, T...> {
  using Base = TupleFields<MakeIndices<static_cast<int>(sizeof...(T))>, T...>;
  static constexpr int kSize = static_cast<int>(sizeof...(T));

  constexpr Tuple() = default;
  constexpr Tuple(T... values)  // NOLINT(google-explicit-constructor)
    requires(sizeof...(T) > 0)
      : Base(kPlace, tsc::move(values)...) {}
  // Of fields that convert: an int for an optional one.
  template <class... Other>
    requires(sizeof...(Other) == sizeof...(T) && !__is_same(Tuple<Other...>, Tuple))
  constexpr explicit Tuple(const Tuple<Other...>& other) : Tuple(other, MakeIndices<kSize>()) {}
  template <int I>
  constexpr const auto& get() const {
    return tuple_field<I>(*this);
  }
  template <int I>
  constexpr auto& get() {
    return tuple_field<I>(*this);
  }

 private:
  template <class Other, int... I>
  constexpr Tuple(const Other& other, Indices<I...>) : Base(kPlace, T(other.template get<I>())...) {}
};

// A tuple with names, of a NamedTuple class: `Names` has `kTypeName` and `kNames[]`.
template <class Names, class... T>
struct NamedTuple : Tuple<T...> {
  using Tuple<T...>::Tuple;
  NamedTuple(Tuple<T...> plain) : Tuple<T...>(tsc::move(plain)) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace tsc
