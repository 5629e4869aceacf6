// Attention as programs spell it:
//
//   scores = matmul(query, key^T) * number + mask      the number (a factor or a divisor) and the mask where there are
//   such result = matmul(softmax(scores, -1), value)
//
// becomes softmax_attention, whose kernel never writes the scores to memory. It computes the same in another order of
// sums, and x * (1 / number) for x / number, which agree to a rounding. Rows all of whose scores are minus infinity are
// NaN in both, unlike those of scaled_dot_product_attention. Scores that anything else reads, and operands that anybody
// writes, stay.
#include <cmath>

#include "passes/alias.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

constexpr int64_t kMostDepth =
    256;  // of a head: beyond, two products have the better kernels, and devices have no other

class AttentionFuser {
 public:
  explicit AttentionFuser(Graph& graph)
      : graph_(graph), aliases_(graph), uses_(graph.use_counts()), rewriter_(graph), known_(graph.values.size()) {}

  void run() {
    std::vector<NodeId> products;
    for_each_live_node(graph_, [&](NodeId id) {
      if (is_product(graph_.node(id))) products.push_back(id);
    });
    for (const NodeId id : products) fuse(id);
    rewriter_.apply();
  }

 private:
  const std::vector<Dim>& dims(ValueId v) const { return graph_.value(v).type.tensor.dims; }
  bool is_float32(ValueId v) const {
    const Type& type = graph_.value(v).type;
    return type.is_ranked_tensor() && type.tensor.dtype == DType::kFloat32;
  }
  static bool is_product(const Node& node) {
    return (node.op == Op::matmul || node.op == Op::bmm) && node.form == Form::kFunctional;
  }
  // The node whose result only `value`'s one reader sees.
  const Node* maker(ValueId value) const {
    const NodeId def = graph_.value(value).def;
    if (def == kNoId || uses_[value] != 1 || graph_.node(def).form != Form::kFunctional || !is_float32(value))
      return nullptr;
    return &graph_.node(def);
  }
  // A finite number whose inverse is one, too.
  std::optional<double> number(ValueId value) const {
    const Value& v = graph_.value(value);
    if (!v.type.is(Type::Kind::kFloat) && !v.type.is(Type::Kind::kInt)) {
      const auto tensor = graph_.as_tensor(value);  // a traced number may be a tensor without dims
      if (!tensor || !tensor->sizes.empty()) return std::nullopt;
    }
    const auto x = graph_.as_double(value);
    const bool usual = x && std::abs(*x) > 1e-30 && std::abs(*x) < 1e30;
    return usual ? x : std::nullopt;
  }

  // What is known of an attention, found from its result upwards.
  struct Parts {
    ValueId query = kNoId, transposed_key = kNoId, value = kNoId, mask = kNoId;
    double scale = 1;
  };

  std::optional<Parts> find_parts(const Node& product) const {
    Parts parts{.value = product.inputs[1]};
    const Node* softmax = maker(product.inputs[0]);
    if (softmax == nullptr || softmax->op != Op::softmax) return std::nullopt;
    const auto axis = known_int(graph_, softmax->inputs[1]);
    const auto rank = static_cast<int64_t>(dims(softmax->outputs[0]).size());
    const ValueId dtype = softmax->inputs[2];
    if ((axis != -1 && axis != rank - 1) ||
        (!graph_.is_none(dtype) && graph_.as_int(dtype) != static_cast<int64_t>(DType::kFloat32)))
      return std::nullopt;
    ValueId scores = softmax->inputs[0];
    const Node* node = maker(scores);
    if (node != nullptr && node->op == Op::add) {
      if (graph_.as_double(node->inputs[2]) != 1.0) return std::nullopt;
      const size_t side = is_scores(node->inputs[0]) ? 0 : 1;
      parts.mask = node->inputs[1 - side];
      scores = node->inputs[side];
      if (!is_float32(parts.mask) || dims(parts.mask).size() > static_cast<size_t>(rank)) return std::nullopt;
      node = maker(scores);
    }
    if (node != nullptr && (node->op == Op::mul || node->op == Op::div)) {
      const auto factor = number(node->inputs[1]);
      if (!factor) return std::nullopt;
      parts.scale = node->op == Op::mul ? *factor : 1 / *factor;
      node = maker(node->inputs[0]);
    }
    if (node == nullptr || !is_product(*node) || dims(node->outputs[0]).size() != static_cast<size_t>(rank))
      return std::nullopt;
    parts.query = node->inputs[0];
    parts.transposed_key = node->inputs[1];
    return parts;
  }
  // A product, or one times a number.
  bool is_scores(ValueId value) const {
    const Node* node = maker(value);
    if (node != nullptr && (node->op == Op::mul || node->op == Op::div)) node = maker(node->inputs[0]);
    return node != nullptr && is_product(*node);
  }

  ValueId make(Op op, std::vector<ValueId> inputs, std::vector<Dim> sizes, NodeId position) {
    const NodeId made = graph_.make_node(op, std::move(inputs), {Type::make_tensor(DType::kFloat32, std::move(sizes))},
                                         graph_.node(position).source);
    rewriter_.insert_before(position, {made});
    return graph_.node(made).outputs[0];
  }

  bool stays(ValueId value) const { return value < known_ && !aliases_.is_written(value); }

  void fuse(NodeId id) {
    const Node product = graph_.node(id);
    const auto parts = find_parts(product);
    if (!parts) return;
    const size_t rank = dims(product.outputs[0]).size();
    for (const ValueId operand : {parts->query, parts->transposed_key, parts->value}) {
      if (!is_float32(operand) || dims(operand).size() != rank || !stays(operand)) return;
    }
    if ((rank != 3 && rank != 4) || (parts->mask != kNoId && !stays(parts->mask))) return;
    for (const ValueId operand : {parts->query, parts->value}) {
      const auto depth = dims(operand).back().constant();
      if (!depth || *depth < 1 || *depth > kMostDepth) return;
    }
    // A key that is transposed in memory would have to be copied.
    const Node* view = nullptr;
    for (const Op op : {Op::transpose, Op::permute}) {
      if (view == nullptr) view = defined_by(graph_, parts->transposed_key, op);
    }
    if (view == nullptr) return;

    std::vector<Dim> key_sizes = dims(parts->transposed_key);
    std::swap(key_sizes[rank - 2], key_sizes[rank - 1]);
    const ValueId swapped =
        make(Op::transpose, {parts->transposed_key, graph_.constant_int(-2), graph_.constant_int(-1)}, key_sizes, id);
    std::vector<ValueId> operands = {parts->query, swapped, parts->value};
    std::vector<Dim> result = dims(product.outputs[0]);
    // Three dims are those of one batch.
    if (rank == 3) {
      for (ValueId& operand : operands) {
        std::vector<Dim> sizes = dims(operand);
        sizes.insert(sizes.begin(), Dim(1));
        operand = make(Op::unsqueeze, {operand, graph_.constant_int(0)}, sizes, id);
      }
      result.insert(result.begin(), Dim(1));
    }
    operands.push_back(parts->mask == kNoId ? graph_.constant_none() : parts->mask);
    operands.push_back(graph_.constant_float(parts->scale));
    const Type type = graph_.value(product.outputs[0]).type;
    if (rank == 4)
      return rewriter_.replace_node(id, graph_.make_node(Op::softmax_attention, operands, {type}, product.source));
    const ValueId attended = make(Op::softmax_attention, operands, result, id);
    rewriter_.replace_node(
        id, graph_.make_node(Op::squeeze_dim, {attended, graph_.constant_int(0)}, {type}, product.source));
  }

  Graph& graph_;
  const AliasClasses aliases_;
  const std::vector<uint32_t> uses_;
  Rewriter rewriter_;
  const size_t known_;  // values made later are of no alias class
};

}  // namespace

void fuse_attention(Graph& graph) { AttentionFuser(graph).run(); }

}  // namespace tsc::passes
