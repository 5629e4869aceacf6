// Checks that a Graph is a valid program. Run after every pass in debug builds, and on parsed text.
//
// Structure
//   1. Every id is in range, and every class id names a class.
//   2. A value in use has exactly one definition: an output of a node in a block, a parameter of a block, or a
//   constant;
//      and it knows that definition.
//   3. A node stands in at most one block and once; a block belongs to one function or one node, which it knows.
// SSA form
//   4. An operand or result is a constant, or defined before its use in the same block or in one around it, within the
//      same function. A removed node defines nothing.
// Operations
//   5. Operands and outputs are as many as the schema says.
//   6. `if` has a condition and two blocks without parameters; `loop` has a count, a condition and carried values, its
//      body takes the index and the carried values and returns the condition and the carried values; `region` and
//      `group` have one block, with a parameter for each operand. No other node has blocks.
//   7. The values that leave an inner block, or are carried into the next iteration, fit the types of what receives
//      them: the same kind, or an optional, union, number or any that holds it; element types and ranks agree where
//      both are known.
//   8. A function has one result, and as many names and defaults as parameters; a constraint names a function and,
//      unless it is kEqual, one of its parameters.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::ir {

// What is wrong, each with the number of the invariant: "4: %x is used before its definition: %y = relu %x". Empty
// when nothing is.
std::vector<std::string> verify(const Graph& graph);

// Whether a value of type `actual` may stand where `expected` is declared (invariant 7).
bool fits(const Type& actual, const Type& expected);

}  // namespace tsc::ir
