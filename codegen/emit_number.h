// Numbers in host programs: C++ operators where they mean what TorchScript's mean and cannot fail.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "compiler/ir/graph.h"

namespace tsc::codegen {

// How tightly an expression holds together, from names and calls to `||`. What holds less needs parentheses.
enum class Precedence { kPrimary, kUnary, kProduct, kSum, kComparison, kEquality, kAnd, kOr, kChoice };

struct Expression {
  std::string text;
  Precedence precedence = Precedence::kPrimary;
  // What the number is where the IR says only that it is one.
  std::optional<ir::Type::Kind> kind = std::nullopt;

  // In parentheses where it holds together less than `loosest`.
  std::string within(Precedence loosest) const;
};

// The expression of an op of ints, floats, bools and strings that has one: `a * b`, `wrap_add(i, 1)`, `x != 0`.
std::optional<Expression> number_expression(const ir::Graph& graph, const ir::Node& node,
                                            const std::function<Expression(ir::ValueId)>& operand);

Expression negation(const Expression& condition);
Expression both(const Expression& a, const Expression& b);
Expression either(const Expression& a, const Expression& b);

}  // namespace tsc::codegen
