// Memory that is written in place, where functionalize could not do without: reads and writes of it are nodes of their
// own, in the program's order, so that nothing else knows that it changes.
//
//   v = select(y, 0, i); add_(v, x); z = relu(y)
//   becomes   v = select(y, 0, i); c = clone(v); d = add(c, x); copy_(v, d); e = clone(y); z = relu(e)
//
// What is left of the memory's alias class are handles: where it was made, views, clones that read it, and copies that
// write a dense tensor of the handle's own sizes and dtype, which have the attribute `separated`. A class stays as it
// is where a handle is told at run time (by an `if` or a loop, in a list), where it is the caller's or a constant, and
// where whether PyTorch would share memory or copy depends on strides that are not known.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/effects.h"
#include "passes/alias.h"
#include "passes/passes.h"
#include "passes/region.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

bool has_constant_sizes(const Type& t) {
  if (!t.is_tensor() || !t.tensor.rank_known || t.tensor.dtype == DType::kUnknown) return false;
  return std::ranges::all_of(t.tensor.dims, [](const Dim& d) { return d.constant() && *d.constant() > 0; });
}

bool may_alias_an_input(const Graph& graph, const Node& node) {
  const auto dtype = [&](ValueId id) { return graph.value(id).type.tensor.dtype; };
  if (node.op == Op::to_dtype && dtype(node.inputs[0]) != dtype(node.outputs[0])) return false;
  return std::ranges::any_of(op_info(node.op).outputs, [](const auto& output) { return !output.alias.empty(); });
}

class Separator {
 public:
  Separator(Graph& graph, const Function& function) : graph_(graph), function_(function) {}

  void run() {
    for_each_node(graph_, function_.body, [&](NodeId id) { give_operand(id); });
    for (bool changes = true; changes;) {
      changes = false;
      for_each_node(graph_, function_.body, [&](NodeId id) { changes = keep_out_of(id) || changes; });
    }
    const AliasClasses classes(graph_);
    known_ = static_cast<ValueId>(graph_.values.size());
    std::vector<NodeId> nodes;
    for_each_node(graph_, function_.body, [&](NodeId id) { nodes.push_back(id); });
    std::set<ValueId> written, refused;
    for (const NodeId id : nodes) {
      const Node& node = graph_.node(id);
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (writes_input(graph_, node, i) && graph_.value(node.inputs[i]).type.is_tensor())
          written.insert(classes.class_of(node.inputs[i]));
      }
    }
    if (written.empty()) return;
    for (size_t f = 0; f < graph_.functions.size(); ++f) refused.insert(classes.class_outside(f));
    for (const Value& value : graph_.values) {
      const auto id = static_cast<ValueId>(&value - graph_.values.data());
      if (value.constant && value.type.is_tensor()) refused.insert(classes.class_of(id));
    }
    const auto refuse = [&](ValueId id) { refused.insert(classes.class_of(id)); };
    const std::vector<uint32_t> uses = graph_.use_counts();
    for (const NodeId id : nodes) {
      const Node& node = graph_.node(id);
      for (const BlockId block : node.blocks) {
        for (const ValueId value : graph_.block(block).params) refuse(value);
        for (const ValueId value : graph_.block(block).results) refuse(value);
      }
      if (!node.blocks.empty()) {
        for (const ValueId value : node.outputs) refuse(value);
        continue;
      }
      check(id, uses, refuse);
    }
    for (const NodeId id : nodes) {
      const bool has_handle = std::ranges::any_of(graph_.node(id).inputs, [&](ValueId v) {
        return graph_.value(v).type.is_tensor() && is_separable(classes, written, refused, v);
      });
      if (!has_handle || !graph_.node(id).blocks.empty()) continue;
      separate(id, [&](ValueId v) {
        return graph_.value(v).type.is_tensor() && is_separable(classes, written, refused, v);
      });
    }
    // What the function returns is read last; memory that was made here may be where the caller wants it.
    Block& body = graph_.block(function_.body);
    for (size_t i = 0; i < body.results.size(); ++i) {
      const ValueId value = body.results[i];
      if (value >= known_ || !graph_.value(value).type.is_tensor()) continue;
      if (!is_separable(classes, written, refused, value) || is_made_here(value)) continue;
      const NodeId copy = make_clone(value, 0);
      graph_.block(function_.body).nodes.push_back(copy);
      graph_.block(function_.body).results[i] = graph_.node(copy).outputs[0];
    }
  }

 private:
  // The result of an op in place is its operand.
  void give_operand(NodeId id) {
    const Node node = graph_.node(id);
    const bool is_write = node.form == Form::kInPlace || has_only_in_place_form(node.op);
    if (!is_write || node.outputs.size() != 1 || node.inputs.empty() || moves_sizes(node)) return;
    const ValueId target = node.inputs[0];
    if (!has_constant_sizes(graph_.value(target).type) || !graph_.value(node.outputs[0]).type.is_tensor()) return;
    graph_.replace_uses(node.outputs[0], target);
  }

  // Handles that an `if` or a loop hands on as they are need not go through it.
  bool keep_out_of(NodeId id) {
    const Node node = graph_.node(id);
    bool changes = false;
    const auto drop = [&](std::vector<ValueId>& list, size_t at) {
      list.erase(list.begin() + static_cast<ptrdiff_t>(at));
      changes = true;
    };
    if (node.op == Op::if_) {
      for (size_t i = node.outputs.size(); i-- > 0;) {
        const ValueId then = graph_.block(node.blocks[0]).results[i],
                      otherwise = graph_.block(node.blocks[1]).results[i];
        if (then != otherwise || !graph_.value(then).type.is_tensor()) continue;
        graph_.replace_uses(node.outputs[i], then);
        drop(graph_.node(id).outputs, i);
        for (const BlockId block : node.blocks) drop(graph_.block(block).results, i);
      }
    }
    if (node.op != Op::loop) return changes;
    const Block body = graph_.block(node.blocks[0]);
    for (size_t i = node.outputs.size(); i-- > 0;) {
      const ValueId initial = node.inputs[i + 2], param = body.params[i + 1], result = body.results[i + 1];
      if (!graph_.value(param).type.is_tensor() || (result != param && result != initial)) continue;
      graph_.replace_uses(param, initial);
      graph_.replace_uses(node.outputs[i], initial);
      drop(graph_.node(id).inputs, i + 2);
      drop(graph_.node(id).outputs, i);
      drop(graph_.block(node.blocks[0]).params, i + 1);
      drop(graph_.block(node.blocks[0]).results, i + 1);
    }
    return changes;
  }

  bool is_separable(const AliasClasses& classes, const std::set<ValueId>& written, const std::set<ValueId>& refused,
                    ValueId value) const {
    return value < known_ && written.contains(classes.class_of(value)) && !refused.contains(classes.class_of(value));
  }

  // Refuses the classes of operands with which the node does something that can't be said by clones and copies.
  template <class Refuse>
  void check(NodeId id, const std::vector<uint32_t>& uses, const Refuse& refuse) {
    const Node& node = graph_.node(id);
    for (const ValueId output : node.outputs) {
      addresses_[output] = {};
      if (graph_.value(output).type.is_tensor() && !has_constant_sizes(graph_.value(output).type)) refuse(output);
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (!holds_memory(graph_.value(input).type)) continue;
      const bool is_write = writes_input(graph_, node, i);
      if (is_write && (i > 0 || moves_sizes(node) || is_random(graph_, node) || node.outputs.size() != 1))
        refuse(input);
      if (is_write && overlaps(input)) refuse(input);
      if (op_info(node.op).schema.empty() && !is_read_at_once(id, uses)) refuse(input);
    }
    if (op_info(node.op).schema.empty() || node.inputs.empty() || node.outputs.empty()) return own(node);
    const bool is_write = writes_input(graph_, node, 0);
    if (is_write || !may_alias_an_input(graph_, node)) return own(node);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (!graph_.value(x).type.is_tensor()) return;
    if (!is_view(node) || node.outputs.size() != 1 || !addresses_[x]) return refuse(x);
    const auto address = address_of_view(node, *addresses_[x]);
    const bool depends_on_strides = node.op == Op::reshape || node.op == Op::flatten || node.op == Op::reshape_as;
    if (!address || (depends_on_strides && !roots_in_order_.contains(address->root))) return refuse(x);
    addresses_[y] = *address;
  }
  // A new tensor, dense here.
  void own(const Node& node) {
    for (const ValueId output : node.outputs) {
      const Type& t = graph_.value(output).type;
      if (!has_constant_sizes(t)) continue;
      addresses_[output] = Address{output, Dim(0), dense_strides(t.tensor.dims)};
      if (node.op == Op::state_ref || op_info(node.op).op_class == OpClass::kCreation) roots_in_order_.insert(output);
    }
  }
  // Where an index is told at run time, that of the first is as good.
  std::optional<Address> address_of_view(const Node& node, const Address& operand) {
    const bool is_part = node.op == Op::select || node.op == Op::narrow;
    if (!is_part) {
      if (node.op == Op::slice && !(graph_.is_none(node.inputs[2]) || graph_.as_int(node.inputs[2]))) return {};
      if (node.op == Op::slice && !graph_.as_int(node.inputs[4])) return {};
      return view_address(graph_, node, operand);
    }
    const auto dim = graph_.as_int(node.inputs[1]);
    if (!dim) return {};
    Node first = node;
    first.inputs[2] = graph_.constant_int(0);
    return view_address(graph_, first, operand);
  }
  // PyTorch refuses to write where several elements are one.
  bool overlaps(ValueId handle) {
    const auto& address = addresses_[handle];
    const auto& dims = graph_.value(handle).type.tensor.dims;
    if (!address) return true;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (!dims[i].is_constant(1) && address->strides[i].is_constant(0)) return true;
    }
    return false;
  }
  // A list that one op reads, or what the function returns: it can stand right before them.
  bool is_read_at_once(NodeId id, const std::vector<uint32_t>& uses) {
    const Node& node = graph_.node(id);
    if ((node.op != Op::list && node.op != Op::tuple) || uses[node.outputs[0]] != 1) return false;
    if (graph_.block(function_.body).results == node.outputs) return true;
    const auto user = list_user(node.outputs[0]);
    return user && node.op == Op::list && !may_alias_an_input(graph_, graph_.node(*user));
  }
  std::optional<NodeId> list_user(ValueId list) {
    std::optional<NodeId> found;
    for_each_node(graph_, function_.body, [&](NodeId id) {
      const Node& node = graph_.node(id);
      if (std::ranges::find(node.inputs, list) != node.inputs.end() && !op_info(node.op).schema.empty()) found = id;
    });
    return found;
  }
  bool is_made_here(ValueId value) const {
    const NodeId def = graph_.value(value).def;
    return def != kNoId && graph_.node(def).op != Op::state_ref && !may_alias_an_input(graph_, graph_.node(def));
  }

  template <class IsHandle>
  void separate(NodeId id, const IsHandle& is_handle) {
    const Node node = graph_.node(id);
    if (!op_info(node.op).schema.empty() && may_alias_an_input(graph_, node) && !writes_input(graph_, node, 0))
      return;  // a view
    if (node.op == Op::list || node.op == Op::tuple) {
      Block& body = graph_.block(function_.body);
      const auto user = body.results == node.outputs ? std::nullopt : list_user(node.outputs[0]);
      std::erase(graph_.block(graph_.block_of(id)).nodes, id);
      if (user) {
        graph_.insert_before(id, *user);
      } else {
        graph_.block(function_.body).nodes.push_back(id);
      }
    }
    const bool is_write = writes_input(graph_, node, 0) && is_handle(node.inputs[0]);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!is_handle(node.inputs[i]) || (i == 0 && is_write && node.op == Op::copy_)) continue;
      if (node.op == Op::tuple && is_made_here(node.inputs[i])) continue;  // read where the function returns
      const NodeId copy = make_clone(node.inputs[i], node.source);
      graph_.insert_before(copy, id);
      graph_.node(id).inputs[i] = graph_.node(copy).outputs[0];
    }
    if (!is_write) return;
    if (node.op == Op::copy_) return separate_copy(id);
    // The op writes the clone, which functionalize makes a functional op of.
    const ValueId handle = node.inputs[0];
    const ValueId changed = graph_.node(id).outputs[0];
    graph_.value(changed).type = graph_.value(handle).type;
    const NodeId write = make_copy(handle, changed, node.source);
    graph_.insert_after(write, id);
  }

  // What is written has the handle's dtype and sizes.
  void separate_copy(NodeId id) {
    const SourceId source = graph_.node(id).source;
    const Type to = graph_.value(graph_.node(id).inputs[0]).type;
    ValueId value = graph_.node(id).inputs[1];
    const auto put = [&](NodeId made) {
      graph_.insert_before(made, id);
      value = graph_.node(made).outputs[0];
    };
    Type from = graph_.value(value).type;
    if (!has_constant_sizes(from)) return;  // refused as it is
    if (from.tensor.dtype != to.tensor.dtype) {
      from.tensor.dtype = to.tensor.dtype;
      const ValueId dtype = graph_.constant_int(static_cast<int64_t>(to.tensor.dtype));
      const ValueId no = graph_.constant_bool(false), none = graph_.constant_none();
      put(graph_.make_node(Op::to_dtype, {value, dtype, no, no, none}, {from}, source));
    }
    if (from.tensor.dims != to.tensor.dims) {
      std::vector<int64_t> sizes;
      for (const Dim& dim : to.tensor.dims) sizes.push_back(*dim.constant());
      // Leading dims of size 1 go, as copy_ takes them.
      std::vector<Dim> dims = from.tensor.dims;
      while (dims.size() > sizes.size() && dims.front().is_constant(1)) dims.erase(dims.begin());
      if (dims.size() > sizes.size()) return;
      if (dims.size() != from.tensor.dims.size()) {
        std::vector<int64_t> fewer;
        for (const Dim& dim : dims) fewer.push_back(*dim.constant());
        from.tensor.dims = dims;
        put(graph_.make_node(Op::reshape, {value, graph_.constant_ints(fewer)}, {from}, source));
      }
      if (dims != to.tensor.dims) {
        put(graph_.make_node(Op::expand, {value, graph_.constant_ints(sizes), graph_.constant_bool(false)}, {to},
                             source));
      }
    }
    graph_.node(id).inputs[1] = value;
    graph_.node(id).attributes["separated"] = int64_t{1};
  }

  NodeId make_clone(ValueId x, SourceId source) {
    return graph_.make_node(Op::clone, {x, graph_.constant_none()}, {graph_.value(x).type}, source);
  }
  NodeId make_copy(ValueId to, ValueId from, SourceId source) {
    const NodeId copy =
        graph_.make_node(Op::copy_, {to, from, graph_.constant_bool(false)}, {graph_.value(to).type}, source);
    graph_.node(copy).form = Form::kInPlace;
    graph_.node(copy).attributes["separated"] = int64_t{1};
    return copy;
  }

  Graph& graph_;
  const Function function_;
  ValueId known_ = 0;  // values made later are handles of nothing that is written
  std::map<ValueId, std::optional<Address>> addresses_;
  std::set<ValueId> roots_in_order_;  // whose elements PyTorch has in the order of their indices, as they are here
};

}  // namespace

void separate_writes(Graph& graph) {
  bool writes = false;
  for_each_live_node(graph, [&](NodeId id) {
    const Node& node = graph.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i)
      writes = writes || (writes_input(graph, node, i) && graph.value(node.inputs[i]).type.is_tensor());
  });
  if (!writes) return;
  for (const Function& function : std::vector<Function>(graph.functions)) Separator(graph, function).run();
  functionalize(graph);
}

}  // namespace tsc::passes
