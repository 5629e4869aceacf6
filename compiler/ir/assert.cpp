#include "compiler/ir/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tsc::ir {

void fail_assertion(const char* file, int line, const char* condition, const std::string& message) {
  fmt::print(stderr, "tsc: internal error at {}:{}: {} ({})\n", file, line, message, condition);
  std::abort();
}

}  // namespace tsc::ir
