// A dimension of a tensor or an integer that shapes depend on: a polynomial over named symbols with integer
// coefficients, kept in one canonical form, so that equal text means equal value.
//
// Symbols stand for run-time integers: an input's dimension ("x.0"), an integer argument, or a size that no rule
// can tell ("u7"). What is not a polynomial (floor division, minimum, broadcast of two unequal dimensions) is an
// atom with canonical operands. A symbol's example value (hint) is kept by the Graph, not here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tsc::ir {

class Dim {
 public:
  enum class AtomKind : uint8_t {
    kSymbol,
    kFloorDiv,  // floor(a / b), b != 0
    kMod,       // a - b * floor(a / b)
    kMin,
    kMax,
    kBroadcast,  // b if a == 1 else a; the run time checks that a == b, a == 1 or b == 1
  };
  struct Atom;
  // coefficient * product of factors; factors are sorted by key, and empty for the constant term.
  struct Term {
    int64_t coefficient;
    std::vector<std::shared_ptr<const Atom>> factors;
  };

  Dim() = default;        // the constant 0
  Dim(int64_t constant);  // NOLINT(google-explicit-constructor): a constant is a dimension
  static Dim symbol(std::string name);
  static Dim make(AtomKind kind, const Dim& a, const Dim& b);  // folds constants and trivial cases

  std::optional<int64_t> constant() const;         // the value when no symbol occurs
  std::optional<std::string> symbol_name() const;  // the name when this is exactly one symbol
  bool is_constant(int64_t value) const { return constant() == value; }
  const std::vector<Term>& terms() const { return terms_; }

  // Exact quotient when every coefficient and a common factor divide, e.g. (12*s) / (4*s) = 3.
  std::optional<Dim> exact_quotient(const Dim& divisor) const;

  // Whether it is written with more than `limit` symbols and operators, each occurrence counted.
  bool is_longer_than(size_t limit) const;
  // All symbols, each once, in order of first occurrence.
  std::vector<std::string> symbols() const;
  // Replaces symbols; `find` returns nullopt to keep one.
  Dim substitute(const std::function<std::optional<Dim>(std::string_view)>& find) const;
  // The value when every symbol has one. Floor semantics as Python's; nullopt on division by zero.
  std::optional<int64_t> evaluate(const std::function<std::optional<int64_t>(std::string_view)>& find) const;

  std::string str() const;  // canonical: "2*x.0*h + 3", "(x.2 + 1)//2", "bcast(x.0, y.0)", "max(a, 1)"
  static std::optional<Dim> parse(std::string_view text);
  static std::optional<Dim> consume(std::string_view& text);  // parses a prefix and cuts it off `text`

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);

 private:
  friend struct DimBuilder;
  std::vector<Term> terms_;  // sorted by key, no zero coefficient; empty means 0
};

struct Dim::Atom {
  AtomKind kind;
  std::string name;           // of a symbol
  std::vector<Dim> operands;  // two, of all other kinds
  std::string key;            // canonical text; the order and the identity of atoms
};

Dim floor_div(const Dim& a, const Dim& b);
Dim broadcast(const Dim& a, const Dim& b);

}  // namespace tsc::ir
