// Integers and booleans that can be told ahead of time, and what comes out of lists, tuples and dicts.
#include <algorithm>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

std::optional<Dim> integer_arithmetic(const Rule& rule) {
  const auto a = rule.dim(0), b = rule.dim(1);
  if (!a) return std::nullopt;
  switch (rule.node.op) {
    case Op::scalar_add:
      return b ? std::optional<Dim>(*a + *b) : std::nullopt;
    case Op::scalar_sub:
      return b ? std::optional<Dim>(*a - *b) : std::nullopt;
    case Op::scalar_mul:
      return b ? std::optional<Dim>(*a * *b) : std::nullopt;
    // Not of a divisor that may be zero: a size is a number, where the program may raise.
    case Op::scalar_floordiv:
      if (!b || !b->constant() || b->is_constant(0)) return std::nullopt;
      return floor_div(*a, *b);
    case Op::scalar_remainder:
      if (!b || !b->constant() || b->is_constant(0)) return std::nullopt;
      return Dim::make(Dim::AtomKind::kMod, *a, *b);
    case Op::scalar_min:
      return b ? std::optional<Dim>(Dim::make(Dim::AtomKind::kMin, *a, *b)) : std::nullopt;
    case Op::scalar_max:
      return b ? std::optional<Dim>(Dim::make(Dim::AtomKind::kMax, *a, *b)) : std::nullopt;
    case Op::scalar_neg:
      return Dim(0) - *a;
    case Op::scalar_abs:
      return rule.run.is_nonnegative(*a) ? a : std::nullopt;
    case Op::to_int:
      return rule.type(0).is(Type::Kind::kFloat) ? std::nullopt : a;
    case Op::range_length: {
      const auto step = rule.integer(2);
      if (!b || !step || *step == 0) return std::nullopt;
      const Dim span = *step > 0 ? *b - *a : *a - *b;
      const Dim length = ceil_div(span, *step > 0 ? *step : -*step);
      return rule.run.is_nonnegative(span) ? length : Dim::make(Dim::AtomKind::kMax, length, 0);
    }
    case Op::derive_index: {
      const auto step = rule.dim(2);
      if (!b || !step) return std::nullopt;
      return *b + *a * *step;
    }
    default:
      return std::nullopt;
  }
}

// int(a / b), floor(a / b) and ceil(a / b) of integers: exact in double as long as a is far below 2^53, as sizes are.
std::optional<Dim> integer_of_quotient(const Rule& rule) {
  const NodeId def = rule.graph.value(rule.in(0)).def;
  if (def == kNoId || rule.graph.node(def).op != Op::scalar_div) return std::nullopt;
  const Node& division = rule.graph.node(def);
  const auto is_int = [&](ValueId v) { return rule.graph.value(v).type.is(Type::Kind::kInt); };
  if (!is_int(division.inputs[0]) || !is_int(division.inputs[1])) return std::nullopt;
  const auto a = known_ints(rule.graph, division.inputs[0]), b = known_ints(rule.graph, division.inputs[1]);
  if (!a || !b || a->size() != 1 || b->size() != 1) return std::nullopt;
  const auto divisor = b->front().constant();
  if (!divisor || *divisor <= 0 || !rule.run.is_nonnegative(a->front())) return std::nullopt;
  if (rule.node.op == Op::scalar_ceil) return ceil_div(a->front(), *divisor);
  return floor_div(a->front(), *divisor);
}

std::optional<bool> compare(const Rule& rule) {
  const auto a = rule.dim(0), b = rule.dim(1);
  if (!a || !b) return std::nullopt;
  const bool less = rule.run.is_nonnegative(*b - *a - 1), greater = rule.run.is_nonnegative(*a - *b - 1);
  const bool at_most = rule.run.is_nonnegative(*b - *a), at_least = rule.run.is_nonnegative(*a - *b);
  const auto decide = [](bool yes, bool no) -> std::optional<bool> {
    if (yes) return true;
    if (no) return false;
    return std::nullopt;
  };
  switch (rule.node.op) {
    case Op::scalar_eq:
      return decide(*a == *b, less || greater);
    case Op::scalar_ne:
      return decide(less || greater, *a == *b);
    case Op::scalar_lt:
      return decide(less, at_least);
    case Op::scalar_le:
      return decide(at_most, greater);
    case Op::scalar_gt:
      return decide(greater, at_most);
    case Op::scalar_ge:
      return decide(at_least, less);
    default:
      return std::nullopt;
  }
}

std::optional<bool> truth(const Rule& rule) {
  const auto a = rule.boolean(0), b = rule.operand_count() > 1 ? rule.boolean(1) : std::nullopt;
  switch (rule.node.op) {
    case Op::bool_not:
      return a ? std::optional<bool>(!*a) : std::nullopt;
    case Op::bool_and:
      if ((a && !*a) || (b && !*b)) return false;
      return a && b ? std::optional<bool>(true) : std::nullopt;
    case Op::bool_or:
      if ((a && *a) || (b && *b)) return true;
      return a && b ? std::optional<bool>(false) : std::nullopt;
    case Op::bool_xor:
      return a && b ? std::optional<bool>(*a != *b) : std::nullopt;
    case Op::to_bool:
      return a;
    default:
      return compare(rule);
  }
}

// Whether the value is None: told by its type.
std::optional<bool> is_none(const Rule& rule, size_t i) {
  const Type& type = rule.type(i);
  switch (type.kind) {
    case Type::Kind::kNone:
      return true;
    case Type::Kind::kOptional:
    case Type::Kind::kUnion:
    case Type::Kind::kAny:
      if (!rule.graph.is_constant(rule.in(i))) return std::nullopt;
      return rule.graph.is_none(rule.in(i));
    default:
      return false;
  }
}

std::optional<bool> same_object(const Rule& rule) {
  if (rule.in(0) == rule.in(1)) return true;
  const auto a = is_none(rule, 0), b = is_none(rule, 1);
  if (!a || !b) return std::nullopt;
  if (*a && *b) return true;
  if (*a != *b) return false;
  return std::nullopt;
}

// The i-th piece of a split, when its sizes can be told one by one.
std::optional<Type> piece_type(const Rule& rule, const Node& def, size_t index) {
  if (def.op != Op::chunk && def.op != Op::split && def.op != Op::split_with_sizes) return std::nullopt;
  const Rule split{rule.run, rule.graph, def};
  Shape shape = split.shape(0);
  if (!shape || shape->empty()) return std::nullopt;
  const auto axis = split.axis(2, shape->size());
  if (!axis) return std::nullopt;
  Dim& size = (*shape)[*axis];
  if (def.op == Op::split_with_sizes) {
    const auto sizes = split.dims(1);
    if (!sizes || index >= sizes->size()) return std::nullopt;
    size = (*sizes)[index];
    return Type::make_tensor(split.dtype(0), *shape);
  }
  const auto total = size.constant(), operand = split.integer(1);
  if (!total || !operand || *operand <= 0) return std::nullopt;
  const int64_t step = def.op == Op::split ? *operand : (*total + *operand - 1) / *operand;
  const int64_t begin = static_cast<int64_t>(index) * step;
  if (begin >= *total) return std::nullopt;
  size = std::min(step, *total - begin);
  return Type::make_tensor(split.dtype(0), *shape);
}

Type no_facts(Type type) {
  if (type.is_tensor()) return Type::make_tensor();
  for (Type& element : type.elements) element = no_facts(element);
  return type;
}

// What a read of an element gives, when the index is known or not.
Type element_type(const Rule& rule, std::optional<size_t> index, const Type& declared) {
  const Type& list = rule.type(0);
  if (!list.is(Type::Kind::kList)) return no_facts(declared);
  if (rule.run.containers.is_mutated(rule.in(0))) {
    // An int that is put into a list of optionals is read as an optional.
    const auto element = rule.run.element(rule.in(0));
    return element && no_facts(*element) == no_facts(declared) ? *element : no_facts(declared);
  }
  const auto types = rule.element_types(0);
  if (types && index && *index < types->size()) return (*types)[*index];
  const NodeId def = rule.graph.value(rule.in(0)).def;
  if (def != kNoId && index)
    if (const auto piece = piece_type(rule, rule.graph.node(def), *index)) return *piece;
  return list.elements[0];
}

void set_element_ints(const Rule& rule, size_t output, std::optional<size_t> index) {
  const Type& type = rule.graph.value(rule.node.outputs[output]).type;
  const auto known = rule.run.containers.is_mutated(rule.in(0)) ? std::nullopt : rule.dims(0);
  if (known && index && *index < known->size() && rule.type(0).is_int_list())
    return rule.set_int(output, (*known)[*index]);
  if (type.is(Type::Kind::kInt)) return rule.set_int(output, std::nullopt);
  // An element of a literal list: whatever is known of it.
  const NodeId def = rule.graph.value(rule.in(0)).def;
  const bool literal =
      def != kNoId && rule.graph.node(def).op == Op::list && !rule.run.containers.is_mutated(rule.in(0));
  if (literal && index && *index < rule.graph.node(def).inputs.size())
    return rule.set_ints(output, known_ints(rule.graph, rule.graph.node(def).inputs[*index]));
  rule.set_ints(output, std::nullopt);
}

std::optional<Dim> length(const Rule& rule) {
  if (rule.run.containers.is_mutated(rule.in(0))) return std::nullopt;
  const Value& value = rule.graph.value(rule.in(0));
  if (value.constant) {
    if (const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&value.constant->value)) {
      const int64_t entries = static_cast<int64_t>((*list)->size());
      return Dim(value.type.is(Type::Kind::kDict) ? entries / 2 : entries);
    }
    if (const auto* text = std::get_if<std::string>(&value.constant->value))
      return Dim(static_cast<int64_t>(text->size()));
    return std::nullopt;
  }
  if (value.type.is(Type::Kind::kList) && value.ints) return Dim(static_cast<int64_t>(value.ints->size()));
  if (value.def == kNoId) return std::nullopt;
  const Node& def = rule.graph.node(value.def);
  if (def.op == Op::list) return Dim(static_cast<int64_t>(def.inputs.size()));
  const Rule view{rule.run, rule.graph, def};
  if (def.op == Op::unbind) {
    const Shape shape = view.shape(0);
    const auto axis = shape && !shape->empty() ? view.axis(1, shape->size()) : std::nullopt;
    if (axis) return (*shape)[*axis];
  }
  if (def.op == Op::split_with_sizes)
    if (const auto sizes = view.dims(1)) return Dim(static_cast<int64_t>(sizes->size()));
  return std::nullopt;
}

void infer_list(const Rule& rule) {
  const ValueId output = rule.node.outputs[0];
  const Type declared = rule.graph.value(output).type;
  if (!declared.is(Type::Kind::kList)) return;
  const bool mutated = rule.run.containers.is_mutated(output);
  if (mutated) {
    for (size_t i = 0; i < rule.operand_count(); ++i) rule.run.join_element(output, rule.type(i));
    const auto element = rule.run.element(output);
    const bool same = element && no_facts(*element) == no_facts(declared.elements[0]);
    rule.set(0, same ? Type::list(*element) : no_facts(declared));
    return rule.set_ints(0, std::nullopt);
  }
  if (rule.operand_count() > 0) {
    Type element = rule.type(0);
    for (size_t i = 1; i < rule.operand_count(); ++i)
      element = rule.run.join(output, declared.elements[0], element, rule.type(i));
    rule.set(0, Type::list(element));
  }
  if (!declared.is_int_list() && !declared.elements[0].is(Type::Kind::kBool)) return rule.set_ints(0, std::nullopt);
  Dims ints;
  for (size_t i = 0; i < rule.operand_count(); ++i) {
    const auto value = rule.dim(i);
    if (!value && declared.elements[0].is(Type::Kind::kBool)) return rule.set_ints(0, std::nullopt);
    ints.push_back(value ? *value : rule.run.fresh_int(output, i));
  }
  rule.set_ints(0, ints);
}

std::optional<Dims> list_ints(const Rule& rule) {
  for (size_t i = 0; i < std::min<size_t>(rule.operand_count(), 2); ++i)
    if (rule.type(i).is(Type::Kind::kList) && rule.run.containers.is_mutated(rule.in(i))) return std::nullopt;
  if (rule.run.containers.is_mutated(rule.node.outputs[0])) return std::nullopt;
  const auto a = rule.dims(0);
  if (!a) return std::nullopt;
  switch (rule.node.op) {
    case Op::list_copy:
      return a;
    case Op::list_add: {
      const auto b = rule.dims(1);
      if (!b) return std::nullopt;
      Dims both = *a;
      both.insert(both.end(), b->begin(), b->end());
      return both;
    }
    case Op::list_mul: {
      const bool list_first = rule.type(0).is(Type::Kind::kList);
      const auto items = list_first ? a : rule.dims(1);
      const auto count = rule.integer(list_first ? 1 : 0);
      if (!items || !count || *count * static_cast<int64_t>(items->size()) > 1024) return std::nullopt;
      Dims repeated;
      for (int64_t i = 0; i < *count; ++i) repeated.insert(repeated.end(), items->begin(), items->end());
      return repeated;
    }
    case Op::list_slice: {
      const int64_t size = static_cast<int64_t>(a->size());
      const auto bound = [&](size_t operand, int64_t otherwise) -> std::optional<int64_t> {
        if (!rule.has(operand)) return otherwise;
        auto value = rule.integer(operand);
        if (value && *value < 0) *value += size;
        if (value) *value = std::clamp<int64_t>(*value, 0, size);
        return value;
      };
      const auto start = bound(1, 0), end = bound(2, size), step = rule.integer(3);
      if (!start || !end || !step || *step <= 0) return std::nullopt;
      Dims part;
      for (int64_t i = *start; i < *end; i += *step) part.push_back((*a)[static_cast<size_t>(i)]);
      return part;
    }
    default:
      return std::nullopt;
  }
}

void infer_dict(const Rule& rule) {
  const ValueId output = rule.node.outputs[0];
  const Type declared = rule.graph.value(output).type;
  if (!declared.is(Type::Kind::kDict)) return;
  const bool mutated = rule.run.containers.is_mutated(output);
  std::optional<Type> joined;
  for (size_t i = 1; i < rule.operand_count(); i += 2) {
    if (mutated) rule.run.join_element(output, rule.type(i));
    joined = joined ? rule.run.join(output, declared.elements[1], *joined, rule.type(i)) : rule.type(i);
  }
  if (mutated) joined = rule.run.element(output);
  rule.set(0, joined ? Type::make(Type::Kind::kDict, {declared.elements[0], *joined}) : no_facts(declared));
}

Type dict_value(const Rule& rule, const Type& declared) {
  const Type& dict = rule.type(0);
  if (!dict.is(Type::Kind::kDict)) return no_facts(declared);
  if (!rule.run.containers.is_mutated(rule.in(0))) return dict.elements[1];
  const auto element = rule.run.element(rule.in(0));
  return element ? *element : no_facts(declared);
}

void infer_list_read(const Rule& rule) {
  const Type declared = rule.graph.value(rule.node.outputs[0]).type;
  std::optional<size_t> index;
  if (rule.operand_count() > 1) {
    auto at = rule.integer(1);
    const auto size = length(rule);
    if (at && *at < 0 && size && size->constant()) *at += *size->constant();
    if (at && *at >= 0) index = static_cast<size_t>(*at);
  }
  rule.set(0, element_type(rule, index, declared));
  set_element_ints(rule, 0, index);
}

void infer_tuple(const Rule& rule) {
  Type type = rule.graph.value(rule.node.outputs[0]).type;
  if (!type.is(Type::Kind::kTuple) || type.elements.size() != rule.operand_count()) return;
  for (size_t i = 0; i < rule.operand_count(); ++i) type.elements[i] = rule.type(i);
  rule.set(0, type);
}

void infer_tuple_read(const Rule& rule, size_t output, size_t index) {
  const Type& tuple = rule.type(0);
  if (!tuple.is(Type::Kind::kTuple) || index >= tuple.elements.size()) return;
  rule.set(output, tuple.elements[index]);
  const NodeId def = rule.graph.value(rule.in(0)).def;
  const ValueId result = rule.node.outputs[output];
  if (def != kNoId && rule.graph.node(def).op == Op::tuple)
    rule.set_ints(output, known_ints(rule.graph, rule.graph.node(def).inputs[index]));
  else if (rule.graph.value(result).type.is(Type::Kind::kInt))
    rule.set_int(output, std::nullopt);
  else
    rule.set_ints(output, std::nullopt);
}

// Casts that change what is known of the type, and not the value.
void infer_cast(const Rule& rule) {
  const Type& operand = rule.type(0);
  const Type& inner = operand.is(Type::Kind::kOptional) && rule.node.op != Op::annotate ? operand.elements[0] : operand;
  const Type declared = rule.graph.value(rule.node.outputs[0]).type;
  if (inner.kind == declared.kind || declared.is(Type::Kind::kOptional)) rule.set(0, inner);
  rule.set_ints(0, known_ints(rule.graph, rule.in(0)));
}

}  // namespace

bool infer_query(const Rule& rule) {
  const Shape shape = rule.operand_count() > 0 ? rule.shape(0) : std::nullopt;
  const DType dtype = rule.dtype(0);
  switch (rule.node.op) {
    case Op::size:
      rule.set_ints(0, rule.run.containers.is_mutated(rule.node.outputs[0]) ? std::nullopt : shape);
      return true;
    case Op::size_dim: {
      const auto axis = shape && !shape->empty() ? rule.axis(1, shape->size()) : std::nullopt;
      rule.set_int(0, axis ? std::optional<Dim>((*shape)[*axis]) : std::nullopt);
      if (!axis) rule.run.mark_size(rule.node.outputs[0]);
      return true;
    }
    case Op::dim:
      rule.set_int(0, shape ? std::optional<Dim>(static_cast<int64_t>(shape->size())) : std::nullopt);
      if (!shape) rule.run.mark_size(rule.node.outputs[0]);
      return true;
    case Op::numel:
      rule.set_int(0, shape ? std::optional<Dim>(product(*shape)) : std::nullopt);
      if (!shape) rule.run.mark_size(rule.node.outputs[0]);
      return true;
    case Op::len_tensor:
      rule.set_int(0, shape && !shape->empty() ? std::optional<Dim>(shape->front()) : std::nullopt);
      if (!shape) rule.run.mark_size(rule.node.outputs[0]);
      return true;
    case Op::stride:
      rule.set_ints(0, std::nullopt);
      return true;
    case Op::stride_dim:
      rule.set_int(0, std::nullopt);
      return true;
    case Op::dtype:
      rule.set_int(0, dtype != DType::kUnknown ? std::optional<Dim>(static_cast<int64_t>(dtype)) : std::nullopt);
      return true;
    case Op::layout:
      rule.set_int(0, Dim(0));
      return true;
    case Op::is_floating_point:
      rule.set_bool(0, dtype != DType::kUnknown ? std::optional<bool>(ir::is_floating(dtype)) : std::nullopt);
      return true;
    case Op::is_complex:
      rule.set_bool(0, dtype != DType::kUnknown ? std::optional<bool>(ir::is_complex(dtype)) : std::nullopt);
      return true;
    // Compiled code holds dense tensors of one device, without gradients.
    case Op::requires_grad:
    case Op::is_cuda:
    case Op::is_nested:
    case Op::is_mkldnn:
    case Op::is_quantized:
    case Op::is_sparse:
    case Op::is_meta:
      rule.set_bool(0, false);
      return true;
    case Op::is_cpu:
      rule.set_bool(0, true);
      return true;
    case Op::item:
      rule.set_ints(0, rule.run.integers_written() ? std::nullopt : known_ints(rule.graph, rule.in(0)));
      return true;
    case Op::tensor_to_int: {
      const auto value = rule.run.integers_written() ? std::nullopt : rule.dim(0);
      rule.set_int(0, value);
      return true;
    }
    case Op::num_to_tensor: {
      // Unlike torch.tensor, a float becomes a float64.
      const Type::Kind kind = rule.type(0).kind;
      const DType made = kind == Type::Kind::kInt       ? DType::kInt64
                         : kind == Type::Kind::kFloat   ? DType::kFloat64
                         : kind == Type::Kind::kBool    ? DType::kBool
                         : kind == Type::Kind::kComplex ? DType::kComplex128
                                                        : DType::kUnknown;
      rule.set_tensor(0, made, Dims{});
      rule.set_ints(0, kind == Type::Kind::kInt && !rule.run.integers_written() ? known_ints(rule.graph, rule.in(0))
                                                                                : std::nullopt);
      return true;
    }
    default:
      return false;
  }
}

bool infer_scalar(const Rule& rule) {
  if (rule.node.outputs.empty()) return false;
  const Type& type = rule.graph.value(rule.node.outputs[0]).type;
  const auto is_integer = [&](size_t i) {
    return rule.type(i).is(Type::Kind::kInt) || rule.type(i).is(Type::Kind::kBool);
  };
  bool integers = true;
  for (size_t i = 0; i < rule.operand_count(); ++i) integers &= is_integer(i);
  if (type.is(Type::Kind::kInt)) {
    const bool rounds =
        rule.node.op == Op::to_int || rule.node.op == Op::scalar_floor || rule.node.op == Op::scalar_ceil;
    if (integers)
      rule.set_int(0, integer_arithmetic(rule));
    else
      rule.set_int(0, rounds ? integer_of_quotient(rule) : std::nullopt);
    return true;
  }
  if (type.is(Type::Kind::kBool)) {
    rule.set_bool(0, integers ? truth(rule) : std::nullopt);
    return true;
  }
  return false;
}

bool infer_container(const Rule& rule) {
  if (rule.node.outputs.empty()) {
    // A writer without a result.
    if (rule.node.op == Op::dict_setitem || rule.node.op == Op::list_setitem || rule.node.op == Op::list_insert)
      rule.run.join_element(rule.in(0), rule.type(2));
    if (rule.node.op == Op::list_append) rule.run.join_element(rule.in(0), rule.type(1));
    if ((rule.node.op == Op::list_extend || rule.node.op == Op::dict_update) && !rule.type(1).elements.empty())
      rule.run.join_element(rule.in(0), rule.type(1).elements.back());
    return true;
  }
  const Type declared = rule.graph.value(rule.node.outputs[0]).type;
  switch (rule.node.op) {
    case Op::list:
      infer_list(rule);
      return true;
    case Op::tuple:
      infer_tuple(rule);
      return true;
    case Op::dict:
      infer_dict(rule);
      return true;
    case Op::list_append:
      rule.run.join_element(rule.in(0), rule.type(1));
      rule.set(0, rule.type(0));
      return true;
    case Op::list_setitem:
    case Op::dict_setitem:
      rule.run.join_element(rule.in(0), rule.type(2));
      rule.set(0, rule.type(0));
      return true;
    case Op::list_iadd:
      if (rule.type(1).is(Type::Kind::kList)) rule.run.join_element(rule.in(0), rule.type(1).elements[0]);
      rule.set(0, rule.type(0));
      return true;
    case Op::list_imul:
      rule.set(0, rule.type(0));
      return true;
    case Op::list_getitem:
    case Op::list_pop:
      infer_list_read(rule);
      return true;
    case Op::list_unpack:
      for (size_t i = 0; i < rule.node.outputs.size(); ++i) {
        rule.set(i, element_type(rule, i, rule.graph.value(rule.node.outputs[i]).type));
        set_element_ints(rule, i, i);
      }
      return true;
    case Op::tuple_unpack:
      for (size_t i = 0; i < rule.node.outputs.size(); ++i) infer_tuple_read(rule, i, i);
      return true;
    case Op::tuple_index: {
      const auto index = rule.integer(1);
      const int64_t size = static_cast<int64_t>(rule.type(0).elements.size());
      if (index && *index >= -size && *index < size)
        infer_tuple_read(rule, 0, static_cast<size_t>(*index < 0 ? *index + size : *index));
      return true;
    }
    case Op::list_add:
    case Op::list_mul:
    case Op::list_slice:
    case Op::list_copy: {
      const Type& a = rule.type(rule.type(0).is(Type::Kind::kList) ? 0 : 1);
      const bool unseen = rule.run.containers.is_mutated(rule.in(0)) ||
                          rule.run.containers.is_mutated(rule.node.outputs[0]) ||
                          (rule.node.op == Op::list_add && rule.run.containers.is_mutated(rule.in(1)));
      if (unseen) {
        if (rule.run.containers.is_mutated(rule.node.outputs[0]))
          rule.run.join_element(rule.node.outputs[0], no_facts(declared.elements[0]));
        rule.set(0, no_facts(declared));
      } else if (rule.node.op == Op::list_add) {
        rule.set(0, rule.run.join(rule.node.outputs[0], declared, a, rule.type(1)));
      } else {
        rule.set(0, a);
      }
      rule.set_ints(0, list_ints(rule));
      return true;
    }
    case Op::len:
      rule.set_int(0, length(rule));
      if (!length(rule)) rule.run.mark_size(rule.node.outputs[0]);
      return true;
    case Op::list_contains: {
      const auto items = rule.run.containers.is_mutated(rule.in(0)) ? std::nullopt : rule.integers(0);
      const auto item = rule.integer(1);
      const bool ints = rule.type(0).is_int_list() && items && item;
      rule.set_bool(
          0, ints ? std::optional<bool>(std::find(items->begin(), items->end(), *item) != items->end()) : std::nullopt);
      return true;
    }
    case Op::dict_getitem:
      rule.set(0, dict_value(rule, declared));
      return true;
    case Op::is_:
      rule.set_bool(0, same_object(rule));
      return true;
    case Op::isnot: {
      const auto same = same_object(rule);
      rule.set_bool(0, same ? std::optional<bool>(!*same) : std::nullopt);
      return true;
    }
    case Op::annotate:
    case Op::unchecked_cast:
    case Op::unwrap_optional:
      infer_cast(rule);
      return true;
    case Op::list_eq:
    case Op::list_ne: {
      const auto a = rule.dims(0), b = rule.dims(1);
      const bool frozen = !rule.run.containers.is_mutated(rule.in(0)) && !rule.run.containers.is_mutated(rule.in(1));
      std::optional<bool> equal;
      if (a && b && frozen) {
        if (*a == *b) equal = true;
        bool differ = a->size() != b->size();
        for (size_t i = 0; !differ && i < a->size(); ++i) {
          const auto difference = ((*a)[i] - (*b)[i]).constant();
          differ = difference && *difference != 0;
        }
        if (differ) equal = false;
      }
      rule.set_bool(0, equal && rule.node.op == Op::list_ne ? std::optional<bool>(!*equal) : equal);
      return true;
    }
    default:
      // A bool or int that no rule tells keeps no fact of an earlier round.
      if (declared.is(Type::Kind::kInt)) rule.set_int(0, std::nullopt);
      return false;
  }
}

}  // namespace tsc::ir::inference
