#include "compiler/ir/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/ir/print.h"

namespace tsc::ir {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph),
        is_visible_(graph.values.size()),
        definitions_(graph.values.size()),
        node_seen_(graph.nodes.size()),
        block_seen_(graph.blocks.size()) {}

  std::vector<std::string> run() {
    check_ids();
    if (!errors_.empty()) return std::move(errors_);  // nothing else can be read safely
    for (const Function& function : graph_.functions) check_function(function);
    for (const Constraint& constraint : graph_.constraints) check_constraint(constraint);
    return std::move(errors_);
  }

 private:
  template <typename... Args>
  void error(int number, fmt::format_string<Args...> format, Args&&... args) {
    errors_.push_back(fmt::format("{}: {}", number, fmt::format(format, std::forward<Args>(args)...)));
  }
  std::string text(NodeId id) const {
    std::string printed = print_node(graph_, id);
    if (const size_t end = printed.find('\n'); end != std::string::npos) printed.resize(end);
    return printed;
  }
  std::string value_text(ValueId id) const { return print_value(graph_, id); }

  void check_ids() {
    const auto check = [this](const std::vector<uint32_t>& ids, size_t size, const char* what, size_t where) {
      for (const uint32_t id : ids) {
        if (id >= size) error(1, "{} {} refers to {}, which does not exist", what, where, id);
      }
    };
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      check(node.inputs, graph_.values.size(), "node", i);
      check(node.outputs, graph_.values.size(), "node", i);
      check(node.blocks, graph_.blocks.size(), "node", i);
      check({node.source}, graph_.sources.size(), "node", i);
      if (node.op == Op::kInvalid || node.op >= Op::kCount) error(1, "node {} has no operation", i);
    }
    for (size_t i = 0; i < graph_.blocks.size(); ++i) {
      const Block& block = graph_.blocks[i];
      check(block.params, graph_.values.size(), "block", i);
      check(block.nodes, graph_.nodes.size(), "block", i);
      check(block.results, graph_.values.size(), "block", i);
    }
    for (const Function& function : graph_.functions) {
      if (function.body >= graph_.blocks.size()) error(1, "function {} has no body", function.name);
    }
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (!has_known_classes(graph_.values[i].type)) error(1, "value {} is of an unknown class", i);
    }
  }
  bool has_known_classes(const Type& type) const {
    const bool is_class = type.is(Type::Kind::kClass) || type.is(Type::Kind::kEnum) || type.is(Type::Kind::kInterface);
    if (is_class && type.class_id >= graph_.classes.size()) return false;
    return std::all_of(type.elements.begin(), type.elements.end(),
                       [this](const Type& t) { return has_known_classes(t); });
  }

  void check_function(const Function& function) {
    const Block& body = graph_.block(function.body);
    if (body.owner != kNoId) error(3, "the body of function {} has an owner", function.name);
    if (body.results.size() != 1) error(8, "function {} has {} results", function.name, body.results.size());
    if (function.input_names.size() != body.params.size() || function.defaults.size() != body.params.size()) {
      error(8, "function {} has {} parameters, {} names and {} defaults", function.name, body.params.size(),
            function.input_names.size(), function.defaults.size());
    }
    check_block(function.body);
  }

  void check_constraint(const Constraint& constraint) {
    if (constraint.function >= graph_.functions.size() || constraint.source >= graph_.sources.size()) {
      return error(8, "a constraint is of no function: {}", constraint.message);
    }
    const Function& function = graph_.functions[constraint.function];
    const bool needs_input = constraint.kind != Constraint::Kind::kEqual;
    if (needs_input && constraint.input >= graph_.block(function.body).params.size()) {
      error(8, "a constraint of {} is of no parameter: {}", function.name, constraint.message);
    }
  }

  // Visits in order; what a block defines is visible until its end.
  void check_block(BlockId id) {
    const Block& block = graph_.block(id);
    if (block_seen_[id]) return error(3, "block {} is held twice", id);
    block_seen_[id] = true;
    std::vector<ValueId> defined;
    for (const ValueId param : block.params) {
      const Value& value = graph_.value(param);
      if (value.param_of != id || value.def != kNoId || value.constant) {
        error(2, "{} is a parameter of block {} and does not know it", value_text(param), id);
      }
      define(param, defined);
    }
    for (const NodeId node_id : block.nodes) check_node(node_id, defined);
    for (const ValueId result : block.results) {
      if (!is_usable(result)) error(4, "{} leaves block {} where it is not defined", value_text(result), id);
    }
    for (const ValueId value : defined) is_visible_[value] = false;
  }

  void define(ValueId id, std::vector<ValueId>& defined) {
    if (++definitions_[id] > 1) error(2, "{} has several definitions", value_text(id));
    is_visible_[id] = true;
    defined.push_back(id);
  }
  bool is_usable(ValueId id) const { return graph_.is_constant(id) || is_visible_[id]; }

  void check_node(NodeId id, std::vector<ValueId>& defined) {
    const Node& node = graph_.node(id);
    if (node_seen_[id]) return error(3, "node stands in several places: {}", text(id));
    node_seen_[id] = true;
    for (const ValueId input : node.inputs) {
      if (!is_usable(input)) error(4, "{} is used where it is not defined: {}", value_text(input), text(id));
    }
    check_counts(id, node);
    if (check_blocks(id, node)) check_joins(id, node);
    for (const BlockId block : node.blocks) {
      if (graph_.block(block).owner != id) error(3, "block {} does not know its node: {}", block, text(id));
      check_block(block);
    }
    for (const ValueId output : node.outputs) {
      const Value& value = graph_.value(output);
      if (value.def != id || value.param_of != kNoId || value.constant) {
        error(2, "{} does not know its definition: {}", value_text(output), text(id));
      }
      define(output, defined);
    }
  }

  void check_counts(NodeId id, const Node& node) {
    const OpInfo& info = op_info(node.op);
    if (info.schema.empty()) return;
    if (node.inputs.size() != info.inputs.size())
      error(5, "expected {} operands: {}", info.inputs.size(), text(id));
    if (node.outputs.size() != info.outputs.size()) error(5, "expected {} outputs: {}", info.outputs.size(), text(id));
  }

  // Whether the blocks are as many and of the arity that the op asks for.
  bool check_blocks(NodeId id, const Node& node) {
    const size_t before = errors_.size();
    const auto expect = [&](size_t actual, size_t expected, const char* what) {
      if (actual != expected) error(6, "{} {}, expected {}: {}", actual, what, expected, text(id));
    };
    switch (node.op) {
      case Op::if_:
        expect(node.inputs.size(), 1, "operands");
        expect(node.blocks.size(), 2, "blocks");
        for (const BlockId block : node.blocks) {
          expect(graph_.block(block).params.size(), 0, "parameters");
          if (leaves(block)) expect(graph_.block(block).results.size(), node.outputs.size(), "results");
        }
        break;
      case Op::loop:
        expect(node.inputs.size(), node.outputs.size() + 2, "operands");
        expect(node.blocks.size(), 1, "blocks");
        for (const BlockId block : node.blocks) {
          expect(graph_.block(block).params.size(), node.outputs.size() + 1, "parameters");
          if (leaves(block)) expect(graph_.block(block).results.size(), node.outputs.size() + 1, "results");
        }
        break;
      case Op::region:
      case Op::group:
        expect(node.blocks.size(), 1, "blocks");
        for (const BlockId block : node.blocks) {
          expect(graph_.block(block).params.size(), node.inputs.size(), "parameters");
          expect(graph_.block(block).results.size(), node.outputs.size(), "results");
        }
        break;
      default:
        expect(node.blocks.size(), 0, "blocks");
    }
    return errors_.size() == before;
  }
  // A block that ends by raising may leave its results out.
  bool leaves(BlockId id) const {
    const Block& block = graph_.block(id);
    if (!block.results.empty()) return true;
    return block.nodes.empty() || graph_.node(block.nodes.back()).op != Op::raise;
  }

  void check_joins(NodeId id, const Node& node) {
    const auto expect_fit = [&](ValueId actual, ValueId expected) {
      const Type& from = graph_.value(actual).type;
      const Type& to = graph_.value(expected).type;
      if (!fits(from, to)) error(7, "{} is no {}: {}", from.str(), to.str(), text(id));
    };
    const size_t skipped = node.op == Op::loop ? 1 : 0;  // the condition among the results
    for (const BlockId block_id : node.blocks) {
      const Block& block = graph_.block(block_id);
      for (size_t i = 0; i < node.outputs.size() && i + skipped < block.results.size(); ++i) {
        expect_fit(block.results[i + skipped], node.outputs[i]);
        if (node.op != Op::loop) continue;
        expect_fit(block.results[i + 1], block.params[i + 1]);
        expect_fit(node.inputs[i + 2], block.params[i + 1]);
      }
    }
  }

  const Graph& graph_;
  std::vector<std::string> errors_;
  std::vector<bool> is_visible_;
  std::vector<uint32_t> definitions_;
  std::vector<bool> node_seen_, block_seen_;
};

}  // namespace

bool fits(const Type& actual, const Type& expected) {
  using Kind = Type::Kind;
  const auto holds = [&](const Type& member) { return fits(actual, member); };
  switch (expected.kind) {
    case Kind::kAny:
    case Kind::kInterface:
      return true;
    case Kind::kOptional:
      if (actual.is(Kind::kNone)) return true;
      return fits(actual.is(Kind::kOptional) ? actual.elements[0] : actual, expected.elements[0]);
    case Kind::kUnion:
      if (actual.is(Kind::kUnion)) return true;
      if (actual.is(Kind::kOptional)) return fits(actual.elements[0], expected) && fits(Type::make(Kind::kNone), expected);
      return std::any_of(expected.elements.begin(), expected.elements.end(), holds);
    case Kind::kNumber:
      return actual.is(Kind::kNumber) || actual.is(Kind::kInt) || actual.is(Kind::kFloat) || actual.is(Kind::kBool) ||
             actual.is(Kind::kComplex);
    default:
      break;
  }
  if (actual.kind != expected.kind) return false;
  if (expected.is_tensor()) {
    const TensorType& a = actual.tensor;
    const TensorType& b = expected.tensor;
    if (b.dtype != DType::kUnknown && a.dtype != DType::kUnknown && a.dtype != b.dtype) return false;
    return !a.rank_known || !b.rank_known || a.dims.size() == b.dims.size();
  }
  // An empty list tells no element type.
  if (actual.is(Kind::kList) && actual.elements[0].is(Kind::kNone)) return true;
  return std::equal(actual.elements.begin(), actual.elements.end(), expected.elements.begin(), expected.elements.end(),
                    fits);
}

std::vector<std::string> verify(const Graph& graph) { return Verifier(graph).run(); }

}  // namespace tsc::ir
