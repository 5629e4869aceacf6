// In-place ops become functional where nobody can tell: `relu_(x)` becomes `y = relu(x)`, and later uses of x use y.
//
// That holds when no other value that may share memory with x, and was there before the write, is used after it; x
// itself was defined in the same block. Sharing is tracked in program order, so what happens after the write does not
// count. A loop's body is taken as a whole first, since its end comes before its beginning.
#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "compiler/ir/containers.h"
#include "compiler/ir/effects.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Which values may share memory, as far as told so far.
class Sharing {
 public:
  explicit Sharing(size_t values) : parent_(values + 1), members_(values + 1) {
    std::iota(parent_.begin(), parent_.end(), 0u);
    for (ValueId v = 0; v <= values; ++v) members_[v] = {v};
  }
  ValueId outside() const { return static_cast<ValueId>(parent_.size() - 1); }
  ValueId root(ValueId v) const {
    while (parent_[v] != v) v = parent_[v];
    return v;
  }
  void unite(ValueId a, ValueId b) {
    a = root(a);
    b = root(b);
    if (a == b) return;
    if (members_[a].size() < members_[b].size()) std::swap(a, b);
    parent_[b] = a;
    members_[a].insert(members_[a].end(), members_[b].begin(), members_[b].end());
    members_[b].clear();
  }
  const std::vector<ValueId>& members(ValueId v) const { return members_[root(v)]; }
  bool reaches_outside(ValueId v) const { return root(v) == root(outside()); }

 private:
  std::vector<ValueId> parent_;
  std::vector<std::vector<ValueId>> members_;
};

// When each value is defined and used last, in program order. A use inside a loop of what was defined outside counts
// until the loop's end.
class Lifetimes {
 public:
  explicit Lifetimes(const Graph& graph)
      : graph_(graph),
        defined_(graph.values.size(), 0),
        last_use_(graph.values.size(), 0),
        begin_(graph.nodes.size(), 0) {
    for (const Function& function : graph.functions)
      if (function.body != kNoId) visit(function.body);
  }
  int defined(ValueId v) const { return defined_[v]; }
  int last_use(ValueId v) const { return last_use_[v]; }
  int begin(NodeId n) const { return begin_[n]; }
  void extend(ValueId v, int until) { last_use_[v] = std::max(last_use_[v], until); }
  void move_uses(ValueId from, ValueId to, int at) {
    extend(to, last_use_[from]);
    last_use_[from] = at;
  }

 private:
  void use(ValueId v) {
    last_use_[v] = now_;
    used_.push_back(v);
  }
  void visit(BlockId block) {
    ++now_;
    for (ValueId param : graph_.block(block).params) defined_[param] = now_;
    for (NodeId id : graph_.block(block).nodes) {
      const Node& node = graph_.node(id);
      begin_[id] = ++now_;
      for (ValueId input : node.inputs) use(input);
      const size_t first_inside = used_.size();
      for (BlockId inner : node.blocks) visit(inner);
      ++now_;
      if (node.op == Op::loop)
        for (size_t i = first_inside; i < used_.size(); ++i)
          if (defined_[used_[i]] < begin_[id]) last_use_[used_[i]] = now_;
      for (ValueId output : node.outputs) defined_[output] = now_;
    }
    ++now_;
    for (ValueId result : graph_.block(block).results) use(result);
  }

  const Graph& graph_;
  std::vector<int> defined_, last_use_, begin_;
  std::vector<ValueId> used_;
  int now_ = 0;
};

class Functionalizer {
 public:
  explicit Functionalizer(Graph& graph)
      : graph_(graph), lifetimes_(graph), sharing_(graph.values.size()), known_(graph.values.size()) {
    find_argument_lists();
  }

  void run() {
    for (ValueId v = 0; v < known_; ++v)
      if (graph_.value(v).constant && holds_memory(graph_.value(v).type)) sharing_.unite(v, sharing_.outside());
    for (const Function& function : graph_.functions) {
      if (function.body == kNoId) continue;
      for (ValueId param : graph_.block(function.body).params) unite(param, sharing_.outside());
      walk(function.body);
    }
  }

 private:
  bool is_memory(ValueId v) const {
    return v == sharing_.outside() || (v < known_ && holds_memory(graph_.value(v).type));
  }
  void unite(ValueId a, ValueId b) {
    if (is_memory(a) && is_memory(b)) sharing_.unite(a, b);
  }

  // A list that only tensor ops read is their operands' list and no object: its elements are used where it is.
  void find_argument_lists() {
    std::vector<bool> passed_on(known_, false);
    for_each_live_node(graph_, [&](NodeId id) {
      const Node& node = graph_.node(id);
      const bool reads_only = !op_info(node.op).schema.empty() && node.op != Op::meshgrid;
      for (ValueId input : node.inputs)
        if (!reads_only) passed_on[input] = true;
    });
    for (const Block& block : graph_.blocks)
      for (ValueId result : block.results) passed_on[result] = true;
    for_each_live_node(graph_, [&](NodeId id) {
      const Node& node = graph_.node(id);
      if (node.op != Op::list || passed_on[node.outputs[0]]) return;
      argument_lists_[node.outputs[0]] = true;
      for (ValueId input : node.inputs) lifetimes_.extend(input, lifetimes_.last_use(node.outputs[0]));
    });
  }

  ValueId current(ValueId v) const {
    for (auto it = renamed_.find(v); it != renamed_.end(); it = renamed_.find(v)) v = it->second;
    return v;
  }

  void walk(BlockId block) {
    std::vector<NodeId> kept;
    const std::vector<NodeId> nodes = graph_.block(block).nodes;
    for (NodeId id : nodes) {
      for (ValueId& input : graph_.node(id).inputs) input = current(input);
      if (graph_.node(id).form == Form::kInPlace || has_only_in_place_form(graph_.node(id).op)) {
        if (make_functional(block, id, kept)) continue;
      }
      kept.push_back(id);
      const std::vector<BlockId> inner = graph_.node(id).blocks;
      if (graph_.node(id).op == Op::loop) {
        share(id);
        for_each_node(graph_, inner[0], [&](NodeId each) { share(each); });
      }
      for (BlockId each : inner) walk(each);
      share(id);
    }
    graph_.block(block).nodes = std::move(kept);
    for (ValueId& result : graph_.block(block).results) result = current(result);
  }

  // What the node makes share memory.
  void share(NodeId id) {
    const Node& node = graph_.node(id);
    const OpInfo& info = op_info(node.op);
    if (node.op == Op::loop || node.op == Op::if_) return share_blocks(node);
    if (info.schema.empty()) {
      if (node.op == Op::list && argument_lists_.contains(node.outputs[0])) return;
      std::vector<ValueId> all = node.inputs;
      all.insert(all.end(), node.outputs.begin(), node.outputs.end());
      std::erase_if(all, [&](ValueId v) { return !is_memory(v); });
      for (ValueId v : all) unite(all.front(), v);
      const OpClass op_class = info.op_class;
      if (!all.empty() && (op_class == OpClass::kControl || op_class == OpClass::kEffect || node.op == Op::attr_get ||
                           node.op == Op::attr_set || node.op == Op::object_new))
        unite(all.front(), sharing_.outside());
      return;
    }
    if (node.form != Form::kFunctional || has_only_in_place_form(node.op))
      for (ValueId output : node.outputs) unite(node.inputs[0], output);
    for (size_t o = 0; o < node.outputs.size() && o < info.outputs.size(); ++o)
      for (size_t i = 0; i < node.inputs.size() && i < info.inputs.size(); ++i)
        if (shares(info, o, i)) unite(node.inputs[i], node.outputs[o]);
  }

  static bool shares(const OpInfo& info, size_t output, size_t input) {
    const std::string &a = info.outputs[output].alias, &b = info.inputs[input].alias;
    // Dropout and meshgrid hand their operands on, which their schemas do not say.
    if (info.op == Op::dropout || info.op == Op::feature_dropout || info.op == Op::alpha_dropout ||
        info.op == Op::meshgrid || info.op == Op::type_as || info.op == Op::as_tensor)
      return true;
    return std::any_of(a.begin(), a.end(),
                       [&](char c) { return c >= 'a' && c <= 'z' && b.find(c) != std::string::npos; });
  }

  void share_blocks(const Node& node) {
    const size_t skip = node.op == Op::loop ? 1 : 0;
    for (BlockId block : node.blocks)
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (i + skip < graph_.block(block).results.size())
          unite(graph_.block(block).results[i + skip], node.outputs[i]);
        if (node.op != Op::loop) continue;
        unite(node.inputs[i + 2], node.outputs[i]);
        unite(graph_.block(block).params[i + 1], node.outputs[i]);
      }
  }

  bool is_defined_in(BlockId block, ValueId v) const {
    if (graph_.value(v).param_of != kNoId) return graph_.value(v).param_of == block;
    const NodeId def = graph_.value(v).def;
    if (def == kNoId) return false;
    const auto found = block_of_.find(def);
    if (found != block_of_.end()) return found->second == block;
    const auto& nodes = graph_.block(block).nodes;
    return std::find(nodes.begin(), nodes.end(), def) != nodes.end();
  }

  bool is_unseen(NodeId id, ValueId target, ValueId result) const {
    if (sharing_.reaches_outside(target)) return false;
    const int now = lifetimes_.begin(id);
    for (ValueId v : sharing_.members(target)) {
      if (v == target || v == result || v >= known_) continue;
      if (lifetimes_.defined(v) < now && lifetimes_.last_use(v) > now) return false;
    }
    return true;
  }

  bool make_functional(BlockId block, NodeId id, std::vector<NodeId>& kept) {
    const Node node = graph_.node(id);
    // Random numbers are drawn in the order of the written memory.
    if (node.outputs.size() != 1 || is_random(graph_, node) || !graph_.value(node.inputs[0]).type.is_tensor()) return false;
    const ValueId target = node.inputs[0], result = node.outputs[0];
    if (!is_defined_in(block, target) || !keeps_shape(node) || !is_unseen(id, target, result)) return false;
    const auto conversion = needed_conversion(node);
    if (!conversion) return false;
    lifetimes_.move_uses(target, result, lifetimes_.begin(id));
    renamed_[target] = result;
    block_of_[id] = block;
    const bool is_copy = node.op == Op::copy_;
    if (is_copy) {
      make_copy(id);
      kept.push_back(id);
      return true;
    }
    graph_.node(id).form = Form::kFunctional;
    kept.push_back(id);
    if (op_info(node.op).op_class == OpClass::kView) unite(target, result);
    if (*conversion == DType::kUnknown) return true;
    // The op in its own dtype, then back to the written tensor's.
    Type type = graph_.value(result).type;
    type.tensor.dtype = *conversion;
    const NodeId converted = make_to_dtype(result, *conversion, type, node.source);
    const ValueId widened = graph_.node(converted).outputs[0];
    // The conversion's result takes over the value, and the op gets one of its own.
    graph_.node(id).outputs[0] = widened;
    graph_.value(widened).def = id;
    graph_.value(widened).type = Type::make_tensor();
    graph_.node(converted).outputs[0] = result;
    graph_.value(result).def = converted;
    graph_.node(converted).inputs[0] = widened;
    block_of_[converted] = block;
    kept.push_back(converted);
    return true;
  }

  NodeId make_to_dtype(ValueId operand, DType dtype, const Type& type, SourceId source) {
    const std::vector<ValueId> inputs = {operand, graph_.constant_int(static_cast<int64_t>(dtype)),
                                         graph_.constant_bool(false), graph_.constant_bool(false),
                                         graph_.constant_none()};
    return graph_.make_node(Op::to_dtype, inputs, {type}, source);
  }

  // x.copy_(y) of equal sizes: y in x's dtype, in memory of its own.
  void make_copy(NodeId id) {
    const Node node = graph_.node(id);
    const int64_t dtype = static_cast<int64_t>(graph_.value(node.inputs[0]).type.tensor.dtype);
    const std::vector<ValueId> inputs = {node.inputs[1], graph_.constant_int(dtype), graph_.constant_bool(false),
                                         graph_.constant_bool(true), graph_.constant_none()};
    Node& copy = graph_.node(id);
    copy.op = Op::to_dtype;
    copy.form = Form::kFunctional;
    copy.inputs = inputs;
  }

  // Whether the functional op gives exactly the written tensor's sizes, and does not widen them instead of failing.
  bool keeps_shape(const Node& node) const {
    const OpInfo& info = op_info(node.op);
    if (info.op_class == OpClass::kView) return true;
    if (node.op == Op::copy_) return fits_into(node.inputs[1], node.inputs[0]) == Fit::kEqual;
    if (info.shape_rule != ShapeRule::kBroadcast) return info.shape_rule == ShapeRule::kSame;
    for (size_t i = 1; i < node.inputs.size() && i < info.inputs.size(); ++i) {
      const bool takes_part = info.inputs[i].type == "Tensor" || info.inputs[i].type == "Tensor?";
      if (takes_part && fits_into(node.inputs[i], node.inputs[0]) == Fit::kUnknown) return false;
    }
    return true;
  }

  enum class Fit : uint8_t { kEqual, kBroadcasts, kUnknown };
  Fit fits_into(ValueId operand, ValueId target) const {
    const Type &a = graph_.value(operand).type, &b = graph_.value(target).type;
    if (!a.is_tensor()) return may_be_container(a) || a.is(Type::Kind::kOptional) ? Fit::kUnknown : Fit::kBroadcasts;
    if (a.tensor.rank_known && a.tensor.dims.empty()) return Fit::kBroadcasts;
    if (!a.tensor.rank_known || !b.tensor.rank_known || a.tensor.dims.size() > b.tensor.dims.size())
      return Fit::kUnknown;
    bool equal = a.tensor.dims.size() == b.tensor.dims.size();
    for (size_t i = 0; i < a.tensor.dims.size(); ++i) {
      const Dim& x = a.tensor.dims[a.tensor.dims.size() - 1 - i];
      const Dim& y = b.tensor.dims[b.tensor.dims.size() - 1 - i];
      if (x == y) continue;
      if (!x.is_constant(1)) return Fit::kUnknown;
      equal = false;
    }
    return equal ? Fit::kEqual : Fit::kBroadcasts;
  }

  // The dtype to convert the functional result to; unknown when it has the written tensor's anyway; nullopt when that
  // can't be told.
  std::optional<DType> needed_conversion(const Node& node) const {
    const OpInfo& info = op_info(node.op);
    const DType own = graph_.value(node.inputs[0]).type.tensor.dtype;
    if (node.op == Op::copy_) return own == DType::kUnknown ? std::nullopt : std::optional(DType::kUnknown);
    if (info.op_class == OpClass::kView) return DType::kUnknown;
    const bool promotes_bounds = node.op == Op::clamp || node.op == Op::clamp_min || node.op == Op::clamp_max;
    switch (info.dtype_rule) {
      case DTypeRule::kSame:
      case DTypeRule::kSameNumber:
      case DTypeRule::kSameFloat:
        if (!promotes_bounds || is_floating(own)) return DType::kUnknown;
        return std::nullopt;
      case DTypeRule::kFloat:  // on integers the write fails, so that only floats get here
        return is_floating(own) ? std::optional(DType::kUnknown) : std::nullopt;
      case DTypeRule::kBool:
        if (own == DType::kUnknown) return std::nullopt;
        return own == DType::kBool ? DType::kUnknown : own;
      case DTypeRule::kPromote:
      case DTypeRule::kPromoteNumber:
      case DTypeRule::kPromoteFloat:
        return promotion(node, own);
      case DTypeRule::kNone:
        return node.op == Op::div_mode ? promotion(node, own) : std::nullopt;
      case DTypeRule::kInt64:
      case DTypeRule::kSumInt:
        return std::nullopt;
    }
    return std::nullopt;
  }

  // A float may be written with floats of any width; anything else but equal dtypes is left as it is.
  std::optional<DType> promotion(const Node& node, DType own) const {
    if (!is_floating(own)) return std::nullopt;
    bool converts = false;
    for (ValueId input : node.inputs) {
      const Type& type = graph_.value(input).type;
      if (type.is(Type::Kind::kComplex) || type.is(Type::Kind::kNumber)) return std::nullopt;
      if (!type.is_tensor()) continue;
      const DType dtype = type.tensor.dtype;
      if (dtype == DType::kUnknown || is_complex(dtype)) return std::nullopt;
      const bool gives_way = type.tensor.rank_known && type.tensor.dims.empty() &&
                             graph_.value(node.inputs[0]).type.tensor.rank_known &&
                             !graph_.value(node.inputs[0]).type.tensor.dims.empty();
      converts |= is_floating(dtype) && dtype != own && !gives_way;
    }
    return converts ? own : DType::kUnknown;
  }

  Graph& graph_;
  Lifetimes lifetimes_;
  Sharing sharing_;
  const size_t known_;  // values made later have no lifetimes, and are of nobody's sharing
  std::unordered_map<ValueId, ValueId> renamed_;
  std::unordered_map<ValueId, bool> argument_lists_;
  std::unordered_map<NodeId, BlockId> block_of_;
};

}  // namespace

void functionalize(Graph& graph) {
  bool writes = false;
  for_each_live_node(graph, [&](NodeId id) {
    writes |= graph.node(id).form == Form::kInPlace || has_only_in_place_form(graph.node(id).op);
  });
  if (writes) Functionalizer(graph).run();
}

}  // namespace tsc::passes
