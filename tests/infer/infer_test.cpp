// Inference over IR text: what each value's type becomes, and which constraints the entry gets.
#include "compiler/ir/infer.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/ir/graph.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"

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

struct Case {
  const char* name;
  const char* inputs;  // of the function
  const char* body;    // ends in the definition of %r
  const char* fact;    // of %r
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

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

INSTANTIATE_TEST_SUITE_P(
    Ops, InferTest,
    testing::ValuesIn<Case>({
        {"relu", "%x: f32[x.0, 3]", "  %r: ?[*] = relu %x", "f32[x.0, 3]"},
        {"add_broadcast", "%x: f32[x.0, 1], %y: f32[4]", "  %r: ?[*] = add %x, %y, 1", "f32[x.0, 4]"},
        {"add_unequal", "%x: f32[x.0], %y: f32[y.0]", "  %r: ?[*] = add %x, %y, 1", "f32[bcast(x.0, y.0)]"},
        {"add_int_scalar", "%x: i32[3]", "  %r: ?[*] = add %x, 2, 1", "i32[3]"},
        {"add_float_scalar", "%x: i32[3]", "  %r: ?[*] = add %x, 2.0, 1", "f32[3]"},
        {"half_keeps_with_scalar", "%x: f16[3]", "  %r: ?[*] = mul %x, 2.0", "f16[3]"},
        {"zero_dim_gives_way", "%x: f16[3], %y: f64[]", "  %r: ?[*] = mul %x, %y", "f16[3]"},
        {"zero_dim_of_higher_category", "%x: i32[3], %y: f64[]", "  %r: ?[*] = mul %x, %y", "f64[3]"},
        {"bool_with_int", "%x: bool[3]", "  %r: ?[*] = add %x, 1, 1", "i64[3]"},
        {"div_of_ints", "%x: i64[3], %y: i64[3]", "  %r: ?[*] = div %x, %y", "f32[3]"},
        {"compare", "%x: f32[3]", "  %r: ?[*] = gt %x, 0.0", "bool[3]"},
        {"unknown_rank", "%x: f32[*]", "  %r: ?[*] = relu %x", "f32[*]"},
        {"where", "%c: bool[2, 1], %x: f32[3], %y: f32[]", "  %r: ?[*] = where %c, %x, %y", "f32[2, 3]"},
        {"in_place_keeps_dtype", "%x: f32[3], %y: f64[3]", "  %r: ?[*] = add_ %x, %y, 1", "f32[3]"},
        {"sum_of_ints", "%x: i32[2, 3]", "  %r: ?[*] = sum %x, [1], false, none", "i64[2]"},
        {"sum_keepdim", "%x: f32[2, 3, x.2]", "  %r: ?[*] = sum %x, [-1], true, none", "f32[2, 3, 1]"},
        {"mean_all", "%x: f32[2, 3]", "  %r: ?[*] = mean %x, none, false, none", "f32[]"},
        {"argmax", "%x: f32[2, x.1]", "  %r: ?[*] = argmax %x, 1, false", "i64[2]"},
        {"conv2d", "%x: f32[x.0, 3, x.2, x.3], %w: f32[64, 3, 7, 7]",
         "  %r: ?[*] = conv2d %x, %w, none, [2, 2], [3, 3], [1, 1], 1", "f32[x.0, 64, (x.2 + 1)//2, (x.3 + 1)//2]"},
        {"conv2d_static", "%x: f32[1, 3, 224, 224], %w: f32[64, 3, 7, 7]",
         "  %r: ?[*] = conv2d %x, %w, none, [2, 2], [3, 3], [1, 1], 1", "f32[1, 64, 112, 112]"},
        {"convolution", "%x: f32[1, 3, 8, 8], %w: f32[6, 3, 3, 3]",
         "  %r: ?[*] = convolution %x, %w, none, [1, 1], [1, 1], [1, 1], false, [0, 0], 1, false, false, true, true",
         "f32[1, 6, 8, 8]"},
        {"conv_transpose2d", "%x: f32[1, 4, x.2, 5], %w: f32[4, 2, 2, 2]",
         "  %r: ?[*] = conv_transpose2d %x, %w, none, [2, 2], [0, 0], [0, 0], 1, [1, 1]", "f32[1, 2, 2*x.2, 10]"},
        {"max_pool2d", "%x: f32[1, 64, 112, x.3]", "  %r: ?[*] = max_pool2d %x, [3, 3], [2, 2], [1, 1], [1, 1], false",
         "f32[1, 64, 56, (x.3 + 1)//2]"},
        {"max_pool2d_ceil", "%x: f32[1, 4, 6, 7]", "  %r: ?[*] = max_pool2d %x, [2, 2], [2, 2], [0, 0], [1, 1], true",
         "f32[1, 4, 3, 4]"},
        {"avg_pool2d_default_stride", "%x: f32[1, 4, 6, 7]",
         "  %r: ?[*] = avg_pool2d %x, [2], [] as list[int], [0], false, true, none", "f32[1, 4, 3, 3]"},
        {"adaptive_avg_pool2d", "%x: f32[x.0, 512, x.2, x.3]", "  %r: ?[*] = adaptive_avg_pool2d %x, [1, 1]",
         "f32[x.0, 512, 1, 1]"},
        {"flatten", "%x: f32[x.0, 512, 1, 1]", "  %r: ?[*] = flatten %x, 1, -1", "f32[x.0, 512]"},
        {"linear", "%x: f32[x.0, 512], %w: f32[10, 512], %b: f32[10]", "  %r: ?[*] = linear %x, %w, %b",
         "f32[x.0, 10]"},
        {"linear_unknown_input", "%x: ?[*], %w: f32[10, 512]", "  %r: ?[*] = linear %x, %w, none", "f32[*]"},
        {"matmul_batched", "%x: f32[x.0, 8, x.2, 64], %y: f32[x.0, 8, 64, x.2]", "  %r: ?[*] = matmul %x, %y",
         "f32[x.0, 8, x.2, x.2]"},
        {"matmul_vector", "%x: f32[5, 64], %y: f32[64]", "  %r: ?[*] = matmul %x, %y", "f32[5]"},
        {"addmm", "%b: f32[7], %x: f32[x.0, 4], %y: f32[4, 7]", "  %r: ?[*] = addmm %b, %x, %y, 1, 1", "f32[x.0, 7]"},
        {"bmm", "%x: f32[2, 3, 4], %y: f32[2, 4, x.1]", "  %r: ?[*] = bmm %x, %y", "f32[2, 3, x.1]"},
        {"einsum", "%x: f32[2, 3, x.2], %y: f32[x.2, 5]",
         "  %l: list[?[*]] = list %x, %y\n  %r: ?[*] = einsum \"bij,jk->bik\", %l, none", "f32[2, 3, 5]"},
        {"embedding", "%x: i64[x.0, x.1], %w: f32[1000, 64]", "  %r: ?[*] = embedding %w, %x, -1, false, false",
         "f32[x.0, x.1, 64]"},
        {"softmax_dtype", "%x: f16[2, 3]", "  %r: ?[*] = softmax %x, -1, 6", "f32[2, 3]"},
        {"layer_norm", "%x: f32[x.0, 64]", "  %r: ?[*] = layer_norm %x, [64], none, none, 1e-05, true", "f32[x.0, 64]"},
        {"attention", "%q: f32[x.0, 8, x.1, 64], %k: f32[x.0, 8, x.2, 64], %v: f32[x.0, 8, x.2, 32]",
         "  %r: ?[*] = scaled_dot_product_attention %q, %k, %v, none, 0.0, false, none, false", "f32[x.0, 8, x.1, 32]"},
        {"view_traced", "%x: f32[x.0, x.1, 768]",
         "  %b: int = size_dim %x, 0\n  %t: int = size_dim %x, 1\n  %s: list[int] = list %b, %t, 12, 64\n"
         "  %r: ?[*] = view %x, %s",
         "f32[x.0, x.1, 12, 64]"},
        {"view_inferred", "%x: f32[x.0, 64, x.2]",
         "  %b: int = size_dim %x, 0\n  %s: list[int] = list %b, -1\n  %r: ?[*] = view %x, %s", "f32[x.0, 64*x.2]"},
        {"view_of_unknown_int", "%x: f32[x.0, 64], %n: int", "  %s: list[int] = list %n, -1\n  %r: ?[*] = view %x, %s",
         "f32[u1, u2]"},
        {"transpose", "%x: f32[x.0, x.1, 3]", "  %r: ?[*] = transpose %x, 0, -1", "f32[3, x.1, x.0]"},
        {"permute", "%x: f32[x.0, x.1, 3]", "  %r: ?[*] = permute %x, [2, 0, 1]", "f32[3, x.0, x.1]"},
        {"expand", "%x: f32[1, 3]", "  %r: ?[*] = expand %x, [4, 2, -1], false", "f32[4, 2, 3]"},
        {"select", "%x: f32[x.0, 3, 4]", "  %r: ?[*] = select %x, 1, 0", "f32[x.0, 4]"},
        {"slice", "%x: f32[x.0, 10]", "  %r: ?[*] = slice %x, 1, 2, 7, 2", "f32[x.0, 3]"},
        {"slice_to_end", "%x: f32[x.0, 10]", "  %r: ?[*] = slice %x, 0, 0, 9223372036854775807, 1", "f32[x.0, 10]"},
        {"slice_bound", "%x: f32[512], %y: i64[y.0]", "  %n: int = size_dim %y, 0\n  %r: ?[*] = slice %x, 0, 0, %n, 1",
         "f32[min(512, y.0)]"},
        {"squeeze_known", "%x: f32[2, 1, 3]", "  %r: ?[*] = squeeze_dim %x, 1", "f32[2, 3]"},
        {"squeeze_symbol", "%x: f32[2, x.1, 3]", "  %r: ?[*] = squeeze_dim %x, 1", "f32[*]"},
        {"unsqueeze", "%x: f32[2, 3]", "  %r: ?[*] = unsqueeze %x, -1", "f32[2, 3, 1]"},
        {"unflatten", "%x: f32[2, 12]", "  %r: ?[*] = unflatten %x, 1, [3, -1]", "f32[2, 3, 4]"},
        {"chunk", "%x: f32[2, 12]", "  %r: list[?[*]] = chunk %x, 3, 1", "list[f32[2, 4]]"},
        {"split_uneven", "%x: f32[10]",
         "  %l: list[?[*]] = split %x, 4, 0\n  %a: ?[*], %b: ?[*], %r: ?[*] = list_unpack %l", "f32[2]"},
        {"unbind", "%x: f32[2, 12]", "  %r: list[?[*]] = unbind %x, 0", "list[f32[12]]"},
        {"cat", "%x: f32[x.0, 3], %y: f32[x.0, 4]", "  %l: list[?[*]] = list %x, %y\n  %r: ?[*] = cat %l, 1",
         "f32[x.0, 7]"},
        {"stack", "%x: f32[x.0, 3], %y: f32[x.0, 3]", "  %l: list[?[*]] = list %x, %y\n  %r: ?[*] = stack %l, 0",
         "f32[2, x.0, 3]"},
        {"index_one", "%x: f32[x.0, 3, 4], %i: i64[y.0]",
         "  %l: list[optional[?[*]]] = list none, %i\n  %r: ?[*] = index %x, %l", "f32[x.0, y.0, 4]"},
        {"index_mask", "%x: f32[x.0, 3], %m: bool[x.0]",
         "  %l: list[optional[?[*]]] = list %m\n  %r: ?[*] = index %x, %l", "f32[u0, 3]"},
        {"gather", "%x: f32[4, 5], %i: i64[4, 2]", "  %r: ?[*] = gather %x, 1, %i, false", "f32[4, 2]"},
        {"repeat", "%x: f32[2, x.1]", "  %r: ?[*] = repeat %x, [3, 1, 2]", "f32[3, 2, 2*x.1]"},
        {"pad", "%x: f32[2, x.1]", "  %r: ?[*] = constant_pad_nd %x, [1, 2], 0", "f32[2, x.1 + 3]"},
        {"nonzero", "%x: f32[2, x.1]", "  %r: ?[*] = nonzero %x", "i64[u0, 2]"},
        {"upsample", "%x: f32[1, 3, x.2, 8]", "  %r: ?[*] = upsample_nearest2d %x, none, [2.0, 2.0]",
         "f32[1, 3, 2*x.2, 16]"},
        {"arange", "%x: f32[x.0, 5]", "  %n: int = size_dim %x, 0\n  %r: ?[*] = arange_end %n, none, none, none, none",
         "i64[x.0]"},
        {"zeros", "%x: f32[x.0, 5]",
         "  %n: int = size_dim %x, 0\n  %s: list[int] = list %n, 4\n  %r: ?[*] = zeros %s, 4, none, none, none",
         "i64[x.0, 4]"},
        {"to_dtype", "%x: i64[3]", "  %r: ?[*] = to_dtype %x, 6, false, false, none", "f32[3]"},
        {"num_to_tensor_arithmetic", "%x: f32[x.0, 64]",
         "  %n: int = size_dim %x, 1\n  %t: ?[*] = num_to_tensor %n\n  %h: ?[*] = floor_divide %t, 2\n"
         "  %r: int = tensor_to_int %h",
         "int<32>"},
        {"int_of_quotient", "%x: f32[x.0, 64]",
         "  %n: int = size_dim %x, 0\n  %q: float = scalar_div %n, 2\n  %r: int = to_int %q", "int<x.0//2>"},
        {"provable_comparison", "%x: f32[x.0]",
         "  %n: int = size_dim %x, 0\n  %m: int = scalar_add %n, 1\n  %r: bool = scalar_gt %m, %n", "bool<1>"},
        {"open_comparison", "%x: f32[x.0]", "  %n: int = size_dim %x, 0\n  %r: bool = scalar_gt %n, 3", "bool"},
        {"list_item", "%x: f32[x.0, 7]", "  %s: list[int] = size %x\n  %r: int = list_getitem %s, -1", "int<7>"},
        {"list_length", "%x: f32[x.0, 7]", "  %s: list[int] = size %x\n  %r: int = len %s", "int<2>"},
        {"is_none_by_type", "%x: f32[x.0]", "  %r: bool = isnot %x, none", "bool<1>"},
        {"is_floating_point", "%x: i64[x.0]", "  %r: bool = is_floating_point %x", "bool<0>"},
        {"if_join", "%x: f32[x.0, 3], %y: f32[y.0, 3], %c: bool",
         "  %r: ?[*] = if %c {\n    yield %x\n  } else {\n    yield %y\n  }", "f32[u0, 3]"},
        {"if_raises", "%x: f32[x.0, 3], %c: bool",
         "  %r: ?[*] = if %c {\n    raise \"no\", none\n    %u: ?[*] = uninitialized\n    yield %u\n  } else {\n"
         "    yield %x\n  }",
         "f32[x.0, 3]"},
        {"loop_grows", "%x: f32[1, 3], %n: int",
         "  %r: ?[*] = loop %n, true, %x do (%i: int, %c: ?[*]) {\n    %l: list[?[*]] = list %c, %x\n"
         "    %d: ?[*] = cat %l, 0\n    yield true, %d\n  }",
         "f32[u4, 3]"},
        {"loop_appends", "%x: f32[x.0, 3], %n: int",
         "  %l: list[?[*]] = list\n  loop %n, true do (%i: int) {\n    %s: ?[*] = select %x, 0, %i\n"
         "    %a: list[?[*]] = list_append %l, %s\n    yield true\n  }\n  %r: ?[*] = stack %l, 0",
         "f32[u2, 3]"},
    }),
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
  EXPECT_EQ(fact(graph, "r"), "?[u0]");
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
