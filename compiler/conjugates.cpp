#include "compiler/conjugates.h"

#include <algorithm>
#include <limits>

#include "compiler/diagnostic.h"
#include "compiler/ir/effects.h"
#include "passes/alias.h"

namespace tsc {
namespace {

using namespace ir;

// A moment of the program: the function, the position in its text, and the outermost loop around it, or 0.
struct Moment {
  size_t function = 0;
  int position = 0;
  int loop = 0;
};

// Functions call each other in any order, and a loop's end comes before its begin.
bool may_follow(const Moment& later, const Moment& earlier) {
  return later.function != earlier.function || later.position > earlier.position ||
         (later.loop != 0 && later.loop == earlier.loop);
}

struct Access {
  ValueId value;
  Moment moment;
};

// Where the program's values are used, and where written.
struct Accesses {
  std::vector<Access> uses, writes;
  std::vector<std::pair<NodeId, Moment>> conjugates;

  explicit Accesses(const Graph& graph) : graph_(graph) {
    for (function_ = 0; function_ < graph.functions.size(); ++function_) visit(graph.functions[function_].body, 0);
  }

 private:
  void visit(BlockId block, int loop) {
    for (const NodeId id : graph_.block(block).nodes) {
      const Node& node = graph_.node(id);
      const Moment moment{function_, ++now_, loop};
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        uses.push_back({node.inputs[i], moment});
        if (writes_input(graph_, node, i)) writes.push_back({node.inputs[i], moment});
      }
      if (node.op == Op::conj) {
        const DType dtype = graph_.value(node.inputs[0]).type.tensor.dtype;
        if (dtype == DType::kUnknown || is_complex(dtype)) conjugates.push_back({id, moment});
      }
      for (const BlockId inner : node.blocks) visit(inner, loop == 0 && node.op == Op::loop ? now_ : loop);
    }
    ++now_;
    for (const ValueId result : graph_.block(block).results) uses.push_back({result, {function_, now_, loop}});
  }

  const Graph& graph_;
  size_t function_ = 0;
  int now_ = 0;
};

// Whether anybody outside the functions may know the value's memory.
bool is_known_outside(const Graph& graph, const passes::AliasClasses& aliases, ValueId value) {
  return std::ranges::any_of(graph.functions, [&](const Function& function) {
    return std::ranges::any_of(graph.block(function.body).params,
                               [&](ValueId param) { return aliases.may_alias(param, value); });
  });
}

}  // namespace

void refuse_written_conjugates(const Graph& graph) {
  const Accesses accesses(graph);
  if (accesses.conjugates.empty()) return;
  // As the program runs here, with a copy for each conjugate.
  Graph copied = graph;
  for (const auto& [id, moment] : accesses.conjugates) copied.node(id).op = Op::clone;
  const passes::AliasClasses aliases(copied);

  // Whether memory of `written` is written after the conjugate was made, and that of `seen` used after that.
  const auto is_told = [&](const Moment& made, ValueId written, ValueId seen) {
    return std::ranges::any_of(accesses.writes, [&](const Access& write) {
      if (!may_follow(write.moment, made) || !aliases.may_alias(write.value, written)) return false;
      return is_known_outside(graph, aliases, seen) || std::ranges::any_of(accesses.uses, [&](const Access& use) {
               return may_follow(use.moment, write.moment) && aliases.may_alias(use.value, seen);
             });
    });
  };
  Diagnostics diagnostics;
  for (const auto& [id, made] : accesses.conjugates) {
    const Node& node = graph.node(id);
    const ValueId operand = node.inputs[0], result = node.outputs[0];
    if (!is_told(made, operand, result) && !is_told(made, result, operand)) continue;
    diagnostics.add(make_diagnostic_at(graph.source(node), "aten::conj", Error::unsupported,
                                       "a conjugate that shares memory with what is written in place",
                                       "use torch.conj_physical(x), or write to a clone"));
  }
  diagnostics.throw_if_any();
}

}  // namespace tsc
