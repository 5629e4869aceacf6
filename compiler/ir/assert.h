// TSC_ASSERT for bugs of the compiler itself: prints the message and stops. What a user's model can cause is a
// diagnostic, never an assertion.
#pragma once

#include <fmt/core.h>

#include <string>

namespace tsc::ir {

[[noreturn]] void fail_assertion(const char* file, int line, const char* condition, const std::string& message);

}  // namespace tsc::ir

#define TSC_ASSERT(condition, ...)                                                                              \
  do {                                                                                                          \
    if (!(condition)) ::tsc::ir::fail_assertion(__FILE_NAME__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
