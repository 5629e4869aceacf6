#include "codegen/emit_constant.h"

#include <algorithm>
#include <set>

#include "compiler/ir/assert.h"

namespace tsc::codegen {

using namespace ir;

namespace {

// "cpu", "cuda:1".
std::string device_constant(const std::string& name) {
  const bool is_cuda = name.starts_with("cuda");
  const size_t colon = name.find(':');
  if (colon == std::string::npos) return is_cuda ? "Device{Device::Type::kCuda}" : "Device()";
  return fmt::format("Device{{Device::Type::{}, {}}}", is_cuda ? "kCuda" : "kCpu", std::stoi(name.substr(colon + 1)));
}

bool is_plain(const Type& type) {
  return type.is(Type::Kind::kInt) || type.is(Type::Kind::kFloat) || type.is(Type::Kind::kBool);
}

}  // namespace

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string ConstantEmitter::constant(const Constant& c, const Type& type) {
  if (std::holds_alternative<std::monostate>(c.value)) {
    return type.is(Type::Kind::kOptional) ? cpp_type(graph_, type) + "()" : "None()";
  }
  if (type.is(Type::Kind::kOptional)) {
    return fmt::format("{}({})", cpp_type(graph_, type), constant(c, type.elements[0]));
  }
  if (type.is(Type::Kind::kUnion) || type.is(Type::Kind::kAny)) return boxed(c, type);
  if (const bool* b = std::get_if<bool>(&c.value)) return *b ? "true" : "false";
  if (const int64_t* i = std::get_if<int64_t>(&c.value)) {
    if (type.is(Type::Kind::kFloat)) return float_literal(static_cast<double>(*i), true);
    if (type.is(Type::Kind::kEnum)) return fmt::format("static_cast<{}>({})", cpp_type(graph_, type), *i);
    return type.is(Type::Kind::kNumber) ? fmt::format("Scalar(i64{{{}}})", integer_literal(*i)) : integer_literal(*i);
  }
  if (const double* d = std::get_if<double>(&c.value)) return float_literal(*d, true);
  if (const auto* z = std::get_if<std::complex<double>>(&c.value)) {
    return fmt::format("Complex<double>({}, {})", float_literal(z->real(), true), float_literal(z->imag(), true));
  }
  if (const std::string* s = std::get_if<std::string>(&c.value)) {
    if (type.is(Type::Kind::kDevice)) return device_constant(*s);
    return fmt::format("Str({})", string_literal(*s));
  }
  if (const auto* t = std::get_if<TensorPtr>(&c.value)) return tensor(*t);
  return container(std::get<ListPtr>(c.value), type);
}

// In the box of a union or Any, as the member of the union that it is.
std::string ConstantEmitter::boxed(const Constant& c, const Type& type) {
  static const std::vector<Type> kPlain = {Type::make(Type::Kind::kBool),  Type::make(Type::Kind::kInt),
                                           Type::make(Type::Kind::kFloat), Type::make(Type::Kind::kComplex),
                                           Type::make(Type::Kind::kStr),   Type::make_tensor()};
  const std::vector<Type>& members = type.is(Type::Kind::kUnion) ? type.elements : kPlain;
  const auto member = std::ranges::find_if(members, [&](const Type& wanted) { return is_of_type(c, wanted); });
  TSC_ASSERT(member != members.end(), "a constant is no value of its type {}", type.str());
  return fmt::format("Any::make(ctx, {})", constant(c, *member));
}

std::string ConstantEmitter::namespace_tensor(const TensorPtr& tensor) {
  const size_t offset = model_.weights.place(tensor);
  std::string sizes;
  for (const int64_t size : tensor->sizes) sizes += fmt::format(", {}", size);
  const std::string wish = "k_" + identifier(tensor->name.empty() ? "constant" : tensor->name);
  return namespace_constant(
      fmt::format("ConstantTensor<{}>", tensor->sizes.size()),
      fmt::format("({}, {} + {}{})", dtype_constant(tensor->dtype), model_.weights_symbol, offset, sizes), wish);
}

// A constant of the namespace, declared once; its name.
std::string ConstantEmitter::namespace_constant(const std::string& type, const std::string& initializer,
                                                const std::string& wish) {
  const auto [found, inserted] = model_.constants.try_emplace(type + initializer, "");
  if (inserted) {
    found->second = model_.names.unique(wish);
    declarations_.line("static constinit const {} {}{};", type, found->second, initializer);
  }
  return found->second;
}

std::string ConstantEmitter::new_container(const ConstantList& list, const Type& type) {
  std::vector<std::string> parts;
  if (type.is(Type::Kind::kList)) {
    const Type& element = type.elements[0];
    for (const Constant& c : list) parts.push_back(constant(c, element));
    const std::string items = join(parts);
    if (is_plain(element) && !is_mutated_(type)) {
      std::string wish = "k";
      for (const std::string& part : parts) wish += "_" + part;
      return fmt::format("List<{0}>({1})", cpp_type(graph_, element),
                         namespace_constant(fmt::format("ConstantList<{}, {}>", cpp_type(graph_, element), list.size()),
                                            list.empty() ? "" : "(" + items + ")", parts.size() > 6 ? "k_list" : wish));
    }
    return fmt::format("{}::of(ctx{})", cpp_type(graph_, type), items.empty() ? "" : ", " + items);
  }
  if (type.is(Type::Kind::kTuple)) {
    for (size_t i = 0; i < list.size(); ++i) parts.push_back(constant(list[i], type.elements[i]));
    return fmt::format("{}({})", cpp_type(graph_, type), join(parts));
  }
  if (type.is(Type::Kind::kClass)) return new_object(list, type);
  TSC_ASSERT(type.is(Type::Kind::kDict), "constant of type {} has no C++ form", type.str());
  const std::string local = locals_.unique("dict");
  statements_.line("const {} {} = {}::make(ctx);", cpp_type(graph_, type), local, cpp_type(graph_, type));
  for (size_t i = 0; i + 1 < list.size(); i += 2) {
    statements_.line("{}.set({}, {});", local, constant(list[i], type.elements[0]),
                     constant(list[i + 1], type.elements[1]));
  }
  return local;
}

std::string ConstantEmitter::new_object(const ConstantList& list, const Type& type) {
  const ClassType& type_info = graph_.classes[type.class_id];
  const std::string local = locals_.unique("object");
  statements_.line("const {} {} = {}::make(ctx);", cpp_type(graph_, type), local, cpp_type(graph_, type));
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string field = constant(list[i], type_info.field_types[i]);
    statements_.line("if (ctx.ok()) {}->{} = {};", local, model_.fields[type.class_id].of(type_info.field_names[i]),
                     field);
  }
  return local;
}

namespace {

// What the fields of a new instance hold is its own, for methods may write it. A list, dict or object that the file has
// in several places is one there, too, and tensors that share memory share it.
class InitialValues : public ConstantEmitter {
 public:
  InitialValues(ModelContext& model, Writer& declarations, Writer& out)
      : ConstantEmitter(model, declarations, out, names_, [](const Type&) { return true; }) {
    for (const StateField& field : graph_.state) count(field.initial);
  }

  void run() {
    for (const StateField& field : graph_.state) {
      field_ = identifier(field.name);
      const std::string value = constant(field.initial, field.type);
      statements_.line("self.{} = {};", model_.state.of(field.name), value);
    }
  }

 private:
  // The windows that tensors have on a storage.
  struct Memory {
    std::set<const TensorConstant*> windows;
    int64_t begin = INT64_MAX, end = 0;  // the bytes that they reach
    std::string name;                    // of the tensor of these bytes
  };

  void count(const Constant& c) {
    if (const auto* t = std::get_if<TensorPtr>(&c.value)) {
      ++uses_[t->get()];
      Memory& memory = memories_[(*t)->storage.get()];
      const auto [begin, end] = extent(**t);
      memory.windows.insert(t->get());
      memory.begin = std::min(memory.begin, begin / kAlignment * kAlignment);
      memory.end = std::max(memory.end, end);
    } else if (const auto* list = std::get_if<ListPtr>(&c.value)) {
      if (++uses_[list->get()] > 1) return;
      for (const Constant& part : **list) count(part);
    }
  }
  static constexpr int64_t kAlignment = 16;  // of the largest element
  static std::pair<int64_t, int64_t> extent(const TensorConstant& tensor) {
    const int64_t bytes = dtype_size(tensor.dtype);
    int64_t last = tensor.offset;
    for (size_t i = 0; i < tensor.sizes.size(); ++i) last += (tensor.sizes[i] - 1) * tensor.strides[i];
    const bool is_empty = tensor.element_count() == 0;
    return {tensor.offset * bytes, is_empty ? tensor.offset * bytes : (last + 1) * bytes};
  }

  std::string tensor(const TensorPtr& tensor) override {
    return once(tensor.get(), "Tensor", [&] {
      Memory& memory = memories_.at(tensor->storage.get());
      const bool has_own_memory = memory.windows.size() == 1 && tensor->is_contiguous();
      if (has_own_memory || tensor->element_count() == 0)
        return fmt::format("copy_dense(ctx, {})", namespace_tensor(tensor));
      if (memory.name.empty()) {
        const TensorConstant bytes{.name = tensor->name.empty() ? "" : tensor->name + ".memory",
                                   .dtype = DType::kUInt8,
                                   .sizes = {memory.end - memory.begin},
                                   .strides = {1},
                                   .offset = memory.begin,
                                   .storage = tensor->storage};
        memory.name = locals_.unique("memory_of_" + field_);
        statements_.line("const Tensor {} = copy_dense(ctx, {});", memory.name,
                         namespace_tensor(std::make_shared<const TensorConstant>(bytes)));
      }
      return fmt::format("{}.view_as(ctx, {}, {}, {}, {})", memory.name, dtype_constant(tensor->dtype),
                         sizes("sizes_of_", tensor->sizes), sizes("strides_of_", tensor->strides),
                         tensor->offset * dtype_size(tensor->dtype) - memory.begin);
    });
  }
  std::string sizes(const std::string& prefix, const std::vector<int64_t>& list) {
    if (list.empty()) return "Sizes()";
    const std::string variable = locals_.unique(prefix + field_);
    statements_.line("const i64 {}[] = {{{}}};", variable, fmt::join(list, ", "));
    return variable;
  }
  std::string container(const ListPtr& list, const Type& type) override {
    return once(list.get(), cpp_type(graph_, type), [&] { return new_container(*list, type); });
  }
  // The value that `make` writes; in a variable where there are several uses of it.
  template <class Make>
  std::string once(const void* object, const std::string& type, const Make& make) {
    if (uses_.at(object) < 2) return make();
    std::string& variable = variables_[object];
    if (variable.empty()) {
      const std::string value = make();
      variable = locals_.unique(field_);
      statements_.line("const {} {} = {};", type, variable, value);
    }
    return variable;
  }

  Names names_{model_.names};
  std::string field_;
  std::map<const void*, int> uses_;
  std::map<const Storage*, Memory> memories_;
  std::map<const void*, std::string> variables_;
};

}  // namespace

void emit_initialise(ModelContext& model, Writer& declarations, Writer& out) {
  model.headers.insert("runtime/core/checks.h");
  out.blank();
  out.open("void State::initialise([[maybe_unused]] Context& ctx, State& self)");
  InitialValues(model, declarations, out).run();
  out.close();
}

}  // namespace tsc::codegen
