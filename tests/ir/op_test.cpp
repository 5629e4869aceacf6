// The op table: rows, schemas, and the names of PyTorch's overloads.
#include "compiler/ir/op.h"

#include <gtest/gtest.h>

#include "compiler/ir/assert.h"
#include "compiler/ir/effects.h"
#include "compiler/ir/parse.h"

namespace tsc::ir {
namespace {

TEST(OpTable, NamesAreTokensWithoutTrailingUnderscore) {
  EXPECT_EQ(op_info(Op::if_).name, "if");
  EXPECT_EQ(op_info(Op::copy_).name, "copy");
  EXPECT_EQ(find_op("is"), Op::is_);
  EXPECT_EQ(find_op("conv2d"), Op::conv2d);
  EXPECT_EQ(find_op("if_"), std::nullopt);
  EXPECT_EQ(find_op("invalid"), std::nullopt);
  for (const OpInfo& info : all_ops()) {
    EXPECT_EQ(find_op(info.name), info.op) << info.name;
    EXPECT_EQ(&op_info(info.op), &info) << info.name;
  }
}

TEST(OpTable, SchemasAreParsed) {
  const OpInfo& conv = op_info(Op::conv2d);
  ASSERT_EQ(conv.inputs.size(), 7u);
  EXPECT_EQ(conv.inputs[2].name, "bias");
  EXPECT_EQ(conv.inputs[2].type, "Tensor?");
  EXPECT_EQ(conv.inputs[2].default_value, "None");
  EXPECT_EQ(conv.inputs[3].type, "int[]");
  EXPECT_EQ(conv.inputs[3].default_value, "[1, 1]");
  EXPECT_EQ(conv.inputs[0].default_value, std::nullopt);
  EXPECT_EQ(conv.outputs.size(), 1u);

  EXPECT_EQ(op_info(Op::max_pool2d).inputs[3].default_value, "[0, 0]");  // "int[2] padding=0"
  EXPECT_EQ(op_info(Op::add).inputs[2].name, "alpha");                   // behind "*"
  EXPECT_EQ(op_info(Op::gelu).inputs[1].default_value, "\"none\"");
  EXPECT_EQ(op_info(Op::sum).inputs[1].type, "int[]?");

  const OpInfo& max_dim = op_info(Op::max_dim);
  ASSERT_EQ(max_dim.outputs.size(), 2u);
  EXPECT_EQ(max_dim.outputs[1].name, "indices");
  EXPECT_EQ(max_dim.outputs[1].type, "Tensor");

  EXPECT_EQ(op_info(Op::copy_).inputs[0].alias, "a!");
  EXPECT_EQ(op_info(Op::view).outputs[0].alias, "a");
  EXPECT_EQ(op_info(Op::chunk).inputs[0].alias, "a");  // "a -> *"
  EXPECT_EQ(op_info(Op::chunk).outputs[0].type, "Tensor[]");
  EXPECT_EQ(op_info(Op::to_prim_dtype).outputs[0].alias, "b|a");
  EXPECT_TRUE(op_info(Op::list).inputs.empty());

  for (const OpInfo& info : all_ops()) {
    if (info.schema.empty()) continue;
    EXPECT_TRUE(info.schema.starts_with(std::string(info.name) + "(")) << info.schema;
    EXPECT_FALSE(info.outputs.empty()) << info.schema;
    for (const Parameter& input : info.inputs) EXPECT_FALSE(input.name.empty() || input.type.empty()) << info.schema;
  }
}

TEST(OpTable, InputsByName) {
  EXPECT_EQ(input_index(Op::conv2d, "groups"), 6u);
  EXPECT_EQ(find_input(Op::conv2d, "size"), std::nullopt);
  EXPECT_THROW(input_index(Op::conv2d, "size"), InternalError);
}

TEST(OpTable, FindsOverloads) {
  const auto expect = [](std::string_view name, Op op, Form form) {
    const std::optional<AtenMatch> match = find_aten(name);
    ASSERT_TRUE(match) << name;
    EXPECT_EQ(op_info(match->op).name, op_info(op).name) << name;
    EXPECT_EQ(match->form, form) << name;
  };
  expect("aten::transpose.int", Op::transpose, Form::kFunctional);
  expect("aten::transpose_", Op::transpose, Form::kInPlace);
  expect("aten::relu", Op::relu, Form::kFunctional);
  expect("aten::relu_", Op::relu, Form::kInPlace);
  expect("aten::add.Tensor", Op::add, Form::kFunctional);
  expect("aten::add_.Tensor", Op::add, Form::kInPlace);
  expect("aten::masked_fill_.Scalar", Op::masked_fill, Form::kInPlace);
  expect("aten::copy_", Op::copy_, Form::kInPlace);
  // Wildcards take what no row names.
  expect("aten::len.Tensor", Op::len_tensor, Form::kFunctional);
  expect("aten::len.t", Op::len, Form::kFunctional);
  expect("aten::len", Op::len, Form::kFunctional);
  expect("aten::sub.int", Op::scalar_sub, Form::kFunctional);
  expect("aten::__getitem__.t", Op::list_getitem, Form::kFunctional);
  expect("aten::__getitem__.Dict_str", Op::dict_getitem, Form::kFunctional);
  // A list's `+=` has an underscore and is an op of its own.
  expect("aten::add_.t", Op::list_iadd, Form::kFunctional);
  expect("aten::__and__.bool", Op::bool_and, Form::kFunctional);
  for (const char* name : {"aten::no_such_op", "aten::relu.foo", "aten::relu__", "aten::zeros.out", "aten::lcm.foo", "add",
                           "", "aten::add_.int", "aten::round.decimals", "aten::append_.t"}) {
    EXPECT_FALSE(find_aten(name)) << name;
  }
}

// What a node of the text does besides its outputs.
TEST(Effects, ByFormClassAndOperands) {
  const auto effect = [](const std::string& line) {
    const std::variant<Graph, ParseError> parsed =
        parse("func f(%x: f32[*], %l: list[int], %b: bool) {\n" + line + "\nreturn %x\n}\n");
    const auto* graph = std::get_if<Graph>(&parsed);
    EXPECT_TRUE(graph) << line;
    return graph && has_effect(*graph, graph->nodes[0]);
  };
  EXPECT_FALSE(effect("%y: f32[*] = relu %x"));
  EXPECT_TRUE(effect("%y: f32[*] = relu_ %x"));
  EXPECT_TRUE(effect("%y: f32[*] = write_out_ %x, %x, true"));
  EXPECT_TRUE(effect("%y: f32[*] = copy_ %x, %x"));
  EXPECT_TRUE(effect("%y: list[int] = list_append %l, 1"));
  EXPECT_FALSE(effect("%y: int = list_getitem %l, 1"));
  EXPECT_TRUE(effect("raise \"no\""));
  EXPECT_TRUE(effect("print 1"));
  EXPECT_FALSE(effect("%y: f32[*] = state_get {field=\"h\"}"));
  EXPECT_TRUE(effect("state_set %x {field=\"h\"}"));
  EXPECT_TRUE(effect("%y: f32[*] = rand_like %x"));
  EXPECT_TRUE(effect("%y: f32[*] = dropout %x, 0.5, %b"));
  EXPECT_FALSE(effect("%y: f32[*] = dropout %x, 0.5, false"));
  EXPECT_FALSE(effect("%y: f32[*] = dropout %x, 0.0, %b"));
  EXPECT_TRUE(effect("%y: f32[*] = scaled_dot_product_attention %x, %x, %x, none, 0.1"));
  EXPECT_FALSE(effect("%y: f32[*] = scaled_dot_product_attention %x, %x, %x"));
  EXPECT_TRUE(effect("%y: f32[*] = batch_norm %x, none, none, %x, %x, %b, 0.1, 1e-05, true"));
  EXPECT_FALSE(effect("%y: f32[*] = batch_norm %x, none, none, none, none, %b, 0.1, 1e-05, true"));
}

}  // namespace
}  // namespace tsc::ir
