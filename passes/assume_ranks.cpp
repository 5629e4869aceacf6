// Inputs of scripted methods have no types but "tensor". What nearly every caller passes can be told from how an input
// is used: an image by conv2d, indices by embedding, the dtype of the weights. The entry checks what is assumed; other
// inputs go to a general version, or are refused where there is none.
#include <algorithm>

#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

struct Guess {
  std::optional<int64_t> rank;
  DType dtype = DType::kUnknown;
  SourceId rank_source = 0, dtype_source = 0;
  Op rank_op = Op::kInvalid, dtype_op = Op::kInvalid;
};

class Guesser {
 public:
  explicit Guesser(const Graph& graph) : graph_(graph) {
    for_each_live_node(graph, [&](NodeId id) {
      const Node& node = graph.node(id);
      for (size_t i = 0; i < node.inputs.size(); ++i) users_[node.inputs[i]].push_back({id, i});
      if (node.op != Op::if_) return;
      for (BlockId block : node.blocks)
        for (size_t i = 0; i < graph.block(block).results.size(); ++i)
          joins_[graph.block(block).results[i]].push_back(node.outputs[i]);
    });
  }

  Guess guess(ValueId input) {
    guess_ = {};
    visited_.clear();
    follow(input, 0);
    return guess_;
  }

 private:
  struct Use {
    NodeId node;
    size_t operand;
  };

  // The rank that the op's input has when it comes in batches, as it nearly always does.
  static std::optional<int64_t> usual_rank(Op op) {
    switch (op) {
      case Op::conv1d:
      case Op::conv1d_padding:
      case Op::conv_transpose1d:
      case Op::lstm:
      case Op::gru:
      case Op::rnn_tanh:
        return 3;
      case Op::lstm_cell:
      case Op::gru_cell:
        return 2;
      case Op::conv2d:
      case Op::conv2d_padding:
      case Op::conv_transpose2d:
        return 4;
      case Op::conv3d:
      case Op::conv3d_padding:
        return 5;
      default:
        return std::nullopt;
    }
  }

  // The constant weight whose dtype the operand must have.
  DType weight_dtype(const Node& node) const {
    if (node.op == Op::lstm || node.op == Op::gru || node.op == Op::rnn_tanh) {
      const Value& params = graph_.value(node.inputs[2]);
      if (params.def != kNoId && graph_.node(params.def).op == Op::list && !graph_.node(params.def).inputs.empty())
        return graph_.value(graph_.node(params.def).inputs[0]).type.tensor.dtype;
      return params.constant ? params.type.elements[0].tensor.dtype : DType::kUnknown;
    }
    if (node.op == Op::lstm_cell || node.op == Op::gru_cell) return graph_.value(node.inputs[2]).type.tensor.dtype;
    const bool weighted = usual_rank(node.op) || node.op == Op::linear || node.op == Op::convolution;
    return weighted ? graph_.value(node.inputs[1]).type.tensor.dtype : DType::kUnknown;
  }

  // How many more dims the result has than the operand; nullopt when that can't be told.
  static std::optional<int64_t> added_dims(const OpInfo& info) {
    if (info.op == Op::embedding || info.op == Op::unsqueeze) return 1;
    if (info.op == Op::select) return -1;
    const bool same = info.op_class == OpClass::kPointwise && info.shape_rule == ShapeRule::kSame;
    if (same || info.op == Op::transpose || info.op == Op::slice || info.op == Op::permute || info.op == Op::linear)
      return 0;
    return std::nullopt;
  }

  // Along what is made of the value: `added` is how many dims more than the input it has, nullopt when that is lost.
  void follow(ValueId value, std::optional<int64_t> added) {
    if (!visited_.insert(value).second) return;
    if (const auto joined = joins_.find(value); joined != joins_.end())
      for (ValueId output : joined->second) follow(output, added);
    const auto found = users_.find(value);
    if (found == users_.end()) return;
    for (const auto& [id, operand] : found->second) {
      const Node& node = graph_.node(id);
      const OpInfo& info = op_info(node.op);
      const bool looks_up = node.op == Op::embedding && operand == 1;
      if (operand != 0 && !looks_up) continue;
      if (const auto rank = usual_rank(node.op); rank && added) note_rank(*rank - *added, node);
      if (is_value_) note_dtype(looks_up ? DType::kInt64 : weight_dtype(node), node);
      if (node.form != Form::kFunctional || node.outputs.size() != 1) continue;
      if (!graph_.value(node.outputs[0]).type.is_tensor()) continue;
      const auto more = added_dims(info);
      const bool was_value = is_value_;
      // After a look-up or a linear the dtype is no longer the input's.
      is_value_ = was_value && (info.op_class == OpClass::kView ||
                                (info.op_class == OpClass::kPointwise && info.dtype_rule == DTypeRule::kSame));
      if (more || is_value_) follow(node.outputs[0], added && more ? std::optional(*added + *more) : std::nullopt);
      is_value_ = was_value;
    }
  }

  // Of several, the largest: smaller ones come from code for inputs without a batch.
  void note_rank(int64_t rank, const Node& node) {
    if (rank <= 0 || (guess_.rank && *guess_.rank >= rank)) return;
    guess_.rank = rank;
    guess_.rank_op = node.op;
    guess_.rank_source = node.source;
  }
  void note_dtype(DType dtype, const Node& node) {
    if (dtype == DType::kUnknown || guess_.dtype != DType::kUnknown) return;
    guess_.dtype = dtype;
    guess_.dtype_op = node.op;
    guess_.dtype_source = node.source;
  }

  const Graph& graph_;
  std::unordered_map<ValueId, std::vector<Use>> users_;
  std::unordered_map<ValueId, std::vector<ValueId>> joins_;  // outputs of branches that a value may become
  std::unordered_set<ValueId> visited_;
  bool is_value_ = true;  // what is followed has the input's dtype
  Guess guess_;
};

// "x.0", unless another input of another method has it.
std::string unused_symbol(const Graph& graph, const std::string& input, size_t axis, const std::string& function) {
  const std::string wanted = input + "." + std::to_string(axis);
  for (const Value& value : graph.values)
    for (const Dim& dim : value.type.tensor.dims) {
      const auto symbols = dim.symbols();
      if (std::find(symbols.begin(), symbols.end(), wanted) != symbols.end()) return function + "." + wanted;
    }
  return wanted;
}

void assume(Graph& graph, FunctionId function, uint32_t input, const Guess& guess) {
  const std::string function_name = graph.functions[function].name;
  const ValueId param = graph.block(graph.functions[function].body).params[input];
  const std::string name = graph.functions[function].input_names.size() > input
                               ? graph.functions[function].input_names[input]
                               : graph.value(param).name;
  TensorType& type = graph.value(param).type.tensor;
  if (guess.dtype != DType::kUnknown && type.dtype == DType::kUnknown) {
    type.dtype = guess.dtype;
    graph.constraints.push_back({.kind = Constraint::Kind::kDType,
                                 .function = function,
                                 .input = input,
                                 .lhs = {},
                                 .rhs = {},
                                 .value = static_cast<int64_t>(guess.dtype),
                                 .source = guess.dtype_source,
                                 .message = std::string(op_info(guess.dtype_op).name) + " needs " + name + " to be " +
                                            std::string(dtype_torch_name(guess.dtype))});
  }
  if (!guess.rank || type.rank_known) return;
  std::vector<Dim> dims;
  for (int64_t axis = 0; axis < *guess.rank; ++axis)
    dims.push_back(Dim::symbol(unused_symbol(graph, name, static_cast<size_t>(axis), function_name)));
  graph.value(param).type.tensor.rank_known = true;
  graph.value(param).type.tensor.dims = std::move(dims);
  graph.constraints.push_back({.kind = Constraint::Kind::kRank,
                               .function = function,
                               .input = input,
                               .lhs = {},
                               .rhs = {},
                               .value = *guess.rank,
                               .source = guess.rank_source,
                               .message = std::string(op_info(guess.rank_op).name) + " needs " + name + " to have " +
                                          std::to_string(*guess.rank) + " dimensions"});
}

}  // namespace

void assume_ranks(Graph& graph) {
  Guesser guesser(graph);
  const auto count = static_cast<FunctionId>(graph.functions.size());
  for (FunctionId f = 0; f < count; ++f) {
    if (!graph.functions[f].is_method) continue;
    const std::vector<ValueId> params = graph.block(graph.functions[f].body).params;
    std::vector<std::pair<uint32_t, Guess>> guesses;
    for (uint32_t input = 0; input < params.size(); ++input) {
      const Type& type = graph.value(params[input]).type;
      if (!type.is_tensor() || (type.tensor.rank_known && type.tensor.dtype != DType::kUnknown)) continue;
      guesses.emplace_back(input, guesser.guess(params[input]));
    }
    const bool may_err = std::any_of(guesses.begin(), guesses.end(), [](const auto& each) {
      return each.second.rank || each.second.dtype == DType::kInt64;  // a weight's dtype is no guess
    });
    if (may_err && can_have_general_version(graph, graph.functions[f])) add_general_version(graph, f);
    for (const auto& [input, guess] : guesses) assume(graph, f, input, guess);
  }
}

}  // namespace tsc::passes
