// Tensor ops that do nothing go, and special cases become the op that has the better kernel. Every rewrite is exact:
// the same bits, NaN and the sign of zero included, unless its comment says otherwise.
#include <algorithm>
#include <map>
#include <utility>

#include "compiler/ir/effects.h"
#include "compiler/ir/infer.h"
#include "compiler/ir/tensor_data.h"
#include "passes/alias.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

constexpr int64_t kPreserveFormat = 1;

class Simplifier {
 public:
  explicit Simplifier(Graph& graph)
      : graph_(graph), aliases_(graph), uses_(graph.use_counts()), rewriter_(graph), known_(graph.values.size()) {
    for_each_live_node(graph, [&](NodeId id) { shapes_move_ |= moves_sizes(graph.node(id)); });
  }

  void run() {
    std::vector<NodeId> nodes;
    for_each_live_node(graph_, [&](NodeId id) { nodes.push_back(id); });
    for (NodeId id : nodes) {
      for (ValueId& input : graph_.node(id).inputs) input = rewriter_.resolve(input);
      if (graph_.node(id).form != Form::kFunctional || graph_.node(id).outputs.size() != 1) continue;
      visit(id);
    }
    rewriter_.apply();
  }

 private:
  const Type& type(ValueId v) const { return graph_.value(v).type; }
  ValueId in(NodeId id, size_t i) const { return graph_.node(id).inputs[i]; }
  ValueId out(NodeId id) const { return graph_.node(id).outputs[0]; }
  bool is_false(ValueId v) const { return known_bool(graph_, v) == false; }
  bool is_number(ValueId v) const {
    return type(v).is(Type::Kind::kInt) || type(v).is(Type::Kind::kFloat) || type(v).is(Type::Kind::kBool);
  }
  bool is_number(ValueId v, double value) const { return is_number(v) && graph_.as_double(v) == value; }

  bool same_dtype(ValueId a, ValueId b) const {
    return type(a).is_tensor() && type(b).is_tensor() && type(a).tensor.dtype == type(b).tensor.dtype &&
           type(a).tensor.dtype != DType::kUnknown;
  }
  bool same_type(ValueId a, ValueId b) const {
    return same_dtype(a, b) && type(a).tensor.rank_known && type(b).tensor.rank_known &&
           type(a).tensor.dims == type(b).tensor.dims;
  }

  // The result is the operand, or a view of all of it: one may stand for the other unless a tensor's sizes change.
  void drop(NodeId id) {
    if (!shapes_move_) rewriter_.replace(out(id), in(id, 0));
  }
  // The result equals the operand, but is a copy: nobody may write either.
  void drop_copy(NodeId id) {
    const ValueId from = out(id), to = in(id, 0);
    if (from >= known_ || to >= known_ || aliases_.is_written(from) || aliases_.is_written(to)) return;
    drop(id);
  }

  NodeId make(Op op, std::vector<ValueId> inputs, NodeId instead_of) {
    const Type result = type(out(instead_of));
    return graph_.make_node(op, std::move(inputs), {result}, graph_.node(instead_of).source);
  }
  void become(NodeId id, Op op, std::vector<ValueId> inputs) {
    rewriter_.replace_node(id, make(op, std::move(inputs), id));
  }

  // PyTorch brings the operands of a pointwise op to one dtype before it computes. For a constant number this is done now,
  // so that a float64 one among float32 tensors asks for no float64 arithmetic.
  void convert_constants(NodeId id) {
    if (op_info(graph_.node(id).op).op_class != OpClass::kPointwise || !type(out(id)).is_tensor()) return;
    const DType result = type(out(id)).tensor.dtype;
    const DType common = result == DType::kBool ? result_type(graph_, graph_.node(id).inputs) : result;
    if (common != DType::kFloat32 && common != DType::kFloat64) return;
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const auto tensor = graph_.as_tensor(in(id, i));
      if (!tensor || !tensor->sizes.empty() || tensor->dtype == common || !is_floating(tensor->dtype)) continue;
      const auto [found, inserted] = converted_.try_emplace({in(id, i), common}, kNoId);
      if (inserted) {
        const auto converted = make_tensor_constant(tensor->name, common, {}, read_elements(*tensor));
        found->second = graph_.add_constant({std::shared_ptr<const TensorConstant>(converted)},
                                            Type::make_tensor(common, std::vector<Dim>()), tensor->name);
      }
      graph_.node(id).inputs[i] = found->second;
    }
  }

  void visit(NodeId id) {
    convert_constants(id);
    switch (graph_.node(id).op) {
      case Op::dropout:
      case Op::feature_dropout:
      case Op::alpha_dropout:
        if (is_false(in(id, 2))) drop(id);
        return;
      case Op::detach:
      case Op::alias:
        return drop(id);
      case Op::to_dtype:
      case Op::to_device:
      case Op::to_prim_dtype:
      case Op::to_prim_device:
      case Op::to_other:
      case Op::type_as:
        return visit_conversion(id);
      case Op::contiguous:
        if (is_dense(in(id, 0))) drop_copy(id);
        return;
      case Op::expand:
      case Op::view:
      case Op::reshape:
      case Op::flatten:
        if (same_type(in(id, 0), out(id))) drop(id);
        return;
      case Op::slice:
        // From 0 in steps of 1 to the same size: all of it.
        if (same_type(in(id, 0), out(id)) && known_int(graph_, in(id, 4)) == 1) drop(id);
        return;
      case Op::squeeze_dim:
      case Op::squeeze:
      case Op::linear_rows:    // of a matrix
      case Op::linear_result:  // for a matrix
        if (same_type(in(id, 0), out(id))) drop(id);
        return;
      case Op::in_place_result:
        if (same_type(in(id, 0), in(id, 1))) drop(id);
        return;
      case Op::permute:
        return visit_permute(id);
      case Op::transpose: {
        const auto a = known_int(graph_, in(id, 1)), b = known_int(graph_, in(id, 2));
        if (a && b && *a == *b) drop(id);
        return;
      }
      case Op::t:
      case Op::numpy_T:
        return visit_t(id);
      case Op::view_as:
        return with_sizes(id, Op::view, {});
      case Op::reshape_as:
        return with_sizes(id, Op::reshape, {});
      case Op::expand_as:
        return with_sizes(id, Op::expand, {graph_.constant_bool(false)});
      case Op::add:
      case Op::sub:
        return visit_sum(id);
      case Op::mul:
      case Op::div:
      case Op::pow:
        // x * 1 = x / 1 = x ^ 1 = x
        if (is_number(in(id, 1), 1.0) && same_type(in(id, 0), out(id))) drop_copy(id);
        return;
      case Op::clamp_min:
        // relu is max(x, 0), and both keep NaN.
        if (is_number(in(id, 1), 0.0) && is_floating(type(in(id, 0)).tensor.dtype)) become(id, Op::relu, {in(id, 0)});
        return;
      case Op::clamp:
        if (is_number(in(id, 1), 0.0) && graph_.is_none(in(id, 2)) && is_floating(type(in(id, 0)).tensor.dtype))
          become(id, Op::relu, {in(id, 0)});
        return;
      case Op::convolution:
        return visit_convolution(id);
      case Op::conv1d_padding:
      case Op::conv2d_padding:
      case Op::conv3d_padding:
        return visit_padding_mode(id);
      case Op::addmm:
        return visit_addmm(id);
      case Op::matmul:
      case Op::mm:
        return visit_matmul(id);
      case Op::tensor_to_int:
      case Op::item:
        return visit_number(id);
      default:
        return;
    }
  }

  // A conversion that changes nothing returns its operand.
  void visit_conversion(NodeId id) {
    const Node& node = graph_.node(id);
    if (!same_dtype(node.inputs[0], node.outputs[0])) return;
    if (const auto copy = find_input(node.op, "copy"); copy && !is_false(node.inputs[*copy])) return;
    if (const auto format = find_input(node.op, "memory_format"); format && !graph_.is_none(node.inputs[*format]))
      if (known_int(graph_, node.inputs[*format]) != kPreserveFormat) return;
    // The device is the one there is: other devices are no tensors of compiled code.
    if (const auto device = find_input(node.op, "device"); device && !graph_.is_none(node.inputs[*device])) {
      const auto name = graph_.as_str(node.inputs[*device]);
      if (!name || *name != "cpu") return;
    }
    drop(id);
  }

  // Made by an op that lays out its result in rows.
  bool is_dense(ValueId v) const {
    const NodeId def = graph_.value(v).def;
    if (def == kNoId || graph_.node(def).form != Form::kFunctional) return false;
    switch (op_info(graph_.node(def).op).op_class) {
      case OpClass::kContraction:
      case OpClass::kWindow:
      case OpClass::kNormalisation:
      case OpClass::kMovement:
      case OpClass::kCreation:
        return graph_.node(def).op != Op::as_tensor && graph_.node(def).op != Op::meshgrid;
      default:
        return graph_.node(def).op == Op::contiguous;
    }
  }

  void visit_permute(NodeId id) {
    const auto order = graph_.as_ints(in(id, 1));
    if (!order) return;
    for (size_t i = 0; i < order->size(); ++i) {
      const int64_t axis = (*order)[i] < 0 ? (*order)[i] + static_cast<int64_t>(order->size()) : (*order)[i];
      if (axis != static_cast<int64_t>(i)) return;
    }
    drop(id);
  }

  void visit_t(NodeId id) {
    const Type& operand = type(in(id, 0));
    if (!operand.is_tensor() || !operand.tensor.rank_known) return;
    const int64_t rank = static_cast<int64_t>(operand.tensor.dims.size());
    if (rank < 2) return drop(id);
    if (rank == 2) return become(id, Op::transpose, {in(id, 0), graph_.constant_int(0), graph_.constant_int(1)});
    std::vector<int64_t> order;
    for (int64_t axis = rank; axis-- > 0;) order.push_back(axis);
    become(id, Op::permute, {in(id, 0), graph_.constant_ints(order)});
  }

  // f_as(x, y) = f(x, size(y))
  void with_sizes(NodeId id, Op op, std::vector<ValueId> more) {
    const NodeId size =
        graph_.make_node(Op::size, {in(id, 1)}, {Type::list(Type::make(Type::Kind::kInt))}, graph_.node(id).source);
    const ValueId sizes = graph_.node(size).outputs[0];
    if (type(in(id, 1)).tensor.rank_known) graph_.value(sizes).ints = type(in(id, 1)).tensor.dims;
    rewriter_.insert_before(id, {size});
    std::vector<ValueId> inputs = {in(id, 0), sizes};
    inputs.insert(inputs.end(), more.begin(), more.end());
    become(id, op, std::move(inputs));
  }

  // x - 0 = x always; x + 0 = x for integers, since -0.0 + 0 = 0.0.
  void visit_sum(NodeId id) {
    if (!same_type(in(id, 0), out(id))) return;
    const bool subtracts = graph_.node(id).op == Op::sub;
    if (is_number(in(id, 1), 0.0) && (subtracts || is_integral(type(in(id, 0)).tensor.dtype)) &&
        is_number(in(id, 2), 1.0))
      return drop_copy(id);
    if (!subtracts) visit_bias(id);
  }

  // x W^T + b of a bias with one number per output is linear with bias; it rounds like the two ops.
  void visit_bias(NodeId id) {
    if (!is_number(in(id, 2), 1.0)) return;
    for (size_t side : {0, 1}) {
      const ValueId product = in(id, side), bias = in(id, 1 - side);
      const Node* linear = product < known_ && uses_[product] == 1 ? defined_by(graph_, product, Op::linear) : nullptr;
      if (linear == nullptr || !graph_.is_none(linear->inputs[2]) || !same_dtype(product, bias)) continue;
      const Type& weight = type(linear->inputs[1]);
      if (!graph_.as_tensor(bias) || type(bias).tensor.dims.size() != 1 || weight.tensor.dims.size() != 2) continue;
      if (!(type(bias).tensor.dims[0] == weight.tensor.dims[0]) || type(product) != type(out(id))) continue;
      return become(id, Op::linear, {linear->inputs[0], linear->inputs[1], bias});
    }
  }

  // W such that `value` is its transpose: the operand of a transpose, or a constant seen with its strides swapped.
  std::optional<ValueId> transposed_weight(ValueId value) {
    if (const Node* node = defined_by(graph_, value, Op::transpose);
        node && type(node->inputs[0]).tensor.dims.size() == 2) {
      const auto a = known_int(graph_, node->inputs[1]), b = known_int(graph_, node->inputs[2]);
      const bool swaps = a && b && (*a == 0 || *a == -2) != (*b == 0 || *b == -2);
      if (swaps && graph_.as_tensor(node->inputs[0])) return node->inputs[0];
    }
    const auto constant = graph_.as_tensor(value);
    if (!constant || constant->sizes.size() != 2) return std::nullopt;
    auto swapped = std::make_shared<TensorConstant>(*constant);
    std::swap(swapped->sizes[0], swapped->sizes[1]);
    std::swap(swapped->strides[0], swapped->strides[1]);
    if (!swapped->name.empty()) swapped->name += ".T";
    const std::string name = swapped->name;
    return graph_.add_constant({std::shared_ptr<const TensorConstant>(std::move(swapped))},
                               Type::make_tensor(constant->dtype, {Dim(constant->sizes[1]), Dim(constant->sizes[0])}),
                               name);
  }

  // b + x W^T = linear(x, W, b) for a bias with one number per output.
  void visit_addmm(NodeId id) {
    if (!is_number(in(id, 3), 1.0) || !is_number(in(id, 4), 1.0)) return;
    const ValueId bias = in(id, 0), x = in(id, 1);
    if (!type(bias).is_ranked_tensor() || type(bias).tensor.dims.size() != 1) return;
    const auto weight = transposed_weight(in(id, 2));
    if (weight && type(bias).tensor.dims[0] == type(*weight).tensor.dims[0]) become(id, Op::linear, {x, *weight, bias});
  }

  // x W^T = linear(x, W)
  void visit_matmul(NodeId id) {
    const ValueId x = in(id, 0);
    if (!type(x).is_tensor() || !type(x).tensor.rank_known || type(x).tensor.dims.empty()) return;
    if (const auto weight = transposed_weight(in(id, 1))) become(id, Op::linear, {x, *weight, graph_.constant_none()});
  }

  void visit_convolution(NodeId id) {
    const Node node = graph_.node(id);
    const Type& weight = type(node.inputs[1]);
    const auto transposed = known_bool(graph_, node.inputs[6]);
    if (!weight.is_tensor() || !weight.tensor.rank_known || !transposed) return;
    const size_t axes = weight.tensor.dims.size() - 2;
    const auto per_axis = [&](size_t operand) -> std::optional<ValueId> {
      auto values = graph_.as_ints(node.inputs[operand]);
      if (!values) return std::nullopt;
      if (values->size() == 1) values->assign(axes, values->front());
      if (values->size() != axes) return std::nullopt;
      return graph_.constant_ints(*values);
    };
    const auto stride = per_axis(3), padding = per_axis(4), dilation = per_axis(5);
    if (!stride || !padding || !dilation || axes < 1 || axes > 3) return;
    const ValueId x = node.inputs[0], w = node.inputs[1], bias = node.inputs[2], groups = node.inputs[8];
    if (!*transposed) {
      const Op op = axes == 1 ? Op::conv1d : axes == 2 ? Op::conv2d : Op::conv3d;
      return become(id, op, {x, w, bias, *stride, *padding, *dilation, groups});
    }
    const auto output_padding = per_axis(7);
    if (!output_padding || axes > 2) return;
    become(id, axes == 1 ? Op::conv_transpose1d : Op::conv_transpose2d,
           {x, w, bias, *stride, *padding, *output_padding, groups, *dilation});
  }

  // "valid" is no padding; "same" pads dilation * (kernel - 1) in all, here only when that is the same on both sides.
  void visit_padding_mode(NodeId id) {
    const Node node = graph_.node(id);
    const auto mode = graph_.as_str(node.inputs[4]);
    const Type& weight = type(node.inputs[1]);
    auto dilation = graph_.as_ints(node.inputs[5]);
    if (!mode || !dilation || !weight.is_tensor() || !weight.tensor.rank_known) return;
    const size_t axes = weight.tensor.dims.size() - 2;
    if (dilation->size() == 1) dilation->assign(axes, dilation->front());
    if (dilation->size() != axes) return;
    std::vector<int64_t> padding(axes, 0);
    for (size_t i = 0; *mode == "same" && i < axes; ++i) {
      const auto kernel = weight.tensor.dims[i + 2].constant();
      if (!kernel || (*dilation)[i] * (*kernel - 1) % 2 != 0) return;
      padding[i] = (*dilation)[i] * (*kernel - 1) / 2;
    }
    const Op op = node.op == Op::conv1d_padding ? Op::conv1d : node.op == Op::conv2d_padding ? Op::conv2d : Op::conv3d;
    become(id, op,
           {node.inputs[0], node.inputs[1], node.inputs[2], node.inputs[3], graph_.constant_ints(padding),
            node.inputs[5], node.inputs[6]});
  }

  // The number that a 0-d tensor was made of, when nobody writes the tensor.
  void visit_number(NodeId id) {
    const ValueId tensor = in(id, 0);
    const Node* made = defined_by(graph_, tensor, Op::num_to_tensor);
    if (made == nullptr || tensor >= known_ || aliases_.is_written(tensor)) return;
    if (type(made->inputs[0]).is(Type::Kind::kInt) && type(out(id)).is(Type::Kind::kInt))
      rewriter_.replace(out(id), made->inputs[0]);
  }

  Graph& graph_;
  const AliasClasses aliases_;
  const std::vector<uint32_t> uses_;
  Rewriter rewriter_;
  const size_t known_;  // values made later are of no alias class
  std::map<std::pair<ValueId, DType>, ValueId> converted_;  // constants in another dtype
  bool shapes_move_ = false;
};

}  // namespace

void simplify_tensor_ops(Graph& graph) { Simplifier(graph).run(); }

}  // namespace tsc::passes
