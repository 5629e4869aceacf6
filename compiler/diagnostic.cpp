#include "compiler/diagnostic.h"

#include <algorithm>

namespace tsc {
namespace {

constexpr ErrorInfo kErrors[] = {
#define TSC_ERROR(code, message, advice) {#code, message, advice},
#include "compiler/errors.def"
#undef TSC_ERROR
};

std::string format_frame(const ir::SourceFrame& frame, std::string_view before = "") {
  std::string text = fmt::format("  {}{}:{}", before, frame.file, frame.line);
  if (!frame.function.empty()) text += " in " + frame.function;
  if (!frame.text.empty()) text += ": " + frame.text;
  return text + "\n";
}

// Of the node we need what helps to find the bug: op, operands, place. The text form of the whole graph is printed by
// --print-after.
std::string describe(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  std::string text = fmt::format("node {}: op {}", id, static_cast<int>(node.op));
  auto append = [&](std::string_view what, const std::vector<ir::ValueId>& values) {
    for (ir::ValueId value : values) {
      text += fmt::format("\n    {} %{} '{}': {}", what, value, graph.value(value).name, graph.value(value).type.str());
    }
  };
  append("input", node.inputs);
  append("output", node.outputs);
  text += '\n';
  for (const ir::SourceFrame& frame : graph.source(node).frames) text += "  " + format_frame(frame);
  return text;
}

}  // namespace

const ErrorInfo& error_info(Error error) { return kErrors[static_cast<size_t>(error)]; }

std::string format_diagnostic(const Diagnostic& diagnostic) {
  std::string text =
      fmt::format("{}: {}: {}", diagnostic.file.empty() ? "tsc" : diagnostic.file,
                  diagnostic.is_note ? "note" : "error", diagnostic.message);
  if (diagnostic.count > 1) text += fmt::format(" ({} times)", diagnostic.count);
  text += fmt::format(" [{}]\n", diagnostic.code);
  for (const ir::SourceFrame& frame : diagnostic.frames) text += format_frame(frame);
  for (const ir::SourceFrame& frame : diagnostic.others) text += format_frame(frame, "and ");
  if (!diagnostic.advice.empty()) text += fmt::format("  advice: {}\n", diagnostic.advice);
  return text;
}

CompileError::CompileError(std::vector<Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)) {
  for (const Diagnostic& diagnostic : diagnostics_) text_ += format_diagnostic(diagnostic);
}

void Diagnostics::add(Diagnostic diagnostic) {
  auto same = [&](const Diagnostic& d) {
    return d.file == diagnostic.file && d.code == diagnostic.code && d.message == diagnostic.message &&
           d.advice == diagnostic.advice;
  };
  const auto found = std::find_if(all_.begin(), all_.end(), same);
  if (found == all_.end()) {
    all_.push_back(std::move(diagnostic));
    return;
  }
  found->count += diagnostic.count;
  auto is_told = [&](const ir::SourceFrame& frame) {
    auto is_it = [&](const ir::SourceFrame& told) { return told.file == frame.file && told.line == frame.line; };
    return std::ranges::any_of(found->frames, is_it) || std::ranges::any_of(found->others, is_it);
  };
  for (const std::vector<ir::SourceFrame>& frames : {diagnostic.frames, diagnostic.others}) {
    for (const ir::SourceFrame& frame : frames) {
      if (!is_told(frame)) found->others.push_back(frame);
    }
  }
}

void Diagnostics::throw_if_any() const {
  if (!all_.empty()) throw CompileError(all_);
}

namespace internal {

void fail_assert(const char* file, int line, const char* condition, const ir::Graph& graph, ir::NodeId node) {
  throw InternalError(file, line, condition, describe(graph, node));
}

}  // namespace internal
}  // namespace tsc
