// What `tsc --list-ops` prints, and docs/operators.md holds: every overload that a program may use.
#pragma once

#include <string>

namespace tsc {

std::string op_list();

}  // namespace tsc
