// Proves the steps of a compile on examples: after each, the graph is run op by op on LibTorch and must give what LibTorch
// gives for the file itself.
//   tsc-verify model.pt                       a traced model, on random inputs of its example's shapes
//   tsc-verify a.pt b.pt                      the calls of a.pt.calls and b.pt.calls where these exist:
//                                             torch.save([("forward", (x, 3)), ("reset", ())], "a.pt.calls")
#include <ATen/Parallel.h>
#include <ATen/ops/isclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "compiler/diagnostic.h"
#include "compiler/ir/verify.h"
#include "compiler/pipeline.h"
#include "compiler/torch/evaluate.h"
#include "compiler/torch/import.h"
#include "passes/passes.h"

namespace tsc {
namespace {

struct Call {
  std::string method;
  std::vector<c10::IValue> inputs;
};

// What a call gives: its result and its inputs afterwards, or the message of its exception.
struct Outcome {
  std::optional<std::string> failure;
  c10::IValue result;
  std::vector<c10::IValue> inputs;
};

// Containers come out of a pickle as those of anything; methods want them typed.
c10::IValue as_type(const c10::IValue& value, const c10::TypePtr& type) {
  if (const auto optional = type->kind() == c10::TypeKind::OptionalType ? type->cast<c10::OptionalType>() : nullptr) {
    return value.isNone() ? value : as_type(value, optional->getElementType());
  }
  if (const auto list = type->cast<c10::ListType>()) {
    c10::impl::GenericList result(list->getElementType());
    for (const c10::IValue& item : value.toListRef()) result.push_back(as_type(item, list->getElementType()));
    return result;
  }
  if (const auto dict = type->cast<c10::DictType>()) {
    c10::impl::GenericDict result(dict->getKeyType(), dict->getValueType());
    for (const auto& entry : value.toGenericDict()) result.insert(entry.key(), as_type(entry.value(), dict->getValueType()));
    return result;
  }
  if (const auto choice = type->cast<c10::UnionType>()) {
    for (const c10::TypePtr& member : choice->containedTypes()) {
      const bool is_list = value.isList() && member->kind() == c10::TypeKind::ListType;
      const bool is_dict = value.isGenericDict() && member->kind() == c10::TypeKind::DictType;
      if (is_list || is_dict) return as_type(value, member);
    }
    return value;
  }
  if (const auto tuple = type->cast<c10::TupleType>()) {
    std::vector<c10::IValue> result;
    const auto& parts = value.toTupleRef().elements();
    for (size_t i = 0; i < parts.size(); ++i) result.push_back(as_type(parts[i], tuple->elements().at(i)));
    return c10::ivalue::Tuple::create(std::move(result));
  }
  return value;
}

std::vector<Call> read_calls(const std::string& path, const torch::jit::Module& module) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<Call> calls;
  const c10::IValue saved = torch::jit::pickle_load(bytes);
  for (const c10::IValue& item : saved.toListRef()) {
    const auto& parts = item.toTupleRef().elements();
    Call call{parts.at(0).toStringRef(), {}};
    const auto method = module.find_method(call.method);
    const auto& given = parts.at(1).toTupleRef().elements();
    for (size_t i = 0; i < given.size(); ++i) {
      call.inputs.push_back(as_type(given[i], method->function().getSchema().arguments().at(i + 1).type()));
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

// Calls on the shapes of the trace; none for methods that no trace has gone through, or that take more than tensors.
std::vector<Call> example_calls(const ir::Graph& graph) {
  std::vector<Call> calls;
  for (const ir::Function& function : graph.functions) {
    Call call{function.name, {}};
    for (const ir::ValueId param : graph.block(function.body).params) {
      const ir::Type& type = graph.value(param).type;
      if (!type.is_tensor() || !type.tensor.rank_known) break;
      std::vector<int64_t> sizes;
      for (const ir::Dim& dim : type.tensor.dims) sizes.push_back(graph.hint(dim).value_or(2));
      const auto options = at::TensorOptions(static_cast<at::ScalarType>(type.tensor.dtype));
      const bool is_real = ir::is_floating(type.tensor.dtype);
      call.inputs.push_back(is_real ? at::randn(sizes, options) : at::ones(sizes, options));
    }
    if (function.is_method && function.from_trace && call.inputs.size() == function.input_names.size()) {
      calls.push_back(std::move(call));
    }
  }
  return calls;
}

std::vector<Outcome> run_all(const std::vector<Call>& calls,
                             const std::function<c10::IValue(const std::string&, std::vector<c10::IValue>)>& run) {
  std::vector<Outcome> outcomes;
  for (const Call& call : calls) {
    Outcome outcome;
    c10::IValue::HashIdentityIValueMap copies;  // inputs that share memory go on sharing it
    for (const c10::IValue& input : call.inputs) outcome.inputs.push_back(input.deepcopy(copies));
    try {
      outcome.result = run(call.method, outcome.inputs);
      // A result may be what a later call writes.
      outcome.result = outcome.result.isObject() ? outcome.result : outcome.result.deepcopy();
    } catch (const std::exception& error) {
      outcome.failure = error.what();
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

// Where two values differ; empty when they are equal, tensors of floating dtype to rounding.
std::string difference(const c10::IValue& ours, const c10::IValue& theirs, const std::string& place) {
  if (theirs.isTensor() && ours.isTensor()) {
    const at::Tensor &a = ours.toTensor(), &b = theirs.toTensor();
    if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) {
      return fmt::format("{} is {}{}, not {}{}", place, toString(a.scalar_type()), fmt::format("[{}]", fmt::join(a.sizes(), ", ")),
                         toString(b.scalar_type()), fmt::format("[{}]", fmt::join(b.sizes(), ", ")));
    }
    const bool is_double = b.scalar_type() == at::kDouble;
    const bool close = at::isclose(a, b, is_double ? 1e-9 : 1e-4, is_double ? 1e-12 : 1e-5, /*equal_nan=*/true).all().item<bool>();
    return close ? "" : place + " has other elements";
  }
  if (theirs.isTuple() && ours.isTuple()) {
    const auto &a = ours.toTupleRef().elements(), &b = theirs.toTupleRef().elements();
    if (a.size() != b.size()) return place + " has another length";
    for (size_t i = 0; i < b.size(); ++i) {
      if (auto text = difference(a[i], b[i], fmt::format("{}[{}]", place, i)); !text.empty()) return text;
    }
    return "";
  }
  if (theirs.isList() && ours.isList()) {
    const auto a = ours.toListRef(), b = theirs.toListRef();
    if (a.size() != b.size()) return place + " has another length";
    for (size_t i = 0; i < b.size(); ++i) {
      if (auto text = difference(a[i], b[i], fmt::format("{}[{}]", place, i)); !text.empty()) return text;
    }
    return "";
  }
  if (theirs.isGenericDict() && ours.isGenericDict()) {
    const auto a = ours.toGenericDict(), b = theirs.toGenericDict();
    if (a.size() != b.size()) return place + " has another length";
    auto entry = a.begin();
    for (const auto& expected : b) {
      auto text = difference(entry->key(), expected.key(), place + "'s keys");
      if (text.empty()) text = difference(entry->value(), expected.value(), place + "'s values");
      if (!text.empty()) return text;
      ++entry;
    }
    return "";
  }
  if (theirs.isDouble() && ours.isDouble()) {
    const double a = ours.toDouble(), b = theirs.toDouble();
    const bool same = a == b || (a != a && b != b) || std::fabs(a - b) <= 1e-6 * std::fabs(b);
    return same ? "" : fmt::format("{} is {}, not {}", place, a, b);
  }
  if (theirs.isObject() || theirs.isEnum()) return "";  // classes of another compilation unit
  return ours.tagKind() == theirs.tagKind() && ours == theirs ? "" : place + " is another value";
}

std::string difference(const std::vector<Outcome>& ours, const std::vector<Outcome>& theirs, const std::vector<Call>& calls) {
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::string place = fmt::format("call {} of {}", i, calls[i].method);
    if (ours[i].failure && !theirs[i].failure) return place + " fails: " + *ours[i].failure;
    if (!ours[i].failure && theirs[i].failure) return place + " gives a result; LibTorch fails: " + *theirs[i].failure;
    if (theirs[i].failure) continue;
    if (auto text = difference(ours[i].result, theirs[i].result, place + ": the result"); !text.empty()) return text;
    for (size_t k = 0; k < theirs[i].inputs.size(); ++k) {
      auto text = difference(ours[i].inputs[k], theirs[i].inputs[k], fmt::format("{}: input {} afterwards", place, k));
      if (!text.empty()) return text;
    }
  }
  return "";
}

// The method, or its general version for inputs that the method does not take.
std::string version_for(const ir::Graph& graph, const std::string& method, const std::vector<c10::IValue>& inputs) {
  const std::string general = method + std::string(passes::kGeneralVersion);
  const ir::Function* found = nullptr;
  bool has_general = false;
  for (const ir::Function& function : graph.functions) {
    if (function.name == method) found = &function;
    has_general = has_general || function.name == general;
  }
  return has_general && found != nullptr && !takes(graph, *found, inputs) ? general : method;
}

// The steps that are right, in a line; "" and the fault when one is wrong.
std::string verify_model(const std::string& path) {
  auto imported = import_model({.path = path, .inputs = {}, .methods = {}});
  if (auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&imported)) throw CompileError(std::move(*diagnostics));
  ir::Graph graph = std::get<ir::Graph>(std::move(imported));
  torch::jit::Module module = torch::jit::load(path);
  const std::string calls_path = path + ".calls";
  const std::vector<Call> calls =
      std::filesystem::exists(calls_path) ? read_calls(calls_path, module) : example_calls(graph);
  if (calls.empty()) return "there is nothing to call: no method was traced, and there is no " + calls_path;

  const std::vector<Outcome> expected = run_all(
      calls, [&](const std::string& method, std::vector<c10::IValue> inputs) { return module.get_method(method)(std::move(inputs)); });
  auto check = [&](std::string_view step) -> std::string {
    for (const std::string& fault : ir::verify(graph)) return fmt::format("after {}: {}", step, fault);
    State state = initial_state(graph);
    const std::vector<Outcome> actual = run_all(calls, [&](const std::string& method, std::vector<c10::IValue> inputs) {
      return evaluate(graph, version_for(graph, method, inputs), std::move(inputs), &state).at(0);
    });
    const std::string text = difference(actual, expected, calls);
    return text.empty() ? "" : fmt::format("after {}: {}", step, text);
  };
  std::string fault = check("import");
  const auto target = codegen::find_target("native");
  for (const PipelineStep& step : pipeline_steps()) {
    if (!fault.empty()) return fault;
    step.run(graph, *target);
    fault = check(step.name);
  }
  return fault;
}

int run(int argc, char** argv) {
  std::vector<std::string> paths;
  CLI::App app("Runs a model's graph on LibTorch after each step of the compiler, and compares with LibTorch.", "tsc-verify");
  app.add_option("models", paths, "TorchScript files; FILE.calls holds the calls of a scripted one")->required();
  CLI11_PARSE(app, argc, argv);
  const at::AutoGradMode no_gradients(false);
  at::manual_seed(0);
  at::set_num_threads(1);  // of many small ops, which threads would only slow
  int exit_code = kExitComplete;
  for (const std::string& path : paths) {
    std::string fault;
    try {
      fault = verify_model(path);
    } catch (const std::exception& error) {
      fault = error.what();
    }
    std::printf("%s: %s\n", path.c_str(), fault.empty() ? "ok" : fault.c_str());
    if (!fault.empty()) exit_code = kExitUserError;
  }
  return exit_code;
}

}  // namespace
}  // namespace tsc

int main(int argc, char** argv) { return tsc::run(argc, argv); }
