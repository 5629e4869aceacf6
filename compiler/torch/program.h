// A loaded TorchScript module, brought into the shape that conversion needs: every method is one graph without calls,
// interfaces, forks or context managers; attributes that nobody writes are folded where their value steers control
// flow; dead branches are gone. And what is known of the attributes that methods write.
#pragma once

#include <compare>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "compiler/diagnostic.h"

namespace tsc {

using ModuleObject = c10::ivalue::Object;

// One slot of one module in the module tree.
struct ModuleAttribute {
  const ModuleObject* owner = nullptr;
  size_t slot = 0;
  auto operator<=>(const ModuleAttribute&) const = default;
  const c10::IValue& value() const { return owner->slots()[slot]; }
};

struct MethodGraph {
  std::string name;
  std::shared_ptr<torch::jit::Graph> graph;
  const torch::jit::Function* function = nullptr;
  bool is_called = false;  // by another method of the root, and not forward
};

struct Program {
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  torch::jit::Module root;
  std::vector<MethodGraph> methods;
  std::unordered_map<const ModuleObject*, std::string> module_paths;  // the first path, for a module with several

  std::set<ModuleAttribute> written;                    // by assignment or in place: the instance's state
  std::set<ModuleAttribute> reassigned;                 // of these, the ones whose dtype or shape may change
  std::set<const torch::jit::Node*> written_constants;  // prim::Constant tensors that are written in place

  // The module that a value is, when it is known which; values of module type only.
  const ModuleObject* module_of(const torch::jit::Value* value) const;
  // The attribute that a prim::GetAttr reads or a prim::SetAttr writes, when it is one of a known module.
  std::optional<ModuleAttribute> attribute_of(const torch::jit::Node* node) const;
  std::string path(const ModuleAttribute& attribute) const;  // "layer1.0.conv1.weight"
};

// Loads and normalises. Throws c10::Error and others for what LibTorch refuses; adds to `diagnostics` what we do.
Program load_program(const std::string& file, const std::vector<std::string>& methods, Diagnostics& diagnostics);

// Finds `written`, `reassigned` and `written_constants` anew.
void find_written_attributes(Program& program);

}  // namespace tsc
