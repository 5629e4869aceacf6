// C++17 wrapper of tsc.h: owning objects, values as C++ values, failures as exceptions. Header only.
//
//   tsc::Library library("resnet18.so");
//   tsc::Model model = library.model("resnet18", {/*threads=*/4});
//   std::vector<float> image(3 * 224 * 224);
//   tsc::Result logits = model("forward")(tsc::tensor(image.data(), {1, 3, 224, 224}));
//   const float* scores = logits.tensor().data<float>();
//
// A Model is a model with one instance; `another()` makes a further instance. Calls of methods that use no state may
// run at once on one Model. What a Result shows lives as long as the Result.
#ifndef TSC_TSC_HPP_
#define TSC_TSC_HPP_

#include <dlfcn.h>

#include <complex>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tsc/tsc.h"

namespace tsc {
inline namespace wrapper {

// What went wrong, and where in the Python program.
class Error : public std::runtime_error {
 public:
  explicit Error(const tsc_error& error) : std::runtime_error(describe(error)), error_(error) {}
  Error(tsc_status status, const std::string& message) : std::runtime_error(message), error_() {
    error_.status = status;
    message.copy(error_.message, sizeof error_.message - 1);
  }
  tsc_status status() const { return static_cast<tsc_status>(error_.status); }
  const char* class_name() const { return error_.class_name; }  // "ValueError"
  const char* message() const { return error_.message; }        // without position
  // The Python stack, innermost first; empty when not known.
  const tsc_frame* frames() const { return error_.frames; }
  std::size_t frame_count() const { return error_.frame_count; }

 private:
  static std::string describe(const tsc_error& error) {
    std::string text;
    if (error.frame_count > 0)
      text = std::string(error.frames[0].file) + ":" + std::to_string(error.frames[0].line) + ": ";
    if (error.class_name[0] != 0) text += std::string(error.class_name) + ": ";
    return text + error.message;
  }
  tsc_error error_;
};

namespace detail {
template <class T>
struct DTypeOf;
template <std::uint8_t Code, std::uint8_t Bits>
struct DType {
  static constexpr std::uint8_t kCode = Code, kBits = Bits;
};
template <>
struct DTypeOf<bool> : DType<TSC_DTYPE_BOOL, 8> {};
template <>
struct DTypeOf<std::uint8_t> : DType<TSC_DTYPE_UINT, 8> {};
template <>
struct DTypeOf<std::int8_t> : DType<TSC_DTYPE_INT, 8> {};
template <>
struct DTypeOf<std::int16_t> : DType<TSC_DTYPE_INT, 16> {};
template <>
struct DTypeOf<std::int32_t> : DType<TSC_DTYPE_INT, 32> {};
template <>
struct DTypeOf<std::int64_t> : DType<TSC_DTYPE_INT, 64> {};
template <>
struct DTypeOf<float> : DType<TSC_DTYPE_FLOAT, 32> {};
template <>
struct DTypeOf<double> : DType<TSC_DTYPE_FLOAT, 64> {};
template <>
struct DTypeOf<std::complex<float>> : DType<TSC_DTYPE_COMPLEX, 64> {};
template <>
struct DTypeOf<std::complex<double>> : DType<TSC_DTYPE_COMPLEX, 128> {};

inline void check(tsc_status status, const tsc_error& error) {
  if (status != TSC_OK) throw Error(error);
}
}  // namespace detail

// A tensor in memory of the caller's.
class Tensor {
 public:
  Tensor(void* data, tsc_dtype dtype, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides = {})
      : data_(data), dtype_(dtype), shape_(std::move(shape)), strides_(std::move(strides)) {
    if (!strides_.empty() && strides_.size() != shape_.size()) {
      throw Error(TSC_INVALID_ARGUMENT, "a tensor's strides and shape differ in length");
    }
  }
  // For the duration of the call that it is an input of, this object must not change.
  tsc_tensor view() {
    tsc_tensor result{};
    result.data = data_;
    result.device.device_type = static_cast<decltype(result.device.device_type)>(1);
    result.ndim = static_cast<std::int32_t>(shape_.size());
    result.dtype = dtype_;
    result.shape = shape_.data();
    result.strides = strides_.empty() ? nullptr : strides_.data();
    return result;
  }

 private:
  void* data_;
  tsc_dtype dtype_;
  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> strides_;
};
// `tensor(data, {2, 3})`; strides are in elements, row-major when left out. The program may write to its inputs in
// place: give it a copy of data that is const.
template <class T>
Tensor tensor(T* data, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides = {}) {
  tsc_dtype dtype{};
  dtype.code = detail::DTypeOf<T>::kCode;
  dtype.bits = detail::DTypeOf<T>::kBits;
  dtype.lanes = 1;
  return Tensor(data, dtype, std::move(shape), std::move(strides));
}

// A value to give to a method. Lists, tuples, dicts and objects are made by the functions below.
class Value {
 public:
  // NOLINTBEGIN(google-explicit-constructor): these are the values of Python
  Value() : value_() {}
  Value(std::nullptr_t) : Value() {}
  Value(bool value) : Value() {
    value_.kind = TSC_BOOL;
    value_.as.boolean = value;
  }
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Value(T value) : Value() {
    value_.kind = TSC_INT;
    value_.as.integer = static_cast<std::int64_t>(value);
  }
  Value(double value) : Value() {
    value_.kind = TSC_FLOAT;
    value_.as.real = value;
  }
  Value(std::complex<double> value) : Value() {
    value_.kind = TSC_COMPLEX;
    value_.as.complex_value[0] = value.real();
    value_.as.complex_value[1] = value.imag();
  }
  Value(std::string text) : Value() {
    value_.kind = TSC_STR;
    text_ = std::make_shared<std::string>(std::move(text));
  }
  Value(const char* text) : Value(std::string(text)) {}
  Value(Tensor tensor) : Value() {
    value_.kind = TSC_TENSOR;
    tensor_ = std::make_shared<Tensor>(std::move(tensor));
  }
  // NOLINTEND(google-explicit-constructor)

  static Value sequence(tsc_kind kind, std::vector<Value> items, const tsc_names* names = nullptr) {
    Value result;
    result.value_.kind = kind;
    result.value_.names = names;
    result.items_ = std::make_shared<std::vector<Value>>(std::move(items));
    return result;
  }
  // The C form, whose parts live in `storage` and in this value.
  struct Storage {
    std::deque<tsc_tensor> tensors;
    std::deque<std::vector<tsc_value>> sequences;
  };
  tsc_value build(Storage& storage) const {
    tsc_value result = value_;
    if (text_ != nullptr) {
      result.as.str.data = text_->data();
      result.as.str.size = text_->size();
    } else if (tensor_ != nullptr) {
      result.as.tensor = &storage.tensors.emplace_back(tensor_->view());
    } else if (items_ != nullptr) {
      std::vector<tsc_value> items;
      for (const Value& item : *items_) items.push_back(item.build(storage));
      result.as.sequence.count = items.size();
      result.as.sequence.items = storage.sequences.emplace_back(std::move(items)).data();
    }
    return result;
  }

 private:
  tsc_value value_;
  std::shared_ptr<std::string> text_;
  std::shared_ptr<Tensor> tensor_;
  std::shared_ptr<std::vector<Value>> items_;
};
inline Value list(std::vector<Value> items) { return Value::sequence(TSC_LIST, std::move(items)); }
inline Value tuple(std::vector<Value> items) { return Value::sequence(TSC_TUPLE, std::move(items)); }
inline Value dict(std::initializer_list<std::pair<Value, Value>> entries) {
  std::vector<Value> items;
  for (const auto& [key, value] : entries) {
    items.push_back(key);
    items.push_back(value);
  }
  return Value::sequence(TSC_DICT, std::move(items));
}
// Fields in the order of the class.
inline Value object(std::vector<Value> fields) { return Value::sequence(TSC_OBJECT, std::move(fields)); }

// A tensor that a call returned: row-major, without gaps.
class TensorView {
 public:
  explicit TensorView(const tsc_tensor& tensor) : tensor_(&tensor) {}
  std::vector<std::int64_t> shape() const { return {tensor_->shape, tensor_->shape + tensor_->ndim}; }
  std::int64_t size(int d) const { return tensor_->shape[d]; }
  int dim() const { return tensor_->ndim; }
  std::int64_t numel() const {
    std::int64_t count = 1;
    for (int d = 0; d < tensor_->ndim; ++d) count *= tensor_->shape[d];
    return count;
  }
  template <class T>
  const T* data() const {
    if (tensor_->dtype.code != detail::DTypeOf<T>::kCode || tensor_->dtype.bits != detail::DTypeOf<T>::kBits) {
      throw Error(TSC_TYPE_ERROR, "the tensor has another dtype than was asked for");
    }
    return reinterpret_cast<const T*>(static_cast<const char*>(tensor_->data) + tensor_->byte_offset);
  }
  const tsc_tensor& raw() const { return *tensor_; }

 private:
  const tsc_tensor* tensor_;
};

// A value that a call returned.
class ValueView {
 public:
  explicit ValueView(const tsc_value& value) : value_(&value) {}
  tsc_kind kind() const { return static_cast<tsc_kind>(value_->kind); }
  bool is_none() const { return kind() == TSC_NONE; }
  bool to_bool() const { return expect(TSC_BOOL).as.boolean != 0; }
  std::int64_t to_int() const { return expect(TSC_INT).as.integer; }
  double to_double() const { return expect(TSC_FLOAT).as.real; }
  std::complex<double> to_complex() const {
    const auto& parts = expect(TSC_COMPLEX).as.complex_value;
    return {parts[0], parts[1]};
  }
  std::string_view to_string() const {
    const tsc_value& value = expect(TSC_STR);
    return {value.as.str.data, value.as.str.size};
  }
  TensorView tensor() const { return TensorView(*expect(TSC_TENSOR).as.tensor); }

  // Entries of a dict, items of a list or tuple, fields of an object.
  std::size_t size() const { return is_sequence() ? value_->as.sequence.count / (kind() == TSC_DICT ? 2 : 1) : 0; }
  ValueView operator[](std::size_t index) const { return at(index); }
  ValueView operator[](int index) const { return at(static_cast<std::size_t>(index)); }
  // A dict's value by string key, or an object's or NamedTuple's field by name.
  ValueView operator[](std::string_view name) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (kind() == TSC_DICT ? key(i).kind() == TSC_STR && key(i).to_string() == name
                             : value_->names != nullptr && value_->names->field_names[i] == name) {
        return at(i);
      }
    }
    throw Error(TSC_KEY_ERROR, "there is no '" + std::string(name) + "' in the value");
  }
  ValueView operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  ValueView key(std::size_t index) const {
    expect(TSC_DICT);
    return ValueView(value_->as.sequence.items[2 * check(index)]);
  }
  std::string_view type_name() const { return value_->names == nullptr ? "" : value_->names->type_name; }
  const tsc_value& raw() const { return *value_; }

 private:
  bool is_sequence() const { return kind() >= TSC_LIST && kind() <= TSC_OBJECT; }
  const tsc_value& expect(tsc_kind kind) const {
    if (value_->kind != kind) throw Error(TSC_TYPE_ERROR, "the value is of another kind than was asked for");
    return *value_;
  }
  std::size_t check(std::size_t index) const {
    if (index >= size()) throw Error(TSC_INDEX_ERROR, "index out of range");
    return index;
  }
  ValueView at(std::size_t index) const {
    return ValueView(value_->as.sequence.items[kind() == TSC_DICT ? 2 * check(index) + 1 : check(index)]);
  }
  const tsc_value* value_;
};

// What a call returned, with the memory that it lives in.
class Result : public ValueView {
 public:
  Result(const tsc_library& library, tsc_result* result)
      : ValueView(result->value), result_(result, library.result_destroy) {}

 private:
  std::unique_ptr<tsc_result, void (*)(tsc_result*)> result_;
};

struct Options {
  int threads = 0;  // of one call; 0: what the library was compiled for
};

class Model;

// A method of a model; valid as long as the Model.
class Method {
 public:
  template <class... Inputs>
  Result operator()(Inputs&&... inputs) const {
    return call({Value(std::forward<Inputs>(inputs))...});
  }
  Result call(const std::vector<Value>& inputs) const {
    Value::Storage storage;
    std::vector<tsc_value> values;
    for (const Value& input : inputs) values.push_back(input.build(storage));
    tsc_result* result = nullptr;
    tsc_error error;
    detail::check(library_->call(instance_, name_.c_str(), values.data(), values.size(), &result, &error), error);
    return Result(*library_, result);
  }

 private:
  friend class Model;
  Method(const tsc_library& library, tsc_instance* instance, std::string name)
      : library_(&library), instance_(instance), name_(std::move(name)) {}
  const tsc_library* library_;
  tsc_instance* instance_;
  std::string name_;
};

class Model {
 public:
  const tsc_model_info& info() const { return *library_->model_info(model_.get()); }
  Method operator()(std::string method) const { return Method(*library_, instance_.get(), std::move(method)); }
  Method method(std::string name) const { return (*this)(std::move(name)); }

  // The same model with a new instance: with the state of the file, or with this one's.
  Model another() const {
    tsc_instance* instance = nullptr;
    tsc_error error;
    detail::check(library_->instance_create(model_.get(), &instance, &error), error);
    return Model(*library_, model_, instance);
  }
  Model clone() const {
    tsc_instance* instance = nullptr;
    tsc_error error;
    detail::check(library_->instance_clone(instance_.get(), &instance, &error), error);
    return Model(*library_, model_, instance);
  }
  void reset() {
    tsc_error error;
    detail::check(library_->instance_reset(instance_.get(), &error), error);
  }
  // Begins the stream of random numbers that torch.manual_seed(seed) begins.
  void seed(uint64_t seed) {
    tsc_error error;
    detail::check(library_->instance_seed(instance_.get(), seed, &error), error);
  }
  Result state(const std::string& name) const {
    tsc_result* result = nullptr;
    tsc_error error;
    detail::check(library_->state_get(instance_.get(), name.c_str(), &result, &error), error);
    return Result(*library_, result);
  }
  void set_state(const std::string& name, const Value& value) {
    Value::Storage storage;
    const tsc_value built = value.build(storage);
    tsc_error error;
    detail::check(library_->state_set(instance_.get(), name.c_str(), &built, &error), error);
  }

 private:
  friend class Library;
  Model(const tsc_library& library, std::shared_ptr<tsc_model> model, tsc_instance* instance)
      : library_(&library), model_(std::move(model)), instance_(instance, library.instance_destroy) {}
  const tsc_library* library_;
  std::shared_ptr<tsc_model> model_;
  std::unique_ptr<tsc_instance, void (*)(tsc_instance*)> instance_;
};

class Library {
 public:
  // Loads a shared library. It stays loaded to the end of the process, so objects may outlive the Library.
  explicit Library(const std::string& path) : library_(load(path)) {}
  // One that the program is linked with: `tsc::Library(resnet18_library(TSC_ABI_VERSION))`.
  explicit Library(const tsc_library* linked) : library_(linked) {
    if (linked == nullptr) throw Error(TSC_UNSUPPORTED, "the library has another ABI version");
  }
  // The name may be left out when there is one model.
  Model model(const std::string& name = "", const Options& options = {}) const {
    tsc_options raw{};
    raw.struct_size = sizeof raw;
    raw.threads = options.threads;
    return model(name, raw);
  }
  // With the options of the C interface: own threads, own memory, own output.
  Model model(const std::string& name, const tsc_options& options) const {
    tsc_model* model = nullptr;
    tsc_instance* instance = nullptr;
    tsc_error error;
    detail::check(library_->model_create(name.empty() ? nullptr : name.c_str(), &options, &model, &error), error);
    std::shared_ptr<tsc_model> owner(model, library_->model_destroy);
    detail::check(library_->instance_create(model, &instance, &error), error);
    return Model(*library_, std::move(owner), instance);
  }
  std::vector<std::string> models() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < library_->model_count; ++i) names.emplace_back(library_->models[i]->name);
    return names;
  }

 private:
  static const tsc_library* load(const std::string& path) {
    // A file's path, whereas dlopen searches the system's folders for a name without one.
    const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) throw Error(TSC_INVALID_ARGUMENT, dlerror());
    const auto get = reinterpret_cast<tsc_get_library_fn>(dlsym(handle, "tsc_get_library"));
    if (get == nullptr) throw Error(TSC_INVALID_ARGUMENT, path + " is not a library that tsc made");
    const tsc_library* library = get(TSC_ABI_VERSION);
    if (library == nullptr) throw Error(TSC_UNSUPPORTED, path + " has another ABI version");
    return library;
  }
  const tsc_library* library_;
};

}  // namespace wrapper
}  // namespace tsc

#endif  // TSC_TSC_HPP_
