// A whole library as the compiler emits it, written by hand: the specification of emitted host code, and what the tests
// of the ABI load. Its Python program is tiny.py. "Emitted:" says where each part comes from.
//
// The order is that of every emitted file: includes, then for each model a namespace with constants, classes, state,
// functions, methods, source positions and tables; last, the library's entry points.
#include "runtime/core/library.h"
#include "tests/abi/tiny_ops.h"  // Emitted: "runtime/ops/ops.h"

namespace tiny {
namespace {

using namespace tsc;

// ---- Constants.
// Emitted: one ConstantTensor for each tensor constant, in the order of first use, named after the parameter's path.
// The bytes are a section of their own, in an object that is linked to this one.
extern "C" __attribute__((visibility("hidden"))) const char tiny_weights[64];

constinit const ConstantTensor<2> k_fc_weight(DType::kFloat32, tiny_weights + 0, 3, 4);
constinit const ConstantTensor<1> k_fc_bias(DType::kFloat32, tiny_weights + 48, 3);
constinit const ConstantList<i64, 1> k_ints_3(3);

// ---- Classes.
// Emitted: a struct for each class that the program uses, in an order that defines before use; NamedTuples are tuples
// with names.
struct Window : Object {
  i64 begin = 0;
  i64 end = 0;

  static constexpr const char* kTypeName = "Window";
  static constexpr const char* kFieldNames[] = {"begin", "end"};
  template <class Visit>
  void fields(Visit&& visit) {
    visit(begin);
    visit(end);
  }
};

struct Stats_names {
  static constexpr const char* kTypeName = "Stats";
  static constexpr const char* kFieldNames[] = {"count", "total"};
};
using Stats = NamedTuple<Stats_names, i64, Tensor>;

// ---- State.
// Emitted when some method writes an attribute: a field for each, `initialise` with the values in the file.
struct State : InstanceState {
  i64 count = 0;
  Tensor total;

  template <class Visit>
  void fields(Visit&& visit) {
    visit(count);
    visit(total);
  }
  static void initialise(Context& ctx, State& state) {
    state.count = 0;
    state.total = ops::zeros(ctx, k_ints_3);
  }
};

// ---- Methods.
// Emitted: one function for each method. `ctx.at(n)` names the entry of kSources that the next operations belong to; it
// is emitted where the position changes. Every branch, loop condition, effect and return that depends on something that
// can fail asks ctx.ok() first.

// forward(x: Tensor, scale: float = 1.0) -> Tensor
Tensor forward(Context& ctx, const Tensor& x, double scale) {
  ctx.at(1);
  const Tensor fc = ops::linear(ctx, x, k_fc_weight, Optional<Tensor>(k_fc_bias));
  ctx.at(2);
  return ops::mul(ctx, fc, scale);
}

// totals(features: Dict[str, List[Tensor]], keys: Optional[List[str]] = None) -> Dict[str, Tensor]
Dict<Str, Tensor> totals(Context& ctx, const Dict<Str, List<Tensor>>& features, const Optional<List<Str>>& keys) {
  ctx.at(3);
  const Dict<Str, Tensor> result = Dict<Str, Tensor>::make(ctx);
  const List<Str> names = keys.has_value() ? *keys : features.keys(ctx);
  for (i64 i = 0; ctx.ok() && i < names.size(); ++i) {
    ctx.at(4);
    const Str name = names.get(ctx, i);
    const List<Tensor> parts = features.get(ctx, name);
    ctx.at(5);
    Tensor sum = parts.get(ctx, 0);
    for (i64 j = 1; ctx.ok() && j < parts.size(); ++j) {
      ctx.at(6);
      sum = ops::add(ctx, sum, parts.get(ctx, j));
    }
    if (!ctx.ok()) return {};
    result.set(name, sum);
  }
  return result;
}

// accumulate(x: Tensor) -> Stats
Stats accumulate(Context& ctx, State& state, const Tensor& x) {
  ctx.at(7);
  const Tensor sum = ops::add(ctx, state.total, x);
  if (!ctx.ok()) return {};
  state.total = sum;
  state.count = state.count + 1;
  return Stats(state.count, state.total);
}

// remember(x: Tensor) -> None
None remember(Context& ctx, State& state, const Tensor& x) {
  if (!ctx.ok()) return {};
  state.total = x;
  return {};
}

// check(x: Tensor) -> Tensor
Tensor check(Context& ctx, const Tensor& x) {
  ctx.at(8);
  const i64 rank = x.dim();
  if (rank != 2) {
    ctx.at(9);
    const Str message = Str::concat(ctx, "expected a matrix, got rank ", ops::to_str(ctx, rank));
    return ctx.raise("ValueError", message.data(), message.size());
  }
  return x;
}

// shift(window: Window, by: int = 1) -> Tuple[Window, Optional[str], complex]
Tuple<Ref<Window>, Optional<Str>, Complex<double>> shift(Context& ctx, const Ref<Window>& window, i64 by) {
  ctx.at(10);
  const Ref<Window> moved = Ref<Window>::make(ctx);
  if (!ctx.ok()) return {};
  moved->begin = window->begin + by;
  moved->end = window->end + by;
  const Optional<Str> note = by < 0 ? Optional<Str>("backwards") : Optional<Str>();
  return {moved, note, Complex<double>(static_cast<double>(by), 1)};
}

// echo(value: Any) -> Any
Any echo(Context&, const Any& value) { return value; }

// squares(x: Tensor) -> Tensor
Tensor squares(Context& ctx, const Tensor& x) {
  ctx.at(11);
  return ops::mul(ctx, x, x);
}

// ---- Source positions.
// Emitted: the frames of all Python stacks, innermost first, and for each source index its run of frames.
constexpr tsc_frame kFrames[] = {
    {"tiny.py", 36, "forward", "y = self.fc(x)"},
    {"tiny.py", 37, "forward", "return y * scale"},
    {"tiny.py", 41, "totals", "result: Dict[str, torch.Tensor] = {}"},
    {"tiny.py", 43, "totals", "parts = features[name]"},
    {"tiny.py", 44, "totals", "total = parts[0]"},
    {"tiny.py", 46, "totals", "total = total + part"},
    {"tiny.py", 52, "accumulate", "self.total = self.total + x"},
    {"tiny.py", 9, "check_rank", "if x.dim() != 2:"},
    {"tiny.py", 62, "check", "return check_rank(x)"},
    {"tiny.py", 11, "check_rank", "raise ValueError(f\"expected a matrix, got rank {x.dim()}\")"},
    {"tiny.py", 62, "check", "return check_rank(x)"},
    {"tiny.py", 66, "shift", "moved = Window(window.begin + by, window.end + by)"},
    {"tiny.py", 74, "squares", "return x * x"},
};
constexpr Source kSources[] = {{0, 0}, {0, 1}, {1, 1}, {2, 1}, {3, 1},  {4, 1},
                               {5, 1}, {6, 1}, {7, 2}, {9, 2}, {11, 1}, {12, 1}};

// ---- Tables.
// Emitted: defaults, inputs and methods as metadata and, in the same order, the calls.
constexpr tsc_value kNone = constant_none();
constexpr tsc_value kInt_1 = constant_value(i64{1});
constexpr tsc_value kFloat_1 = constant_value(1.0);

constexpr tsc_input_info kForwardInputs[] = {{"x", "Tensor", "float32[batch, 4]", nullptr},
                                             {"scale", "float", "", &kFloat_1}};
constexpr tsc_input_info kTotalsInputs[] = {{"features", "Dict[str, List[Tensor]]", "", nullptr},
                                            {"keys", "Optional[List[str]]", "", &kNone}};
constexpr tsc_input_info kAccumulateInputs[] = {{"x", "Tensor", "", nullptr}};
constexpr tsc_input_info kRememberInputs[] = {{"x", "Tensor", "", nullptr}};
constexpr tsc_input_info kCheckInputs[] = {{"x", "Tensor", "", nullptr}};
constexpr tsc_input_info kShiftInputs[] = {{"window", "Window", "", nullptr}, {"by", "int", "", &kInt_1}};
constexpr tsc_input_info kEchoInputs[] = {{"value", "Any", "", nullptr}};
constexpr tsc_input_info kSquaresInputs[] = {{"x", "Tensor", "", nullptr}};

// Name, output, inputs and their number, whether it uses state, a reserved 0, arena bytes.
constexpr tsc_method_info kMethods[] = {
    {"forward", "Tensor", kForwardInputs, 2, 0, 0, 0},
    {"totals", "Dict[str, Tensor]", kTotalsInputs, 2, 0, 0, 0},
    {"accumulate", "Stats", kAccumulateInputs, 1, 1, 0, 0},
    {"remember", "None", kRememberInputs, 1, 1, 0, 0},
    {"check", "Tensor", kCheckInputs, 1, 0, 0, 0},
    {"shift", "Tuple[Window, Optional[str], complex]", kShiftInputs, 2, 0, 0, 0},
    {"echo", "Any", kEchoInputs, 1, 0, 0, 0},
    {"squares", "Tensor", kSquaresInputs, 1, 0, 0, 0},
};
constexpr MethodCall kCalls[] = {method_call<&forward>,  method_call<&totals>, method_call<&accumulate>,
                                 method_call<&remember>, method_call<&check>,  method_call<&shift>,
                                 method_call<&echo>,     method_call<&squares>};

constexpr tsc_state_info kState[] = {{"count", "int"}, {"total", "Tensor"}};

constexpr tsc_model_info kInfo = {
    .name = "tiny",
    .source_hash = "",
    .target = "native",
    .methods = kMethods,
    .method_count = 8,
    .state = kState,
    .state_count = 2,
    .weight_bytes = 64,
};
constexpr ModelTable kModel = {&kInfo, kCalls, state_table<State>, kSources, 12, kFrames, tiny_weights};

}  // namespace
}  // namespace tiny

// ---- The library.
// Emitted: the tables of all models, and the entry points: one under the common name, for who loads the library, which
// is weak so that libraries can be linked together, and one under each model's name, for who links it.
namespace {
constexpr tsc_model_info const* kInfos[] = {&tiny::kInfo};
constexpr const tsc::ModelTable* kModels[] = {&tiny::kModel};
constexpr tsc::LibraryTable kLibrary = {"tsc 0.1.0", kModels, kInfos, 1};
}  // namespace

extern "C" __attribute__((visibility("default"), weak)) const tsc_library* tsc_get_library(uint32_t abi_version) {
  return tsc::serve<kLibrary>(abi_version);
}
extern "C" __attribute__((visibility("default"))) const tsc_library* tiny_library(uint32_t abi_version) {
  return tsc::serve<kLibrary>(abi_version);
}
