#include "codegen/emit_pointwise.h"

#include <fmt/format.h>

#include "codegen/emit_common.h"
#include "codegen/writer.h"
#include "compiler/ir/assert.h"
#include "compiler/ir/infer.h"
#include "passes/region.h"

namespace tsc::codegen {

using namespace ir;

namespace {

class Expression {
 public:
  Expression(const Graph& graph, const Node& node, const PointwiseOperands& operands)
      : graph_(graph), node_(node), operands_(operands), compute_(compute_dtype()) {}

  std::string text() const {
    switch (node_.op) {
      case Op::add:
      case Op::sub:
        return call(op_info(node_.op).name, {in(0), scaled(1, 2)});
      case Op::rsub:
        return call("sub", {in(1), scaled(0, 2)});
      case Op::div_mode:
        return divided();
      case Op::to_dtype: case Op::to_device: case Op::to_prim_dtype: case Op::to_prim_device: case Op::to_other:
      case Op::type_as: case Op::clone: case Op::contiguous: case Op::dropout: case Op::feature_dropout:
      case Op::alpha_dropout:
        return tensor(0, result());
      case Op::gelu:
        return call(graph_.as_str(node_.inputs[1]) == "tanh" ? "gelu_tanh" : "gelu", {in(0)});
      case Op::clamp: case Op::clamp_tensor:
        return clamped();
      case Op::masked_fill:
        return call("where", {mask(1), in(2), in(0)});
      case Op::where:
        return call("where", {mask(0), in(1), in(2)});
      case Op::pow:
        return power();
      case Op::addcmul:
        return call("add", {in(0), call("mul", {number(3), call("mul", {in(1), in(2)})})});
      case Op::addcdiv:
        return call("add", {in(0), call("mul", {number(3), call("div", {in(1), in(2)})})});
      default: {
        std::vector<std::string> inputs;
        for (size_t i = 0; i < node_.inputs.size(); ++i) inputs.push_back(in(i));
        return call(op_info(node_.op).name, inputs);
      }
    }
  }

 private:
  const Type& type(size_t i) const { return graph_.value(node_.inputs[i]).type; }
  DType result() const { return graph_.value(node_.outputs[0]).type.tensor.dtype; }

  // The dtype in which PyTorch computes: the result's, or for comparisons and logic the operands' common one.
  DType compute_dtype() const {
    return op_info(node_.op).dtype_rule == DTypeRule::kBool ? ir::result_type(graph_, node_.inputs) : result();
  }

  static std::string call(std::string_view function, const std::vector<std::string>& inputs) {
    std::string text;
    for (const std::string& input : inputs) text += (text.empty() ? "" : ", ") + input;
    return fmt::format("math::{}({})", function, text);
  }

  std::string number(size_t i) const {
    // Generic values are floats; others say their lanes.
    const std::string element = cpp_value(compute_);
    const std::string lanes = operands_.vector != "V" ? fmt::format("Vec<{}, kLanes>", element)
                              : compute_ == DType::kFloat32 ? "V" : fmt::format("Rebind<V, {}>", element);
    const auto value = graph_.as_double(node_.inputs[i]);
    TSC_ASSERT(value.has_value(), "a pointwise op's number is a constant");
    if (is_floating(compute_)) {
      return fmt::format("splat<{}>({})", lanes,
                         float_literal(*value, compute_ == DType::kFloat64));
    }
    if (compute_ == DType::kBool) return fmt::format("splat<{}>({})", lanes, *value != 0);
    // A float that an integer takes loses its fraction, as in masked_fill.
    const auto integer = graph_.as_int(node_.inputs[i]);
    return fmt::format("splat<{}>({})", lanes, integer ? *integer : static_cast<int64_t>(*value));
  }

  std::string tensor(size_t i, DType as) const {
    const std::string text = operands_.tensor(node_.inputs[i]);
    if (type(i).tensor.dtype == as) return text;
    const std::string converted = fmt::format("convert<{}>({})", cpp_value(as), text);
    // What the program makes a half of is rounded, unlike results of halves that go on to the next op.
    return passes::is_half(as) ? fmt::format("static_cast<float>({}({}))", cpp_element(as), converted) : converted;
  }

  std::string in(size_t i) const {
    return type(i).is_tensor() ? tensor(i, compute_) : number(i);
  }
  std::string mask(size_t i) const { return tensor(i, DType::kBool); }

  // Operand i times the number j, which is usually 1.
  std::string scaled(size_t i, size_t j) const {
    if (graph_.as_double(node_.inputs[j]) == 1.0) return in(i);
    return call("mul", {number(j), in(i)});
  }

  std::string divided() const {
    const auto mode = graph_.as_str(node_.inputs[2]);
    if (!mode) return call("div", {in(0), in(1)});
    if (*mode == "floor") return call("floor_divide", {in(0), in(1)});
    return is_floating(compute_) ? call("trunc", {call("div", {in(0), in(1)})}) : call("div_trunc", {in(0), in(1)});
  }

  std::string clamped() const {
    const bool low = !graph_.is_none(node_.inputs[1]);
    const bool high = !graph_.is_none(node_.inputs[2]);
    std::string text = in(0);
    if (low) text = call("clamp_min", {text, in(1)});
    if (high) text = call("clamp_max", {text, in(2)});
    return text;
  }

  std::string power() const {
    if (!type(1).is_tensor() && type(0).is_tensor()) {
      const auto exponent = graph_.as_double(node_.inputs[1]);
      if (exponent == 2.0) return call("mul", {in(0), in(0)});
      if (exponent == 3.0) return call("mul", {call("mul", {in(0), in(0)}), in(0)});
      if (exponent == 0.5 && is_floating(compute_)) return call("sqrt", {in(0)});
      if (exponent == -0.5 && is_floating(compute_)) return call("rsqrt", {in(0)});
      if (exponent == -1.0 && is_floating(compute_)) return call("reciprocal", {in(0)});
      if (exponent == -2.0 && is_floating(compute_)) return call("square", {call("reciprocal", {in(0)})});
    }
    return call("pow", {in(0), in(1)});
  }

  const Graph& graph_;
  const Node& node_;
  const PointwiseOperands& operands_;
  DType compute_;
};

}  // namespace

std::string pointwise_expression(const Graph& graph, const Node& node, const PointwiseOperands& operands) {
  return Expression(graph, node, operands).text();
}

}  // namespace tsc::codegen
