// What the compiler tells the user. There are two kinds of failure and no third:
//  - the model, an option or the machine does not allow it: a CompileError with all Diagnostics found, exit code 1.
//    Phases collect into a Diagnostics and call `throw_if_any` at their end, so that the user sees every reason at
//    once;
//  - a bug of ours: TSC_ASSERT throws an InternalError, exit code 2.
// Messages and advice are rows of errors.def. Nothing but `main` catches these or prints.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ir/assert.h"
#include "compiler/ir/graph.h"

namespace tsc {

inline constexpr int kExitComplete = 0;
inline constexpr int kExitUserError = 1;
inline constexpr int kExitInternalError = 2;

enum class Error : uint16_t {
#define TSC_ERROR(code, message, advice) code,
#include "compiler/errors.def"
#undef TSC_ERROR
};

struct ErrorInfo {
  std::string_view code;
  std::string_view message;  // format string
  std::string_view advice;   // format string over the same arguments
};
const ErrorInfo& error_info(Error error);

struct Diagnostic {
  std::string file;  // the model or output that it is about, "" for none
  std::string code;
  std::string message;
  std::string advice;                   // "" when the message says it all
  std::string op;                       // the op it is about, "" when about none
  std::vector<ir::SourceFrame> frames;  // Python positions, innermost first
  int count = 1;                        // occurrences of the same thing; `frames` are the first one's
  bool is_note = false;                 // it tells what was done, and the compilation goes on
  std::vector<ir::SourceFrame> others;  // lines of the later ones' frames, each line that no earlier one has
};

template <class... Args>
Diagnostic make_diagnostic(Error error, const Args&... args) {
  const ErrorInfo& info = error_info(error);
  Diagnostic diagnostic;
  diagnostic.code = info.code;
  diagnostic.message = fmt::vformat(info.message, fmt::make_format_args(args...));
  diagnostic.advice = fmt::vformat(info.advice, fmt::make_format_args(args...));
  return diagnostic;
}

// With the place in the user's program.
template <class... Args>
Diagnostic make_diagnostic_at(const ir::Source& source, std::string op, Error error, const Args&... args) {
  Diagnostic diagnostic = make_diagnostic(error, args...);
  diagnostic.op = std::move(op);
  diagnostic.frames = source.frames;
  return diagnostic;
}

// "model.pt: error: op 'aten::foo' is not supported (3 times) [unsupported_op]
//    model.py:97 in forward: x = foo(x)
//    and model.py:99 in forward: y = foo(y)
//    advice: ..."
std::string format_diagnostic(const Diagnostic& diagnostic);

// Ends a compilation.
class CompileError : public std::exception {
 public:
  explicit CompileError(std::vector<Diagnostic> diagnostics);
  explicit CompileError(Diagnostic diagnostic) : CompileError(std::vector<Diagnostic>{std::move(diagnostic)}) {}
  const char* what() const noexcept override { return text_.c_str(); }  // all, formatted, each with a newline
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

// Collects what is wrong; one that equals an earlier one in file, code, message and advice raises that one's count and
// adds its lines.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic);
  bool empty() const { return all_.empty(); }
  const std::vector<Diagnostic>& all() const { return all_; }
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> all_;
};

namespace internal {
[[noreturn]] void fail_assert(const char* file, int line, const char* condition, const ir::Graph& graph,
                              ir::NodeId node);
}  // namespace internal

// TSC_ASSERT that shows the node that it is about.
#define TSC_ASSERT_NODE(condition, graph, node) \
  ((condition) ? void() : ::tsc::internal::fail_assert(__FILE__, __LINE__, #condition, graph, node))

}  // namespace tsc
