#include "compiler/torch/objects.h"

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/ir/ir.h>

#include <map>

#include "compiler/torch/decompose.h"
#include "compiler/torch/embedded.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;

// "Item" in the source is the class.
struct ItemResolver : torch::jit::Resolver {
  explicit ItemResolver(c10::TypePtr item_type) : item(std::move(item_type)) {}
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& location) override {
    return torch::jit::nativeResolver()->resolveValue(name, function, location);
  }
  c10::TypePtr resolveType(const std::string& name, const torch::jit::SourceRange&) override {
    return name == "Item" ? item : nullptr;
  }
  c10::TypePtr item;
};

void find_created(Block* block, std::map<std::string, c10::ClassTypePtr>& created) {
  for (Node* node : block->nodes()) {
    for (Block* inner : node->blocks()) find_created(inner, created);
    if (node->kind() != prim::CreateObject) continue;
    auto type = node->output()->type()->cast<c10::ClassType>();
    if (type && type->name()) created[type->name()->qualifiedName()] = std::move(type);
  }
}

// The classes with the interface of which the program makes objects, by name.
std::map<std::string, c10::ClassTypePtr> implementers(const Program& program, const c10::Type& interface) {
  std::map<std::string, c10::ClassTypePtr> classes;
  for (torch::jit::Function* function : program.unit->get_functions()) {
    auto* graph_function = torch::jit::tryToGraphFunction(*function);
    if (graph_function != nullptr) find_created(graph_function->graph()->block(), classes);
  }
  std::erase_if(classes, [&](const auto& entry) { return !entry.second->isSubtypeOf(interface); });
  return classes;
}

using Position = std::map<std::string, c10::ClassTypePtr>::const_iterator;

// `if isinstance(self, A): A.method(self, ...) else: ...`; the last class needs no test. Emits at the insertion point and
// returns the results.
std::vector<Value*> emit_class_choice(Graph& graph, Node* call, Position type, Position end) {
  const auto call_method = [&] {
    Value* self = graph.insertUncheckedCast(call->inputs()[0], type->second);
    std::vector<Value*> inputs = {self};
    inputs.insert(inputs.end(), call->inputs().begin() + 1, call->inputs().end());
    Node* method = graph.insertNode(graph.create(prim::CallMethod, inputs, call->outputs().size()));
    method->copyMetadata(call);
    method->s_(c10::attr::name, call->s(c10::attr::name));
    for (size_t i = 0; i < call->outputs().size(); ++i) method->outputs()[i]->setType(call->outputs()[i]->type());
    return method->outputs().vec();
  };
  if (std::next(type) == end) return call_method();
  Value* condition = graph.insertNode(graph.createIsInstance(call->inputs()[0], {type->second}))->output();
  Node* choice = graph.insertNode(graph.create(prim::If, {condition}, 0));
  Block* then_block = choice->addBlock();
  Block* else_block = choice->addBlock();
  {
    torch::jit::WithInsertPoint guard(then_block);
    for (Value* result : call_method()) then_block->registerOutput(result);
  }
  {
    torch::jit::WithInsertPoint guard(else_block);
    for (Value* result : emit_class_choice(graph, call, std::next(type), end)) else_block->registerOutput(result);
  }
  std::vector<Value*> results;
  for (const Value* output : call->outputs()) results.push_back(choice->addOutput()->setType(output->type()));
  return results;
}

// Parsed for each class once; the functions live as long as the process, like those of decompositions.
torch::jit::GraphFunction* sorting_function(const c10::TypePtr& item, const std::string& name) {
  static std::map<c10::TypePtr, std::unique_ptr<torch::jit::CompilationUnit>> units;
  auto& unit = units[item];
  if (unit == nullptr) {
    unit = std::make_unique<torch::jit::CompilationUnit>();
    for (const auto* file = tsc_object_functions; file->name != nullptr; ++file) {
      unit->define(std::nullopt, std::string(file->text, file->size), std::make_shared<ItemResolver>(item), nullptr);
    }
  }
  torch::jit::Function* function = unit->find_function(name);
  return function == nullptr ? nullptr : torch::jit::tryToGraphFunction(*function);
}

}  // namespace

torch::jit::GraphFunction* find_graph_method(const c10::ClassTypePtr& type, const std::string& name) {
  torch::jit::Function* method = type->findMethod(name);
  return method == nullptr ? nullptr : torch::jit::tryToGraphFunction(*method);
}

bool inline_interface_calls(const Program& program, Graph& graph) {
  bool changed = false;
  for (Node* call : torch::jit::findAllNodes(graph, prim::CallMethod, /*recurse=*/true)) {
    Value* self = call->inputs()[0];
    if (self->type()->kind() != c10::TypeKind::InterfaceType) continue;
    if (const ModuleObject* module = program.module_of(self)) {
      auto* callee = find_graph_method(module->type(), call->s(c10::attr::name));
      if (callee == nullptr) continue;
      self->setType(module->type());
      torch::jit::inlineCallTo(call, callee);
      changed = true;
      continue;
    }
    const auto classes = implementers(program, *self->type());
    if (classes.empty()) continue;
    torch::jit::WithInsertPoint guard(call);
    const auto results = emit_class_choice(graph, call, classes.begin(), classes.end());
    for (size_t i = 0; i < results.size(); ++i) call->outputs()[i]->replaceAllUsesWith(results[i]);
    call->destroy();
    changed = true;
  }
  return changed;
}

bool inline_sorting_of_objects(Graph& graph) {
  bool changed = false;
  for (const auto& [op, name] : {std::pair(c10::aten::sort, "sort"), std::pair(c10::aten::sorted, "sorted")}) {
    for (Node* node : torch::jit::findAllNodes(graph, op, /*recurse=*/true)) {
      const auto list = node->inputs()[0]->type()->cast<c10::ListType>();
      if (!list || list->getElementType()->kind() != c10::TypeKind::ClassType) continue;
      auto* function = sorting_function(list->getElementType(), name);
      if (function == nullptr) continue;
      inline_function(node, function);
      changed = true;
    }
  }
  return changed;
}

}  // namespace tsc
