// Models from PyTorch to the IR: its text where structure matters, and its results, which must be LibTorch's.
#include "compiler/torch/import.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/csrc/jit/serialization/import.h>

#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"
#include "compiler/torch/evaluate.h"
#include "compiler/torch/own_operators.h"

namespace tsc {
namespace {

std::string model_path(const std::string& name) { return std::string(TSC_MODELS) + "/" + name + ".pt"; }

ir::Graph import_or_fail(const std::string& name, std::vector<InputSpec> inputs = {}) {
  auto result = import_model({.path = model_path(name), .inputs = std::move(inputs), .methods = {}});
  if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result)) {
    for (const Diagnostic& diagnostic : *diagnostics) ADD_FAILURE() << name << ": " << diagnostic.message;
    return {};
  }
  ir::Graph graph = std::get<ir::Graph>(std::move(result));
  for (const std::string& problem : ir::verify(graph)) ADD_FAILURE() << name << ": " << problem;
  return graph;
}

std::string text_of(const ir::Graph& graph, size_t function = 0) {
  return ir::print_function(graph, static_cast<ir::FunctionId>(function));
}

// Structural equality, with tensors to rounding.
void expect_equal(const c10::IValue& actual, const c10::IValue& expected, const std::string& where) {
  if (expected.isTensor()) {
    ASSERT_TRUE(actual.isTensor()) << where;
    const at::Tensor &a = actual.toTensor(), &b = expected.toTensor();
    ASSERT_EQ(a.sizes(), b.sizes()) << where;
    ASSERT_EQ(a.scalar_type(), b.scalar_type()) << where;
    EXPECT_TRUE(at::allclose(a, b, 1e-5, 1e-6, /*equal_nan=*/true)) << where;
  } else if (expected.isTuple()) {
    const auto& parts = expected.toTupleRef().elements();
    ASSERT_EQ(actual.toTupleRef().elements().size(), parts.size()) << where;
    for (size_t i = 0; i < parts.size(); ++i) {
      expect_equal(actual.toTupleRef().elements()[i], parts[i], where + "." + std::to_string(i));
    }
  } else if (expected.isList()) {
    ASSERT_EQ(actual.toListRef().size(), expected.toListRef().size()) << where;
    for (size_t i = 0; i < expected.toListRef().size(); ++i) {
      expect_equal(actual.toListRef()[i], expected.toListRef()[i], where + "[" + std::to_string(i) + "]");
    }
  } else if (expected.isGenericDict()) {
    ASSERT_EQ(actual.toGenericDict().size(), expected.toGenericDict().size()) << where;
    for (const auto& entry : expected.toGenericDict()) {
      expect_equal(actual.toGenericDict().at(entry.key()), entry.value(), where + "." + entry.key().toStringRef());
    }
  } else {
    EXPECT_EQ(actual, expected) << where;
  }
}

using Inputs = std::vector<c10::IValue>;

void expect_same_results(const std::string& name, const std::vector<Inputs>& cases) {
  const ir::Graph graph = import_or_fail(name);
  torch::jit::Module module = torch::jit::load(model_path(name));
  const at::AutoGradMode no_gradients(false);
  State state = initial_state(graph);
  for (size_t i = 0; i < cases.size(); ++i) {
    const c10::IValue expected = module.get_method("forward")(cases[i]);
    const auto actual = evaluate(graph, "forward", cases[i], &state);
    ASSERT_EQ(actual.size(), 1u);
    expect_equal(actual[0], expected, name + " case " + std::to_string(i));
  }
}

c10::impl::GenericDict tensor_dict(const std::vector<std::pair<std::string, at::Tensor>>& entries) {
  c10::impl::GenericDict dict(c10::StringType::get(), c10::TensorType::get());
  for (const auto& [key, tensor] : entries) dict.insert(key, tensor);
  return dict;
}

TEST(Import, TracedMlp) {
  const ir::Graph graph = import_or_fail("mlp");
  EXPECT_EQ(text_of(graph),
            "\ntraced func forward(%input: f32[input.0, input.1]) {\n"
            "  %0: ?[*] = linear %input, @0.weight, @0.bias  # linear.py:134\n"
            "  %1: ?[*] = relu %0  # functional.py:1771\n"
            "  %2: ?[*] = linear %1, @2.weight, @2.bias  # linear.py:134\n"
            "  return %2\n"
            "}\n");
  EXPECT_EQ(graph.hints.at("input.0"), 2);
  EXPECT_EQ(graph.hints.at("input.1"), 8);
  expect_same_results("mlp", {{at::randn({2, 8})}, {at::randn({5, 8})}});
}

TEST(Import, SourcesHaveLineAndModule) {
  const ir::Graph graph = import_or_fail("block");
  bool found = false;
  ir::for_each_node(graph, graph.functions[0].body, [&](ir::NodeId id) {
    const ir::Node& node = graph.node(id);
    if (node.op != ir::Op::convolution) return;
    const ir::Source& source = graph.source(node);
    ASSERT_FALSE(source.frames.empty());
    found = found || source.module_path == "conv1";
    EXPECT_EQ(source.frames[0].function, "_conv_forward");
  });
  EXPECT_TRUE(found);
}

TEST(Import, ControlFlowOfScriptInTrace) {
  const std::string text = text_of(import_or_fail("loop"));
  EXPECT_NE(text.find(" = loop "), std::string::npos) << text;
  EXPECT_NE(text.find(" = if "), std::string::npos) << text;
  EXPECT_NE(text.find("@cell.linear.weight"), std::string::npos) << text;
  expect_same_results("loop", {{at::randn({4, 3, 4})}, {at::randn({0, 3, 4})}});
  expect_same_results("gate", {{at::randn({3, 4}), at::randn({3, 4})}, {at::ones({3, 4}), -at::ones({3, 4})}});
}

TEST(Import, DictsInAndOut) {
  const at::Tensor word = at::randint(0, 10, {2, 3}, at::kLong);
  expect_same_results("dict",
                      {{tensor_dict({{"word", word}})}, {tensor_dict({{"word", word}, {"mask", at::randn({2, 3})}})}});
}

TEST(Import, StateOfSeveralMethods) {
  const ir::Graph graph = import_or_fail("streaming");
  ASSERT_EQ(graph.state.size(), 3u);
  EXPECT_EQ(graph.state[0].name, "calls");
  EXPECT_EQ(graph.state[1].name, "history");
  EXPECT_EQ(graph.state[1].type.str(), "f32[3]");
  EXPECT_EQ(graph.state[2].name, "last");
  EXPECT_EQ(graph.state[2].type.str(), "?[*]");
  ASSERT_EQ(graph.functions.size(), 2u);
  EXPECT_EQ(graph.functions[1].name, "reset");

  torch::jit::Module module = torch::jit::load(model_path("streaming"));
  State state = initial_state(graph);
  for (const char* method : {"forward", "forward", "reset", "forward"}) {
    const Inputs inputs = method == std::string("reset") ? Inputs{} : Inputs{at::randn({3})};
    expect_equal(evaluate(graph, method, inputs, &state)[0], module.get_method(method)(inputs), method);
  }
  // The initial values are still the file's.
  expect_equal(initial_state(graph).fields.at("history"), torch::jit::load(model_path("streaming")).attr("history"),
               "");
}

TEST(Import, ResnetBlock) {
  const ir::Graph graph = import_or_fail("block");
  EXPECT_TRUE(graph.state.empty());
  expect_same_results("block", {{at::randn({2, 3, 8, 8})}});
  expect_same_results("block_scripted", {{at::randn({2, 3, 8, 8})}});
}

TEST(Import, BatchNormInTrainingIsState) {
  const ir::Graph graph = import_or_fail("training_norm");
  ASSERT_EQ(graph.state.size(), 3u);
  EXPECT_EQ(graph.state[1].name, "bn.running_mean");
  expect_same_results("training_norm", {{at::randn({4, 3})}, {at::randn({4, 3})}});
}

TEST(Import, TiedWeightsShareStorage) {
  const ir::Graph graph = import_or_fail("tied");
  std::set<const ir::Storage*> storages;
  for (const ir::Value& value : graph.values) {
    if (!value.constant || !value.type.is_tensor()) continue;
    storages.insert(std::get<std::shared_ptr<const ir::TensorConstant>>(value.constant->value)->storage.get());
  }
  EXPECT_EQ(storages.size(), 1u);
  expect_same_results("tied", {{at::randint(0, 6, {2}, at::kLong)}});
}

TEST(Import, Language) {
  const ir::Graph graph = import_or_fail("language");
  EXPECT_TRUE(graph.functions[0].defaults[1].has_value());
  const at::Tensor x = at::randn({3});
  expect_same_results("language", {{x}, {x, 0.5}, {x, c10::IValue(), "b"}});
  EXPECT_THROW(evaluate(graph, "forward", {x, c10::IValue(), "z"}, nullptr), EvaluationError);
}

TEST(Import, Futures) { expect_same_results("futures", {{at::randn({3})}}); }

TEST(Import, InterfacesAndChildrenChosenAtRunTime) {
  expect_same_results("chosen", {{at::randn({2}), 0}, {at::randn({2}), 1}});
  EXPECT_THROW(evaluate(import_or_fail("chosen"), "forward", {at::randn({2}), 7}, nullptr), EvaluationError);
}

TEST(Import, SavedFunction) { expect_same_results("function", {{at::randn({2}), 3}}); }

TEST(Import, Lstm) { expect_same_results("lstm", {{at::randn({5, 2, 4})}, {at::randn({3, 1, 4})}}); }

TEST(Import, Decompositions) { expect_same_results("losses", {{at::randn({3, 4}), at::randn({3, 4})}}); }

TEST(Import, TransformerEncoder) {
  const at::Tensor src = at::randn({2, 5, 16});
  const at::Tensor left_aligned = at::tensor({0, 0, 0, 1, 1, 0, 0, 0, 0, 0}, at::kInt).view({2, 5}).to(at::kBool);
  const at::Tensor scattered = at::tensor({0, 1, 0, 0, 1, 0, 0, 0, 0, 0}, at::kInt).view({2, 5}).to(at::kBool);
  const c10::IValue none;
  expect_same_results("encoder", {{src}, {src, none, left_aligned}, {src, none, scattered}});
}

TEST(Import, NestedTracedInputs) {
  const std::string text = text_of(import_or_fail("nested"));
  EXPECT_NE(text.find("%pair: tuple[f32[pair.0.0, pair.0.1], f32[pair.1.0]], %options: dict[str, f32[*]]"),
            std::string::npos)
      << text;
}

TEST(Import, SpecsOverrideTheArchive) {
  const auto spec = std::get<InputSpec>(parse_input_spec("input: f32[n=1..8, 8]"));
  const ir::Graph graph = import_or_fail("mlp", {spec});
  EXPECT_NE(text_of(graph).find("%input: f32[n, 8]"), std::string::npos) << text_of(graph);
  EXPECT_EQ(graph.hints.at("n"), 8);
}

TEST(Import, UnknownMethodAndInputAreRefused) {
  const auto methods = import_model({.path = model_path("mlp"), .inputs = {}, .methods = {"backward"}});
  ASSERT_TRUE(std::holds_alternative<std::vector<Diagnostic>>(methods));
  EXPECT_NE(std::get<1>(methods)[0].advice.find("forward"), std::string::npos);
  const auto spec = std::get<InputSpec>(parse_input_spec("z: f32[1]"));
  EXPECT_TRUE(std::holds_alternative<std::vector<Diagnostic>>(
      import_model({.path = model_path("mlp"), .inputs = {spec}, .methods = {}})));
}

TEST(Import, MethodsThatOnlyOthersCallAreLeftOutWhereTheyMust) {
  const std::string path = model_path("refused/trains");
  EXPECT_TRUE(std::holds_alternative<std::vector<Diagnostic>>(import_model({.path = path, .inputs = {}, .methods = {"loss"}})));
  std::vector<Diagnostic> notes;
  const auto trained = import_model({.path = path, .inputs = {}, .methods = {}}, &notes);
  EXPECT_TRUE(std::holds_alternative<std::vector<Diagnostic>>(trained)) << "forward reaches the loss";
  EXPECT_TRUE(notes.empty());
  const auto result = import_model({.path = model_path("scores"), .inputs = {}, .methods = {}}, &notes);
  ASSERT_TRUE(std::holds_alternative<ir::Graph>(result));
  ASSERT_EQ(std::get<ir::Graph>(result).functions.size(), 2u);
  EXPECT_EQ(std::get<ir::Graph>(result).functions[0].name, "forward");
  EXPECT_EQ(std::get<ir::Graph>(result).functions[1].name, "scaled");
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_EQ(notes[0].message, "what only other methods call and can't be compiled is left out: loss");
  EXPECT_EQ(notes[1].op, "aten::to_sparse");
  EXPECT_EQ(format_diagnostic(notes[1]).rfind("tsc: note: op 'aten::to_sparse' is not supported", 0), 0u);
}

// A misspelt overload in the op table would refuse models, or never match.
TEST(OpTable, NamesOperatorsOfPyTorch) {
  define_own_operators();
  for (const ir::OpInfo& row : ir::all_ops()) {
    for (const std::string_view name : row.aten_names) {
      const std::string base(name.substr(0, name.find('.')));
      if (base.starts_with("prim::")) continue;
      const auto& operators = torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(base));
      EXPECT_FALSE(operators.empty()) << name;
      if (name.ends_with(".*")) continue;
      const std::string overload(name.size() == base.size() ? "" : name.substr(base.size() + 1));
      EXPECT_TRUE(std::any_of(operators.begin(), operators.end(), [&](const auto& op) {
        return op->schema().overload_name() == overload;
      })) << name;
    }
  }
}

}  // namespace
}  // namespace tsc
