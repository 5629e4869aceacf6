#include "compiler/torch/destinations.h"

#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>

#include "compiler/torch/decompose.h"

namespace tsc {
namespace {

using c10::Argument;
using c10::FunctionSchema;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

const Argument* find_argument(const FunctionSchema& schema, const std::string& name) {
  const auto found = std::ranges::find_if(schema.arguments(), [&](const Argument& a) { return a.name() == name; });
  return found == schema.arguments().end() ? nullptr : &*found;
}

// What functional creation ops have and their overloads with destinations take from these.
bool is_tensor_option(const std::string& name) {
  return name == "dtype" || name == "layout" || name == "device" || name == "pin_memory" || name == "memory_format";
}

bool is_functional_twin(const FunctionSchema& twin, const FunctionSchema& schema) {
  for (const Argument& argument : schema.arguments()) {
    const Argument* same = find_argument(twin, argument.name());
    if (argument.is_out() ? same != nullptr : same == nullptr || *same->type() != *argument.type()) return false;
  }
  return std::ranges::all_of(twin.arguments(), [&](const Argument& argument) {
    return find_argument(schema, argument.name()) != nullptr || is_tensor_option(argument.name());
  });
}

// Writes its first operand, and is compiled neither so nor by a decomposition.
bool is_in_place(const FunctionSchema& schema) {
  const auto returns_tensor =
      schema.returns().size() == 1 && schema.returns()[0].type()->kind() == c10::TypeKind::TensorType;
  if (!schema.name().ends_with('_') || schema.name().ends_with("__") || !returns_tensor) return false;
  const c10::AliasInfo* alias = schema.arguments().empty() ? nullptr : schema.arguments()[0].alias_info();
  return alias != nullptr && alias->isWrite() && !find_row(schema) && find_decomposition(schema) == nullptr;
}
// The functional overload of an op that writes in place, which has another name and may have another overload's.
const FunctionSchema* find_twin_of_in_place(const FunctionSchema& schema) {
  const auto same_type = [](const Argument& a, const Argument& b) { return *a.type() == *b.type(); };
  const std::string name = schema.name().substr(0, schema.name().size() - 1);
  for (const auto& candidate : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name))) {
    const FunctionSchema& twin = candidate->schema();
    const bool is_new = twin.returns().size() == 1 && twin.returns()[0].alias_info() == nullptr;
    if (!is_new || !std::ranges::equal(twin.arguments(), schema.arguments(), same_type)) continue;
    if (find_row(twin) || find_decomposition(twin) != nullptr) return &twin;
  }
  return nullptr;
}

// Loops over elements, and what is made of them, convert to the destination's dtype; other kernels want their own.
bool wants_exact_dtype(const Node* functional) {
  const std::string name = functional->kind().toUnqualString();
  const auto row = find_row(functional);
  if (!row) return !name.starts_with("linalg_");
  switch (ir::op_info(row->op).op_class) {
    case ir::OpClass::kPointwise:
    case ir::OpClass::kSpecial:
    case ir::OpClass::kReduction:
    case ir::OpClass::kLinalg:
      return false;
    default:
      return true;
  }
}

// The functional op, and what it gives written to the operand.
void replace_in_place(Graph& graph, Node* node, const FunctionSchema& twin) {
  const torch::jit::WithInsertPoint before(node);
  const auto insert = [&](c10::Symbol kind, const std::vector<Value*>& inputs) {
    Node* made = graph.insertNode(graph.create(kind, inputs, 1));
    made->copyMetadata(node);
    return made->output()->setType(c10::TensorType::get());
  };
  Value* result = insert(c10::Symbol::fromQualString(twin.name()), node->inputs().vec());
  result = insert(c10::Symbol::fromQualString("tsc::in_place_result"), {result, node->input(0)});
  node->output()->replaceAllUsesWith(insert(c10::aten::copy_, {node->input(0), result, graph.insertConstant(false)}));
  node->destroy();
}

void replace(Graph& graph, Node* node, const FunctionSchema& twin) {
  const FunctionSchema& schema = node->schema();
  const torch::jit::WithInsertPoint before(node);
  std::vector<Value*> destinations;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    if (schema.arguments()[i].is_out()) destinations.push_back(node->input(i));
  }
  const auto insert = [&](c10::Symbol kind, const std::vector<Value*>& inputs, size_t outputs) {
    Node* made = graph.insertNode(graph.create(kind, inputs, outputs));
    made->copyMetadata(node);
    return made;
  };
  std::vector<Value*> inputs;
  for (const Argument& argument : twin.arguments()) {
    const auto index = schema.argumentIndexWithName(argument.name());
    Value* value = index ? node->input(static_cast<size_t>(*index)) : graph.insertConstant(c10::IValue());
    // Sums, and creation ops, have the destination's dtype unless another is told.
    if (argument.name() == "dtype" && value->type()->kind() == c10::TypeKind::NoneType) {
      value = insert(c10::prim::dtype, {destinations[0]}, 1)->output()->setType(c10::IntType::get());
    }
    inputs.push_back(value);
  }
  Node* functional = insert(node->kind(), inputs, node->outputs().size());
  for (Value* output : functional->outputs()) output->setType(c10::TensorType::get());
  Value* exact = graph.insertConstant(wants_exact_dtype(functional));
  for (size_t i = 0; i < destinations.size(); ++i) {
    const c10::Symbol write = c10::Symbol::fromQualString("tsc::write_out_");
    Value* written = insert(write, {destinations[i], functional->output(i), exact}, 1)->output();
    node->output(i)->replaceAllUsesWith(written->setType(c10::TensorType::get()));
  }
  node->destroy();
}

void replace_destinations(Graph& graph, Block* block) {
  for (auto position = block->nodes().begin(); position != block->nodes().end();) {
    Node* node = *position++;
    for (Block* inner : node->blocks()) replace_destinations(graph, inner);
    const FunctionSchema* schema = node->maybeSchema();
    if (schema == nullptr) continue;
    if (const FunctionSchema* twin = find_functional_twin(*schema)) {
      is_in_place(*schema) ? replace_in_place(graph, node, *twin) : replace(graph, node, *twin);
    }
  }
}

}  // namespace

const FunctionSchema* find_functional_twin(const FunctionSchema& schema) {
  if (is_in_place(schema)) return find_twin_of_in_place(schema);
  const auto is_destination = [](const Argument& argument) {
    return argument.is_out() && argument.type()->kind() == c10::TypeKind::TensorType;
  };
  const auto count = static_cast<size_t>(std::ranges::count_if(schema.arguments(), is_destination));
  if (count == 0 || count != schema.returns().size()) return nullptr;
  for (const auto& candidate : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(schema.name()))) {
    if (is_functional_twin(candidate->schema(), schema)) return &candidate->schema();
  }
  return nullptr;
}

void replace_destinations(Graph& graph) { replace_destinations(graph, graph.block()); }

}  // namespace tsc
