// Types: text, element types and what they promote to, joins.
#include "compiler/ir/type.h"

#include <gtest/gtest.h>

namespace tsc::ir {
namespace {

Type type(std::string_view text) {
  const std::optional<Type> result = Type::parse(text);
  EXPECT_TRUE(result) << text;
  return result.value_or(Type());
}

TEST(Type, TextRoundTrip) {
  for (const char* text : {"f32[1, 64, x.2]",
                           "f32[]",
                           "f32[*]",
                           "?[*]",
                           "?[3]",
                           "bool[*]",
                           "bool",
                           "int",
                           "bf16[(x.2 + 1)//2, max(a, b)]",
                           "f32[1, 8, 4, 4]{block=8, halo=1}",
                           "list[f32[*]]",
                           "dict[str, list[int]]",
                           "tuple[]",
                           "tuple[int, str]",
                           "tuple[x: int, y: f32[2]]",
                           "tuple.0[x: int, y: f32[2]]",
                           "optional[f32[*]]",
                           "union[int, str, none]",
                           "future[f32[*]]",
                           "class.0",
                           "enum.12",
                           "interface.3",
                           "function",
                           "any",
                           "number",
                           "complex",
                           "device",
                           "generator",
                           "none"}) {
    EXPECT_EQ(type(text).str(), text);
  }
  EXPECT_EQ(type("float32[3,4]").str(), "f32[3, 4]");
}

TEST(Type, RejectsWhatIsNoType) {
  for (const char* text : {"", "f33[*]", "f32", "list", "list[]", "list[int, int]", "dict[int]", "tuple[a: int, str]",
                           "f32[1", "f32[*", "class", "class.x", "int int", "f32[1]{block=8}", "optional[int"}) {
    EXPECT_FALSE(Type::parse(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "list[";
  EXPECT_FALSE(Type::parse(deep));
}

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(dtype_name(DType::kBFloat16), "bf16");
  EXPECT_EQ(dtype_torch_name(DType::kComplex64), "complex64");
  EXPECT_EQ(parse_dtype("float16"), DType::kFloat16);
  EXPECT_EQ(parse_dtype("half"), std::nullopt);
  EXPECT_EQ(dtype_size(DType::kComplex128), 16);
  EXPECT_EQ(dtype_size(DType::kUnknown), 0);
  EXPECT_TRUE(is_floating(DType::kBFloat16));
  EXPECT_FALSE(is_integral(DType::kBool));
  EXPECT_TRUE(is_complex(DType::kComplex32));
}

// torch.promote_types of all pairs, in the order of kOrder; the letter is the row of the result.
TEST(DType, PromotionIsPyTorchs) {
  constexpr DType kOrder[] = {DType::kUInt8,     DType::kInt8,      DType::kInt16,      DType::kInt32,
                              DType::kInt64,     DType::kFloat16,   DType::kFloat32,    DType::kFloat64,
                              DType::kComplex32, DType::kComplex64, DType::kComplex128, DType::kBool,
                              DType::kBFloat16};
  constexpr std::string_view kExpected[] = {
      "accdefghijkam", "cbcdefghijkbm", "cccdefghijkcm", "ddddefghijkdm", "eeeeefghijkem",
      "ffffffghijkfg", "ggggggghjjkgg", "hhhhhhhhkkkhh", "iiiiiijkijkij", "jjjjjjjkjjkjj",
      "kkkkkkkkkkkkk", "abcdefghijklm", "mmmmmgghjjkmm",
  };
  for (size_t a = 0; a < std::size(kOrder); ++a) {
    for (size_t b = 0; b < std::size(kOrder); ++b) {
      EXPECT_EQ(promote(kOrder[a], kOrder[b]), kOrder[kExpected[a][b] - 'a'])
          << dtype_name(kOrder[a]) << " " << dtype_name(kOrder[b]);
    }
  }
  EXPECT_EQ(promote(DType::kUnknown, DType::kFloat32), DType::kUnknown);
}

TEST(Type, Join) {
  int fresh = 0;
  const auto joined = [&](std::string_view a, std::string_view b) {
    fresh = 0;
    return join(type(a), type(b), [&] { return Dim::symbol("u" + std::to_string(fresh++)); }).str();
  };
  EXPECT_EQ(joined("f32[3, x]", "f32[4, x]"), "f32[u0, x]");
  EXPECT_EQ(joined("f32[3]", "f32[3, 4]"), "f32[*]");
  EXPECT_EQ(joined("f32[3]", "i64[3]"), "?[3]");
  EXPECT_EQ(joined("none", "int"), "optional[int]");
  EXPECT_EQ(joined("optional[int]", "none"), "optional[int]");
  EXPECT_EQ(joined("f32[3]", "optional[f32[4]]"), "optional[f32[u0]]");
  EXPECT_EQ(joined("list[f32[3]]", "list[f32[2]]"), "list[f32[u0]]");
  EXPECT_EQ(joined("int", "float"), "number");
  EXPECT_EQ(joined("int", "str"), "any");
  EXPECT_EQ(joined("tuple[a: int]", "tuple[b: int]"), "tuple[int]");
}

}  // namespace
}  // namespace tsc::ir
