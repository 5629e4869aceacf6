// What the entry points do with values, for every type: `Marshal<T>` knows how to read one from the caller, how to
// write it to a result, how to make it independent of the caller's memory (`own`), and how to copy it to another
// instance.
#pragma once

#include "runtime/core/value.h"

namespace tsc {

// Copies values to another context, as Python's deepcopy does: what is one object, or one tensor's memory, stays one.
class Copier {
 public:
  explicit Copier(Context& to) : ctx(to), copies_(Dict<i64, i64>::make(to)) {}

  template <class T>
  T copy(const T& value) {
    return ctx.ok() ? Marshal<T>::copy(*this, value) : T{};
  }
  // What a handle points to has one copy. `make()` makes it, empty; `fill(copy)` copies its parts, which may hold the
  // object itself.
  template <class H, class Make, class Fill>
  H copy_object(const H& original, const Make& make, const Fill& fill) {
    if (!original.defined() || original.impl()->references == kImmortal) return original;
    if (void* known = find(original.impl())) return share<H>(static_cast<decltype(original.impl())>(known));
    H made = make();
    if (!made.defined()) return made;
    remember(original.impl(), made.impl());
    if (ctx.enter()) fill(made);
    ctx.leave();
    return made;
  }
  Tensor copy_tensor(const Tensor& original) {
    const auto make = [&] {
      TensorImpl* impl = original.impl();
      Storage* storage = copy_storage(impl->storage);
      if (storage == nullptr) return Tensor();
      const i64 offset = impl->data - static_cast<char*>(impl->storage->data);
      return Tensor::on_storage(ctx, storage, offset, original.dtype(), original.sizes(), original.strides());
    };
    return copy_object(original, make, [](const Tensor&) {});
  }

  Context& ctx;

 private:
  template <class H, class Impl>
  static H share(Impl* impl) {
    ++impl->references;
    return H(impl);
  }
  // The copy, with a reference for the caller; null when there is no memory. Constants are shared.
  Storage* copy_storage(Storage* original) {
    if (original->kind == Storage::Kind::kConstant) return original;
    if (void* known = find(original)) {
      Storage* copy = static_cast<Storage*>(known);
      copy->retain();
      return copy;
    }
    Storage* copy = Storage::allocate(ctx, original->bytes);
    if (copy == nullptr) return nullptr;
    original->reach(false);
    libc::memcpy(copy->data, original->data, original->bytes);
    remember(original, copy);
    return copy;
  }
  void* find(const void* original) const {
    const i64* copy = copies_.find(reinterpret_cast<i64>(original));
    return copy == nullptr ? nullptr : reinterpret_cast<void*>(*copy);
  }
  void remember(const void* original, void* copy) {
    copies_.set(reinterpret_cast<i64>(original), reinterpret_cast<i64>(copy));
  }

  Dict<i64, i64> copies_;  // addresses
};

// `own` gives what outlives a call (state) memory of its own, where it refers to the caller's; `copy` is a Copier's.

template <>
struct Marshal<Tensor> {
  static void append_type(Text& text) { text.append("Tensor"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Tensor& to) {
    if (value.kind != TSC_TENSOR) return reader.fail_type<Tensor>(value, path);
    to = reader.read_tensor(value, path);
  }
  static void write(Writer& writer, const Tensor& tensor, tsc_value& to) { writer.write_tensor(tensor, to); }
  static void own(Context& ctx, Tensor& tensor) {
    TensorImpl* impl = tensor.impl();
    Storage* borrowed = impl->storage;
    if (borrowed == nullptr || borrowed->kind != Storage::Kind::kBorrowed) return;
    if (borrowed->references > 1 || borrowed->copy != nullptr) return own_shared(ctx, tensor);
    Storage* copy = Storage::allocate(ctx, static_cast<size_t>(tensor.numel() * tensor.element_size()));
    if (copy == nullptr) {
      tensor = Tensor();
      return;
    }
    pack_elements(ctx, tensor, static_cast<char*>(copy->data));
    borrowed->drop();
    impl->storage = copy;
    impl->data = static_cast<char*>(copy->data);
    Tensor::contiguous_strides(tensor.sizes(), impl->strides);
  }
  static Tensor copy(Copier& copier, const Tensor& tensor) { return copier.copy_tensor(tensor); }

 private:
  // Several tensors look at the same memory of the caller's: they go on sharing one copy of it.
  static void own_shared(Context& ctx, Tensor& tensor) {
    TensorImpl* impl = tensor.impl();
    Storage* borrowed = impl->storage;
    if (borrowed->copy != nullptr) {
      borrowed->copy->retain();
    } else {
      borrowed->copy = Storage::allocate(ctx, borrowed->bytes);
      if (borrowed->copy == nullptr) {
        tensor = Tensor();
        return;
      }
      libc::memcpy(borrowed->copy->data, borrowed->data, borrowed->bytes);
    }
    impl->data = static_cast<char*>(borrowed->copy->data) + (impl->data - static_cast<char*>(borrowed->data));
    impl->storage = borrowed->copy;
    borrowed->drop();
  }
};

template <>
struct Marshal<None> {
  static void append_type(Text& text) { text.append("None"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, None&) {
    if (value.kind != TSC_NONE) reader.fail_type<None>(value, path);
  }
  static void write(Writer&, None, tsc_value&) {}
  static void own(Context&, None&) {}
  static None copy(Copier&, const None& value) { return value; }
};

template <>
struct Marshal<bool> {
  static void append_type(Text& text) { text.append("bool"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, bool& to) {
    if (value.kind != TSC_BOOL) return reader.fail_type<bool>(value, path);
    to = value.as.boolean != 0;
  }
  static void write(Writer&, bool value, tsc_value& to) {
    to.kind = TSC_BOOL;
    to.as.boolean = value;
  }
  static void own(Context&, bool&) {}
  static bool copy(Copier&, const bool& value) { return value; }
};

// As Python does, bool is an int, an int a float, and a float a complex number.
template <>
struct Marshal<Scalar> {
  static void append_type(Text& text) { text.append("number"); }
  static bool convert(const tsc_value& value, Scalar& to) {
    switch (value.kind) {
      case TSC_BOOL:
        to = value.as.boolean != 0;
        return true;
      case TSC_INT:
        to = value.as.integer;
        return true;
      case TSC_FLOAT:
        to = value.as.real;
        return true;
      case TSC_COMPLEX:
        to = Complex<double>(value.as.complex_value[0], value.as.complex_value[1]);
        return true;
      default:
        return false;
    }
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Scalar& to) {
    if (!convert(value, to)) reader.fail_type<Scalar>(value, path);
  }
  static void write(Writer&, const Scalar& value, tsc_value& to) {
    switch (value.kind()) {
      case Scalar::Kind::kBool:
        to.kind = TSC_BOOL;
        to.as.boolean = value.to_bool();
        return;
      case Scalar::Kind::kInt:
        to.kind = TSC_INT;
        to.as.integer = value.to_int();
        return;
      case Scalar::Kind::kFloat:
        to.kind = TSC_FLOAT;
        to.as.real = value.to_double();
        return;
      case Scalar::Kind::kComplex:
        to.kind = TSC_COMPLEX;
        to.as.complex_value[0] = value.to_complex().real;
        to.as.complex_value[1] = value.to_complex().imag;
        return;
    }
  }
  static void own(Context&, Scalar&) {}
  static Scalar copy(Copier&, const Scalar& value) { return value; }
};
template <>
struct Marshal<i64> {
  static void append_type(Text& text) { text.append("int"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, i64& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number) || value.kind > TSC_INT) return reader.fail_type<i64>(value, path);
    to = number.to_int();
  }
  static void write(Writer& writer, i64 value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, i64&) {}
  static i64 copy(Copier&, const i64& value) { return value; }
};
template <>
struct Marshal<double> {
  static void append_type(Text& text) { text.append("float"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, double& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number) || value.kind > TSC_FLOAT)
      return reader.fail_type<double>(value, path);
    to = number.to_double();
  }
  static void write(Writer& writer, double value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, double&) {}
  static double copy(Copier&, const double& value) { return value; }
};
template <>
struct Marshal<Complex<double>> {
  static void append_type(Text& text) { text.append("complex"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Complex<double>& to) {
    Scalar number;
    if (!Marshal<Scalar>::convert(value, number)) return reader.fail_type<Complex<double>>(value, path);
    to = number.to_complex();
  }
  static void write(Writer& writer, Complex<double> value, tsc_value& to) { Marshal<Scalar>::write(writer, value, to); }
  static void own(Context&, Complex<double>&) {}
  static Complex<double> copy(Copier&, const Complex<double>& value) { return value; }
};

// Strings are copied on the way in, since programs keep pieces of them.
template <>
struct Marshal<Str> {
  static void append_type(Text& text) { text.append("str"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Str& to) {
    if (value.kind != TSC_STR) return reader.fail_type<Str>(value, path);
    if (value.as.str.size == 0) return;
    if (value.as.str.data == nullptr || value.as.str.size > kMaxBytes) {
      return reader.fail(ErrorKind::kInvalidArgument, path, "the string is a null pointer or too long");
    }
    to = Str::copy(reader.ctx, value.as.str.data, static_cast<i64>(value.as.str.size));
  }
  static void write(Writer& writer, const Str& value, tsc_value& to) {
    writer.write_str(value.data(), value.size(), to);
  }
  static void own(Context&, Str&) {}
  static Str copy(Copier& copier, const Str& text) { return Str::copy(copier.ctx, text.data(), text.size()); }

 private:
  static constexpr size_t kMaxBytes = size_t{1} << 40;
};

// Devices travel as strings: "cpu", "cuda:0".
template <>
struct Marshal<Device> {
  static void append_type(Text& text) { text.append("device"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Device& to) {
    if (value.kind != TSC_STR) return reader.fail_type<Device>(value, path);
    const Str name = Str::literal(value.as.str.data, static_cast<i64>(value.as.str.size));
    if (!(name == "cpu")) reader.fail(ErrorKind::kUnsupported, path, "the only device is cpu");
    to = Device{};
  }
  static void write(Writer& writer, Device device, tsc_value& to) {
    char name[16];
    const char* type = device.type == Device::Type::kCpu ? "cpu" : "cuda";
    const int size = device.index < 0 ? libc::snprintf(name, sizeof name, "%s", type)
                                      : libc::snprintf(name, sizeof name, "%s:%d", type, device.index);
    writer.write_str(name, size, to);
  }
  static void own(Context&, Device&) {}
  static Device copy(Copier&, const Device& value) { return value; }
};

template <class T>
struct Marshal<Optional<T>> {
  static void append_type(Text& text) {
    text.append("Optional[");
    Marshal<T>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Optional<T>& to) {
    if (value.kind != TSC_NONE) to = reader.read<T>(value, path);
  }
  static void write(Writer& writer, const Optional<T>& value, tsc_value& to) {
    if (value.has_value()) writer.write(*value, to);
  }
  static void own(Context& ctx, Optional<T>& value) {
    if (value.has_value()) Marshal<T>::own(ctx, *value);
  }
  static Optional<T> copy(Copier& copier, const Optional<T>& value) {
    return value.has_value() ? Optional<T>(copier.copy(*value)) : Optional<T>();
  }
};

// A list may be given as a tuple.
template <class T>
struct Marshal<List<T>> {
  static void append_type(Text& text) {
    text.append("List[");
    Marshal<T>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, List<T>& to) {
    if (value.kind != TSC_LIST && value.kind != TSC_TUPLE) return reader.fail_type<List<T>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    const i64 count = static_cast<i64>(value.as.sequence.count);
    to = List<T>::make(reader.ctx, count);
    for (i64 i = 0; i < count && reader.ctx.ok(); ++i) {
      to.append(reader.read<T>(value.as.sequence.items[i], Path{&path, nullptr, i, Path::kIndex}));
    }
  }
  static void write(Writer& writer, const List<T>& list, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_LIST, list.size());
    for (i64 i = 0; items != nullptr && i < list.size(); ++i) {
      writer.write_part(list[i], items[i], list.impl()->references);
    }
  }
  static void own(Context& ctx, List<T>& list) {
    for (T& item : list) Marshal<T>::own(ctx, item);
  }
  static List<T> copy(Copier& copier, const List<T>& list) {
    return copier.copy_object(
        list, [&] { return List<T>::make(copier.ctx, list.size()); },
        [&](const List<T>& made) {
          for (const T& item : list) made.append(copier.copy(item));
        });
  }
};

template <class K, class V>
struct Marshal<Dict<K, V>> {
  static void append_type(Text& text) {
    text.append("Dict[");
    Marshal<K>::append_type(text);
    text.append(", ");
    Marshal<V>::append_type(text);
    text.append("]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Dict<K, V>& to) {
    if (value.kind != TSC_DICT) return reader.fail_type<Dict<K, V>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    if (value.as.sequence.count % 2 != 0) {
      return reader.fail(ErrorKind::kInvalidArgument, path, "a dict has a key without a value");
    }
    to = Dict<K, V>::make(reader.ctx);
    for (size_t i = 0; i < value.as.sequence.count && reader.ctx.ok(); i += 2) {
      const tsc_value& key = value.as.sequence.items[i];
      const bool is_str = key.kind == TSC_STR && key.as.str.data != nullptr;
      const Path place = is_str ? Path{&path, key.as.str.data, 0, Path::kKey, static_cast<i64>(key.as.str.size)}
                                : Path{&path, nullptr, key.kind == TSC_INT ? key.as.integer : 0, Path::kIndex};
      K name = reader.read<K>(key, place);
      V item = reader.read<V>(value.as.sequence.items[i + 1], place);
      if (reader.ctx.ok()) to.set(tsc::move(name), tsc::move(item));
    }
  }
  static void write(Writer& writer, const Dict<K, V>& dict, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_DICT, 2 * dict.size());
    if (items == nullptr) return;
    for (const auto& entry : dict) {
      writer.write_part(entry.key, *items++, dict.impl()->references);
      writer.write_part(entry.value, *items++, dict.impl()->references);
    }
  }
  static void own(Context& ctx, Dict<K, V>& dict) {
    for (auto& entry : dict) Marshal<V>::own(ctx, entry.value);
  }
  static Dict<K, V> copy(Copier& copier, const Dict<K, V>& dict) {
    return copier.copy_object(
        dict, [&] { return Dict<K, V>::make(copier.ctx); },
        [&](const Dict<K, V>& made) {
          for (const auto& entry : dict) made.set(copier.copy(entry.key), copier.copy(entry.value));
        });
  }
};

template <class... T>
struct Marshal<Tuple<T...>> {
  static constexpr int kSize = static_cast<int>(sizeof...(T));
  static void append_type(Text& text) {
    const char* separator = "Tuple[";
    ((text.append(separator), Marshal<T>::append_type(text), separator = ", "), ...);
    text.append(kSize == 0 ? "Tuple[()]" : "]");
  }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Tuple<T...>& to) {
    if (value.kind != TSC_TUPLE) return reader.fail_type<Tuple<T...>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    if (value.as.sequence.count != sizeof...(T)) {
      Text expected;
      append_type(expected);
      return reader.fail(ErrorKind::kType, path, "expected ", expected.c_str(), ", got a tuple of another length");
    }
    read_fields(reader, value.as.sequence.items, path, to, MakeIndices<kSize>());
  }
  static void write(Writer& writer, const Tuple<T...>& tuple, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_TUPLE, kSize);
    if (items != nullptr) write_fields(writer, tuple, items, MakeIndices<kSize>());
  }
  static void own(Context& ctx, Tuple<T...>& tuple) { own_fields(ctx, tuple, MakeIndices<kSize>()); }
  static Tuple<T...> copy(Copier& copier, const Tuple<T...>& tuple) {
    return copy_fields(copier, tuple, MakeIndices<kSize>());
  }

 private:
  template <int... I>
  static void read_fields([[maybe_unused]] Reader& reader, [[maybe_unused]] const tsc_value* items,
                          [[maybe_unused]] const Path& path, Tuple<T...>& to, Indices<I...>) {
    ((to.template get<I>() = reader.read<T>(items[I], Path{&path, nullptr, I, Path::kIndex})), ...);
  }
  template <int... I>
  static void write_fields(Writer& writer, const Tuple<T...>& tuple, tsc_value* items, Indices<I...>) {
    (writer.write(tuple.template get<I>(), items[I]), ...);
  }
  template <int... I>
  static void own_fields([[maybe_unused]] Context& ctx, Tuple<T...>& tuple, Indices<I...>) {
    (Marshal<T>::own(ctx, tuple.template get<I>()), ...);
  }
  template <int... I>
  static Tuple<T...> copy_fields([[maybe_unused]] Copier& copier, [[maybe_unused]] const Tuple<T...>& tuple,
                                 Indices<I...>) {
    Tuple<T...> made;
    ((made.template get<I>() = copier.copy(tuple.template get<I>())), ...);
    return made;
  }
};
template <class Names, class... T>
struct Marshal<NamedTuple<Names, T...>> : Marshal<Tuple<T...>> {
  static constexpr tsc_names kNames = {Names::kTypeName, Names::kFieldNames};
  static void write(Writer& writer, const Tuple<T...>& tuple, tsc_value& to) {
    Marshal<Tuple<T...>>::write(writer, tuple, to);
    to.names = &kNames;
  }
  static NamedTuple<Names, T...> copy(Copier& copier, const Tuple<T...>& tuple) {
    NamedTuple<Names, T...> made;
    static_cast<Tuple<T...>&>(made) = Marshal<Tuple<T...>>::copy(copier, tuple);
    return made;
  }
};

template <class T>
struct Marshal<Ref<T>> {
  static constexpr tsc_names kNames = {T::kTypeName, T::kFieldNames};
  static void append_type(Text& text) { text.append(T::kTypeName); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Ref<T>& to) {
    if (value.kind != TSC_OBJECT) return reader.fail_type<Ref<T>>(value, path);
    if (!reader.check_sequence(value, path)) return;
    Ref<T> object = Ref<T>::make(reader.ctx);
    if (!object.defined()) return;
    if (value.as.sequence.count != field_count(*object)) {
      return reader.fail(ErrorKind::kType, path, "expected a ", T::kTypeName, ", got an object with other fields");
    }
    size_t i = 0;
    object->fields([&](auto& field) {
      const Path place{&path, T::kFieldNames[i], 0, Path::kField};
      const tsc_value* item = find_field(value, i++);
      if (item == nullptr) return reader.fail(ErrorKind::kType, place, "the object has no such field");
      field = reader.read<Bare<decltype(field)>>(*item, place);
    });
    to = object;
  }
  static void write(Writer& writer, const Ref<T>& object, tsc_value& to) {
    if (!object.defined()) return;
    tsc_value* items = writer.make_sequence(to, TSC_OBJECT, static_cast<i64>(field_count(*object)));
    to.names = &kNames;
    if (items == nullptr) return;
    object->fields([&](auto& field) { writer.write_part(field, *items++, object->references); });
  }
  static void own(Context& ctx, Ref<T>& object) {
    if (!object.defined()) return;
    if (ctx.enter()) {
      object->fields([&](auto& field) { Marshal<Bare<decltype(field)>>::own(ctx, field); });
    }
    ctx.leave();
  }
  static Ref<T> copy(Copier& copier, const Ref<T>& object) {
    return copier.copy_object(
        object, [&] { return Ref<T>::make_as(copier.ctx, *object); },
        [&](const Ref<T>& made) { made->fields([&](auto& field) { field = copier.copy(field); }); });
  }

 private:
  // By name where the caller names the fields, otherwise by position.
  static const tsc_value* find_field(const tsc_value& value, size_t field) {
    if (value.names == nullptr || value.names->field_names == nullptr) return &value.as.sequence.items[field];
    for (size_t i = 0; i < value.as.sequence.count; ++i) {
      const char* name = value.names->field_names[i];
      if (name != nullptr && libc::strcmp(name, T::kFieldNames[field]) == 0) return &value.as.sequence.items[i];
    }
    return nullptr;
  }
  static size_t field_count(T& object) {
    size_t count = 0;
    object.fields([&](auto&) { ++count; });
    return count;
  }
};

// Any: the type follows from the value. A list or dict whose items have one plain type is one of that type, another has
// Any items.
template <>
struct Marshal<Any> {
  static void append_type(Text& text) { text.append("Any"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    switch (value.kind) {
      case TSC_NONE:
        return;
      case TSC_BOOL:
        return box<bool>(reader, value, path, to);
      case TSC_INT:
        return box<i64>(reader, value, path, to);
      case TSC_FLOAT:
        return box<double>(reader, value, path, to);
      case TSC_COMPLEX:
        return box<Complex<double>>(reader, value, path, to);
      case TSC_STR:
        return box<Str>(reader, value, path, to);
      case TSC_TENSOR:
        return box<Tensor>(reader, value, path, to);
      case TSC_TUPLE:
        return box<AnyTuple>(reader, value, path, to);
      case TSC_LIST:
        if (!reader.check_sequence(value, path)) return;
        switch (common_kind(value, 0, 1)) {
          case TSC_BOOL:
            return box<List<bool>>(reader, value, path, to);
          case TSC_INT:
            return box<List<i64>>(reader, value, path, to);
          case TSC_FLOAT:
            return box<List<double>>(reader, value, path, to);
          case TSC_STR:
            return box<List<Str>>(reader, value, path, to);
          case TSC_TENSOR:
            return box<List<Tensor>>(reader, value, path, to);
          default:
            return box<List<Any>>(reader, value, path, to);
        }
      case TSC_DICT:
        if (!reader.check_sequence(value, path)) return;
        return common_kind(value, 0, 2) == TSC_INT ? box_dict<i64>(reader, value, path, to)
                                                   : box_dict<Str>(reader, value, path, to);
      default:
        return reader.fail(ErrorKind::kUnsupported, path, Reader::kind_name(value.kind), " cannot be given for Any");
    }
  }
  static void write(Writer& writer, const Any& value, tsc_value& to) {
    if (!value.is_none()) value.impl()->type->write(writer, *value.impl(), to);
  }
  static void own(Context& ctx, Any& value) {
    if (!value.is_none()) value.impl()->type->own(ctx, *value.impl());
  }
  static Any copy(Copier& copier, const Any& value) {
    return value.is_none() ? Any() : value.impl()->type->copy(copier, *value.impl());
  }

 private:
  template <class T>
  static void box(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    to = Any::make(reader.ctx, reader.read<T>(value, path));
  }
  template <class K>
  static void box_dict(Reader& reader, const tsc_value& value, const Path& path, Any& to) {
    switch (common_kind(value, 1, 2)) {
      case TSC_INT:
        return box<Dict<K, i64>>(reader, value, path, to);
      case TSC_FLOAT:
        return box<Dict<K, double>>(reader, value, path, to);
      case TSC_STR:
        return box<Dict<K, Str>>(reader, value, path, to);
      case TSC_TENSOR:
        return box<Dict<K, Tensor>>(reader, value, path, to);
      default:
        return box<Dict<K, Any>>(reader, value, path, to);
    }
  }
  // The kind of every `step`-th item from `first` on; -1 when they differ or there is none.
  static int32_t common_kind(const tsc_value& value, size_t first, size_t step) {
    int32_t kind = -1;
    for (size_t i = first; i < value.as.sequence.count; i += step) {
      const int32_t next = value.as.sequence.items[i].kind;
      if (kind != -1 && kind != next) return -1;
      kind = next;
    }
    return kind;
  }
};

template <>
struct Marshal<AnyTuple> {
  static void append_type(Text& text) { text.append("Tuple"); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, AnyTuple& to) {
    Marshal<List<Any>>::read(reader, value, path, to.fields);
  }
  static void write(Writer& writer, const AnyTuple& tuple, tsc_value& to) {
    Marshal<List<Any>>::write(writer, tuple.fields, to);
    to.kind = TSC_TUPLE;
  }
  static void own(Context& ctx, AnyTuple& tuple) { Marshal<List<Any>>::own(ctx, tuple.fields); }
  static AnyTuple copy(Copier& copier, const AnyTuple& tuple) { return {copier.copy(tuple.fields)}; }
};

// An Enum's member travels as an object with the fields `name` and `value`. The caller may give its value alone.
template <class T>
  requires(__is_enum(T))
struct Marshal<T> {
  using Members = decltype(members_of(T{}));
  static constexpr const char* kFieldNames[] = {"name", "value"};
  static constexpr tsc_names kNames = {Members::kTypeName, kFieldNames};
  static void append_type(Text& text) { text.append(Members::kTypeName); }
  static void read(Reader& reader, const tsc_value& value, const Path& path, T& to) {
    const bool is_object =
        value.kind == TSC_OBJECT && value.as.sequence.count == 2 && value.as.sequence.items != nullptr;
    const tsc_value& given = is_object ? value.as.sequence.items[1] : value;
    for (i64 i = 0; i < Members::kCount; ++i) {
      if (!is_value(given, Members::kValues[i])) continue;
      to = static_cast<T>(i);
      return;
    }
    reader.fail(ErrorKind::kType, path, "expected a member of ", Members::kTypeName, ", got ",
                is_object ? "another object" : Reader::kind_name(value.kind));
  }
  static void write(Writer& writer, T member, tsc_value& to) {
    tsc_value* items = writer.make_sequence(to, TSC_OBJECT, 2);
    to.names = &kNames;
    if (items == nullptr) return;
    const char* name = Members::kNames[static_cast<i64>(member)];
    writer.write_str(name, static_cast<i64>(libc::strlen(name)), items[0]);
    write_value(writer, Members::kValues[static_cast<i64>(member)], items[1]);
  }
  static void own(Context&, T&) {}
  static T copy(Copier&, T member) { return member; }

 private:
  static bool is_value(const tsc_value& given, i64 value) { return given.kind == TSC_INT && given.as.integer == value; }
  static bool is_value(const tsc_value& given, double value) {
    return given.kind == TSC_FLOAT && given.as.real == value;
  }
  static bool is_value(const tsc_value& given, const char* value) {
    return given.kind == TSC_STR && given.as.str.data != nullptr && given.as.str.size == libc::strlen(value) &&
           libc::memcmp(given.as.str.data, value, given.as.str.size) == 0;
  }
  template <class Value>
  static void write_value(Writer& writer, Value value, tsc_value& to) {
    if constexpr (__is_same(Value, const char*)) {
      writer.write_str(value, static_cast<i64>(libc::strlen(value)), to);
    } else {
      writer.write(value, to);
    }
  }
};

template <class T>
inline constexpr TypeInfo::Family family_of = TypeInfo::Family::kOther;
template <class T>
inline constexpr TypeInfo::Family family_of<List<T>> = TypeInfo::Family::kList;
template <class... T>
inline constexpr TypeInfo::Family family_of<Tuple<T...>> = TypeInfo::Family::kTuple;
template <class... T>
inline constexpr TypeInfo::Family family_of<NamedTuple<T...>> = TypeInfo::Family::kTuple;
template <>
inline constexpr TypeInfo::Family family_of<AnyTuple> = TypeInfo::Family::kTuple;

template <class T>
constinit const TypeInfo TypeInfoOf<T>::value = {
    family_of<T>,
    [](AnyBox* box) { free_object(static_cast<AnyBoxOf<T>*>(box)); },
    [](Writer& writer, const AnyBox& box, tsc_value& to) {
      writer.write_part(static_cast<const AnyBoxOf<T>&>(box).value, to, box.references);
    },
    [](Context& ctx, AnyBox& box) { Marshal<T>::own(ctx, static_cast<AnyBoxOf<T>&>(box).value); },
    [](Copier& copier, const AnyBox& box) {
      return Any::make(copier.ctx, copier.copy(static_cast<const AnyBoxOf<T>&>(box).value));
    },
};

inline const List<Any>* Any::tuple_fields() const { return is_boxed<AnyTuple>() ? &get<AnyTuple>().fields : nullptr; }

}  // namespace tsc
