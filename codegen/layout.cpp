#include "codegen/layout.h"

#include <algorithm>
#include <map>

#include "codegen/emit_launch.h"
#include "passes/region.h"

namespace tsc::codegen {

using namespace ir;

namespace {

// A size at the example, or for inputs without one as such inputs usually are: batches of 1, images of 224 x 224,
// sequences of 64. Only the choice of kernels depends on it.
int64_t usual_size(const Graph& graph, const Dim& dim) {
  constexpr int64_t kImage = 224, kOther = 64;
  const auto size = dim.evaluate([&](std::string_view symbol) -> std::optional<int64_t> {
    if (const auto hint = graph.hints.find(symbol); hint != graph.hints.end()) return hint->second;
    if (symbol.ends_with(".0")) return 1;
    return symbol.ends_with(".2") || symbol.ends_with(".3") ? kImage : kOther;
  });
  return size.value_or(kOther);
}

const std::vector<Dim>& dims_of(const Graph& graph, ValueId id) { return graph.value(id).type.tensor.dims; }

std::vector<int64_t> pair_operand(const Graph& graph, const Node& node, std::string_view name) {
  std::vector<int64_t> values = *graph.as_ints(node.inputs[input_index(node.op, name)]);
  if (values.size() == 1) values.push_back(values[0]);
  return values;
}

}  // namespace

Conv2dShape conv2d_shape(const Graph& graph, const Node& node) {
  const auto& in = dims_of(graph, node.inputs[0]);
  const auto& out = dims_of(graph, node.outputs[0]);
  const auto weight = graph.as_tensor(node.inputs[1]);
  const auto stride = pair_operand(graph, node, "stride");
  const auto padding = pair_operand(graph, node, "padding");
  const auto dilation = pair_operand(graph, node, "dilation");
  const int64_t groups = *graph.as_int(node.inputs[input_index(node.op, "groups")]);
  return {.batch = usual_size(graph, in[0]),
          .in_height = usual_size(graph, in[2]),
          .in_width = usual_size(graph, in[3]),
          .out_height = usual_size(graph, out[2]),
          .out_width = usual_size(graph, out[3]),
          .in_channels = weight->sizes[1] * groups,
          .out_channels = weight->sizes[0],
          .groups = groups,
          .kernel_height = weight->sizes[2],
          .kernel_width = weight->sizes[3],
          .stride_height = stride[0],
          .stride_width = stride[1],
          .pad_height = padding[0],
          .pad_width = padding[1],
          .dilation_height = dilation[0],
          .dilation_width = dilation[1]};
}

namespace {

void set_kernel(Node& node, const KernelChoice& choice) {
  node.attributes["kernel"] = choice.function;
  node.attributes["header"] = choice.header;
  node.attributes["tile"] = choice.template_arguments;
  node.attributes["packing"] = static_cast<int64_t>(choice.packing);
  node.attributes["panel_vectors"] = choice.panel_vectors;
}

// Lays out one region's images.
class Layouter {
 public:
  Layouter(Graph& graph, NodeId region, const KernelTarget& target)
      : graph_(graph), body_(graph.node(region).blocks[0]), target_(target) {}

  void run() {
    choose_convolutions();
    if (halo_ < 0) return;  // nothing is blocked
    blocked_ = {Layout::Kind::kBlocked, static_cast<int32_t>(target_.lanes()), halo_};
    for (const NodeId id : std::vector<NodeId>(graph_.block(body_).nodes)) place(id);
    for (ValueId& result : graph_.block(body_).results) result = plain(result, kNoId);
    graph_.block(body_).nodes = nodes_;
  }

 private:
  bool is_blocked(ValueId id) const { return graph_.value(id).type.tensor.layout.kind == Layout::Kind::kBlocked; }

  void choose_convolutions() {
    for (const NodeId id : graph_.block(body_).nodes) {
      Node& node = graph_.node(id);
      if (node.op != Op::conv2d) continue;
      const Conv2dShape shape = conv2d_shape(graph_, node);
      constexpr int64_t kFewChannels = 4;
      const Conv2dLayouts wish =
          shape.in_channels <= kFewChannels ? Conv2dLayouts::kPlainToBlocked : Conv2dLayouts::kBlockedToBlocked;
      Conv2dLayouts layouts = wish;
      auto choice = select_conv2d(target_, shape, wish);
      if (!choice) {
        layouts = Conv2dLayouts::kPlainToPlain;
        choice = select_conv2d(target_, shape, layouts);
      }
      set_kernel(node, *choice);
      node.attributes["layouts"] = static_cast<int64_t>(layouts);
      if (layouts == Conv2dLayouts::kPlainToPlain) continue;
      halo_ = std::max(halo_, 0);
      if (layouts == Conv2dLayouts::kBlockedToBlocked) {
        halo_ = std::max(halo_, static_cast<int32_t>(std::max(shape.pad_height, shape.pad_width)));
      }
    }
  }

  // Appends a node, with reorders before it as its operands need.
  void place(NodeId id) {
    const Op op = graph_.node(id).op;
    bool blocked_in = false;
    bool blocked_out = false;
    if (op == Op::conv2d) {
      const auto layouts = static_cast<Conv2dLayouts>(*int_attribute(graph_.node(id), "layouts"));
      blocked_in = layouts == Conv2dLayouts::kBlockedToBlocked;
      blocked_out = layouts != Conv2dLayouts::kPlainToPlain;
    } else if (op == Op::max_pool2d || op == Op::avg_pool2d) {
      blocked_in = blocked_out = is_blocked(graph_.node(id).inputs[0]);
    } else if (op == Op::adaptive_avg_pool2d) {
      blocked_in = is_blocked(graph_.node(id).inputs[0]);
    } else if (op_info(op).op_class == OpClass::kPointwise) {
      blocked_in = blocked_out = stays_blocked(graph_.node(id));
    }
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const ValueId input = graph_.node(id).inputs[i];
      const Value& value = graph_.value(input);
      if (value.type.is(Type::Kind::kList) && value.def != kNoId && graph_.node(value.def).op == Op::list) {
        for (size_t k = 0; k < graph_.node(value.def).inputs.size(); ++k) {
          const ValueId element = plain(graph_.node(value.def).inputs[k], value.def);
          graph_.node(value.def).inputs[k] = element;
        }
        continue;
      }
      if (!value.type.is_tensor()) continue;
      const bool image = blocked_in && (op != Op::conv2d || i == 0) && !value.constant &&
                         dims_of(graph_, input) == dims_of(graph_, op == Op::conv2d ? input : image_of(id));
      const ValueId placed = image ? blocked(input) : value.constant ? input : plain(input, kNoId);
      graph_.node(id).inputs[i] = placed;
    }
    nodes_.push_back(id);
    if (blocked_out) graph_.value(graph_.node(id).outputs[0]).type.tensor.layout = blocked_;
  }

  ValueId image_of(NodeId id) const {
    const Node& node = graph_.node(id);
    return op_info(node.op).op_class == OpClass::kPointwise ? node.outputs[0] : node.inputs[0];
  }

  // A pointwise op stays in the blocked layout when one operand is blocked and each other is an image of the same dims
  // or one number per channel.
  bool stays_blocked(const Node& node) const {
    const auto& out = dims_of(graph_, node.outputs[0]);
    if (out.size() != 4 || graph_.value(node.outputs[0]).type.tensor.dtype != DType::kFloat32) return false;
    bool any = false;
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.value(input);
      if (!value.type.is_tensor()) continue;
      if (value.type.tensor.dtype != DType::kFloat32) return false;
      any = any || is_blocked(input);
      if (!value.constant) {
        if (!(value.type.tensor.dims == out)) return false;
        continue;
      }
      const auto& dims = value.type.tensor.dims;
      for (size_t i = 0; i < dims.size(); ++i) {
        if (!dims[i].is_constant(1) && out.size() - dims.size() + i != 1) return false;
      }
    }
    return any;
  }

  ValueId reordered(ValueId id, const Layout& layout) {
    const auto key = std::pair{id, layout.kind};
    if (const auto found = reordered_.find(key); found != reordered_.end()) return found->second;
    Type type = graph_.value(id).type;
    type.tensor.layout = layout;
    const SourceId source = graph_.value(id).def == kNoId ? 0 : graph_.node(graph_.value(id).def).source;
    const NodeId node = graph_.make_node(Op::reorder, {id}, {type}, source);
    nodes_.push_back(node);
    return reordered_[key] = graph_.node(node).outputs[0];
  }

  ValueId blocked(ValueId id) { return is_blocked(id) ? id : reordered(id, blocked_); }

  // `before` names a node already placed that must come after the reorder; kNoId when the user is not placed yet.
  ValueId plain(ValueId id, NodeId before) {
    if (!is_blocked(id)) return id;
    const ValueId result = reordered(id, Layout{});
    if (before != kNoId) {
      const NodeId made = graph_.value(result).def;
      std::erase(nodes_, made);
      nodes_.insert(std::ranges::find(nodes_, before), made);
    }
    return result;
  }

  Graph& graph_;
  BlockId body_;
  const KernelTarget& target_;
  int32_t halo_ = -1;
  Layout blocked_;
  std::vector<NodeId> nodes_;
  std::map<std::pair<ValueId, Layout::Kind>, ValueId> reordered_;
};

template <class Visit>
void each_region(Graph& graph, Visit visit) {
  std::vector<NodeId> regions;
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) {
      if (graph.node(id).op == Op::region) regions.push_back(id);
    });
  }
  for (const NodeId region : regions) visit(region);
}

}  // namespace

KernelTarget kernel_target(const Target& target) {
  return {.vector_bytes = target.vector_bytes, .registers = target.vector_registers, .l2_bytes = target.l2_bytes,
          .is_bare = target.is_bare,
          .little_memory = target.is_freestanding};
}

void outline_regions(Graph& graph, const Target& target) {
  passes::outline_regions(graph, [&](const Graph& g, const Node& node) { return region_obstacle(target, g, node); },
                          target.is_freestanding ? passes::Views::kInRegions : passes::Views::kOnHost);
}

void assign_layouts(Graph& graph, const Target& target) {
  if (target.device) return;  // whose images are plain, and whose kernels choose their tiles when they are launched
  const KernelTarget facts = kernel_target(target);
  each_region(graph, [&](NodeId region) { Layouter(graph, region, facts).run(); });
}

void select_kernels(Graph& graph, const Target& target) {
  if (target.device) return;
  const KernelTarget facts = kernel_target(target);
  std::map<ValueId, KernelChoice> of_weight;
  each_region(graph, [&](NodeId region) {
    for (const NodeId id : graph.block(graph.node(region).blocks[0]).nodes) {
      Node& node = graph.node(id);
      if (op_info(node.op).op_class != OpClass::kContraction) continue;
      const auto& in = dims_of(graph, node.inputs[0]);
      const auto& out = dims_of(graph, node.outputs[0]);
      if (node.op == Op::linear) {
        int64_t rows = 1;
        for (size_t i = 0; i + 1 < in.size(); ++i) rows *= usual_size(graph, in[i]);
        const auto weight = graph.as_tensor(node.inputs[1]);
        KernelChoice choice = select_linear(facts, {rows, weight->sizes[0], weight->sizes[1]});
        // Where the rows are not known, the weight is packed as it is for others: one form serves them all.
        const bool known = std::all_of(in.begin(), in.end() - 1, [&](const Dim& dim) { return graph.hint(dim).has_value(); });
        const auto [first, is_first] = of_weight.emplace(node.inputs[1], choice);
        if (!known && !is_first) choice = first->second;
        set_kernel(node, choice);
      } else {
        set_kernel(node, select_matmul(facts, {usual_size(graph, out[out.size() - 2]),
                                               usual_size(graph, out.back()), usual_size(graph, in.back())}));
      }
    }
  });
}

KernelChoice kernel_of(const Node& node) {
  KernelChoice choice;
  choice.function = str_attribute(node, "kernel");
  choice.header = str_attribute(node, "header");
  choice.template_arguments = std::get<std::vector<int64_t>>(node.attributes.at("tile"));
  choice.packing = static_cast<Packing>(*int_attribute(node, "packing"));
  choice.panel_vectors = *int_attribute(node, "panel_vectors");
  return choice;
}

}  // namespace tsc::codegen
