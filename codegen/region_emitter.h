// What the emitters of regions have in common, for the host and for devices.
#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "codegen/emit_common.h"
#include "codegen/emit_group.h"
#include "compiler/ir/assert.h"
#include "passes/cost.h"
#include "passes/region.h"

namespace tsc::codegen {

using namespace ir;

// A buffer of the arena: alive from the group that writes it to the last that reads it.
struct Buffer {
  ValueId value;
  std::string name;
  std::string element;
  Dim bytes;
  size_t first, last;
  size_t slot = 0;
};

// Collects what a region reads, makes and keeps, and plans its memory. How its functions run is what those who derive say.
class RegionEmitter {
 public:
  RegionEmitter(ModelContext& model, const Node& region, const std::string& wish)
      : model_(model),
        graph_(model.graph),
        region_(region),
        body_(region.blocks[0]),
        group_{model, passes::region_addresses(graph_, body_), {}, {}} {
    call_.function = model.names.unique(wish);
    for (const NodeId id : graph_.block(body_).nodes) {
      if (graph_.node(id).op == Op::group) groups_.push_back(id);
    }
  }

  virtual ~RegionEmitter() = default;

  RegionCall run(Writer& out) {
    collect_sizes();
    collect_interface();
    collect_buffers();
    assign_slots();
    emit(out);
    return call_;
  }

 protected:
  // Writes the region's functions; the host program's part to `out`.
  virtual void emit(Writer& out) = 0;
  // Buffers beside those that groups make for each other.
  virtual void collect_more_buffers([[maybe_unused]] const std::map<ValueId, size_t>& last_use) {}

  const std::vector<Dim>& dims(ValueId id) const { return graph_.value(id).type.tensor.dims; }

  std::string size(const Dim& dim) const { return group_.size(dim); }

  void collect_sizes() {
    const auto add = [&](const Dim& dim) { group_.sizes.add(dim, model_.symbols); };
    for_each_node(graph_, body_, [&](NodeId id) {
      const Node& node = graph_.node(id);
      for (const ValueId value : node.outputs) {
        for (const Dim& dim : graph_.value(value).type.tensor.dims) add(dim);
      }
      for (const ValueId value : node.inputs) {
        for (const Dim& dim : graph_.value(value).type.tensor.dims) add(dim);
        // A number is written out as its expression; one in a tensor is read from there.
        if (graph_.value(value).ints && !graph_.value(value).constant && !graph_.value(value).type.is_tensor()) {
          for (const Dim& dim : *graph_.value(value).ints) add(dim);
        }
      }
    });
    call_.symbols = group_.sizes.symbols();
    if (!call_.symbols.empty()) call_.sizes = model_.names.unique(camel_case(call_.function) + "Sizes");
  }

  // Tensors that the region reads from outside, in order of first use, and its results.
  void collect_interface() {
    std::set<ValueId> inside;
    for_each_node(graph_, body_,
                  [&](NodeId id) { inside.insert(graph_.node(id).outputs.begin(), graph_.node(id).outputs.end()); });
    const auto add = [&](ValueId id) {
      const Value& value = graph_.value(id);
      if (!value.type.is_tensor() || value.constant || inside.contains(id)) return;
      if (std::ranges::find(call_.inputs, id) == call_.inputs.end()) call_.inputs.push_back(id);
    };
    for_each_node(graph_, body_, [&](NodeId id) {
      for (const ValueId input : graph_.node(id).inputs) add(input);
    });
    for (const ValueId result : graph_.block(body_).results) add(result);
    for (const ValueId id : call_.inputs) pointer_name(id, graph_.value(id).name);
    call_.outputs = region_.outputs;
    // A result that is a whole buffer is written in place; others are copied at the end.
    const auto& results = graph_.block(body_).results;
    for (size_t i = 0; i < results.size(); ++i) {
      const passes::Address& address = group_.addresses.at(results[i]);
      const bool made_here = inside.contains(address.root);
      const bool whole = address.offset.is_constant(0) && passes::is_dense(graph_, results[i], address) &&
                         count(address.root) == count(results[i]);
      if (made_here && whole && !result_of_.contains(address.root)) {
        result_of_[address.root] = i;
        pointer_name(address.root,
                     graph_.value(region_.outputs[i]).name.empty() ? "output" : graph_.value(region_.outputs[i]).name);
      } else {
        copies_.push_back(i);
        copy_names_.push_back(model_.names.unique("output"));
      }
    }
  }

  Dim count(ValueId id) const {
    Dim product(1);
    for (const Dim& dim : dims(id)) product = product * dim;
    return product;
  }

  std::string pointer_name(ValueId root, const std::string& wish) {
    const auto [found, inserted] = group_.pointers.try_emplace(root, "");
    if (inserted) {
      const Node* def = graph_.value(root).def == kNoId ? nullptr : &graph_.node(graph_.value(root).def);
      const bool nameless =
          wish.empty() || std::isdigit(static_cast<unsigned char>(wish[0])) != 0 || is_input_name(wish);
      std::string name =
          nameless && def != nullptr && def->op == Op::group ? str_attribute(*def, "name") + "_out" : wish;
      if (name.empty()) name = "x";
      // Unique in the whole model, since a local would hide a function of its name; one of the runtime's, too.
      found->second = model_.names.unique(is_kernel_name(name) ? name + "_values" : name);
    }
    return found->second;
  }

  // Functions that groups call.
  static bool is_kernel_name(std::string_view name) {
    constexpr std::string_view kNames[] = {
        "adaptive_avg_pool2d", "attention", "avg_pool2d", "batch_norm", "conv2d",  "convert",    "embedding", "fma",    "group_norm",
        "in",                  "largest",   "layer_norm", "linear",     "load",    "logsumexp",  "matmul",    "max_pool2d", "out",
        "permute",             "pointwise", "recurrent",  "reduce",     "rms_norm", "select",    "softmax",   "splat",  "store",
        "transpose",           "variance"};
    return std::ranges::find(kNames, name) != std::end(kNames);
  }

  // "input", "input0", "input.5": what traces call the operand of every other module.
  static bool is_input_name(std::string_view name) {
    return name.starts_with("input") && name.find_first_not_of("0123456789.", 5) == std::string_view::npos;
  }

  void collect_buffers() {
    std::map<ValueId, size_t> last_use;
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (const ValueId root : group_roots(groups_[i])) last_use[root] = i;
    }
    for (const size_t i : copies_) last_use[group_.addresses.at(graph_.block(body_).results[i]).root] = groups_.size();
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (const ValueId output : graph_.node(groups_[i]).outputs) {
        const std::string name = pointer_name(output, graph_.value(output).name);
        if (result_of_.contains(output)) continue;
        const TensorType& type = graph_.value(output).type.tensor;
        buffers_.push_back({.value = output,
                            .name = name,
                            .element = cpp_element(type.dtype),
                            .bytes = buffer_bytes(type),
                            .first = i,
                            .last = last_use.contains(output) ? last_use.at(output) : i});
      }
    }
    collect_more_buffers(last_use);
  }

  // The fields of the struct of sizes: what the caller gives, and what follows from it.
  void emit_sizes(Writer& out) const {
    if (call_.sizes.empty()) return;
    out.blank();
    out.comment(fmt::format("Sizes that {} runs with.", call_.function));
    out.open("struct {}", call_.sizes);
    for (const std::string& name : call_.symbols) out.line("i64 {};", model_.symbols.of(name));
    for (const auto& atom : group_.sizes.derived()) {
      out.line("i64 {} = {};", group_.sizes.field(*atom), group_.sizes.formula(*atom));
    }
    out.close(";");
  }

  // Roots that a group reads, views looked through.
  std::vector<ValueId> group_roots(NodeId id) const {
    std::vector<ValueId> roots;
    for_each_node(graph_, graph_.node(id).blocks[0], [&](NodeId member) {
      for (const ValueId input : graph_.node(member).inputs) {
        const Value& value = graph_.value(input);
        if (value.type.is(Type::Kind::kList) && value.def != kNoId) {
          for (const ValueId element : graph_.node(value.def).inputs) {
            if (group_.addresses.contains(element)) roots.push_back(group_.addresses.at(element).root);
          }
        }
        if (group_.addresses.contains(input)) roots.push_back(group_.addresses.at(input).root);
      }
    });
    return roots;
  }

  static Dim buffer_bytes(const TensorType& type) {
    Dim bytes(dtype_size(type.dtype));
    if (type.layout.kind == Layout::Kind::kPlain) {
      for (const Dim& dim : type.dims) bytes = bytes * dim;
      return bytes;
    }
    const int64_t block = type.layout.block;
    const Dim blocks = floor_div(type.dims[1] + Dim(block - 1), Dim(block));
    const Dim halo(2 * type.layout.halo);
    return bytes * type.dims[0] * blocks * Dim(block) * (type.dims[2] + halo) * (type.dims[3] + halo);
  }

  // First fit: buffers whose lives do not overlap share a slot; the largest (at the example) come first, and a buffer
  // takes the free slot whose size is nearest.
  void assign_slots() {
    std::vector<Buffer*> order;
    for (Buffer& buffer : buffers_) order.push_back(&buffer);
    const auto bytes_of = [&](const Dim& dim) { return graph_.hint(dim).value_or(1 << 16); };
    std::ranges::sort(order, {}, [&](const Buffer* b) { return std::pair(-bytes_of(b->bytes), b->first); });
    for (Buffer* buffer : order) {
      const auto free_slot = std::ranges::find_if(slots_, [&](const std::vector<Buffer*>& slot) {
        return std::ranges::none_of(
            slot, [&](const Buffer* other) { return buffer->first <= other->last && other->first <= buffer->last; });
      });
      buffer->slot = static_cast<size_t>(free_slot - slots_.begin());
      if (free_slot == slots_.end()) {
        slots_.push_back({buffer});
      } else {
        free_slot->push_back(buffer);
      }
    }
    size_t arena = 0;
    for (const auto& slot : slots_) {
      int64_t bytes = 0;
      for (const Buffer* buffer : slot) bytes = std::max(bytes, bytes_of(buffer->bytes));
      arena += static_cast<size_t>(bytes + 63) / 64 * 64;
    }
    model_.arena_bytes = std::max(model_.arena_bytes, arena);
  }

  std::string parameters() const {
    std::string text;
    for (const ValueId id : call_.inputs) {
      text += fmt::format(", const {}* {}", cpp_element(graph_.value(id).type.tensor.dtype), group_.pointers.at(id));
    }
    const auto& results = graph_.block(body_).results;
    for (size_t i = 0; i < results.size(); ++i) {
      text += fmt::format(", {}* {}", cpp_element(graph_.value(results[i]).type.tensor.dtype), result_name(i));
    }
    return text;
  }

  std::string result_name(size_t index) const {
    for (const auto& [root, i] : result_of_) {
      if (i == index) return group_.pointers.at(root);
    }
    for (size_t i = 0; i < copies_.size(); ++i) {
      if (copies_[i] == index) return copy_names_[i];
    }
    TSC_ASSERT(false, "a region's result has no name");
  }

  // "forward_region: 23 groups, 3.6 GFLOP; 22 buffers in 3 slots."
  std::string summary() const {
    const auto counted = [](size_t count, const char* what) {
      return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
    };
    Dim operations;
    for (const NodeId id : groups_) operations = operations + passes::group_cost(graph_, graph_.node(id)).operations;
    std::string text = call_.function + ": " + counted(groups_.size(), "group");
    if (const auto count = graph_.hint(operations); count && *count > 0)
      text += ", " + passes::format_operations(*count);
    if (buffers_.empty()) return text + ".";
    return text + "; " + counted(buffers_.size(), "buffer") + " in " + counted(slots_.size(), "slot") + ".";
  }

  std::string call_operands(const GroupFunction& function) const {
    std::string text;
    for (const ValueId root : function.inputs) text += ", " + group_.pointers.at(root);
    for (const ValueId output : function.outputs) text += ", " + group_.pointers.at(output);
    return text;
  }

  // Writes the bytes of buffers as constants, and returns those of the slots: "a_bytes, largest(b_bytes, c_bytes)".
  std::string emit_slot_sizes(Writer& out) const {
    // Buffers of equal size share a constant, named after the first.
    Names locals;
    std::map<std::string, std::string> names;  // size -> constant
    for (const Buffer& buffer : buffers_) {
      const auto [found, inserted] = names.try_emplace(buffer.bytes.str(), "");
      if (!inserted) continue;
      found->second = locals.unique(buffer.name + "_bytes");
      out.line("const i64 {} = {};", found->second, buffer_bytes_text(buffer));
    }
    std::string sizes;
    for (const auto& slot : slots_) {
      std::vector<std::string> distinct;
      for (const Buffer* buffer : slot) {
        const std::string& name = names.at(buffer->bytes.str());
        if (std::ranges::find(distinct, name) == distinct.end()) distinct.push_back(name);
      }
      sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ",
                           distinct.size() == 1 ? distinct[0] : fmt::format("largest({})", fmt::join(distinct, ", ")));
    }
    return sizes;
  }

  // As its sizes say it: "bytes_of<float>(d.x_0, 64)".
  std::string buffer_bytes_text(const Buffer& buffer) const {
    const TensorType& type = graph_.value(buffer.value).type.tensor;
    std::string sizes;
    for (const Dim& dim : type.dims) sizes += (sizes.empty() ? "" : ", ") + size(dim);
    if (type.layout.kind == Layout::Kind::kPlain) return fmt::format("bytes_of<{}>({})", buffer.element, sizes);
    return fmt::format("blocked_bytes<{}, {}, {}>({})", buffer.element, type.layout.block, type.layout.halo, sizes);
  }

  ModelContext& model_;
  const Graph& graph_;
  const Node& region_;
  BlockId body_;
  RegionContext group_;
  RegionCall call_;
  std::vector<NodeId> groups_;
  std::vector<GroupFunction> group_functions_;
  std::vector<Buffer> buffers_;
  std::vector<std::vector<Buffer*>> slots_;
  std::map<ValueId, size_t> result_of_;  // root of a buffer -> the result that it is
  std::vector<size_t> copies_;           // results that are copied out at the end
  std::vector<std::string> copy_names_;
};

}  // namespace tsc::codegen
