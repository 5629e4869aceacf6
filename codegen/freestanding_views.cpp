// Views that no region holds, since what they show is written or begins at an index that is told at run time: pointers
// to their first elements. What reads such memory is a copy of it, and a copy writes it (passes/separate_writes).
#include <algorithm>

#include "codegen/freestanding_method.h"
#include "passes/region.h"

namespace tsc::codegen::freestanding {

namespace {

// Of the elements one after the other.
std::vector<int64_t> strides_in_order(const Type& t) {
  std::vector<int64_t> strides(t.tensor.dims.size());
  int64_t stride = 1;
  for (size_t i = strides.size(); i-- > 0; stride *= *t.tensor.dims[i].constant()) strides[i] = stride;
  return strides;
}

std::string part_text(const Type& t, const std::vector<int64_t>& strides) {
  std::string sizes;
  for (const Dim& dim : t.tensor.dims) sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", *dim.constant());
  return fmt::format("Part<{}>{{{{{}}}, {{{}}}}}", strides.size(), sizes, fmt::join(strides, ", "));
}

}  // namespace

// Whether the place that a select or a narrow begins at is known, and there.
bool MethodEmitter::is_in_range(const Node& node) const {
  const auto axis = graph_.as_int(node.inputs[1]), index = graph_.as_int(node.inputs[2]);
  if (!axis || !index) return false;
  const auto& dims = type(node.inputs[0]).tensor.dims;
  const int64_t size =
      *dims[static_cast<size_t>(*axis < 0 ? *axis + static_cast<int64_t>(dims.size()) : *axis)].constant();
  if (node.op == Op::select) return *index < size && *index >= -size;
  const auto length = graph_.as_int(node.inputs[3]);
  return length && *index >= -size && *index <= size && (*index < 0 ? *index + size : *index) + *length <= size;
}

bool MethodEmitter::emit_view(const Node& node) {
  if (node.form != Form::kFunctional || !passes::is_view(node) || node.outputs.size() != 1) return false;
  const Type &from = type(node.inputs[0]), &to = type(node.outputs[0]);
  if (!has_fixed_size(from) || !has_fixed_size(to) || !is_c_element(to.tensor.dtype)) return false;
  const Item operand = item_of(node.inputs[0]);
  if (operand.what != Item::What::kTensor && operand.what != Item::What::kView) return false;
  passes::Address address{node.inputs[0], Dim(0), {}};
  for (const int64_t stride : operand.what == Item::What::kView ? operand.strides : strides_in_order(from))
    address.strides.emplace_back(stride);

  std::string first = operand.text.text;
  std::vector<int64_t> strides;
  const bool has_place = node.op == Op::select || node.op == Op::narrow;
  if (has_place && !is_in_range(node)) {
    const auto given = graph_.as_int(node.inputs[1]);
    const Item index = item_of(node.inputs[2]);
    if (!given || index.what != Item::What::kNumber) return false;
    const size_t axis =
        static_cast<size_t>(*given < 0 ? *given + static_cast<int64_t>(from.tensor.dims.size()) : *given);
    const int64_t size = *from.tensor.dims[axis].constant();
    const std::string place = locals_.unique(node.op == Op::select ? "index" : "start");
    model_.headers.insert("runtime/kernels/plain.h");
    if (node.op == Op::select) {
      body_.line("const i64 {} = index_in(ctx, {}, {});  // {}", place, index.text.text, size,
                 source_comment(graph_.source(node)));
    } else {
      const auto length = graph_.as_int(node.inputs[3]);
      if (!length) return false;
      body_.line("const i64 {} = start_in(ctx, {}, {}, {});  // {}", place, index.text.text, *length, size,
                 source_comment(graph_.source(node)));
    }
    body_.line("if (!ctx.ok()) return ctx.status();");
    const int64_t stride = *address.strides[axis].constant();
    first += stride == 1 ? " + " + place : fmt::format(" + {} * {}", place, stride);
    for (const Dim& each : address.strides) strides.push_back(*each.constant());
    if (node.op == Op::select) strides.erase(strides.begin() + static_cast<ptrdiff_t>(axis));
  } else {
    const auto view = passes::view_address(graph_, node, address);
    if (!view || !view->offset.constant()) return false;
    for (const Dim& stride : view->strides) {
      if (!stride.constant()) return false;
      strides.push_back(*stride.constant());
    }
    if (*view->offset.constant() != 0) first += fmt::format(" + {}", *view->offset.constant());
  }

  // The pointer has a name, since what it is computed of may be computed again in a loop.
  const ValueId output = node.outputs[0];
  Item item{.what = Item::What::kTensor, .text = {first}, .pieces = operand.pieces};
  if (first != operand.text.text) {
    item.text = {local_name(output)};
    body_.line("auto* const {} = {};  // {}", item.text.text, first, shape_comment(graph_, to));
  }
  bool is_dense = true;
  const std::vector<int64_t> in_order = strides_in_order(to);
  for (size_t i = 0; i < strides.size(); ++i)
    is_dense = is_dense && (strides[i] == in_order[i] || to.tensor.dims[i].is_constant(1));
  if (!is_dense) {
    item.what = Item::What::kView;
    item.strides = strides;
    // Who takes it as a view: others take its elements, which do not change then.
    bool is_taken = true;
    for_each_node(graph_, function_.body, [&](NodeId id) {
      const Node& user = graph_.node(id);
      for (size_t i = 0; i < user.inputs.size(); ++i) {
        if (user.inputs[i] != output) continue;
        const bool is_handle = passes::is_view(user) || user.op == Op::clone || (user.op == Op::copy_ && i == 0);
        is_taken = is_taken && is_handle && i == 0;
      }
      for (const BlockId block : user.blocks) {
        const auto& results = graph_.block(block).results;
        is_taken = is_taken && std::ranges::find(results, output) == results.end();
      }
    });
    const auto& results = graph_.block(function_.body).results;
    if (!is_taken || std::ranges::find(results, output) != results.end()) item = dense(item, to, local_name(output));
  }
  items_[output] = item;
  return true;
}

// The elements one after the other, in a place of their own.
Item MethodEmitter::dense(const Item& item, const Type& t, const std::string& name) {
  Item copy{.what = Item::What::kTensor, .text = {name}};
  copy.pieces = {add_piece(t, name)};
  if (item.what == Item::What::kView) {
    model_.headers.insert("runtime/kernels/plain.h");
    body_.line("gather({}, {}, {});", part_text(t, item.strides), item.text.text, name);
  } else {
    body_.line("copy({}, {}, {});", name, item.text.text, count_of(t));
  }
  return copy;
}

// What reads memory that is written, and what writes it.
bool MethodEmitter::emit_write(const Node& node) {
  const auto is_memory = [&](ValueId id) {
    const Item item = item_of(id);
    return (item.what == Item::What::kTensor || item.what == Item::What::kView) && has_fixed_size(type(id)) &&
           is_c_element(type(id).tensor.dtype);
  };
  if (node.op == Op::clone) {
    if (!is_memory(node.inputs[0])) return false;
    items_[node.outputs[0]] = dense(item_of(node.inputs[0]), type(node.inputs[0]), local_name(node.outputs[0]));
    return true;
  }
  if (node.op != Op::copy_ || !node.attributes.contains("separated")) return false;
  if (!is_memory(node.inputs[0]) || !is_memory(node.inputs[1])) return false;
  const Item to = item_of(node.inputs[0]), from = item_of(node.inputs[1]);
  if (from.what != Item::What::kTensor) return false;
  const Type& t = type(node.inputs[0]);
  body_.line("if (!ctx.ok()) return ctx.status();");
  if (to.what == Item::What::kView) {
    model_.headers.insert("runtime/kernels/plain.h");
    body_.line("scatter({}, {}, {});", part_text(t, to.strides), from.text.text, to.text.text);
  } else {
    body_.line("copy({}, {}, {});", to.text.text, from.text.text, count_of(t));
  }
  items_[node.outputs[0]] = to;
  return true;
}

}  // namespace tsc::codegen::freestanding
