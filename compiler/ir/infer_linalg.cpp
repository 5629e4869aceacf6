// Linear algebra: results for each matrix of a batch, the last two dims.
#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

// Operand `i` as a batch of matrices.
struct Batch {
  Dims batch;
  Dim rows, columns;

  Shape matrices(const Dim& m, const Dim& n) const {
    Dims result = batch;
    result.push_back(m);
    result.push_back(n);
    return result;
  }
  Shape vectors(const Dim& n) const {
    Dims result = batch;
    result.push_back(n);
    return result;
  }
  Dim smaller() const { return rows == columns ? rows : Dim::make(Dim::AtomKind::kMin, rows, columns); }
};
std::optional<Batch> batch_of(const Rule& rule, size_t i) {
  const Shape shape = rule.shape(i);
  if (!shape || shape->size() < 2) return std::nullopt;
  return Batch{{shape->begin(), shape->end() - 2}, (*shape)[shape->size() - 2], shape->back()};
}

}  // namespace

bool infer_linalg(const Rule& rule) {
  if (rule.node.form != Form::kFunctional) return false;
  const auto a = batch_of(rule, 0);
  const DType dtype = rule.dtype(0);
  switch (rule.node.op) {
    case Op::linalg_lu_factor_ex:
      rule.set_tensor(0, dtype, rule.shape(0));
      rule.set_tensor(1, DType::kInt32, a ? a->vectors(a->smaller()) : std::nullopt);
      rule.set_tensor(2, DType::kInt32, a ? Shape(a->batch) : std::nullopt);
      return true;
    case Op::lu_unpack: {
      const auto data = rule.boolean(2), pivots = rule.boolean(3);
      const bool known = a && data && pivots;
      const Dims nothing = {Dim(0)};
      rule.set_tensor(0, dtype, known ? *pivots ? a->matrices(a->rows, a->rows) : nothing : std::nullopt);
      rule.set_tensor(1, dtype, known ? *data ? a->matrices(a->rows, a->smaller()) : nothing : std::nullopt);
      rule.set_tensor(2, dtype, known ? *data ? a->matrices(a->smaller(), a->columns) : nothing : std::nullopt);
      return true;
    }
    case Op::linalg_solve_triangular: {
      const auto b = batch_of(rule, 1);
      const Shape batch = a && b ? rule.broadcast_shapes(a->batch, b->batch) : std::nullopt;
      rule.set_tensor(0, dtype,
                      batch ? Batch{*batch, b->rows, b->columns}.matrices(b->rows, b->columns) : std::nullopt);
      return true;
    }
    case Op::linalg_cholesky_ex:
      rule.set_tensor(0, dtype, rule.shape(0));
      rule.set_tensor(1, DType::kInt32, a ? Shape(a->batch) : std::nullopt);
      return true;
    case Op::geqrf:
      rule.set_tensor(0, dtype, rule.shape(0));
      rule.set_tensor(1, dtype, a ? a->vectors(a->smaller()) : std::nullopt);
      return true;
    case Op::svd_factors: {
      const auto full = rule.boolean(1), vectors = rule.boolean(2);
      const bool known = a && full && vectors;
      const Dims nothing = {Dim(0)};
      const Dim left = known ? (*full ? a->rows : a->smaller()) : Dim(0);
      const Dim right = known ? (*full ? a->columns : a->smaller()) : Dim(0);
      rule.set_tensor(0, dtype, known ? *vectors ? a->matrices(a->rows, left) : nothing : std::nullopt);
      rule.set_tensor(1, real_of(dtype), a ? a->vectors(a->smaller()) : std::nullopt);
      rule.set_tensor(2, dtype, known ? *vectors ? a->matrices(right, a->columns) : nothing : std::nullopt);
      return true;
    }
    case Op::eigh_factors: {
      const auto vectors = rule.boolean(2);
      rule.set_tensor(0, real_of(dtype), a ? a->vectors(a->rows) : std::nullopt);
      rule.set_tensor(1, dtype, a && vectors ? *vectors ? rule.shape(0) : Dims{Dim(0)} : std::nullopt);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace tsc::ir::inference
