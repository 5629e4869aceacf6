// Factorisations of small and medium matrices: row-major, contiguous, in double whatever the caller's dtype; T is
// double or Complex<double>.
#pragma once

#include "runtime/core/compiler.h"
#include "runtime/core/types.h"

namespace tsc::linalg {

inline constexpr double kEpsilon = 0x1p-53;

inline double conjugate(double x) { return x; }
inline Complex<double> conjugate(Complex<double> z) { return {z.real, -z.imag}; }
inline double real_part(double x) { return x; }
inline double real_part(Complex<double> z) { return z.real; }
inline double imaginary_part(double) { return 0; }
inline double imaginary_part(Complex<double> z) { return z.imag; }
inline double size_of(double x) { return __builtin_fabs(x); }
inline double size_of(Complex<double> z) { return __builtin_hypot(z.real, z.imag); }
// By which LAPACK chooses pivots.
inline double sum_of_parts(double x) { return __builtin_fabs(x); }
inline double sum_of_parts(Complex<double> z) { return __builtin_fabs(z.real) + __builtin_fabs(z.imag); }

template <class T>
void swap_rows(T* a, i64 columns, i64 i, i64 j) {
  for (i64 c = 0; i != j && c < columns; ++c) {
    const T x = a[i * columns + c];
    a[i * columns + c] = a[j * columns + c];
    a[j * columns + c] = x;
  }
}

// A = P L U in place, L with a unit diagonal below it; row i was swapped with row pivots[i] - 1. Returns the number,
// from 1, of the first zero on U's diagonal, or 0.
template <class T>
int32_t lu_factor(T* a, i64 rows, i64 columns, int32_t* pivots) {
  int32_t singular = 0;
  for (i64 k = 0; k < rows && k < columns; ++k) {
    i64 best = k;
    for (i64 i = k + 1; i < rows; ++i) {
      if (sum_of_parts(a[i * columns + k]) > sum_of_parts(a[best * columns + k])) best = i;
    }
    pivots[k] = static_cast<int32_t>(best + 1);
    swap_rows(a, columns, k, best);
    const T pivot = a[k * columns + k];
    if (pivot == T(0)) {
      if (singular == 0) singular = static_cast<int32_t>(k + 1);
      continue;
    }
    for (i64 i = k + 1; i < rows; ++i) {
      const T factor = a[i * columns + k] = a[i * columns + k] / pivot;
      if (factor == T(0)) continue;
      for (i64 j = k + 1; j < columns; ++j) a[i * columns + j] = a[i * columns + j] - factor * a[k * columns + j];
    }
  }
  return singular;
}

enum class Triangle : uint8_t { kLower, kUpper };
enum class Diagonal : uint8_t { kGiven, kUnit };

// b = a^-1 b for a triangle of an n x n matrix, whose element (i, j) is at i * row + j * column.
template <class T>
void solve_triangular(const T* a, i64 row, i64 column, i64 n, Triangle triangle, Diagonal diagonal, T* b, i64 columns) {
  for (i64 step = 0; step < n; ++step) {
    const bool lower = triangle == Triangle::kLower;
    const i64 i = lower ? step : n - 1 - step;
    T* to = b + i * columns;
    for (i64 k = lower ? 0 : i + 1; k < (lower ? i : n); ++k) {
      const T factor = a[i * row + k * column];
      if (factor == T(0)) continue;
      for (i64 j = 0; j < columns; ++j) to[j] = to[j] - factor * b[k * columns + j];
    }
    if (diagonal == Diagonal::kUnit) continue;
    for (i64 j = 0; j < columns; ++j) to[j] = to[j] / a[i * row + i * column];
  }
}

// A = L L^H in place, from A's lower triangle; zeros above. Returns the order, from 1, of the first leading minor that
// is not positive, or 0. Of the diagonal the real parts count.
template <class T>
int32_t cholesky(T* a, i64 n) {
  for (i64 i = 0; i < n; ++i) {
    for (i64 j = 0; j <= i; ++j) {
      T sum = a[i * n + j];
      for (i64 k = 0; k < j; ++k) sum = sum - a[i * n + k] * conjugate(a[j * n + k]);
      if (i == j && !(real_part(sum) > 0)) return static_cast<int32_t>(i + 1);
      a[i * n + j] = i == j ? T(__builtin_sqrt(real_part(sum))) : sum / a[j * n + j];
    }
    for (i64 j = i + 1; j < n; ++j) a[i * n + j] = T(0);
  }
  return 0;
}

// a = (1 - tau v v^H) a for columns `first` on, where v is 1 at `row` and below it what column `at` of `vectors` has.
template <class T>
void reflect(const T* vectors, i64 stride, i64 at, T tau, T* a, i64 rows, i64 columns, i64 row, i64 first) {
  for (i64 j = first; !(tau == T(0)) && j < columns; ++j) {
    T sum = a[row * columns + j];
    for (i64 i = row + 1; i < rows; ++i) sum = sum + conjugate(vectors[i * stride + at]) * a[i * columns + j];
    sum = sum * tau;
    a[row * columns + j] = a[row * columns + j] - sum;
    for (i64 i = row + 1; i < rows; ++i) a[i * columns + j] = a[i * columns + j] - sum * vectors[i * stride + at];
  }
}

// A = Q R in place: R above, and below the diagonal the vectors of Householder's reflections, whose product is Q. The
// diagonal of R is real and has the sign opposite to what is reflected there, as LAPACK's, which reflects by
// conjugates.
template <class T>
void qr_factor(T* a, i64 rows, i64 columns, T* tau) {
  for (i64 k = 0; k < rows && k < columns; ++k) {
    double below = 0;
    for (i64 i = k + 1; i < rows; ++i) below = __builtin_hypot(below, size_of(a[i * columns + k]));
    const T head = a[k * columns + k];
    tau[k] = T(0);
    if (below == 0 && imaginary_part(head) == 0) continue;
    const double norm = __builtin_copysign(__builtin_hypot(size_of(head), below), -real_part(head));
    tau[k] = (T(norm) - head) / T(norm);
    for (i64 i = k + 1; i < rows; ++i) a[i * columns + k] = a[i * columns + k] / (head - T(norm));
    a[k * columns + k] = T(norm);
    reflect(a, columns, k, conjugate(tau[k]), a, rows, columns, k, k + 1);
  }
}

// The first `columns` columns of the product of `count` reflections.
template <class T>
void householder_product(const T* vectors, const T* tau, i64 count, T* q, i64 rows, i64 columns) {
  for (i64 i = 0; i < rows * columns; ++i) q[i] = T(i / columns == i % columns ? 1 : 0);
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
  template <class T>
  void apply(T& x, T& y) const {
    const T old = x;
    x = T(cosine) * x - T(sine) * y;
    y = T(sine) * old + T(cosine) * y;
  }
  template <class T>
  void apply(T* x, T* y, i64 n, i64 stride = 1) const {
    for (i64 i = 0; i < n; ++i) apply(x[i * stride], y[i * stride]);
  }
};
// Of a complex pair the phase is taken away first, which leaves a real one.
inline void turn(double*, i64, i64, double) {}
inline void turn(Complex<double>* x, i64 n, i64 stride, Complex<double> by) {
  for (i64 i = 0; i < n; ++i) x[i * stride] = x[i * stride] * by;
}
inline double phase_of(double x) { return x; }
inline Complex<double> phase_of(Complex<double> z) {
  const double size = size_of(z);
  return {z.real / size, z.imag / size};
}
inline double size_with_sign(double x) { return x; }
inline double size_with_sign(Complex<double> z) { return size_of(z); }

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

// A = V diag(values) V^H for a symmetric or a Hermitian A, which is lost; the rows of `vectors` are the eigenvectors,
// which may be left out (null). Values ascend.
template <class T>
void eigh(T* a, i64 n, double* values, T* vectors) {
  for (i64 i = 0; vectors != nullptr && i < n * n; ++i) vectors[i] = T(i / n == i % n ? 1 : 0);
  double largest = 0;
  for (i64 i = 0; i < n * n; ++i) largest = max(largest, size_of(a[i]));
  bool changed = true;
  for (int sweep = 0; changed && sweep < kMaxSweeps; ++sweep) {
    changed = false;
    for (i64 p = 0; p < n; ++p) {
      for (i64 q = p + 1; q < n; ++q) {
        const T apq = a[p * n + q];
        if (!(size_of(apq) > kEpsilon / 16 * largest)) continue;
        changed = true;
        const T phase = phase_of(apq);
        turn(a + q * n, n, 1, phase);
        turn(a + q, n, n, conjugate(phase));
        if (vectors != nullptr) turn(vectors + q * n, n, 1, conjugate(phase));
        const double app = real_part(a[p * n + p]), aqq = real_part(a[q * n + q]);
        const Rotation rotation = Rotation::of(app, size_with_sign(apq), aqq);
        rotation.apply(a + p * n, a + q * n, n);
        rotation.apply(a + p, a + q, n, n);
        a[p * n + q] = a[q * n + p] = T(0);
        if (vectors != nullptr) rotation.apply(vectors + p * n, vectors + q * n, n);
      }
    }
  }
  for (i64 i = 0; i < n; ++i) values[i] = real_part(a[i * n + i]);
  const auto ascending = [](double x, double y) { return x < y; };
  sort_keys(values, n, ascending, [&](i64 i, i64 j) {
    if (vectors != nullptr) swap_rows(vectors, n, i, j);
  });
}

// The sum of x conj(y).
template <class T>
T dot(const T* x, const T* y, i64 n) {
  T sum = T(0);
  for (i64 i = 0; i < n; ++i) sum = sum + x[i] * conjugate(y[i]);
  return sum;
}
template <class T>
double square_of(const T* x, i64 n) {
  return real_part(dot(x, x, n));
}

// Makes rows `first` to `last` of length n orthonormal to all before them: of the unit vectors, those with the most
// left outside of the span of the rows so far.
template <class T>
void complete_basis(T* rows, i64 first, i64 last, i64 n) {
  for (i64 r = first; r < last; ++r) {
    i64 best = 0;
    double most = -1;
    for (i64 e = 0; e < n; ++e) {
      double left = 1;
      for (i64 k = 0; k < r; ++k) left -= square_of(rows + k * n + e, 1);
      if (left > most) {
        most = left;
        best = e;
      }
    }
    T* row = rows + r * n;
    for (i64 i = 0; i < n; ++i) row[i] = T(i == best ? 1 : 0);
    for (int twice = 0; twice < 2; ++twice) {
      for (i64 k = 0; k < r; ++k) {
        const T part = dot(row, rows + k * n, n);
        for (i64 i = 0; i < n; ++i) row[i] = row[i] - part * rows[k * n + i];
      }
    }
    const double norm = __builtin_sqrt(square_of(row, n));
    for (i64 i = 0; i < n; ++i) row[i] = row[i] / T(norm);
  }
}

// W = V diag(values) U for W of `count` rows of length n >= count: rotations of the rows make them orthogonal (M. R.
// Hestenes, 1958). W becomes the first rows of U, `rotations` V^H, count x count; values descend. Rows
// of U without a value are left for complete_basis; returns how many there are with one.
template <class T>
i64 svd(T* w, i64 count, i64 n, double* values, T* rotations) {
  for (i64 i = 0; i < count * count; ++i) rotations[i] = T(i / count == i % count ? 1 : 0);
  // Scaled, so that no square overflows or vanishes.
  double largest = 0;
  for (i64 i = 0; i < count * n; ++i) largest = max(largest, size_of(w[i]));
  const double scale = largest > 0 ? largest : 1;
  for (i64 i = 0; i < count * n; ++i) w[i] = w[i] / T(scale);
  const double tolerance = kEpsilon * (4 + __builtin_sqrt(static_cast<double>(n)));  // about the error of a product
  bool changed = true;
  for (int sweep = 0; changed && sweep < kMaxSweeps; ++sweep) {
    changed = false;
    for (i64 p = 0; p < count; ++p) {
      for (i64 q = p + 1; q < count; ++q) {
        T *x = w + p * n, *y = w + q * n;
        const double xx = square_of(x, n), yy = square_of(y, n);
        const T xy = dot(x, y, n);
        if (!(size_of(xy) > tolerance * __builtin_sqrt(xx) * __builtin_sqrt(yy))) continue;
        changed = true;
        turn(y, n, 1, phase_of(xy));
        turn(rotations + q * count, count, 1, phase_of(xy));
        const Rotation rotation = Rotation::of(xx, size_with_sign(xy), yy);
        rotation.apply(x, y, n);
        rotation.apply(rotations + p * count, rotations + q * count, count);
      }
    }
  }
  for (i64 i = 0; i < count; ++i) values[i] = __builtin_sqrt(square_of(w + i * n, n));
  const auto descending = [](double x, double y) { return x > y; };
  sort_keys(values, count, descending, [&](i64 i, i64 j) {
    swap_rows(w, n, i, j);
    swap_rows(rotations, count, i, j);
  });
  i64 rank = 0;
  for (; rank < count && values[rank] > 0; ++rank) {
    for (i64 j = 0; j < n; ++j) w[rank * n + j] = w[rank * n + j] / T(values[rank]);
  }
  for (i64 i = 0; i < count; ++i) values[i] *= scale;
  return rank;
}

}  // namespace tsc::linalg
