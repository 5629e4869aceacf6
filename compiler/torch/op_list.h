// What compiles: every overload that a program may use.
#pragma once

#include <string>

namespace tsc {

// What `tsc --list-ops` prints, and docs/operators.md holds.
std::string op_list();

// Of an op "aten::name.overload" that doesn't compile, what is next to it: overloads of the same operator, or an operator
// whose name differs by a letter; empty when there is none.
std::string nearest_op(const std::string& op);

}  // namespace tsc
