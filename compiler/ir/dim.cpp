#include "compiler/ir/dim.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <compare>
#include <numeric>

namespace tsc::ir {
namespace {

using Atom = Dim::Atom;
using AtomPtr = std::shared_ptr<const Atom>;
using Term = Dim::Term;
using Factors = std::vector<AtomPtr>;

// Coefficients wrap on overflow instead of being undefined: sizes of real tensors never come near.
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// Python's floor division and modulo; b is neither 0 nor -1 with the smallest integer.
int64_t floor_quotient(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}
int64_t floor_remainder(int64_t a, int64_t b) { return a - b * floor_quotient(a, b); }
bool is_safe_division(int64_t a, int64_t b) { return b != 0 && !(b == -1 && a == INT64_MIN); }

std::strong_ordering compare(const Factors& a, const Factors& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (const auto order = a[i]->key <=> b[i]->key; order != 0) return order;
  }
  return a.size() <=> b.size();
}

// The constant term is the last.
bool precedes(const Term& a, const Term& b) {
  if (a.factors.empty() != b.factors.empty()) return b.factors.empty();
  return compare(a.factors, b.factors) < 0;
}

// A monomial order (by degree, then by key), which polynomial division needs.
bool leads(const Term& a, const Term& b) {
  if (a.factors.size() != b.factors.size()) return a.factors.size() > b.factors.size();
  return compare(a.factors, b.factors) < 0;
}

// Sorts, adds equal terms up and drops zeros.
std::vector<Term> canonical(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end(), precedes);
  std::vector<Term> result;
  for (Term& term : terms) {
    if (!result.empty() && compare(result.back().factors, term.factors) == 0) {
      result.back().coefficient = wrapping_add(result.back().coefficient, term.coefficient);
      if (result.back().coefficient == 0) result.pop_back();
    } else if (term.coefficient != 0) {
      result.push_back(std::move(term));
    }
  }
  return result;
}

// The factors that are left of `a` without those of `b`; nullopt when `b` has one that `a` lacks.
std::optional<Factors> without(const Factors& a, const Factors& b) {
  Factors rest;
  size_t next = 0;
  for (const AtomPtr& factor : a) {
    if (next < b.size() && factor->key == b[next]->key) {
      ++next;
    } else {
      rest.push_back(factor);
    }
  }
  if (next != b.size()) return std::nullopt;
  return rest;
}

bool is_function(Dim::AtomKind kind) {
  return kind == Dim::AtomKind::kMin || kind == Dim::AtomKind::kMax || kind == Dim::AtomKind::kBroadcast;
}

// Whether the text of `dim` can stand beside "//" or "*" without parentheses.
bool is_simple(const Dim& dim) {
  if (const auto value = dim.constant()) return *value >= 0;
  if (dim.terms().size() != 1) return false;
  const Term& term = dim.terms()[0];
  if (term.coefficient != 1 || term.factors.size() != 1) return false;
  return term.factors[0]->kind == Dim::AtomKind::kSymbol || is_function(term.factors[0]->kind);
}

std::string operand_text(const Dim& dim) { return is_simple(dim) ? dim.str() : "(" + dim.str() + ")"; }

std::string atom_text(Dim::AtomKind kind, const Dim& a, const Dim& b) {
  switch (kind) {
    case Dim::AtomKind::kSymbol:
      return a.str();
    case Dim::AtomKind::kFloorDiv:
      return operand_text(a) + "//" + operand_text(b);
    case Dim::AtomKind::kMod:
      return operand_text(a) + "%" + operand_text(b);
    case Dim::AtomKind::kMin:
      return "min(" + a.str() + ", " + b.str() + ")";
    case Dim::AtomKind::kMax:
      return "max(" + a.str() + ", " + b.str() + ")";
    case Dim::AtomKind::kBroadcast:
      return "bcast(" + a.str() + ", " + b.str() + ")";
  }
  return {};
}

// The magnitude of a term; `alone` tells that nothing but a plus or minus with lower precedence is beside it.
std::string term_text(const Term& term, int64_t magnitude, bool alone) {
  if (term.factors.empty()) return std::to_string(magnitude);
  std::string text;
  if (magnitude != 1) text = std::to_string(magnitude);
  for (const AtomPtr& factor : term.factors) {
    if (!text.empty()) text += "*";
    const bool is_quotient = factor->kind == Dim::AtomKind::kFloorDiv || factor->kind == Dim::AtomKind::kMod;
    const bool needs_parentheses = is_quotient && !(alone && magnitude == 1 && term.factors.size() == 1);
    text += needs_parentheses ? "(" + factor->key + ")" : factor->key;
  }
  return text;
}

// Recursive descent over the text form; positions only move forward. Fails by `ok_`.
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  Dim sum(int depth = 0) {
    Dim result = product(depth);
    while (ok_) {
      if (take("+")) {
        result = result + product(depth);
      } else if (take("-")) {
        result = result - product(depth);
      } else {
        break;
      }
    }
    return result;
  }
  bool ok() const { return ok_; }
  std::string_view rest() {
    skip_space();
    return text_;
  }

 private:
  static constexpr int kMaxDepth = 100;

  void skip_space() {
    while (!text_.empty() && text_[0] == ' ') text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  Dim fail() {
    ok_ = false;
    return 0;
  }
  Dim product(int depth) {
    Dim result = unary(depth);
    while (ok_) {
      if (take("//")) {
        result = floor_div(result, unary(depth));
      } else if (take("*")) {
        result = result * unary(depth);
      } else if (take("%")) {
        result = Dim::make(Dim::AtomKind::kMod, result, unary(depth));
      } else {
        break;
      }
    }
    return result;
  }
  Dim unary(int depth) {
    if (depth > kMaxDepth) return fail();
    if (take("-")) return Dim(0) - unary(depth + 1);
    if (take("(")) {
      Dim inner = sum(depth + 1);
      return take(")") ? inner : fail();
    }
    skip_space();
    if (text_.empty()) return fail();
    if (std::isdigit(static_cast<unsigned char>(text_[0]))) return number();
    return named(depth);
  }
  Dim number() {
    int64_t value = 0;
    const auto result = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (result.ec != std::errc()) return fail();
    text_.remove_prefix(static_cast<size_t>(result.ptr - text_.data()));
    return value;
  }
  Dim named(int depth) {
    size_t length = 0;
    while (length < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[length])) || text_[length] == '_' || text_[length] == '.')) {
      ++length;
    }
    if (length == 0 || text_[0] == '.') return fail();
    const std::string name(text_.substr(0, length));
    text_.remove_prefix(length);
    if (!take("(")) return Dim::symbol(name);
    const std::optional<Dim::AtomKind> kind = function_kind(name);
    if (!kind) return fail();
    const Dim a = sum(depth + 1);
    if (!take(",")) return fail();
    const Dim b = sum(depth + 1);
    return take(")") ? Dim::make(*kind, a, b) : fail();
  }
  static std::optional<Dim::AtomKind> function_kind(std::string_view name) {
    if (name == "min") return Dim::AtomKind::kMin;
    if (name == "max") return Dim::AtomKind::kMax;
    if (name == "bcast") return Dim::AtomKind::kBroadcast;
    return std::nullopt;
  }

  std::string_view text_;
  bool ok_ = true;
};

}  // namespace

// Makes Dims of terms, and holds the rules that keep atoms canonical.
struct DimBuilder {
  static Dim of_terms(std::vector<Term> terms) {
    Dim result;
    result.terms_ = canonical(std::move(terms));
    return result;
  }
  static Dim of_atom(Dim::AtomKind kind, const Dim& a, const Dim& b) {
    Atom atom{kind, {}, {a, b}, atom_text(kind, a, b)};
    return of_terms({{1, {std::make_shared<const Atom>(std::move(atom))}}});
  }
  static Dim of_term(const Term& term) { return of_terms({term}); }

  // floor(a / b)
  static Dim floor_div(const Dim& a, const Dim& b) {
    if (const auto exact = a.exact_quotient(b)) return *exact;
    if (const auto divisor = b.constant()) {
      if (*divisor == 0 || *divisor == INT64_MIN) return of_atom(Dim::AtomKind::kFloorDiv, a, b);
      if (*divisor < 0) return floor_div_by(Dim(0) - a, -*divisor);
      return floor_div_by(a, *divisor);
    }
    // floor((q * b + r) / b) = q + floor(r / b), term by term.
    Dim quotient, rest;
    for (const Term& term : a.terms()) {
      const Dim part = of_term(term);
      const auto exact = part.exact_quotient(b);
      (exact ? quotient : rest) = exact ? quotient + *exact : rest + part;
    }
    if (rest.is_constant(0)) return quotient;
    return quotient + of_atom(Dim::AtomKind::kFloorDiv, rest, b);
  }

  // floor(a / divisor), divisor > 0: the remaining atom has coefficients in [0, divisor) without a common factor.
  static Dim floor_div_by(const Dim& a, int64_t divisor) {
    Dim quotient, rest;
    for (const Term& term : a.terms()) {
      const int64_t q = floor_quotient(term.coefficient, divisor);
      quotient = quotient + of_term({q, term.factors});
      rest = rest + of_term({term.coefficient - q * divisor, term.factors});
    }
    // floor((g * y + c) / (g * m)) = floor((y + floor(c / g)) / m)
    int64_t common = divisor;
    for (const Term& term : rest.terms()) {
      if (!term.factors.empty()) common = std::gcd(common, term.coefficient);
    }
    if (rest.constant()) return quotient;  // in [0, divisor)
    if (common > 1) {
      Dim reduced;
      for (const Term& term : rest.terms()) reduced = reduced + of_term({term.coefficient / common, term.factors});
      return quotient + floor_div(reduced, divisor / common);
    }
    if (const auto merged = merge_nested(rest, divisor)) return quotient + *merged;
    return quotient + of_atom(Dim::AtomKind::kFloorDiv, rest, divisor);
  }

  // floor((floor(x / m) + k) / n) = floor((x + k * m) / (m * n)) for m, n > 0.
  static std::optional<Dim> merge_nested(const Dim& a, int64_t divisor) {
    const Term& term = a.terms()[0];
    if (a.terms().size() > 2 || term.coefficient != 1 || term.factors.size() != 1) return std::nullopt;
    const Atom& atom = *term.factors[0];
    if (atom.kind != Dim::AtomKind::kFloorDiv) return std::nullopt;
    const auto inner = atom.operands[1].constant();
    if (!inner || *inner <= 0) return std::nullopt;
    int64_t offset = 0;
    if (a.terms().size() == 2) {
      if (!a.terms()[1].factors.empty()) return std::nullopt;
      offset = a.terms()[1].coefficient;
    }
    int64_t product = 0, shift = 0;
    if (__builtin_mul_overflow(*inner, divisor, &product) || __builtin_mul_overflow(offset, *inner, &shift)) {
      return std::nullopt;
    }
    return floor_div(atom.operands[0] + shift, product);
  }

  // a - b * floor(a / b)
  static Dim mod(const Dim& a, const Dim& b) {
    if (a.exact_quotient(b)) return 0;
    const auto divisor = b.constant();
    if (!divisor || *divisor <= 0) {
      if (divisor && a.constant() && is_safe_division(*a.constant(), *divisor)) {
        return floor_remainder(*a.constant(), *divisor);
      }
      return of_atom(Dim::AtomKind::kMod, a, b);
    }
    // (q * d + r) mod d = r mod d, coefficient by coefficient.
    Dim rest;
    for (const Term& term : a.terms()) {
      rest = rest + of_term({floor_remainder(term.coefficient, *divisor), term.factors});
    }
    if (const auto value = rest.constant()) return floor_remainder(*value, *divisor);
    return of_atom(Dim::AtomKind::kMod, rest, b);
  }

  static Dim extremum(Dim::AtomKind kind, const Dim& a, const Dim& b) {
    const bool is_max = kind == Dim::AtomKind::kMax;
    if (const auto difference = (a - b).constant()) return (*difference >= 0) == is_max ? a : b;
    return b.str() < a.str() ? of_atom(kind, b, a) : of_atom(kind, a, b);
  }

  static void collect_broadcast(const Dim& dim, std::vector<Dim>& leaves) {
    const auto& terms = dim.terms();
    if (terms.size() == 1 && terms[0].coefficient == 1 && terms[0].factors.size() == 1 &&
        terms[0].factors[0]->kind == Dim::AtomKind::kBroadcast) {
      for (const Dim& operand : terms[0].factors[0]->operands) collect_broadcast(operand, leaves);
      return;
    }
    leaves.push_back(dim);
  }

  // Broadcasting is associative, commutative and idempotent where the run time's check holds.
  static Dim broadcast(const Dim& a, const Dim& b) {
    std::vector<Dim> leaves;
    collect_broadcast(a, leaves);
    collect_broadcast(b, leaves);
    // A constant other than 1 is the result: every other operand equals it or is 1.
    for (const Dim& leaf : leaves) {
      if (leaf.constant() && !leaf.is_constant(1)) return leaf;
    }
    std::erase_if(leaves, [](const Dim& leaf) { return leaf.is_constant(1); });
    if (leaves.empty()) return 1;
    std::sort(leaves.begin(), leaves.end(), [](const Dim& x, const Dim& y) { return x.str() < y.str(); });
    leaves.erase(std::unique(leaves.begin(), leaves.end()), leaves.end());
    Dim result = leaves[0];
    for (size_t i = 1; i < leaves.size(); ++i) result = of_atom(Dim::AtomKind::kBroadcast, result, leaves[i]);
    return result;
  }
};

Dim::Dim(int64_t constant) {
  if (constant != 0) terms_.push_back({constant, {}});
}

Dim Dim::symbol(std::string name) {
  Atom atom{AtomKind::kSymbol, name, {}, name};
  return DimBuilder::of_terms({{1, {std::make_shared<const Atom>(std::move(atom))}}});
}

Dim Dim::make(AtomKind kind, const Dim& a, const Dim& b) {
  switch (kind) {
    case AtomKind::kSymbol:
      return a;
    case AtomKind::kFloorDiv:
      return DimBuilder::floor_div(a, b);
    case AtomKind::kMod:
      return DimBuilder::mod(a, b);
    case AtomKind::kMin:
    case AtomKind::kMax:
      return DimBuilder::extremum(kind, a, b);
    case AtomKind::kBroadcast:
      return DimBuilder::broadcast(a, b);
  }
  return {};
}

std::optional<int64_t> Dim::constant() const {
  if (terms_.empty()) return 0;
  if (terms_.size() == 1 && terms_[0].factors.empty()) return terms_[0].coefficient;
  return std::nullopt;
}

std::optional<std::string> Dim::symbol_name() const {
  if (terms_.size() != 1 || terms_[0].coefficient != 1 || terms_[0].factors.size() != 1) return std::nullopt;
  const Atom& atom = *terms_[0].factors[0];
  if (atom.kind != AtomKind::kSymbol) return std::nullopt;
  return atom.name;
}

// Polynomial long division that gives up at the first leading term that does not divide.
std::optional<Dim> Dim::exact_quotient(const Dim& divisor) const {
  if (divisor.terms_.empty()) return std::nullopt;
  const Term& lead = *std::min_element(divisor.terms_.begin(), divisor.terms_.end(), leads);
  Dim rest = *this;
  Dim quotient;
  // A quotient has no more terms than the dividend, or cancellation hides it: then it is not worth finding.
  for (size_t step = 0; step <= terms_.size() && !rest.terms_.empty(); ++step) {
    const Term& top = *std::min_element(rest.terms_.begin(), rest.terms_.end(), leads);
    if (!is_safe_division(top.coefficient, lead.coefficient) || top.coefficient % lead.coefficient != 0) {
      return std::nullopt;
    }
    std::optional<Factors> factors = without(top.factors, lead.factors);
    if (!factors) return std::nullopt;
    const Dim part = DimBuilder::of_term({top.coefficient / lead.coefficient, std::move(*factors)});
    quotient = quotient + part;
    rest = rest - part * divisor;
  }
  if (!rest.terms_.empty()) return std::nullopt;
  return quotient;
}

static void collect_symbols(const Dim& dim, std::vector<std::string>& names) {
  for (const Term& term : dim.terms()) {
    for (const AtomPtr& factor : term.factors) {
      if (factor->kind != Dim::AtomKind::kSymbol) {
        for (const Dim& operand : factor->operands) collect_symbols(operand, names);
      } else if (std::find(names.begin(), names.end(), factor->name) == names.end()) {
        names.push_back(factor->name);
      }
    }
  }
}

static bool use_up(const Dim& dim, size_t& left) {
  for (const Term& term : dim.terms()) {
    for (const AtomPtr& factor : term.factors) {
      if (left-- == 0) return true;
      for (const Dim& operand : factor->operands) {
        if (use_up(operand, left)) return true;
      }
    }
  }
  return false;
}

bool Dim::is_longer_than(size_t limit) const { return use_up(*this, limit); }

std::vector<std::string> Dim::symbols() const {
  std::vector<std::string> names;
  collect_symbols(*this, names);
  return names;
}

Dim Dim::substitute(const std::function<std::optional<Dim>(std::string_view)>& find) const {
  Dim result;
  for (const Term& term : terms_) {
    Dim product = term.coefficient;
    for (const AtomPtr& factor : term.factors) {
      if (factor->kind == AtomKind::kSymbol) {
        product = product * find(factor->name).value_or(symbol(factor->name));
      } else {
        product =
            product * make(factor->kind, factor->operands[0].substitute(find), factor->operands[1].substitute(find));
      }
    }
    result = result + product;
  }
  return result;
}

static std::optional<int64_t> evaluate_atom(const Atom& atom,
                                            const std::function<std::optional<int64_t>(std::string_view)>& find) {
  if (atom.kind == Dim::AtomKind::kSymbol) return find(atom.name);
  const auto a = atom.operands[0].evaluate(find);
  const auto b = atom.operands[1].evaluate(find);
  if (!a || !b) return std::nullopt;
  switch (atom.kind) {
    case Dim::AtomKind::kSymbol:
      break;
    case Dim::AtomKind::kFloorDiv:
      if (!is_safe_division(*a, *b)) return std::nullopt;
      return floor_quotient(*a, *b);
    case Dim::AtomKind::kMod:
      if (!is_safe_division(*a, *b)) return std::nullopt;
      return floor_remainder(*a, *b);
    case Dim::AtomKind::kMin:
      return std::min(*a, *b);
    case Dim::AtomKind::kMax:
      return std::max(*a, *b);
    case Dim::AtomKind::kBroadcast:
      return *a == 1 ? *b : *a;
  }
  return std::nullopt;
}

std::optional<int64_t> Dim::evaluate(const std::function<std::optional<int64_t>(std::string_view)>& find) const {
  int64_t result = 0;
  for (const Term& term : terms_) {
    int64_t product = term.coefficient;
    for (const AtomPtr& factor : term.factors) {
      const auto value = evaluate_atom(*factor, find);
      if (!value || __builtin_mul_overflow(product, *value, &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(result, product, &result)) return std::nullopt;
  }
  return result;
}

std::string Dim::str() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (const Term& term : terms_) {
    const bool is_first = text.empty();
    if (term.coefficient == INT64_MIN) {  // has no magnitude
      text += (is_first ? "" : " + ") + term_text(term, term.coefficient, false);
      continue;
    }
    const bool is_negative = term.coefficient < 0;
    if (!is_first) text += is_negative ? " - " : " + ";
    if (is_first && is_negative) text += "-";
    text += term_text(term, std::abs(term.coefficient), !(is_first && is_negative));
  }
  return text;
}

std::optional<Dim> Dim::consume(std::string_view& text) {
  DimParser parser(text);
  Dim result = parser.sum();
  if (!parser.ok()) return std::nullopt;
  text = parser.rest();
  return result;
}

std::optional<Dim> Dim::parse(std::string_view text) {
  std::optional<Dim> result = consume(text);
  if (!text.empty()) return std::nullopt;
  return result;
}

Dim operator+(const Dim& a, const Dim& b) {
  std::vector<Term> terms = a.terms_;
  terms.insert(terms.end(), b.terms_.begin(), b.terms_.end());
  return DimBuilder::of_terms(std::move(terms));
}

Dim operator*(const Dim& a, const Dim& b) {
  std::vector<Term> terms;
  for (const Term& x : a.terms_) {
    for (const Term& y : b.terms_) {
      Term product{wrapping_mul(x.coefficient, y.coefficient), x.factors};
      product.factors.insert(product.factors.end(), y.factors.begin(), y.factors.end());
      std::sort(product.factors.begin(), product.factors.end(),
                [](const AtomPtr& p, const AtomPtr& q) { return p->key < q->key; });
      terms.push_back(std::move(product));
    }
  }
  return DimBuilder::of_terms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

bool operator==(const Dim& a, const Dim& b) {
  return std::equal(a.terms_.begin(), a.terms_.end(), b.terms_.begin(), b.terms_.end(),
                    [](const Term& x, const Term& y) {
                      return x.coefficient == y.coefficient && compare(x.factors, y.factors) == 0;
                    });
}

Dim floor_div(const Dim& a, const Dim& b) { return Dim::make(Dim::AtomKind::kFloorDiv, a, b); }
Dim broadcast(const Dim& a, const Dim& b) { return Dim::make(Dim::AtomKind::kBroadcast, a, b); }

}  // namespace tsc::ir
