#include "compiler/torch/input_spec.h"

#include <gtest/gtest.h>

namespace tsc {
namespace {

std::string type_text(std::string_view text, std::string_view input = "x") {
  const auto spec = parse_input_spec(text);
  if (const auto* reason = std::get_if<std::string>(&spec)) return "error: " + *reason;
  return std::get<InputSpec>(spec).type(input).str();
}

TEST(InputSpec, Types) {
  EXPECT_EQ(type_text("x: f32[1..8, 3, h, 224]"), "f32[x.0, 3, h, 224]");
  EXPECT_EQ(type_text("float32[n=1..8,?]"), "f32[n, x.1]");
  EXPECT_EQ(type_text("i64[]"), "i64[]");
  EXPECT_EQ(type_text("bool[*]"), "bool[*]");
  EXPECT_EQ(type_text("f16"), "f16[*]");
  EXPECT_EQ(type_text("?[2]"), "?[2]");
  EXPECT_EQ(type_text("f32[4..4]"), "f32[4]");
}

TEST(InputSpec, NamesAndRanges) {
  const auto spec = std::get<InputSpec>(parse_input_spec(" x.word.0 : i64[ t = 2..16 ] "));
  EXPECT_EQ(spec.name, "x.word.0");
  EXPECT_EQ(spec.dims[0].symbol, "t");
  EXPECT_EQ(spec.dims[0].low, 2);
  EXPECT_EQ(spec.dims[0].high, 16);
}

TEST(InputSpec, Errors) {
  EXPECT_EQ(type_text("x:"), "error: the dtype is missing");
  EXPECT_EQ(type_text("f31[1]"), "error: 'f31' is no dtype: write f32, i64, bool, ... or ?");
  EXPECT_EQ(type_text("f32[1"), "error: the closing ']' is missing");
  EXPECT_EQ(type_text("f32[1,]"), "error: a size is missing after the last comma");
  EXPECT_EQ(type_text("f32[8..1]"), "error: the range '8..1' is empty");
  EXPECT_EQ(type_text("f32[-1]"), "error: '-1' is no size: write 3, h, 1..8, h=1..8 or ?");
  EXPECT_EQ(type_text("f32[n=4]"), "error: '4' is no range such as 1..8");
  EXPECT_EQ(type_text("1x: f32[1]"), "error: '1x' is no name of an input");
}

}  // namespace
}  // namespace tsc
