// The facts that inference finds, against LibTorch: each program of cases.h runs op by op on tensors whose sizes are
// numbers chosen for the symbols, and every value must be what its type and its known integers say.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "compiler/ir/infer.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/torch/evaluate.h"
#include "tests/infer/cases.h"

namespace tsc::ir {
namespace {

class OracleTest : public testing::TestWithParam<Case> {
 protected:
  // Sizes by axis, so that inputs of one name fit each other; the first sight of any other symbol tells its value.
  std::map<std::string, int64_t, std::less<>> symbols_;

  std::optional<int64_t> known(std::string_view name) {
    if (auto it = symbols_.find(name); it != symbols_.end()) return it->second;
    const size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    constexpr int64_t kSizes[] = {3, 5, 8, 9};
    return kSizes[name[dot + 1] - '0'];
  }

  void expect_number(const Dim& dim, int64_t actual, const std::string& what) {
    if (const auto name = dim.symbol_name(); name && !known(*name)) {
      symbols_[*name] = actual;
      return;
    }
    const auto value = dim.evaluate([&](std::string_view name) { return known(name); });
    if (value) {
      EXPECT_EQ(*value, actual) << what << ": " << dim.str();
    }
  }

  void expect_type(const Type& type, const c10::IValue& actual, const std::string& what) {
    if (type.is(Type::Kind::kList) && actual.isList()) {
      const auto list = actual.toList();
      for (size_t i = 0; i < list.size(); ++i) {
        // Of a list's elements, a size that is a symbol may be another one each time.
        if (!list.get(i).isTensor()) continue;
        const auto before = symbols_;
        expect_type(type.elements[0], list.get(i), what);
        symbols_ = before;
      }
      return;
    }
    if (!type.is_tensor() || !actual.isTensor() || !actual.toTensor().defined()) return;
    const at::Tensor tensor = actual.toTensor();
    if (type.tensor.dtype != DType::kUnknown) {
      EXPECT_EQ(static_cast<int>(type.tensor.dtype), static_cast<int>(tensor.scalar_type())) << what;
    }
    if (!type.tensor.rank_known) return;
    ASSERT_EQ(static_cast<int64_t>(type.tensor.dims.size()), tensor.dim()) << what;
    for (size_t i = 0; i < type.tensor.dims.size(); ++i)
      expect_number(type.tensor.dims[i], tensor.size(static_cast<int64_t>(i)), what);
  }

  void expect_value(const Value& value, const c10::IValue& actual) {
    const std::string what = "%" + value.name;
    expect_type(value.type, actual, what);
    if (!value.ints) return;
    if (actual.isInt()) return expect_number(value.ints->at(0), actual.toInt(), what);
    if (actual.isBool()) return expect_number(value.ints->at(0), actual.toBool(), what);
    if (actual.isTensor()) return expect_number(value.ints->at(0), actual.toTensor().item<int64_t>(), what);
    if (!actual.isIntList()) return;
    const auto list = actual.toIntVector();
    ASSERT_EQ(list.size(), value.ints->size()) << what;
    for (size_t i = 0; i < list.size(); ++i) expect_number((*value.ints)[i], list[i], what);
  }

  c10::IValue input_of(const Type& type) {
    if (type.is(Type::Kind::kInt)) return int64_t{2};
    if (type.is(Type::Kind::kBool)) return true;
    if (!type.is_tensor() || !type.tensor.rank_known) return {};
    std::vector<int64_t> sizes;
    for (const Dim& dim : type.tensor.dims)
      sizes.push_back(*dim.evaluate([&](std::string_view name) { return known(name); }));
    // Ones are valid divisors and indices.
    return at::ones(sizes, at::TensorOptions().dtype(static_cast<at::ScalarType>(type.tensor.dtype)));
  }
};

TEST_P(OracleTest, FactsAreTrue) {
  const Case& c = GetParam();
  const std::string text = std::string("func forward(") + c.inputs + ") {\n" + c.body + "\n  return %r\n}\n";
  auto parsed = parse(text);
  ASSERT_TRUE(std::holds_alternative<Graph>(parsed)) << text;
  Graph& graph = std::get<Graph>(parsed);
  infer(graph);
  const Block& body = graph.block(graph.functions[0].body);
  std::map<ValueId, c10::IValue> values;
  for (ValueId param : body.params) {
    values[param] = input_of(graph.value(param).type);
    if (values[param].isNone()) GTEST_SKIP() << "an input of unknown type";
    expect_value(graph.value(param), values[param]);
  }
  for (NodeId id : body.nodes) {
    const Node& node = graph.node(id);
    if (!node.blocks.empty()) GTEST_SKIP() << "control flow";
    std::vector<c10::IValue> operands;
    for (ValueId input : node.inputs)
      operands.push_back(graph.is_constant(input) ? constant_value(graph, input) : values.at(input));
    const auto results = evaluate_node(graph, id, operands);
    ASSERT_EQ(results.size(), node.outputs.size());
    for (size_t i = 0; i < results.size(); ++i) {
      values[node.outputs[i]] = results[i];
      expect_value(graph.value(node.outputs[i]), results[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OracleTest, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tsc::ir
