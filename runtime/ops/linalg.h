// Linear algebra on batches of float, double and complex matrices: checks in PyTorch's words, and
// runtime/kernels/linalg.h for each matrix in double. A singular matrix is told in `info`; whether that is an error is
// up to the ops made of these.
#pragma once

#include "runtime/kernels/linalg.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

namespace linalg_checks {

inline bool matrices(Context& ctx, const Tensor& a, const char* op) {
  if (!ctx.ok()) return false;
  const DType dtype = a.dtype();
  if (a.dim() < 2) {
    ctx.fail(ErrorKind::kRuntime, "%s: The input tensor A must have at least 2 dimensions.", op);
  } else if (dtype != DType::kFloat32 && dtype != DType::kFloat64 && !is_complex(dtype)) {
    ctx.fail(ErrorKind::kRuntime, "%s: Expected a floating point or complex tensor as input. Got %s", op,
             scalar_type_name(dtype));
  }
  return ctx.ok();
}
inline bool square(Context& ctx, const Tensor& a, const char* op) {
  if (!matrices(ctx, a, op)) return false;
  const i64 rows = a.size(a.dim() - 2), columns = a.size(a.dim() - 1);
  if (rows != columns) {
    ctx.fail(ErrorKind::kRuntime, "%s: A must be batches of square matrices, but they are %lld by %lld matrices", op,
             static_cast<long long>(rows), static_cast<long long>(columns));
  }
  return ctx.ok();
}
inline bool same_dtypes(Context& ctx, const Tensor& a, const Tensor& b, const char* op) {
  if (ctx.ok() && a.dtype() != b.dtype()) {
    ctx.fail(ErrorKind::kRuntime,
             "%s: Expected A and B to have the same dtype, but found A of type %s and B of type %s instead", op,
             scalar_type_name(a.dtype()), scalar_type_name(b.dtype()));
  }
  return ctx.ok();
}

}  // namespace linalg_checks

inline DType wide_elements(const Tensor& t) { return is_complex(t.dtype()) ? DType::kComplex128 : DType::kFloat64; }
// Calls `f.operator()<T>()` with the type in which matrices of the dtype are factorised.
template <class F>
void with_wide_elements(const Tensor& t, F f) {
  if (is_complex(t.dtype())) {
    f.template operator()<Complex<double>>();
  } else {
    f.template operator()<double>();
  }
}

// The sizes of a batch of matrices; row-major in double, `matrix(i)` is one of them.
struct Matrices {
  Tensor data;
  i64 count = 0, rows = 0, columns = 0;

  // A copy, to be factorised in place.
  static Matrices copy(Context& ctx, const Tensor& t) { return Matrices(contiguous_copy(ctx, t, wide_elements(t))); }
  static Matrices empty(Context& ctx, Sizes batch, i64 rows, i64 columns, DType dtype = DType::kFloat64) {
    Shape shape(batch);
    shape.push(rows);
    shape.push(columns);
    return Matrices(Tensor::empty(ctx, dtype, shape));
  }
  explicit Matrices(const Tensor& t) : data(t) {
    if (t.dim() < 2) return;
    rows = t.size(t.dim() - 2);
    columns = t.size(t.dim() - 1);
    count = 1;
    for (i64 d = 0; d < t.dim() - 2; ++d) count *= t.size(d);
  }
  template <class T = double>
  T* matrix(i64 i) const {
    return data.data<T>() + i * rows * columns;
  }
  Sizes batch() const { return Sizes(data.sizes().data(), data.dim() - 2); }
  i64 smaller() const { return tsc::min(rows, columns); }
};
// A vector of `length` for each matrix; a number for each without a length.
inline Tensor for_each_matrix(Context& ctx, const Matrices& m, DType dtype, i64 length = -1) {
  if (!ctx.ok()) return {};
  Shape shape(m.batch());
  if (length >= 0) shape.push(length);
  return Tensor::empty(ctx, dtype, shape);
}

// Factors lie column by column, as LAPACK leaves them.
inline Tensor column_major(Context& ctx, const Tensor& matrices, DType dtype) {
  return transpose(ctx, contiguous_copy(ctx, transpose(ctx, matrices, -2, -1), dtype), -2, -1);
}

inline Tuple<Tensor, Tensor, Tensor> linalg_lu_factor_ex(Context& ctx, const Tensor& a, bool pivot = true,
                                                         bool = false) {
  if (!linalg_checks::matrices(ctx, a, "linalg.lu_factor")) return {};
  if (!pivot)
    return ctx.fail(ErrorKind::kRuntime, "linalg.lu_factor: LU without pivoting is not implemented on the CPU");
  const Matrices lu = Matrices::copy(ctx, a);
  const Tensor pivots = for_each_matrix(ctx, lu, DType::kInt32, lu.smaller()),
               info = for_each_matrix(ctx, lu, DType::kInt32);
  if (!ctx.ok()) return {};
  with_wide_elements(a, [&]<class T>() {
    for (i64 i = 0; i < lu.count; ++i) {
      info.data<int32_t>()[i] =
          linalg::lu_factor(lu.matrix<T>(i), lu.rows, lu.columns, pivots.data<int32_t>() + i * lu.smaller());
    }
  });
  return {column_major(ctx, lu.data, a.dtype()), pivots, info};
}

inline bool pivots_ok(Context& ctx, const Matrices& lu, const Tensor& pivots) {
  bool ok = pivots.dtype() == DType::kInt32 && pivots.dim() == lu.data.dim() - 1 &&
            same_sizes(lu.batch(), Sizes(pivots.sizes().data(), pivots.dim() - 1)) &&
            pivots.size(pivots.dim() - 1) == lu.smaller();
  for (i64 i = 0; ok && i < pivots.numel(); ++i) {
    ok = pivots.data<int32_t>()[i] >= 1 && pivots.data<int32_t>()[i] <= lu.rows;
  }
  if (!ok)
    ctx.fail(ErrorKind::kRuntime, "torch.lu_unpack: LU_pivots must be int32 numbers of rows, of the batch of LU_data");
  return ok;
}
inline Tuple<Tensor, Tensor, Tensor> lu_unpack(Context& ctx, const Tensor& lu_data, const Tensor& lu_pivots,
                                               bool unpack_data = true, bool unpack_pivots = true) {
  if (!linalg_checks::matrices(ctx, lu_data, "torch.lu_unpack")) return {};
  const Tensor nothing = Tensor::empty(ctx, lu_data.dtype(), dims(0));
  const Matrices lu = Matrices::copy(ctx, lu_data);
  const Tensor pivots = contiguous_as(ctx, lu_pivots, lu_pivots.dtype());
  if (!ctx.ok() || (unpack_pivots && !pivots_ok(ctx, lu, pivots))) return {};
  const i64 inner = lu.smaller();
  Tensor results[3] = {nothing, nothing, nothing};
  if (unpack_data) {
    const Matrices lower = Matrices::empty(ctx, lu.batch(), lu.rows, inner, lu.data.dtype());
    const Matrices upper = Matrices::empty(ctx, lu.batch(), inner, lu.columns, lu.data.dtype());
    if (!ctx.ok()) return {};
    with_wide_elements(lu_data, [&]<class T>() {
      for (i64 m = 0; m < lu.count; ++m) {
        const T* from = lu.matrix<T>(m);
        for (i64 i = 0; i < lu.rows; ++i) {
          for (i64 j = 0; j < inner; ++j) {
            lower.matrix<T>(m)[i * inner + j] = i > j ? from[i * lu.columns + j] : T(i == j ? 1 : 0);
          }
          for (i64 j = 0; i < inner && j < lu.columns; ++j) {
            upper.matrix<T>(m)[i * lu.columns + j] = i <= j ? from[i * lu.columns + j] : T(0);
          }
        }
      }
    });
    results[1] = converted(ctx, lower.data, lu_data.dtype());
    results[2] = converted(ctx, upper.data, lu_data.dtype());
  }
  if (unpack_pivots) {
    const Matrices permutation = Matrices::empty(ctx, lu.batch(), lu.rows, lu.rows);
    const Scratch scratch(ctx, static_cast<size_t>(lu.rows + 1) * sizeof(i64));
    if (!ctx.ok()) return {};
    i64* row = reinterpret_cast<i64*>(scratch.data());  // what row each row of L U is in A
    for (i64 m = 0; m < lu.count; ++m) {
      for (i64 i = 0; i < lu.rows; ++i) row[i] = i;
      for (i64 i = 0; i < inner; ++i) swap(row[i], row[pivots.data<int32_t>()[m * inner + i] - 1]);
      for (i64 i = 0; i < lu.rows * lu.rows; ++i) permutation.matrix(m)[i] = 0;
      for (i64 i = 0; i < lu.rows; ++i) permutation.matrix(m)[row[i] * lu.rows + i] = 1;
    }
    results[0] = converted(ctx, permutation.data, lu_data.dtype());
  }
  return {results[0], results[1], results[2]};
}

// Solves A X = B, or X A = B where A is not left: that is A^T X^T = B^T.
inline Tensor linalg_solve_triangular(Context& ctx, const Tensor& a, const Tensor& b, bool upper, bool left = true,
                                      bool unitriangular = false) {
  constexpr const char* kName = "linalg.solve_triangular";
  if (!linalg_checks::same_dtypes(ctx, a, b, kName) || !linalg_checks::square(ctx, a, kName) ||
      !linalg_checks::matrices(ctx, b, kName)) {
    return {};
  }
  const i64 n = a.size(a.dim() - 1), rows = b.size(b.dim() - 2), columns = b.size(b.dim() - 1);
  if ((left ? rows : columns) != n) {
    return ctx.fail(
        ErrorKind::kRuntime,
        "linalg.solve_triangular: Incompatible shapes of A and B for the equation %s (%lldx%lld and %lldx%lld)",
        left ? "AX = B" : "XA = B", static_cast<long long>(n), static_cast<long long>(n), static_cast<long long>(rows),
        static_cast<long long>(columns));
  }
  Shape batch(Sizes(a.sizes().data(), a.dim() - 2));
  if (!broadcast(ctx, batch, Sizes(b.sizes().data(), b.dim() - 2))) return {};
  Shape a_shape(batch), b_shape(batch);
  a_shape.push(n);
  a_shape.push(n);
  b_shape.push(rows);
  b_shape.push(columns);
  const Tensor right_side = expand_sizes(ctx, b, b_shape);
  const Matrices triangle(contiguous_as(ctx, expand_sizes(ctx, a, a_shape), wide_elements(a)));
  const Matrices x = Matrices::copy(ctx, left ? right_side : transpose(ctx, right_side, -2, -1));
  if (!ctx.ok()) return {};
  const linalg::Diagonal diagonal = unitriangular ? linalg::Diagonal::kUnit : linalg::Diagonal::kGiven;
  const linalg::Triangle side = upper == left ? linalg::Triangle::kUpper : linalg::Triangle::kLower;
  with_wide_elements(a, [&]<class T>() {
    for (i64 i = 0; i < x.count; ++i) {
      linalg::solve_triangular(triangle.matrix<T>(i), left ? n : 1, left ? 1 : n, n, side, diagonal, x.matrix<T>(i),
                               x.columns);
    }
  });
  return converted(ctx, left ? x.data : transpose(ctx, x.data, -2, -1), a.dtype());
}

// The upper factor is the conjugate of the lower one of the conjugate matrix, transposed.
inline void conjugate_all(const Tensor& wide) {
  if (!is_complex(wide.dtype())) return;
  for (i64 i = 0; i < wide.numel(); ++i) {
    wide.data<Complex<double>>()[i] = linalg::conjugate(wide.data<Complex<double>>()[i]);
  }
}
inline Tuple<Tensor, Tensor> linalg_cholesky_ex(Context& ctx, const Tensor& self, bool upper = false, bool = false) {
  if (!linalg_checks::square(ctx, self, "linalg.cholesky")) return {};
  const Matrices factor = Matrices::copy(ctx, upper ? transpose(ctx, self, -2, -1) : self);
  const Tensor info = for_each_matrix(ctx, factor, DType::kInt32);
  if (!ctx.ok()) return {};
  if (upper) conjugate_all(factor.data);
  with_wide_elements(self, [&]<class T>() {
    for (i64 i = 0; i < factor.count; ++i) info.data<int32_t>()[i] = linalg::cholesky(factor.matrix<T>(i), factor.rows);
  });
  if (!upper) return {column_major(ctx, factor.data, self.dtype()), info};
  conjugate_all(factor.data);
  return {transpose(ctx, converted(ctx, factor.data, self.dtype()), -2, -1), info};
}

inline Tuple<Tensor, Tensor> geqrf(Context& ctx, const Tensor& self) {
  if (!linalg_checks::matrices(ctx, self, "torch.geqrf")) return {};
  const Matrices qr = Matrices::copy(ctx, self);
  const Tensor tau = for_each_matrix(ctx, qr, qr.data.dtype(), qr.smaller());
  if (!ctx.ok()) return {};
  with_wide_elements(self, [&]<class T>() {
    for (i64 i = 0; i < qr.count; ++i) {
      linalg::qr_factor(qr.matrix<T>(i), qr.rows, qr.columns, tau.data<T>() + i * qr.smaller());
    }
  });
  return {column_major(ctx, qr.data, self.dtype()), converted(ctx, tau, self.dtype())};
}
inline Tensor linalg_householder_product(Context& ctx, const Tensor& input, const Tensor& tau) {
  constexpr const char* kName = "torch.linalg.householder_product";
  if (!linalg_checks::matrices(ctx, input, kName)) return {};
  const Matrices vectors = Matrices::copy(ctx, input);
  const Tensor factors = contiguous_as(ctx, tau, wide_elements(input));
  if (!ctx.ok()) return {};
  const i64 count = tau.dim() == 0 ? 1 : tau.size(tau.dim() - 1);
  const bool fits = tau.dim() == input.dim() - 1 && tau.dtype() == input.dtype() &&
                    same_sizes(vectors.batch(), Sizes(tau.sizes().data(), tau.dim() - 1));
  if (!fits || vectors.rows < vectors.columns || vectors.columns < count) {
    return ctx.fail(
        ErrorKind::kRuntime,
        "%s: tau must have the dtype and the batch of input, and no more elements than the columns of input, "
        "which are no more than its rows",
        kName);
  }
  const Matrices q = Matrices::empty(ctx, vectors.batch(), vectors.rows, vectors.columns, vectors.data.dtype());
  if (!ctx.ok()) return {};
  with_wide_elements(input, [&]<class T>() {
    for (i64 i = 0; i < q.count; ++i) {
      linalg::householder_product(vectors.matrix<T>(i), factors.data<T>() + i * count, count, q.matrix<T>(i), q.rows,
                                  q.columns);
    }
  });
  return column_major(ctx, q.data, input.dtype());
}

template <class T>
bool is_finite(const T* x, i64 n) {
  for (i64 i = 0; i < n; ++i) {
    if (!(linalg::sum_of_parts(x[i]) < __builtin_inf())) return false;
  }
  return true;
}

// A = U diag(S) Vh. The longer side's vectors are rows of `basis`, made of A's rows or columns; the shorter side's are
// the rotations that made them.
inline Tuple<Tensor, Tensor, Tensor> svd_factors(Context& ctx, const Tensor& self, bool full_matrices = false,
                                                 bool compute_uv = true, const Optional<Str>& = None()) {
  if (!linalg_checks::matrices(ctx, self, "linalg.svd")) return {};
  const bool is_tall = self.size(self.dim() - 2) >= self.size(self.dim() - 1);
  const Matrices a = Matrices::copy(ctx, is_tall ? transpose(ctx, self, -2, -1) : self);
  if (!ctx.ok()) return {};
  const i64 count = a.rows, length = a.columns, basis_rows = full_matrices && compute_uv ? length : count;
  const Matrices basis = Matrices::empty(ctx, a.batch(), basis_rows, length, a.data.dtype());
  const Matrices rotations = Matrices::empty(ctx, a.batch(), count, count, a.data.dtype());
  const Tensor values = for_each_matrix(ctx, a, DType::kFloat64, count);
  const Tensor nothing = Tensor::empty(ctx, self.dtype(), dims(0));
  if (!ctx.ok()) return {};
  with_wide_elements(self, [&]<class T>() {
    for (i64 i = 0; i < a.count; ++i) {
      T* const rows = basis.matrix<T>(i);
      if (!is_finite(a.matrix<T>(i), count * length)) {
        ctx.fail(ErrorKind::kRuntime,
                 "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values.");
        return;
      }
      libc::memcpy(rows, a.matrix<T>(i), static_cast<size_t>(count * length) * sizeof(T));
      const i64 rank = linalg::svd(rows, count, length, values.data<double>() + i * count, rotations.matrix<T>(i));
      if (compute_uv) linalg::complete_basis(rows, rank, basis_rows, length);
    }
  });
  const Tensor singular = converted(ctx, values, real_dtype(self.dtype()));
  if (!compute_uv || !ctx.ok()) return {nothing, singular, nothing};
  // The rotations are those of A or of its transpose, whose vectors are the conjugates'.
  conjugate_all(rotations.data);
  const Tensor left = transpose(ctx, is_tall ? basis.data : rotations.data, -2, -1);
  const Tensor right = is_tall ? rotations.data : basis.data;
  return {converted(ctx, left, self.dtype()), singular, converted(ctx, right, self.dtype())};
}

// The eigenvalues and eigenvectors of the symmetric or Hermitian matrices of which one triangle is given. NaN where it
// is not finite.
inline Tuple<Tensor, Tensor> eigh_factors(Context& ctx, const Tensor& self, const Str& uplo, bool compute_v = true) {
  if (!linalg_checks::square(ctx, self, "linalg.eigh")) return {};
  const char side = uplo.size() == 1 ? static_cast<char>(uplo.data()[0] | 0x20) : 0;
  if (side != 'l' && side != 'u') {
    return ctx.fail(ErrorKind::kRuntime, "Expected UPLO argument to be 'L' or 'U', but got %.*s",
                    static_cast<int>(uplo.size()), uplo.data());
  }
  const Matrices a = Matrices::copy(ctx, side == 'l' ? self : transpose(ctx, self, -2, -1));
  if (!ctx.ok()) return {};
  if (side == 'u') conjugate_all(a.data);
  const i64 n = a.rows;
  const DType wide = a.data.dtype();
  const Matrices vectors =
      compute_v ? Matrices::empty(ctx, a.batch(), n, n, wide) : Matrices(Tensor::empty(ctx, wide, dims(0)));
  const Tensor values = for_each_matrix(ctx, a, DType::kFloat64, n);
  if (!ctx.ok()) return {};
  with_wide_elements(self, [&]<class T>() {
    for (i64 i = 0; i < a.count; ++i) {
      T* const matrix = a.matrix<T>(i);
      for (i64 r = 0; r < n; ++r) {
        matrix[r * n + r] = T(linalg::real_part(matrix[r * n + r]));
        for (i64 c = r + 1; c < n; ++c) matrix[r * n + c] = linalg::conjugate(matrix[c * n + r]);
      }
      T* const to = compute_v ? vectors.matrix<T>(i) : nullptr;
      if (is_finite(matrix, n * n)) {
        linalg::eigh(matrix, n, values.data<double>() + i * n, to);
        continue;
      }
      for (i64 k = 0; k < n; ++k) values.data<double>()[i * n + k] = __builtin_nan("");
      for (i64 k = 0; compute_v && k < n * n; ++k) to[k] = T(__builtin_nan(""));
    }
  });
  const Tensor columns = compute_v ? transpose(ctx, vectors.data, -2, -1) : vectors.data;
  return {converted(ctx, values, real_dtype(self.dtype())), converted(ctx, columns, self.dtype())};
}

}  // namespace tsc::ops
