// Views: sizes of what shares its operand's elements.
#include <algorithm>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

// The sizes that view and reshape make of `wanted`, where one entry may be -1.
Shape view_shape(const Rule& rule, const Dims& sizes, const Dims& wanted) {
  const Dim total = product(sizes);
  std::optional<size_t> inferred;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i].is_constant(-1)) inferred = i;
  Dims result = wanted;
  if (!inferred) {
    // A number that might be -1 at run time is the size itself only when the sizes multiply up as they stand.
    const bool exact = product(wanted) == total;
    for (size_t i = 0; i < result.size(); ++i)
      if (!exact && !rule.run.is_nonnegative(result[i])) result[i] = rule.fresh(0, i);
    return result;
  }
  Dim rest = 1;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (i != *inferred) rest = rest * wanted[i];
  for (size_t i = 0; i < wanted.size(); ++i)
    if (i != *inferred && !rule.run.is_nonnegative(result[i])) return rule.fresh_dims(0, wanted.size());
  if (const auto quotient = total.exact_quotient(rest))
    result[*inferred] = *quotient;
  else if (rest.constant() && !rest.is_constant(0))
    result[*inferred] = floor_div(total, rest);
  else
    result[*inferred] = rule.fresh(0, *inferred);
  return result;
}

Shape view(const Rule& rule) {
  const Shape shape = rule.shape(0);
  const auto wanted = rule.dims(1);
  if (!wanted) return std::nullopt;
  if (!shape) {
    // Without the operand's sizes, those that are given hold all the same.
    Dims result = *wanted;
    for (size_t i = 0; i < result.size(); ++i)
      if (!rule.run.is_nonnegative(result[i])) result[i] = rule.fresh(0, i);
    return result;
  }
  return view_shape(rule, *shape, *wanted);
}

Shape flatten(const Rule& rule) {
  const Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  if (shape->empty()) return Dims{Dim(1)};
  const auto start = rule.axis(1, shape->size()), end = rule.axis(2, shape->size());
  if (!start || !end || *start > *end) return std::nullopt;
  Dims result(shape->begin(), shape->begin() + *start);
  result.push_back(product(Dims(shape->begin() + *start, shape->begin() + *end + 1)));
  result.insert(result.end(), shape->begin() + *end + 1, shape->end());
  return result;
}

Shape unflatten(const Rule& rule) {
  const Shape shape = rule.shape(0);
  const auto sizes = rule.dims(2);
  if (!shape || !sizes) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return std::nullopt;
  const Shape inner = view_shape(rule, {(*shape)[*axis]}, *sizes);
  Dims result(shape->begin(), shape->begin() + *axis);
  result.insert(result.end(), inner->begin(), inner->end());
  result.insert(result.end(), shape->begin() + *axis + 1, shape->end());
  return result;
}

// Whether a size is surely not 1; a symbol may be.
bool is_not_one(const Rule& rule, const Dim& dim) {
  if (const auto constant = dim.constant()) return *constant != 1;
  return rule.run.is_nonnegative(dim - 2);
}

Shape squeeze(const Rule& rule) {
  const Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  Dims result;
  for (const Dim& dim : *shape) {
    if (dim.is_constant(1)) continue;
    if (!is_not_one(rule, dim)) return std::nullopt;
    result.push_back(dim);
  }
  return result;
}

Shape squeeze_dim(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return std::nullopt;
  if (shape->empty()) return shape;
  if ((*shape)[*axis].is_constant(1)) {
    shape->erase(shape->begin() + *axis);
    return shape;
  }
  return is_not_one(rule, (*shape)[*axis]) ? shape : std::nullopt;
}

Shape unsqueeze(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto axis = rule.axis(1, shape->size() + 1);
  if (!axis) return std::nullopt;
  shape->insert(shape->begin() + *axis, Dim(1));
  return shape;
}

Shape transpose(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto a = rule.axis(1, shape->size()), b = rule.axis(2, shape->size());
  if (!a || !b) return rule.fresh_dims(0, shape->size());
  if (!shape->empty()) std::swap((*shape)[*a], (*shape)[*b]);
  return shape;
}

Shape permute(const Rule& rule) {
  const Shape shape = rule.shape(0);
  const auto order = rule.integers(1);
  if (!shape) return std::nullopt;
  if (!order || order->size() != shape->size()) return rule.fresh_dims(0, shape->size());
  Dims result;
  for (int64_t axis : *order) {
    const auto wrapped = rule.wrap_axis(axis, shape->size());
    if (!wrapped) return std::nullopt;
    result.push_back((*shape)[*wrapped]);
  }
  return result;
}

Shape expand_to(const Rule& rule, const Shape& shape, const Dims& wanted) {
  Dims result = wanted;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].is_constant(-1)) {
      const size_t offset = shape ? wanted.size() - shape->size() : 0;
      result[i] = shape && i >= offset ? (*shape)[i - offset] : rule.fresh(0, i);
    } else if (!rule.run.is_nonnegative(wanted[i])) {
      result[i] = rule.fresh(0, i);
    }
  }
  return result;
}

Shape expand(const Rule& rule) {
  const auto wanted = rule.dims(1);
  const Shape shape = rule.shape(0);
  if (!wanted || (shape && shape->size() > wanted->size())) return std::nullopt;
  return expand_to(rule, shape, *wanted);
}

Shape select(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape || shape->empty()) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return rule.fresh_dims(0, shape->size() - 1);
  shape->erase(shape->begin() + *axis);
  return shape;
}

// A slice bound, wrapped and clamped into [0, size] as Python does; nullopt when its sign or place can't be told.
std::optional<Dim> clamp_bound(const Rule& rule, const Dim& bound, const Dim& size) {
  const auto value = bound.constant();
  if (value && *value >= 0) {
    if (*value == 0) return Dim(0);
    if (*value == INT64_MAX) return size;
    if (rule.run.is_nonnegative(size - bound)) return bound;
    return Dim::make(Dim::AtomKind::kMin, bound, size);
  }
  if (value) {
    if (rule.run.is_nonnegative(size + bound)) return size + bound;
    return Dim::make(Dim::AtomKind::kMax, size + bound, 0);
  }
  if (!rule.run.is_nonnegative(bound)) {
    // size - k, which is below 0 only when it wraps around to below 0 again.
    const auto distance = (size - bound).constant();
    if (distance && *distance == 0) return size;
    return std::nullopt;
  }
  if (rule.run.is_nonnegative(size - bound)) return bound;
  return Dim::make(Dim::AtomKind::kMin, bound, size);
}

Shape slice(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape || shape->empty()) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return rule.fresh_dims(0, shape->size());
  const Dim size = (*shape)[*axis];
  const auto start_value = rule.has(2) ? rule.dim(2) : Dim(0);
  const auto end_value = rule.has(3) ? rule.dim(3) : size;
  const auto step = rule.integer(4);
  const auto start = start_value ? clamp_bound(rule, *start_value, size) : std::nullopt;
  const auto end =
      end_value ? (*end_value == size ? std::optional<Dim>(size) : clamp_bound(rule, *end_value, size)) : std::nullopt;
  if (!start || !end || !step || *step <= 0) {
    (*shape)[*axis] = rule.fresh(0, *axis);
    return shape;
  }
  Dim length = *end - *start;
  if (length.constant() ? *length.constant() < 0 : !rule.run.is_nonnegative(length))
    length = Dim::make(Dim::AtomKind::kMax, length, 0);
  (*shape)[*axis] = *step == 1 ? length : ceil_div(length, *step);
  return shape;
}

Shape narrow(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape || shape->empty()) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return rule.fresh_dims(0, shape->size());
  const auto length = rule.dim(3);
  (*shape)[*axis] = length ? *length : rule.fresh(0, *axis);
  return shape;
}

Shape diagonal(const Rule& rule) {
  const Shape shape = rule.shape(0);
  if (!shape || shape->size() < 2) return std::nullopt;
  const auto a = rule.axis(2, shape->size()), b = rule.axis(3, shape->size());
  const auto offset = rule.integer(1);
  if (!a || !b) return rule.fresh_dims(0, shape->size() - 1);
  Dims result;
  for (size_t i = 0; i < shape->size(); ++i)
    if (i != *a && i != *b) result.push_back((*shape)[i]);
  if (!offset) {
    result.push_back(rule.fresh(0, result.size()));
    return result;
  }
  const Dim rows = *offset < 0 ? (*shape)[*a] + *offset : (*shape)[*a];
  const Dim columns = *offset > 0 ? (*shape)[*b] - *offset : (*shape)[*b];
  Dim length = rows == columns ? rows : Dim::make(Dim::AtomKind::kMin, rows, columns);
  if (!rule.run.is_nonnegative(length)) length = Dim::make(Dim::AtomKind::kMax, length, 0);
  result.push_back(length);
  return result;
}

Shape movedim(const Rule& rule) {
  const Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto from = rule.integers(1), to = rule.integers(2);
  const size_t rank = shape->size();
  if (!from || !to || from->size() != to->size()) return rule.fresh_dims(0, rank);
  std::vector<std::optional<size_t>> source_of(rank);
  std::vector<bool> moved(rank, false);
  for (size_t i = 0; i < from->size(); ++i) {
    const auto f = rule.wrap_axis((*from)[i], rank), t = rule.wrap_axis((*to)[i], rank);
    if (!f || !t || rank == 0) return shape;
    source_of[*t] = *f;
    moved[*f] = true;
  }
  size_t next = 0;
  Dims result;
  for (size_t i = 0; i < rank; ++i) {
    if (!source_of[i]) {
      while (moved[next]) ++next;
      source_of[i] = next++;
    }
    result.push_back((*shape)[*source_of[i]]);
  }
  return result;
}

Shape unfold(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto axis = rule.axis(1, shape->size());
  const auto size = rule.dim(2), step = rule.dim(3);
  if (!axis || !size || !step || !step->constant() || shape->empty()) return rule.fresh_dims(0, shape->size() + 1);
  (*shape)[*axis] = floor_div((*shape)[*axis] - *size + *step, *step);
  shape->push_back(*size);
  return shape;
}

// The pieces' common type; one size differs from piece to piece unless it divides.
void set_pieces(const Rule& rule, Shape shape, std::optional<size_t> axis, const std::optional<Dim>& piece) {
  if (shape && axis) (*shape)[*axis] = piece ? *piece : rule.fresh(0, *axis);
  if (shape && !axis) shape = rule.fresh_dims(0, shape->size());
  rule.set(0, Type::list(shape ? Type::make_tensor(rule.dtype(0), *shape) : Type::make_tensor(rule.dtype(0))));
}

void infer_pieces(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (shape && shape->empty()) shape.reset();
  if (rule.node.op == Op::unbind) {
    const auto axis = shape ? rule.axis(1, shape->size()) : std::nullopt;
    if (shape && axis) shape->erase(shape->begin() + *axis);
    if (shape && !axis) shape = rule.fresh_dims(0, shape->size() - 1);
    rule.set(0, Type::list(shape ? Type::make_tensor(rule.dtype(0), *shape) : Type::make_tensor(rule.dtype(0))));
    return;
  }
  const auto axis = shape ? rule.axis(2, shape->size()) : std::nullopt;
  std::optional<Dim> piece;
  if (axis && rule.node.op == Op::chunk) {
    const auto count = rule.integer(1);
    if (count && *count > 0) piece = (*shape)[*axis].exact_quotient(*count);
  } else if (axis && rule.node.op == Op::split) {
    const auto size = rule.dim(1);
    if (size && (*shape)[*axis] == *size) piece = size;
    const auto total = (*shape)[*axis].constant(), step = size ? size->constant() : std::nullopt;
    if (total && step && *step > 0 && *total % *step == 0 && *total > 0) piece = size;
  } else if (axis) {
    const auto sizes = rule.dims(1);
    if (sizes && !sizes->empty() &&
        std::all_of(sizes->begin(), sizes->end(), [&](const Dim& d) { return d == sizes->front(); }))
      piece = sizes->front();
  }
  set_pieces(rule, shape, axis, piece);
}

Shape view_of(const Rule& rule) {
  switch (rule.node.op) {
    case Op::view:
    case Op::reshape:
      return view(rule);
    case Op::linear_rows: {
      const auto depth = rule.dim(1);
      if (!depth) return std::nullopt;
      const Shape input = rule.shape(0);
      if (!input || input->empty()) return Dims{rule.fresh(0, 0), *depth};
      rule.require_equal(input->back(), *depth,
                         fmt::format("linear: the last size of the input must be {}", depth->str()));
      return Dims{product(Dims(input->begin(), input->end() - 1)), *depth};
    }
    case Op::linear_result: {
      Shape shape = rule.shape(1);
      const Shape rows = rule.shape(0);
      if (!shape || shape->empty() || !rows || rows->size() != 2) return std::nullopt;
      shape->back() = (*rows)[1];
      return shape;
    }
    case Op::in_place_result:
      return rule.shape(0);
    case Op::flatten:
      return flatten(rule);
    case Op::unflatten:
      return unflatten(rule);
    case Op::squeeze:
      return squeeze(rule);
    case Op::squeeze_dim:
      return squeeze_dim(rule);
    case Op::unsqueeze:
      return unsqueeze(rule);
    case Op::transpose:
      return transpose(rule);
    case Op::t:
    case Op::numpy_T: {
      Shape shape = rule.shape(0);
      if (shape) std::reverse(shape->begin(), shape->end());
      return shape;
    }
    case Op::permute:
      return permute(rule);
    case Op::expand:
      return expand(rule);
    case Op::expand_as:
    case Op::view_as:
    case Op::reshape_as:
      return rule.shape(1);
    case Op::select:
      return select(rule);
    case Op::slice:
      return slice(rule);
    case Op::narrow:
      return narrow(rule);
    case Op::detach:
    case Op::alias:
      return rule.shape(0);
    case Op::diagonal:
      return diagonal(rule);
    case Op::movedim:
    case Op::movedim_int:
      return movedim(rule);
    case Op::as_strided:
      return rule.dims(1);
    case Op::view_as_real: {
      Shape shape = rule.shape(0);
      if (shape) shape->push_back(Dim(2));
      return shape;
    }
    case Op::view_as_complex: {
      Shape shape = rule.shape(0);
      if (!shape || shape->empty()) return std::nullopt;
      shape->pop_back();
      return shape;
    }
    case Op::unfold:
      return unfold(rule);
    default:
      return std::nullopt;
  }
}

DType dtype_of_view(const Rule& rule) {
  switch (rule.node.op) {
    case Op::linear_rows:
      return DType::kFloat32;
    case Op::view_as_real:
      return real_of(rule.dtype(0));
    case Op::view_as_complex:
      return complex_of(rule.dtype(0));
    default:
      return rule.dtype(0);
  }
}

}  // namespace

bool infer_view(const Rule& rule) {
  const Type& result = rule.graph.value(rule.node.outputs[0]).type;
  if (result.is(Type::Kind::kList)) {
    infer_pieces(rule);
    return true;
  }
  rule.set_tensor(0, dtype_of_view(rule), view_of(rule));
  return true;
}

}  // namespace tsc::ir::inference
