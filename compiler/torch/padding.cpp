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

// The uses of a nested tensor in a trace, through its layers; empty when something else uses it, too, or when nobody
// says what size it shall get.
std::vector<torch::jit::Use> uses_of_nested(Value* nested) {
  const auto layer = c10::Symbol::fromQualString("aten::_transformer_encoder_layer_fwd");
  const auto to_padded = c10::Symbol::fromQualString("aten::to_padded_tensor");
  std::vector<torch::jit::Use> all;
  std::vector<Value*> values = {nested};
  while (!values.empty()) {
    const Value* value = values.back();
    values.pop_back();
    for (const torch::jit::Use& use : value->uses()) {
      const bool is_layer = use.user->kind() == layer && use.user->namedInput("mask")->mustBeNone();
      const bool is_end = use.user->kind() == to_padded && !use.user->namedInput("output_size")->mustBeNone();
      if (use.offset != 0 || (!is_layer && !is_end)) return {};
      all.push_back(use);
      if (is_layer) values.push_back(use.user->output());
    }
  }
  return all;
}

// What a trace has: the nested tensor, its layers, and the padded one, in a row. The first elements of each sequence,
// as many as its row of the mask has, are the nested tensor's.
void replace_traced(torch::jit::Graph& graph, Node* from_mask) {
  const std::vector<torch::jit::Use> uses = uses_of_nested(from_mask->output());
  if (uses.empty()) return;
  Value* const padded = from_mask->inputs()[0];
  Value* is_padding = nullptr;
  {
    torch::jit::WithInsertPoint guard(from_mask);
    Value* present = from_mask->inputs()[1];
    Value* sizes[2];
    for (int64_t dim = 0; dim < 2; ++dim) {  // a mask of other sizes is refused, where it could broadcast, too
      sizes[dim] = graph.insert(c10::aten::size, {padded, dim});
      Value* list = graph.insertNode(graph.createList(c10::IntType::get(), {sizes[dim]}))->output();
      present = graph.insert(c10::aten::unflatten, {present, dim, list});
    }
    Value* lengths = graph.insert(c10::aten::sum, {present, std::vector<int64_t>{1}, true});
    Value* places = graph.insert(c10::aten::arange, {sizes[1]});
    is_padding = graph.insert(c10::aten::ge, {places, lengths});
  }
  from_mask->output()->replaceAllUsesWith(padded);
  from_mask->destroy();
  for (const torch::jit::Use& use : uses) {
    Node* node = use.user;
    torch::jit::WithInsertPoint guard(node);
    if (node->kind() != c10::Symbol::fromQualString("aten::to_padded_tensor")) {
      const auto place = [&](const char* name) {
        return static_cast<size_t>(*node->schema().argumentIndexWithName(name));
      };
      constexpr int64_t kPaddingMask = 1;
      node->replaceInput(place("mask"), is_padding);
      node->replaceInput(place("mask_type"), graph.insertConstant(kPaddingMask));
      continue;
    }
    Value* rows = graph.insert(c10::aten::unsqueeze, {is_padding, -1});
    Value* filled = graph.insert(c10::aten::masked_fill, {node->inputs()[0], rows, node->inputs()[1]});
    // Sizes other than the padded tensor's are refused here, and by PyTorch where they would be smaller.
    filled = graph.insert(c10::aten::reshape, {filled, node->inputs()[2]});
    filled->node()->copyMetadata(node);
    node->output()->replaceAllUsesWith(filled);
    node->destroy();
  }
}

}  // namespace

void replace_nested_tensors(torch::jit::Graph& graph) {
  const auto find = [&](const char* name) {
    return torch::jit::findAllNodes(graph, c10::Symbol::fromQualString(name), /*recurse=*/true);
  };
  std::vector<Node*> paddings = find("aten::to_padded_tensor");
  for (Node* from_mask : find("aten::_nested_tensor_from_mask")) {
    Node* negation = from_mask->inputs()[1]->node();
    Value* mask = negation->kind() == c10::aten::logical_not ? keep_mask(from_mask, negation->input()) : nullptr;
    if (mask == nullptr) {
      replace_traced(graph, from_mask);
      paddings = find("aten::to_padded_tensor");
      continue;
    }
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
