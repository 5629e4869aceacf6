// Attributes that are written in place are memory of their own: where a method's attribute is a value, which nobody
// else has a name for.
//
//   h = state_get; add_(h, x)   becomes   h = state_ref; add_(h, x)
//
// with one state_ref for all that the method reads of it, and separate_writes tells reads and writes of that memory. An
// attribute stays as it is where another may share its memory: one that is given something that is not new, or is saved
// so; and where a method also gives it a new value, or hands it on in a way that is not followed here.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/effects.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

class Owner {
 public:
  explicit Owner(Graph& graph) : graph_(graph) {}

  void run() {
    find_shared();
    for (size_t i = 0; i < graph_.functions.size(); ++i) {
      for (const StateField& field : graph_.state) {
        if (field.type.is_tensor() && !shared_.contains(field.name)) own(graph_.functions[i].body, field);
      }
    }
  }

 private:
  // Fields that others may share memory with: by what is saved, and by what they are given.
  void find_shared() {
    std::map<const Storage*, std::string> owners;
    for (const StateField& field : graph_.state) {
      const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&field.initial.value);
      if (tensor == nullptr) continue;
      if (!(*tensor)->is_contiguous()) shared_.insert(field.name);  // its views would be others
      const auto [owner, is_new] = owners.try_emplace((*tensor)->storage.get(), field.name);
      if (!is_new) shared_.insert({field.name, owner->second});
    }
    for (const Value& value : graph_.values) {
      const auto* tensor =
          value.constant ? std::get_if<std::shared_ptr<const TensorConstant>>(&value.constant->value) : nullptr;
      if (tensor == nullptr) continue;
      if (const auto owner = owners.find((*tensor)->storage.get()); owner != owners.end())
        shared_.insert(owner->second);
    }
    std::map<ValueId, std::string> given;
    for_each_live_node(graph_, [&](NodeId id) {
      const Node& node = graph_.node(id);
      if (node.op != Op::state_set) return;
      const ValueId value = node.inputs[0];
      if (!graph_.value(value).type.is_tensor()) {  // what is in it may be an attribute, too
        has_containers_ = has_containers_ || holds_memory(graph_.value(value).type);
        return;
      }
      const std::string field = str_attribute(node, "field");
      if (is_itself(value, field)) return;
      const auto [other, is_first] = given.try_emplace(value, field);
      if (!is_new(value) || !is_first) shared_.insert({field, other->second});
      if (const NodeId def = graph_.value(value).def; def != kNoId && graph_.node(def).op == Op::state_get)
        shared_.insert(str_attribute(graph_.node(def), "field"));
    });
  }

  static bool may_share(const Node& node) {
    if (node.form != Form::kFunctional || !node.blocks.empty()) return true;
    if (node.op == Op::state_get || op_info(node.op).schema.empty()) return true;
    return std::ranges::any_of(op_info(node.op).outputs, [](const auto& output) { return !output.alias.empty(); });
  }
  bool is_new(ValueId value) const {
    const NodeId def = graph_.value(value).def;
    return def != kNoId && !may_share(graph_.node(def));
  }

  // What the field is anyway, as in `self.h += x`.
  bool is_itself(ValueId value, const std::string& field) const {
    while (graph_.value(value).def != kNoId) {
      const Node& node = graph_.node(graph_.value(value).def);
      if (node.op == Op::state_get) return str_attribute(node, "field") == field;
      const bool is_written = node.form == Form::kInPlace || node.op == Op::copy_;
      if (!is_written || moves_sizes(node) || node.inputs.empty()) return false;
      value = node.inputs[0];
    }
    return false;
  }

  void own(BlockId body, const StateField& field) {
    if (has_containers_) return;
    std::vector<NodeId> gets, sets;
    bool is_written = false;
    std::set<ValueId> handles;  // values that share the attribute's memory
    bool is_followed = true;
    const std::function<void(BlockId)> walk = [&](BlockId block) {
      for (const NodeId id : graph_.block(block).nodes) {
        const Node& node = graph_.node(id);
        const bool is_field = str_attribute(node, "field") == field.name;
        if (node.op == Op::state_get && is_field) {
          gets.push_back(id);
          handles.insert(node.outputs[0]);
          continue;
        }
        if (node.op == Op::state_set && is_field) {
          is_followed = is_followed && is_itself(node.inputs[0], field.name);
          sets.push_back(id);
          continue;
        }
        bool takes = false;
        for (size_t i = 0; i < node.inputs.size(); ++i) {
          if (!handles.contains(node.inputs[i])) continue;
          takes = true;
          is_written = is_written || writes_input(graph_, node, i);
        }
        const bool is_tensor_op = node.blocks.empty() && !op_info(node.op).schema.empty() && node.op != Op::state_set;
        if (takes && !is_tensor_op) is_followed = is_followed && is_read_only(node, body);
        if (takes && is_tensor_op && may_share(node)) handles.insert(node.outputs.begin(), node.outputs.end());
        for (const BlockId inner : node.blocks) walk(inner);
      }
      for (const ValueId result : graph_.block(block).results)
        is_followed = is_followed && (block == body || !handles.contains(result));
    };
    walk(body);
    if (!is_written || !is_followed) return;

    const NodeId ref = graph_.make_node(Op::state_ref, {}, {field.type}, graph_.node(gets[0]).source);
    graph_.node(ref).attributes["field"] = field.name;
    const ValueId own = graph_.node(ref).outputs[0];
    graph_.value(own).name = graph_.value(graph_.node(gets[0]).outputs[0]).name;
    graph_.block(body).nodes.insert(graph_.block(body).nodes.begin(), ref);
    for (const NodeId set : sets) graph_.remove(set);
    for (const NodeId old : gets) {
      graph_.replace_uses(graph_.node(old).outputs[0], own);
      graph_.remove(old);
    }
  }

  // Whether the node makes a list of which ops make one tensor, or a tuple that the function returns, whose tensors are
  // copied.
  bool is_read_only(const Node& node, BlockId body) const {
    if (node.op != Op::list && node.op != Op::tuple) return false;
    const ValueId made = node.outputs[0];
    bool is_read = true;
    for_each_live_node(graph_, [&](NodeId id) {
      const Node& user = graph_.node(id);
      if (std::ranges::find(user.inputs, made) == user.inputs.end()) return;
      is_read = is_read && node.op == Op::list && (user.op == Op::cat || user.op == Op::stack);
    });
    for (BlockId block = 0; block < graph_.blocks.size(); ++block) {
      const auto& results = graph_.block(block).results;
      is_read = is_read && (block == body || std::ranges::find(results, made) == results.end());
    }
    return is_read;
  }

  Graph& graph_;
  std::set<std::string> shared_;
  bool has_containers_ = false;  // some attribute is given a tuple or a list of tensors
};

}  // namespace

void own_state(Graph& graph) { Owner(graph).run(); }

}  // namespace tsc::passes
