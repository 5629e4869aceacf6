// Ops that copy elements about, and sorting.
#include <algorithm>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

DType promoted(const std::vector<Type>& types) {
  // cat and stack promote like result_type; mixed dtypes of mixed ranks are left open.
  DType dtype = DType::kUnknown;
  for (const Type& type : types) {
    if (!type.is_tensor() || type.tensor.dtype == DType::kUnknown) return DType::kUnknown;
    dtype = dtype == DType::kUnknown ? type.tensor.dtype : promote(dtype, type.tensor.dtype);
  }
  return dtype;
}

void infer_cat(const Rule& rule) {
  const Type& list = rule.type(0);
  const DType common = list.is(Type::Kind::kList) ? list.elements[0].tensor.dtype : DType::kUnknown;
  const auto types = rule.element_types(0);
  if (!types || types->empty()) {
    Shape shape = list.is(Type::Kind::kList) ? rule.element_shape(list.elements[0]) : std::nullopt;
    // An empty tensor of any rank may be among them, but then not all have one rank.
    const auto axis = shape ? rule.axis(1, shape->size()) : std::nullopt;
    if (shape && axis && !shape->empty())
      (*shape)[*axis] = rule.fresh(0, *axis);
    else
      shape.reset();
    return rule.set_tensor(0, common, shape);
  }
  const DType dtype = promoted(*types);
  const auto sizes_of = [&](size_t i) { return *rule.element_shape((*rule.element_types(0))[i]); };
  // PyTorch skips tensors of shape [0], whatever the rank of the others.
  for (const Type& type : *types) {
    const Shape shape = rule.element_shape(type), first = rule.element_shape(types->front());
    if (!shape || !first || shape->size() != first->size() || shape->empty())
      return rule.set_tensor(0, dtype, std::nullopt);
  }
  const size_t rank = sizes_of(0).size();
  const auto axis = rule.axis(1, rank);
  if (!axis) return rule.set_tensor(0, dtype, rule.fresh_dims(0, rank));
  Dims sizes = sizes_of(0);
  Dim total = 0;
  for (size_t part = 0; part < types->size(); ++part) {
    // Each equality that is required may rename the sizes of all parts.
    for (size_t i = 0; i < rank; ++i)
      if (i != *axis)
        sizes[i] = rule.require_equal(sizes_of(0)[i], sizes_of(part)[i],
                                      fmt::format("cat: size {} of all tensors must be equal", i));
    total = total + sizes_of(part)[*axis];
  }
  for (size_t i = 0; i < rank; ++i)
    if (!sizes[i].constant()) sizes[i] = sizes_of(0)[i];
  sizes[*axis] = total;
  rule.set_tensor(0, dtype, sizes);
}

void infer_stack(const Rule& rule) {
  const Type& list = rule.type(0);
  const auto types = rule.element_types(0);
  DType dtype = list.is(Type::Kind::kList) ? list.elements[0].tensor.dtype : DType::kUnknown;
  Shape shape = list.is(Type::Kind::kList) ? rule.element_shape(list.elements[0]) : std::nullopt;
  if (types && !types->empty()) {
    dtype = promoted(*types);
    shape = rule.element_shape(types->front());
    for (const Type& type : *types) {
      const Shape other = rule.element_shape(type);
      if (!other || !shape || other->size() != shape->size())
        shape.reset();
      else
        for (size_t i = 0; i < shape->size(); ++i)
          if (!(*shape)[i].constant() && (*other)[i].constant()) (*shape)[i] = (*other)[i];
    }
  }
  const auto axis = shape ? rule.axis(1, shape->size() + 1) : std::nullopt;
  if (shape && !axis)
    shape = rule.fresh_dims(0, shape->size() + 1);
  else if (shape)
    shape->insert(shape->begin() + *axis, types ? Dim(static_cast<int64_t>(types->size())) : rule.fresh(0, *axis));
  rule.set_tensor(0, dtype, shape);
}

void infer_embedding(const Rule& rule) {
  Shape shape = rule.shape(1);
  const Shape weight = rule.shape(0);
  if (shape) shape->push_back(weight && weight->size() == 2 ? (*weight)[1] : rule.fresh(0, shape->size()));
  rule.set_tensor(0, rule.dtype(0), shape);
}

Shape index_select_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  const Shape index = rule.shape(2);
  if (!shape) return std::nullopt;
  if (shape->empty()) return shape;
  const auto axis = rule.axis(1, shape->size());
  if (!axis) return rule.fresh_dims(0, shape->size());
  if (index && index->empty())
    (*shape)[*axis] = 1;
  else
    (*shape)[*axis] = index ? (*index)[0] : rule.fresh(0, *axis);
  return shape;
}

// Images [N, C, ...] at the places of a grid [N, places..., coordinates].
Shape sample_grid_shape(const Rule& rule) {
  const Shape image = rule.shape(0), grid = rule.shape(1);
  if (!image || !grid || image->size() < 4 || image->size() != grid->size()) return std::nullopt;
  Dims dims(grid->begin(), grid->end() - 1);
  dims.insert(dims.begin() + 1, (*image)[1]);
  return dims;
}

constexpr const char* kMasked = "masked";  // stands for the number of set elements while the sizes are put together

// Advanced indexing: the index tensors broadcast to one block of sizes, which stands where the first of them stood when
// they are next to each other, and in front otherwise. A mask stands for as many axes as it has, and becomes one.
Shape index_shape(const Rule& rule) {
  const Shape shape = rule.shape(0);
  const NodeId def = rule.graph.value(rule.in(1)).def;
  if (!shape || def == kNoId || rule.graph.node(def).op != Op::list || rule.run.containers.is_mutated(rule.in(1)))
    return std::nullopt;
  Dims kept_before, kept_after;
  Shape block = Dims{};
  size_t axis = 0, groups = 0;
  bool in_group = false, any = false;
  for (ValueId id : rule.graph.node(def).inputs) {
    const Type& type = rule.graph.value(id).type;
    if (rule.graph.is_none(id) || type.is(Type::Kind::kNone)) {
      if (axis >= shape->size()) return std::nullopt;
      (any ? kept_after : kept_before).push_back((*shape)[axis++]);
      in_group = false;
      continue;
    }
    if (!type.is_tensor() || !type.tensor.rank_known || type.tensor.dtype == DType::kUnknown) return std::nullopt;
    const bool is_mask = type.tensor.dtype == DType::kBool || type.tensor.dtype == DType::kUInt8;
    if (is_mask && type.tensor.dims.empty()) return std::nullopt;
    block = rule.broadcast_shapes(block, is_mask ? Shape(Dims{Dim::symbol(kMasked)}) : Shape(type.tensor.dims));
    axis += is_mask ? type.tensor.dims.size() : 1;
    if (axis > shape->size()) return std::nullopt;
    if (!in_group) ++groups;
    in_group = any = true;
  }
  for (; axis < shape->size(); ++axis) kept_after.push_back((*shape)[axis]);
  Dims result;
  if (groups <= 1) result = kept_before;
  result.insert(result.end(), block->begin(), block->end());
  if (groups > 1) result.insert(result.end(), kept_before.begin(), kept_before.end());
  result.insert(result.end(), kept_after.begin(), kept_after.end());
  for (size_t i = 0; i < result.size(); ++i) {
    const auto symbols = result[i].symbols();
    if (std::find(symbols.begin(), symbols.end(), kMasked) != symbols.end()) result[i] = rule.fresh(0, i);
  }
  return result;
}

Shape repeat_shape(const Rule& rule) {
  const Shape shape = rule.shape(0);
  auto repeats = rule.dims(1);
  if (!shape || !repeats || repeats->size() < shape->size()) return std::nullopt;
  const size_t offset = repeats->size() - shape->size();
  for (size_t i = 0; i < shape->size(); ++i) (*repeats)[offset + i] = (*repeats)[offset + i] * (*shape)[i];
  return repeats;
}

Shape repeat_interleave_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const bool is_int = rule.node.op == Op::repeat_interleave;
  const auto repeats = is_int ? rule.dim(1) : std::nullopt;
  if (!rule.has(2)) return Dims{repeats ? product(*shape) * *repeats : rule.fresh(0, 0)};
  const auto axis = rule.axis(2, shape->size());
  if (!axis || shape->empty()) return rule.fresh_dims(0, shape->size());
  (*shape)[*axis] = repeats ? (*shape)[*axis] * *repeats : rule.fresh(0, *axis);
  return shape;
}

Shape padded_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape) return std::nullopt;
  const auto pad = rule.dims(1);
  if (!pad || pad->size() % 2 != 0 || pad->size() / 2 > shape->size()) return rule.fresh_dims(0, shape->size());
  for (size_t i = 0; i < pad->size() / 2; ++i) {
    Dim& size = (*shape)[shape->size() - 1 - i];
    size = size + (*pad)[2 * i] + (*pad)[2 * i + 1];
  }
  return shape;
}

Shape pixel_shuffle_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  const auto factor = rule.integer(1);
  if (!shape || shape->size() < 3) return std::nullopt;
  if (!factor || *factor <= 0) return rule.fresh_dims(0, shape->size());
  const size_t channel = shape->size() - 3;
  (*shape)[channel] = floor_div((*shape)[channel], *factor * *factor);
  (*shape)[channel + 1] = (*shape)[channel + 1] * *factor;
  (*shape)[channel + 2] = (*shape)[channel + 2] * *factor;
  return shape;
}

// The elements of a constant list of floats, made by a node or not.
std::optional<std::vector<double>> floats(const Rule& rule, size_t operand) {
  const Value& value = rule.graph.value(rule.in(operand));
  std::vector<double> result;
  if (value.def != kNoId && rule.graph.node(value.def).op == Op::list) {
    for (ValueId id : rule.graph.node(value.def).inputs) {
      const auto x = rule.graph.as_double(id);
      if (!x) return std::nullopt;
      result.push_back(*x);
    }
    return result;
  }
  if (!value.constant) return std::nullopt;
  const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&value.constant->value);
  if (!list) return std::nullopt;
  for (const Constant& element : **list) {
    const auto* x = std::get_if<double>(&element.value);
    if (!x) return std::nullopt;
    result.push_back(*x);
  }
  return result;
}

Shape upsampled_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape || shape->size() < 3) return std::nullopt;
  const auto sizes = rule.has(1) ? rule.dims(1) : std::nullopt;
  const size_t scale_operand = rule.at("scale_factors");
  const auto scales = rule.has(scale_operand) ? floats(rule, scale_operand) : std::nullopt;
  for (size_t i = 0; i + 2 < shape->size(); ++i) {
    Dim& size = (*shape)[i + 2];
    if (sizes && i < sizes->size()) {
      size = (*sizes)[i];
    } else if (scales && i < scales->size()) {
      const double scale = (*scales)[i];
      const auto constant = size.constant();
      const bool whole = scale == static_cast<double>(static_cast<int64_t>(scale));
      if (whole)
        size = size * static_cast<int64_t>(scale);
      else
        size = constant ? Dim(static_cast<int64_t>(static_cast<double>(*constant) * scale)) : rule.fresh(0, i + 2);
    } else {
      size = rule.fresh(0, i + 2);
    }
  }
  return shape;
}

Shape topk_shape(const Rule& rule) {
  Shape shape = rule.shape(0);
  if (!shape || shape->empty()) return shape;
  const auto axis = rule.axis(2, shape->size());
  if (!axis) return rule.fresh_dims(0, shape->size());
  const auto k = rule.dim(1);
  (*shape)[*axis] = k ? *k : rule.fresh(0, *axis);
  return shape;
}

void infer_meshgrid(const Rule& rule) {
  const Type& list = rule.type(0);
  const DType dtype = list.is(Type::Kind::kList) ? list.elements[0].tensor.dtype : DType::kUnknown;
  const auto types = rule.element_types(0);
  if (!types) return rule.set(0, Type::list(Type::make_tensor(dtype)));
  Dims dims;
  for (const Type& type : *types) {
    const Shape shape = rule.element_shape(type);
    if (!shape) return rule.set(0, Type::list(Type::make_tensor(dtype)));
    dims.push_back(shape->empty() ? Dim(1) : (*shape)[0]);
  }
  rule.set(0, Type::list(Type::make_tensor(dtype == DType::kUnknown ? promoted(*types) : dtype, dims)));
}

Shape moved_shape(const Rule& rule) {
  switch (rule.node.op) {
    case Op::gather:
      return rule.shape(2);
    case Op::index_select:
    case Op::resample:
      return index_select_shape(rule);
    case Op::index:
      return index_shape(rule);
    case Op::masked_select:
      return Dims{rule.fresh(0, 0)};
    case Op::nonzero: {
      const Shape shape = rule.shape(0);
      return Dims{rule.fresh(0, 0), shape ? Dim(static_cast<int64_t>(shape->size())) : rule.fresh(0, 1)};
    }
    case Op::repeat:
      return repeat_shape(rule);
    case Op::repeat_interleave:
    case Op::repeat_interleave_tensor:
      return repeat_interleave_shape(rule);
    case Op::constant_pad_nd:
    case Op::pad:
      return padded_shape(rule);
    case Op::pixel_shuffle:
      return pixel_shuffle_shape(rule);
    case Op::upsample_nearest2d:
    case Op::upsample_bilinear2d:
      return upsampled_shape(rule);
    case Op::sample_grid:
      return sample_grid_shape(rule);
    case Op::one_hot: {
      Shape shape = rule.shape(0);
      const auto classes = rule.integer(1);
      if (shape) shape->push_back(classes && *classes >= 0 ? Dim(*classes) : rule.fresh(0, shape->size()));
      return shape;
    }
    case Op::topk:
      return topk_shape(rule);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool infer_movement(const Rule& rule) {
  const OpInfo& info = op_info(rule.node.op);
  if (rule.node.form != Form::kFunctional || info.shape_rule != ShapeRule::kNone) return false;
  switch (rule.node.op) {
    case Op::cat:
      infer_cat(rule);
      return true;
    case Op::stack:
      infer_stack(rule);
      return true;
    case Op::embedding:
      infer_embedding(rule);
      return true;
    case Op::meshgrid:
      infer_meshgrid(rule);
      return true;
    default:
      break;
  }
  const Shape shape = moved_shape(rule);
  rule.set_tensor(0, info.dtype_rule == DTypeRule::kInt64 ? DType::kInt64 : rule.dtype(0), shape);
  rule.set_tensor(1, DType::kInt64, shape);
  return true;
}

}  // namespace tsc::ir::inference
