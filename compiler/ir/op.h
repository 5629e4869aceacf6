// The op table: every fact about an op that is not code, from ops.def.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tsc::ir {

// What an op does to its operands; each class has one emitter, one fusion rule, one test generator.
enum class OpClass : uint8_t {
  kPointwise,      // element by element with broadcasting; the scalar function is tsc::math::<name>
  kSpecial,        // gamma, Bessel functions, orthogonal polynomials, ...: element by element, not fused
  kReduction,      // over some dims: sum, amax, argmax, mean, ...
  kScan,           // along one dim: cumsum, ...
  kView,           // the result shares the operand's storage
  kContraction,    // linear, matmul, addmm, ...
  kLinalg,         // factorisations of matrices and what solves with them
  kWindow,         // convolutions and poolings
  kNormalisation,  // softmax, layer_norm, batch_norm, ...
  kAttention,      // scaled_dot_product_attention, the fused encoder layer
  kRecurrent,      // lstm, gru, ...
  kTransform,      // fft
  kMovement,       // copies elements about: cat, gather, index, embedding, pad, ...
  kResampling,     // images at other places than their pixels: upsample, sample_grid
  kCreation,       // zeros, arange, full, ...
  kRandom,         // draws from the generator: rand, randint, dropout, ...
  kSort,           // sort, topk, unique, ...
  kQuery,          // reads a tensor's metadata or a 0-d value: size, dim, dtype, item, ...
  kScalar,         // ints, floats, bools, strings: Python semantics
  kContainer,      // lists, tuples, dicts, optionals, objects
  kControl,        // if, loop, call, raise, region, group
  kEffect,         // print, warn, state writes
};

// Result dtype of a tensor op.
enum class DTypeRule : uint8_t {
  kNone,           // no tensor result, or a rule of the op's own in infer.cpp
  kSame,           // operand 0's
  kSameNumber,     // the same, not bool, which is refused
  kSameFloat,      // the same, floating: others are refused
  kPromote,        // torch.result_type of all tensor and scalar operands
  kPromoteNumber,  // the same, not bool
  kPromoteFloat,   // the same, integers and bool to float32
  kFloat,          // operand 0's, integers and bool to float32
  kBool,
  kInt64,
  kSumInt,  // operand 0's, integers and bool to int64; or the dtype operand
};

constexpr bool is_same(DTypeRule rule) {
  return rule == DTypeRule::kSame || rule == DTypeRule::kSameNumber || rule == DTypeRule::kSameFloat;
}

// Result shape of a tensor op.
enum class ShapeRule : uint8_t {
  kNone,       // no tensor result, or a rule of the op's own in infer.cpp
  kSame,       // operand 0's
  kBroadcast,  // of all tensor operands
  kReduce,     // operand "dim" with "keepdim", all dims when absent or None
  kScalar,     // 0-d
};

enum class Op : uint16_t {
  kInvalid,
#define TSC_OP(name, op_class, dtype_rule, shape_rule, schema, overloads) name,
#include "compiler/ir/ops.def"
#undef TSC_OP
  kCount,
};

// Both forms of an op share one row of the table. PyTorch's third, with destinations, ends at the import.
enum class Form : uint8_t {
  kFunctional,  // add
  kInPlace,     // add_: writes operand 0 and returns it
};

// One operand or result of a schema. Types are the schema's own: "Tensor", "Tensor?", "Scalar", "int[]", "Tensor(a!)".
struct Parameter {
  std::string name;
  std::string type;                          // without alias annotation: "Tensor", "Tensor?", "int[2]" is "int[]"
  std::string alias;                         // "a", "a!", "b|a", ""; "a -> *" is "a"
  std::optional<std::string> default_value;  // as written in the schema; the default 1 of an "int[2]" is "[1, 1]"
};

struct OpInfo {
  Op op;
  std::string_view name;  // as in the IR's text: "conv2d"
  OpClass op_class;
  DTypeRule dtype_rule;
  ShapeRule shape_rule;
  std::string_view schema;                   // in PyTorch's syntax, or "" for ops of variable arity
  std::vector<std::string_view> aten_names;  // "aten::add.Tensor": every overload that this row accepts
  std::vector<Parameter> inputs;
  std::vector<Parameter> outputs;
};

const OpInfo& op_info(Op op);
std::span<const OpInfo> all_ops();
std::optional<Op> find_op(std::string_view name);  // by the IR's name
// By PyTorch's name, "aten::add_.Tensor": finds the row and its form (an in-place twin ends its name in "_").
struct AtenMatch {
  Op op;
  Form form;
};
std::optional<AtenMatch> find_aten(std::string_view aten_name);
// Index of the schema's input of that name; asserts that there is one.
uint32_t input_index(Op op, std::string_view name);
std::optional<uint32_t> find_input(Op op, std::string_view name);
// Whether the op writes its operand 0 and has no functional form: copy_.
bool has_only_in_place_form(Op op);

}  // namespace tsc::ir
