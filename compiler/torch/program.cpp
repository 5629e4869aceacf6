#include "compiler/torch/program.h"

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/autocast.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/normalize_ops.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>

#include "compiler/torch/custom_operators.h"
#include "compiler/torch/decompose.h"
#include "compiler/torch/objects.h"
#include "compiler/torch/own_operators.h"
#include "compiler/torch/destinations.h"
#include "compiler/torch/padding.h"
#include "compiler/torch/quantized.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;

// Inlining can double the program with every call of a chain of functions that call each other twice.
constexpr uint64_t kMaxNodes = 2'000'000;

void collect_module_paths(const c10::ivalue::Object& object, const std::string& path, Program& program) {
  if (!program.module_paths.try_emplace(&object, path).second) return;
  for (size_t slot = 0; slot < object.slots().size(); ++slot) {
    const c10::IValue& value = object.slots()[slot];
    if (!value.isObject() || !value.isModule()) continue;
    const std::string& name = object.type()->getAttributeName(slot);
    collect_module_paths(value.toObjectRef(), path.empty() ? name : path + "." + name, program);
  }
}

// The number of nodes that a block has once all calls are inlined.
uint64_t inlined_size(Block* block, std::unordered_map<const Graph*, uint64_t>& sizes) {
  uint64_t size = 0;
  for (Node* node : block->nodes()) {
    ++size;
    for (Block* inner : node->blocks()) size += inlined_size(inner, sizes);
    if (node->kind() != prim::CallMethod && node->kind() != prim::CallFunction) continue;
    if (node->kind() == prim::CallMethod && !node->inputs()[0]->type()->cast<c10::ClassType>()) continue;
    auto* callee = torch::jit::tryToGraphFunction(node);
    if (callee == nullptr) continue;
    Graph* graph = callee->graph().get();
    if (!sizes.contains(graph)) {
      sizes[graph] = kMaxNodes;  // what a recursive function would count
      sizes[graph] = inlined_size(graph->block(), sizes);
    }
    size += sizes[graph];
    if (size > kMaxNodes) return kMaxNodes + 1;
  }
  return size;
}

std::vector<Node*> nodes_of_kind(Graph& graph, c10::Symbol kind) {
  return torch::jit::findAllNodes(graph, kind, /*recurse=*/true);
}

// The exception's type, value and trace, which __exit__ takes.
void add_none_operands(Graph& graph, Node* node, size_t count) {
  torch::jit::WithInsertPoint guard(node);
  while (node->inputs().size() < count) node->addInput(graph.insertConstant({}));
}

// `with manager:` calls __enter__ and __exit__. (When the body fails the call ends, and __exit__ with it.)
bool inline_context_managers(Graph& graph) {
  bool changed = false;
  for (const c10::Symbol kind : {prim::Enter, prim::Exit}) {
    for (Node* node : nodes_of_kind(graph, kind)) {
      const auto type = node->inputs()[0]->type()->cast<c10::ClassType>();
      auto* callee = type ? find_graph_method(type, kind == prim::Enter ? "__enter__" : "__exit__") : nullptr;
      if (callee == nullptr) continue;
      add_none_operands(graph, node, callee->graph()->inputs().size());
      torch::jit::inlineCallTo(node, callee);
      changed = true;
    }
  }
  return changed;
}

c10::TypePtr without_futures(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::FutureType) return without_futures(type->containedType(0));
  std::vector<c10::TypePtr> contained;
  bool changed = false;
  // A class may contain itself, and no future is stored in one across calls.
  if (type->kind() == c10::TypeKind::ClassType || type->kind() == c10::TypeKind::InterfaceType) return type;
  for (const c10::TypePtr& part : type->containedTypes()) {
    contained.push_back(without_futures(part));
    changed = changed || contained.back() != part;
  }
  return changed ? type->withContained(std::move(contained)) : type;
}

void remove_futures_from_types(Block* block) {
  for (Value* param : block->inputs()) param->setType(without_futures(param->type()));
  for (Node* node : block->nodes()) {
    for (Value* output : node->outputs()) output->setType(without_futures(output->type()));
    for (Block* inner : node->blocks()) remove_futures_from_types(inner);
  }
}

// Whether all that a task does is its value, or to fail: nobody hears of that when nobody waits for it.
bool has_no_effect(Block* block) {
  for (Node* node : block->nodes()) {
    const auto* schema = node->maybeSchema();
    if (node->kind() == prim::RaiseException) continue;
    if (node->hasSideEffects() || (schema != nullptr && schema->is_mutable())) return false;
    for (Block* inner : node->blocks()) {
      if (!has_no_effect(inner)) return false;
    }
  }
  return true;
}

// A fork runs at once, its future is its value, and waiting for it is nothing.
bool inline_forks(Graph& graph) {
  bool changed = false;
  for (Node* fork : nodes_of_kind(graph, prim::fork)) {
    if (!fork->output()->hasUses()) {
      torch::jit::Inline(*fork->g(c10::attr::Subgraph));
      if (has_no_effect(fork->g(c10::attr::Subgraph)->block())) {
        fork->destroy();
        continue;
      }
    }
    torch::jit::WithInsertPoint guard(fork);
    const auto outputs = torch::jit::insertGraph(graph, *fork->g(c10::attr::Subgraph), fork->inputs());
    fork->output()->replaceAllUsesWith(outputs.at(0));
    fork->destroy();
    changed = true;
  }
  for (Node* wait : nodes_of_kind(graph, c10::aten::wait)) {
    wait->output()->replaceAllUsesWith(wait->inputs()[0]);
    wait->destroy();
    changed = true;
  }
  if (changed) remove_futures_from_types(graph.block());
  return changed;
}

// The compiled program is a script, never records gradients, and is called outside of any autocast and trace.
void remove_modes(Graph& graph) {
  constexpr std::pair<const char*, bool> kModes[] = {
      {"aten::is_scripting", true},          {"aten::is_grad_enabled", false},
      {"aten::is_autocast_enabled", false},  {"aten::is_autocast_cpu_enabled", false},
      {"aten::_get_tracing_state", false},   {"aten::has_torch_function", false},
      {"aten::is_vulkan_available", false},
  };
  for (const auto& [name, mode] : kModes) {
    for (Node* node : nodes_of_kind(graph, c10::Symbol::fromQualString(name))) {
      torch::jit::WithInsertPoint guard(node);
      node->output()->replaceAllUsesWith(graph.insertConstant(mode));
      node->destroy();
    }
  }
  for (const char* name : {"aten::set_grad_enabled", "aten::_set_grad_enabled", "aten::sym_constrain_range",
                           "aten::sym_constrain_range_for_size"}) {
    for (Node* node : nodes_of_kind(graph, c10::Symbol::fromQualString(name))) {
      if (!node->hasUses()) node->destroy();
    }
  }
}

// Module objects of a ModuleList or ModuleDict, in order, with the names of their attributes.
std::vector<std::string> child_modules(const ModuleObject& container) {
  std::vector<std::string> names;
  for (size_t slot = 0; slot < container.slots().size(); ++slot) {
    const c10::IValue& value = container.slots()[slot];
    if (value.isObject() && value.isModule()) names.push_back(container.type()->getAttributeName(slot));
  }
  return names;
}

// Calls `name` of the child number `index` on, chosen at run time by `key`: if key == k0: k0(...) else: if ...
// Emits at the insertion point and returns the results.
std::vector<Value*> emit_child_choice(Graph& graph, Node* call, Value* container, Value* key,
                                      const std::vector<std::string>& children, size_t index) {
  if (index == children.size()) {
    Value* message = graph.insertConstant(std::string("no submodule has this index or key"));
    Value* no_class = graph.insertConstant({});
    graph.insertNode(graph.create(prim::RaiseException, {message, no_class}, 0))->copyMetadata(call);
    std::vector<Value*> results;
    for (const Value* output : call->outputs()) {
      results.push_back(graph.insertNode(graph.create(prim::Uninitialized))->output()->setType(output->type()));
    }
    return results;
  }
  Value* condition = nullptr;
  if (key->type()->kind() == c10::TypeKind::StringType) {
    condition = graph.insert(c10::aten::eq, {key, children[index]});
  } else {
    condition = graph.insert(c10::aten::eq, {key, static_cast<int64_t>(index)});
  }
  Node* choice = graph.insertNode(graph.create(prim::If, {condition}, 0));
  Block* then_block = choice->addBlock();
  Block* else_block = choice->addBlock();
  {
    torch::jit::WithInsertPoint guard(then_block);
    Value* child = graph.insertGetAttr(container, children[index]);
    std::vector<Value*> inputs = {child};
    inputs.insert(inputs.end(), call->inputs().begin() + 1, call->inputs().end());
    Node* child_call = graph.insertNode(graph.create(prim::CallMethod, inputs, call->outputs().size()));
    child_call->s_(c10::attr::name, call->s(c10::attr::name));
    for (size_t i = 0; i < call->outputs().size(); ++i) {
      child_call->outputs()[i]->setType(call->outputs()[i]->type());
      then_block->registerOutput(child_call->outputs()[i]);
    }
  }
  {
    torch::jit::WithInsertPoint guard(else_block);
    for (Value* result : emit_child_choice(graph, call, container, key, children, index + 1)) {
      else_block->registerOutput(result);
    }
  }
  std::vector<Value*> results;
  for (const Value* output : call->outputs()) results.push_back(choice->addOutput()->setType(output->type()));
  return results;
}

// `self.layers[i](x)` with an index that only the run time knows becomes a choice among the children.
bool expand_container_indexing(const Program& program, Graph& graph) {
  bool changed = false;
  for (Node* node : nodes_of_kind(graph, prim::ModuleContainerIndex)) {
    Value* container = node->inputs()[0];
    const ModuleObject* object = program.module_of(container);
    if (object == nullptr) continue;
    const std::vector<std::string> children = child_modules(*object);
    const auto uses = node->output()->uses();
    for (const auto& use : uses) {
      Node* call = use.user;
      if (call->kind() != prim::CallMethod || use.offset != 0) continue;
      torch::jit::WithInsertPoint guard(call);
      const auto results = emit_child_choice(graph, call, container, node->inputs()[1], children, 0);
      for (size_t i = 0; i < results.size(); ++i) call->outputs()[i]->replaceAllUsesWith(results[i]);
      call->destroy();
      changed = true;
    }
    if (!node->output()->hasUses()) node->destroy();
  }
  return changed;
}

// `with torch.autocast(...)` becomes casts of the operands within.
void materialize_autocast(const std::shared_ptr<Graph>& graph) {
  const auto enters = nodes_of_kind(*graph, prim::Enter);
  const bool has_autocast = std::any_of(enters.begin(), enters.end(), [](const Node* node) {
    return node->inputs()[0]->type()->repr_str().find("autocast_mode.autocast") != std::string::npos;
  });
  if (has_autocast) torch::jit::Autocast(graph);
}

// Runs a pass that nothing needs. LibTorch's alias analysis, with which they begin, fails where a function that takes a
// union is inlined with a value that isn't the list which a branch of it writes.
template <class Pass>
void run_if_possible(const Pass& pass) {
  try {
    pass();
  } catch (const c10::Error&) {
  }
}

// LibTorch optimises a function before it is inlined, which may fail for the same reason; then it is inlined as it is.
void inline_calls(Graph& graph) {
  try {
    torch::jit::Inline(graph);
  } catch (const c10::Error&) {
    torch::jit::setGraphExecutorOptimize(false);
    torch::jit::Inline(graph);
    torch::jit::setGraphExecutorOptimize(true);
  }
}

void inline_everything(const Program& program, const std::shared_ptr<Graph>& graph) {
  bool changed = true;
  while (changed) {
    inline_calls(*graph);
    materialize_autocast(graph);
    changed = inline_interface_calls(program, *graph);
    changed |= inline_sorting_of_objects(*graph);
    changed |= expand_container_indexing(program, *graph);
    changed |= inline_context_managers(*graph);
    changed |= inline_forks(*graph);
  }
  remove_modes(*graph);
  replace_nested_tensors(*graph);
  torch::jit::NormalizeOps(graph);  // torch.multiply is torch.mul
  replace_destinations(*graph);
}

// Replaces the read of an attribute that nobody writes by its value when that can steer control flow; otherwise
// narrows an optional's type to what it holds.
bool fold_attribute_read(const Program& program, Graph& graph, Node* read) {
  const auto attribute = program.attribute_of(read);
  if (!attribute || program.written.contains(*attribute)) return false;
  const c10::IValue& value = attribute->value();
  if (value.isTensor()) {
    if (read->output()->type()->kind() == c10::TypeKind::TensorType) return false;
    read->output()->setType(c10::TensorType::get());
    return true;
  }
  if (value.isObject() || value.isTensorList() || !read->output()->hasUses()) return false;
  bool has_tensor = false;
  value.visit([&](const c10::IValue& part) {
    has_tensor = has_tensor || part.isTensor() || part.isObject();
    return has_tensor;
  });
  if (has_tensor) return false;
  torch::jit::WithInsertPoint guard(read);
  const auto constant = torch::jit::tryInsertConstant(graph, value);
  if (!constant) return false;
  (*constant)->node()->copyMetadata(read);
  read->output()->replaceAllUsesWith(*constant);
  read->destroy();
  return true;
}

bool fold_attributes(const Program& program, Graph& graph) {
  bool changed = false;
  for (Node* read : nodes_of_kind(graph, prim::GetAttr)) changed |= fold_attribute_read(program, graph, read);
  return changed;
}

void eliminate_dead_code(const std::shared_ptr<Graph>& graph) {
  run_if_possible([&] { torch::jit::EliminateDeadCode(graph); });
}

// Folding removes branches and with them writes, which lets more attributes be folded.
void fold_until_stable(Program& program) {
  constexpr int kMaxRounds = 8;
  for (int round = 0; round < kMaxRounds; ++round) {
    find_written_attributes(program);
    bool changed = false;
    for (MethodGraph& method : program.methods) {
      changed |= fold_attributes(program, *method.graph);
      run_if_possible([&] { torch::jit::PeepholeOptimize(method.graph, /*disable_shape_peepholes=*/true); });
      run_if_possible([&] { changed |= torch::jit::ConstantPropagationImmutableTypes(method.graph); });
      eliminate_dead_code(method.graph);
    }
    if (!changed) break;
  }
  find_written_attributes(program);
}

std::vector<std::string> chosen_methods(const torch::jit::Module& root, const std::vector<std::string>& wanted,
                                        Diagnostics& diagnostics) {
  std::vector<std::string> all;
  for (const auto& method : root.get_methods()) all.push_back(method.name());
  std::stable_partition(all.begin(), all.end(), [](const std::string& name) { return name == "forward"; });
  if (wanted.empty()) {
    std::erase_if(all, [](const std::string& name) { return name[0] == '_'; });
    if (all.empty()) {
      diagnostics.add(make_diagnostic(Error::unsupported, "the module has no method to compile",
                                      "give it a forward, or decorate a method with @torch.jit.export"));
    }
    return all;
  }
  for (const std::string& name : wanted) {
    if (std::find(all.begin(), all.end(), name) != all.end()) continue;
    std::string known;
    for (const std::string& other : all) known += (known.empty() ? "" : ", ") + other;
    diagnostics.add(
        make_diagnostic(Error::unsupported, "the module has no method '" + name + "'", "its methods are: " + known));
  }
  return wanted;
}

// Methods of the root that others of its methods call, on itself.
std::set<std::string> methods_called(const torch::jit::Module& root) {
  std::set<std::string> names;
  const std::function<void(const Block*)> find = [&](const Block* block) {
    for (const Node* node : block->nodes()) {
      if (node->kind() == prim::CallMethod && node->input(0)->type() == root.type()) names.insert(node->s(c10::attr::name));
      for (const Block* inner : node->blocks()) find(inner);
    }
  };
  for (const auto& method : root.get_methods()) find(method.graph()->block());
  return names;
}

}  // namespace

const ModuleObject* Program::module_of(const Value* value) const {
  const Node* node = value->node();
  if (node->kind() == prim::Param) {
    const bool is_self = value->owningGraph()->inputs().size() > 0 && value->owningGraph()->inputs()[0] == value;
    return is_self && value->type() == root.type() ? root._ivalue().get() : nullptr;
  }
  if (node->kind() != prim::GetAttr) return nullptr;
  const auto attribute = attribute_of(node);
  if (!attribute || !attribute->value().isObject() || !attribute->value().isModule()) return nullptr;
  return &attribute->value().toObjectRef();
}

std::optional<ModuleAttribute> Program::attribute_of(const Node* node) const {
  const ModuleObject* owner = module_of(node->inputs()[0]);
  if (owner == nullptr) return std::nullopt;
  const auto slot = owner->type()->findAttributeSlot(node->s(c10::attr::name));
  if (!slot) return std::nullopt;
  return ModuleAttribute{owner, *slot};
}

std::string Program::path(const ModuleAttribute& attribute) const {
  const std::string& module = module_paths.at(attribute.owner);
  const std::string& name = attribute.owner->type()->getAttributeName(attribute.slot);
  return module.empty() ? name : module + "." + name;
}

namespace {

// LibTorch warns whoever unpacks quantised parameters that they are deprecated.
struct NoWarnings : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

// Reads the file into `program`. Custom operators are refused later, if something reaches them.
void read_file(const std::string& file, Program& program, Diagnostics& diagnostics) {
  auto read = [&] {
    program.unit = std::make_shared<torch::jit::CompilationUnit>();
    torch::jit::ExtraFilesMap extra_files;
    program.root = torch::jit::import_ir_module(program.unit, file, c10::Device(c10::kCPU), extra_files,
                                                /*load_debug_files=*/true, /*restore_shapes=*/false);
  };
  std::vector<std::string> custom;
  try {
    read();
  } catch (const torch::jit::ErrorReport&) {
    custom = define_custom_operators(file);
    if (custom.empty()) throw;
  }
  if (custom.empty()) return;
  try {
    read();
  } catch (const torch::jit::ErrorReport&) {  // what they give is no tensor, or they have keywords
    for (const std::string& op : custom) {
      Diagnostic diagnostic = make_diagnostic(Error::unsupported_op, op, kCustomOperatorAdvice);
      diagnostic.op = op;
      diagnostics.add(std::move(diagnostic));
    }
  }
}

}  // namespace

Program load_program(const std::string& file, const std::vector<std::string>& methods, Diagnostics& diagnostics) {
  NoWarnings silent;
  const c10::WarningUtils::WarningHandlerGuard guard(&silent);
  Program program;
  define_own_operators();  // which a file may name
  read_file(file, program, diagnostics);
  if (!diagnostics.empty()) return program;
  collect_module_paths(*program.root._ivalue(), "", program);
  unpack_quantized_attributes(program);
  const auto names = chosen_methods(program.root, methods, diagnostics);
  if (!diagnostics.empty()) return program;
  const std::set<std::string> called = methods_called(program.root);
  std::unordered_map<const Graph*, uint64_t> sizes;
  for (const std::string& name : names) {
    const auto method = program.root.get_method(name);
    if (inlined_size(method.graph()->block(), sizes) > kMaxNodes) {
      diagnostics.add(make_diagnostic(Error::unsupported,
                                      "method '" + name + "' has more than 2 million operations once calls are inlined",
                                      "split the model, or call functions in loops instead of repeating the calls"));
      return program;
    }
    MethodGraph result{name, method.graph()->copy(), &method.function(), name != "forward" && called.contains(name)};
    inline_everything(program, result.graph);
    program.methods.push_back(std::move(result));
  }
  fold_until_stable(program);
  bool decomposed = false;
  for (MethodGraph& method : program.methods) {
    decomposed |= lower_quantized(program, method, diagnostics);
    decomposed |= decompose(*method.graph);
  }
  if (!diagnostics.empty()) return program;
  if (decomposed) fold_until_stable(program);
  for (MethodGraph& method : program.methods) {
    run_if_possible([&] { torch::jit::LowerSimpleTuples(method.graph); });
    eliminate_dead_code(method.graph);
  }
  find_written_attributes(program);
  return program;
}

}  // namespace tsc
