// Private to the parser: tokens of the text form, and its constants.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <complex>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"

namespace tsc::ir {

// A constant and the type that its text tells.
struct Literal {
  Constant constant;
  Type type;
};

using TensorTable = std::map<std::string, std::shared_ptr<TensorConstant>, std::less<>>;

// Tokens of one text, with the position for messages. Fails by throwing a ParseError, which `parse` catches.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), rest_(text) {}

  [[noreturn]] void fail(std::string message) const {
    const std::string_view before = text_.substr(0, text_.size() - rest_.size());
    const size_t line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    throw ParseError{static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                     static_cast<int>(before.size() - line_begin) + 1, std::move(message)};
  }

  std::string_view rest() const { return rest_; }
  void set_rest(std::string_view rest) { rest_ = rest; }
  bool at_end() const { return rest_.empty(); }

  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r')) rest_.remove_prefix(1);
  }
  // Over line ends and comments, to the next thing.
  void skip_lines() {
    for (;;) {
      skip_space();
      if (rest_.starts_with('\n')) {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with('#')) {
        take_comment();
      } else {
        return;
      }
    }
  }
  std::string_view take_comment() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view comment = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return comment;
  }
  bool peek(std::string_view token) {
    skip_space();
    return rest_.starts_with(token);
  }
  bool take(std::string_view token) {
    if (!peek(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail(fmt::format("expected '{}'", token));
  }
  static bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }
  std::string_view peek_word() {
    skip_space();
    size_t length = 0;
    while (length < rest_.size() && is_word_char(rest_[length])) ++length;
    return rest_.substr(0, length);
  }
  std::string_view take_word() {
    const std::string_view word = peek_word();
    rest_.remove_prefix(word.size());
    return word;
  }
  // A whole word, not the beginning of a longer one.
  bool take_keyword(std::string_view keyword) {
    if (peek_word() != keyword) return false;
    rest_.remove_prefix(keyword.size());
    return true;
  }
  std::string expect_word(std::string_view what) {
    const std::string_view word = take_word();
    if (word.empty()) fail(fmt::format("expected {}", what));
    return std::string(word);
  }
  int64_t expect_int() {
    skip_space();
    return expect_number<int64_t>("an integer");
  }
  template <typename T>
  T expect_number(std::string_view what, int base = 10) {
    T value{};
    std::from_chars_result result{};
    if constexpr (std::is_same_v<T, double>) {
      result = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    } else {
      result = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
    }
    if (result.ec != std::errc()) fail(fmt::format("expected {}", what));
    rest_.remove_prefix(static_cast<size_t>(result.ptr - rest_.data()));
    return value;
  }
  std::string expect_string() {
    expect("\"");
    std::string result;
    for (;;) {
      if (rest_.empty() || rest_[0] == '\n') fail("string without end");
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return result;
      result += c == '\\' ? escaped() : c;
    }
  }

 private:
  char escaped() {
    if (rest_.empty()) fail("string without end");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c == 'n') return '\n';
    if (c == '"' || c == '\\') return c;
    if (c != 'x' || rest_.size() < 2) fail("unknown escape");
    const std::string_view digits = rest_.substr(0, 2);
    unsigned value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + 2, value, 16);
    if (result.ptr != digits.data() + 2) fail("unknown escape");
    rest_.remove_prefix(2);
    return static_cast<char>(value);
  }

  std::string_view text_, rest_;
};

// Constants, of the text form and of the defaults in schemas, which are Python's.
class LiteralParser {
 public:
  LiteralParser(Scanner& scanner, const TensorTable& tensors) : scanner_(scanner), tensors_(tensors) {}

  bool is_next() {
    scanner_.skip_space();
    const std::string_view rest = scanner_.rest();
    if (rest.empty()) return false;
    if (std::isdigit(static_cast<unsigned char>(rest[0])) || std::string_view("-\"[(@").find(rest[0]) != rest.npos) {
      return true;
    }
    if (rest[0] == '{') return !at_block() && !at_attributes();
    static constexpr std::string_view kWords[] = {"none",  "None", "true", "True",    "false",
                                                  "False", "nan",  "inf",  "complex", "device"};
    return std::find(std::begin(kWords), std::end(kWords), scanner_.peek_word()) != std::end(kWords);
  }
  // A block's brace ends its line.
  bool at_block() {
    Scanner ahead = scanner_;
    if (!ahead.take("{")) return false;
    ahead.skip_space();
    return ahead.at_end() || ahead.peek("\n") || ahead.peek("#");
  }
  bool at_attributes() {
    Scanner ahead = scanner_;
    return ahead.take("{") && !ahead.take_word().empty() && ahead.take("=");
  }

  Literal literal(int depth = 0) {
    constexpr int kMaxDepth = 100;
    using Kind = Type::Kind;
    if (depth > kMaxDepth) scanner_.fail("constant nested too deep");
    if (scanner_.take_keyword("none") || scanner_.take_keyword("None")) return {{}, Type::make(Kind::kNone)};
    if (scanner_.take_keyword("true") || scanner_.take_keyword("True")) return {{true}, Type::make(Kind::kBool)};
    if (scanner_.take_keyword("false") || scanner_.take_keyword("False")) return {{false}, Type::make(Kind::kBool)};
    if (scanner_.take_keyword("complex")) return complex_literal();
    if (scanner_.take_keyword("device")) {
      scanner_.expect("(");
      std::string name = scanner_.expect_string();
      scanner_.expect(")");
      return {{std::move(name)}, Type::make(Kind::kDevice)};
    }
    if (scanner_.peek("\"")) return {{scanner_.expect_string()}, Type::make(Kind::kStr)};
    if (scanner_.take("@")) return tensor_literal();
    if (scanner_.take("[")) return sequence(Kind::kList, "]", depth);
    if (scanner_.take("(")) return sequence(Kind::kTuple, ")", depth);
    if (scanner_.take("{")) return dict(depth);
    return number();
  }

  double real() {
    const Literal literal = number();
    if (const auto* integer = std::get_if<int64_t>(&literal.constant.value)) return static_cast<double>(*integer);
    return std::get<double>(literal.constant.value);
  }

 private:
  static Constant list_constant(ConstantList list) {
    return {std::shared_ptr<const ConstantList>(std::make_shared<ConstantList>(std::move(list)))};
  }

  Literal number() {
    scanner_.skip_space();
    const std::string_view rest = scanner_.rest();
    size_t length = 0;
    while (length < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[length])) || rest[length] == '.' ||
                                    rest[length] == '-' || rest[length] == '+')) {
      ++length;
    }
    if (rest.substr(0, length).find_first_of(".en") == std::string_view::npos) {
      return {{scanner_.expect_number<int64_t>("a constant")}, Type::make(Type::Kind::kInt)};
    }
    return {{scanner_.expect_number<double>("a constant")}, Type::make(Type::Kind::kFloat)};
  }

  Literal complex_literal() {
    scanner_.expect("(");
    const double re = real();
    scanner_.expect(",");
    const double im = real();
    scanner_.expect(")");
    return {{std::complex<double>(re, im)}, Type::make(Type::Kind::kComplex)};
  }

  Literal tensor_literal() {
    const std::string name = scanner_.expect_word("the name of a tensor");
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) scanner_.fail(fmt::format("no tensor @{}", name));
    const TensorConstant& tensor = *found->second;
    const std::vector<Dim> dims(tensor.sizes.begin(), tensor.sizes.end());
    return {{std::shared_ptr<const TensorConstant>(found->second)}, Type::make_tensor(tensor.dtype, dims)};
  }

  Literal sequence(Type::Kind kind, std::string_view close, int depth) {
    ConstantList list;
    std::vector<Type> types;
    while (!scanner_.take(close)) {
      if (!list.empty()) scanner_.expect(",");
      Literal element = literal(depth + 1);
      list.push_back(std::move(element.constant));
      types.push_back(std::move(element.type));
    }
    Type type = kind == Type::Kind::kTuple ? Type::make(kind, types) : Type::list(natural_element_type(types));
    return {list_constant(std::move(list)), std::move(type)};
  }

  Literal dict(int depth) {
    ConstantList list;
    std::vector<Type> keys, values;
    if (scanner_.take(":")) {
      scanner_.expect("}");
    } else {
      do {
        Literal key = literal(depth + 1);
        scanner_.expect(":");
        Literal value = literal(depth + 1);
        list.push_back(std::move(key.constant));
        list.push_back(std::move(value.constant));
        keys.push_back(std::move(key.type));
        values.push_back(std::move(value.type));
      } while (scanner_.take(","));
      scanner_.expect("}");
    }
    return {list_constant(std::move(list)),
            Type::make(Type::Kind::kDict, {natural_element_type(keys), natural_element_type(values)})};
  }

  Scanner& scanner_;
  const TensorTable& tensors_;
};

}  // namespace tsc::ir
