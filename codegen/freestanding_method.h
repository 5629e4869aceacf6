// One method as a C function: what is known of each value when the program is written, and the statements that are
// left. Its parts are freestanding_method.cpp (values, memory, statements, calls of regions), _ports (inputs and
// outputs), _numbers, _views and _control.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "codegen/emit_common.h"
#include "codegen/emit_number.h"
#include "codegen/freestanding_interface.h"
#include "codegen/memory_plan.h"
#include "compiler/diagnostic.h"

namespace tsc::codegen::freestanding {

using namespace ir;
using Kind = Type::Kind;

// A value: an expression of it, or the items that it is made of.
struct Item {
  enum class What : uint8_t { kUnknown, kTensor, kView, kNumber, kGroup, kNone } what = What::kUnknown;
  Expression text = {};               // of a tensor: the pointer to its elements, of a view to its first
  std::set<size_t> pieces = {};       // of a tensor: the pieces of memory in which it may be
  std::vector<int64_t> strides = {};  // of a view, whose elements are not one after the other
  bool is_single = false;             // of a float: its value is a float32's, and the text is of that type
  std::vector<Item> parts = {};       // of a tuple or a list
};

// A tensor's place in the arena, or a region's memory, from the first use to the last.
struct Piece {
  std::string element;  // "" for a region's memory
  std::string name;
  std::string comment;
  PlannedBlock block;
};

// Where the attributes are that methods write.
class StateLayout {
 public:
  // Attributes that the methods read or write; those that have no fixed place are left out.
  StateLayout(const Graph& graph, int64_t alignment);

  const State& state() const { return state_; }
  // Of a field that has a place: expressions of its parts.
  const Item* find(const std::string& field) const;
  const StateField& field(const std::string& name) const;
  // Writes the function that gives all of them their first values.
  void write_initialiser(ModelContext& model, const std::string& symbol, Writer& out);

 private:
  std::optional<Item> place(const Type& t, const std::string& name);

  const Graph& graph_;
  int64_t alignment_;
  State state_;
  std::map<std::string, Item> items_;
};

// Names that locals of a C function, and functions of regions, must not have.
inline constexpr const char* kReservedNames[] = {
    "arena",      "memory", "ctx",     "at",           "copy",        "weights",        "int64_t",
    "state",      "kept",   "fold",    "scan",         "arg_extreme", "in_order",       "fill",
    "is_aligned", "gather", "scatter", "index_in",     "start_in",    "linear_integer", "conv2d_integer",
    "max_pool2d", "Lines",  "Part",    "ImageWindows", "i64"};

class MethodEmitter {
 public:
  // Functions of regions are written to `regions`, what can't be to `diagnostics`.
  MethodEmitter(ModelContext& model, const Function& function, const std::string& model_name, const StateLayout& state,
                Diagnostics& diagnostics, Writer& regions);

  // Writes the C function. False when something was refused.
  bool run(Writer& out);
  const Method& method() const { return method_; }

 private:
  const Type& type(ValueId id) const { return graph_.value(id).type; }

  // What can't be.
  void refuse(const Node& node, const std::string& what, const std::string& reason, const std::string& advice);
  void refuse_op(const Node& node);
  void refuse_state(const Node& node, const std::string& field);
  Item stand_in(const Type& t) const;
  void refuse_op_result(const Node& node, ValueId output);
  void refuse_input(const std::string& name, const std::string& reason, const std::string& advice);

  // Inputs and outputs.
  void take_inputs();
  Item take_input(const Type& t, const std::string& wish);
  std::string users_name(const Value& value) const;
  void take_outputs(ValueId result);
  void collect_outputs(ValueId id, std::vector<ValueId>& leaves);
  void give_outputs(ValueId result);
  void give_output(ValueId id, size_t& next);

  // Memory and values.
  size_t add_piece(const Type& t, const std::string& name);
  void touch(const Item& item);
  std::string local_name(ValueId id);
  Item item_of(ValueId id);
  Item constant_item(const Constant& constant, const Type& t);
  static Item number(Expression text, Kind kind);

  // Statements.
  void emit_block(BlockId block);
  void emit_node(const Node& node);
  bool has_open_sizes(const Node& region) const;
  void emit_region_call(const Node& node);
  void write(Writer& out);

  std::optional<std::string> lines_of(const Node& node) const;
  bool emit_plain(const Node& node);
  bool emit_fill(const Node& node);
  bool emit_of_bytes(const Node& node);

  // Views of memory that is written, and of places that are told at run time.
  bool emit_view(const Node& node);
  bool is_in_range(const Node& node) const;
  bool emit_write(const Node& node);
  Item dense(const Item& item, const Type& t, const std::string& name);

  // State.
  bool is_read_before_written(const Node& get) const;
  void emit_state_get(const Node& node);
  void emit_state_ref(const Node& node);
  void emit_state_set(const Node& node);
  Item own(const Item& item, const Type& t, const std::string& name);
  bool store(const Item& to, const Item& from, const Type& to_type, const Type& from_type);

  // Numbers.
  void emit_element(const Node& node);
  Expression as_number(ValueId id);
  bool emit_number(const Node& node);
  Kind result_kind(const Node& node);
  std::optional<Expression> number_form(const Node& node);
  std::optional<Expression> single_comparison(const Node& node);

  // Control flow.
  Item declare_variable(const Type& t, const std::string& name);
  bool assign(Item& to, const Item& from);
  void emit_if(const Node& node);
  void emit_loop(const Node& node);
  Item carry(const Type& t, const Item& initial, const std::string& name);
  void carry_on(const Node& node, const Block& body, std::vector<Item>& carried, const std::string& go);

  ModelContext& model_;
  const Graph& graph_;
  const Function& function_;
  const StateLayout& state_;
  Diagnostics& diagnostics_;
  Writer& regions_;
  Names locals_{model_.names};
  Method method_;
  std::map<ValueId, size_t> made_in_place_;  // results that a region writes to the caller's memory
  std::map<ValueId, Item> items_;
  std::vector<Piece> pieces_;
  std::vector<uint32_t> uses_ = graph_.use_counts();
  Writer body_;
  size_t time_ = 0;
  bool refused_ = false;
  bool left_ = false;  // the code just written ends with a return
};

}  // namespace tsc::codegen::freestanding
