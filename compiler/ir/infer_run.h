// Private to infer*.cpp: the state of one inference, and what a rule sees of its node.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/containers.h"
#include "compiler/ir/graph.h"

namespace tsc::ir::inference {

using Dims = std::vector<Dim>;
using Shape = std::optional<Dims>;  // nullopt: the rank is unknown

// Of one size or integer, in symbols and operators.
inline constexpr size_t kMaxSizeLength = 64;

class Run {
 public:
  explicit Run(Graph& graph);
  void infer_all();

  Graph& graph;
  ContainerClasses containers;

  // A symbol for size `index` of `owner` that no rule can tell: the same symbol whenever it is asked for again.
  Dim fresh(ValueId owner, size_t index);
  // The same for integer `index` of an int or a list of ints.
  Dim fresh_int(ValueId owner, size_t index);
  // An unknown integer of the value's is a size or a length: it is at least 0.
  void mark_size(ValueId value);
  void mark_size(const Dim& unknown);
  // Whether the value is at least 0 whatever the sizes are.
  bool is_nonnegative(const Dim& dim) const;

  // Records that a call fails unless a == b. Where the current node runs in every call, a symbol of an input is
  // replaced by what it must equal. Returns the size to go on with.
  Dim require_equal(const Dim& a, const Dim& b, SourceId source, const std::string& message);

  // The element type that all writers of a container agree on so far; nullopt before the first.
  void join_element(ValueId container, const Type& element);
  std::optional<Type> element(ValueId container) const;
  bool integers_written() const { return integers_written_; }

  // The type that both fit, within the structure that `declared` fixes.
  Type join(ValueId owner, const Type& declared, const Type& a, const Type& b);
  void set_type(ValueId value, const Type& computed);

 private:
  friend struct Rule;
  enum class Slot : uint8_t { kDim, kInt };
  using OwnerKey = std::pair<ValueId, size_t>;

  void collect_owners();
  bool writes_integers() const;
  void infer_function(FunctionId id);
  bool infer_block(BlockId id);  // whether control leaves it at its end
  void infer_node(NodeId id);
  void infer_if(const Node& node);
  void infer_loop(const Node& node);
  void infer_call(const Node& node);
  std::optional<FunctionId> callee(const Node& node) const;
  void substitute(const std::string& symbol, const Dim& by);
  void set_joined_ints(ValueId target, ValueId a, ValueId b);
  void drop_inner_symbols(BlockId body, ValueId output);
  Type join_at(ValueId owner, size_t& counter, const Type& declared, const Type& a, const Type& b);
  Type with_element_symbols(ValueId value, Type type);
  Type with_short_sizes(ValueId value, Type type);
  Type without_symbols_of(const std::set<ValueId>& values, ValueId owner, Type type);
  bool has_any(const Dim& dim, const std::set<ValueId>& owners) const;

  std::map<OwnerKey, Dim> dim_owners_, int_owners_;
  std::map<std::string, ValueId> owner_of_symbol_;
  std::set<std::string> used_symbols_, size_symbols_;
  // Sizes of the elements of lists and dicts: another number for each element, so that what reads one gets a symbol of
  // its own.
  std::set<std::string> element_symbols_;
  std::set<ValueId> in_loops_;  // values that are defined inside a loop, and may differ between iterations
  std::map<std::string, std::pair<uint32_t, uint32_t>> input_symbols_;  // of the current method: input, axis
  std::map<ValueId, Type> elements_;                                    // by container class
  std::map<ValueId, bool> seen_params_;
  std::set<FunctionId> active_;
  FunctionId function_ = kNoId;
  int depth_ = 0;             // nesting of blocks in the current function; 0 runs in every call
  bool shapes_move_ = false;  // some tensor's sizes change in place, so no rank is believed
  bool integers_written_ = false;
  bool changed_ = false;
};

// One node as its rule sees it.
struct Rule {
  Run& run;
  const Graph& graph;
  const Node& node;

  size_t operand_count() const { return node.inputs.size(); }
  ValueId in(size_t i) const { return node.inputs[i]; }
  const Type& type(size_t i) const { return graph.value(node.inputs[i]).type; }
  bool has(size_t i) const {
    return i < node.inputs.size() && !graph.is_none(node.inputs[i]) && !type(i).is(Type::Kind::kNone);
  }
  // By the schema's name; asserts that there is one.
  size_t at(std::string_view name) const { return input_index(node.op, name); }

  bool is_tensor(size_t i) const { return i < node.inputs.size() && tensor(i) != nullptr; }
  const TensorType* tensor(size_t i) const;  // also of an optional tensor; null otherwise
  DType dtype(size_t i) const;               // unknown when it is no tensor
  Shape shape(size_t i) const;
  bool is_zero_dim(size_t i) const { return shape(i) && shape(i)->empty(); }
  Shape element_shape(const Type& element) const;

  std::optional<Dim> dim(size_t i) const;          // an int, a bool, or a 0-d integer tensor
  std::optional<Dims> dims(size_t i) const;        // a list of ints, or one int
  std::optional<int64_t> integer(size_t i) const;  // the same when it is constant
  std::optional<std::vector<int64_t>> integers(size_t i) const;
  std::optional<bool> boolean(size_t i) const;
  // An axis operand, made non-negative; nullopt when not constant or out of range.
  std::optional<size_t> axis(size_t i, size_t rank) const;
  std::optional<size_t> wrap_axis(int64_t axis, size_t rank) const;
  // The types of a list operand's elements when they are known one by one, else nullopt.
  std::optional<std::vector<Type>> element_types(size_t i) const;

  Dim fresh(size_t output, size_t index) const { return run.fresh(node.outputs[output], index); }
  Dims fresh_dims(size_t output, size_t rank) const;
  Dim require_equal(const Dim& a, const Dim& b, const std::string& message) const;
  Dim broadcast_dim(const Dim& a, const Dim& b) const;
  Shape broadcast_shapes(const Shape& a, const Shape& b) const;

  DType result_type(const std::vector<size_t>& operands) const;  // torch.result_type
  DType dtype_operand(DType otherwise) const;                    // operand "dtype": its value, `otherwise` when None

  void set(size_t output, const Type& type) const { run.set_type(node.outputs[output], type); }
  void set_tensor(size_t output, DType dtype, const Shape& shape) const;
  void set_ints(size_t output, std::optional<Dims> ints) const;
  void set_int(size_t output, const std::optional<Dim>& value) const;
  void set_bool(size_t output, std::optional<bool> value) const;
};

DType promote_float(DType dtype);  // integers and bool to float32
std::optional<Dims> known_ints(const Graph& graph, ValueId value);
Dim product(const Dims& dims);
Dim ceil_div(const Dim& a, const Dim& b);

// The rules, by family; each tells whether it has one for the node.
bool infer_by_table(const Rule& rule);
bool infer_view(const Rule& rule);
bool infer_contraction(const Rule& rule);  // also normalisation, attention, recurrent
bool infer_linalg(const Rule& rule);
bool infer_window(const Rule& rule);
bool infer_transform(const Rule& rule);
bool infer_movement(const Rule& rule);  // also sort
bool infer_creation(const Rule& rule);  // also conversion
bool infer_query(const Rule& rule);
bool infer_scalar(const Rule& rule);
bool infer_container(const Rule& rule);
void infer_tensor_ints(const Rule& rule);  // integer arithmetic on 0-d tensors

}  // namespace tsc::ir::inference
