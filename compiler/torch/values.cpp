#include "compiler/torch/values.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "compiler/torch/quantized.h"

namespace tsc {
namespace {

using Kind = ir::Type::Kind;

// "__torch__.models.___torch_mangle_3.MyState" is MyState.
std::string short_name(const std::string& qualified) {
  const size_t dot = qualified.rfind('.');
  return dot == std::string::npos ? qualified : qualified.substr(dot + 1);
}

bool is_native_class(const c10::ClassType& type) {
  return type.name() && type.name()->qualifiedName().rfind("__torch__.torch.classes.", 0) == 0;
}

std::optional<ir::DType> map_dtype(at::ScalarType type) {
  switch (type) {
    case at::ScalarType::Byte:
    case at::ScalarType::Char:
    case at::ScalarType::Short:
    case at::ScalarType::Int:
    case at::ScalarType::Long:
    case at::ScalarType::Half:
    case at::ScalarType::Float:
    case at::ScalarType::Double:
    case at::ScalarType::ComplexHalf:
    case at::ScalarType::ComplexFloat:
    case at::ScalarType::ComplexDouble:
    case at::ScalarType::Bool:
    case at::ScalarType::BFloat16:
      return static_cast<ir::DType>(type);
    default:
      return std::nullopt;
  }
}

ir::Constant list_of(ir::ConstantList list) { return {std::make_shared<const ir::ConstantList>(std::move(list))}; }

// True for every byte of a bool tensor but 0 and 1, which are no values of C++'s bool.
bool has_bad_bools(const at::Tensor& tensor) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.storage().data());
  for (size_t i = 0; i < tensor.storage().nbytes(); ++i) {
    if (bytes[i] > 1) return true;
  }
  return false;
}

}  // namespace

ir::ClassId ValueMapper::add_class(const c10::Type* type, const std::string& qualified_name) {
  const auto id = static_cast<ir::ClassId>(graph_.classes.size());
  graph_.classes.push_back(
      {.name = short_name(qualified_name), .field_names = {}, .field_types = {}, .enum_values = {}});
  classes_[type] = id;
  return id;
}

ir::Type ValueMapper::class_type(const c10::ClassTypePtr& type) {
  const std::string name = type->name() ? type->name()->qualifiedName() : type->str();
  if (is_native_class(*type)) {
    const bool is_quantized = name.find(".quantized.") != std::string::npos;
    throw UnsupportedValue(name, is_quantized ? ": packed parameters of a quantised module of this kind; keep it in float"
                                              : ": a class written in C++ (TorchBind), whose code isn't in the file");
  }
  if (type->is_module()) throw UnsupportedValue(name, ": a module that is chosen at run time, or stored in a value");
  ir::Type result = ir::Type::make(Kind::kClass);
  if (const auto found = classes_.find(type.get()); found != classes_.end()) {
    result.class_id = found->second;
    return result;
  }
  const ir::ClassId id = add_class(type.get(), name);
  result.class_id = id;
  for (size_t slot = 0; slot < type->numAttributes(); ++slot) {
    ir::Type field = this->type(type->getAttribute(slot));
    graph_.classes[id].field_names.push_back(type->getAttributeName(slot));
    graph_.classes[id].field_types.push_back(std::move(field));
    graph_.classes[id].enum_values.emplace_back();
  }
  return result;
}

ir::Type ValueMapper::enum_type(const c10::EnumTypePtr& type) {
  ir::Type result = ir::Type::make(Kind::kEnum);
  if (const auto found = classes_.find(type.get()); found != classes_.end()) {
    result.class_id = found->second;
    return result;
  }
  const ir::ClassId id = add_class(type.get(), type->qualifiedClassName().qualifiedName());
  result.class_id = id;
  const ir::Type member = this->type(type->getValueType());
  for (const auto& [name, value] : type->enumNamesValues()) {
    ir::Constant constant = this->constant(value, type->getValueType(), "").constant;
    if (const auto* text = std::get_if<std::string>(&constant.value); text && text->find('\0') != std::string::npos) {
      throw UnsupportedValue(type->repr_str(), ": a value with a zero byte; give the member another value");
    }
    graph_.classes[id].field_names.push_back(name);
    graph_.classes[id].field_types.push_back(member);
    graph_.classes[id].enum_values.emplace_back(std::move(constant));
  }
  return result;
}

// The class that names a NamedTuple; found by its content, since LibTorch makes a type object for each use.
ir::ClassId ValueMapper::named_tuple_class(const std::string& name, const ir::Type& tuple) {
  for (size_t id = 0; id < graph_.classes.size(); ++id) {
    const ir::ClassType& known = graph_.classes[id];
    if (known.name == name && known.field_names == tuple.names && known.field_types == tuple.elements) {
      return static_cast<ir::ClassId>(id);
    }
  }
  graph_.classes.push_back({.name = name,
                            .field_names = tuple.names,
                            .field_types = tuple.elements,
                            .enum_values = std::vector<std::optional<ir::Constant>>(tuple.names.size())});
  return static_cast<ir::ClassId>(graph_.classes.size() - 1);
}

ir::Type ValueMapper::type(const c10::TypePtr& type) {
  std::vector<ir::Type> elements;
  const auto map_elements = [&] {
    for (const c10::TypePtr& element : type->containedTypes()) elements.push_back(this->type(element));
  };
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return ir::Type::make_tensor();
    case c10::TypeKind::IntType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::MemoryFormatType:
      return ir::Type::make(Kind::kInt);
    case c10::TypeKind::FloatType:
      return ir::Type::make(Kind::kFloat);
    case c10::TypeKind::BoolType:
      return ir::Type::make(Kind::kBool);
    case c10::TypeKind::ComplexType:
      return ir::Type::make(Kind::kComplex);
    case c10::TypeKind::NumberType:
      return ir::Type::make(Kind::kNumber);
    case c10::TypeKind::StringType:
      return ir::Type::make(Kind::kStr);
    case c10::TypeKind::NoneType:
      return ir::Type::make(Kind::kNone);
    case c10::TypeKind::DeviceObjType:
      return ir::Type::make(Kind::kDevice);
    case c10::TypeKind::GeneratorType:
      return ir::Type::make(Kind::kGenerator);
    case c10::TypeKind::AnyType:
    case c10::TypeKind::InterfaceType:
      return ir::Type::make(Kind::kAny);
    case c10::TypeKind::FutureType:
    case c10::TypeKind::AwaitType:
      return this->type(type->containedType(0));
    case c10::TypeKind::ListType:
      map_elements();
      return ir::Type::make(Kind::kList, std::move(elements));
    case c10::TypeKind::DictType:
      map_elements();
      return ir::Type::make(Kind::kDict, std::move(elements));
    case c10::TypeKind::OptionalType:
      elements.push_back(this->type(type->expectRef<c10::OptionalType>().getElementType()));
      return ir::Type::make(Kind::kOptional, std::move(elements));
    case c10::TypeKind::UnionType:
      map_elements();
      return ir::Type::make(Kind::kUnion, std::move(elements));
    case c10::TypeKind::TupleType: {
      map_elements();
      ir::Type tuple = ir::Type::make(Kind::kTuple, std::move(elements));
      if (const auto& schema = type->expectRef<c10::TupleType>().schema()) {
        for (const c10::Argument& field : schema->arguments()) tuple.names.push_back(field.name());
        const auto& name = type->expectRef<c10::TupleType>().name();
        if (name && !is_quantized_type(type)) tuple.class_id = named_tuple_class(short_name(name->qualifiedName()), tuple) + 1;
      }
      return tuple;
    }
    case c10::TypeKind::ClassType:
      return class_type(type->expect<c10::ClassType>());
    case c10::TypeKind::EnumType:
      return enum_type(type->expect<c10::EnumType>());
    case c10::TypeKind::FunctionType:
      return ir::Type::make(Kind::kFunction);
    case c10::TypeKind::AnyListType:
    case c10::TypeKind::AnyTupleType:
    case c10::TypeKind::AnyClassType:
    case c10::TypeKind::AnyEnumType:
      return ir::Type::make(Kind::kAny);
    default:
      throw UnsupportedValue(type->repr_str(), "");
  }
}

ValueMapper::ValueMapper(ir::Graph& graph) : graph_(graph) {
  for (const ir::Value& value : graph.values) {
    if (!value.constant) continue;
    const auto* tensor = std::get_if<std::shared_ptr<const ir::TensorConstant>>(&value.constant->value);
    if (tensor != nullptr) storages_[(*tensor)->storage->data.get()] = (*tensor)->storage;
  }
}

std::shared_ptr<const ir::Storage> ValueMapper::find_storage(const at::Tensor& tensor) const {
  if (!tensor.has_storage() || tensor.storage().nbytes() == 0) return nullptr;
  const auto* first = static_cast<const std::byte*>(tensor.storage().data());
  auto position = storages_.upper_bound(first);
  if (position == storages_.begin()) return nullptr;
  const auto& storage = (--position)->second;
  const bool is_inside = first + tensor.storage().nbytes() <= storage->data.get() + storage->size;
  return is_inside ? storage : nullptr;
}

ValueMapper::Typed ValueMapper::tensor(const at::Tensor& tensor, const std::string& name) {
  if (!tensor.defined()) return {{}, ir::Type::make(Kind::kNone)};
  const std::string label = name.empty() ? "a tensor" : "'" + name + "'";
  if (tensor.layout() != at::kStrided) throw UnsupportedValue("sparse tensor", ": " + label);
  if (tensor.is_quantized()) throw UnsupportedValue("quantized tensor", ": " + label + ", of this dtype or scheme");
  if (!tensor.device().is_cpu()) throw UnsupportedValue("tensor on " + tensor.device().str(), ": " + label);
  const auto dtype = map_dtype(tensor.scalar_type());
  if (!dtype) throw UnsupportedValue(std::string("tensor of ") + c10::toString(tensor.scalar_type()), ": " + label);
  at::Tensor plain = tensor.detach().resolve_conj().resolve_neg();
  if (*dtype == ir::DType::kBool && has_bad_bools(plain)) plain = plain.to(at::kByte).ne(0);

  std::shared_ptr<const ir::Storage> storage = find_storage(plain);
  if (storage == nullptr) {
    const c10::Storage& memory = plain.storage();
    auto owner = std::make_shared<c10::Storage>(memory);
    const auto* bytes = static_cast<const std::byte*>(memory.data());
    storage = std::make_shared<const ir::Storage>(
        ir::Storage{std::shared_ptr<const std::byte>(std::move(owner), bytes), memory.nbytes()});
    storages_[bytes] = storage;
  }
  const int64_t offset =
      plain.storage().data() == nullptr
          ? 0
          : (static_cast<const std::byte*>(plain.storage().data()) - storage->data.get()) / ir::dtype_size(*dtype) +
                plain.storage_offset();
  const std::string key =
      fmt::format("{} {} {} [{}] [{}]", static_cast<const void*>(storage.get()), static_cast<int>(*dtype), offset,
                  fmt::join(plain.sizes(), ","), fmt::join(plain.strides(), ","));
  auto& constant = tensors_[key];
  if (constant == nullptr) {
    constant = std::make_shared<const ir::TensorConstant>(ir::TensorConstant{.name = name,
                                                                             .dtype = *dtype,
                                                                             .sizes = plain.sizes().vec(),
                                                                             .strides = plain.strides().vec(),
                                                                             .offset = offset,
                                                                             .storage = storage});
  }
  std::vector<ir::Dim> dims(plain.sizes().begin(), plain.sizes().end());
  return {{constant}, ir::Type::make_tensor(*dtype, std::move(dims))};
}

ValueMapper::Typed ValueMapper::tuple(const c10::ivalue::Tuple& value, const std::string& name) {
  const auto type = value.type();
  ir::Type result = this->type(type);
  ir::ConstantList list;
  for (size_t i = 0; i < value.elements().size(); ++i) {
    const std::string field = type->schema() ? type->schema()->arguments()[i].name() : std::to_string(i);
    Typed part = constant(value.elements()[i], type->elements()[i], name.empty() ? name : name + "." + field);
    list.push_back(std::move(part.constant));
    result.elements[i] = std::move(part.type);
  }
  return {list_of(std::move(list)), std::move(result)};
}

// The parts of a list, dict (keys and values in turn) or object.
ir::Constant ValueMapper::parts(const c10::IValue& value, const std::string& name) {
  if (const auto known = lists_.find(value); known != lists_.end()) return known->second;
  const auto path = [&](const std::string& part) { return name.empty() ? name : name + "." + part; };
  ir::ConstantList parts;
  if (value.isList()) {
    const auto list = value.toListRef();
    for (size_t i = 0; i < list.size(); ++i) {
      parts.push_back(constant(list[i], value.type()->containedType(0), path(std::to_string(i))).constant);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const std::string entry_name = entry.key().isString() ? path(entry.key().toStringRef()) : name;
      parts.push_back(constant(entry.key(), value.type()->containedType(0), "").constant);
      parts.push_back(constant(entry.value(), value.type()->containedType(1), entry_name).constant);
    }
  } else {
    const auto& object = value.toObjectRef();
    for (size_t slot = 0; slot < object.slots().size(); ++slot) {
      const std::string& field = object.type()->getAttributeName(slot);
      const std::string field_name = name.empty() ? field : path(field);
      parts.push_back(constant(object.slots()[slot], object.type()->getAttribute(slot), field_name).constant);
    }
  }
  return lists_[value] = list_of(std::move(parts));
}

ValueMapper::Typed ValueMapper::constant(const c10::IValue& value, const c10::TypePtr& declared,
                                         const std::string& name) {
  if (declared->kind() == c10::TypeKind::OptionalType) {
    const c10::TypePtr element = declared->expectRef<c10::OptionalType>().getElementType();
    if (value.isNone()) return {{}, this->type(declared)};
    Typed typed = constant(value, element, name);
    return {std::move(typed.constant), ir::Type::optional(std::move(typed.type))};
  }
  const bool is_any = declared->kind() == c10::TypeKind::AnyType;
  if (is_any || declared->kind() == c10::TypeKind::UnionType) {  // of which the constant alone must tell the member
    const bool has_parts = value.isList() || value.isTuple() || value.isGenericDict();
    if (value.isEnum() || value.isDevice() || value.isObject() || (is_any && has_parts)) {
      throw UnsupportedValue(value.type()->repr_str(), " in an attribute of type " + declared->repr_str());
    }
  }
  if (value.isTensor()) return tensor(value.toTensor(), name);
  if (value.isNone()) return {{}, ir::Type::make(Kind::kNone)};
  if (value.isBool()) return {{value.toBool()}, ir::Type::make(Kind::kBool)};
  if (value.isInt()) return {{value.toInt()}, ir::Type::make(Kind::kInt)};
  if (value.isDouble()) return {{value.toDouble()}, ir::Type::make(Kind::kFloat)};
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    return {{std::complex<double>(number.real(), number.imag())}, ir::Type::make(Kind::kComplex)};
  }
  if (value.isString()) return {{value.toStringRef()}, ir::Type::make(Kind::kStr)};
  if (value.isDevice()) return {{value.toDevice().str()}, ir::Type::make(Kind::kDevice)};
  if (value.isEnum()) {
    const auto holder = value.toEnumHolder();
    ir::Type type = enum_type(holder->type());
    const auto& names = graph_.classes[type.class_id].field_names;
    const auto position = std::find(names.begin(), names.end(), holder->name()) - names.begin();
    return {{static_cast<int64_t>(position)}, std::move(type)};
  }
  if (value.isList() || value.isGenericDict() || value.isObject()) {
    const ir::Type type = this->type(value.type());  // first: what has no type has no parts that can be read
    return {parts(value, name), type};
  }
  if (value.isTuple()) return tuple(value.toTupleRef(), name);
  throw UnsupportedValue(value.tagKind(), "");
}

at::Tensor make_tensor(const std::shared_ptr<const ir::TensorConstant>& constant) {
  const auto type = static_cast<at::ScalarType>(constant->dtype);
  auto* begin = const_cast<std::byte*>(constant->storage->data.get());
  if (begin == nullptr) return at::empty_strided(constant->sizes, constant->strides, at::TensorOptions(type));
  const int64_t offset = constant->offset * ir::dtype_size(constant->dtype);
  return at::from_blob(
      begin + offset, constant->sizes, constant->strides, [constant](void*) {}, at::TensorOptions(type));
}

}  // namespace tsc
