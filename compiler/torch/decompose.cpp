#include "compiler/torch/decompose.h"

#include <c10/core/ScalarType.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "compiler/torch/embedded.h"
#include "compiler/torch/own_operators.h"
#include "compiler/torch/quantized.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;

// Whether the function takes what the op does: it may be meant for another overload.
bool takes_operands_of(const torch::jit::Function& function, const c10::FunctionSchema& op) {
  const auto& own = function.getSchema().arguments();
  const auto& given = op.arguments();
  return own.size() == given.size() &&
         std::equal(own.begin(), own.end(), given.begin(),
                    [](const auto& a, const auto& b) { return b.type()->isSubtypeOf(*a.type()); });
}

// What a decomposition may name: torch with its ops and dtypes, tsc with our own ops, and types of quantised models.
struct TorchModule : torch::jit::BuiltinModule {
  TorchModule() : BuiltinModule("aten") {}
  std::shared_ptr<torch::jit::SugaredValue> attr(const torch::jit::SourceRange& location,
                                                 torch::jit::GraphFunction& function,
                                                 const std::string& field) override {
    const auto& dtypes = c10::getStringToDtypeMap();
    const auto dtype = dtypes.find(field);
    if (dtype == dtypes.end()) return BuiltinModule::attr(location, function, field);
    const auto code = static_cast<int64_t>(dtype->second);
    return std::make_shared<torch::jit::SimpleValue>(function.graph()->insertConstant(code, location));
  }
};
struct DecompositionResolver : torch::jit::Resolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction&,
                                                         const torch::jit::SourceRange&) override {
    if (name == "torch") return std::make_shared<TorchModule>();
    if (name == "tsc") return std::make_shared<torch::jit::BuiltinModule>("tsc");
    return nullptr;
  }
  c10::TypePtr resolveType(const std::string& name, const torch::jit::SourceRange&) override {
    return quantized_type(name);
  }
};

bool decompose(Block* block) {
  bool changed = false;
  for (auto position = block->nodes().begin(); position != block->nodes().end();) {
    Node* node = *position++;
    for (Block* inner : node->blocks()) changed |= decompose(inner);
    if (find_row(node)) continue;
    const auto* schema = node->maybeSchema();
    auto* function = schema == nullptr ? nullptr : find_decomposition(*schema);
    if (function == nullptr) continue;
    inline_function(node, function);
    changed = true;
  }
  return changed;
}

// What an assert of a decomposition refuses, PyTorch's op refuses with a RuntimeError: what a raise without a class is.
void raise_as_ops(Block* block) {
  for (Node* node : block->nodes()) {
    for (Block* inner : node->blocks()) raise_as_ops(inner);
    if (node->kind() != torch::jit::prim::RaiseException) continue;
    const torch::jit::WithInsertPoint before(node);
    node->replaceInput(1, block->owningGraph()->insertConstant({}));
    // The message is the class's name and what the assert says, added up.
    constexpr std::string_view kPrefix = "AssertionError: ";
    const auto text = [](const torch::jit::Value* value) {
      const auto constant = torch::jit::toIValue(value);
      return constant && constant->isString() ? constant->toStringRef() : std::string();
    };
    const Node* sum = node->input(0)->node();
    if (sum->kind() == torch::jit::aten::add && text(sum->input(0)) == kPrefix) {
      node->replaceInput(0, sum->input(1));
    } else if (const std::string message = text(node->input(0)); message.starts_with(kPrefix)) {
      node->replaceInput(0, block->owningGraph()->insertConstant(message.substr(kPrefix.size())));
    }
  }
}

}  // namespace

// Parsed once. Functions call each other only within a file.
const torch::jit::CompilationUnit& decompositions() {
  static const auto unit = [] {
    define_own_operators();
    auto result = std::make_unique<torch::jit::CompilationUnit>();
    for (const auto* file = tsc_decompositions; file->name != nullptr; ++file) {
      const std::string text(file->text, file->size);
      result->define(std::nullopt, text, std::make_shared<DecompositionResolver>(), nullptr);
    }
    for (torch::jit::Function* function : result->get_functions())
      raise_as_ops(torch::jit::toGraphFunction(*function).graph()->block());
    return result;
  }();
  return *unit;
}

bool decompose(Graph& graph) {
  // A decomposition may use ops that are decomposed in turn.
  constexpr int kMaxRounds = 8;
  bool changed = false;
  for (int round = 0; round < kMaxRounds && decompose(graph.block()); ++round) {
    changed = true;
    torch::jit::Inline(graph);
  }
  return changed;
}

void inline_function(Node* node, torch::jit::GraphFunction* function) {
  if (node->outputs().empty()) node->addOutput()->setType(c10::NoneType::get());
  if (node->outputs().size() > 1) {
    Graph& graph = *node->owningGraph();
    torch::jit::WithInsertPoint guard(node->next());
    torch::jit::Value* tuple = node->addOutput()->setType(function->graph()->outputs()[0]->type());
    Node* unpack = graph.insertNode(graph.createTupleUnpack(tuple));
    for (size_t i = 0; i < unpack->outputs().size(); ++i) node->output(i)->replaceAllUsesWith(unpack->output(i));
    while (node->outputs().size() > 1) node->eraseOutput(0);
  }
  torch::jit::inlineCallTo(node, function);
}

bool is_decomposition(const torch::jit::Function* function) {
  return function != nullptr && decompositions().find_function(function->qualname()) == function;
}

std::optional<ir::AtenMatch> find_row(const c10::FunctionSchema& schema) {
  const auto match = ir::find_aten(full_op_name(schema));
  if (!match || ir::op_info(match->op).op_class != ir::OpClass::kScalar) return match;
  // "aten::round.*" is about numbers, and so not aten::round.decimals.
  for (const c10::Argument& result : schema.returns()) {
    if (result.type()->kind() == c10::TypeKind::TensorType) return std::nullopt;
  }
  return match;
}
std::optional<ir::AtenMatch> find_row(const Node* node) {
  const auto* schema = node->maybeSchema();
  return schema == nullptr ? ir::find_aten(full_op_name(node)) : find_row(*schema);
}

torch::jit::GraphFunction* find_decomposition(const c10::FunctionSchema& schema) {
  const auto symbol = c10::Symbol::fromQualString(schema.name());
  const std::string space = symbol.ns().toUnqualString();
  if (space != "aten" && space != "prim" && space != kVisionNamespace) return nullptr;
  const std::string name = (space == "aten" ? "" : space + "_") + symbol.toUnqualString();
  torch::jit::Function* function = nullptr;
  if (!schema.overload_name().empty()) function = decompositions().find_function(name + "__" + schema.overload_name());
  if (function == nullptr) function = decompositions().find_function(name);
  if (function == nullptr || !takes_operands_of(*function, schema)) return nullptr;
  return torch::jit::tryToGraphFunction(*function);
}

std::string full_op_name(const c10::FunctionSchema& schema) {
  return schema.overload_name().empty() ? schema.name() : schema.name() + "." + schema.overload_name();
}
std::string full_op_name(const Node* node) {
  const auto* schema = node->maybeSchema();
  return schema == nullptr ? node->kind().toQualString() : full_op_name(*schema);
}

}  // namespace tsc
