// The IR: functions in SSA form with nested blocks, index based. All cross references are 32-bit ids into the Graph's
// vectors, so a Graph is copied by copying, and ids stay valid while it is edited. Removed nodes stay in `nodes` but in
// no block; `compact` drops them.
//
// Invariants (verify.h checks them, list and numbers there): a value has exactly one definition (a node's output, a
// block's parameter, or a constant); uses are dominated by it; operands match the op's signature in the op table.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/ir/op.h"
#include "compiler/ir/type.h"

namespace tsc::ir {

using ValueId = uint32_t;
using NodeId = uint32_t;
using BlockId = uint32_t;
using FunctionId = uint32_t;
using SourceId = uint32_t;
inline constexpr uint32_t kNoId = 0xffffffffu;

// Bytes that tensors refer to. Owned by whoever loaded them; several tensors may share one storage (tied weights).
struct Storage {
  std::shared_ptr<const std::byte> data;
  size_t size = 0;  // bytes
};

// A constant tensor: a strided window of a storage.
struct TensorConstant {
  std::string name;  // the parameter's path in the module tree, e.g. "layer1.0.conv1.weight"; "" when computed
  DType dtype = DType::kUnknown;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;  // in elements
  int64_t offset = 0;            // in elements
  std::shared_ptr<const Storage> storage;
  // Set for a constant read from IR text that tells its hash only: the elements are all zero instead.
  std::optional<uint64_t> hash_of_missing = std::nullopt;

  int64_t element_count() const;
  bool is_contiguous() const;
};

struct Constant;
using ConstantList = std::vector<Constant>;
// The value of a constant. The Type of the ir::Value tells a list from a tuple from a dict (keys and values in turn),
// and an int from a dtype.
struct Constant {
  std::variant<std::monostate /* None */, bool, int64_t, double, std::complex<double>, std::string /* str, device */,
               std::shared_ptr<const TensorConstant>, std::shared_ptr<const ConstantList>>
      value;
};

// Whether the constant is a value of the type: which member of a union it is. An enum's members and a device's text are
// no ints and strs there.
bool is_of_type(const Constant& constant, const Type& type);

struct Value {
  Type type;
  std::string name;          // the user's name where there is one; unique among a function's values when printed
  NodeId def = kNoId;        // defining node; kNoId for block parameters and constants
  BlockId param_of = kNoId;  // block whose parameter this is
  std::optional<Constant> constant;  // set for constants, which no node defines
  // What is known of an int, or of a list of ints, or of a 0-d integer tensor in traced shape arithmetic: one Dim per
  // int. Empty when nothing is known (an empty list is `known` with no dims).
  std::optional<std::vector<Dim>> ints;
};

// Literal facts of a node that are no schema operand: a field name, a kernel, a group's kind.
using Attribute = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<std::string>>;

struct Node {
  Op op = Op::kInvalid;
  Form form = Form::kFunctional;
  std::vector<ValueId> inputs;  // the schema's operands, in its order, all of them (defaults filled in)
  std::vector<ValueId> outputs;
  std::vector<BlockId> blocks;  // if: then, else; loop: body; region and group: body
  std::map<std::string, Attribute, std::less<>> attributes;
  SourceId source = 0;
};

struct Block {
  std::vector<ValueId> params;
  std::vector<NodeId> nodes;
  std::vector<ValueId> results;
  NodeId owner = kNoId;  // the node that holds this block; kNoId for a function's body
};

// A stack of Python positions, innermost first. Entry 0 of Graph::sources is empty: unknown.
struct SourceFrame {
  std::string file;
  int line = 0;
  std::string function;  // "forward"
  std::string text;      // the line itself, trimmed, when the archive has it
};
struct Source {
  std::vector<SourceFrame> frames;
  std::string module_path;  // "layer1.0.conv1", the instance that runs the line; "" for the root
};

struct Function {
  std::string name;      // "forward", or a free function's name
  BlockId body = kNoId;  // its params are the inputs (self is not among them), its results the return value (one)
  std::vector<std::string> input_names;
  std::vector<std::optional<Constant>> defaults;  // per input
  bool is_method = true;                          // callable from outside
  bool from_trace = false;                        // input dims have examples
};

// A user class or NamedTuple: fields in order. Enums list their members as fields with constant values.
struct ClassType {
  std::string name;  // "MyState", without package and mangling
  std::vector<std::string> field_names;
  std::vector<Type> field_types;
  std::vector<std::optional<Constant>> enum_values;
};

// An attribute of the module that some method writes: part of an instance's state.
struct StateField {
  std::string name;  // path in the module tree: "decoder.h"
  Type type;
  Constant initial;
};

// What must hold at a function's entry for the facts that `infer` found; a call for which it does not hold would fail
// later anyway (or, for assumed ranks and dtypes, could not be compiled well), so that the entry fails with `message`.
struct Constraint {
  enum class Kind : uint8_t {
    kSize,   // size `axis` of `input` is `rhs`; its symbol was `lhs`, which no longer occurs
    kEqual,  // `lhs` == `rhs`, both of symbols of the inputs; no single input is to blame
    kRank,   // `input` has rank `value`
    kDType,  // `input` has the dtype with code `value`
  };
  Kind kind = Kind::kEqual;
  FunctionId function = 0;
  uint32_t input = kNoId;
  uint32_t axis = 0;
  Dim lhs, rhs;
  int64_t value = 0;
  SourceId source = 0;  // the node that would fail
  std::string message;
};

class Graph {
 public:
  std::string name;  // of the model: the file's stem
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<Block> blocks;
  std::vector<Function> functions;
  std::vector<ClassType> classes;
  std::vector<StateField> state;
  std::vector<Source> sources = {{}};
  // Example values of symbols: those of traced inputs ("x.0" -> 224), or of --input.
  std::map<std::string, int64_t, std::less<>> hints;
  std::vector<Constraint> constraints;

  Value& value(ValueId id) { return values[id]; }
  const Value& value(ValueId id) const { return values[id]; }
  Node& node(NodeId id) { return nodes[id]; }
  const Node& node(NodeId id) const { return nodes[id]; }
  Block& block(BlockId id) { return blocks[id]; }
  const Block& block(BlockId id) const { return blocks[id]; }
  const Source& source(const Node& n) const { return sources[n.source]; }

  // Building. `add_node` appends to `block`; `insert_before` places a node (in no block yet) before another.
  ValueId add_param(BlockId block, Type type, std::string name);
  ValueId add_constant(Constant constant, Type type, std::string name = {});
  ValueId constant_int(int64_t value);
  ValueId constant_float(double value);
  ValueId constant_bool(bool value);
  ValueId constant_none();
  ValueId constant_ints(std::span<const int64_t> values);
  BlockId add_block(NodeId owner = kNoId);
  NodeId make_node(Op op, std::vector<ValueId> inputs, std::vector<Type> output_types, SourceId source);
  NodeId add_node(BlockId block, Op op, std::vector<ValueId> inputs, std::vector<Type> output_types, SourceId source);
  void insert_before(NodeId node, NodeId position);
  void insert_after(NodeId node, NodeId position);

  // Editing.
  void replace_uses(ValueId from, ValueId to);  // everywhere: inputs of all nodes in blocks, and blocks' results
  void remove(NodeId node);                     // takes it out of its block; its outputs must be unused
  BlockId block_of(NodeId node) const;          // linear in the graph's size: not for inner loops
  // Number of uses of each value, by inputs and block results of live nodes.
  std::vector<uint32_t> use_counts() const;
  void compact();

  // Reading constants; nullopt when the value is none, or of another type. A list constant and a `list` node of
  // constants both count.
  bool is_constant(ValueId id) const { return values[id].constant.has_value(); }
  bool is_none(ValueId id) const;
  std::optional<int64_t> as_int(ValueId id) const;    // also from `ints` with a constant Dim, and from bool
  std::optional<double> as_double(ValueId id) const;  // also of an int
  std::optional<bool> as_bool(ValueId id) const;
  std::optional<std::string> as_str(ValueId id) const;
  std::optional<std::vector<int64_t>> as_ints(ValueId id) const;
  std::shared_ptr<const TensorConstant> as_tensor(ValueId id) const;
  // The elements when the value is made by a `list` or `tuple` node, or a constant list's (made into constants).
  std::optional<std::vector<ValueId>> as_elements(ValueId id);

  Dim fresh_symbol();                                 // "u0", "u1", ...
  void reserve_symbol(std::string_view symbol);       // keeps fresh ones apart from a symbol that the graph has
  std::optional<int64_t> hint(const Dim& dim) const;  // its value at the example, when all symbols have one

 private:
  uint32_t next_symbol_ = 0;
};

// Attribute access; the op's documentation says which exist.
std::optional<int64_t> int_attribute(const Node& node, std::string_view name);
std::string str_attribute(const Node& node, std::string_view name);  // "" when absent

// Calls `visit(node_id)` for every live node of a block, inner blocks included, in order.
void for_each_node(const Graph& graph, BlockId block, const std::function<void(NodeId)>& visit);

}  // namespace tsc::ir
