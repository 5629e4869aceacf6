#include "compiler/torch/fold_constants.h"

#include <gtest/gtest.h>

#include "compiler/ir/infer.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"

namespace tsc {
namespace {

std::string folded(std::string_view text) {
  auto parsed = ir::parse(text);
  if (const auto* error = std::get_if<ir::ParseError>(&parsed))
    return "line " + std::to_string(error->line) + ": " + error->message;
  ir::Graph graph = std::get<ir::Graph>(std::move(parsed));
  ir::infer(graph);
  fold_constants(graph);
  for (const std::string& problem : ir::verify(graph)) ADD_FAILURE() << problem;
  return ir::print(graph);
}

constexpr std::string_view kTable = "tensor @w: f32[2, 2] = [1.0, 2.0, 3.0, 4.0]\n";

TEST(FoldConstants, ChainsOfConstantOps) {
  const std::string text = folded(std::string("graph \"g\"\nfunc forward(%x: f32[2]) {\n"
                                              "  %a: f32[2, 2] = mul @w, 2.0\n"
                                              "  %b: f32[2] = sum %a, [0], false, none\n"
                                              "  %y: f32[2] = add %x, %b, 1\n"
                                              "  return %y\n}\n") +
                                  std::string(kTable));
  EXPECT_EQ(text.find("mul"), std::string::npos) << text;
  EXPECT_EQ(text.find("sum"), std::string::npos) << text;
  EXPECT_NE(text.find("[8.0, 12.0]"), std::string::npos) << text;
}

TEST(FoldConstants, ViewsShareTheStorage) {
  auto parsed =
      ir::parse(std::string("graph \"g\"\nfunc forward(%x: f32[2, 2]) {\n  %t: f32[2, 2] = t @w\n"
                            "  %y: f32[2, 2] = matmul %x, %t\n  %z: f32[2, 2] = matmul %y, @w\n  return %z\n}\n") +
                std::string(kTable));
  ASSERT_TRUE(std::holds_alternative<ir::Graph>(parsed)) << std::get<ir::ParseError>(parsed).message;
  ir::Graph graph = std::get<ir::Graph>(std::move(parsed));
  ir::infer(graph);
  fold_constants(graph);
  const ir::Block& body = graph.block(graph.functions[0].body);
  ASSERT_EQ(body.nodes.size(), 2u);
  const auto view = graph.as_tensor(graph.node(body.nodes[0]).inputs[1]);
  const auto whole = graph.as_tensor(graph.node(body.nodes[1]).inputs[1]);
  EXPECT_EQ(view->storage, whole->storage);
  EXPECT_EQ(view->strides, (std::vector<int64_t>{1, 2}));
}

TEST(FoldConstants, LeavesRandomWrittenAndHugeResults) {
  const std::string text =
      folded(std::string("graph \"g\"\nfunc forward(%x: f32[2, 2]) {\n"
                         "  %r: ?[*] = rand [2, 2], none, none, none, none\n"
                         "  %z: ?[*] = zeros [2, 2], none, none, none, none\n"
                         "  %s: ?[*] = add_ %z, %x, 1\n"
                         "  %h: ?[*] = zeros [4096, 4096], none, none, none, none\n"
                         "  %u: ?[*] = add %r, %s, 1\n"
                         "  %v: tuple[?[*], ?[*]] = tuple %u, %h\n"
                         "  return %v\n}\n"));
  EXPECT_NE(text.find("rand"), std::string::npos) << text;
  EXPECT_NE(text.find("zeros [2, 2]"), std::string::npos) << text;
  EXPECT_NE(text.find("zeros [4096, 4096]"), std::string::npos) << text;
}

}  // namespace
}  // namespace tsc
