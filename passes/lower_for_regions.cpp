// What only the host layer of libraries has a kernel for is said in ops that regions hold. For targets without that
// layer, and for devices, which it is not on: on others its kernels run, on all threads.
#include <algorithm>
#include <cmath>
#include <optional>

#include "compiler/ir/assert.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

class Lowering {
 public:
  explicit Lowering(Graph& graph) : graph_(graph) {}

  void run() {
    std::vector<NodeId> nodes;
    for_each_live_node(graph_, [&](NodeId id) { nodes.push_back(id); });
    for (const NodeId id : nodes) {
      if (graph_.node(id).form != Form::kFunctional || graph_.node(id).outputs.size() != 1) continue;
      at_ = id;
      node_ = graph_.node(id);
      const Type out = type(node_.outputs[0]);
      if (!out.is_ranked_tensor()) continue;
      const std::optional<ValueId> result = lowered();
      if (!result) continue;
      TSC_ASSERT(type(*result).tensor.dims == out.tensor.dims && type(*result).tensor.dtype == out.tensor.dtype);
      graph_.value(*result).name = graph_.value(node_.outputs[0]).name;
      graph_.replace_uses(node_.outputs[0], *result);
      graph_.remove(id);
    }
  }

 private:
  using Axes = std::vector<int64_t>;  // sorted, from 0

  std::optional<ValueId> lowered() {
    switch (op_info(node_.op).op_class) {
      case OpClass::kReduction:
        return reduction();
      case OpClass::kNormalisation:
        return along_last_dim();
      case OpClass::kCreation:
        return creation();
      case OpClass::kMovement:
        return movement();
      case OpClass::kContraction:
        return product_of_vectors();
      default:
        return {};
    }
  }

  // Reductions.

  std::optional<ValueId> reduction() {
    const ValueId x = node_.inputs[0];
    if (!is_f32(x) || !is_f32(node_.outputs[0])) return {};
    const size_t index = find_input("dim");
    std::optional<Axes> axes = all_axes(x);
    if (index != SIZE_MAX && !graph_.is_none(node_.inputs[index])) axes = axes_of(node_.inputs[index], x);
    if (!axes) return {};
    const bool keep = find_input("keepdim") != SIZE_MAX && graph_.as_bool(operand("keepdim")) == true;
    if (find_input("keepdim") != SIZE_MAX && !graph_.as_bool(operand("keepdim"))) return {};
    switch (node_.op) {
      case Op::sum:
      case Op::sum_all:
        return reduce(Op::sum, x, *axes, keep);
      case Op::mean:
      case Op::mean_all:
        return reduce(Op::mean, x, *axes, keep);
      case Op::amax:
      case Op::max:
        return reduce(Op::amax, x, *axes, keep);
      case Op::amin:
      case Op::min:
        return reduce(Op::amin, x, *axes, keep);
      case Op::var:
      case Op::var_dim:
      case Op::var_all:
        return variance(x, *axes, keep);
      case Op::std:
      case Op::std_dim:
      case Op::std_all: {
        const auto squares = variance(x, *axes, keep);
        return squares ? std::optional(make(Op::sqrt, {*squares}, dims(*squares))) : std::nullopt;
      }
      case Op::norm:
      case Op::norm_all:
      case Op::linalg_vector_norm: {  // of order 2: sqrt(sum(x^2))
        const ValueId order = node_.inputs[1];
        if (graph_.as_double(order) != 2.0 && !(node_.op == Op::norm && graph_.is_none(order))) return {};
        const ValueId sum = reduce(Op::sum, make(Op::mul, {x, x}, dims(x)), *axes, keep);
        return make(Op::sqrt, {sum}, dims(sum));
      }
      default:
        return {};
    }
  }

  // The kernel reduces dims that are neighbours: one group of them after the other, the last first, so that those
  // before keep their places. Means of as many elements each may be taken one after the other, too.
  ValueId reduce(Op op, ValueId x, const Axes& axes, bool keep) {
    ValueId result = x;
    for (auto end = static_cast<int64_t>(axes.size()); end > 0;) {
      int64_t begin = end - 1;
      while (begin > 0 && axes[begin - 1] + 1 == axes[begin]) --begin;
      const Axes group(axes.begin() + begin, axes.begin() + end);
      std::vector<Dim> sizes = dims(result);
      if (keep) {
        for (const int64_t axis : group) sizes[axis] = Dim(1);
      } else {
        sizes.erase(sizes.begin() + group.front(), sizes.begin() + group.back() + 1);
      }
      std::vector<ValueId> inputs = {result, graph_.constant_ints(group), graph_.constant_bool(keep)};
      if (op == Op::sum || op == Op::mean) inputs.push_back(graph_.constant_none());
      result = make(op, std::move(inputs), std::move(sizes));
      end = begin;
    }
    return result;
  }

  // sum((x - mean(x))^2) / (count - correction), in two walks over x, as it must be where the mean is large.
  std::optional<ValueId> variance(ValueId x, const Axes& axes, bool keep) {
    double correction = 1;
    if (node_.op == Op::var || node_.op == Op::std) {
      const ValueId given = operand("correction");
      if (!graph_.is_none(given) && !graph_.as_double(given)) return {};
      if (!graph_.is_none(given)) correction = *graph_.as_double(given);
    } else {
      const auto unbiased = graph_.as_bool(operand("unbiased"));
      if (!unbiased) return {};
      correction = *unbiased ? 1 : 0;
    }
    double count = 1;
    for (const int64_t axis : axes) {
      if (!dims(x)[axis].constant()) return {};
      count *= static_cast<double>(*dims(x)[axis].constant());
    }
    if (count - correction < 1) return {};
    const ValueId mean = reduce(Op::mean, x, axes, true);
    const ValueId distance = make(Op::sub, {x, mean, graph_.constant_int(1)}, dims(x));
    const ValueId sum = reduce(Op::sum, make(Op::mul, {distance, distance}, dims(x)), axes, keep);
    return make(Op::div, {sum, graph_.constant_float(count - correction)}, dims(sum));
  }

  // Softmax of another dim than the last one, which is put there and back.
  std::optional<ValueId> along_last_dim() {
    if (node_.op != Op::softmax && node_.op != Op::log_softmax) return {};
    const ValueId x = node_.inputs[0];
    const auto dim = graph_.as_int(node_.inputs[1]);
    if (!dim || !is_f32(x) || !is_f32(node_.outputs[0]) || dims(x).empty()) return {};
    const auto last = static_cast<int64_t>(dims(x).size()) - 1;
    const int64_t axis = *dim < 0 ? *dim + last + 1 : *dim;
    if (axis == last) return {};
    const ValueId turned = transpose(x, axis, last);
    const ValueId result = make(node_.op, {turned, graph_.constant_int(last), node_.inputs[2]}, dims(turned));
    return transpose(result, axis, last);
  }

  // A vector is a matrix of one row on the left of a product, of one column on the right.
  std::optional<ValueId> product_of_vectors() {
    if (node_.op != Op::mv && node_.op != Op::matmul && node_.op != Op::dot) return {};
    const ValueId a = node_.inputs[0], b = node_.inputs[1];
    if (!is_f32(a) || !is_f32(b)) return {};
    const bool is_row = dims(a).size() == 1, is_column = dims(b).size() == 1;
    if (is_row && is_column) return reduce(Op::sum, make(Op::mul, {a, b}, dims(a)), Axes{0}, false);
    if ((!is_row && !is_column) || dims(a).empty() || dims(b).empty()) return {};
    std::vector<Dim> sizes = dims(node_.outputs[0]);
    const auto axis = static_cast<int64_t>(sizes.size()) - (is_row ? 1 : 0);
    sizes.insert(sizes.begin() + axis, Dim(1));
    const ValueId product =
        make(Op::matmul, {is_row ? unsqueezed(a, 0) : a, is_column ? unsqueezed(b, 1) : b}, std::move(sizes));
    return make(Op::select, {product, graph_.constant_int(axis), graph_.constant_int(0)}, dims(node_.outputs[0]));
  }
  ValueId unsqueezed(ValueId x, int64_t axis) {
    std::vector<Dim> sizes = dims(x);
    sizes.insert(sizes.begin() + axis, Dim(1));
    return make(Op::unsqueeze, {x, graph_.constant_int(axis)}, std::move(sizes));
  }

  // Creation: of zeros and ones, and of these times a number.

  std::optional<ValueId> creation() {
    const std::vector<Dim>& sizes = dims(node_.outputs[0]);
    if (!std::ranges::all_of(sizes, [](const Dim& dim) { return dim.constant().has_value(); })) return {};
    switch (node_.op) {
      case Op::zero:
      case Op::zeros_like:
      case Op::new_zeros:
      case Op::empty:  // whatever is there would do; this is the same each time
      case Op::empty_like:
      case Op::new_empty:
        return filled(Op::zeros, sizes);
      case Op::ones_like:
      case Op::new_ones:
        return filled(Op::ones, sizes);
      case Op::full:
      case Op::full_like:
      case Op::new_full:
      case Op::fill: {
        const ValueId value = operand(node_.op == Op::fill ? "value" : "fill_value");
        const auto number = graph_.as_double(value);
        const DType dtype = type(node_.outputs[0]).tensor.dtype;
        if (!number || dtype == DType::kBool || !graph_.is_constant(value)) return {};
        if (!is_floating(dtype) && *number != std::trunc(*number)) return {};
        return make(Op::mul, {filled(Op::ones, sizes), value}, sizes);
      }
      default:
        return {};
    }
  }

  ValueId filled(Op op, const std::vector<Dim>& sizes) {
    std::vector<int64_t> numbers;
    for (const Dim& dim : sizes) numbers.push_back(*dim.constant());
    const ValueId none = graph_.constant_none();
    const auto dtype = static_cast<int64_t>(type(node_.outputs[0]).tensor.dtype);
    return make(op, {graph_.constant_ints(numbers), graph_.constant_int(dtype), none, none, none}, sizes);
  }

  // Movement: what a cat of parts makes.

  std::optional<ValueId> movement() {
    const ValueId x = node_.inputs[0];
    if (!type(x).is_ranked_tensor()) return {};
    if (!std::ranges::all_of(dims(x), [](const Dim& dim) { return dim.constant().has_value(); })) return {};
    switch (node_.op) {
      case Op::constant_pad_nd:
        return padded(x, operand("pad"), graph_.as_double(operand("value")));
      case Op::pad: {
        if (graph_.as_str(operand("mode")) != "constant") return {};
        const ValueId value = operand("value");
        return padded(x, operand("pad"), graph_.is_none(value) ? std::optional(0.0) : graph_.as_double(value));
      }
      case Op::roll:
        return rolled(x);
      default:
        return {};
    }
  }

  // Sizes beside the last dims, the last first; negative ones cut.
  std::optional<ValueId> padded(ValueId x, ValueId pad, const std::optional<double>& value) {
    const auto widths = graph_.as_ints(pad);
    if (!widths || value != 0.0) return {};
    ValueId result = x;
    for (size_t i = 0; i + 1 < widths->size(); i += 2) {
      const auto axis = static_cast<int64_t>(dims(x).size()) - 1 - static_cast<int64_t>(i / 2);
      const int64_t before = (*widths)[i], after = (*widths)[i + 1], size = *dims(result)[axis].constant();
      if (axis < 0 || before < -size || after < -size || before + after + size < 1) return {};
      const int64_t begin = std::max<int64_t>(0, -before), end = size + std::min<int64_t>(0, after);
      if (begin >= end) return {};
      std::vector<ValueId> parts;
      if (before > 0) parts.push_back(zeros_beside(result, axis, before));
      parts.push_back(slice(result, axis, begin, end));
      if (after > 0) parts.push_back(zeros_beside(result, axis, after));
      result = cat(parts, axis);
    }
    return result;
  }

  // The dims, each in turn; without dims the elements in their order, which is left to others.
  std::optional<ValueId> rolled(ValueId x) {
    const auto shifts = graph_.as_ints(operand("shifts")), given = graph_.as_ints(operand("dims"));
    if (!shifts || !given || given->empty() || shifts->size() != given->size()) return {};
    ValueId result = x;
    for (size_t i = 0; i < given->size(); ++i) {
      const auto rank = static_cast<int64_t>(dims(x).size());
      const int64_t axis = (*given)[i] < 0 ? (*given)[i] + rank : (*given)[i];
      if (axis < 0 || axis >= rank) return {};
      const int64_t size = *dims(x)[axis].constant();
      if (size < 1) return {};
      const int64_t first = (size - (*shifts)[i] % size) % size;  // what comes to stand first
      if (first != 0) result = cat({slice(result, axis, first, size), slice(result, axis, 0, first)}, axis);
    }
    return result == x ? std::nullopt : std::optional(result);
  }

  ValueId zeros_beside(ValueId x, int64_t axis, int64_t size) {
    std::vector<Dim> sizes = dims(x);
    sizes[axis] = Dim(size);
    return filled(Op::zeros, sizes);
  }
  ValueId slice(ValueId x, int64_t axis, int64_t begin, int64_t end) {
    std::vector<Dim> sizes = dims(x);
    if (sizes[axis].is_constant(end - begin)) return x;
    sizes[axis] = Dim(end - begin);
    const auto number = [&](int64_t value) { return graph_.constant_int(value); };
    return make(Op::slice, {x, number(axis), number(begin), number(end), number(1)}, std::move(sizes));
  }
  ValueId cat(const std::vector<ValueId>& parts, int64_t axis) {
    if (parts.size() == 1) return parts[0];
    std::vector<Dim> sizes = dims(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i) sizes[axis] = sizes[axis] + dims(parts[i])[axis];
    const NodeId list = graph_.make_node(Op::list, parts, {Type::list(Type::make_tensor())}, node_.source);
    graph_.insert_before(list, at_);
    return make(Op::cat, {graph_.node(list).outputs[0], graph_.constant_int(axis)}, std::move(sizes));
  }
  ValueId transpose(ValueId x, int64_t a, int64_t b) {
    std::vector<Dim> sizes = dims(x);
    std::swap(sizes[a], sizes[b]);
    return make(Op::transpose, {x, graph_.constant_int(a), graph_.constant_int(b)}, std::move(sizes));
  }

  // Operands.

  const Type& type(ValueId id) const { return graph_.value(id).type; }
  std::vector<Dim> dims(ValueId id) const { return type(id).tensor.dims; }
  bool is_f32(ValueId id) const { return type(id).is_ranked_tensor() && type(id).tensor.dtype == DType::kFloat32; }
  size_t find_input(std::string_view name) const {
    const auto& inputs = op_info(node_.op).inputs;
    const auto found = std::ranges::find_if(inputs, [&](const auto& input) { return input.name == name; });
    return found == inputs.end() ? SIZE_MAX : static_cast<size_t>(found - inputs.begin());
  }
  ValueId operand(std::string_view name) const { return node_.inputs[input_index(node_.op, name)]; }

  std::optional<Axes> all_axes(ValueId x) const {
    Axes axes;
    for (size_t i = 0; i < dims(x).size(); ++i) axes.push_back(static_cast<int64_t>(i));
    if (axes.empty()) return {};
    return axes;
  }
  // No dims are all of them.
  std::optional<Axes> axes_of(ValueId operand, ValueId x) const {
    std::optional<Axes> axes = graph_.as_ints(operand);
    if (const auto one = graph_.as_int(operand); !axes && one) axes = Axes{*one};
    if (!axes || axes->empty()) return axes ? all_axes(x) : std::nullopt;
    const auto rank = static_cast<int64_t>(dims(x).size());
    for (int64_t& axis : *axes) axis = axis < 0 ? axis + rank : axis;
    std::ranges::sort(*axes);
    const bool is_valid = axes->front() >= 0 && axes->back() < rank && std::ranges::adjacent_find(*axes) == axes->end();
    return is_valid ? axes : std::nullopt;
  }

  // A node of the result's dtype, before the one that it stands for.
  ValueId make(Op op, std::vector<ValueId> inputs, std::vector<Dim> sizes) {
    const DType dtype = type(node_.outputs[0]).tensor.dtype;
    const NodeId made =
        graph_.make_node(op, std::move(inputs), {Type::make_tensor(dtype, std::move(sizes))}, node_.source);
    graph_.insert_before(made, at_);
    return graph_.node(made).outputs[0];
  }

  Graph& graph_;
  NodeId at_ = kNoId;
  Node node_;  // a copy: nodes move when others are made
};

}  // namespace

void lower_for_regions(Graph& graph) { Lowering(graph).run(); }

}  // namespace tsc::passes
