// Dim algebra: known identities, and random expressions whose canonical form must have the value of the original.
#include "compiler/ir/dim.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace tsc::ir {
namespace {

Dim dim(std::string_view text) {
  const std::optional<Dim> result = Dim::parse(text);
  EXPECT_TRUE(result) << text;
  return result.value_or(Dim());
}

TEST(Dim, PrintsCanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "0"},
      {"3 + x*2 - 1", "2*x + 2"},
      {"y*x + x*y", "2*x*y"},
      {"x - x", "0"},
      {"(x + 1)*(x - 1)", "x*x - 1"},
      {"-x", "-x"},
      {"-(x//2)", "-(x//2)"},
      {"y - x//2", "-(x//2) + y"},
      {"3*(x//2)", "3*(x//2)"},
      {"x.0*h", "h*x.0"},
      // Floor division: whole parts move out, nested divisions become one, common factors go.
      {"(x + 6 - 7)//2 + 1", "(x + 1)//2"},
      {"((x + 1)//2 + 1)//2", "(x + 3)//4"},
      {"(4*x + 2)//2", "2*x + 1"},
      {"(3*x)//2", "x + x//2"},
      {"(2*x + 5)//6", "(x + 2)//3"},
      {"(x*y + 3)//x", "3//x + y"},
      {"(x*y)//y", "x"},
      {"7//2", "3"},
      {"-7//2", "-4"},
      {"x//0", "x//0"},
      // Modulo.
      {"(x + 3)%2", "(x + 1)%2"},
      {"(2*x)%2", "0"},
      {"-7%3", "2"},
      {"7%(-3)", "-2"},
      // Minimum, maximum, broadcast.
      {"max(x, x + 1)", "x + 1"},
      {"min(x, x + 1)", "x"},
      {"max(y, x)", "max(x, y)"},
      {"bcast(1, x)", "x"},
      {"bcast(x, 1)", "x"},
      {"bcast(x, 3)", "3"},
      {"bcast(x, x)", "x"},
      {"bcast(y, x)", "bcast(x, y)"},
      {"bcast(bcast(x, y), x)", "bcast(x, y)"},
      {"bcast(z, bcast(y, x))", "bcast(bcast(x, y), z)"},
      {"bcast(x, y)*2 + 1", "2*bcast(x, y) + 1"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(dim(text).str(), expected) << text;
    EXPECT_EQ(dim(dim(text).str()), dim(text)) << text;
  }
}

TEST(Dim, FloorDivisionByNegative) {
  const Dim quotient = floor_div(Dim::symbol("x"), -2);
  for (int64_t x = -5; x <= 5; ++x) {
    EXPECT_EQ(quotient.evaluate([&](std::string_view) { return x; }), static_cast<int64_t>(std::floor(x / -2.0))) << x;
  }
}

TEST(Dim, RejectsWhatIsNoExpression) {
  for (const char* text :
       {"", "x +", "(x", "x)", "foo(x, y)", "max(x)", "2x", ".x", "x y", "99999999999999999999", "-", "//"}) {
    EXPECT_FALSE(Dim::parse(text)) << text;
  }
  EXPECT_FALSE(Dim::parse(std::string(100000, '(')));
}

TEST(Dim, ExactQuotient) {
  EXPECT_EQ(dim("12*s").exact_quotient(dim("4*s")), Dim(3));
  EXPECT_EQ(dim("x*y + 2*y").exact_quotient(dim("y")), dim("x + 2"));
  EXPECT_EQ(dim("(x + 2)*(y + 3)").exact_quotient(dim("y + 3")), dim("x + 2"));
  EXPECT_EQ(dim("0").exact_quotient(dim("x")), Dim(0));
  EXPECT_EQ(dim("3*x").exact_quotient(dim("2*x")), std::nullopt);
  EXPECT_EQ(dim("x + 1").exact_quotient(dim("x")), std::nullopt);
  EXPECT_EQ(dim("x").exact_quotient(dim("0")), std::nullopt);
}

TEST(Dim, Length) {
  EXPECT_FALSE(dim("7").is_longer_than(0));
  EXPECT_TRUE(dim("x").is_longer_than(0));
  EXPECT_FALSE(dim("max(b, a//c) + a").is_longer_than(6));
  EXPECT_TRUE(dim("max(b, a//c) + a").is_longer_than(5));
}

TEST(Dim, SymbolsAndSubstitution) {
  EXPECT_EQ(dim("max(b, a//c) + a").symbols(), (std::vector<std::string>{"a", "c", "b"}));
  const auto find = [](std::string_view name) -> std::optional<Dim> {
    if (name == "x") return Dim(6);
    if (name == "y") return Dim::symbol("x");
    return std::nullopt;
  };
  EXPECT_EQ(dim("(x + 1)//2 + y*z").substitute(find).str(), "x*z + 3");
  EXPECT_EQ(dim("x").symbol_name(), "x");
  EXPECT_EQ(dim("2*x").symbol_name(), std::nullopt);
  EXPECT_TRUE(dim("5").is_constant(5));
  EXPECT_EQ(dim("x//y").evaluate([](std::string_view) { return std::optional<int64_t>(0); }), std::nullopt);
}

// Builds a random expression and, beside it, its value.
struct Random {
  std::mt19937 engine{7};
  std::map<std::string, int64_t, std::less<>> values{{"a", 1}, {"b", 2}, {"c", 7}, {"x.0", 12}};

  int64_t number(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine); }
  static int64_t floor_quotient(int64_t a, int64_t b) { return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0); }

  std::pair<Dim, int64_t> expression(int depth) {
    const int64_t choice = depth == 0 ? number(0, 1) : number(0, 8);
    if (choice == 0) {
      const int64_t value = number(-6, 9);
      return {Dim(value), value};
    }
    if (choice == 1) {
      const auto it = std::next(values.begin(), number(0, static_cast<int64_t>(values.size()) - 1));
      return {Dim::symbol(it->first), it->second};
    }
    const auto [a, x] = expression(depth - 1);
    const auto [b, y] = expression(depth - 1);
    switch (choice) {
      case 2:
        return {a + b, x + y};
      case 3:
        return {a - b, x - y};
      case 4:
        return {a * b, x * y};
      case 5:
        return {Dim::make(Dim::AtomKind::kMin, a, b), std::min(x, y)};
      case 6:
        return {Dim::make(Dim::AtomKind::kMax, a, b), std::max(x, y)};
      case 7:
        return y == 0 ? std::pair(a, x) : std::pair(floor_div(a, b), floor_quotient(x, y));
      default:
        return y == 0 ? std::pair(a, x) : std::pair(Dim::make(Dim::AtomKind::kMod, a, b), x - y * floor_quotient(x, y));
    }
  }
};

TEST(Dim, RandomExpressionsKeepTheirValue) {
  Random random;
  for (int i = 0; i < 3000; ++i) {
    const auto [expression, value] = random.expression(4);
    const auto find = [&](std::string_view name) -> std::optional<int64_t> { return random.values.find(name)->second; };
    ASSERT_EQ(expression.evaluate(find), value) << expression.str();
    const std::optional<Dim> read = Dim::parse(expression.str());
    ASSERT_TRUE(read) << expression.str();
    ASSERT_EQ(read->str(), expression.str());
    ASSERT_EQ(*read, expression);
    const Dim bound = expression.substitute([&](std::string_view name) { return std::optional<Dim>(*find(name)); });
    ASSERT_EQ(bound.constant(), value) << expression.str();
  }
}

}  // namespace
}  // namespace tsc::ir
