#include "compiler/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/cost.h"

namespace tsc {
namespace {

using codegen::EmittedModel;
using codegen::ReportEntry;

std::string format_bytes(size_t bytes) { return passes::format_bytes(static_cast<int64_t>(bytes)); }

size_t column_width(const std::vector<ReportEntry>& entries, std::string ReportEntry::* field) {
  size_t width = 0;
  for (const ReportEntry& entry : entries) width = std::max(width, (entry.*field).size());
  return std::min<size_t>(width, 48);
}

// What a program without an operating system must have room for.
std::string format_interface(const codegen::freestanding::Interface& interface) {
  std::string text;
  for (const codegen::freestanding::Method& method : interface.methods) {
    text += fmt::format("  {}: arena {} bytes", method.symbol, method.arena_bytes);
    if (method.stack_bytes) {
      text += fmt::format(", stack {} bytes", *method.stack_bytes);
      if (!interface.outside.empty()) text += fmt::format(" and what {} takes", outside_text(interface));
    } else {
      text += interface.is_compiled ? ", stack without a known bound" : ", stack as its compiler tells";
    }
    text += "\n";
  }
  if (interface.state.bytes > 0) text += fmt::format("  state {} bytes\n", interface.state.bytes);
  return text + fmt::format("  weights {} bytes\n", interface.weights_bytes);
}

std::string format_model(const EmittedModel& model) {
  std::string text = model.name + "\n";
  const size_t name_width = column_width(model.report, &ReportEntry::name);
  const size_t ops_width = column_width(model.report, &ReportEntry::ops);
  const size_t kernel_width =
      std::max(column_width(model.report, &ReportEntry::kernel), column_width(model.report, &ReportEntry::kind));
  const size_t cost_width = column_width(model.report, &ReportEntry::cost);
  std::string method;
  for (const ReportEntry& entry : model.report) {
    if (entry.method != method) text += fmt::format("  {}\n", method = entry.method);
    std::string line = fmt::format("    {:{}}  {:{}}  {:{}}  {:{}}  {}", entry.name, name_width, entry.ops, ops_width,
                                   entry.kernel.empty() ? entry.kind : entry.kernel, kernel_width, entry.cost,
                                   cost_width, entry.source);
    while (line.back() == ' ') line.pop_back();
    text += line + "\n";
    if (!entry.reason.empty()) text += fmt::format("      {}\n", entry.reason);
  }
  if (model.interface) return text + format_interface(*model.interface);
  return text +
         fmt::format("  arena {}, weights {}\n", format_bytes(model.arena_bytes), format_bytes(model.weights_size));
}

}  // namespace

std::string format_report(const std::vector<EmittedModel>& models, const LibrarySize& size) {
  std::string text;
  for (const EmittedModel& model : models) text += format_model(model);
  if (size.constant_bytes) {
    text += fmt::format("code {} bytes, other constants {} bytes, file {}\n", size.code_bytes, *size.constant_bytes,
                        format_bytes(size.file_bytes));
  } else if (size.file_bytes > 0) {
    text += fmt::format("code {}, file {}\n", format_bytes(size.code_bytes), format_bytes(size.file_bytes));
  }
  return text;
}

}  // namespace tsc
