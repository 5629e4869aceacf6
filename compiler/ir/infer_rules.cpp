// What a rule asks of its node, and the rules that the op table states.
#include <algorithm>
#include <complex>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {

std::optional<Dims> known_ints(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.ints) return value.ints;
  if (!value.constant) return std::nullopt;
  const auto one = [](const Constant& constant) -> std::optional<Dim> {
    if (const auto* i = std::get_if<int64_t>(&constant.value)) return Dim(*i);
    if (const auto* b = std::get_if<bool>(&constant.value)) return Dim(*b ? 1 : 0);
    return std::nullopt;
  };
  if (const auto dim = one(*value.constant)) return Dims{*dim};
  if (const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&value.constant->value)) {
    if (value.type.is(Type::Kind::kDict)) return std::nullopt;
    Dims dims;
    for (const Constant& element : **list) {
      const auto dim = one(element);
      if (!dim) return std::nullopt;
      dims.push_back(*dim);
    }
    return dims;
  }
  if (const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&value.constant->value)) {
    const TensorConstant& t = **tensor;
    if (!t.sizes.empty() || !t.storage || !t.storage->data) return std::nullopt;
    const std::byte* data = t.storage->data.get();
    if (t.dtype == DType::kInt64) return Dims{Dim(reinterpret_cast<const int64_t*>(data)[t.offset])};
    if (t.dtype == DType::kInt32) return Dims{Dim(reinterpret_cast<const int32_t*>(data)[t.offset])};
  }
  return std::nullopt;
}

const TensorType* Rule::tensor(size_t i) const {
  const Type& t = type(i);
  if (t.is_tensor()) return &t.tensor;
  if (t.is(Type::Kind::kOptional) && t.elements[0].is_tensor()) return &t.elements[0].tensor;
  return nullptr;
}

DType Rule::dtype(size_t i) const {
  const TensorType* t = i < operand_count() ? tensor(i) : nullptr;
  return t ? t->dtype : DType::kUnknown;
}

Shape Rule::shape(size_t i) const {
  if (i >= operand_count()) return std::nullopt;
  const TensorType* t = tensor(i);
  if (t) return t->rank_known ? Shape(t->dims) : std::nullopt;
  // A number where a tensor may stand is a 0-d one.
  switch (type(i).kind) {
    case Type::Kind::kInt:
    case Type::Kind::kFloat:
    case Type::Kind::kBool:
    case Type::Kind::kComplex:
    case Type::Kind::kNumber:
      return Dims{};
    default:
      return std::nullopt;
  }
}

Shape Rule::element_shape(const Type& element) const {
  if (!element.is_tensor() || !element.tensor.rank_known) return std::nullopt;
  return element.tensor.dims;
}

std::optional<Dim> Rule::dim(size_t i) const {
  if (i >= operand_count()) return std::nullopt;
  const auto ints = known_ints(graph, in(i));
  if (!ints || ints->size() != 1 || type(i).is(Type::Kind::kList)) return std::nullopt;
  return (*ints)[0];
}

std::optional<Dims> Rule::dims(size_t i) const {
  if (i >= operand_count()) return std::nullopt;
  return known_ints(graph, in(i));
}

std::optional<int64_t> Rule::integer(size_t i) const {
  const auto d = dim(i);
  return d ? d->constant() : std::nullopt;
}

std::optional<std::vector<int64_t>> Rule::integers(size_t i) const {
  const auto ds = dims(i);
  if (!ds) return std::nullopt;
  std::vector<int64_t> result;
  for (const Dim& d : *ds) {
    const auto c = d.constant();
    if (!c) return std::nullopt;
    result.push_back(*c);
  }
  return result;
}

std::optional<bool> Rule::boolean(size_t i) const {
  const auto c = integer(i);
  if (!c) return std::nullopt;
  return *c != 0;
}

std::optional<size_t> Rule::wrap_axis(int64_t axis, size_t rank) const {
  const int64_t n = std::max<int64_t>(static_cast<int64_t>(rank), 1);  // a 0-d tensor has the axes 0 and -1
  if (axis < -n || axis >= n) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + n : axis);
}

std::optional<size_t> Rule::axis(size_t i, size_t rank) const {
  const auto a = integer(i);
  return a ? wrap_axis(*a, rank) : std::nullopt;
}

std::optional<std::vector<Type>> Rule::element_types(size_t i) const {
  const Value& value = graph.value(in(i));
  if (!value.type.is(Type::Kind::kList) || run.containers.is_mutated(in(i))) return std::nullopt;
  std::vector<Type> types;
  if (value.def != kNoId && graph.node(value.def).op == Op::list) {
    for (ValueId v : graph.node(value.def).inputs) types.push_back(graph.value(v).type);
    return types;
  }
  const auto* list =
      value.constant ? std::get_if<std::shared_ptr<const ConstantList>>(&value.constant->value) : nullptr;
  if (list == nullptr) return std::nullopt;
  for (const Constant& element : **list) {
    const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&element.value);
    if (tensor == nullptr) return std::nullopt;
    types.push_back(Type::make_tensor((*tensor)->dtype, Dims((*tensor)->sizes.begin(), (*tensor)->sizes.end())));
  }
  return types;
}

Dims Rule::fresh_dims(size_t output, size_t rank) const {
  Dims dims;
  for (size_t i = 0; i < rank; ++i) dims.push_back(fresh(output, i));
  return dims;
}

Dim Rule::require_equal(const Dim& a, const Dim& b, const std::string& message) const {
  return run.require_equal(a, b, node.source, message);
}

namespace {

// Whether `dim` is min(size, c) for a constant c > 1: then it is `size`, or it is c and no partner of `size`.
bool is_capped(const Dim& dim, const Dim& size) {
  if (dim.terms().size() != 1 || dim.terms()[0].coefficient != 1 || dim.terms()[0].factors.size() != 1) return false;
  const Dim::Atom& atom = *dim.terms()[0].factors[0];
  if (atom.kind != Dim::AtomKind::kMin) return false;
  for (size_t side : {0, 1}) {
    const auto cap = atom.operands[1 - side].constant();
    if (atom.operands[side] == size && cap && *cap > 1) return true;
  }
  return false;
}

}  // namespace

// A size of 1 stretches to the other; unless both may be 1, the other size is the result's for sure.
Dim Rule::broadcast_dim(const Dim& a, const Dim& b) const {
  if (a == b || b.is_constant(1)) return a;
  if (a.is_constant(1)) return b;
  if (a.constant()) return a;
  if (b.constant()) return b;
  if (is_capped(b, a)) return a;
  if (is_capped(a, b)) return b;
  return broadcast(a, b);
}

Shape Rule::broadcast_shapes(const Shape& a, const Shape& b) const {
  if (!a || !b) return std::nullopt;
  Dims result(std::max(a->size(), b->size()), Dim(1));
  for (size_t i = 0; i < result.size(); ++i) {
    const Dim from_a = i < a->size() ? (*a)[a->size() - 1 - i] : Dim(1);
    const Dim from_b = i < b->size() ? (*b)[b->size() - 1 - i] : Dim(1);
    result[result.size() - 1 - i] = broadcast_dim(from_a, from_b);
  }
  return result;
}

namespace {

// Operands of one priority of torch.result_type; dimensioned tensors go before 0-d tensors before numbers.
struct Priority {
  DType dtype = DType::kUnknown;
  bool any = false;
  void add(DType d) {
    dtype = any ? promote(dtype, d) : d;
    any = true;
  }
};

DType combine(const Priority& higher, const Priority& lower) {
  if (!higher.any) return lower.dtype;
  if (!lower.any || is_complex(higher.dtype)) return higher.dtype;
  if (is_floating(higher.dtype)) {
    if (!is_complex(lower.dtype)) return higher.dtype;
    if (higher.dtype == DType::kFloat64) return DType::kComplex128;
    return higher.dtype == DType::kFloat16 ? DType::kComplex32 : DType::kComplex64;
  }
  if (higher.dtype == DType::kBool || is_floating(lower.dtype) || is_complex(lower.dtype))
    return promote(higher.dtype, lower.dtype);
  return higher.dtype;
}

struct ResultTypeOperand {
  enum class Rank : uint8_t { kDimensioned, kZeroDim, kUnknown } rank;
  DType dtype;
};

DType result_type_of(const std::vector<ResultTypeOperand>& tensors, const Priority& numbers) {
  Priority dimensioned, zero_dim;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].rank != ResultTypeOperand::Rank::kUnknown) {
      (tensors[i].rank == ResultTypeOperand::Rank::kDimensioned ? dimensioned : zero_dim).add(tensors[i].dtype);
      continue;
    }
    // Either rank: known only when both say the same.
    auto one = tensors, other = tensors;
    one[i].rank = ResultTypeOperand::Rank::kDimensioned;
    other[i].rank = ResultTypeOperand::Rank::kZeroDim;
    const DType a = result_type_of(one, numbers), b = result_type_of(other, numbers);
    return a == b ? a : DType::kUnknown;
  }
  Priority lower;
  lower.any = zero_dim.any || numbers.any;
  lower.dtype = combine(zero_dim, numbers);
  return combine(dimensioned, lower);
}

}  // namespace

}  // namespace tsc::ir::inference

namespace tsc::ir {

DType result_type(const Graph& graph, std::span<const ValueId> operands) {
  using inference::Priority;
  using inference::ResultTypeOperand;
  std::vector<ResultTypeOperand> tensors;
  Priority numbers;
  bool unknown_number = false;
  for (const ValueId id : operands) {
    const Type& type = graph.value(id).type;
    switch (type.kind) {
      case Type::Kind::kNone:
        break;
      case Type::Kind::kTensor: {
        if (type.tensor.dtype == DType::kUnknown) return DType::kUnknown;
        const auto rank = !type.tensor.rank_known    ? ResultTypeOperand::Rank::kUnknown
                          : type.tensor.dims.empty() ? ResultTypeOperand::Rank::kZeroDim
                                                     : ResultTypeOperand::Rank::kDimensioned;
        tensors.push_back({rank, type.tensor.dtype});
        break;
      }
      case Type::Kind::kInt:
        numbers.add(DType::kInt64);
        break;
      case Type::Kind::kFloat:
        numbers.add(DType::kFloat32);
        break;
      case Type::Kind::kBool:
        numbers.add(DType::kBool);
        break;
      case Type::Kind::kComplex:
        numbers.add(DType::kComplex64);
        break;
      default:
        unknown_number = true;
    }
  }
  if (!unknown_number) return inference::result_type_of(tensors, numbers);
  // A number of any kind: known when the kinds agree, for complex ones are not expected among them.
  Priority with_bool = numbers, with_float = numbers;
  with_bool.add(DType::kBool);
  with_float.add(DType::kFloat32);
  const DType a = inference::result_type_of(tensors, with_bool), b = inference::result_type_of(tensors, with_float);
  return a == b ? a : DType::kUnknown;
}

}  // namespace tsc::ir

namespace tsc::ir::inference {

DType Rule::result_type(const std::vector<size_t>& operands) const {
  std::vector<ValueId> ids;
  for (const size_t i : operands) {
    if (has(i)) ids.push_back(node.inputs[i]);
  }
  return ir::result_type(run.graph, ids);
}

DType Rule::dtype_operand(DType otherwise) const {
  const OpInfo& info = op_info(node.op);
  for (size_t i = 0; i < info.inputs.size() && i < operand_count(); ++i) {
    if (info.inputs[i].name != "dtype") continue;
    if (!has(i)) return otherwise;
    const auto code = integer(i);
    return code ? static_cast<DType>(*code) : DType::kUnknown;
  }
  return otherwise;
}

void Rule::set_tensor(size_t output, DType dtype, const Shape& shape) const {
  if (output >= node.outputs.size()) return;
  set(output, shape ? Type::make_tensor(dtype, *shape) : Type::make_tensor(dtype));
}

void Rule::set_ints(size_t output, std::optional<Dims> ints) const {
  if (ints) {
    for (size_t i = 0; i < ints->size(); ++i) {
      Dim& number = (*ints)[i];
      if (!number.is_longer_than(kMaxSizeLength)) continue;
      const bool is_size = run.is_nonnegative(number);
      number = run.fresh_int(node.outputs[output], i);
      if (is_size) run.mark_size(number);
    }
  }
  run.graph.value(node.outputs[output]).ints = std::move(ints);
}

void Rule::set_int(size_t output, const std::optional<Dim>& value) const {
  set_ints(output, Dims{value ? *value : run.fresh_int(node.outputs[output], 0)});
}

void Rule::set_bool(size_t output, std::optional<bool> value) const {
  if (value)
    set_ints(output, Dims{Dim(*value ? 1 : 0)});
  else
    set_ints(output, std::nullopt);
}

namespace {

// Schema operands that take part in promotion and broadcasting.
std::vector<size_t> tensor_operands(const Rule& rule) {
  std::vector<size_t> result;
  const OpInfo& info = op_info(rule.node.op);
  for (size_t i = 0; i < info.inputs.size() && i < rule.operand_count(); ++i) {
    const std::string& type = info.inputs[i].type;
    if ((type == "Tensor" || type == "Tensor?") && rule.has(i)) result.push_back(i);
  }
  return result;
}

std::vector<size_t> promoted_operands(const Rule& rule) {
  std::vector<size_t> operands = tensor_operands(rule);
  switch (rule.node.op) {
    case Op::where:  // the condition is no value
      operands.erase(operands.begin());
      return operands;
    case Op::clamp:
    case Op::clamp_min:
    case Op::clamp_max:  // here the bounds count, too
      for (size_t i = 1; i < rule.operand_count(); ++i) operands.push_back(i);
      return operands;
    default:
      return operands;
  }
}

DType table_dtype(const Rule& rule) {
  const DType self = rule.operand_count() > 0 ? rule.dtype(0) : DType::kUnknown;
  switch (rule.node.op) {
    case Op::clamp:
    case Op::clamp_min:
    case Op::clamp_max:
      return rule.result_type(promoted_operands(rule));
    case Op::div_mode: {
      const DType promoted = rule.result_type(promoted_operands(rule));
      return rule.has(2) ? promoted : promote_float(promoted);
    }
    case Op::all:
    case Op::all_dim:
    case Op::any:
    case Op::any_dim:  // a byte tensor was a mask once
      if (self == DType::kUInt8 || self == DType::kUnknown) return self;
      return DType::kBool;
    case Op::abs:
    case Op::var:
    case Op::var_dim:
    case Op::var_all:
    case Op::std:
    case Op::std_dim:
    case Op::std_all:
    case Op::norm:
    case Op::norm_all:
    case Op::linalg_vector_norm:  // sizes are real
      return real_of(rule.dtype_operand(self));
    case Op::square:
      return self == DType::kBool ? DType::kInt64 : self;
    default:
      break;
  }
  switch (op_info(rule.node.op).dtype_rule) {
    case DTypeRule::kNone:
      return DType::kUnknown;
    case DTypeRule::kSame:
    case DTypeRule::kSameNumber:
    case DTypeRule::kSameFloat:
      return rule.dtype_operand(self);
    case DTypeRule::kPromote:
    case DTypeRule::kPromoteNumber:
      return rule.result_type(promoted_operands(rule));
    case DTypeRule::kPromoteFloat:
      return promote_float(rule.result_type(promoted_operands(rule)));
    case DTypeRule::kFloat:
      return promote_float(self);
    case DTypeRule::kBool:
      return DType::kBool;
    case DTypeRule::kInt64:
      return DType::kInt64;
    case DTypeRule::kSumInt: {
      const bool widens = is_integral(self) || self == DType::kBool;
      return rule.dtype_operand(widens ? DType::kInt64 : self);
    }
  }
  return DType::kUnknown;
}

Shape reduced_shape(const Rule& rule) {
  const Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const size_t dim_operand = rule.at("dim");
  const auto keep = rule.boolean(rule.at("keepdim"));
  if (!keep) return std::nullopt;
  std::vector<bool> reduced(shape->size(), false);
  const bool all = !rule.has(dim_operand);
  const auto axes = all ? std::vector<int64_t>{} : rule.integers(dim_operand);
  if (!axes) {
    // Which axis goes is unknown, but one axis keeps or loses one size.
    if (rule.type(dim_operand).is(Type::Kind::kInt))
      return rule.fresh_dims(0, *keep || shape->empty() ? shape->size() : shape->size() - 1);
    return *keep ? Shape(rule.fresh_dims(0, shape->size())) : std::nullopt;
  }
  for (int64_t axis : *axes) {
    const auto wrapped = rule.wrap_axis(axis, shape->size());
    if (!wrapped) return std::nullopt;
    if (!shape->empty()) reduced[*wrapped] = true;
  }
  if (axes->empty()) reduced.assign(shape->size(), true);
  Dims result;
  for (size_t i = 0; i < shape->size(); ++i) {
    if (!reduced[i])
      result.push_back((*shape)[i]);
    else if (*keep)
      result.push_back(1);
  }
  return result;
}

Shape table_shape(const Rule& rule) {
  switch (op_info(rule.node.op).shape_rule) {
    case ShapeRule::kNone:
      return std::nullopt;
    case ShapeRule::kSame:
      return rule.operand_count() > 0 ? rule.shape(0) : std::nullopt;
    case ShapeRule::kBroadcast: {
      Shape shape = Dims{};
      for (size_t i : tensor_operands(rule)) shape = rule.broadcast_shapes(shape, rule.shape(i));
      return shape;
    }
    case ShapeRule::kReduce:
      return reduced_shape(rule);
    case ShapeRule::kScalar:
      return Dims{};
  }
  return std::nullopt;
}

}  // namespace

bool infer_by_table(const Rule& rule) {
  const OpInfo& info = op_info(rule.node.op);
  if (rule.node.outputs.empty() || !rule.graph.value(rule.node.outputs[0]).type.is_tensor()) return false;
  if (rule.node.form == Form::kInPlace) {
    // A write in place keeps dtype and sizes.
    rule.set_tensor(0, rule.dtype(0), rule.shape(0));
    return true;
  }
  if (rule.node.op == Op::choose_qparams) {
    rule.set_tensor(0, DType::kFloat32, Dims{});
    rule.set_tensor(1, DType::kInt32, Dims{});
    return true;
  }
  if (rule.node.op == Op::frexp) {
    rule.set_tensor(0, rule.dtype(0), rule.shape(0));
    rule.set_tensor(1, DType::kInt32, rule.shape(0));
    return true;
  }
  const Shape shape = table_shape(rule);
  rule.set_tensor(0, table_dtype(rule), shape);
  for (size_t i = 1; i < rule.node.outputs.size(); ++i) {
    const bool indices = i < info.outputs.size() && info.outputs[i].name == "indices";
    rule.set_tensor(i, indices ? DType::kInt64 : DType::kUnknown, shape);
  }
  return true;
}

// Traced programs compute sizes on 0-d integer tensors; their values are followed as integers are.
void infer_tensor_ints(const Rule& rule) {
  if (rule.node.outputs.size() != 1 || rule.node.form != Form::kFunctional) return;
  const Type& type = rule.graph.value(rule.node.outputs[0]).type;
  std::optional<Dim> result;
  const bool is_int = !rule.run.integers_written() && type.is_tensor() && type.tensor.rank_known &&
                      type.tensor.dims.empty() &&
                      (type.tensor.dtype == DType::kInt64 || type.tensor.dtype == DType::kInt32);
  const auto a = is_int && rule.operand_count() > 0 ? rule.dim(0) : std::nullopt;
  const auto b = is_int && rule.operand_count() > 1 ? rule.dim(1) : std::nullopt;
  const auto quotient = [&](const Dim& x, const Dim& y) -> std::optional<Dim> {
    const auto divisor = y.constant();
    if (divisor && *divisor != 0) return floor_div(x, y);
    return std::nullopt;
  };
  if (a) switch (rule.node.op) {
      case Op::add:
      case Op::sub:
      case Op::rsub: {
        const auto alpha = rule.dim(2);
        if (!b || !alpha) break;
        if (rule.node.op == Op::rsub)
          result = *b - *a * *alpha;
        else
          result = rule.node.op == Op::add ? *a + *b * *alpha : *a - *b * *alpha;
        break;
      }
      case Op::mul:
        if (b) result = *a * *b;
        break;
      case Op::neg:
        result = Dim(0) - *a;
        break;
      case Op::floor_divide:
        if (b) result = quotient(*a, *b);
        break;
      case Op::div_mode: {
        if (!b) break;
        const auto* mode = rule.graph.value(rule.in(2)).constant
                               ? std::get_if<std::string>(&rule.graph.value(rule.in(2)).constant->value)
                               : nullptr;
        // Truncation and floor agree on what is not negative.
        const bool truncates =
            mode && *mode == "trunc" && rule.run.is_nonnegative(*a) && b->constant() && *b->constant() > 0;
        if ((mode && *mode == "floor") || truncates) result = quotient(*a, *b);
        break;
      }
      case Op::remainder:
        if (b && b->constant() && *b->constant() != 0) result = Dim::make(Dim::AtomKind::kMod, *a, *b);
        break;
      case Op::minimum:
        if (b) result = Dim::make(Dim::AtomKind::kMin, *a, *b);
        break;
      case Op::maximum:
        if (b) result = Dim::make(Dim::AtomKind::kMax, *a, *b);
        break;
      case Op::to_dtype:
      case Op::to_device:
      case Op::to_prim_dtype:
      case Op::to_prim_device:
      case Op::to_other:
      case Op::type_as:
      case Op::clone:
      case Op::contiguous:
      case Op::as_tensor:
      case Op::tensor_scalar:
      case Op::scalar_tensor:
      case Op::ceil:
      case Op::floor:
        result = a;
        break;
      default:
        break;
    }
  rule.set_ints(0, result ? std::optional<Dims>(Dims{*result}) : std::nullopt);
}

}  // namespace tsc::ir::inference
