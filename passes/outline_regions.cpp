#include <algorithm>
#include <map>
#include <set>

#include "compiler/ir/effects.h"
#include "passes/alias.h"
#include "passes/passes.h"
#include "passes/region.h"
#include "passes/strides.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Cuts a block's nodes into host nodes and regions. A run of nodes that fit a region is open; a host node that neither
// depends on the run nor has an effect is placed before it, any other closes it.
class Outliner {
 public:
  Outliner(Graph& graph, const Function& function, const AliasClasses& aliases, const std::set<ValueId>& by_strides,
           const Obstacle& obstacle, Views views)
      : graph_(graph), obstacle_(obstacle), views_(views), aliases_(aliases), by_strides_(by_strides) {
    // Where views are in regions, the state keeps copies, and memory that is written is known by its alias class.
    const bool has_handles = views == Views::kOnHost;
    keeps_ = has_handles && has_node(function, [](const Node& node) { return node.op == Op::state_set; }) &&
             std::ranges::any_of(graph.functions, [&](const Function& f) { return has_node(f, is_write); });
    writes_ = has_handles && (keeps_ || has_node(function, is_write));
    for (const ValueId param : graph.block(function.body).params) know_dims(param);
    uses_ = graph.use_counts();
  }

  void run(BlockId block) {
    const std::vector<NodeId> nodes = with_lists_at_cats(graph_.block(block).nodes);
    for (const ValueId param : graph_.block(block).params) know_dims(param);
    std::vector<NodeId> result;
    for (const NodeId id : nodes) {
      for (const BlockId inner : std::vector<BlockId>(graph_.node(id).blocks)) {
        Outliner nested(*this);
        nested.run_.clear();
        nested.run(inner);
      }
      if (fits(id)) {
        run_.push_back(id);
      } else {
        if (depends_on_run(id) || has_effect(graph_, graph_.node(id)) || !graph_.node(id).blocks.empty()) close(result);
        result.push_back(id);
      }
      for (const ValueId output : graph_.node(id).outputs) know_dims(output);
    }
    close(result);
    graph_.block(block).nodes = result;
    wire(block);
  }

 private:
  static bool is_write(const Node& node) { return node.form != Form::kFunctional || node.op == Op::copy_; }

  bool has_node(const Function& function, bool (*test)(const Node&)) const {
    bool found = false;
    for_each_node(graph_, function.body, [&](NodeId id) { found = found || test(graph_.node(id)); });
    return found;
  }

  // Results may be views of operands, as `contiguous` of a dense tensor is, and be written or see what is.
  bool may_share_written(const Node& node) const {
    const auto& outputs = op_info(node.op).outputs;
    const bool may_share = std::ranges::any_of(outputs, [](const auto& output) { return !output.alias.empty(); });
    return may_share && (keeps_ || aliases_.is_written(node.outputs[0]));
  }

  // From here on the symbols that are sizes of this value can be read from it.
  void know_dims(ValueId value) {
    const Type& type = graph_.value(value).type;
    if (!type.is_tensor() || !type.tensor.rank_known) return;
    for (const Dim& dim : type.tensor.dims) {
      if (const auto name = dim.symbol_name()) known_.insert(*name);
    }
  }

  bool are_known(const std::vector<Dim>& dims) const {
    return std::ranges::all_of(dims, [&](const Dim& dim) {
      return std::ranges::all_of(dim.symbols(), [&](const std::string& s) { return known_.contains(s); });
    });
  }

  // What kernels ask of their operands' sizes is checked before the region, for which all of them are read.
  bool reads_known_sizes(const Node& node) const {
    return std::ranges::all_of(node.inputs, [&](ValueId input) {
      const Type& type = graph_.value(input).type;
      return !type.is_tensor() || !type.tensor.rank_known || are_known(type.tensor.dims);
    });
  }

  // Puts each list that only a cat of the same block reads right before that cat, so that no cut comes between them.
  std::vector<NodeId> with_lists_at_cats(const std::vector<NodeId>& nodes) {
    const std::set<NodeId> here(nodes.begin(), nodes.end());
    for (const NodeId id : nodes) {
      if (graph_.node(id).op != Op::cat) continue;
      const ValueId list = graph_.node(id).inputs[0];
      const NodeId def = graph_.value(list).def;
      if (def != kNoId && graph_.node(def).op == Op::list && uses_[list] == 1 && here.contains(def)) cats_[list] = id;
    }
    std::vector<NodeId> result;
    for (const NodeId id : nodes) {
      const Node& node = graph_.node(id);
      if (node.op == Op::list && cats_.contains(node.outputs[0])) continue;
      if (node.op == Op::cat && cats_.contains(node.inputs[0])) result.push_back(graph_.value(node.inputs[0]).def);
      result.push_back(id);
    }
    return result;
  }

  bool fits(NodeId id) const {
    const Node& node = graph_.node(id);
    // The operands of a cat are a list that nobody else sees.
    if (node.op == Op::list) {
      const auto cat = cats_.find(node.outputs[0]);
      return cat != cats_.end() && fits(cat->second);
    }
    if (node.op == Op::cat) {
      if (!cats_.contains(node.inputs[0]) || !reads_known_sizes(graph_.node(graph_.value(node.inputs[0]).def)))
        return false;
    }
    if (!reads_known_sizes(node)) return false;
    if (!obstacle_(graph_, node).empty()) return false;
    for (const ValueId output : node.outputs) {
      if (by_strides_.contains(aliases_.class_of(output))) return false;
      if (node.op != Op::symbolic && !are_known(graph_.value(output).type.tensor.dims)) return false;
    }
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.value(input);
      if (value.type.is_tensor()) continue;
      if (value.ints && !value.constant && !are_known(*value.ints)) return false;
    }
    // It reads a part of memory that is written, of which there is no dense tensor.
    if (node.op == Op::clone && views_ == Views::kInRegions && aliases_.is_written(node.inputs[0])) {
      const NodeId def = graph_.value(node.inputs[0]).def;
      if (def != kNoId && is_view(graph_.node(def))) return false;
    }
    // A view of something outside must stay a view if anybody may write through it.
    return !(writes_ && is_view(node)) && !may_share_written(node);
  }

  bool depends_on_run(NodeId id) const {
    std::set<ValueId> made;
    for (const NodeId node : run_) made.insert(graph_.node(node).outputs.begin(), graph_.node(node).outputs.end());
    const auto uses = [&](const Node& node) {
      return std::ranges::any_of(node.inputs, [&](ValueId input) { return made.contains(input); });
    };
    if (uses(graph_.node(id))) return true;
    bool found = false;
    for (const BlockId block : graph_.node(id).blocks) {
      for_each_node(graph_, block, [&](NodeId inner) { found = found || uses(graph_.node(inner)); });
      for (const ValueId result : graph_.block(block).results) found = found || made.contains(result);
    }
    return found;
  }

  bool computes(NodeId id) const {
    const Node& node = graph_.node(id);
    return node.op != Op::symbolic && node.op != Op::list && (views_ == Views::kInRegions || !is_view(node));
  }

  // Ends the open run. Leading and trailing nodes that compute nothing stay on the host, where views are views.
  void close(std::vector<NodeId>& result) {
    auto first = std::ranges::find_if(run_, [&](NodeId id) { return computes(id); });
    if (first == run_.end()) {
      result.insert(result.end(), run_.begin(), run_.end());
      run_.clear();
      return;
    }
    std::vector<NodeId> body;
    std::vector<NodeId> lead;
    // A view that only leads into the run stays in it (it is an address there); `symbolic` nodes belong to the host.
    for (const NodeId id : run_) (graph_.node(id).op == Op::symbolic ? lead : body).push_back(id);
    result.insert(result.end(), lead.begin(), lead.end());
    const NodeId region = graph_.make_node(Op::region, {}, {}, graph_.node(*first).source);
    const BlockId block = graph_.add_block(region);
    graph_.node(region).blocks = {block};
    graph_.block(block).nodes = body;
    result.push_back(region);
    run_.clear();
  }

  // Gives each region of the block its results: the values that are used outside it.
  void wire(BlockId block) {
    for (const NodeId region : std::vector<NodeId>(graph_.block(block).nodes)) {
      if (graph_.node(region).op != Op::region || !graph_.node(region).outputs.empty()) continue;
      const BlockId body = graph_.node(region).blocks[0];
      std::set<NodeId> inside(graph_.block(body).nodes.begin(), graph_.block(body).nodes.end());
      for (const NodeId id : std::vector<NodeId>(graph_.block(body).nodes)) {
        for (const ValueId output : std::vector<ValueId>(graph_.node(id).outputs)) {
          if (used_outside(output, inside)) export_value(region, body, output, inside);
        }
      }
    }
  }

  bool used_outside(ValueId value, const std::set<NodeId>& inside) const {
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      const Node& node = graph_.node(id);
      if (!inside.contains(id) && std::ranges::find(node.inputs, value) != node.inputs.end()) return true;
    }
    return std::ranges::any_of(graph_.blocks,
                               [&](const Block& b) { return std::ranges::find(b.results, value) != b.results.end(); });
  }

  void export_value(NodeId region, BlockId body, ValueId inner, const std::set<NodeId>& inside) {
    const auto outer = static_cast<ValueId>(graph_.values.size());
    graph_.values.push_back(graph_.value(inner));
    graph_.value(outer).def = region;
    graph_.node(region).outputs.push_back(outer);
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      if (!inside.contains(id)) std::ranges::replace(graph_.node(id).inputs, inner, outer);
    }
    for (Block& b : graph_.blocks) std::ranges::replace(b.results, inner, outer);
    graph_.block(body).results.push_back(inner);
  }

  Graph& graph_;
  const Obstacle& obstacle_;
  Views views_;
  std::set<std::string> known_;
  std::vector<NodeId> run_;
  const AliasClasses& aliases_;
  const std::set<ValueId>& by_strides_;  // classes whose strides are PyTorch's
  bool writes_ = false;                  // memory that views may share
  bool keeps_ = false;                   // the function leaves views in the state, and some function writes
  std::vector<uint32_t> uses_;
  std::map<ValueId, NodeId> cats_;  // by the list before them, which they alone read
};

}  // namespace

void outline_regions(Graph& graph) {
  outline_regions(graph, [](const Graph& g, const Node& node) { return region_obstacle(g, node); });
}

void outline_regions(Graph& graph, const Obstacle& obstacle, Views views) {
  keep_strides_of_constants(graph);
  graph.compact();  // so that every node is live: uses are counted over all of them
  const AliasClasses aliases(graph);
  const std::set<ValueId> by_strides = classes_by_strides(graph, aliases);
  for (size_t i = 0; i < graph.functions.size(); ++i) {
    const Function function = graph.functions[i];
    Outliner(graph, function, aliases, by_strides, obstacle, views).run(function.body);
  }
}

}  // namespace tsc::passes
