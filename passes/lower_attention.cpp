#include "passes/lower_attention.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

class Lowering {
 public:
  Lowering(Graph& graph, NodeId id) : graph_(graph), at_(id), node_(graph.node(id)) {}

  bool run() {
    const bool is_layer = node_.op == Op::transformer_encoder_layer_fwd;
    const ValueId x = node_.inputs[0];
    const auto heads = graph_.as_int(operand(is_layer ? "num_heads" : "num_head"));
    if (!is_f32(x, 3) || !dims(x)[2].constant() || !is_understood(operand("mask")) || !heads) return false;
    heads_ = *heads;
    width_ = *dims(x)[2].constant();
    if (heads_ < 1 || width_ % heads_ != 0 || !are_weights({"qkv_weight", "proj_weight"}, {"qkv_bias", "proj_bias"}))
      return false;
    if (!dims(operand("qkv_weight"))[0].is_constant(3 * width_)) return false;
    const std::optional<ValueId> result = is_layer ? layer(x) : self_attention(x);
    if (!result) return false;
    graph_.value(*result).name = graph_.value(node_.outputs[0]).name;
    graph_.replace_uses(node_.outputs[0], *result);
    graph_.remove(at_);
    return true;
  }

 private:
  std::optional<ValueId> self_attention(ValueId x) {
    if (operand("key") != x || operand("value") != x) return {};
    return attention(x);
  }

  // Attention and two linear layers, each added to its input, with a norm before or after.
  std::optional<ValueId> layer(ValueId x) {
    const auto use_gelu = graph_.as_bool(operand("use_gelu")), norm_first = graph_.as_bool(operand("norm_first"));
    if (!use_gelu || !norm_first) return {};
    if (!are_weights({"ffn_weight_1", "ffn_weight_2"},
                     {"ffn_bias_1", "ffn_bias_2", "norm_weight_1", "norm_bias_1", "norm_weight_2", "norm_bias_2"})) {
      return {};
    }
    const auto sum = [&](ValueId a, ValueId b) { return make(Op::add, {a, b, graph_.constant_int(1)}, dims(a)); };
    const auto norm = [&](ValueId value, const char* weight, const char* bias) {
      return make(Op::layer_norm,
                  {value, graph_.constant_ints(std::vector<int64_t>{width_}), operand(weight), operand(bias),
                   operand("eps"), graph_.constant_bool(true)},
                  dims(value));
    };
    const auto feed_forward = [&](ValueId value) {
      const ValueId hidden = linear(value, "ffn_weight_1", "ffn_bias_1");
      const ValueId active =
          *use_gelu
              ? make(Op::gelu, {hidden, graph_.add_constant({"none"}, Type::make(Type::Kind::kStr))}, dims(hidden))
              : make(Op::relu, {hidden}, dims(hidden));
      return linear(active, "ffn_weight_2", "ffn_bias_2");
    };
    if (*norm_first) {
      const ValueId attended = sum(x, attention(norm(x, "norm_weight_1", "norm_bias_1")));
      return sum(attended, feed_forward(norm(attended, "norm_weight_2", "norm_bias_2")));
    }
    const ValueId attended = norm(sum(x, attention(x)), "norm_weight_1", "norm_bias_1");
    return norm(sum(attended, feed_forward(attended)), "norm_weight_2", "norm_bias_2");
  }

  // Of x: [batch, length, width] to itself.
  ValueId attention(ValueId x) {
    std::vector<Dim> sizes = dims(x);
    sizes.pop_back();
    const std::vector<int64_t> parts = {3, heads_, width_ / heads_};
    sizes.insert(sizes.end(), parts.begin(), parts.end());
    const ValueId projected = linear(x, "qkv_weight", "qkv_bias");
    const ValueId split = make(Op::unflatten, {projected, graph_.constant_int(-1), graph_.constant_ints(parts)}, sizes);
    const ValueId turned = permute(split, {2, 0, 3, 1, 4});
    std::vector<ValueId> inputs;  // query, key and value: [batch, heads, length, width / heads]
    for (int64_t i = 0; i < 3; ++i) {
      std::vector<Dim> rest = dims(turned);
      rest.erase(rest.begin());
      inputs.push_back(make(Op::select, {turned, graph_.constant_int(0), graph_.constant_int(i)}, std::move(rest)));
    }
    const std::vector<Dim> of_heads = dims(inputs[0]);
    const ValueId attended = attend(std::move(inputs), of_heads);
    const ValueId side_by_side = permute(attended, {0, 2, 1, 3});
    const ValueId joined = make(Op::flatten, {side_by_side, graph_.constant_int(2), graph_.constant_int(3)}, dims(x));
    return linear(joined, "proj_weight", "proj_bias");
  }

  ValueId attend(std::vector<ValueId> inputs, const std::vector<Dim>& sizes) {
    if (graph_.is_none(operand("mask"))) {
      const ValueId none = graph_.constant_none(), no = graph_.constant_bool(false);
      inputs.insert(inputs.end(), {none, graph_.constant_float(0), no, none, no});
      return make(Op::scaled_dot_product_attention, std::move(inputs), sizes);
    }
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    inputs.insert(inputs.end(), {additive_mask(), graph_.constant_float(scale)});
    return make(Op::softmax_attention, std::move(inputs), sizes);
  }

  // A mask leaves out what is true, or not 0: of queries and keys, of keys (kPadding), or of all scores.
  static constexpr int64_t kPadding = 1;
  bool is_understood(ValueId mask) const {
    if (graph_.is_none(mask)) return true;
    const Type& type = graph_.value(mask).type;
    const ValueId kind = operand("mask_type");
    if (!type.is_ranked_tensor() || (!graph_.is_none(kind) && !graph_.as_int(kind))) return false;
    const size_t rank = type.tensor.dims.size();
    return (type.tensor.dtype == DType::kFloat32 || type.tensor.dtype == DType::kBool) && (rank == 2 || rank == 4);
  }
  ValueId additive_mask() {
    ValueId mask = operand("mask");
    std::vector<Dim> sizes = dims(mask);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (graph_.value(mask).type.tensor.dtype != DType::kBool) {
      const NodeId is_set = graph_.make_node(Op::ne, {mask, graph_.constant_int(0)},
                                             {Type::make_tensor(DType::kBool, sizes)}, node_.source);
      graph_.insert_before(is_set, at_);
      mask = graph_.node(is_set).outputs[0];
    }
    mask = make(Op::where, {mask, graph_.constant_float(-kInfinity), graph_.constant_float(0)}, sizes);
    const bool is_padding = sizes.size() == 2 && graph_.as_int(operand("mask_type")) == kPadding;
    for (int i = 0; i < 2 && is_padding; ++i) {  // [batch, 1, 1, keys]
      sizes.insert(sizes.begin() + 1, Dim(1));
      mask = make(Op::unsqueeze, {mask, graph_.constant_int(1)}, sizes);
    }
    return mask;
  }

  ValueId linear(ValueId x, const char* weight, const char* bias) {
    std::vector<Dim> sizes = dims(x);
    sizes.back() = dims(operand(weight))[0];
    return make(Op::linear, {x, operand(weight), operand(bias)}, std::move(sizes));
  }
  ValueId permute(ValueId x, const std::vector<int64_t>& order) {
    std::vector<Dim> sizes;
    for (const int64_t axis : order) sizes.push_back(dims(x)[static_cast<size_t>(axis)]);
    return make(Op::permute, {x, graph_.constant_ints(order)}, std::move(sizes));
  }
  ValueId make(Op op, std::vector<ValueId> inputs, std::vector<Dim> sizes) {
    const Type type = Type::make_tensor(DType::kFloat32, std::move(sizes));
    const NodeId made = graph_.make_node(op, std::move(inputs), {type}, node_.source);
    graph_.insert_before(made, at_);
    return graph_.node(made).outputs[0];
  }

  ValueId operand(std::string_view name) const { return node_.inputs[input_index(node_.op, name)]; }
  std::vector<Dim> dims(ValueId id) const { return graph_.value(id).type.tensor.dims; }
  bool is_f32(ValueId id, size_t rank) const {
    const Type& type = graph_.value(id).type;
    return type.is_ranked_tensor() && type.tensor.dtype == DType::kFloat32 && type.tensor.dims.size() == rank;
  }
  bool are_weights(const std::vector<const char*>& matrices, const std::vector<const char*>& vectors) const {
    for (const char* name : matrices)
      if (!is_f32(operand(name), 2)) return false;
    for (const char* name : vectors)
      if (!is_f32(operand(name), 1)) return false;
    return true;
  }

  Graph& graph_;
  const NodeId at_;
  const Node node_;  // a copy: nodes move when others are made
  int64_t heads_ = 0, width_ = 0;
};

}  // namespace

bool lower_projected_attention(Graph& graph, NodeId id, const std::vector<uint32_t>& uses) {
  const Node& node = graph.node(id);
  for (size_t i = 1; i < node.outputs.size(); ++i)
    if (uses[node.outputs[i]] != 0) return false;
  return Lowering(graph, id).run();
}

}  // namespace tsc::passes
