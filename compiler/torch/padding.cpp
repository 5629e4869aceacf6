#include "compiler/torch/padding.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;

bool encloses(const Block* outer, const Block* inner) {
  while (inner != nullptr && inner != outer) {
    inner = inner->owningNode() == nullptr ? nullptr : inner->owningNode()->owningBlock();
  }
  return inner != nullptr;
}

// The value that stands for `value` in the blocks around its own, out to one that encloses `scope`.
Value* carry_out(Value* value, const Block* scope) {
  while (value != nullptr && !encloses(value->node()->owningBlock(), scope)) {
    Block* block = value->node()->owningBlock();
    Value* outside = nullptr;
    for (size_t i = 0; i < block->outputs().size() && block->owningNode()->kind() == prim::If; ++i) {
      if (block->outputs()[i] == value) outside = block->owningNode()->outputs()[i];
    }
    value = outside;
  }
  return value;
}

// In the branch that makes the nested tensor the mask becomes None: there the layers shall get the mask instead.
// Returns the If's result that holds it.
Value* keep_mask(Node* from_mask, Value* padding_mask) {
  Block* branch = from_mask->owningBlock();
  Node* choice = branch->owningNode();
  if (choice == nullptr || choice->kind() != prim::If) return nullptr;
  for (size_t i = 0; i < branch->outputs().size(); ++i) {
    Value* result = choice->outputs()[i];
    const bool is_optional_tensor = result->type()->kind() == c10::TypeKind::OptionalType &&
                                    result->type()->containedType(0)->kind() == c10::TypeKind::TensorType;
    if (!is_optional_tensor || !branch->outputs()[i]->mustBeNone()) continue;
    branch->replaceOutput(i, padding_mask);
    return result;
  }
  return nullptr;
}

void fill_padding(torch::jit::Graph& graph, Node* to_padded, Value* mask) {
  torch::jit::WithInsertPoint guard(to_padded);
  Value* present = graph.insertUncheckedCast(mask, c10::TensorType::get());
  // The mask is additive: -inf where there is padding, else 0.
  Value* is_padding = graph.insert(c10::aten::ne, {present, 0});
  Value* rows = graph.insert(c10::aten::unsqueeze, {is_padding, -1});
  Value* filled = graph.insert(c10::aten::masked_fill, {to_padded->inputs()[0], rows, to_padded->inputs()[1]});
  filled->node()->copyMetadata(to_padded);
  to_padded->output()->replaceAllUsesWith(filled);
  to_padded->destroy();
}

}  // namespace

void replace_nested_tensors(torch::jit::Graph& graph) {
  const auto find = [&](const char* name) {
    return torch::jit::findAllNodes(graph, c10::Symbol::fromQualString(name), /*recurse=*/true);
  };
  std::vector<Node*> paddings = find("aten::to_padded_tensor");
  for (Node* from_mask : find("aten::_nested_tensor_from_mask")) {
    Node* negation = from_mask->inputs()[1]->node();
    if (negation->kind() != c10::aten::logical_not) continue;
    Value* mask = keep_mask(from_mask, negation->input());
    if (mask == nullptr) continue;
    from_mask->output()->replaceAllUsesWith(from_mask->inputs()[0]);
    from_mask->destroy();
    // Encoders follow each other: the first padding that is left is this one's own.
    if (paddings.empty()) continue;
    Value* outside = carry_out(mask, paddings.front()->owningBlock());
    if (outside == nullptr) continue;
    fill_padding(graph, paddings.front(), outside);
    paddings.erase(paddings.begin());
  }
}

}  // namespace tsc
