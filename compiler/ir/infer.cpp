#include "compiler/ir/infer.h"

#include <algorithm>

#include "compiler/ir/effects.h"
#include "compiler/ir/infer_run.h"

namespace tsc::ir {

namespace inference {
namespace {

constexpr int kMaxRounds = 8;  // of a loop or of the whole graph, before what still changes is given up

// A type with nothing known of its tensors.
Type widened(Type type) {
  if (type.is_tensor()) return Type::make_tensor();
  for (Type& element : type.elements) element = widened(element);
  return type;
}

bool is_container(const Type& type) { return type.is(Type::Kind::kList) || type.is(Type::Kind::kDict); }

// All values that are defined in the block, or in blocks of its nodes.
void collect_values(const Graph& graph, BlockId id, std::set<ValueId>& values) {
  values.insert(graph.block(id).params.begin(), graph.block(id).params.end());
  for_each_node(graph, id, [&](NodeId node) {
    values.insert(graph.node(node).outputs.begin(), graph.node(node).outputs.end());
    for (BlockId block : graph.node(node).blocks)
      values.insert(graph.block(block).params.begin(), graph.block(block).params.end());
  });
}

}  // namespace

DType promote_float(DType dtype) {
  if (dtype == DType::kUnknown || is_floating(dtype) || is_complex(dtype)) return dtype;
  return DType::kFloat32;
}

Dim product(const Dims& dims) {
  Dim result = 1;
  for (const Dim& dim : dims) result = result * dim;
  return result;
}

Dim ceil_div(const Dim& a, const Dim& b) { return floor_div(a + b - 1, b); }

Run::Run(Graph& g) : graph(g), containers(g) {
  collect_owners();
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) {
      shapes_move_ |= moves_sizes(graph.node(id));
      if (graph.node(id).op == Op::loop) collect_values(graph, graph.node(id).blocks[0], in_loops_);
    });
  }
  integers_written_ = writes_integers();
}

// Whether some integer tensor may be written in place, so that no 0-d one can be taken for the number it was made of.
bool Run::writes_integers() const {
  bool found = false;
  const auto look = [&](NodeId id) {
    const Node& node = graph.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Type& target = graph.value(node.inputs[i]).type;
      if (!target.is_tensor() || !writes_input(graph, node, i)) continue;
      found |= target.tensor.dtype == DType::kUnknown || is_integral(target.tensor.dtype);
    }
  };
  for (const Function& function : graph.functions) for_each_node(graph, function.body, look);
  return found;
}

// A symbol belongs to the value, and the position within its type, where it occurs first. Since facts stay true, a size
// that no rule can tell is given the same symbol in every run.
void Run::collect_owners() {
  const auto claim = [&](const Dim& dim, ValueId owner, size_t index, std::map<OwnerKey, Dim>& owners) {
    for (const std::string& name : dim.symbols()) used_symbols_.insert(name);
    const auto name = dim.symbol_name();
    if (name && owner_of_symbol_.emplace(*name, owner).second) owners.emplace(OwnerKey{owner, index}, dim);
  };
  const std::function<void(const Type&, ValueId, size_t&, bool)> claim_type = [&](const Type& type, ValueId owner,
                                                                                  size_t& counter, bool is_input) {
    for (const Dim& dim : type.tensor.dims) {
      claim(dim, owner, counter++, dim_owners_);
      if (!is_input) continue;
      for (const std::string& name : dim.symbols()) size_symbols_.insert(name);
    }
    for (const Type& element : type.elements) claim_type(element, owner, counter, is_input);
  };
  const auto claim_value = [&](ValueId v, bool is_input) {
    size_t counter = 0;
    claim_type(graph.value(v).type, v, counter, is_input);
    with_element_symbols(v, graph.value(v).type);
    if (!graph.value(v).ints) return;
    for (size_t i = 0; i < graph.value(v).ints->size(); ++i) claim((*graph.value(v).ints)[i], v, i, int_owners_);
  };
  for (const Function& function : graph.functions) {
    for (ValueId param : graph.block(function.body).params) claim_value(param, true);
    for_each_node(graph, function.body, [&](NodeId id) {
      for (ValueId output : graph.node(id).outputs) claim_value(output, false);
      for (BlockId block : graph.node(id).blocks)
        for (ValueId param : graph.block(block).params) claim_value(param, false);
    });
  }
  for (const auto& [key, dim] : dim_owners_) size_symbols_.insert(*dim.symbol_name());
}

Dim Run::fresh(ValueId owner, size_t index) {
  auto it = dim_owners_.find({owner, index});
  if (it != dim_owners_.end()) return it->second;
  Dim dim = graph.fresh_symbol();
  while (!used_symbols_.insert(*dim.symbol_name()).second) dim = graph.fresh_symbol();
  owner_of_symbol_[*dim.symbol_name()] = owner;
  size_symbols_.insert(*dim.symbol_name());
  return dim_owners_.emplace(OwnerKey{owner, index}, dim).first->second;
}

Dim Run::fresh_int(ValueId owner, size_t index) {
  auto it = int_owners_.find({owner, index});
  if (it != int_owners_.end()) return it->second;
  Dim dim = graph.fresh_symbol();
  while (!used_symbols_.insert(*dim.symbol_name()).second) dim = graph.fresh_symbol();
  owner_of_symbol_[*dim.symbol_name()] = owner;
  return int_owners_.emplace(OwnerKey{owner, index}, dim).first->second;
}

void Run::mark_size(ValueId value) {
  const auto& ints = graph.value(value).ints;
  if (ints && ints->size() == 1) mark_size(ints->front());
}

void Run::mark_size(const Dim& unknown) {
  if (const auto name = unknown.symbol_name()) size_symbols_.insert(*name);
}

bool Run::is_nonnegative(const Dim& dim) const {
  const auto atom_is = [&](const Dim::Atom& atom) {
    switch (atom.kind) {
      case Dim::AtomKind::kSymbol:
        return size_symbols_.contains(atom.name);
      case Dim::AtomKind::kFloorDiv:
      case Dim::AtomKind::kMin:
      case Dim::AtomKind::kBroadcast:
        return is_nonnegative(atom.operands[0]) && is_nonnegative(atom.operands[1]);
      case Dim::AtomKind::kMod:
        return is_nonnegative(atom.operands[1]);
      case Dim::AtomKind::kMax:
        return is_nonnegative(atom.operands[0]) || is_nonnegative(atom.operands[1]);
    }
    return false;
  };
  for (const Dim::Term& term : dim.terms()) {
    if (term.coefficient < 0) return false;
    for (const auto& factor : term.factors)
      if (!atom_is(*factor)) return false;
  }
  return true;
}

void Run::substitute(const std::string& symbol, const Dim& by) {
  const auto find = [&](std::string_view name) -> std::optional<Dim> {
    if (name == symbol) return by;
    return std::nullopt;
  };
  const std::function<void(Type&)> in_type = [&](Type& type) {
    for (Dim& dim : type.tensor.dims) dim = dim.substitute(find);
    for (Type& element : type.elements) in_type(element);
  };
  const auto in_value = [&](ValueId v) {
    in_type(graph.value(v).type);
    if (graph.value(v).ints)
      for (Dim& dim : *graph.value(v).ints) dim = dim.substitute(find);
  };
  for (ValueId param : graph.block(graph.functions[function_].body).params) in_value(param);
  for_each_node(graph, graph.functions[function_].body, [&](NodeId id) {
    for (ValueId output : graph.node(id).outputs) in_value(output);
    for (BlockId block : graph.node(id).blocks)
      for (ValueId param : graph.block(block).params) in_value(param);
  });
  for (auto& [representative, type] : elements_) in_type(type);
  for (Constraint& constraint : graph.constraints) {
    if (constraint.function != function_) continue;
    constraint.rhs = constraint.rhs.substitute(find);
    if (constraint.kind == Constraint::Kind::kEqual) constraint.lhs = constraint.lhs.substitute(find);
  }
  std::erase_if(graph.constraints, [](const Constraint& constraint) {
    return constraint.kind == Constraint::Kind::kEqual && constraint.lhs == constraint.rhs;
  });
  changed_ = true;
}

Dim Run::require_equal(const Dim& a, const Dim& b, SourceId source, const std::string& message) {
  const Dim known = a.constant() ? a : b;
  if (a == b || depth_ > 0 || function_ == kNoId || !graph.functions[function_].is_method) return known;
  const auto hint_a = graph.hint(a), hint_b = graph.hint(b);
  if (hint_a && hint_b && *hint_a != *hint_b) return known;
  // Solved for a symbol of an input when one side is that symbol alone and the other is made of inputs, too.
  const auto only_inputs = [&](const Dim& dim) {
    const auto symbols = dim.symbols();
    return std::all_of(symbols.begin(), symbols.end(), [&](const auto& s) { return input_symbols_.contains(s); });
  };
  if (!only_inputs(a) || !only_inputs(b)) return known;
  const auto solve = [&](const Dim& symbol, const Dim& by) {
    const auto name = symbol.symbol_name();
    const auto in_by = by.symbols();
    if (!name || std::find(in_by.begin(), in_by.end(), *name) != in_by.end()) return false;
    const auto [input, axis] = input_symbols_.at(*name);
    graph.constraints.push_back({.kind = Constraint::Kind::kSize,
                                 .function = function_,
                                 .input = input,
                                 .axis = axis,
                                 .lhs = symbol,
                                 .rhs = by,
                                 .source = source,
                                 .message = message});
    substitute(*name, by);
    input_symbols_.erase(*name);
    return true;
  };
  // Between two symbols, the one of the later input gives way.
  const bool both = a.symbol_name() && b.symbol_name();
  if (both && input_symbols_.at(*a.symbol_name()) < input_symbols_.at(*b.symbol_name())) {
    if (solve(b, a)) return a;
  }
  if (solve(a, b)) return b;
  if (solve(b, a)) return a;
  for (const Constraint& old : graph.constraints)
    if (old.kind == Constraint::Kind::kEqual && old.function == function_ &&
        ((old.lhs == a && old.rhs == b) || (old.lhs == b && old.rhs == a)))
      return known;
  if (a.constant() && b.constant()) return known;
  graph.constraints.push_back({.kind = Constraint::Kind::kEqual,
                               .function = function_,
                               .lhs = a,
                               .rhs = b,
                               .source = source,
                               .message = message});
  return known;
}

void Run::join_element(ValueId container, const Type& element) {
  const ValueId key = containers.representative(container);
  // What one iteration puts in has other sizes than what the next one does.
  const Type added = without_symbols_of(in_loops_, key, element);
  const auto it = elements_.find(key);
  const Type joined = it == elements_.end() ? added : join(key, it->second, it->second, added);
  with_element_symbols(key, Type::list(joined));
  if (it != elements_.end() && joined == it->second) return;
  elements_[key] = joined;
  changed_ = true;
}

// Symbols that belong to this value, and stand inside a container, are noted as sizes of elements; those that have left
// their container become sizes of this value.
Type Run::with_element_symbols(ValueId value, Type type) {
  size_t counter = 0;
  const std::function<void(Type&, bool)> visit = [&](Type& part, bool is_inside) {
    for (Dim& dim : part.tensor.dims) {
      const auto names = dim.symbols();
      const bool has_left =
          !is_inside && std::ranges::any_of(names, [&](const auto& n) { return element_symbols_.contains(n); });
      if (has_left) dim = fresh(value, counter);
      for (const std::string& name : names) {
        const auto owner = owner_of_symbol_.find(name);
        if (is_inside && owner != owner_of_symbol_.end() && owner->second == value) element_symbols_.insert(name);
      }
      ++counter;
    }
    for (Type& inner : part.elements) visit(inner, is_inside || is_container(part));
  };
  visit(type, false);
  return type;
}

// Sizes that are longer than anyone wants to read are the value's own, which the run time tells: what doubles with each
// layer (a residual sum whose sizes may broadcast) would fill the memory after twenty of them.
Type Run::with_short_sizes(ValueId value, Type type) {
  size_t counter = 0;
  const std::function<void(Type&)> visit = [&](Type& part) {
    for (Dim& dim : part.tensor.dims) {
      if (dim.is_longer_than(kMaxSizeLength)) dim = fresh(value, counter);
      ++counter;
    }
    for (Type& inner : part.elements) visit(inner);
  };
  visit(type);
  return type;
}

// The type with sizes of `owner` instead of what says anything of these values' sizes.
Type Run::without_symbols_of(const std::set<ValueId>& values, ValueId owner, Type type) {
  size_t counter = 0;
  const std::function<void(Type&)> visit = [&](Type& part) {
    for (Dim& dim : part.tensor.dims) {
      if (has_any(dim, values)) dim = fresh(owner, counter);
      ++counter;
    }
    for (Type& inner : part.elements) visit(inner);
  };
  visit(type);
  return type;
}

bool Run::has_any(const Dim& dim, const std::set<ValueId>& owners) const {
  return std::ranges::any_of(dim.symbols(), [&](const std::string& name) {
    const auto owner = owner_of_symbol_.find(name);
    return owner != owner_of_symbol_.end() && owners.contains(owner->second);
  });
}

std::optional<Type> Run::element(ValueId container) const {
  if (containers.is_escaped(container) || !containers.is_mutated(container)) return std::nullopt;
  auto it = elements_.find(containers.representative(container));
  if (it == elements_.end()) return std::nullopt;
  return it->second;
}

Type Run::join(ValueId owner, const Type& declared, const Type& a, const Type& b) {
  size_t counter = 0;
  return join_at(owner, counter, declared, a, b);
}

Type Run::join_at(ValueId owner, size_t& counter, const Type& declared, const Type& a, const Type& b) {
  using Kind = Type::Kind;
  if (a.is_tensor() && b.is_tensor()) {
    Type result = Type::make_tensor(a.tensor.dtype == b.tensor.dtype ? a.tensor.dtype : DType::kUnknown);
    if (!a.tensor.rank_known || !b.tensor.rank_known || a.tensor.dims.size() != b.tensor.dims.size()) return result;
    result.tensor.rank_known = true;
    for (size_t i = 0; i < a.tensor.dims.size(); ++i, ++counter) {
      const bool same = a.tensor.dims[i] == b.tensor.dims[i];
      result.tensor.dims.push_back(same ? a.tensor.dims[i] : fresh(owner, counter));
    }
    return result;
  }
  const auto optional_of = [&](const Type& inner, const Type& other) {
    const Type& other_inner = other.is(Kind::kOptional) ? other.elements[0] : other;
    const Type& declared_inner = declared.is(Kind::kOptional) ? declared.elements[0] : declared;
    return Type::optional(join_at(owner, counter, declared_inner, inner, other_inner));
  };
  if (a.is(Kind::kNone) && b.is(Kind::kNone)) return a;
  if (a.is(Kind::kNone))
    return b.is(Kind::kOptional) ? b : (declared.is(Kind::kOptional) ? Type::optional(b) : widened(declared));
  if (b.is(Kind::kNone))
    return a.is(Kind::kOptional) ? a : (declared.is(Kind::kOptional) ? Type::optional(a) : widened(declared));
  if (a.is(Kind::kOptional)) return optional_of(a.elements[0], b);
  if (b.is(Kind::kOptional)) return optional_of(b.elements[0], a);
  if (a.kind != b.kind || a.elements.size() != b.elements.size() || a.class_id != b.class_id) return widened(declared);
  Type result = a;
  for (size_t i = 0; i < a.elements.size(); ++i) {
    const bool fits = declared.kind == a.kind && declared.elements.size() == a.elements.size();
    result.elements[i] =
        join_at(owner, counter, fits ? declared.elements[i] : a.elements[i], a.elements[i], b.elements[i]);
  }
  return result;
}

namespace {

// The computed type in the declared structure: tensors inside are refined, kinds are not, since containers are
// invariant in their element type.
Type refined(const Type& declared, const Type& computed) {
  if (declared.is_tensor() && computed.is_tensor()) return computed;
  if (declared.is(Type::Kind::kOptional) && !computed.is(Type::Kind::kOptional)) {
    Type result = declared;
    if (!computed.is(Type::Kind::kNone)) result.elements[0] = refined(declared.elements[0], computed);
    return result;
  }
  if (declared.kind != computed.kind || declared.elements.size() != computed.elements.size()) return widened(declared);
  Type result = declared;
  for (size_t i = 0; i < result.elements.size(); ++i)
    result.elements[i] = refined(declared.elements[i], computed.elements[i]);
  return result;
}

Type without_ranks(Type type) {
  if (type.is_tensor()) return Type::make_tensor(type.tensor.dtype);
  for (Type& element : type.elements) element = without_ranks(element);
  return type;
}

}  // namespace

void Run::set_type(ValueId value, const Type& computed) {
  Type& type = graph.value(value).type;
  Type next = computed;
  // An optional that is never None is the thing itself, and the other way round where a loop brings None back.
  const bool never_none = type.is(Type::Kind::kOptional) && computed.kind == type.elements[0].kind;
  const bool takes_any = type.is(Type::Kind::kUnion) || type.is(Type::Kind::kAny);
  const bool none_again = !takes_any && computed.is(Type::Kind::kOptional) && type.kind == computed.elements[0].kind;
  if (never_none)
    next = refined(type.elements[0], computed);
  else if (none_again)
    next = Type::optional(refined(type, computed.elements[0]));
  else if (!type.is(Type::Kind::kNone))
    next = refined(type, computed);
  if (shapes_move_) next = without_ranks(next);
  next = with_short_sizes(value, with_element_symbols(value, next));
  graph.value(value).type = next;
}

void Run::infer_all() {
  for (int round = 0; round < kMaxRounds; ++round) {
    changed_ = false;
    seen_params_.clear();
    for (FunctionId f = 0; f < graph.functions.size(); ++f)
      if (graph.functions[f].is_method) infer_function(f);
    for (FunctionId f = 0; f < graph.functions.size(); ++f)
      if (!graph.functions[f].is_method) infer_function(f);
    if (integers_written_ && !writes_integers()) {
      integers_written_ = false;
      changed_ = true;
    }
    if (!changed_) return;
  }
}

void Run::infer_function(FunctionId id) {
  if (!active_.insert(id).second) return;
  const FunctionId outer_function = function_;
  const int outer_depth = depth_;
  const auto outer_symbols = input_symbols_;
  function_ = id;
  depth_ = 0;
  input_symbols_.clear();
  const Block& body = graph.block(graph.functions[id].body);
  for (uint32_t input = 0; input < body.params.size(); ++input) {
    Value& param = graph.value(body.params[input]);
    if (param.type.is(Type::Kind::kInt) && !param.ints) param.ints = Dims{fresh_int(body.params[input], 0)};
    for (uint32_t axis = 0; axis < param.type.tensor.dims.size(); ++axis)
      if (const auto name = param.type.tensor.dims[axis].symbol_name())
        input_symbols_.emplace(*name, std::pair{input, axis});
  }
  infer_block(graph.functions[id].body);
  function_ = outer_function;
  depth_ = outer_depth;
  input_symbols_ = outer_symbols;
  active_.erase(id);
}

bool Run::infer_block(BlockId id) {
  bool goes_on = true;
  for (size_t i = 0; i < graph.block(id).nodes.size(); ++i) {
    const NodeId node = graph.block(id).nodes[i];
    infer_node(node);
    if (graph.node(node).op == Op::raise) goes_on = false;
  }
  return goes_on;
}

void Run::infer_node(NodeId id) {
  const Node& node = graph.node(id);
  switch (node.op) {
    case Op::if_:
      return infer_if(node);
    case Op::loop:
      return infer_loop(node);
    case Op::call:
      return infer_call(node);
    case Op::region:
    case Op::group:
      return;
    default:
      break;
  }
  const Rule rule{*this, graph, node};
  switch (op_info(node.op).op_class) {
    case OpClass::kPointwise:
    case OpClass::kSpecial:
    case OpClass::kReduction:
    case OpClass::kScan:
      if (!infer_creation(rule)) infer_by_table(rule);
      infer_tensor_ints(rule);
      return;
    case OpClass::kView:
      infer_view(rule);
      return;
    case OpClass::kContraction:
    case OpClass::kNormalisation:
    case OpClass::kAttention:
    case OpClass::kRecurrent:
      if (!infer_contraction(rule)) infer_by_table(rule);
      return;
    case OpClass::kTransform:
      if (!infer_transform(rule)) infer_by_table(rule);
      return;
    case OpClass::kLinalg:
      if (!infer_linalg(rule)) infer_by_table(rule);
      return;
    case OpClass::kWindow:
      if (!infer_window(rule)) infer_by_table(rule);
      return;
    case OpClass::kMovement:
    case OpClass::kResampling:
    case OpClass::kSort:
      if (!infer_movement(rule)) infer_by_table(rule);
      return;
    case OpClass::kCreation:
    case OpClass::kRandom:
      if (!infer_creation(rule)) infer_by_table(rule);
      infer_tensor_ints(rule);
      return;
    case OpClass::kQuery:
      infer_query(rule);
      return;
    case OpClass::kScalar:
      infer_scalar(rule);
      return;
    case OpClass::kContainer:
      infer_container(rule);
      return;
    case OpClass::kControl:
    case OpClass::kEffect:
      return;
  }
}

void Run::set_joined_ints(ValueId target, ValueId a, ValueId b) {
  const auto ints_a = known_ints(graph, a), ints_b = known_ints(graph, b);
  std::optional<Dims> joined;
  if (ints_a && ints_b && ints_a->size() == ints_b->size()) {
    joined.emplace();
    for (size_t i = 0; i < ints_a->size(); ++i)
      joined->push_back((*ints_a)[i] == (*ints_b)[i] ? (*ints_a)[i] : fresh_int(target, i));
  } else if (graph.value(target).type.is(Type::Kind::kInt)) {
    joined = Dims{fresh_int(target, 0)};
  }
  // Two booleans that differ are simply unknown.
  if (graph.value(target).type.is(Type::Kind::kBool) && ints_a != ints_b) joined.reset();
  if (graph.value(target).type.is(Type::Kind::kList) && containers.is_mutated(target)) joined.reset();
  graph.value(target).ints = joined;
}

void Run::infer_if(const Node& node) {
  ++depth_;
  const bool then_ends = infer_block(node.blocks[0]);
  const bool else_ends = infer_block(node.blocks[1]);
  --depth_;
  // A branch that raises, or leaves a value unset since it returned early, does not reach the uses.
  const auto result_of = [&](BlockId branch, bool ends, size_t i) -> std::optional<ValueId> {
    if (!ends || i >= graph.block(branch).results.size()) return std::nullopt;
    const ValueId result = graph.block(branch).results[i];
    const NodeId def = graph.value(result).def;
    if (def != kNoId && graph.node(def).op == Op::uninitialized) return std::nullopt;
    return result;
  };
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ValueId output = node.outputs[i];
    const auto then_result = result_of(node.blocks[0], then_ends, i),
               else_result = result_of(node.blocks[1], else_ends, i);
    if (!then_result && !else_result) continue;
    const ValueId a = then_result ? *then_result : *else_result, b = else_result ? *else_result : *then_result;
    Type joined = join(output, graph.value(output).type, graph.value(a).type, graph.value(b).type);
    // All that is yielded must fit, also what never reaches a use.
    for (BlockId branch : node.blocks) {
      if (i >= graph.block(branch).results.size()) continue;
      const bool may_be_none = graph.value(graph.block(branch).results[i]).type.is(Type::Kind::kOptional);
      if (may_be_none && !joined.is(Type::Kind::kOptional) && graph.value(output).type.is(Type::Kind::kOptional))
        joined = Type::optional(joined);
    }
    set_type(output, joined);
    set_joined_ints(output, a, b);
  }
}

void Run::infer_loop(const Node& node) {
  const Block& body = graph.block(node.blocks[0]);
  const size_t carried = node.outputs.size();
  graph.value(body.params[0]).ints = Dims{fresh_int(body.params[0], 0)};
  mark_size(body.params[0]);
  // What the carried values were found to be in an earlier round of the whole graph is not believed: start over, from
  // what enters the loop.
  std::vector<Type> types(carried);
  std::vector<Type> declared(carried);
  for (size_t i = 0; i < carried; ++i) {
    const ValueId param = body.params[i + 1];
    declared[i] = graph.value(param).type;
    types[i] = graph.value(node.inputs[i + 2]).type;
    set_type(param, types[i]);
    graph.value(param).ints = known_ints(graph, node.inputs[i + 2]);
    if (declared[i].is(Type::Kind::kList) && containers.is_mutated(param)) graph.value(param).ints.reset();
  }
  ++depth_;
  for (int round = 0;; ++round) {
    // A body that always raises yields nothing.
    if (!infer_block(node.blocks[0]) || body.results.size() != carried + 1) break;
    bool stable = true;
    for (size_t i = 0; i < carried; ++i) {
      const ValueId param = body.params[i + 1], result = body.results[i + 1];
      const Type before = graph.value(param).type;
      const auto ints_before = graph.value(param).ints;
      types[i] = join(param, declared[i], before, graph.value(result).type);
      if (round >= kMaxRounds) types[i] = widened(types[i]);
      set_type(param, types[i]);
      set_joined_ints(param, param, result);
      stable &= graph.value(param).type == before && graph.value(param).ints == ints_before;
    }
    if (stable || round > kMaxRounds) break;
  }
  --depth_;
  for (size_t i = 0; i < carried; ++i) {
    set_type(node.outputs[i], graph.value(body.params[i + 1]).type);
    graph.value(node.outputs[i]).ints = graph.value(body.params[i + 1]).ints;
    drop_inner_symbols(node.blocks[0], node.outputs[i]);
  }
}

// A symbol of a value inside a loop stands for another number in each iteration, so it says nothing outside.
void Run::drop_inner_symbols(BlockId body, ValueId output) {
  std::set<ValueId> inner;
  collect_values(graph, body, inner);
  graph.value(output).type = with_element_symbols(output, without_symbols_of(inner, output, graph.value(output).type));
  if (!graph.value(output).ints) return;
  for (size_t i = 0; i < graph.value(output).ints->size(); ++i)
    if (has_any((*graph.value(output).ints)[i], inner)) (*graph.value(output).ints)[i] = fresh_int(output, i);
}

std::optional<FunctionId> Run::callee(const Node& node) const {
  const std::string name = str_attribute(node, "function");
  for (FunctionId f = 0; f < graph.functions.size(); ++f)
    if (graph.functions[f].name == name) return f;
  return std::nullopt;
}

void Run::infer_call(const Node& node) {
  const auto id = callee(node);
  if (!id) return;
  const Block& body = graph.block(graph.functions[*id].body);
  for (size_t i = 0; i < body.params.size() && i < node.inputs.size(); ++i) {
    const ValueId param = body.params[i];
    const Type& argument = graph.value(node.inputs[i]).type;
    const bool first = !seen_params_[param] && !graph.functions[*id].is_method;
    seen_params_[param] = true;
    const Type& known = graph.value(param).type;
    set_type(param, first ? argument : join(param, known, known, argument));
    if (graph.value(param).type.is(Type::Kind::kInt)) graph.value(param).ints = Dims{fresh_int(param, 0)};
  }
  infer_function(*id);
  if (body.results.empty() || node.outputs.empty()) return;
  // Sizes that the callee made up differ from call to call.
  set_type(node.outputs[0],
           active_.contains(*id) ? widened(graph.value(node.outputs[0]).type) : graph.value(body.results[0]).type);
  drop_inner_symbols(graph.functions[*id].body, node.outputs[0]);
}

}  // namespace inference

void infer(Graph& graph) {
  inference::Run run(graph);
  run.infer_all();
}

}  // namespace tsc::ir
