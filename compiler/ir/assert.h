// Assertions about the compiler itself. What a user's model can cause is a Diagnostic (compiler/diagnostic.h), never
// an assertion.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace tsc {

// A bug of the compiler. Nothing but `main` catches it.
class InternalError : public std::exception {
 public:
  InternalError(std::string_view file, int line, std::string_view condition, std::string_view message);
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

namespace internal {
[[noreturn]] void fail_assert(const char* file, int line, const char* condition, const std::string& message);
inline std::string assert_message() { return {}; }
template <class... Args>
std::string assert_message(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}
}  // namespace internal

// TSC_ASSERT(condition) or TSC_ASSERT(condition, "format {}", values...): what must hold unless the compiler has a bug.
#define TSC_ASSERT(condition, ...) \
  ((condition)                     \
       ? void()                    \
       : ::tsc::internal::fail_assert(__FILE__, __LINE__, #condition, ::tsc::internal::assert_message(__VA_ARGS__)))

}  // namespace tsc
