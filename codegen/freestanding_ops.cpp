// Ops that no region holds, as calls of runtime/kernels/plain.h.
#include <algorithm>

#include "codegen/freestanding_method.h"

namespace tsc::codegen::freestanding {

namespace {

// How the function of plain.h is called: (lines, [leading,] input, outputs...).
enum class Shape : uint8_t { kArgument, kExtreme, kOrder, kOrderOfIndices, kFold, kScan };

struct PlainOp {
  Op op;
  Shape shape;
  const char* function;  // "" where an operand tells which: fold<FoldSum>
};
constexpr PlainOp kPlainOps[] = {
    {Op::argmax, Shape::kArgument, "arg_extreme<true>"},
    {Op::argmin, Shape::kArgument, "arg_extreme<false>"},
    {Op::max_dim, Shape::kExtreme, "arg_extreme<true>"},
    {Op::min_dim, Shape::kExtreme, "arg_extreme<false>"},
    {Op::amax, Shape::kExtreme, "arg_extreme<true>"},
    {Op::amin, Shape::kExtreme, "arg_extreme<false>"},
    {Op::max, Shape::kExtreme, "arg_extreme<true>"},
    {Op::min, Shape::kExtreme, "arg_extreme<false>"},
    {Op::topk, Shape::kOrder, ""},
    {Op::sort, Shape::kOrder, ""},
    {Op::argsort, Shape::kOrderOfIndices, ""},
    {Op::sum, Shape::kFold, "fold<FoldSum>"},
    {Op::sum_all, Shape::kFold, "fold<FoldSum>"},
    {Op::prod, Shape::kFold, "fold<FoldProduct>"},
    {Op::prod_all, Shape::kFold, "fold<FoldProduct>"},
    {Op::any, Shape::kFold, "fold<FoldAny>"},
    {Op::any_dim, Shape::kFold, "fold<FoldAny>"},
    {Op::all, Shape::kFold, "fold<FoldAll>"},
    {Op::all_dim, Shape::kFold, "fold<FoldAll>"},
    {Op::cumsum, Shape::kScan, "scan<FoldSum>"},
    {Op::cumprod, Shape::kScan, "scan<FoldProduct>"},
};

}  // namespace

// The dims that the op runs along as one: neighbours, or all of them where it names none.
std::optional<std::string> MethodEmitter::lines_of(const Node& node) const {
  const auto& dims = type(node.inputs[0]).tensor.dims;
  const auto rank = static_cast<int64_t>(dims.size());
  std::vector<int64_t> axes;
  const auto& operands = op_info(node.op).inputs;
  const auto dim = std::ranges::find_if(operands, [](const auto& operand) { return operand.name == "dim"; });
  if (dim != operands.end()) {
    const ValueId value = node.inputs[static_cast<size_t>(dim - operands.begin())];
    if (const auto one = graph_.as_int(value)) {
      axes = {*one};
    } else if (const auto several = graph_.as_ints(value)) {
      axes = *several;
    } else if (!graph_.is_none(value)) {
      return {};
    }
  }
  for (int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
  std::ranges::sort(axes);
  for (size_t i = 1; i < axes.size(); ++i) {
    if (axes[i] != axes[i - 1] + 1) return {};
  }
  const int64_t first = axes.empty() ? 0 : axes.front(), last = axes.empty() ? rank - 1 : axes.back();
  int64_t parts[3] = {1, 1, 1};
  for (int64_t i = 0; i < rank; ++i) parts[i < first ? 0 : i <= last ? 1 : 2] *= *dims[i].constant();
  return fmt::format("Lines{{{}, {}, {}}}", parts[0], parts[1], parts[2]);
}

// False where the op is none of these, or something of it is told at run time.
bool MethodEmitter::emit_plain(const Node& node) {
  if (node.form != Form::kFunctional) return false;
  for (const ValueId output : node.outputs) {
    if (!has_fixed_size(type(output)) || !is_c_element(type(output).tensor.dtype)) return false;
  }
  if (node.op == Op::full || node.op == Op::full_like || node.op == Op::new_full || node.op == Op::fill)
    return emit_fill(node);
  if (node.op == Op::linear_integer || node.op == Op::conv2d_integer || node.op == Op::max_pool2d)
    return emit_of_bytes(node);
  const auto* plain = std::ranges::find(kPlainOps, node.op, &PlainOp::op);
  if (plain == std::end(kPlainOps)) return false;
  const Type& from = type(node.inputs[0]);
  const Item input = item_of(node.inputs[0]);
  if (input.what != Item::What::kTensor || !has_fixed_size(from) || !is_c_element(from.tensor.dtype)) return false;
  const auto lines = lines_of(node);
  if (!lines) return false;
  std::string function = plain->function, leading, places;
  if (plain->shape == Shape::kOrder || plain->shape == Shape::kOrderOfIndices) {
    const auto greatest =
        graph_.as_bool(node.inputs[input_index(node.op, node.op == Op::topk ? "largest" : "descending")]);
    const auto dim = graph_.as_int(node.inputs[input_index(node.op, "dim")]);
    if (!greatest || !dim) return false;
    const auto& dims = type(node.outputs[0]).tensor.dims;
    const int64_t count =
        dims.empty()
            ? 1
            : *dims[static_cast<size_t>(*dim < 0 ? *dim + static_cast<int64_t>(dims.size()) : *dim)].constant();
    function = fmt::format("in_order<{}>", *greatest);
    leading = fmt::format("i64{{{}}}, ", count);
    // Few steps are taken without memory beside; others by merging indices of 4 bytes, from one half to the other.
    const auto& all = from.tensor.dims;
    const int64_t length =
        all.empty() ? 1
                    : *all[static_cast<size_t>(*dim < 0 ? *dim + static_cast<int64_t>(all.size()) : *dim)].constant();
    constexpr int64_t kFew = 8;
    if (count > kFew && length <= INT32_MAX) {
      places = locals_.unique("places");
      pieces_.push_back({.element = "int32_t",
                         .name = places,
                         .comment = "to sort with",
                         .block = {.bytes = 2 * length * 4, .first = time_, .last = time_}});
      places = ", " + places;
    }
  }
  std::vector<std::string> results;
  for (const ValueId output : node.outputs) {
    Item item{.what = Item::What::kTensor, .text = {local_name(output)}};
    item.pieces = {add_piece(type(output), item.text.text)};
    results.push_back(item.text.text);
    items_[output] = item;
  }
  // Those that give values and indices are asked for one of them by some ops.
  const std::string element = cpp_element(from.tensor.dtype);
  if (plain->shape == Shape::kArgument || plain->shape == Shape::kOrderOfIndices)
    results.insert(results.begin(), fmt::format("static_cast<{}*>(nullptr)", element));
  if (plain->shape == Shape::kExtreme && results.size() == 1) results.emplace_back("static_cast<i64*>(nullptr)");
  model_.headers.insert("runtime/kernels/plain.h");
  body_.line("{}({}, {}{}, {}{});  // {}", function, *lines, leading, input.text.text, fmt::join(results, ", "), places,
             source_comment(graph_.source(node)));
  return true;
}

// With a number that the program computes; others are constants.
bool MethodEmitter::emit_fill(const Node& node) {
  const Item value = item_of(node.inputs[input_index(node.op, node.op == Op::fill ? "value" : "fill_value")]);
  if (value.what != Item::What::kNumber) return false;
  const ValueId output = node.outputs[0];
  Item item{.what = Item::What::kTensor, .text = {local_name(output)}};
  item.pieces = {add_piece(type(output), item.text.text)};
  model_.headers.insert("runtime/kernels/plain.h");
  body_.line("fill({}, {}, {});", count_of(type(output)), item.text.text, value.text.text);
  items_[output] = item;
  return true;
}

// Ops of quantised models: products of uint8 and int8 as int32, and poolings.
bool MethodEmitter::emit_of_bytes(const Node& node) {
  const bool is_product = node.op != Op::max_pool2d;
  const Type &input = type(node.inputs[0]), &output = type(node.outputs[0]);
  if (!has_fixed_size(input) || !is_integral(input.tensor.dtype)) return false;
  if (is_product && (input.tensor.dtype != DType::kUInt8 || !has_fixed_size(type(node.inputs[1])))) return false;
  if (is_product && type(node.inputs[1]).tensor.dtype != DType::kInt8) return false;
  const auto size = [](const Type& t, size_t axis) { return *t.tensor.dims[axis].constant(); };
  std::string sizes;
  if (node.op == Op::linear_integer) {
    const int64_t columns = size(type(node.inputs[1]), 0), depth = size(type(node.inputs[1]), 1);
    sizes = fmt::format("{}, {}, {}", count_of(output) / columns, columns, depth);
  } else {
    const auto pair = [&](const char* name) { return graph_.as_ints(node.inputs[input_index(node.op, name)]); };
    auto stride = pair("stride");
    const auto padding = pair("padding"), dilation = pair("dilation");
    if (!stride || !padding || !dilation || input.tensor.dims.size() != 4) return false;
    int64_t groups = size(input, 1), kernel[2], padding_value = 0;
    if (is_product) {
      const auto given = graph_.as_int(node.inputs[input_index(node.op, "groups")]);
      const auto value = graph_.as_int(node.inputs[input_index(node.op, "padding_value")]);
      if (!given || !value) return false;
      groups = *given;
      padding_value = *value;
      for (size_t i = 0; i < 2; ++i) kernel[i] = size(type(node.inputs[1]), 2 + i);
    } else {
      const auto given = pair("kernel_size");
      if (!given) return false;
      kernel[0] = given->front();
      kernel[1] = given->back();
      if (stride->empty()) stride = given;
    }
    const auto each = [](const std::vector<int64_t>& list) { return fmt::format("{}, {}", list.front(), list.back()); };
    sizes = fmt::format("ImageWindows{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}", size(input, 0),
                        groups, size(input, 1) / groups, size(input, 2), size(input, 3), size(output, 1) / groups,
                        size(output, 2), size(output, 3), kernel[0], kernel[1], each(*stride), each(*padding),
                        each(*dilation), padding_value);
  }
  const Item x = item_of(node.inputs[0]);
  if (x.what != Item::What::kTensor) return false;
  std::string operands = x.text.text;
  if (is_product) {
    const Item weight = item_of(node.inputs[1]);
    if (weight.what != Item::What::kTensor) return false;
    operands += ", " + weight.text.text;
  }
  const ValueId result = node.outputs[0];
  Item item{.what = Item::What::kTensor, .text = {local_name(result)}};
  item.pieces = {add_piece(output, item.text.text)};
  model_.headers.insert("runtime/kernels/plain.h");
  body_.line("{}({}, {}, {});  // {}", op_info(node.op).name, sizes, operands, item.text.text,
             source_comment(graph_.source(node)));
  items_[result] = item;
  return true;
}

}  // namespace tsc::codegen::freestanding
