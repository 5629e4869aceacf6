// C++ of the IR's constants in host programs, and of the values that a new instance begins with.
#pragma once

#include <functional>

#include "codegen/emit_common.h"

namespace tsc::codegen {

// Comma-separated.
std::string join(const std::vector<std::string>& parts);

class ConstantEmitter {
 public:
  // Declares constants of the namespace in `declarations`. Containers that can't be such are built by statements in
  // `statements`, in variables with names of `locals`. `is_mutated` tells whether lists of a type may be written.
  ConstantEmitter(ModelContext& model, Writer& declarations, Writer& statements, Names& locals,
                  std::function<bool(const ir::Type&)> is_mutated)
      : model_(model),
        graph_(model.graph),
        declarations_(declarations),
        statements_(statements),
        locals_(locals),
        is_mutated_(std::move(is_mutated)) {}
  ConstantEmitter(const ConstantEmitter&) = delete;
  ConstantEmitter& operator=(const ConstantEmitter&) = delete;
  virtual ~ConstantEmitter() = default;

  // An expression of the C++ type for `type`.
  std::string constant(const ir::Constant& constant, const ir::Type& type);

 protected:
  using TensorPtr = std::shared_ptr<const ir::TensorConstant>;
  using ListPtr = std::shared_ptr<const ir::ConstantList>;

  virtual std::string tensor(const TensorPtr& tensor) { return namespace_tensor(tensor); }
  virtual std::string container(const ListPtr& list, const ir::Type& type) { return new_container(*list, type); }

  // The name of a ConstantTensor of the namespace.
  std::string namespace_tensor(const TensorPtr& tensor);
  // An expression that makes a list, tuple, dict or object.
  std::string new_container(const ir::ConstantList& list, const ir::Type& type);

  ModelContext& model_;
  const ir::Graph& graph_;
  Writer& declarations_;
  Writer& statements_;
  Names& locals_;

 private:
  std::string boxed(const ir::Constant& constant, const ir::Type& type);
  std::string new_object(const ir::ConstantList& list, const ir::Type& type);
  std::string namespace_constant(const std::string& type, const std::string& initializer, const std::string& wish);

  std::function<bool(const ir::Type&)> is_mutated_;
};

// Writes State::initialise, which gives the fields of a new instance the values in the file.
void emit_initialise(ModelContext& model, Writer& declarations, Writer& out);

}  // namespace tsc::codegen
