// Each invariant of verify.h is broken once.
#include "compiler/ir/verify.h"

#include <gtest/gtest.h>

#include "compiler/ir/parse.h"

namespace tsc::ir {
namespace {

constexpr std::string_view kProgram = R"(class.0 S(h: int)
func f(%x: f32[3], %b: bool) {
  %y: f32[3] = relu %x
  %z: f32[3] = if %b {
    %t: f32[3] = exp %y
    yield %t
  } else {
    yield %y
  }
  %n: int = loop 3, true, 0 do (%i: int, %c: int) {
    yield true, %i
  }
  %r: f32[3] = region {
    %q: f32[3] = neg %z
    yield %q
  }
  return %r
}
)";

Graph program(std::string_view text = kProgram) {
  std::variant<Graph, ParseError> result = parse(text);
  if (const auto* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << error->line << ":" << error->column << ": " << error->message;
    return {};
  }
  return std::get<Graph>(std::move(result));
}

NodeId find(const Graph& graph, Op op) {
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    if (graph.node(id).op == op) return id;
  }
  ADD_FAILURE();
  return 0;
}

// The first error begins with the invariant's number.
void expect_error(const Graph& graph, std::string_view number) {
  const std::vector<std::string> errors = verify(graph);
  ASSERT_FALSE(errors.empty()) << "invariant " << number;
  EXPECT_TRUE(errors[0].starts_with(std::string(number) + ": ")) << errors[0];
}

TEST(Verify, AcceptsValidProgram) { EXPECT_EQ(verify(program()), std::vector<std::string>()); }

TEST(Verify, IdsInRange) {
  Graph graph = program();
  graph.node(0).inputs[0] = 12345;
  expect_error(graph, "1");
  graph = program();
  graph.value(0).type = Type::make(Type::Kind::kClass);
  graph.value(0).type.class_id = 1;
  expect_error(graph, "1");
}

TEST(Verify, OneDefinition) {
  Graph graph = program();
  graph.node(find(graph, Op::exp)).outputs = graph.node(find(graph, Op::relu)).outputs;
  expect_error(graph, "2");
  graph = program();
  graph.value(graph.node(find(graph, Op::relu)).outputs[0]).def = kNoId;
  expect_error(graph, "2");
}

TEST(Verify, NodesAndBlocksStandOnce) {
  Graph graph = program();
  std::vector<NodeId>& nodes = graph.block(graph.functions[0].body).nodes;
  nodes.push_back(nodes[0]);
  expect_error(graph, "3");
  graph = program();
  graph.block(graph.node(find(graph, Op::loop)).blocks[0]).owner = 0;
  expect_error(graph, "3");
}

TEST(Verify, DefinitionsDominateUses) {
  Graph graph = program();
  std::vector<NodeId>& nodes = graph.block(graph.functions[0].body).nodes;
  std::swap(nodes[0], nodes[1]);
  expect_error(graph, "4");
  graph = program();  // out of a branch
  graph.node(find(graph, Op::neg)).inputs = graph.node(find(graph, Op::exp)).outputs;
  expect_error(graph, "4");
  graph = program();  // removed
  graph.remove(find(graph, Op::relu));
  expect_error(graph, "4");
}

TEST(Verify, CountsMatchSchema) {
  Graph graph = program();
  graph.node(find(graph, Op::relu)).inputs.push_back(0);
  expect_error(graph, "5");
}

TEST(Verify, BlocksMatchOp) {
  Graph graph = program();
  graph.block(graph.node(find(graph, Op::if_)).blocks[1]).results.clear();
  expect_error(graph, "6");
  graph = program();
  graph.node(find(graph, Op::loop)).inputs.pop_back();
  expect_error(graph, "6");
  graph = program();
  graph.node(find(graph, Op::region)).inputs.push_back(0);
  expect_error(graph, "6");
  graph = program();
  graph.add_block(find(graph, Op::relu));
  expect_error(graph, "6");
}

TEST(Verify, JoinsFit) {
  Graph graph = program();
  graph.value(graph.node(find(graph, Op::if_)).outputs[0]).type = Type::make(Type::Kind::kInt);
  expect_error(graph, "7");
  graph = program();
  graph.node(find(graph, Op::loop)).inputs[2] = 0;
  expect_error(graph, "7");
}

TEST(Verify, FunctionsHaveOneResult) {
  Graph graph = program();
  graph.block(graph.functions[0].body).results.clear();
  expect_error(graph, "8");
  graph = program();
  graph.functions[0].input_names.pop_back();
  expect_error(graph, "8");
  graph = program();
  graph.constraints.emplace_back().kind = Constraint::Kind::kRank;
  graph.constraints[0].input = 2;
  expect_error(graph, "8");
}

// A branch that raises needs no results.
TEST(Verify, RaisingBranch) {
  EXPECT_EQ(verify(program("func f(%x: f32[3], %b: bool) {\n  %y: f32[3] = if %b {\n    yield %x\n  } else {\n"
                           "    raise \"no\"\n  }\n  return %y\n}\n")),
            std::vector<std::string>());
}

TEST(Fits, KindsRanksAndOptionals) {
  const auto fit = [](std::string_view actual, std::string_view expected) {
    return fits(*Type::parse(actual), *Type::parse(expected));
  };
  EXPECT_TRUE(fit("f32[3]", "f32[4]"));  // sizes may be symbols that are equal at run time
  EXPECT_TRUE(fit("f32[3]", "?[*]"));
  EXPECT_TRUE(fit("none", "optional[int]"));
  EXPECT_TRUE(fit("int", "optional[int]"));
  EXPECT_TRUE(fit("int", "number"));
  EXPECT_TRUE(fit("int", "union[str, int]"));
  EXPECT_TRUE(fit("tuple[int, none]", "tuple[int, optional[int]]"));
  EXPECT_FALSE(fit("f32[3]", "f32[3, 4]"));
  EXPECT_FALSE(fit("f32[3]", "i64[3]"));
  EXPECT_FALSE(fit("int", "float"));
  EXPECT_FALSE(fit("list[int]", "list[str]"));
  EXPECT_FALSE(fit("tuple[int]", "tuple[int, int]"));
}

}  // namespace
}  // namespace tsc::ir
