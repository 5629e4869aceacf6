// Contractions, normalisations, attention and recurrent networks.
#include <algorithm>
#include <cctype>
#include <map>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

// Both operands have one dtype, or the call fails.
DType common_dtype(const Rule& rule, size_t a, size_t b) {
  return rule.dtype(a) != DType::kUnknown ? rule.dtype(a) : rule.dtype(b);
}

std::string text(const Rule& rule) { return std::string(op_info(rule.node.op).name); }

void infer_linear(const Rule& rule) {
  const Shape input = rule.shape(0), weight = rule.shape(1);
  const DType dtype = rule.node.op == Op::linear_integer ? DType::kInt32 : common_dtype(rule, 1, 0);
  if (!input || !weight || input->empty() || weight->empty()) return rule.set_tensor(0, dtype, std::nullopt);
  rule.require_equal(input->back(), weight->back(),
                     fmt::format("linear: the last size of the input must be {}", weight->back().str()));
  Dims result = *rule.shape(0);
  result.pop_back();
  if (weight->size() == 2) result.push_back((*rule.shape(1))[0]);
  rule.set_tensor(0, dtype, result);
}

Shape matmul_shape(const Rule& rule, const Dims& a, const Dims& b) {
  if (a.empty() || b.empty()) return std::nullopt;
  const Dim inner_b = b.size() == 1 ? b[0] : b[b.size() - 2];
  rule.require_equal(
      a.back(), inner_b,
      fmt::format("{}: the inner sizes {} and {} must be equal", text(rule), a.back().str(), inner_b.str()));
  const Dims lhs = *rule.shape(0), rhs = *rule.shape(1);
  const Dims batch_a(lhs.begin(), lhs.size() > 2 ? lhs.end() - 2 : lhs.begin());
  const Dims batch_b(rhs.begin(), rhs.size() > 2 ? rhs.end() - 2 : rhs.begin());
  Dims result = *rule.broadcast_shapes(batch_a, batch_b);
  if (lhs.size() > 1) result.push_back(lhs[lhs.size() - 2]);
  if (rhs.size() > 1) result.push_back(rhs.back());
  return result;
}

void infer_matmul(const Rule& rule) {
  const Shape a = rule.shape(0), b = rule.shape(1);
  rule.set_tensor(0, common_dtype(rule, 0, 1), a && b ? matmul_shape(rule, *a, *b) : std::nullopt);
}

// mm, bmm: fixed ranks, so that the shape is known in part even when an operand's rank is not.
void infer_matrix_product(const Rule& rule, size_t a, size_t b, size_t rank) {
  const DType dtype = common_dtype(rule, a, b);
  const Shape x = rule.shape(a), y = rule.shape(b);
  if (x && y && x->size() == rank && y->size() == rank) {
    rule.require_equal(
        x->back(), (*y)[rank - 2],
        fmt::format("{}: the inner sizes {} and {} must be equal", text(rule), x->back().str(), (*y)[rank - 2].str()));
    if (rank == 3)
      rule.require_equal((*rule.shape(a))[0], (*rule.shape(b))[0],
                         fmt::format("{}: the batch sizes must be equal", text(rule)));
  }
  Dims result = rule.fresh_dims(0, rank);
  if (const Shape shape = rule.shape(a); shape && shape->size() == rank)
    std::copy(shape->begin(), shape->end() - 1, result.begin());
  if (const Shape shape = rule.shape(b); shape && shape->size() == rank) result.back() = shape->back();
  rule.set_tensor(0, dtype, result);
}

// The labels of an equation without ellipsis tell the result's sizes.
Shape einsum_shape(const Rule& rule) {
  const auto& constant = rule.graph.value(rule.in(0)).constant;
  const auto* equation = constant ? std::get_if<std::string>(&constant->value) : nullptr;
  const auto types = rule.element_types(1);
  if (!equation || !types || equation->find('.') != std::string::npos) return std::nullopt;
  std::map<char, Dim> sizes;
  std::map<char, int> occurrences;
  size_t operand = 0, position = 0, at = 0;
  const size_t arrow = equation->find("->");
  const std::string inputs = equation->substr(0, arrow);
  for (; at < inputs.size(); ++at) {
    const char label = inputs[at];
    if (label == ',') {
      ++operand;
      position = 0;
    } else if (std::isalpha(static_cast<unsigned char>(label))) {
      const Shape shape = operand < types->size() ? rule.element_shape((*types)[operand]) : std::nullopt;
      if (!shape || position >= shape->size()) return std::nullopt;
      const Dim& size = (*shape)[position++];
      auto [it, is_new] = sizes.emplace(label, size);
      if (!is_new) it->second = rule.broadcast_dim(it->second, size);
      ++occurrences[label];
    }
  }
  Dims result;
  if (arrow != std::string::npos) {
    for (char label : equation->substr(arrow + 2))
      if (sizes.contains(label)) result.push_back(sizes[label]);
    return result;
  }
  for (const auto& [label, count] : occurrences)
    if (count == 1) result.push_back(sizes[label]);
  return result;
}

void infer_einsum(const Rule& rule) {
  DType dtype = DType::kUnknown;
  if (const auto types = rule.element_types(1))
    for (const Type& type : *types)
      if (dtype == DType::kUnknown) dtype = type.tensor.dtype;
  if (dtype == DType::kUnknown && rule.type(1).is(Type::Kind::kList)) dtype = rule.type(1).elements[0].tensor.dtype;
  rule.set_tensor(0, dtype, einsum_shape(rule));
}

void infer_attention(const Rule& rule) {
  const DType dtype = common_dtype(rule, 0, 1);
  const Shape q = rule.shape(0), k = rule.shape(1), v = rule.shape(2);
  if (!q || !v || q->size() < 2 || v->size() != q->size()) return rule.set_tensor(0, dtype, std::nullopt);
  if (k && k->size() == q->size()) {
    rule.require_equal(q->back(), k->back(),
                       "scaled_dot_product_attention: query and key must have the same last size");
    rule.require_equal((*rule.shape(1))[k->size() - 2], (*rule.shape(2))[v->size() - 2],
                       "scaled_dot_product_attention: key and value must have the same length");
  }
  Dims result = *rule.shape(0);
  // Grouped heads keep the query's; else the leading sizes broadcast.
  const auto grouped = rule.boolean(rule.at("enable_gqa"));
  const Dims value = *rule.shape(2);
  if (!grouped || !*grouped)
    for (size_t i = 0; i + 2 < result.size(); ++i) {
      result[i] = rule.broadcast_dim(result[i], value[i]);
      if (k && k->size() == result.size()) result[i] = rule.broadcast_dim(result[i], (*rule.shape(1))[i]);
    }
  result.back() = value.back();
  rule.set_tensor(0, dtype, result);
}

// The leading sizes and the queries broadcast, as those of the sum of scores and mask do; each key has a value.
void infer_softmax_attention(const Rule& rule) {
  const DType dtype = common_dtype(rule, 0, 1);
  const Shape q = rule.shape(0), k = rule.shape(1), v = rule.shape(2), mask = rule.shape(3);
  const bool has_mask = rule.type(3).is_tensor();
  if (!q || !k || !v || q->size() < 2 || k->size() != q->size() || v->size() != q->size() || (has_mask && (!mask || mask->size() > q->size())))
    return rule.set_tensor(0, dtype, std::nullopt);
  Dims result = *rule.shape(0);
  rule.require_equal(q->back(), k->back(), "softmax_attention: query and key must have the same last size");
  Dim keys = (*rule.shape(1))[k->size() - 2];
  for (size_t i = 0; i + 2 < result.size(); ++i) result[i] = rule.broadcast_dim(result[i], (*rule.shape(1))[i]);
  if (has_mask) {
    const Dims masks = *rule.shape(3);
    const size_t lead = result.size() - masks.size();
    for (size_t i = 0; i + 1 < masks.size(); ++i) result[lead + i] = rule.broadcast_dim(result[lead + i], masks[i]);
    if (!masks.empty()) keys = rule.broadcast_dim(keys, masks.back());
  }
  const Dims value = *rule.shape(2);
  rule.require_equal(keys, value[value.size() - 2], "softmax_attention: key and value must have the same length");
  for (size_t i = 0; i + 2 < result.size(); ++i) result[i] = rule.broadcast_dim(result[i], value[i]);
  result.back() = value.back();
  rule.set_tensor(0, dtype, result);
}

void infer_scan(const Rule& rule) {
  const Shape gates = rule.shape(0), weight = rule.shape(1);
  if (!gates || !weight || gates->size() != 3 || weight->size() != 2) return rule.set_tensor(0, rule.dtype(0), std::nullopt);
  Dims result = {(*gates)[0], (*gates)[1], (*weight)[1]};
  if (rule.node.op == Op::lstm_scan) result.insert(result.begin(), Dim(2));
  rule.set_tensor(0, rule.dtype(0), result);
}

// lstm, gru, rnn_tanh, rnn_relu: input [batch, time, in] or [time, batch, in], or without batch; parameters [gates * hidden, in],
// [gates * hidden, hidden], biases, and a projection [projected, hidden] with lstm only.
void infer_recurrent(const Rule& rule) {
  const bool is_lstm = rule.node.op == Op::lstm;
  const auto params = rule.element_types(2);
  const auto layers = rule.dim(rule.at("num_layers"));
  const auto biases = rule.boolean(rule.at("has_biases")), bidirectional = rule.boolean(rule.at("bidirectional")),
             batch_first = rule.boolean(rule.at("batch_first"));
  const size_t outputs = rule.node.outputs.size();
  DType dtype = rule.dtype(0);
  if (dtype == DType::kUnknown && params && !params->empty()) dtype = (*params)[0].tensor.dtype;
  const auto give_up = [&] {
    for (size_t i = 0; i < outputs; ++i) rule.set_tensor(i, dtype, std::nullopt);
  };
  if (!params || params->size() < 2 || !layers || !biases || !bidirectional || !batch_first) return give_up();
  const Shape input_weight = rule.element_shape((*params)[0]), hidden_weight = rule.element_shape((*params)[1]);
  const Shape input = rule.shape(0);
  if (!input || !input_weight || !hidden_weight || input_weight->size() != 2 || hidden_weight->size() != 2)
    return give_up();
  if (input->size() != 2 && input->size() != 3) return give_up();
  rule.require_equal(input->back(), (*input_weight)[1],
                     fmt::format("{}: the last size of the input must be {}", text(rule), (*input_weight)[1].str()));
  // With a projection the recurrent weights read the projected state, which is also what comes out.
  const Dim output_size = (*hidden_weight)[1];
  const int64_t gates = is_lstm ? 4 : (rule.node.op == Op::gru ? 3 : 1);
  const auto hidden = (*hidden_weight)[0].exact_quotient(gates);
  const int64_t directions = *bidirectional ? 2 : 1;
  const Shape sizes = rule.shape(0);
  Dims output = *sizes;
  output.back() = output_size * directions;
  Dims state = {*layers * directions};
  if (sizes->size() == 3) state.push_back((*sizes)[*batch_first ? 0 : 1]);
  Dims cell = state;
  state.push_back(output_size);
  cell.push_back(hidden ? *hidden : rule.fresh(outputs - 1, cell.size()));
  rule.set_tensor(0, dtype, output);
  rule.set_tensor(1, dtype, state);
  if (outputs > 2) rule.set_tensor(2, dtype, cell);
}

// The next state has the sizes of the last one, which is the hx operand.
void infer_cell(const Rule& rule) {
  const auto states = rule.node.op == Op::lstm_cell ? rule.element_types(1) : std::nullopt;
  const Shape hidden_weight = rule.shape(3), input = rule.shape(0);
  for (size_t i = 0; i < rule.node.outputs.size(); ++i) {
    Shape shape;
    if (states && i < states->size())
      shape = rule.element_shape((*states)[i]);
    else if (rule.node.op == Op::gru_cell)
      shape = rule.shape(1);
    if (!shape && input && hidden_weight && hidden_weight->size() == 2 && !input->empty()) {
      shape = input;
      shape->back() = (*hidden_weight)[1];
    }
    rule.set_tensor(i, common_dtype(rule, 0, 2), shape);
  }
}

void infer_norm_constraints(const Rule& rule) {
  const Shape input = rule.shape(0);
  if (!input) return;
  if (rule.node.op == Op::layer_norm || rule.node.op == Op::rms_norm) {
    const auto normalized = rule.dims(1);
    if (!normalized || normalized->size() > input->size()) return;
    const size_t offset = input->size() - normalized->size();
    for (size_t i = 0; i < normalized->size(); ++i)
      rule.require_equal(
          (*rule.shape(0))[offset + i], (*normalized)[i],
          fmt::format("{}: size {} of the input must be {}", text(rule), offset + i, (*normalized)[i].str()));
    return;
  }
  if (rule.node.op != Op::batch_norm || input->size() < 2) return;
  const Shape mean = rule.has(3) ? rule.shape(3) : std::nullopt;
  if (mean && mean->size() == 1)
    rule.require_equal((*input)[1], (*mean)[0],
                       fmt::format("batch_norm: the input must have {} channels", (*mean)[0].str()));
}

void infer_packed_recurrent(const Rule& rule) {
  for (size_t i = 0; i < rule.node.outputs.size(); ++i)
    rule.set_tensor(i, rule.dtype(0),
                    i == 0 && rule.shape(0) ? Shape(rule.fresh_dims(0, 2)) : Shape(rule.fresh_dims(i, i == 0 ? 2 : 3)));
}

// The fused ops of nn.TransformerEncoder, of [batch, length, width]: one weight projects to query, key and value.
void infer_projected_attention(const Rule& rule) {
  const Shape input = rule.shape(0), weight = rule.shape(static_cast<size_t>(rule.at("qkv_weight")));
  if (input && weight && input->size() == 3 && weight->size() == 2) {
    rule.require_equal(input->back(), weight->back(),
                       std::string(op_info(rule.node.op).name) + ": the input's last size must be the weight's");
  }
  rule.set_tensor(0, rule.dtype(0), rule.shape(0));
  if (rule.node.outputs.size() < 2) return;
  // Weights are [batch, target, source] when averaged over heads, and undefined when not wanted.
  rule.set_tensor(1, rule.dtype(0), std::nullopt);
}

}  // namespace

bool infer_contraction(const Rule& rule) {
  if (rule.node.form != Form::kFunctional) return false;
  switch (rule.node.op) {
    case Op::linear:
    case Op::linear_integer:
      infer_linear(rule);
      return true;
    case Op::matmul:
      infer_matmul(rule);
      return true;
    case Op::mm:
      infer_matrix_product(rule, 0, 1, 2);
      return true;
    case Op::bmm:
      infer_matrix_product(rule, 0, 1, 3);
      return true;
    case Op::addmm:
      infer_matrix_product(rule, 1, 2, 2);
      return true;
    case Op::baddbmm:
      infer_matrix_product(rule, 1, 2, 3);
      return true;
    case Op::mv:
    case Op::addmv: {
      const size_t matrix = rule.node.op == Op::mv ? 0 : 1;
      const Shape shape = rule.shape(matrix);
      rule.set_tensor(0, common_dtype(rule, matrix, matrix + 1),
                      Dims{shape && shape->size() == 2 ? (*shape)[0] : rule.fresh(0, 0)});
      return true;
    }
    case Op::dot:
      rule.set_tensor(0, common_dtype(rule, 0, 1), Dims{});
      return true;
    case Op::outer: {
      const Shape a = rule.shape(0), b = rule.shape(1);
      const bool known = a && b && a->size() == 1 && b->size() == 1;
      rule.set_tensor(0, rule.result_type({0, 1}), known ? Dims{(*a)[0], (*b)[0]} : rule.fresh_dims(0, 2));
      return true;
    }
    case Op::einsum:
      infer_einsum(rule);
      return true;
    case Op::softmax:
    case Op::log_softmax:
      rule.set_tensor(0, rule.dtype_operand(rule.dtype(0)), rule.shape(0));
      return true;
    case Op::layer_norm:
    case Op::rms_norm:
    case Op::batch_norm:
      infer_norm_constraints(rule);
      return false;
    case Op::scaled_dot_product_attention:
      infer_attention(rule);
      return true;
    case Op::softmax_attention:
      infer_softmax_attention(rule);
      return true;
    case Op::transformer_encoder_layer_fwd:
    case Op::native_multi_head_attention:
      infer_projected_attention(rule);
      return true;
    case Op::lstm:
    case Op::gru:
    case Op::rnn_tanh:
    case Op::rnn_relu:
      infer_recurrent(rule);
      return true;
    case Op::lstm_scan:
    case Op::gru_scan:
    case Op::rnn_tanh_scan:
      infer_scan(rule);
      return true;
    case Op::lstm_packed:
    case Op::gru_packed:
    case Op::rnn_tanh_packed:
    case Op::rnn_relu_packed:
      infer_packed_recurrent(rule);
      return true;
    case Op::lstm_cell:
    case Op::gru_cell:
      infer_cell(rule);
      return true;
    default:
      return false;
  }
}

}  // namespace tsc::ir::inference
