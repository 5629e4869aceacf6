// Inference over IR text: what each value's type becomes, and which constraints the entry gets.
#include "compiler/ir/infer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "compiler/ir/graph.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "tests/infer/cases.h"

namespace tsc::ir {
namespace {

Graph parsed(const std::string& text) {
  auto result = parse(text);
  if (auto* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << "line " << error->line << ", column " << error->column << ": " << error->message << "\n" << text;
    return {};
  }
  return std::get<Graph>(std::move(result));
}

// "f32[x.0]" or "int<x.0 + 1>": the type and the known integers of the value of that name.
std::string fact(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name != name) continue;
    std::string text = value.type.str();
    if (!value.ints) return text;
    text += "<";
    for (size_t i = 0; i < value.ints->size(); ++i) text += (i ? ", " : "") + (*value.ints)[i].str();
    return text + ">";
  }
  return "no value %" + name;
}

class InferTest : public testing::TestWithParam<Case> {};

TEST_P(InferTest, Fact) {
  const Case& c = GetParam();
  const std::string text = std::string("func forward(") + c.inputs + ") {\n" + c.body + "\n  return %r\n}\n";
  Graph graph = parsed(text);
  if (graph.functions.empty()) return;
  infer(graph);
  EXPECT_EQ(fact(graph, "r"), c.fact) << print(graph);
  const std::string once = print(graph);
  infer(graph);
  EXPECT_EQ(print(graph), once) << "a second run finds something else";
}

INSTANTIATE_TEST_SUITE_P(Ops, InferTest, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

TEST(InferConstraints, LinearFixesTheInputsLastSize) {
  Graph graph = parsed(
      "hint x.1 = 512\nfunc forward(%x: f32[x.0, x.1], %w: f32[10, 512]) {\n  %r: ?[*] = linear %x, %w, none\n"
      "  return %r\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "x"), "f32[x.0, 512]");
  ASSERT_EQ(graph.constraints.size(), 1u);
  const Constraint& constraint = graph.constraints[0];
  EXPECT_EQ(constraint.kind, Constraint::Kind::kSize);
  EXPECT_EQ(constraint.input, 0u);
  EXPECT_EQ(constraint.axis, 1u);
  EXPECT_EQ(constraint.lhs.str(), "x.1");
  EXPECT_EQ(constraint.rhs.str(), "512");
  EXPECT_NE(constraint.message.find("linear"), std::string::npos);
  infer(graph);
  EXPECT_EQ(graph.constraints.size(), 1u);
}

TEST(InferConstraints, AnEquationThatNoSizeSolvesIsKept) {
  Graph graph = parsed(
      "func forward(%x: f32[x.0, 4, x.2], %w: f32[10, 64]) {\n  %f: ?[*] = flatten %x, 1, -1\n"
      "  %r: ?[*] = linear %f, %w, none\n  return %r\n}\n");
  infer(graph);
  infer(graph);
  EXPECT_EQ(fact(graph, "r"), "f32[x.0, 10]");
  ASSERT_EQ(graph.constraints.size(), 1u);
  EXPECT_EQ(graph.constraints[0].kind, Constraint::Kind::kEqual);
}

TEST(InferConstraints, NothingIsAssumedWithinABranch) {
  Graph graph = parsed(
      "func forward(%x: f32[x.0, x.1], %w: f32[10, 512], %c: bool) {\n  %r: ?[*] = if %c {\n"
      "    %l: ?[*] = linear %x, %w, none\n    yield %l\n  } else {\n    yield %x\n  }\n  return %r\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "x"), "f32[x.0, x.1]");
  EXPECT_EQ(fact(graph, "l"), "f32[x.0, 10]");
  EXPECT_TRUE(graph.constraints.empty());
}

TEST(InferConstraints, TwoInputsOfOneLength) {
  Graph graph = parsed(
      "func forward(%x: f32[x.0, 8], %y: f32[y.0, 8]) {\n  %l: list[?[*]] = list %x, %y\n"
      "  %r: ?[*] = cat %l, 1\n  return %r\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "r"), "f32[x.0, 16]");
  EXPECT_EQ(fact(graph, "y"), "f32[x.0, 8]");
}

// Sizes of sums that may broadcast, and integers made of themselves, double with each step.
TEST(Infer, SizesThatDoubleStayShort) {
  std::string text = "func forward(%x0: f32[x.0], %y: f32[y.0], %i0: int) {\n  %n: int = size_dim %y, 0\n";
  for (int k = 0; k < 60; ++k) {
    text += fmt::format("  %s{0}: ?[*] = slice %x{0}, 0, 0, %n, 1\n  %x{1}: ?[*] = add %x{0}, %s{0}, 1\n", k, k + 1);
    text += fmt::format("  %m{0}: int = scalar_floordiv %i{0}, 3\n  %i{1}: int = scalar_mul %i{0}, %m{0}\n", k, k + 1);
  }
  Graph graph = parsed(text + "  return %x60\n}\n");
  infer(graph);
  const std::string once = print(graph);
  EXPECT_EQ(fact(graph, "x1"), "f32[bcast(min(x.0, y.0), x.0)]") << "short ones are kept";
  EXPECT_LT(once.size(), 60u * 4 * 600);
  infer(graph);
  EXPECT_EQ(print(graph), once) << "a second run finds something else";
}

TEST(Infer, LstmOutputs) {
  Graph graph = parsed(
      "func forward(%x: f32[x.0, x.1, 16], %h: f32[2, x.0, 32], %c: f32[2, x.0, 32], %wi: f32[128, 16], "
      "%wh: f32[128, 32], %wi2: f32[128, 32], %wh2: f32[128, 32]) {\n  %hx: list[?[*]] = list %h, %c\n"
      "  %p: list[?[*]] = list %wi, %wh, %wi2, %wh2\n"
      "  %o: ?[*], %hn: ?[*], %cn: ?[*] = lstm %x, %hx, %p, false, 2, 0.0, false, false, true\n  return %o\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "o"), "f32[x.0, x.1, 32]");
  EXPECT_EQ(fact(graph, "hn"), "f32[2, x.0, 32]");
  EXPECT_EQ(fact(graph, "cn"), "f32[2, x.0, 32]");
}

TEST(Infer, AnAppendElsewhereIsSeenThroughEveryAlias) {
  Graph graph = parsed(
      "func forward(%x: f32[3], %y: i64[4]) {\n  %l: list[?[*]] = list %x\n  %a: list[?[*]] = list_append %l, %y\n"
      "  %r: ?[*] = list_getitem %l, 0\n  return %r\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "r"), "?[u1]");
}

TEST(Infer, EachReadOfAListHasSizesOfItsOwn) {
  for (const char* list : {"%l: list[?[*]] = list %x, %y\n", "%l: list[?[*]] = list %x\n  list_append %l, %y\n"}) {
    Graph graph = parsed("func forward(%x: f32[x.0, 4], %y: f32[y.0, 4], %i: int, %j: int) {\n  " + std::string(list) +
                         "  %a: ?[*] = list_getitem %l, %i\n  %b: ?[*] = list_getitem %l, %j\n"
                         "  %c: ?[*] = add %a, %b, 1\n  return %c\n}\n");
    infer(graph);
    EXPECT_NE(fact(graph, "a"), fact(graph, "b"));
    EXPECT_NE(fact(graph, "a"), fact(graph, "c"));
  }
}

TEST(Infer, AWrittenIntegerTensorIsNoNumber) {
  Graph graph = parsed(
      "func forward(%n: int) {\n  %t: ?[*] = num_to_tensor 3\n  %s: ?[*] = add_ %t, 1, 1\n  %r: int = tensor_to_int "
      "%t\n"
      "  return %r\n}\n");
  infer(graph);
  EXPECT_NE(fact(graph, "r"), "int<3>");
}

TEST(Infer, ARankThatChangesInPlaceIsNotBelieved) {
  Graph graph = parsed(
      "func forward(%x: f32[3]) {\n  %t: ?[*] = relu %x\n  %s: ?[*] = unsqueeze_ %t, 0\n  %r: ?[*] = neg %t\n"
      "  return %r\n}\n");
  infer(graph);
  EXPECT_EQ(fact(graph, "r"), "f32[*]");
}

}  // namespace
}  // namespace tsc::ir
