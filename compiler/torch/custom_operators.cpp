#include "compiler/torch/custom_operators.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/library.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <sstream>

namespace tsc {
namespace {

constexpr std::string_view kCall = "ops.";  // in LibTorch's own way of writing code: ops.space.name(

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The name that begins at `at`, which moves behind it and behind `end`, which must follow.
std::string take_name(const std::string& line, size_t& at, char end) {
  const size_t begin = at;
  while (at < line.size() && is_word(line[at])) ++at;
  if (at == begin || at == line.size() || line[at] != end) return {};
  return line.substr(begin, at++ - begin);
}

// "a, b = " takes two results, "return " or an operand one, and a line that begins with the call none.
int results_taken(const std::string& before) {
  if (before.find_first_not_of(' ') == std::string::npos) return 0;
  const size_t equals = before.rfind(" = ");
  if (equals == std::string::npos || equals + 3 != before.size()) return 1;
  return static_cast<int>(std::count(before.begin(), before.end(), ',')) + 1;
}

bool is_known(const std::string& name) {
  return !torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name)).empty();
}

void define(const std::string& space, const std::string& name, int results) {
  static std::vector<std::unique_ptr<torch::Library>> libraries;  // each holds its definition
  std::string returns;
  for (int i = 0; i < results; ++i) returns += i > 0 ? ", Tensor" : "Tensor";
  if (results != 1) returns = "(" + returns + ")";
  libraries.push_back(
      std::make_unique<torch::Library>(torch::Library::FRAGMENT, space, std::nullopt, __FILE__, __LINE__));
  libraries.back()->def(torch::schema((name + "(...) -> " + returns).c_str(), c10::AliasAnalysisKind::CONSERVATIVE));
}

}  // namespace

std::vector<std::string> define_custom_operators(const std::string& path) {
  std::vector<std::string> names;
  caffe2::serialize::PyTorchStreamReader reader(path);
  for (const std::string& record : reader.getAllRecords()) {
    if (!record.starts_with("code/") || !record.ends_with(".py")) continue;
    const auto [data, size] = reader.getRecord(record);
    std::istringstream code(std::string(static_cast<const char*>(data.get()), size));
    for (std::string line; std::getline(code, line);) {
      for (size_t at = line.find(kCall); at != std::string::npos; at = line.find(kCall, at)) {
        const size_t begin = at;
        at += kCall.size();
        if (begin > 0 && (is_word(line[begin - 1]) || line[begin - 1] == '.')) continue;
        const std::string space = take_name(line, at, '.');
        const std::string name = space.empty() ? space : take_name(line, at, '(');
        if (name.empty() || space == "prim" || is_known(space + "::" + name)) continue;
        define(space, name, results_taken(line.substr(0, begin)));
        names.push_back(space + "::" + name);
      }
    }
  }
  return names;
}

}  // namespace tsc
