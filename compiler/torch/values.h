// Types and constants, between LibTorch's and the IR's.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "compiler/ir/graph.h"

namespace tsc {

// A type or constant that the IR has no form for.
struct UnsupportedValue : std::runtime_error {
  UnsupportedValue(std::string type_text, const std::string& why_text)
      : std::runtime_error(type_text + why_text), type(std::move(type_text)), why(why_text) {}
  std::string type;
  std::string why;  // "" or ": ..."
};

// Adds to a graph's classes and storages what the values mapped so far need. Throws UnsupportedValue.
class ValueMapper {
 public:
  // Tensors that lie in the storages of the graph's constants are mapped to those.
  explicit ValueMapper(ir::Graph& graph);

  // A tensor's dtype and rank are left open. Futures are their elements: a fork runs at once.
  ir::Type type(const c10::TypePtr& type);
  // The constant and its type: the tensors in it with all that is known of them, an optional as `declared` says.
  struct Typed {
    ir::Constant constant;
    ir::Type type;
  };
  Typed constant(const c10::IValue& value, const c10::TypePtr& declared, const std::string& name);

  // Whether the tensor lies in a storage that the graph has already.
  bool knows_memory_of(const at::Tensor& tensor) const { return find_storage(tensor) != nullptr; }

 private:
  std::shared_ptr<const ir::Storage> find_storage(const at::Tensor& tensor) const;
  ir::Type class_type(const c10::ClassTypePtr& type);
  ir::Type enum_type(const c10::EnumTypePtr& type);
  ir::ClassId named_tuple_class(const std::string& name, const ir::Type& tuple);
  ir::ClassId add_class(const c10::Type* type, const std::string& qualified_name);
  Typed tensor(const at::Tensor& tensor, const std::string& name);
  ir::Constant parts(const c10::IValue& value, const std::string& name);
  Typed tuple(const c10::ivalue::Tuple& value, const std::string& name);

  using Lists =
      std::unordered_map<c10::IValue, ir::Constant, c10::IValue::HashIdentityIValue, c10::IValue::CompIdentityIValues>;

  ir::Graph& graph_;
  Lists lists_;  // of lists, dicts and objects: what is one in the file is one ConstantList
  std::unordered_map<const c10::Type*, ir::ClassId> classes_;
  std::map<const std::byte*, std::shared_ptr<const ir::Storage>> storages_;   // by first byte
  std::map<std::string, std::shared_ptr<const ir::TensorConstant>> tensors_;  // by storage, offset and shape
};

// A tensor that shares the constant's memory, which the tensor keeps alive. Never to be written.
at::Tensor make_tensor(const std::shared_ptr<const ir::TensorConstant>& constant);

}  // namespace tsc
