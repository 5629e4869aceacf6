#include "compiler/torch/source.h"

#include <algorithm>
#include <charconv>

#include "compiler/torch/decompose.h"

namespace tsc {
namespace {

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

// What called torch.jit.trace, and all that called it, is the program that wrote the file and no part of the model.
bool is_tracer(const ir::SourceFrame& frame) { return ends_with(frame.file, "torch/jit/_trace.py"); }

// Module.__call__ and torch.ops.namespace.op(): true of every traced line, and of no interest.
bool is_machinery(const ir::SourceFrame& frame) {
  if (ends_with(frame.file, "torch/_ops.py") && frame.function == "__call__") return true;
  return ends_with(frame.file, "torch/nn/modules/module.py") &&
         (frame.function == "_slow_forward" || frame.function == "_call_impl" ||
          frame.function == "_wrapped_call_impl");
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// "model.py(134): forward", as the tracer writes each frame of the Python stack.
std::optional<ir::SourceFrame> parse_trace_line(std::string_view line) {
  const size_t close = line.rfind("): ");
  const size_t open = close == std::string_view::npos ? close : line.rfind('(', close);
  if (open == std::string_view::npos) return std::nullopt;
  ir::SourceFrame frame;
  const std::string_view digits = line.substr(open + 1, close - open - 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), frame.line);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  frame.file = line.substr(0, open);
  frame.function = line.substr(close + 3);
  return frame;
}

std::vector<ir::SourceFrame> parse_trace(const std::string& text) {
  std::vector<ir::SourceFrame> frames;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    auto frame = parse_trace_line(std::string_view(text).substr(begin, end - begin));
    if (!frame) return {};
    if (is_tracer(*frame) && !frames.empty()) break;
    if (!is_tracer(*frame) && !is_machinery(*frame)) frames.push_back(std::move(*frame));
    begin = end + 1;
  }
  return frames;
}

// The frames of one range: one for scripted code, the whole Python stack for traced code.
std::vector<ir::SourceFrame> frames_of(const torch::jit::SourceRange& range, const std::string& function) {
  const auto original = range.findSourceRangeThatGenerated();
  if (!original || !original->source()) return {};
  const std::string text = original->source()->text_str().str();
  if (auto frames = parse_trace(text); !frames.empty()) return frames;
  const auto position = original->file_line_col();
  if (!position || std::get<0>(*position).empty()) return {};
  ir::SourceFrame frame;
  frame.file = std::get<0>(*position);
  frame.line = static_cast<int>(std::get<1>(*position));
  frame.function = function;
  const size_t line = original->source()->lineno_for_offset(original->start());
  const std::string line_text = original->source()->get_line(line).str();
  frame.text = trim(line_text);
  return {frame};
}

constexpr int kMaxNeighbours = 3;   // from an attribute over a list to who uses that
constexpr int kMaxNodesBefore = 8;  // within a few lines
constexpr size_t kMaxLines = 20;    // that one statement takes

ir::Source source_of_itself(const torch::jit::Node* node, const std::string& method) {
  ir::Source source;
  struct Level {
    const torch::jit::Function* function;  // the function that the next inner range lies in
    torch::jit::SourceRange call;
  };
  std::vector<Level> levels;  // outermost first
  if (node->callstack()) {
    for (auto& [function, range, instance] : (*node->callstack())->vec()) {
      levels.push_back({function, range});
      if (!instance || is_decomposition(function)) continue;
      const std::string name = instance->instance_name();
      if (name.empty() || name == "SELF" || name.find("INSTANCE_NAME_UNKNOWN") != std::string::npos) continue;
      source.module_path += (source.module_path.empty() ? "" : ".") + name;
    }
  }
  torch::jit::SourceRange range = node->sourceRange();
  for (size_t i = levels.size() + 1; i-- > 0;) {
    const torch::jit::Function* function = i > 0 ? levels[i - 1].function : nullptr;
    if (!is_decomposition(function)) {
      for (ir::SourceFrame& frame : frames_of(range, function == nullptr ? method : function->name())) {
        // A traced line has the whole stack already, which the call's own range would repeat.
        if (source.frames.empty() || source.frames.back().file != frame.file ||
            source.frames.back().line != frame.line) {
          source.frames.push_back(std::move(frame));
        }
      }
    }
    if (i > 0) range = levels[i - 1].call;
  }
  return source;
}

// Whether the line is "self.name = ..." or another assignment to an attribute of that name.
bool assigns(const std::string& line, const std::string& name) {
  const size_t at = line.find("." + name);
  if (at == std::string::npos) return false;
  const size_t equals = line.find_first_not_of(" +-*/", at + 1 + name.size());
  return equals != std::string::npos && line[equals] == '=' && line.compare(equals, 2, "==") != 0;
}

// LibTorch forgets where an attribute is written: the first line that assigns it, from what stands before it.
std::vector<ir::SourceFrame> frames_of_assignment(const torch::jit::Node* node, const std::string& method) {
  const torch::jit::Node* before = node;
  for (int i = 0; i < kMaxNodesBefore && before != node->owningBlock()->param_node(); ++i) {
    before = before->prev();
    const auto original = before->sourceRange().findSourceRangeThatGenerated();
    ir::Source source = source_of_itself(before, method);
    if (!original || !original->source() || source.frames.empty()) continue;
    const auto& text = *original->source();
    const size_t begin = text.lineno_for_offset(original->start());
    for (size_t line = begin; line < std::min(begin + kMaxLines, text.num_lines()); ++line) {
      const std::string code = text.get_line(line).str();
      if (!assigns(code, node->s(c10::attr::name))) continue;
      source.frames[0].line += static_cast<int>(line - begin);
      source.frames[0].text = trim(code);
      return source.frames;
    }
    return {};
  }
  return {};
}

// Nor does it know where attributes are read and lists are made: where the first user of it stands, or what it is
// given.
std::vector<ir::SourceFrame> frames_nearby(const torch::jit::Node* node, const std::string& method, int left) {
  if (left == 0 || node->kind() == c10::prim::Constant || node->kind() == c10::prim::Param) return {};
  if (node->kind() == c10::prim::SetAttr) {
    if (auto frames = frames_of_assignment(node, method); !frames.empty()) return frames;
  }
  const auto frames_at = [&](const torch::jit::Node* neighbour) {
    auto frames = source_of_itself(neighbour, method).frames;
    return frames.empty() ? frames_nearby(neighbour, method, left - 1) : frames;
  };
  for (const torch::jit::Value* output : node->outputs()) {
    if (!output->uses().empty()) return frames_at(output->uses()[0].user);
  }
  for (const torch::jit::Value* input : node->inputs()) {
    if (auto frames = frames_at(input->node()); !frames.empty()) return frames;
  }
  return {};
}

}  // namespace

ir::Source source_of(const torch::jit::Node* node, const std::string& method) {
  ir::Source source = source_of_itself(node, method);
  if (source.frames.empty()) source.frames = frames_nearby(node, method, kMaxNeighbours);
  return source;
}

}  // namespace tsc
