// Walks the blocks outside in with a table of what has been computed and is visible. A node whose memory anybody may
// write stays: two tensors that are equal once need not be equal later.
#include <fmt/format.h>
#include <algorithm>

#include <map>

#include "compiler/ir/effects.h"
#include "compiler/ir/print.h"
#include "passes/alias.h"
#include "passes/passes.h"

namespace tsc::passes {

using namespace ir;

namespace {

class Eliminator {
 public:
  explicit Eliminator(Graph& graph) : graph_(graph), aliases_(graph), replacement_(graph.values.size(), kNoId) {}

  void run() {
    for (const Function& function : graph_.functions) {
      available_.clear();
      visit_block(function.body);
    }
    substitute_symbols();
  }

 private:
  void visit_block(BlockId id) {
    std::vector<std::string> added;
    std::vector<NodeId> kept;
    for (const NodeId node_id : graph_.block(id).nodes) {
      rename(graph_.node(node_id).inputs);
      for (const BlockId inner : graph_.node(node_id).blocks) visit_block(inner);
      if (!can_merge(graph_.node(node_id))) {
        kept.push_back(node_id);
        continue;
      }
      std::string key = key_of(graph_.node(node_id));
      const auto [found, is_new] = available_.emplace(key, node_id);
      if (is_new) {
        added.push_back(std::move(key));
        kept.push_back(node_id);
      } else {
        merge(graph_.node(node_id), graph_.node(found->second));
      }
    }
    graph_.block(id).nodes = std::move(kept);
    rename(graph_.block(id).results);
    for (const std::string& key : added) available_.erase(key);
  }

  void rename(std::vector<ValueId>& values) const {
    for (ValueId& value : values) {
      if (replacement_[value] != kNoId) value = replacement_[value];
    }
  }

  bool can_merge(const Node& node) const {
    const OpClass op_class = op_info(node.op).op_class;
    if (op_class == OpClass::kControl || op_class == OpClass::kEffect || !node.blocks.empty()) return false;
    if (has_effect(graph_, node)) return false;
    const auto is_written = [this](ValueId value) {
      return holds_memory(graph_.value(value).type) && aliases_.is_written(value);
    };
    return std::ranges::none_of(node.inputs, is_written) && std::ranges::none_of(node.outputs, is_written);
  }

  // Equal for nodes that compute the same. Constants compare by value, tensors among them by identity.
  std::string key_of(const Node& node) const {
    std::string key(op_info(node.op).name);
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.value(input);
      if (!value.constant) {
        key += fmt::format(" %{}", input);
      } else if (const auto tensor = graph_.as_tensor(input)) {
        key += fmt::format(" @{}", static_cast<const void*>(tensor.get()));
      } else if (is_plain(*value.constant)) {
        key += " " + print_value(graph_, input);
      } else {
        key += fmt::format(" ${}", input);
      }
    }
    for (const auto& [name, value] : node.attributes) key += " " + attribute_text(name, value);
    for (const ValueId output : node.outputs) {
      const Type& type = graph_.value(output).type;
      key += type.is_tensor() ? " tensor" : " " + type.str();
    }
    return key;
  }
  // Whether the text tells the value: not for lists of tensors, whose names may repeat.
  static bool is_plain(const Constant& constant) {
    if (std::holds_alternative<std::shared_ptr<const TensorConstant>>(constant.value)) return false;
    const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&constant.value);
    return !list || std::ranges::all_of(**list, is_plain);
  }
  static std::string attribute_text(const std::string& name, const Attribute& value) {
    return name + "=" + std::visit([](const auto& v) { return attribute_text(v); }, value);
  }
  static std::string attribute_text(const std::string& v) { return fmt::format("{}\"{}\"", v.size(), v); }
  static std::string attribute_text(int64_t v) { return fmt::format("{}", v); }
  static std::string attribute_text(double v) { return fmt::format("{}f", v); }
  template <typename T>
  static std::string attribute_text(const std::vector<T>& list) {
    std::string text = "[";
    for (const T& each : list) text += attribute_text(each) + ",";
    return text + "]";
  }

  void merge(const Node& from, const Node& to) {
    for (size_t i = 0; i < from.outputs.size(); ++i) {
      replacement_[from.outputs[i]] = to.outputs[i];
      const Value& gone = graph_.value(from.outputs[i]);
      const Value& kept = graph_.value(to.outputs[i]);
      equate_types(gone.type, kept.type);
      if (gone.ints && kept.ints) equate(*gone.ints, *kept.ints);
    }
  }

  // A size that no rule could tell has a symbol per node: those of the node that goes are the other's.
  void equate_types(const Type& gone, const Type& kept) {
    equate(gone.tensor.dims, kept.tensor.dims);
    for (size_t i = 0; i < std::min(gone.elements.size(), kept.elements.size()); ++i) {
      equate_types(gone.elements[i], kept.elements[i]);
    }
  }
  void equate(const std::vector<Dim>& gone, const std::vector<Dim>& kept) {
    for (size_t i = 0; i < std::min(gone.size(), kept.size()); ++i) {
      if (gone[i] == kept[i]) continue;
      if (is_fresh_symbol(gone[i])) {
        rename_symbol(*gone[i].symbol_name(), kept[i]);
      } else if (is_fresh_symbol(kept[i])) {
        rename_symbol(*kept[i].symbol_name(), gone[i]);
      }
    }
  }
  // "u7", as Graph::fresh_symbol makes them; others are sizes of inputs.
  static bool is_fresh_symbol(const Dim& dim) {
    const auto name = dim.symbol_name();
    return name && name->size() > 1 && (*name)[0] == 'u' &&
           std::all_of(name->begin() + 1, name->end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  void rename_symbol(const std::string& name, Dim by) {
    by = substituted(by);
    const std::vector<std::string> symbols = by.symbols();
    if (std::ranges::find(symbols, name) != symbols.end() || !symbols_.emplace(name, by).second) return;
    for (auto& [other, dim] : symbols_) dim = substituted(dim);
  }
  Dim substituted(const Dim& dim) const {
    return dim.substitute([this](std::string_view name) -> std::optional<Dim> {
      const auto found = symbols_.find(name);
      if (found == symbols_.end()) return std::nullopt;
      return found->second;
    });
  }
  void substitute_symbols() {
    if (symbols_.empty()) return;
    for (Value& value : graph_.values) {
      substitute(value.type);
      if (value.ints) substitute(*value.ints);
    }
  }
  void substitute(Type& type) const {
    substitute(type.tensor.dims);
    for (Type& element : type.elements) substitute(element);
  }
  void substitute(std::vector<Dim>& dims) const {
    for (Dim& dim : dims) dim = substituted(dim);
  }

  Graph& graph_;
  const AliasClasses aliases_;
  std::vector<ValueId> replacement_;
  std::map<std::string, NodeId> available_;
  std::map<std::string, Dim, std::less<>> symbols_;
};

}  // namespace

void eliminate_common_subexpressions(Graph& graph) { Eliminator(graph).run(); }

}  // namespace tsc::passes
