#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "passes/passes.h"
#include "passes/region.h"

namespace tsc::passes {

using namespace ir;

namespace {

constexpr size_t kMaxNodes = 32;   // of a group: beyond it registers spill
constexpr size_t kMaxInputs = 12;  // tensors that a group reads

bool is_pointwise(const Node& node) { return op_info(node.op).op_class == OpClass::kPointwise; }

// Anchors whose kernels take an epilogue.
bool takes_epilogue(const Node& node) {
  switch (node.op) {
    case Op::linear:
    case Op::conv2d:
    case Op::layer_norm:
    case Op::matmul:
    case Op::bmm:
    case Op::mm:
      return true;
    default:
      return false;
  }
}

// Fuses the body of one region. A group is a set of members in order; it runs where its last member stood, which is
// sound since its other members' results have no other use.
class Fuser {
 public:
  Fuser(Graph& graph, BlockId body) : graph_(graph), body_(body), addresses_(region_addresses(graph, body)) {
    uses_ = graph.use_counts();
  }

  void run(bool fuse) {
    for (const NodeId id : graph_.block(body_).nodes) {
      const Node& node = graph_.node(id);
      if (is_view(node) && addresses_.at(node.outputs[0]).root != node.outputs[0]) continue;  // an address, no work
      if (node.op == Op::list) continue;                                                      // operands of a cat
      Group group{{id}, is_pointwise(node) ? kNoId : id, {}};
      if (fuse && is_pointwise(node)) absorb_producers(group, node);
      const auto index = static_cast<uint32_t>(groups_.size());
      for (const NodeId member : group.members) group_of_[member] = index;
      groups_.push_back(std::move(group));
    }
    rebuild();
  }

 private:
  struct Group {
    std::vector<NodeId> members;  // the last one's result is the group's
    NodeId anchor;                // kNoId for a pointwise chain
    std::string unfused;          // why a producer that is an anchor was not joined
  };

  const std::vector<Dim>& dims(ValueId id) const { return graph_.value(id).type.tensor.dims; }

  std::set<ValueId> tensor_inputs(const std::vector<NodeId>& members) const {
    std::set<ValueId> made, inputs;
    for (const NodeId id : members) made.insert(graph_.node(id).outputs.begin(), graph_.node(id).outputs.end());
    for (const NodeId id : members) {
      for (const ValueId input : graph_.node(id).inputs) {
        if (graph_.value(input).type.is_tensor() && !made.contains(input)) inputs.insert(input);
      }
    }
    return inputs;
  }

  // Joins the groups that make the operands of a pointwise node, the latest first.
  void absorb_producers(Group& group, const Node& node) {
    std::vector<uint32_t> candidates;
    for (const ValueId input : node.inputs) {
      const NodeId def = graph_.value(input).def;
      if (def == kNoId || !group_of_.contains(def) || uses_[input] != 1) continue;
      if (!(dims(input) == dims(node.outputs[0]))) continue;
      candidates.push_back(group_of_.at(def));
    }
    std::ranges::sort(candidates, std::greater());
    for (const uint32_t index : candidates) {
      Group& producer = groups_[index];
      if (producer.anchor != kNoId && group.anchor != kNoId) continue;
      if (std::string reason = obstacle(producer, group, node); !reason.empty()) {
        if (producer.anchor != kNoId) group.unfused = reason;
        continue;
      }
      if (producer.anchor != kNoId) group.anchor = producer.anchor;
      group.members.insert(group.members.begin(), producer.members.begin(), producer.members.end());
      producer.members.clear();
    }
    std::ranges::sort(group.members, {}, [&](NodeId id) { return position(id); });
  }

  DType dtype(ValueId id) const { return graph_.value(id).type.tensor.dtype; }

  size_t position(NodeId id) {
    if (positions_.empty()) {
      size_t next = 0;
      for (const NodeId n : graph_.block(body_).nodes) positions_[n] = next++;
    }
    return positions_.at(id);
  }

  std::string obstacle(const Group& producer, const Group& group, const Node& node) const {
    std::vector<NodeId> members = producer.members;
    members.insert(members.end(), group.members.begin(), group.members.end());
    if (members.size() > kMaxNodes) return "the group would be too large";
    if (tensor_inputs(members).size() > kMaxInputs) return "the group would read too many tensors";
    const NodeId anchor_id = producer.anchor != kNoId ? producer.anchor : group.anchor;
    if (anchor_id == kNoId) return "";
    const Node& anchor = graph_.node(anchor_id);
    if (!takes_epilogue(anchor)) return std::string(op_info(anchor.op).name) + " takes no epilogue";
    if (!(dims(anchor.outputs[0]) == dims(node.outputs[0]))) return "another shape than its producer's";
    // In float32, and halves are rounded once, when they are stored.
    const DType result = dtype(anchor.outputs[0]);
    const DType computed = is_half(result) ? result : DType::kFloat32;
    std::set<ValueId> made;
    for (const NodeId id : members) made.insert(graph_.node(id).outputs.begin(), graph_.node(id).outputs.end());
    for (const NodeId id : members) {
      if (id == anchor_id) continue;
      const Node& member = graph_.node(id);
      for (const ValueId value : member.outputs) {
        if (dtype(value) != computed) return "an epilogue computes in float32";
      }
      for (const ValueId input : member.inputs) {
        if (!graph_.value(input).type.is_tensor() || made.contains(input)) continue;
        if (dtype(input) != computed) return "an epilogue computes in float32";
        if (classify_epilogue_operand(graph_, anchor, addresses_, input) == EpilogueOperand::kNone) {
          return "an operand that is broadcast in another way than per channel";
        }
      }
    }
    return "";
  }

  std::string name_of(const Group& group) const {
    const Node& lead = graph_.node(group.anchor != kNoId ? group.anchor : group.members.back());
    const std::string& path = graph_.source(lead).module_path;
    const std::string op(op_info(lead.op).name);
    if (path.empty()) return op;
    // A module of a Sequential is called by its number, which alone names nothing.
    return std::isdigit(static_cast<unsigned char>(path[0])) != 0 ? op + "." + path : path;
  }

  void rebuild() {
    std::map<NodeId, uint32_t> last_of;
    for (uint32_t i = 0; i < groups_.size(); ++i) {
      if (!groups_[i].members.empty()) last_of[groups_[i].members.back()] = i;
    }
    std::vector<NodeId> nodes;
    for (const NodeId id : std::vector<NodeId>(graph_.block(body_).nodes)) {
      if (const auto last = last_of.find(id); last != last_of.end()) {
        nodes.push_back(make_group(groups_[last->second]));
      } else if (!group_of_.contains(id)) {
        nodes.push_back(id);
      }
    }
    graph_.block(body_).nodes = nodes;
  }

  NodeId make_group(const Group& group) {
    const NodeId lead = group.anchor != kNoId ? group.anchor : group.members.back();
    const ValueId inner = graph_.node(group.members.back()).outputs[0];
    const NodeId node = graph_.make_node(Op::group, {}, {graph_.value(inner).type}, graph_.node(lead).source);
    const BlockId block = graph_.add_block(node);
    graph_.node(node).blocks = {block};
    graph_.node(node).attributes["kind"] =
        std::string(group.anchor == kNoId ? "pointwise" : op_info(graph_.node(group.anchor).op).name);
    graph_.node(node).attributes["name"] = name_of(group);
    if (!group.unfused.empty()) graph_.node(node).attributes["unfused"] = group.unfused;
    const ValueId outer = graph_.node(node).outputs[0];
    graph_.value(outer).name = graph_.value(inner).name;
    graph_.replace_uses(inner, outer);
    graph_.block(block).nodes = group.members;
    graph_.block(block).results = {inner};
    // Uses inside the group itself still mean the inner value.
    for (const NodeId member : group.members) std::ranges::replace(graph_.node(member).inputs, outer, inner);
    return node;
  }

  Graph& graph_;
  BlockId body_;
  std::map<ValueId, Address> addresses_;
  std::vector<uint32_t> uses_;
  std::vector<Group> groups_;
  std::map<NodeId, uint32_t> group_of_;
  std::map<NodeId, size_t> positions_;
};

void each_region(Graph& graph, bool fuse) {
  std::vector<BlockId> bodies;
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) {
      if (graph.node(id).op == Op::region) bodies.push_back(graph.node(id).blocks[0]);
    });
  }
  for (const BlockId body : bodies) Fuser(graph, body).run(fuse);
}

}  // namespace

void fuse_groups(Graph& graph) { each_region(graph, true); }
void wrap_groups(Graph& graph) { each_region(graph, false); }

}  // namespace tsc::passes
