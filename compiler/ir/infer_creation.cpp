// Creation and conversion: dtypes that operands name, and sizes that they list.
#include <cmath>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

constexpr DType kDefaultDType = DType::kFloat32;

DType number_dtype(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kInt:
      return DType::kInt64;
    case Type::Kind::kFloat:
      return kDefaultDType;
    case Type::Kind::kBool:
      return DType::kBool;
    case Type::Kind::kComplex:
      return DType::kComplex64;
    default:
      return DType::kUnknown;
  }
}

Shape listed_shape(const Rule& rule, size_t operand) {
  auto dims = rule.dims(operand);
  if (!dims) return std::nullopt;
  return dims;
}

// arange: integers only make an integer tensor; the length is ceil((end - start) / step).
void infer_arange(const Rule& rule) {
  const bool has_start = rule.node.op != Op::arange_end;
  const bool has_step = rule.node.op == Op::arange;
  const size_t end = has_start ? 1 : 0;
  bool integers = rule.type(end).is(Type::Kind::kInt);
  bool known = integers || rule.type(end).is(Type::Kind::kFloat);
  if (has_start) {
    integers &= rule.type(0).is(Type::Kind::kInt);
    known &= rule.type(0).is(Type::Kind::kInt) || rule.type(0).is(Type::Kind::kFloat);
  }
  if (has_step) integers &= rule.type(2).is(Type::Kind::kInt);
  const DType natural = !known ? DType::kUnknown : (integers ? DType::kInt64 : kDefaultDType);
  const auto from = has_start ? rule.dim(0) : Dim(0);
  const auto to = rule.dim(end);
  const auto step = has_step ? rule.integer(2) : 1;
  Dim length = rule.fresh(0, 0);
  if (integers && from && to && step && *step != 0) {
    length = *step > 0 ? ceil_div(*to - *from, *step) : ceil_div(*from - *to, -*step);
  } else if (!integers) {
    // Constant bounds of floats: the length is computed in double, as PyTorch does.
    const auto a = has_start ? rule.graph.as_double(rule.in(0)) : 0.0;
    const auto b = rule.graph.as_double(rule.in(end));
    const auto c = has_step ? rule.graph.as_double(rule.in(2)) : 1.0;
    if (a && b && c && *c != 0) length = static_cast<int64_t>(std::ceil((*b - *a) / *c));
  }
  rule.set_tensor(0, rule.dtype_operand(natural), Dims{length});
}

void infer_conversion(const Rule& rule) {
  DType dtype = rule.dtype(0);
  switch (rule.node.op) {
    case Op::to_dtype:
    case Op::to_device:
    case Op::to_prim_dtype:
    case Op::to_prim_device:
      dtype = rule.dtype_operand(dtype);
      break;
    default:  // to_other, type_as
      dtype = rule.dtype(1);
      break;
  }
  rule.set_tensor(0, dtype, rule.shape(0));
}

void infer_tensor_of_list(const Rule& rule) {
  // Nested lists: one size per level, known for the outermost only.
  const Type* type = &rule.type(0);
  size_t rank = 0;
  for (; type->is(Type::Kind::kList); type = &type->elements[0]) ++rank;
  Dims shape = rule.fresh_dims(0, rank);
  const NodeId def = rule.graph.value(rule.in(0)).def;
  const bool mutated = rule.run.containers.is_mutated(rule.in(0));
  if (rank > 0 && !mutated && def != kNoId && rule.graph.node(def).op == Op::list)
    shape[0] = static_cast<int64_t>(rule.graph.node(def).inputs.size());
  else if (const auto dims = rank == 1 && !mutated ? rule.dims(0) : std::nullopt)
    shape[0] = static_cast<int64_t>(dims->size());
  else if (const auto& constant = rule.graph.value(rule.in(0)).constant; constant && rank > 0)
    if (const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&constant->value))
      shape[0] = static_cast<int64_t>((*list)->size());
  rule.set_tensor(0, rule.dtype_operand(number_dtype(*type)), shape);
}

}  // namespace

bool infer_creation(const Rule& rule) {
  if (rule.node.form != Form::kFunctional) return false;
  switch (rule.node.op) {
    case Op::to_dtype:
    case Op::to_device:
    case Op::to_prim_dtype:
    case Op::to_prim_device:
    case Op::to_other:
    case Op::type_as:
      infer_conversion(rule);
      return true;
    case Op::zeros:
    case Op::ones:
    case Op::empty:
    case Op::rand:
    case Op::randn:
      rule.set_tensor(0, rule.dtype_operand(kDefaultDType), listed_shape(rule, 0));
      return true;
    case Op::randint:
      rule.set_tensor(0, rule.dtype_operand(DType::kInt64), listed_shape(rule, 2));
      return true;
    case Op::randperm: {
      const auto n = rule.dim(0);
      rule.set_tensor(0, rule.dtype_operand(DType::kInt64), Dims{n ? *n : rule.fresh(0, 0)});
      return true;
    }
    case Op::full:
      rule.set_tensor(0, rule.dtype_operand(number_dtype(rule.type(1))), listed_shape(rule, 0));
      return true;
    case Op::new_zeros:
    case Op::new_ones:
    case Op::new_empty:
    case Op::new_full:
      rule.set_tensor(0, rule.dtype_operand(rule.dtype(0)), listed_shape(rule, 1));
      return true;
    case Op::zeros_like:
    case Op::ones_like:
    case Op::empty_like:
    case Op::full_like:
    case Op::rand_like:
    case Op::randn_like:
      rule.set_tensor(0, rule.dtype_operand(rule.dtype(0)), rule.shape(0));
      return true;
    case Op::arange:
    case Op::arange_end:
    case Op::arange_start:
      infer_arange(rule);
      return true;
    case Op::eye: {
      const auto n = rule.dim(0);
      const Dim size = n ? *n : rule.fresh(0, 0);
      rule.set_tensor(0, rule.dtype_operand(kDefaultDType), Dims{size, size});
      return true;
    }
    case Op::linspace: {
      const auto steps = rule.dim(2);
      rule.set_tensor(0, rule.dtype_operand(kDefaultDType), Dims{steps ? *steps : rule.fresh(0, 0)});
      return true;
    }
    case Op::scalar_tensor:
      // Unlike torch.tensor, the default dtype whatever the number is.
      rule.set_tensor(0, rule.dtype_operand(rule.type(0).is(Type::Kind::kComplex) ? DType::kComplex64 : kDefaultDType),
                      Dims{});
      return true;
    case Op::tensor_scalar:
      rule.set_tensor(0, rule.dtype_operand(number_dtype(rule.type(0))), Dims{});
      return true;
    case Op::tensor:
      infer_tensor_of_list(rule);
      return true;
    case Op::as_tensor:
      if (rule.is_tensor(0))
        rule.set_tensor(0, rule.dtype_operand(rule.dtype(0)), rule.shape(0));
      else
        infer_tensor_of_list(rule);
      return true;
    default:
      return false;
  }
}

}  // namespace tsc::ir::inference
