#include "compiler/torch/fold_constants.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <unordered_map>

#include "compiler/ir/containers.h"
#include "compiler/ir/effects.h"
#include "compiler/torch/evaluate.h"
#include "compiler/torch/values.h"

namespace tsc {
namespace {

constexpr int64_t kAlwaysFolded = 1 << 20;  // bytes
constexpr int64_t kGrowth = 4;

bool computes_tensors(const ir::Node& node) {
  switch (ir::op_info(node.op).op_class) {
    case ir::OpClass::kPointwise:
    case ir::OpClass::kSpecial:
    case ir::OpClass::kReduction:
    case ir::OpClass::kScan:
    case ir::OpClass::kView:
    case ir::OpClass::kContraction:
    case ir::OpClass::kLinalg:
    case ir::OpClass::kWindow:
    case ir::OpClass::kNormalisation:
    case ir::OpClass::kAttention:
    case ir::OpClass::kRecurrent:
    case ir::OpClass::kTransform:
    case ir::OpClass::kMovement:
    case ir::OpClass::kResampling:
    case ir::OpClass::kCreation:
    case ir::OpClass::kSort:
    case ir::OpClass::kQuery:
      return true;
    case ir::OpClass::kRandom:
    case ir::OpClass::kScalar:
    case ir::OpClass::kContainer:
    case ir::OpClass::kControl:
    case ir::OpClass::kEffect:
      return false;
  }
  return false;
}

// The bytes of a tensor whose type says all; nullopt when it doesn't, or when they are too many to count.
std::optional<int64_t> known_bytes(const ir::Type& type) {
  if (!type.is_ranked_tensor()) return std::nullopt;
  int64_t bytes = ir::dtype_size(type.tensor.dtype);
  for (const ir::Dim& dim : type.tensor.dims) {
    const auto size = dim.constant();
    if (!size || *size < 0 || __builtin_mul_overflow(bytes, *size, &bytes)) return std::nullopt;
  }
  return bytes;
}

class Folder {
 public:
  explicit Folder(ir::Graph& graph) : graph_(graph), mapper_(graph), containers_(graph) {
    for (const ir::Function& function : graph.functions) {
      ir::for_each_node(graph, function.body, [&](ir::NodeId id) {
        order_.push_back(id);
        const ir::Node& node = graph.node(id);
        for (size_t i = 0; i < node.inputs.size(); ++i) {
          uses_[node.inputs[i]].push_back({id, i});
          writes_tensors_ =
              writes_tensors_ || (graph.value(node.inputs[i]).type.is_tensor() && ir::writes_input(graph, node, i));
        }
      });
    }
  }

  void run() {
    for (const ir::NodeId id : order_) fold(id);
  }

 private:
  struct Use {
    ir::NodeId node;
    size_t index;
  };

  // Whether an op may write memory of the value. Past anything but tensor ops the answer is yes, if anything is
  // written.
  bool may_be_written(ir::ValueId value) const {
    if (!writes_tensors_) return false;
    const auto found = uses_.find(value);
    if (found == uses_.end()) return true;  // only a block's result
    for (const Use& use : found->second) {
      const ir::Node& node = graph_.node(use.node);
      if (!computes_tensors(node) || ir::writes_input(graph_, node, use.index)) return true;
      const ir::OpInfo& info = ir::op_info(node.op);
      const bool may_alias = info.inputs.empty() || !info.inputs[use.index].alias.empty() ||
                             node.op == ir::Op::dropout || node.op == ir::Op::feature_dropout ||
                             node.op == ir::Op::alpha_dropout || node.op == ir::Op::type_as ||
                             node.op == ir::Op::einsum || node.op == ir::Op::meshgrid;
      if (!may_alias) continue;
      for (const ir::ValueId output : node.outputs) {
        if (may_be_written(output)) return true;
      }
    }
    return is_block_result(value);
  }
  bool is_block_result(ir::ValueId value) const {
    return std::any_of(graph_.blocks.begin(), graph_.blocks.end(), [&](const ir::Block& block) {
      return std::find(block.results.begin(), block.results.end(), value) != block.results.end();
    });
  }

  // The operand's value when it is constant, or a list of constants that nobody changes.
  std::optional<c10::IValue> operand(ir::ValueId value) {
    if (graph_.is_constant(value)) return constant_value(graph_, value);
    const ir::NodeId def = graph_.value(value).def;
    if (def == ir::kNoId || graph_.node(def).op != ir::Op::list || containers_.is_mutated(value)) return std::nullopt;
    std::vector<c10::IValue> elements;
    for (const ir::ValueId element : graph_.node(def).inputs) {
      if (!graph_.is_constant(element)) return std::nullopt;
      elements.push_back(constant_value(graph_, element));
    }
    return evaluate_node(graph_, def, std::move(elements)).at(0);
  }

  bool is_small_enough(const ir::Node& node, const std::vector<c10::IValue>& operands) const {
    int64_t given = 0;
    for (const c10::IValue& operand : operands) {
      if (operand.isTensor()) given += static_cast<int64_t>(operand.toTensor().nbytes());
      if (!operand.isTensorList()) continue;
      for (const at::Tensor& tensor : operand.toTensorVector()) given += static_cast<int64_t>(tensor.nbytes());
    }
    int64_t made = 0;
    for (const ir::ValueId output : node.outputs) {
      const ir::Type& type = graph_.value(output).type;
      if (!type.is_tensor()) continue;
      const auto bytes = known_bytes(type);
      if (!bytes || __builtin_add_overflow(made, *bytes, &made)) return false;
    }
    return made <= kAlwaysFolded || made <= kGrowth * given;
  }

  void fold(ir::NodeId id) {
    const ir::Node node = graph_.node(id);
    if (!computes_tensors(node) || node.form != ir::Form::kFunctional || node.outputs.empty()) return;
    if (ir::has_effect(graph_, node) || node.op == ir::Op::symbolic || node.op == ir::Op::reorder) return;
    // Metadata of the tensors is the business of fold_known_values; here tensors are computed, or read.
    for (const ir::ValueId output : node.outputs) {
      const ir::Type& type = graph_.value(output).type;
      if (type.is(ir::Type::Kind::kList) || type.is(ir::Type::Kind::kDevice)) return;
      if (type.is_tensor() && may_be_written(output)) return;
    }
    std::vector<c10::IValue> operands;
    for (const ir::ValueId input : node.inputs) {
      auto value = operand(input);
      if (!value) return;
      operands.push_back(*std::move(value));
    }
    if (!is_small_enough(node, operands)) return;
    try {
      replace(id, node, evaluate_node(graph_, id, std::move(operands)));
    } catch (const EvaluationError&) {
      // It fails at run time too, if it is reached.
    } catch (const c10::Error&) {
    } catch (const UnsupportedValue&) {
    }
  }

  void replace(ir::NodeId id, const ir::Node& node, const std::vector<c10::IValue>& results) {
    std::vector<ir::ValueId> constants;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      c10::IValue result = results.at(i);
      // Memory of the evaluator's own is kept dense; a view of a constant stays one.
      if (result.isTensor() && !mapper_.knows_memory_of(result.toTensor())) result = result.toTensor().contiguous();
      ValueMapper::Typed typed = mapper_.constant(result, result.type(), "");
      constants.push_back(
          graph_.add_constant(std::move(typed.constant), std::move(typed.type), graph_.value(node.outputs[i]).name));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      uses_[constants[i]] = uses_[node.outputs[i]];
      graph_.replace_uses(node.outputs[i], constants[i]);
    }
    graph_.remove(id);
  }

  ir::Graph& graph_;
  ValueMapper mapper_;
  ir::ContainerClasses containers_;
  std::vector<ir::NodeId> order_;
  std::unordered_map<ir::ValueId, std::vector<Use>> uses_;
  bool writes_tensors_ = false;
};

}  // namespace

void fold_constants(ir::Graph& graph) { Folder(graph).run(); }

}  // namespace tsc
