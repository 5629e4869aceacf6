#include "compiler/ir/assert.h"

namespace tsc {

InternalError::InternalError(std::string_view file, int line, std::string_view condition, std::string_view message)
    : text_(fmt::format("{}:{}: {}", file, line, condition)) {
  if (!message.empty()) text_ += fmt::format(": {}", message);
}

void internal::fail_assert(const char* file, int line, const char* condition, const std::string& message) {
  throw InternalError(file, line, condition, message);
}

}  // namespace tsc
