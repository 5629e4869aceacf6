// Factorisations of small and medium matrices: row-major, contiguous, in double whatever the caller's dtype.
#pragma once

#include "runtime/core/compiler.h"
#include "runtime/core/types.h"

namespace tsc::linalg {

inline constexpr double kEpsilon = 0x1p-53;

inline void swap_rows(double* a, i64 columns, i64 i, i64 j) {
  for (i64 c = 0; i != j && c < columns; ++c) {
    const double x = a[i * columns + c];
    a[i * columns + c] = a[j * columns + c];
    a[j * columns + c] = x;
  }
}

// A = P L U in place, L with a unit diagonal below it; row i was swapped with row pivots[i] - 1. Returns the number,
// from 1, of the first zero on U's diagonal, or 0.
inline int32_t lu_factor(double* a, i64 rows, i64 columns, int32_t* pivots) {
  int32_t singular = 0;
  for (i64 k = 0; k < rows && k < columns; ++k) {
    i64 best = k;
    for (i64 i = k + 1; i < rows; ++i) {
      if (__builtin_fabs(a[i * columns + k]) > __builtin_fabs(a[best * columns + k])) best = i;
    }
    pivots[k] = static_cast<int32_t>(best + 1);
    swap_rows(a, columns, k, best);
    const double pivot = a[k * columns + k];
    if (pivot == 0) {
      if (singular == 0) singular = static_cast<int32_t>(k + 1);
      continue;
    }
    for (i64 i = k + 1; i < rows; ++i) {
      const double factor = a[i * columns + k] /= pivot;
      if (factor == 0) continue;
      for (i64 j = k + 1; j < columns; ++j) a[i * columns + j] -= factor * a[k * columns + j];
    }
  }
  return singular;
}

enum class Triangle : uint8_t { kLower, kUpper };
enum class Diagonal : uint8_t { kGiven, kUnit };

// b = a^-1 b for a triangle of an n x n matrix, whose element (i, j) is at i * row + j * column.
inline void solve_triangular(const double* a, i64 row, i64 column, i64 n, Triangle triangle, Diagonal diagonal,
                             double* b, i64 columns) {
  for (i64 step = 0; step < n; ++step) {
    const bool lower = triangle == Triangle::kLower;
    const i64 i = lower ? step : n - 1 - step;
    double* to = b + i * columns;
    for (i64 k = lower ? 0 : i + 1; k < (lower ? i : n); ++k) {
      const double factor = a[i * row + k * column];
      if (factor == 0) continue;
      for (i64 j = 0; j < columns; ++j) to[j] -= factor * b[k * columns + j];
    }
    if (diagonal == Diagonal::kUnit) continue;
    for (i64 j = 0; j < columns; ++j) to[j] /= a[i * row + i * column];
  }
}

// A = L L^T in place, from A's lower triangle; zeros above. Returns the order, from 1, of the first leading minor that
// is not positive, or 0.
inline int32_t cholesky(double* a, i64 n) {
  for (i64 i = 0; i < n; ++i) {
    for (i64 j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (i64 k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 0)) return static_cast<int32_t>(i + 1);
      a[i * n + j] = i == j ? __builtin_sqrt(sum) : sum / a[j * n + j];
    }
    for (i64 j = i + 1; j < n; ++j) a[i * n + j] = 0;
  }
  return 0;
}

// a = (1 - tau v v^T) a for columns `first` on, where v is 1 at `row` and below it what column `at` of `vectors` has.
inline void reflect(const double* vectors, i64 stride, i64 at, double tau, double* a, i64 rows, i64 columns, i64 row,
                    i64 first) {
  for (i64 j = first; tau != 0 && j < columns; ++j) {
    double sum = a[row * columns + j];
    for (i64 i = row + 1; i < rows; ++i) sum += vectors[i * stride + at] * a[i * columns + j];
    sum *= tau;
    a[row * columns + j] -= sum;
    for (i64 i = row + 1; i < rows; ++i) a[i * columns + j] -= sum * vectors[i * stride + at];
  }
}

// A = Q R in place: R above, and below the diagonal the vectors of Householder's reflections, whose product is Q. The
// diagonal of R has the sign opposite to what is reflected there, as LAPACK's.
inline void qr_factor(double* a, i64 rows, i64 columns, double* tau) {
  for (i64 k = 0; k < rows && k < columns; ++k) {
    double below = 0;
    for (i64 i = k + 1; i < rows; ++i) below = __builtin_hypot(below, a[i * columns + k]);
    const double head = a[k * columns + k];
    tau[k] = 0;
    if (below == 0) continue;
    const double norm = __builtin_copysign(__builtin_hypot(head, below), -head);
    tau[k] = (norm - head) / norm;
    for (i64 i = k + 1; i < rows; ++i) a[i * columns + k] /= head - norm;
    a[k * columns + k] = norm;
    reflect(a, columns, k, tau[k], a, rows, columns, k, k + 1);
  }
}

// The first `columns` columns of the product of `count` reflections.
inline void householder_product(const double* vectors, const double* tau, i64 count, double* q, i64 rows, i64 columns) {
  for (i64 i = 0; i < rows * columns; ++i) q[i] = i / columns == i % columns ? 1 : 0;
  for (i64 k = count - 1; k >= 0; --k) reflect(vectors, columns, k, tau[k], q, rows, columns, k, 0);
}

// Both below rotate by Jacobi's method, which is slow for large matrices but accurate, small parts included.
inline constexpr int kMaxSweeps = 60;

struct Rotation {
  double cosine, sine;
  // Of the two of a symmetric pair (a, b; b, c) that make b zero, the one of the smaller angle.
  static Rotation of(double a, double b, double c) {
    const double cotangent = (c - a) / (2 * b);
    const double tangent =
        __builtin_copysign(1, cotangent) / (__builtin_fabs(cotangent) + __builtin_hypot(1, cotangent));
    const double cosine = 1 / __builtin_hypot(1, tangent);
    return {cosine, tangent * cosine};
  }
  void apply(double& x, double& y) const {
    const double old = x;
    x = cosine * x - sine * y;
    y = sine * old + cosine * y;
  }
  void apply(double* x, double* y, i64 n, i64 stride = 1) const {
    for (i64 i = 0; i < n; ++i) apply(x[i * stride], y[i * stride]);
  }
};

// Puts keys in order, so that none is before the one ahead of it, and calls `move(i, j)` for keys that change places.
template <class Before, class Move>
void sort_keys(double* keys, i64 n, Before before, Move move) {
  for (i64 i = 0; i < n; ++i) {
    i64 best = i;
    for (i64 j = i + 1; j < n; ++j) {
      if (before(keys[j], keys[best])) best = j;
    }
    swap(keys[i], keys[best]);
    move(i, best);
  }
}

// A = V diag(values) V^T for a symmetric A, which is lost; the rows of `vectors` are the eigenvectors, which may be
// left out (null). Values ascend.
inline void eigh(double* a, i64 n, double* values, double* vectors) {
  for (i64 i = 0; vectors != nullptr && i < n * n; ++i) vectors[i] = i / n == i % n ? 1 : 0;
  double largest = 0;
  for (i64 i = 0; i < n * n; ++i) largest = max(largest, __builtin_fabs(a[i]));
  bool changed = true;
  for (int sweep = 0; changed && sweep < kMaxSweeps; ++sweep) {
    changed = false;
    for (i64 p = 0; p < n; ++p) {
      for (i64 q = p + 1; q < n; ++q) {
        const double app = a[p * n + p], apq = a[p * n + q], aqq = a[q * n + q];
        if (!(__builtin_fabs(apq) > kEpsilon / 16 * largest)) continue;
        changed = true;
        const Rotation rotation = Rotation::of(app, apq, aqq);
        rotation.apply(a + p * n, a + q * n, n);
        rotation.apply(a + p, a + q, n, n);
        a[p * n + q] = a[q * n + p] = 0;
        if (vectors != nullptr) rotation.apply(vectors + p * n, vectors + q * n, n);
      }
    }
  }
  for (i64 i = 0; i < n; ++i) values[i] = a[i * n + i];
  const auto ascending = [](double x, double y) { return x < y; };
  sort_keys(values, n, ascending, [&](i64 i, i64 j) {
    if (vectors != nullptr) swap_rows(vectors, n, i, j);
  });
}

inline double dot(const double* x, const double* y, i64 n) {
  double sum = 0;
  for (i64 i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

// Makes rows `first` to `last` of length n orthonormal to all before them: of the unit vectors, those with the most
// left outside of the span of the rows so far.
inline void complete_basis(double* rows, i64 first, i64 last, i64 n) {
  for (i64 r = first; r < last; ++r) {
    i64 best = 0;
    double most = -1;
    for (i64 e = 0; e < n; ++e) {
      double left = 1;
      for (i64 k = 0; k < r; ++k) left -= rows[k * n + e] * rows[k * n + e];
      if (left > most) {
        most = left;
        best = e;
      }
    }
    double* row = rows + r * n;
    for (i64 i = 0; i < n; ++i) row[i] = i == best ? 1 : 0;
    for (int twice = 0; twice < 2; ++twice) {
      for (i64 k = 0; k < r; ++k) {
        const double part = dot(row, rows + k * n, n);
        for (i64 i = 0; i < n; ++i) row[i] -= part * rows[k * n + i];
      }
    }
    const double norm = __builtin_sqrt(dot(row, row, n));
    for (i64 i = 0; i < n; ++i) row[i] /= norm;
  }
}

// W = V diag(values) U for W of `count` rows of length n >= count: rotations of the rows make them orthogonal (M. R.
// Hestenes, 1958). W becomes the first rows of U, `rotations` the transpose of V, count x count; values descend. Rows
// of U without a value are left for complete_basis; returns how many there are with one.
inline i64 svd(double* w, i64 count, i64 n, double* values, double* rotations) {
  for (i64 i = 0; i < count * count; ++i) rotations[i] = i / count == i % count ? 1 : 0;
  // Scaled, so that no square overflows or vanishes.
  double largest = 0;
  for (i64 i = 0; i < count * n; ++i) largest = max(largest, __builtin_fabs(w[i]));
  const double scale = largest > 0 ? largest : 1;
  for (i64 i = 0; i < count * n; ++i) w[i] /= scale;
  const double tolerance = kEpsilon * (4 + __builtin_sqrt(static_cast<double>(n)));  // about the error of a product
  bool changed = true;
  for (int sweep = 0; changed && sweep < kMaxSweeps; ++sweep) {
    changed = false;
    for (i64 p = 0; p < count; ++p) {
      for (i64 q = p + 1; q < count; ++q) {
        double *x = w + p * n, *y = w + q * n;
        const double xx = dot(x, x, n), xy = dot(x, y, n), yy = dot(y, y, n);
        if (!(__builtin_fabs(xy) > tolerance * __builtin_sqrt(xx) * __builtin_sqrt(yy))) continue;
        changed = true;
        const Rotation rotation = Rotation::of(xx, xy, yy);
        rotation.apply(x, y, n);
        rotation.apply(rotations + p * count, rotations + q * count, count);
      }
    }
  }
  for (i64 i = 0; i < count; ++i) values[i] = __builtin_sqrt(dot(w + i * n, w + i * n, n));
  const auto descending = [](double x, double y) { return x > y; };
  sort_keys(values, count, descending, [&](i64 i, i64 j) {
    swap_rows(w, n, i, j);
    swap_rows(rotations, count, i, j);
  });
  i64 rank = 0;
  for (; rank < count && values[rank] > 0; ++rank) {
    for (i64 j = 0; j < n; ++j) w[rank * n + j] /= values[rank];
  }
  for (i64 i = 0; i < count; ++i) values[i] *= scale;
  return rank;
}

}  // namespace tsc::linalg
