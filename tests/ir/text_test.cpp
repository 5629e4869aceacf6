// The text form: what is printed is read back as the same, whatever the program holds; what is wrong is told where.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/ir/tensor_data.h"
#include "compiler/ir/verify.h"

namespace tsc::ir {
namespace {

Graph parse_or_fail(std::string_view text) {
  std::variant<Graph, ParseError> result = parse(text);
  if (const auto* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << error->line << ":" << error->column << ": " << error->message << "\n" << text;
    return {};
  }
  return std::get<Graph>(std::move(result));
}

void expect_round_trip(const std::string& text) {
  const Graph graph = parse_or_fail(text);
  EXPECT_EQ(print(graph), text);
  EXPECT_EQ(verify(graph), std::vector<std::string>());
}

ParseError error_of(std::string_view text) {
  const std::variant<Graph, ParseError> result = parse(text);
  const auto* error = std::get_if<ParseError>(&result);
  EXPECT_NE(error, nullptr) << text;
  return error ? *error : ParseError{};
}

TEST(Text, KeepsEverything) {
  expect_round_trip(R"(graph "a \"model\"\n"
hint x.0 = 1
hint x.2 = 224
class.0 State(h: f32[*], count: int)
class.1 Color(RED: int = 1, BLUE: int = 2)
state "decoder.h": f32[1, 2] = @decoder.h
state "scale": float = 0.5

require size 0, 1: y.1 = 3, "they differ"  # model.py:90
require rank 0: 3, "no image"
require dtype 0: f32, ""
traced func forward(%x "x.1": f32[x.0, 3, (x.2 + 1)//2]<>, %n: int<n> = 3, %0: optional[f32[*]] = none) {
  %y: f32[x.0, 3, (x.2 + 1)//2] = relu %x  # model.py:97
  %1: f32[x.0, 3, (x.2 + 1)//2] = add_ %y, @bias, 1
  %s: list[int]<x.0, 3, u4> = size %y
  %values: f32[3], %indices: i64[3] = max_dim %1, -1, false
  %z: f32[*] = if true {
    yield %y
  } else {
    %y.1: f32[*] = write_out_ %x, %y, true
    yield %y.1
  }
  %c: int = loop %n, true, 0 do (%i: int, %c.1: int) {
    %t: bool = scalar_lt %i, 3
    print "a;#b", 2.5, 1e-05, inf, -inf, nan, complex(1.0, -2.0), device("cpu"), -7, "\x01\\"  # model.py:98
    state_set %y {axis=1, factor=0.5, field="decoder.h", names=["a", "b"], none=strings [], perm=[0, 1]}
    yield %t, %i
  }
  %l: list[int] = list
  %d: tuple[a: int, b: str] = tuple %c, "x"
  %o: class.0 = object_new
  %b: f32[1, 64, 8, 8]{block=8, halo=1} = reorder @big.weight
  %e: list[any] = list [], [] as list[int], [1, 2], [none], (), (1, "a", [2.5]), {"k": 1, "l": 2}, {:}, [@bias, @0]
  %f: list[any] = list none as optional[int], @bias as f32[*], 3 as number
  return %z
}

require equal: 2*a = b + 1, "m"
local func helper(%x: any) {
  return none
}

tensor @decoder.h: f32[1, 2] = [0.0, -0.0]
tensor @bias: f32[3] = [0.5, 1.0, -2.0]
tensor @big.weight: f32[64, 64] strides [1, 64] = hash 0x0123456789abcdef
tensor @0: bf16[] = [1.5]
)");
}

TEST(Text, EveryDtypeOfSmallConstants) {
  expect_round_trip(R"(graph ""

func forward() {
  %0: list[?[*]] = list @u8, @i8, @i16, @i32, @i64, @f16, @f32, @f64, @c32, @c64, @c128, @bool, @bf16, @empty, @strided
  return %0
}

tensor @u8: u8[2] = [0, 255]
tensor @i8: i8[2] = [-128, 127]
tensor @i16: i16[1] = [-32768]
tensor @i32: i32[1] = [-2147483648]
tensor @i64: i64[1] = [-9223372036854775808]
tensor @f16: f16[7] = [65504.0, 5.960464477539063e-08, 6.097555160522461e-05, -0.0, inf, nan, 0.333251953125]
tensor @f32: f32[2] = [0.10000000149011612, 3.4028234663852886e+38]
tensor @f64: f64[2] = [0.1, 5e-324]
tensor @c32: c32[1] = [complex(0.5, -1.0)]
tensor @c64: c64[1] = [complex(0.5, -1.0)]
tensor @c128: c128[1] = [complex(0.1, -inf)]
tensor @bool: bool[2] = [true, false]
tensor @bf16: bf16[3] = [1.0078125, 3.3895313892515355e+38, -inf]
tensor @empty: f32[0, 3] = []
tensor @strided: i64[2, 3] strides [1, 2] = [1, 2, 3, 4, 5, 6]
)");
}

TEST(Text, HashTellsContents) {
  std::vector<Element> elements(100, 0.25);
  Graph graph;
  const BlockId body = graph.add_block();
  const std::shared_ptr<const TensorConstant> tensor = make_tensor_constant("w", DType::kFloat32, {100}, elements);
  const ValueId value = graph.add_constant({tensor}, Type::make_tensor(DType::kFloat32, {Dim(100)}));
  graph.block(body).results = {value};
  graph.functions.push_back({"forward", body, {}, {}});
  const std::string text = print(graph);
  EXPECT_NE(text.find("tensor @w: f32[100] = hash 0x"), std::string::npos) << text;
  const Graph read = parse_or_fail(text);
  EXPECT_EQ(print(read), text);
  elements[99] = 0.5;
  EXPECT_NE(hash_elements(*make_tensor_constant("w", DType::kFloat32, {100}, elements)), hash_elements(*tensor));
}

TEST(Text, NamesAreMadeUniqueInOrder) {
  Graph graph;
  const BlockId body = graph.add_block();
  for (const char* name : {"a", "a", "a.1", "", "3", "b/c", ""})
    graph.add_param(body, Type::make(Type::Kind::kInt), name);
  graph.block(body).results = {graph.block(body).params[1]};
  graph.functions.push_back(
      {"f", body, {"a", "a", "a.1", "", "3", "b/c", ""}, std::vector<std::optional<Constant>>(7)});
  const std::string text = print(graph);
  EXPECT_NE(
      text.find(
          "func f(%a: int, %a.1 \"a\": int, %a.1.1 \"a.1\": int, %0: int, %1 \"3\": int, %b_c \"b/c\": int, %2: int)"),
      std::string::npos)
      << text;
  EXPECT_EQ(print(parse_or_fail(text)), text);
}

TEST(Text, ParserFillsDefaultsAndIgnoresComments) {
  const Graph graph = parse_or_fail(R"(# a comment
func f(%x: f32[*]) {
  # another: 12
  %y: f32[*] = max_pool2d %x, [2, 2]  # no source
  %z: f32[*] = layer_norm %y, [3]
  return %z
}
)");
  EXPECT_EQ(print(graph), R"(graph ""

func f(%x: f32[*]) {
  %y: f32[*] = max_pool2d %x, [2, 2], [] as list[int], [0, 0], [1, 1], false
  %z: f32[*] = layer_norm %y, [3], none, none, 1e-05, true
  return %z
}
)");
}

TEST(Text, FreshSymbolsStayApart) {
  Graph graph = parse_or_fail("func f(%x: f32[u3, u7//2]) {\n  return %x\n}\n");
  EXPECT_EQ(graph.fresh_symbol().str(), "u8");
}

TEST(Text, ErrorsTellPlace) {
  const auto expect = [](std::string_view text, int line, int column, std::string_view message) {
    const ParseError error = error_of(text);
    EXPECT_EQ(error.line, line) << text;
    EXPECT_EQ(error.column, column) << text;
    EXPECT_EQ(error.message, message) << text;
  };
  expect("func f() {\n  return %y\n}\n", 2, 12, "%y is not defined here");
  expect("func f(%x: f32[*]) {\n  %y: f32[*] = relux %x\n}\n", 2, 21, "no operation 'relux'");
  expect("func f(%x: f32[*]) {\n  %y: f32[*] = add %x\n}\n", 2, 22, "add takes 3 operands, here are 1");
  expect("func f(%x: f32[*], %x: int) {\n}\n", 1, 27, "%x is defined twice");
  expect("func f(%x: f31[*]) {\n}\n", 1, 12, "expected a type");
  expect("func f() {\n  return @w\n}\n", 2, 12, "no tensor @w");
  expect("func f() {\n  return 3 4\n}\n", 2, 12, "expected the end of the line");
  expect("func f() {\n", 2, 1, "expected an operation");
  expect("tensor @w: f32[2] = [1.0]\n", 1, 26, "expected 2 elements");
  expect("hello\n", 1, 1, "expected a declaration");
  expect("graph \"a\n", 1, 9, "string without end");
}

// Values of one branch are not visible in the other or behind it.
TEST(Text, BlocksAreScopes) {
  EXPECT_EQ(
      error_of("func f(%x: f32[*]) {\n  if true {\n    %y: f32[*] = relu %x\n    yield\n  } else {\n    print %y\n"
               "    yield\n  }\n  return %x\n}\n")
          .message,
      "%y is not defined here");
}

// Damaged text is refused or read, and never crashes.
TEST(Text, SurvivesDamage) {
  const std::string text =
      "graph \"g\"\nclass.0 S(h: f32[*])\nfunc f(%x: f32[x.0, 3]<>, %n: int = 3) {\n"
      "  %y: f32[x.0//2] = add_ %x, @b, 1 {a=[1], b=\"c\"}  # m.py:3\n  %z: int = if true {\n    yield 1\n  } else {\n"
      "    yield {\"a\": (1, [2.5])}\n  }\n  return %y\n}\ntensor @b: f32[2] strides [2] = [1.0, 2.0]\n";
  for (size_t i = 0; i < text.size(); ++i) {
    (void)parse(text.substr(0, i));
    (void)parse(text.substr(i));
    for (const char c : {'(', ']', '%', '9', '\n', '"', '@', '-'}) {
      std::string damaged = text;
      damaged[i] = c;
      (void)parse(damaged);
    }
  }
}

}  // namespace
}  // namespace tsc::ir
