#include "codegen/writer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace tsc::codegen {

void Writer::put(std::string_view line) {
  if (!line.empty()) text_.append(static_cast<size_t>(depth_) * 2, ' ');
  text_ += line;
  text_ += '\n';
}

void Writer::blank() {
  if (text_.empty() || text_.ends_with("\n\n") || text_.ends_with("{\n")) return;
  text_ += '\n';
}

void Writer::close(std::string_view tail) {
  --depth_;
  put(fmt::format("}}{}", tail));
}

void Writer::middle(std::string_view text) {
  --depth_;
  put(text);
  ++depth_;
}

void Writer::comment(std::string_view text) {
  constexpr size_t kWidth = 110;
  std::string clean;
  for (const char c : text) clean += c >= ' ' && c <= '~' && c != '\\' && c != '?' ? c : '.';
  while (clean.size() > kWidth) {
    size_t cut = clean.rfind(' ', kWidth);
    if (cut == std::string::npos || cut == 0) cut = kWidth;
    put("// " + clean.substr(0, cut));
    clean.erase(0, clean[cut] == ' ' ? cut + 1 : cut);
  }
  put("// " + clean);
}

namespace {

// Words that a name must not be: C++'s own, ...
constexpr std::array kWords = {
    "alignas",   "alignof",   "and",      "asm",      "auto",      "bool",      "break",     "case",     "catch",
    "char",      "class",     "concept",  "const",    "consteval", "constexpr", "constinit", "continue", "decltype",
    "default",   "delete",    "do",       "double",   "else",      "enum",      "explicit",  "export",   "extern",
    "false",     "float",     "for",      "friend",   "goto",      "if",        "inline",    "int",      "long",
    "mutable",   "namespace", "new",      "noexcept", "not",       "nullptr",   "operator",  "or",       "private",
    "protected", "public",    "register", "requires", "return",    "short",     "signed",    "sizeof",   "static",
    "struct",    "switch",    "template", "this",     "throw",     "true",      "try",       "typedef",  "typeid",
    "typename",  "union",     "unsigned", "using",    "virtual",   "void",      "volatile",  "while",    "xor"};
// ... what emitted functions use themselves, ...
constexpr std::array kNamesInUse = {
    "ctx",  "self",   "d",      "p",    "begin",   "end",     "scratch", "blocks",   "step",
    "tsc",  "ops",    "math",   "main", "linux",   "unix",    "NULL",    "EOF",      "errno",
    "i64",  "assert", "Tensor", "List", "Dict",    "Str",     "Tuple",   "Optional", "Scalar",
    "None", "Device", "Any",    "Ref",  "Context", "weights", "arena",   "launch",   "device_weights", "device_table"};
// ... functions of the runtime that need no prefix, ...
constexpr std::array kFunctionsInUse = {"min",        "max",         "dense",          "copy_dense",      "floor_div",
                                        "floor_mod",  "is_empty",    "broadcast_size", "check_broadcast", "check_equal",
                                        "check_size", "check_sizes", "check_dtype",    "wrap_add",        "wrap_sub",
                                        "wrap_mul"};
// ... and those of kernels, which a function of the model would hide.
constexpr std::array kKernelFunctions = {"in",      "out", "load",   "store",   "splat",
                                         "convert", "fma", "select", "largest", "permute"};

}  // namespace

std::string identifier(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (ok) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';  // never two in a row: such names are the implementation's
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.size() > 80) name.resize(80);
  if (name.empty()) name = "value";
  if (name[0] >= '0' && name[0] <= '9') name = "v" + name;
  const auto is_in = [&](const auto& words) { return std::ranges::find(words, std::string_view(name)) != words.end(); };
  return is_in(kWords) || is_in(kNamesInUse) || is_in(kFunctionsInUse) || is_in(kKernelFunctions) ? name + "_" : name;
}

std::string camel_case(std::string_view text) {
  std::string name;
  bool upper = true;
  for (const char c : text) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name;
}

std::string Names::unique(std::string_view wish) {
  const std::string base = identifier(wish);
  std::string name = base;
  for (int i = 1; !take(name); ++i) {
    name = base.ends_with("_") ? fmt::format("{}{}", base, i) : fmt::format("{}_{}", base, i);
  }
  return name;
}

bool Names::take(const std::string& name) {
  if (taken_within_.contains(name) || (enclosing_ != nullptr && enclosing_->taken_.contains(name))) return false;
  if (!taken_.insert(name).second) return false;
  if (enclosing_ != nullptr) enclosing_->taken_within_.insert(name);
  return true;
}

const std::string& Scope::of(std::string_view text, std::string_view wish) {
  const auto [found, is_new] = given_.try_emplace(std::string(text));
  if (is_new) found->second = names_.unique(wish);
  return found->second;
}

std::string string_literal(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?' || byte < ' ' || byte > '~') {
      text += fmt::format("\\{:03o}", byte);
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string integer_literal(int64_t value) { return value == INT64_MIN ? "INT64_MIN" : fmt::format("{}", value); }

std::string float_literal(double value, bool is_double) {
  const char* suffix = is_double ? "" : "f";
  if (std::isnan(value)) return fmt::format("__builtin_nan{}(\"\")", suffix);
  if (std::isinf(value)) return fmt::format("{}__builtin_inf{}()", value < 0 ? "-" : "", suffix);
  std::string text = is_double ? fmt::format("{}", value) : fmt::format("{}", static_cast<float>(value));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + suffix;
}

}  // namespace tsc::codegen
