// Text of tensors, as str(), format() and print() write them: columns of numbers in a common format, matrix by matrix,
// then type and sizes. PyTorch's rules, quirks included, since programs may compare what they print. Complex numbers
// lose their imaginary part, as PyTorch's do.
#pragma once

#include "runtime/ops/text.h"

namespace tsc::ops {

inline constexpr i64 kLineBytes = 80;

// The numbers of the last two dimensions from `at` on; those of a vector are one row.
struct Matrix {
  Matrix(const Tensor& t, const char* begin) : at(begin), dtype(t.dtype()) {
    const i64 last = t.dim() - 1;
    columns = t.size(last);
    column_bytes = t.stride(last) * t.element_size();
    if (last == 0) return;
    rows = t.size(last - 1);
    row_bytes = t.stride(last - 1) * t.element_size();
  }
  double get(i64 row, i64 column) const { return number(at + row * row_bytes + column * column_bytes, dtype); }
  static double number(const char* at, DType dtype) {
    const Scalar x = load_scalar(at, dtype);
    return x.is_complex() ? x.to_complex().real : x.to_double();
  }

  const char* at;
  DType dtype;
  i64 rows = 1, columns = 0, row_bytes = 0, column_bytes = 0;
};

// How all numbers of a vector or matrix are written.
struct NumberFormat {
  enum class Style { kShortest, kFixed, kScientific };
  Style style = Style::kShortest;
  int width = 0;
  double scale = 1;  // the numbers are divided by it, and it is written once

  static NumberFormat of(const Matrix& m);
  void write(Text& text, double x) const {
    char buffer[400];
    const char* format = style == Style::kShortest ? "%*.6g" : style == Style::kFixed ? "%*.4f" : "%*.4e";
    const int size = x != x ? libc::snprintf(buffer, sizeof buffer, "%*s", width, "nan")
                            : libc::snprintf(buffer, sizeof buffer, format, width, x / scale);
    text.add(buffer, size);
  }
  void write_scale(Text& text) const {
    char buffer[40];
    text.add(buffer, libc::snprintf(buffer, sizeof buffer, "%.17g *\n", scale));
  }
};

// Decimal digits before the point; negative for small fractions.
inline double digits_of(double magnitude) {
  return magnitude == 0 ? 1 : __builtin_floor(__builtin_log10(magnitude)) + 1;
}

inline NumberFormat NumberFormat::of(const Matrix& m) {
  bool whole = true, any = false;
  double smallest = 1, largest = 1;
  for (i64 i = 0; i < m.rows * m.columns; ++i) {
    const double x = m.get(i / m.columns, i % m.columns);
    if (!__builtin_isfinite(x)) continue;
    const double size = __builtin_fabs(x);
    whole = whole && x == __builtin_ceil(x);
    smallest = any ? tsc::min(smallest, size) : size;
    largest = any ? tsc::max(largest, size) : size;
    any = true;
  }
  const double least = any ? digits_of(smallest) : 1, most = any ? digits_of(largest) : 1;
  if (whole) {
    if (most > 9) return {.style = Style::kScientific, .width = 11};
    return {.width = static_cast<int>(most) + 1};
  }
  if (most - least > 4) {
    const bool is_long = __builtin_fabs(most) > 99 || __builtin_fabs(least) > 99;
    return {.style = Style::kScientific, .width = is_long ? 12 : 11};
  }
  if (most > 5 || most < 0) return {.style = Style::kFixed, .width = 7, .scale = __builtin_pow(10, most - 1)};
  return {.style = Style::kFixed, .width = most == 0 ? 7 : static_cast<int>(most) + 6};
}

inline void write_matrix(Text& text, const Matrix& m, i64 indent) {
  const NumberFormat format = NumberFormat::of(m);
  const i64 per_line = tsc::max<i64>((kLineBytes - indent) / (format.width + 1), 1);
  for (i64 first = 0; first < m.columns && text.context().ok(); first += per_line) {
    const i64 last = tsc::min(first + per_line, m.columns) - 1;
    if (per_line < m.columns) {
      text.add(first == 0 ? "Columns " : "\nColumns ");
      write_text(text, first + 1);
      text.add(" to ");
      write_text(text, last + 1);
      text.fill(' ', indent);
    }
    if (format.scale != 1) {
      format.write_scale(text);
      text.fill(' ', indent);
    }
    for (i64 row = 0; row < m.rows && text.context().ok(); ++row) {
      if (row > 0) text.fill(' ', indent + (format.scale != 1));
      for (i64 column = first; column <= last; ++column) {
        format.write(text, m.get(row, column));
        text.add(column == last ? '\n' : ' ');
      }
    }
  }
}

inline void write_text(Text& text, const Tensor& t) {
  if (t.dim() == 0) {
    char buffer[40];
    const double x = Matrix::number(t.bytes(), t.dtype());
    text.add(buffer, libc::snprintf(buffer, sizeof buffer, x != x ? "nan\n" : "%.17g\n", x));
  } else if (t.dim() == 1 && t.numel() > 0) {
    const Matrix column(t, t.bytes());
    const NumberFormat format = NumberFormat::of(column);
    if (format.scale != 1) format.write_scale(text);
    for (i64 i = 0; i < t.size(0) && text.context().ok(); ++i) {
      format.write(text, column.get(0, i));
      text.add('\n');
    }
  } else if (t.dim() == 2 && t.numel() > 0) {
    write_matrix(text, Matrix(t, t.bytes()), 0);
  } else if (t.numel() > 0) {
    // The first dimension counts fastest.
    const i64 outer = t.dim() - 2, matrices = t.numel() / (t.size(outer) * t.size(outer + 1));
    for (i64 i = 0; i < matrices && text.context().ok(); ++i) {
      text.add(i == 0 ? "(" : "\n(");
      const char* at = t.bytes();
      for (i64 d = 0, rest = i; d < outer; rest /= t.size(d++)) {
        at += rest % t.size(d) * t.stride(d) * t.element_size();
        write_text(text, rest % t.size(d) + 1);
        text.add(',');
      }
      text.add(".,.) = \n");
      write_matrix(text, Matrix(t, at), 1);
    }
  }
  text.add("[ CPU");
  text.add(scalar_type_name(t.dtype()));
  text.add("Type{");
  for (i64 d = 0; d < t.dim(); ++d) {
    if (d > 0) text.add(',');
    write_text(text, t.size(d));
  }
  text.add("} ]");
}

}  // namespace tsc::ops
