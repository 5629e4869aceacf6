// Building, editing and reading graphs.
#include "compiler/ir/graph.h"

#include <gtest/gtest.h>

#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"

namespace tsc::ir {
namespace {

Graph parsed(std::string_view text) {
  std::variant<Graph, ParseError> result = parse(text);
  if (const auto* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << error->line << ":" << error->column << ": " << error->message;
    return {};
  }
  return std::get<Graph>(std::move(result));
}

ValueId named(const Graph& graph, std::string_view name) {
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    if (graph.value(id).name == name) return id;
  }
  ADD_FAILURE() << "no value " << name;
  return 0;
}

TEST(Graph, BuildsAndEdits) {
  Graph graph;
  const BlockId body = graph.add_block();
  const Type tensor = Type::make_tensor(DType::kFloat32);
  const ValueId x = graph.add_param(body, tensor, "x");
  const NodeId relu = graph.add_node(body, Op::relu, {x}, {tensor}, 0);
  const NodeId exp = graph.add_node(body, Op::exp, {graph.node(relu).outputs[0]}, {tensor}, 0);
  graph.block(body).results = {graph.node(exp).outputs[0]};
  graph.functions.push_back({"f", body, {"x"}, {std::nullopt}});
  EXPECT_EQ(graph.use_counts()[x], 1u);

  const NodeId neg = graph.make_node(Op::neg, {x}, {tensor}, 0);
  EXPECT_EQ(graph.block_of(neg), kNoId);
  graph.insert_before(neg, relu);
  const NodeId tanh = graph.make_node(Op::tanh, {graph.node(relu).outputs[0]}, {tensor}, 0);
  graph.insert_after(tanh, relu);
  EXPECT_EQ(graph.block(body).nodes, (std::vector<NodeId>{neg, relu, tanh, exp}));
  EXPECT_EQ(graph.block_of(tanh), body);

  graph.replace_uses(graph.node(exp).outputs[0], graph.node(tanh).outputs[0]);
  graph.remove(exp);
  graph.remove(neg);
  EXPECT_EQ(graph.block(body).results, graph.node(tanh).outputs);
  EXPECT_EQ(verify(graph), std::vector<std::string>());

  const std::string before = print(graph);
  graph.compact();
  EXPECT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.values.size(), 3u);
  EXPECT_EQ(print(graph), before);
  EXPECT_EQ(verify(graph), std::vector<std::string>());
}

TEST(Graph, CompactKeepsBlocks) {
  Graph graph = parsed(R"(func f(%x: f32[*], %b: bool) {
  %dead: f32[*] = if %b {
    %0: f32[*] = exp %x
    yield %0
  } else {
    yield %x
  }
  %y: int = loop 3, %b, 0 do (%i: int, %c: int) {
    yield true, %i
  }
  return %y
}
)");
  graph.remove(graph.value(named(graph, "dead")).def);
  const std::string before = print(graph);
  graph.compact();
  EXPECT_EQ(graph.blocks.size(), 2u);
  EXPECT_EQ(print(graph), before);
  EXPECT_EQ(verify(graph), std::vector<std::string>());
}

TEST(Graph, ReadsConstants) {
  Graph graph;
  EXPECT_EQ(graph.as_int(graph.constant_int(3)), 3);
  EXPECT_EQ(graph.as_int(graph.constant_bool(true)), 1);
  EXPECT_EQ(graph.as_int(graph.constant_float(3)), std::nullopt);
  EXPECT_EQ(graph.as_double(graph.constant_float(0.5)), 0.5);
  EXPECT_EQ(graph.as_double(graph.constant_int(2)), 2.0);
  EXPECT_EQ(graph.as_bool(graph.constant_int(1)), std::nullopt);
  EXPECT_TRUE(graph.is_none(graph.constant_none()));
  EXPECT_FALSE(graph.is_none(graph.constant_int(0)));
  const int64_t ints[] = {1, 2};
  const ValueId list = graph.constant_ints(ints);
  EXPECT_EQ(graph.as_ints(list), (std::vector<int64_t>{1, 2}));
  const auto elements = graph.as_elements(list);
  ASSERT_TRUE(elements);
  ASSERT_EQ(elements->size(), 2u);
  EXPECT_EQ(graph.as_int((*elements)[1]), 2);
}

TEST(Graph, ReadsNodesAndFacts) {
  Graph graph = parsed(R"(hint x.0 = 5
func f(%x: f32[x.0, 4], %b: f32[*]) {
  %n: int<x.0> = size_dim %x, 0
  %m: int<4> = size_dim %x, 1
  %sizes: list[int]<x.0, 4> = size %x
  %known: list[int] = list %m, 7
  %open: list[int] = list %n, 7
  %pair: tuple[f32[x.0, 4], f32[*]] = tuple %x, %b
  return %pair
}
)");
  EXPECT_EQ(graph.as_int(named(graph, "n")), std::nullopt);
  EXPECT_EQ(graph.as_int(named(graph, "m")), 4);
  EXPECT_EQ(graph.as_ints(named(graph, "sizes")), std::nullopt);
  EXPECT_EQ(graph.as_ints(named(graph, "known")), (std::vector<int64_t>{4, 7}));
  EXPECT_EQ(graph.as_ints(named(graph, "open")), std::nullopt);
  EXPECT_EQ(graph.as_elements(named(graph, "pair")), (std::vector<ValueId>{named(graph, "x"), named(graph, "b")}));
  EXPECT_EQ(graph.as_elements(named(graph, "x")), std::nullopt);
  EXPECT_EQ(graph.hint(floor_div(Dim::symbol("x.0") + 1, 2)), 3);
  EXPECT_EQ(graph.hint(Dim::symbol("y")), std::nullopt);
}

TEST(TensorConstant, Contiguity) {
  TensorConstant tensor;
  tensor.sizes = {2, 1, 3};
  tensor.strides = {3, 99, 1};
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.element_count(), 6);
  tensor.strides = {1, 1, 2};
  EXPECT_FALSE(tensor.is_contiguous());
  tensor.sizes = {0, 1, 3};
  EXPECT_TRUE(tensor.is_contiguous());
  tensor.sizes = {};
  tensor.strides = {};
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.element_count(), 1);
}

}  // namespace
}  // namespace tsc::ir
