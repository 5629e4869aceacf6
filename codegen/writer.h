// Writes C++ text: lines, blocks with indentation, and names that are legal and unique.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tsc::codegen {

class Writer {
 public:
  // Appends one line at the current depth.
  template <class... T>
  void line(fmt::format_string<T...> format, T&&... values) {
    put(fmt::format(format, std::forward<T>(values)...));
  }
  void put(std::string_view line);
  void blank();  // one empty line, never two in a row
  // Opens a block: the line, " {", and one level deeper; `close` ends it with "}" and the given tail.
  template <class... T>
  void open(fmt::format_string<T...> format, T&&... values) {
    put(fmt::format(format, std::forward<T>(values)...) + " {");
    ++depth_;
  }
  void close(std::string_view tail = "");
  void middle(std::string_view text);  // "} else {"
  // A comment, wrapped at 110 columns. Text from the model is made harmless: printable ASCII, no line splices.
  void comment(std::string_view text);

  const std::string& text() const { return text_; }
  void append(std::string_view text) { text_ += text; }

 private:
  std::string text_;
  int depth_ = 0;
};

// Names for C++: "layer1.0.conv1" -> "layer1_0_conv1"; keywords, leading digits and duplicates are handled.
class Names {
 public:
  Names() = default;
  // Names of a scope within another, which outlives it: neither has a name of the other's, whichever was asked for
  // first, so that nothing is hidden where both are in use.
  explicit Names(Names& enclosing) : enclosing_(&enclosing) {}
  std::string unique(std::string_view wish);

 private:
  bool take(const std::string& name);

  Names* enclosing_ = nullptr;
  std::set<std::string, std::less<>> taken_;
  std::set<std::string, std::less<>> taken_within_;
};
// The names of one scope, such as a struct's fields: one for each text, however often it is asked for. "x" and "_x" differ.
class Scope {
 public:
  const std::string& of(std::string_view text) { return of(text, text); }
  const std::string& of(std::string_view text, std::string_view wish);

 private:
  Names names_;
  std::map<std::string, std::string, std::less<>> given_;
};
std::string identifier(std::string_view text);          // legal, not necessarily unique
std::string camel_case(std::string_view text);          // "layer1_0_conv1" -> "Layer10Conv1"
std::string string_literal(std::string_view bytes);     // quoted, every byte outside printable ASCII escaped
std::string integer_literal(int64_t value);
std::string float_literal(double value, bool is_double);  // "0.5f", "NAN" spelled by builtin

}  // namespace tsc::codegen
