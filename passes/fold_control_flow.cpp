// Branches whose condition is known, loops whose trips are few and known, values that control flow only passes on, and
// what follows a raise.
#include <algorithm>
#include <array>

#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

constexpr int64_t kMaxTrips = 64;           // of a loop that is unrolled
constexpr size_t kMaxUnrolledNodes = 2000;  // that one loop may become

class ControlFlowFolder {
 public:
  explicit ControlFlowFolder(Graph& graph) : graph_(graph), rewriter_(graph) {}

  void run() {
    for (const Function& function : graph_.functions)
      if (function.body != kNoId) fold_block(function.body);
    rewriter_.apply();
  }

 private:
  using Nodes = std::vector<NodeId>;

  // Rebuilds the block's list of nodes; what a branch or a loop becomes is folded in turn.
  void fold_block(BlockId block) {
    Nodes todo(graph_.block(block).nodes.rbegin(), graph_.block(block).nodes.rend());
    Nodes kept;
    while (!todo.empty()) {
      const NodeId id = todo.back();
      todo.pop_back();
      const Op op = graph_.node(id).op;
      const auto instead = op == Op::if_ ? fold_if(id) : op == Op::loop ? fold_loop(id) : std::nullopt;
      if (instead) {
        todo.insert(todo.end(), instead->rbegin(), instead->rend());
        continue;
      }
      const std::vector<BlockId> inner = graph_.node(id).blocks;
      for (BlockId each : inner) fold_block(each);
      pass_on(id);
      kept.push_back(id);
      if (op == Op::raise) {
        unset_results(block, todo, kept);
        break;
      }
    }
    graph_.block(block).nodes = std::move(kept);
  }

  // What follows a raise is never reached: results are left unset. Those of a branch get the type that the other
  // branch yields, so that a None that nobody sees is nobody's concern.
  void unset_results(BlockId block, const Nodes& rest, Nodes& kept) {
    const NodeId owner = graph_.block(block).owner;
    std::optional<BlockId> other;
    if (owner != kNoId && graph_.node(owner).op == Op::if_)
      other = graph_.node(owner).blocks[graph_.node(owner).blocks[0] == block ? 1 : 0];
    for (size_t i = 0; i < graph_.block(block).results.size(); ++i) {
      ValueId like = rewriter_.resolve(graph_.block(block).results[i]);
      if (other && i < graph_.block(*other).results.size()) like = rewriter_.resolve(graph_.block(*other).results[i]);
      const Type type = graph_.value(like).type;
      const ValueId result = graph_.block(block).results[i];
      const NodeId def = graph_.value(result).def;
      const bool is_unset = def != kNoId && graph_.node(def).op == Op::uninitialized;
      if (is_unset && std::find(rest.begin(), rest.end(), def) != rest.end()) {
        graph_.value(result).type = type;
        if (std::find(kept.begin(), kept.end(), def) == kept.end()) kept.push_back(def);
      } else {
        graph_.block(block).results[i] = make_unset(type, kept);
      }
    }
  }

  ValueId make_unset(Type type, Nodes& nodes) {
    const NodeId unset = graph_.make_node(Op::uninitialized, {}, {std::move(type)}, 0);
    nodes.push_back(unset);
    return graph_.node(unset).outputs[0];
  }

  std::optional<Nodes> fold_if(NodeId id) {
    const Node node = graph_.node(id);
    const ValueId condition = rewriter_.resolve(node.inputs[0]);
    const auto known = known_bool(graph_, condition);
    if (!known) {
      // Within a branch the condition is known.
      assume(node.blocks[0], condition, truth(true));
      assume(node.blocks[1], condition, truth(false));
      return std::nullopt;
    }
    Block branch = graph_.block(node.blocks[*known ? 0 : 1]);
    // A branch that raises may yield nothing.
    while (branch.results.size() < node.outputs.size())
      branch.results.push_back(make_unset(graph_.value(node.outputs[branch.results.size()]).type, branch.nodes));
    for (size_t i = 0; i < node.outputs.size(); ++i) rewriter_.replace(node.outputs[i], branch.results[i]);
    return branch.nodes;
  }

  // One constant each for all branches.
  ValueId truth(bool value) {
    std::optional<ValueId>& constant = truths_[value ? 1 : 0];
    if (!constant) constant = graph_.constant_bool(value);
    return *constant;
  }

  void assume(BlockId block, ValueId condition, ValueId constant) {
    const auto use = [&](ValueId& value) {
      if (value == condition) value = constant;
    };
    for (const NodeId id : graph_.block(block).nodes) {
      for (ValueId& input : graph_.node(id).inputs) use(input);
      for (const BlockId inner : graph_.node(id).blocks) assume(inner, condition, constant);
    }
    for (ValueId& result : graph_.block(block).results) use(result);
  }

  std::optional<Nodes> fold_loop(NodeId id) {
    const Node node = graph_.node(id);
    const auto trips = known_int(graph_, rewriter_.resolve(node.inputs[0]));
    const auto enters = known_bool(graph_, rewriter_.resolve(node.inputs[1]));
    if ((trips && *trips <= 0) || (enters && !*enters)) {
      for (size_t i = 0; i < node.outputs.size(); ++i) rewriter_.replace(node.outputs[i], node.inputs[i + 2]);
      return Nodes{};
    }
    if (graph_.block(node.blocks[0]).results.empty()) return std::nullopt;  // the body raises
    const auto goes_on = known_bool(graph_, rewriter_.resolve(graph_.block(node.blocks[0]).results[0]));
    if (!trips || *trips > kMaxTrips || !enters || !goes_on) return std::nullopt;
    // A body that says stop runs once.
    const int64_t count = *goes_on ? *trips : 1;
    size_t body_nodes = 0;
    for_each_node(graph_, node.blocks[0], [&](NodeId) { ++body_nodes; });
    if (body_nodes * static_cast<size_t>(count) > kMaxUnrolledNodes) return std::nullopt;
    return unroll(node, count);
  }

  Nodes unroll(const Node& loop, int64_t count) {
    Nodes unrolled;
    std::vector<ValueId> carried(loop.inputs.begin() + 2, loop.inputs.end());
    for (ValueId& value : carried) value = rewriter_.resolve(value);
    for (int64_t i = 0; i < count; ++i) {
      std::unordered_map<ValueId, ValueId> map;
      const std::vector<ValueId> params = graph_.block(loop.blocks[0]).params;
      map[params[0]] = graph_.constant_int(i);
      for (size_t c = 0; c < carried.size(); ++c) map[params[c + 1]] = carried[c];
      const Nodes copies = clone_nodes(graph_, loop.blocks[0], map);
      unrolled.insert(unrolled.end(), copies.begin(), copies.end());
      const std::vector<ValueId>& results = graph_.block(loop.blocks[0]).results;
      for (size_t c = 0; c < carried.size(); ++c) {
        const ValueId result = rewriter_.resolve(results[c + 1]);
        const auto copy = map.find(result);
        carried[c] = copy == map.end() ? result : copy->second;
      }
    }
    for (size_t c = 0; c < carried.size(); ++c) rewriter_.replace(loop.outputs[c], carried[c]);
    return unrolled;
  }

  // An output that is one value whichever way control goes is that value.
  void pass_on(NodeId id) {
    const Node node = graph_.node(id);
    const auto yields_all = [&](BlockId block) { return graph_.block(block).results.size() == node.outputs.size(); };
    if (node.op == Op::if_ && yields_all(node.blocks[0]) && yields_all(node.blocks[1])) {
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        const ValueId a = rewriter_.resolve(graph_.block(node.blocks[0]).results[i]);
        const ValueId b = rewriter_.resolve(graph_.block(node.blocks[1]).results[i]);
        if (a == b) rewriter_.replace(node.outputs[i], a);
      }
    }
    const Block body = node.op == Op::loop ? graph_.block(node.blocks[0]) : Block();
    if (body.results.size() != node.outputs.size() + 1) return;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (rewriter_.resolve(body.results[i + 1]) != body.params[i + 1]) continue;
      const ValueId initial = rewriter_.resolve(node.inputs[i + 2]);
      rewriter_.replace(body.params[i + 1], initial);
      rewriter_.replace(node.outputs[i], initial);
    }
  }

  Graph& graph_;
  Rewriter rewriter_;
  std::array<std::optional<ValueId>, 2> truths_;
};

}  // namespace

void fold_control_flow(Graph& graph) { ControlFlowFolder(graph).run(); }

}  // namespace tsc::passes
