#include "codegen/emit_number.h"

#include <fmt/format.h>

#include "codegen/writer.h"

namespace tsc::codegen {

using namespace ir;

namespace {

using Kind = Type::Kind;

// Both sides of an operator whose operands group to the left.
Expression infix(const Expression& a, const char* sign, const Expression& b, Precedence precedence) {
  const auto tighter = static_cast<Precedence>(static_cast<int>(precedence) - 1);
  return {fmt::format("{} {} {}", a.within(precedence), sign, b.within(tighter)), precedence};
}
Expression call(std::string_view function, const Expression& a, const Expression& b) {
  return {fmt::format("{}({}, {})", function, a.text, b.text)};
}

struct Operator {
  Op op;
  const char* sign;
  Precedence precedence;
  const char* wrapping = "";  // the function for ints, whose results wrap around in TorchScript
};
constexpr Operator kArithmetic[] = {
    {Op::scalar_add, "+", Precedence::kSum, "wrap_add"},
    {Op::scalar_sub, "-", Precedence::kSum, "wrap_sub"},
    {Op::scalar_mul, "*", Precedence::kProduct, "wrap_mul"},
};
constexpr Operator kComparisons[] = {
    {Op::scalar_eq, "==", Precedence::kEquality},  {Op::scalar_ne, "!=", Precedence::kEquality},
    {Op::scalar_lt, "<", Precedence::kComparison}, {Op::scalar_le, "<=", Precedence::kComparison},
    {Op::scalar_gt, ">", Precedence::kComparison}, {Op::scalar_ge, ">=", Precedence::kComparison},
    {Op::bool_xor, "!=", Precedence::kEquality},
};

class NumberExpression {
 public:
  NumberExpression(const Graph& graph, const Node& node, const std::function<Expression(ValueId)>& operand)
      : graph_(graph), node_(node), operand_(operand) {}

  std::optional<Expression> run() const {
    for (const Operator& o : kArithmetic) {
      if (o.op == node_.op) return arithmetic(o);
    }
    for (const Operator& o : kComparisons) {
      if (o.op == node_.op) return comparison(o);
    }
    switch (node_.op) {
      case Op::scalar_div:
        // By a number that is not 0.
        if (!is(0, Kind::kFloat) || !is_number(1) || !graph_.is_constant(node_.inputs[1]) || is_zero(node_.inputs[1]))
          return {};
        return infix(as_float(0), "/", as_float(1), Precedence::kProduct);
      case Op::scalar_neg: {
        if (is(0, Kind::kInt)) return call("wrap_sub", {"0"}, operand(0));
        if (!is(0, Kind::kFloat)) return {};
        const std::string text = operand(0).within(Precedence::kPrimary);
        return Expression{text[0] == '-' ? "-(" + text + ")" : "-" + text, Precedence::kUnary};
      }
      case Op::bool_not:
        return negation(operand(0));
      case Op::bool_and:
        return both(operand(0), operand(1));
      case Op::bool_or:
        return either(operand(0), operand(1));
      case Op::to_float:
        return is_number(0) ? std::optional(as_float(0)) : std::nullopt;
      case Op::to_bool:
        if (is(0, Kind::kBool)) return operand(0);
        return is(0, Kind::kInt) ? std::optional(infix(operand(0), "!=", {"0"}, Precedence::kEquality)) : std::nullopt;
      default:
        return {};
    }
  }

 private:
  const Type& type(size_t input) const { return graph_.value(node_.inputs[input]).type; }
  bool is(size_t input, Kind kind) const {
    if (type(input).is(Kind::kNumber)) return operand(input).kind == kind;
    return type(input).is(kind);
  }
  bool is_number(size_t input) const { return is(input, Kind::kInt) || is(input, Kind::kFloat); }
  Expression operand(size_t input) const { return operand_(node_.inputs[input]); }
  bool is_zero(ValueId id) const { return graph_.as_double(id).value_or(0.0) == 0.0; }

  Expression as_float(size_t input) const {
    if (is(input, Kind::kFloat)) return operand(input);
    const ValueId id = node_.inputs[input];
    if (graph_.is_constant(id)) return {float_literal(*graph_.as_double(id), true)};
    return {fmt::format("static_cast<double>({})", operand(input).text)};
  }

  std::optional<Expression> arithmetic(const Operator& o) const {
    if (!is_number(0) || !is_number(1)) return {};
    if (is(0, Kind::kInt) && is(1, Kind::kInt)) return call(o.wrapping, operand(0), operand(1));
    return infix(as_float(0), o.sign, as_float(1), o.precedence);
  }

  std::optional<Expression> comparison(const Operator& o) const {
    if (is_number(0) && is_number(1)) {
      if (is(0, Kind::kInt) && is(1, Kind::kInt)) return infix(operand(0), o.sign, operand(1), o.precedence);
      return infix(as_float(0), o.sign, as_float(1), o.precedence);
    }
    const bool is_equality = o.precedence == Precedence::kEquality;
    for (const Kind kind : {Kind::kBool, Kind::kStr, Kind::kEnum}) {
      if (is_equality && is(0, kind) && is(1, kind)) return infix(operand(0), o.sign, operand(1), o.precedence);
    }
    return {};
  }

  const Graph& graph_;
  const Node& node_;
  const std::function<Expression(ValueId)>& operand_;
};

}  // namespace

std::string Expression::within(Precedence loosest) const { return precedence > loosest ? "(" + text + ")" : text; }

std::optional<Expression> number_expression(const Graph& graph, const Node& node,
                                            const std::function<Expression(ValueId)>& operand) {
  return NumberExpression(graph, node, operand).run();
}

Expression negation(const Expression& condition) {
  return {"!" + condition.within(Precedence::kPrimary), Precedence::kUnary};
}
Expression both(const Expression& a, const Expression& b) { return infix(a, "&&", b, Precedence::kAnd); }
// With parentheses around &&, which compilers ask for.
Expression either(const Expression& a, const Expression& b) {
  const auto part = [](const Expression& e) {
    return e.precedence == Precedence::kOr ? e.text : e.within(Precedence::kEquality);
  };
  return {fmt::format("{} || {}", part(a), part(b)), Precedence::kOr};
}

}  // namespace tsc::codegen
