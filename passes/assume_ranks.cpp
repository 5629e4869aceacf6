// Inputs of scripted methods have no types but "tensor". What nearly every caller passes can be told from how an input
// is used: an image by conv2d, indices by embedding, the dtype of the weights. The entry checks what is assumed; other
// inputs go to a general version, or are refused where there is none.
#include <fmt/format.h>

#include <algorithm>

#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

struct Guess {
  // Something that an op asks of the input.
  template <class T>
  struct Fact {
    std::optional<T> value;
    Op op = Op::kInvalid;
    SourceId source = 0;

    void note(T told, const Node& node) {
      value = told;
      op = node.op;
      source = node.source;
    }
  };
  Fact<int64_t> rank;
  Fact<DType> dtype;
  // What is likely only: good to assume where there is a version for other inputs.
  Fact<int64_t> likely_rank;
  Fact<int64_t> features;  // the last dimension's size
  bool features_may_err = false;
  int64_t least_rank = 0;  // that the dimensions which the program names need

  bool may_err() const { return rank.value || dtype.value == DType::kInt64 || features.value; }
};

class Guesser {
 public:
  explicit Guesser(const Graph& graph) : graph_(graph) {
    for_each_live_node(graph, [&](NodeId id) {
      const Node& node = graph.node(id);
      for (size_t i = 0; i < node.inputs.size(); ++i) users_[node.inputs[i]].push_back({id, i});
      if (node.op != Op::if_) return;
      for (BlockId block : node.blocks) {
        for_each_node(graph, block, [&](NodeId inner) { in_branches_.insert(inner); });
        for (size_t i = 0; i < graph.block(block).results.size(); ++i)
          joins_[graph.block(block).results[i]].push_back(node.outputs[i]);
      }
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
      case Op::rnn_relu:
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

  // A batch of vectors, or with the steps of a loop selected of it, or a batch of sequences where the program names a
  // third dimension or unpacks three sizes.
  static constexpr int64_t kRowsRank = 2;

  // The dimensions that the value must have for the op to name one.
  int64_t named_rank(const Node& node) const {
    int64_t rank = 0;
    for (const char* name : {"dim", "dim0", "dim1"}) {
      const auto operand = find_input(node.op, name);
      const auto dim = operand ? known_int(graph_, node.inputs[*operand]) : std::nullopt;
      if (dim) rank = std::max(rank, *dim < 0 ? -*dim : *dim + 1);
    }
    return rank;
  }
  // b, t, c = x.size()
  const Node* unpacking_of_sizes(const Node& node) const {
    if (node.op != Op::size) return nullptr;
    const auto users = users_.find(node.outputs[0]);
    if (users == users_.end()) return nullptr;
    for (const auto& [id, operand] : users->second) {
      if (graph_.node(id).op == Op::list_unpack) return &graph_.node(id);
    }
    return nullptr;
  }
  // The size that the weight of the op asks of its operand's last dimension.
  std::optional<int64_t> features_of(const Node& node) const {
    const bool is_cell = node.op == Op::lstm_cell || node.op == Op::gru_cell;
    if (!is_cell && node.op != Op::linear) return std::nullopt;
    const auto weight = graph_.as_tensor(node.inputs[is_cell ? 2 : 1]);
    return weight && weight->sizes.size() == 2 ? std::optional(weight->sizes[1]) : std::nullopt;
  }
  // Whether the last dimension of the result is the operand's.
  bool keeps_features(const Node& node) const {
    const OpInfo& info = op_info(node.op);
    if (info.op_class == OpClass::kPointwise && info.shape_rule == ShapeRule::kSame) return true;
    return (node.op == Op::select || node.op == Op::slice) && known_int(graph_, node.inputs[1]) == 0;
  }

  // The constant weight whose dtype the operand must have.
  DType weight_dtype(const Node& node) const {
    if (node.op == Op::lstm || node.op == Op::gru || node.op == Op::rnn_tanh || node.op == Op::rnn_relu) {
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
      if (added) note_ranks(node, *added);
      if (is_value_) note_dtype(looks_up ? DType::kInt64 : weight_dtype(node), node);
      if (const auto features = features_of(node); features && has_features_) {
        guess_.features.note(*features, node);
        guess_.features_may_err = in_branches_.contains(id);
      }
      if (node.form != Form::kFunctional || node.outputs.size() != 1) continue;
      if (!graph_.value(node.outputs[0]).type.is_tensor()) continue;
      const auto more = added_dims(info);
      const bool was_value = is_value_, had_features = has_features_;
      // After a look-up or a linear the dtype is no longer the input's.
      is_value_ = was_value && (info.op_class == OpClass::kView ||
                                (info.op_class == OpClass::kPointwise && is_same(info.dtype_rule)));
      has_features_ = had_features && keeps_features(node);
      if (more || is_value_) follow(node.outputs[0], added && more ? std::optional(*added + *more) : std::nullopt);
      is_value_ = was_value;
      has_features_ = had_features;
    }
  }

  void note_ranks(const Node& node, int64_t added) {
    if (const auto rank = usual_rank(node.op)) note_larger(guess_.rank, *rank - added, node);
    if (node.op == Op::linear) note_larger(guess_.likely_rank, kRowsRank - added, node);
    if (const Node* unpacking = unpacking_of_sizes(node)) {
      note_larger(guess_.likely_rank, static_cast<int64_t>(unpacking->outputs.size()) - added, node);
    }
    guess_.least_rank = std::max(guess_.least_rank, named_rank(node) - added);
  }
  // Of several, the largest: smaller ones come from code for inputs without a batch.
  static void note_larger(Guess::Fact<int64_t>& fact, int64_t rank, const Node& node) {
    if (rank > 0 && rank > fact.value.value_or(0)) fact.note(rank, node);
  }
  void note_dtype(DType dtype, const Node& node) {
    if (dtype != DType::kUnknown && !guess_.dtype.value) guess_.dtype.note(dtype, node);
  }

  const Graph& graph_;
  std::unordered_map<ValueId, std::vector<Use>> users_;
  std::unordered_map<ValueId, std::vector<ValueId>> joins_;  // outputs of branches that a value may become
  std::unordered_set<NodeId> in_branches_;
  std::unordered_set<ValueId> visited_;
  bool is_value_ = true;      // what is followed has the input's dtype
  bool has_features_ = true;  // and its last dimension
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
  const auto require = [&](Constraint::Kind kind, const auto& fact, const std::string& needed) {
    Constraint constraint;
    constraint.kind = kind;
    constraint.function = function;
    constraint.input = input;
    constraint.value = static_cast<int64_t>(*fact.value);
    constraint.source = fact.source;
    constraint.message = fmt::format("{} needs {} to {}", op_info(fact.op).name, name, needed);
    graph.constraints.push_back(std::move(constraint));
  };
  TensorType& type = graph.value(param).type.tensor;
  if (guess.dtype.value && type.dtype == DType::kUnknown) {
    type.dtype = *guess.dtype.value;
    require(Constraint::Kind::kDType, guess.dtype, fmt::format("be {}", dtype_torch_name(type.dtype)));
  }
  if (!guess.rank.value || type.rank_known) return;
  std::vector<Dim> dims;
  for (int64_t axis = 0; axis < *guess.rank.value; ++axis)
    dims.push_back(Dim::symbol(unused_symbol(graph, name, static_cast<size_t>(axis), function_name)));
  require(Constraint::Kind::kRank, guess.rank, fmt::format("have {} dimensions", dims.size()));
  if (guess.features.value) {
    require(Constraint::Kind::kSize, guess.features, fmt::format("have {} features", *guess.features.value));
    Constraint& constraint = graph.constraints.back();
    constraint.axis = static_cast<uint32_t>(dims.size() - 1);
    constraint.lhs = dims.back();
    constraint.rhs = dims.back() = Dim(*guess.features.value);
  }
  TensorType& assumed = graph.value(param).type.tensor;
  assumed.rank_known = true;
  assumed.dims = std::move(dims);
}

}  // namespace

void assume_ranks(Graph& graph) {
  Guesser guesser(graph);
  const auto count = static_cast<FunctionId>(graph.functions.size());
  for (FunctionId f = 0; f < count; ++f) {
    if (!graph.functions[f].is_method) continue;
    const bool has_general = can_have_general_version(graph, graph.functions[f]);
    const std::vector<ValueId> params = graph.block(graph.functions[f].body).params;
    std::vector<std::pair<uint32_t, Guess>> guesses;
    for (uint32_t input = 0; input < params.size(); ++input) {
      const Type& type = graph.value(params[input]).type;
      if (!type.is_tensor() || (type.tensor.rank_known && type.tensor.dtype != DType::kUnknown)) continue;
      Guess guess = guesser.guess(params[input]);
      if (has_general && !guess.rank.value && guess.likely_rank.value) {
        guess.rank = guess.likely_rank;
        guess.rank.value = std::max(*guess.rank.value, guess.least_rank);
      }
      if ((guess.features_may_err && !has_general) || guess.rank.value.value_or(0) < 2) guess.features.value.reset();
      guesses.emplace_back(input, guess);
    }
    const bool may_err = std::any_of(guesses.begin(), guesses.end(), [](const auto& each) { return each.second.may_err(); });
    if (may_err && has_general) add_general_version(graph, f);
    for (const auto& [input, guess] : guesses) assume(graph, f, input, guess);
  }
}

}  // namespace tsc::passes
