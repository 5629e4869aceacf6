// Matrix products. float32 goes through the blocked kernel; other dtypes through simple loops that accumulate in double
// (floats), or wrap (integers). Half precision is computed in float.
#pragma once

#include "runtime/kernels/gemm.h"
#include "runtime/kernels/gemm_integer.h"
#include "runtime/ops/pointwise.h"
#include "runtime/ops/reduction.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

inline bool same_dtype(Context& ctx, const Tensor& a, const Tensor& b) {
  if (ctx.ok() && a.dtype() != b.dtype()) {
    ctx.fail(ErrorKind::kRuntime, "expected m1 and m2 to have the same dtype, but got: %s != %s", dtype_name(a.dtype()),
             dtype_name(b.dtype()));
  }
  return ctx.ok();
}

// out[b][i][j] = sum over k of a[b][i][k] * b[b][k][j]; strides in elements, a batch stride of 0 broadcasts.
struct Product {
  i64 batch, rows, columns, depth;
  i64 a_batch, a_row, a_depth;
  i64 b_batch, b_depth, b_column;
};

inline void product_f32(Context& ctx, const Product& p, const float* a, const float* b, float* output) {
  constexpr int kRows = kLanes >= 16 ? 12 : kLanes >= 8 ? 6 : 4;
  constexpr int kVectors = kLanes == 1 ? 4 : 2;
  const kernels::Matmul m = {.rows = p.rows,
                             .columns = p.columns,
                             .depth = p.depth,
                             .a_row = p.a_row,
                             .a_depth = p.a_depth,
                             .b_depth = p.b_depth,
                             .b_column = p.b_column,
                             .output_row = p.columns,
                             .batch = {p.batch, 1},
                             .a_batch = {p.a_batch, 0},
                             .b_batch = {p.b_batch, 0},
                             .output_batch = {p.rows * p.columns, 0}};
  const i64 items = kernels::matmul_work_items<kRows, kVectors>(m);
  const i64 bytes = kernels::matmul_scratch_bytes<kRows, kVectors>(m) + static_cast<i64>(kAlignment);
  const i64 parts = tsc::min<i64>(ctx.threads(), items);
  const Scratch scratch(ctx, static_cast<size_t>(kernels::round_up(bytes, kAlignment) * tsc::max<i64>(parts, 1)));
  if (!ctx.ok() || items == 0) return;
  const i64 each = (items + parts - 1) / parts;
  ctx.parallel_for(parts, [&](i64 begin, i64 end) {
    for (i64 part = begin; part < end; ++part) {
      const i64 first = part * each, last = tsc::min(items, first + each);
      if (first >= last) continue;
      kernels::matmul<kRows, kVectors>(m, a, b, output, kernels::Identity(),
                                       scratch.data() + part * kernels::round_up(bytes, kAlignment), first, last);
    }
  });
}
template <class C>
void product_simple(const Product& p, const C* a, const C* b, C* output) {
  for (i64 n = 0; n < p.batch; ++n) {
    for (i64 i = 0; i < p.rows; ++i) {
      for (i64 j = 0; j < p.columns; ++j) {
        Wide<C> sum{};
        for (i64 k = 0; k < p.depth; ++k) {
          sum = sum + widened(a[n * p.a_batch + i * p.a_row + k * p.a_depth]) *
                          widened(b[n * p.b_batch + k * p.b_depth + j * p.b_column]);
        }
        *output++ = narrowed<C>(sum);
      }
    }
  }
}

inline Tensor no_product_of_bools(Context& ctx) {
  return ctx.fail(ErrorKind::kType, "the product of matrices is not implemented for 'Bool'");
}
// The product of two tensors [n][i][k] and [n][k][j] of one dtype, with any strides; a batch of 1 broadcasts.
inline Tensor batched_product(Context& ctx, const Tensor& a, const Tensor& b) {
  if (!same_dtype(ctx, a, b)) return {};
  const DType dtype = a.dtype();
  if (dtype == DType::kBool && a.numel() > 0 && b.numel() > 0) return no_product_of_bools(ctx);
  const Compute compute = compute_of(dtype);
  const DType wide = dtype_of_compute(compute);
  const Tensor x = converted(ctx, a, wide), y = converted(ctx, b, wide);
  if (!ctx.ok()) return {};
  const Product p = {.batch = tsc::max(x.size(0), y.size(0)),
                     .rows = x.size(1),
                     .columns = y.size(2),
                     .depth = x.size(2),
                     .a_batch = x.size(0) == 1 ? 0 : x.stride(0),
                     .a_row = x.stride(1),
                     .a_depth = x.stride(2),
                     .b_batch = y.size(0) == 1 ? 0 : y.stride(0),
                     .b_depth = y.stride(1),
                     .b_column = y.stride(2)};
  const Tensor result = Tensor::empty(ctx, wide, dims(p.batch, p.rows, p.columns));
  if (!ctx.ok() || result.numel() == 0) return converted(ctx, result, dtype);
  if (p.depth == 0) {
    libc::memset(result.bytes(), 0, static_cast<size_t>(result.numel() * result.element_size()));
    return converted(ctx, result, dtype);
  }
  with_compute(compute, [&]<class C>() {
    if constexpr (__is_same(C, float)) {
      product_f32(ctx, p, x.data<float>(), y.data<float>(), result.data<float>());
    } else {
      product_simple(p, x.data<C>(), y.data<C>(), result.data<C>());
    }
  });
  return converted(ctx, result, dtype);
}

inline Tensor viewed(Context& ctx, const Tensor& t, Sizes sizes) { return reshape_to(ctx, t, Shape(sizes)); }
// A matrix as a batch of one, with its strides.
inline Tensor as_batch(Context& ctx, const Tensor& t) { return unsqueeze(ctx, t, 0); }

inline bool rank_is(Context& ctx, const Tensor& t, i64 rank, const char* what) {
  if (ctx.ok() && t.dim() != rank) {
    ctx.fail(ErrorKind::kRuntime, "%s must be a %s, but got %lld-D", what,
             rank == 1   ? "vector"
             : rank == 2 ? "matrix"
                         : "3D tensor",
             static_cast<long long>(t.dim()));
  }
  return ctx.ok();
}
inline bool inner_sizes_fit(Context& ctx, const char* name, i64 rows, i64 depth, i64 other_depth, i64 columns) {
  if (depth == other_depth) return true;
  if (columns < 0) {
    ctx.fail(ErrorKind::kShape, "size mismatch, got input (%lld), mat (%lldx%lld), vec (%lld)",
             static_cast<long long>(rows), static_cast<long long>(rows), static_cast<long long>(depth),
             static_cast<long long>(other_depth));
  } else {
    ctx.fail(ErrorKind::kShape, "%s shapes cannot be multiplied (%lldx%lld and %lldx%lld)", name,
             static_cast<long long>(rows), static_cast<long long>(depth), static_cast<long long>(other_depth),
             static_cast<long long>(columns));
  }
  return false;
}

inline Tensor mm(Context& ctx, const Tensor& self, const Tensor& mat2) {
  if (!rank_is(ctx, self, 2, "self") || !rank_is(ctx, mat2, 2, "mat2")) return {};
  if (!inner_sizes_fit(ctx, "mat1 and mat2", self.size(0), self.size(1), mat2.size(0), mat2.size(1))) return {};
  return viewed(ctx, batched_product(ctx, as_batch(ctx, self), as_batch(ctx, mat2)), dims(self.size(0), mat2.size(1)));
}
inline Tensor bmm(Context& ctx, const Tensor& self, const Tensor& mat2) {
  if (!rank_is(ctx, self, 3, "batch1") || !rank_is(ctx, mat2, 3, "batch2")) return {};
  if (self.size(0) != mat2.size(0) || self.size(2) != mat2.size(1)) {
    return ctx.fail(
        ErrorKind::kShape,
        "Expected size for first two dimensions of batch2 tensor to be: [%lld, %lld] but got: [%lld, %lld].",
        static_cast<long long>(self.size(0)), static_cast<long long>(self.size(2)),
        static_cast<long long>(mat2.size(0)), static_cast<long long>(mat2.size(1)));
  }
  return batched_product(ctx, self, mat2);
}
inline Tensor mv(Context& ctx, const Tensor& self, const Tensor& vec) {
  if (!rank_is(ctx, self, 2, "input") || !rank_is(ctx, vec, 1, "vec")) return {};
  if (!inner_sizes_fit(ctx, "mv", self.size(0), self.size(1), vec.size(0), -1)) return {};
  return viewed(ctx, batched_product(ctx, as_batch(ctx, self), as_batch(ctx, unsqueeze(ctx, vec, 1))),
                dims(self.size(0)));
}
inline Tensor dot(Context& ctx, const Tensor& self, const Tensor& tensor) {
  if (ctx.ok() && (self.dim() != 1 || tensor.dim() != 1)) {
    return ctx.fail(ErrorKind::kRuntime, "1D tensors expected, but got %lldD and %lldD tensors",
                    static_cast<long long>(self.dim()), static_cast<long long>(tensor.dim()));
  }
  if (ctx.ok() && self.dtype() != tensor.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "dot : expected both vectors to have same dtype, but found %s and %s",
                    scalar_type_name(self.dtype()), scalar_type_name(tensor.dtype()));
  }
  if (ctx.ok() && self.dtype() == DType::kBool) return no_product_of_bools(ctx);
  if (ctx.ok() && self.size(0) != tensor.size(0)) {
    return ctx.fail(
        ErrorKind::kShape,
        "inconsistent tensor size, expected tensor [%lld] and src [%lld] to have the same number of elements, "
        "but got %lld and %lld elements respectively",
        static_cast<long long>(self.size(0)), static_cast<long long>(tensor.size(0)),
        static_cast<long long>(self.size(0)), static_cast<long long>(tensor.size(0)));
  }
  return viewed(ctx,
                batched_product(ctx, as_batch(ctx, unsqueeze(ctx, self, 0)), as_batch(ctx, unsqueeze(ctx, tensor, 1))),
                Sizes());
}
inline Tensor outer(Context& ctx, const Tensor& self, const Tensor& vec2) {
  if (!rank_is(ctx, self, 1, "outer: Expected 1-D argument self; it") ||
      !rank_is(ctx, vec2, 1, "outer: Expected 1-D argument vec2; it")) {
    return {};
  }
  return mul(ctx, unsqueeze(ctx, self, 1), vec2);
}

// beta * self + alpha * product. A beta of 0 ignores self, even where it is NaN.
inline Tensor scaled_sum(Context& ctx, const Tensor& self, const Tensor& product, const Scalar& beta,
                         const Scalar& alpha) {
  if (!ctx.ok()) return {};
  if (self.dtype() != product.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "self and mat2 must have the same dtype, but got %s and %s",
                    scalar_type_name(self.dtype()), scalar_type_name(product.dtype()));
  }
  const bool unit_alpha = alpha.to_complex() == Complex<double>(1);
  const Tensor scaled = unit_alpha ? product : mul(ctx, product, alpha);
  const Tensor expanded = expand_sizes(ctx, self, product.sizes());
  if (!beta.to_bool()) return scaled;
  // The product first, whose order the sum takes.
  return beta.to_complex() == Complex<double>(1) ? add(ctx, scaled, expanded, 1)
                                                 : add(ctx, scaled, mul(ctx, expanded, beta), 1);
}
// Half precision is rounded once, after the sum.
inline Tensor in_float(Context& ctx, const Tensor& t) { return converted(ctx, t, DType::kFloat32); }
// Fractions are cut off where the tensors are integers.
inline Scalar as_number_of(const Tensor& self, const Scalar& s) {
  return is_integral(self.dtype()) ? Scalar(scalar_as<i64>(s)) : s;
}
inline Tensor addmm(Context& ctx, const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1,
                    const Scalar& alpha = 1) {
  if (is_half(mat1) && same_dtype(ctx, mat1, mat2) && same_dtype(ctx, self, mat1)) {
    return converted(ctx, addmm(ctx, in_float(ctx, self), in_float(ctx, mat1), in_float(ctx, mat2), beta, alpha),
                     mat1.dtype());
  }
  return scaled_sum(ctx, self, mm(ctx, mat1, mat2), as_number_of(self, beta), as_number_of(self, alpha));
}
inline Tensor addmv(Context& ctx, const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1,
                    const Scalar& alpha = 1) {
  if (is_half(mat) && same_dtype(ctx, mat, vec) && same_dtype(ctx, self, mat)) {
    return converted(ctx, addmv(ctx, in_float(ctx, self), in_float(ctx, mat), in_float(ctx, vec), beta, alpha),
                     mat.dtype());
  }
  return scaled_sum(ctx, self, mv(ctx, mat, vec), as_number_of(self, beta), as_number_of(self, alpha));
}
inline Tensor baddbmm(Context& ctx, const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                      const Scalar& beta = 1, const Scalar& alpha = 1) {
  if (is_half(batch1) && same_dtype(ctx, batch1, batch2) && same_dtype(ctx, self, batch1)) {
    return converted(ctx, baddbmm(ctx, in_float(ctx, self), in_float(ctx, batch1), in_float(ctx, batch2), beta, alpha),
                     batch1.dtype());
  }
  return scaled_sum(ctx, self, bmm(ctx, batch1, batch2), as_number_of(self, beta), as_number_of(self, alpha));
}
inline Tensor addmm_(Context& ctx, const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1,
                     const Scalar& alpha = 1) {
  return copy_(ctx, self, addmm(ctx, self, mat1, mat2, beta, alpha));
}
inline Tensor addmv_(Context& ctx, const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1,
                     const Scalar& alpha = 1) {
  return copy_(ctx, self, addmv(ctx, self, mat, vec, beta, alpha));
}
inline Tensor baddbmm_(Context& ctx, const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                       const Scalar& beta = 1, const Scalar& alpha = 1) {
  return copy_(ctx, self, baddbmm(ctx, self, batch1, batch2, beta, alpha));
}

// matmul for any ranks: vectors become matrices, leading dimensions are broadcast.
inline Tensor matmul(Context& ctx, const Tensor& self, const Tensor& other) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0 || other.dim() == 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "both arguments to matmul need to be at least 1D, but they are %lldD and %lldD",
                    static_cast<long long>(self.dim()), static_cast<long long>(other.dim()));
  }
  if (!same_dtype(ctx, self, other)) return {};
  const bool row_vector = self.dim() == 1, column_vector = other.dim() == 1;
  const Tensor a = row_vector ? unsqueeze(ctx, self, 0) : self;
  const Tensor b = column_vector ? unsqueeze(ctx, other, 1) : other;
  if (!ctx.ok()) return {};
  const i64 rows = a.size(a.dim() - 2), depth = a.size(a.dim() - 1);
  const i64 other_depth = b.size(b.dim() - 2), columns = b.size(b.dim() - 1);
  if (depth != other_depth) {
    if (row_vector && column_vector) return dot(ctx, self, other);
    if (column_vector && self.dim() == 2) return mv(ctx, self, other);
    inner_sizes_fit(ctx, "mat1 and mat2", a.numel() / tsc::max<i64>(depth, 1), depth, other_depth, columns);
    return {};
  }
  Shape batch(Sizes(a.sizes().data(), a.dim() - 2));
  if (!broadcast(ctx, batch, Sizes(b.sizes().data(), b.dim() - 2))) return {};
  Shape result = batch;
  if (!row_vector) result.push(rows);
  if (!column_vector) result.push(columns);

  if (b.dim() == 2) {  // one matrix product: the batch of `a` is rows
    const Tensor folded = viewed(ctx, a, dims(1, batch.numel() * rows, depth));
    return viewed(ctx, batched_product(ctx, folded, as_batch(ctx, b)), result);
  }
  const auto batched = [&](const Tensor& t, i64 r, i64 c) {
    if (t.dim() == 2) return as_batch(ctx, t);
    Shape full = batch;
    full.push(r);
    full.push(c);
    return viewed(ctx, expand_sizes(ctx, t, full), dims(batch.numel(), r, c));
  };
  return viewed(ctx, batched_product(ctx, batched(a, rows, depth), batched(b, depth, columns)), result);
}

// input * weight^T + bias. The weight is [out][in], or a vector [in].
inline Tensor linear(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias = None()) {
  if (!ctx.ok()) return {};
  if (input.dim() == 0 || weight.dim() == 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "both arguments to linear need to be at least 1D, but they are %lldD and %lldD",
                    static_cast<long long>(input.dim()), static_cast<long long>(weight.dim()));
  }
  if (weight.dim() > 2) {
    return ctx.fail(ErrorKind::kRuntime, "linear(): the weight must have at most 2 dimensions, but has %lld",
                    static_cast<long long>(weight.dim()));
  }
  if (input.dtype() != weight.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "mat1 and mat2 must have the same dtype, but got %s and %s",
                    scalar_type_name(input.dtype()), scalar_type_name(weight.dtype()));
  }
  if (is_half(input) && bias.has_value() && bias->dtype() == input.dtype()) {
    return converted(ctx, linear(ctx, in_float(ctx, input), in_float(ctx, weight), in_float(ctx, *bias)),
                     input.dtype());
  }
  const i64 depth = input.size(input.dim() - 1);
  const bool vector = weight.dim() == 1;
  if (vector && bias.has_value() && (input.dim() == 2 || bias->dim() > 0)) {
    return ctx.fail(ErrorKind::kRuntime, "mat2 must be a matrix, got 1-D tensor");
  }
  const i64 columns = vector ? 1 : weight.size(0), weight_depth = weight.size(vector ? 0 : 1);
  const i64 rows = input.numel() / tsc::max<i64>(depth, 1);
  if (!inner_sizes_fit(ctx, "mat1 and mat2", rows, depth, weight_depth, columns)) return {};
  Shape result(input.sizes());
  result.rank -= 1;
  const i64 all_rows = result.numel();
  if (!vector) result.push(columns);
  const Tensor folded = viewed(ctx, input, dims(1, all_rows, depth));
  const Tensor matrix = vector ? unsqueeze(ctx, weight, 1) : t(ctx, weight);
  const Tensor product = viewed(ctx, batched_product(ctx, folded, as_batch(ctx, matrix)), result);
  if (!bias.has_value()) return product;
  if (ctx.ok() && bias->dtype() != product.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "self and mat2 must have the same dtype, but got %s and %s",
                    scalar_type_name(bias->dtype()), scalar_type_name(product.dtype()));
  }
  return add(ctx, product, expand_sizes(ctx, *bias, product.sizes()), 1);
}

// input * weight^T of bytes as int32: the input is uint8, the weight [out][in] int8.
inline Tensor linear_integer(Context& ctx, const Tensor& input, const Tensor& weight) {
  if (!ctx.ok()) return {};
  if (input.dtype() != DType::kUInt8 || weight.dtype() != DType::kInt8) {
    return ctx.fail(ErrorKind::kType, "linear_integer: the input must be uint8 and the weight int8, but got %s and %s",
                    dtype_name(input.dtype()), dtype_name(weight.dtype()));
  }
  if (input.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "linear_integer: the input has no dimensions");
  if (!rank_is(ctx, weight, 2, "linear_integer: the weight")) return {};
  const i64 depth = input.size(input.dim() - 1), columns = weight.size(0);
  Shape sizes(input.sizes());
  sizes.rank -= 1;
  const i64 rows = sizes.numel();
  if (!inner_sizes_fit(ctx, "mat1 and mat2", rows, depth, weight.size(1), columns)) return {};
  sizes.push(columns);
  const Tensor x = dense(ctx, input);
  const Tensor w = dense(ctx, weight);
  const Tensor result = Tensor::empty(ctx, DType::kInt32, sizes);
  if (!ctx.ok() || result.numel() == 0) return result;
  const kernels::GemmInteger product = {.rows = rows,
                                        .columns = columns,
                                        .depth = depth,
                                        .input_row = depth,
                                        .weight_row = depth,
                                        .output_row = columns,
                                        .output_column = 1};
  // A range of columns for each thread, none with less than some ten thousand products.
  constexpr i64 kProducts = 1 << 15;
  ctx.parallel_for(columns, kProducts / (rows * depth + 1) + 1, [&](i64 first, i64 last) {
    kernels::gemm_integer(product, x.data<const uint8_t>(), w.data<const int8_t>(), result.data<int32_t>(), first,
                          last);
  });
  return result;
}

// einsum: operands are aligned to all letters, then multiplied and summed two at a time.

class Einsum {
 public:
  Einsum(Context& ctx, const Str& equation, const List<Tensor>& tensors)
      : ctx_(ctx),
        equation_(equation),
        tensors_(tensors),
        memory_(ctx, sizeof(Term) * static_cast<size_t>(tensors.size())),
        terms_(reinterpret_cast<Term*>(memory_.data())) {}

  Tensor run() {
    if (!ctx_.ok()) return {};
    if (tensors_.empty()) return ctx_.fail(ErrorKind::kRuntime, "einsum(): must provide at least one operand");
    if (!parse()) return {};
    Tensor product;
    for (i64 i = 0; i < tensors_.size() && ctx_.ok(); ++i) {
      const Tensor aligned = align(i);
      product = i == 0 ? aligned : multiply(product, aligned, i);
    }
    return finish(product);
  }

 private:
  static constexpr i64 kEllipsis = -1;
  static constexpr i64 kMaxLetters = 52;

  static i64 letter_index(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    return -2;
  }
  bool fail(const char* message) {
    ctx_.fail(ErrorKind::kRuntime, "einsum(): %s", message);
    return false;
  }

  // One operand's subscripts: letter indices, kEllipsis for "...".
  struct Term {
    i64 count = 0;
    i64 items[kMaxRank];
    bool has_ellipsis = false;
  };
  bool read_term(i64& at, Term& term) {
    term = Term();
    for (; at < equation_.size(); ++at) {
      const char c = equation_[at];
      if (c == ' ') continue;
      if (c == ',' || (c == '-' && at + 1 < equation_.size() && equation_[at + 1] == '>')) break;
      if (term.count == kMaxRank) return fail("too many subscripts");
      if (c == '.') {
        if (at + 2 >= equation_.size() || equation_[at + 1] != '.' || equation_[at + 2] != '.' || term.has_ellipsis) {
          return fail("found '.' that is not part of any ellipsis");
        }
        term.has_ellipsis = true;
        term.items[term.count++] = kEllipsis;
        at += 2;
        continue;
      }
      const i64 letter = letter_index(c);
      if (letter < 0) return fail("invalid subscript, subscripts must be in [a-zA-Z]");
      term.items[term.count++] = letter;
    }
    return true;
  }

  bool parse() {
    i64 at = 0;
    for (i64 i = 0; i < kMaxLetters; ++i) sizes_[i] = -1;
    if (terms_ == nullptr) return false;
    for (i64 i = 0; i < tensors_.size(); ++i) {
      if (!read_term(at, terms_[i]) || !check_term(i)) return false;
      const bool last = i + 1 == tensors_.size();
      if (last != (at >= equation_.size() || equation_[at] != ',')) {
        return fail("the number of subscripts in the equation does not match the number of operands");
      }
      if (!last) ++at;
    }
    if (at < equation_.size()) {
      at += 2;
      if (!read_term(at, output_)) return false;
      if (at < equation_.size()) return fail("found ',' in the output");
      return check_output();
    }
    default_output();
    return true;
  }
  bool check_term(i64 i) {
    const Term& term = terms_[i];
    const Tensor& t = tensors_[i];
    const i64 letters = term.count - term.has_ellipsis;
    if (term.has_ellipsis ? letters > t.dim() : letters != t.dim()) {
      return fail("the number of subscripts in the equation does not match the number of dimensions for an operand");
    }
    const i64 covered = t.dim() - letters;
    if (term.has_ellipsis) ellipsis_rank_ = tsc::max(ellipsis_rank_, covered);
    i64 d = 0;
    for (i64 k = 0; k < term.count; ++k) {
      if (term.items[k] == kEllipsis) {
        d += covered;
        continue;
      }
      i64& size = sizes_[term.items[k]];
      ++uses_[term.items[k]];
      if (size >= 0 && size != t.size(d) && size != 1 && t.size(d) != 1) {
        return fail("operands do not broadcast with remapped shapes");
      }
      size = size < 0 || size == 1 ? t.size(d) : size;
      ++d;
    }
    return true;
  }
  bool check_output() {
    bool seen[kMaxLetters] = {};
    for (i64 k = 0; k < output_.count; ++k) {
      const i64 letter = output_.items[k];
      if (letter == kEllipsis) continue;
      if (sizes_[letter] < 0) return fail("output subscript does not appear in the equation for any input operand");
      if (seen[letter]) return fail("output subscript appears more than once in the output");
      seen[letter] = true;
    }
    return true;
  }
  // The ellipsis, then letters that occur once, in alphabetical order.
  void default_output() {
    output_ = Term();
    if (ellipsis_rank_ > 0) {
      output_.has_ellipsis = true;
      output_.items[output_.count++] = kEllipsis;
    }
    for (i64 letter = 0; letter < kMaxLetters; ++letter) {
      if (uses_[letter] == 1) output_.items[output_.count++] = letter;
    }
  }

  // The aligned order: output dimensions (ellipsis expanded), then the letters that are summed.
  i64 position_of(i64 letter) const {
    i64 at = 0;
    for (i64 k = 0; k < output_.count; ++k) {
      if (output_.items[k] == letter) return at;
      at += output_.items[k] == kEllipsis ? ellipsis_rank_ : 1;
    }
    if (letter == kEllipsis) return at;  // summed, first among those
    if (!output_.has_ellipsis) at += ellipsis_rank_;
    for (i64 other = 0; other < letter; ++other) at += sizes_[other] >= 0 && !in_output(other);
    return at;
  }
  bool in_output(i64 letter) const {
    for (i64 k = 0; k < output_.count; ++k) {
      if (output_.items[k] == letter) return true;
    }
    return false;
  }
  i64 output_rank() const { return output_.count - output_.has_ellipsis + (output_.has_ellipsis ? ellipsis_rank_ : 0); }
  i64 total_rank() const {
    i64 rank = ellipsis_rank_;
    for (const i64 size : sizes_) rank += size >= 0;
    return rank;
  }

  // A view of operand i with every letter at its aligned position; a repeated letter takes the diagonal.
  Tensor align(i64 i) {
    const Term& term = terms_[i];
    const Tensor& t = tensors_[i];
    Shape sizes, strides;
    for (i64 d = 0; d < total_rank(); ++d) {
      sizes.push(1);
      strides.push(0);
    }
    const i64 covered = t.dim() - (term.count - term.has_ellipsis);
    bool seen[kMaxLetters] = {};
    i64 d = 0;
    for (i64 k = 0; k < term.count; ++k) {
      const i64 letter = term.items[k];
      if (letter == kEllipsis) {
        const i64 first = position_of(kEllipsis) + ellipsis_rank_ - covered;
        for (i64 e = 0; e < covered; ++e, ++d) {
          sizes[first + e] = t.size(d);
          strides[first + e] = t.stride(d);
        }
        continue;
      }
      const i64 at = position_of(letter);
      if (seen[letter] && sizes[at] != t.size(d)) {
        return ctx_.fail(ErrorKind::kRuntime,
                         "einsum(): subscript is repeated for an operand but the sizes don't match");
      }
      strides[at] = seen[letter] ? strides[at] + t.stride(d) : t.stride(d);
      sizes[at] = t.size(d);
      seen[letter] = true;
      ++d;
    }
    return t.view(ctx_, sizes, strides);
  }

  // Whether the aligned dimension is a letter that no later operand has: then it can be summed now.
  bool is_last_use(i64 position, i64 operand) const {
    if (position < output_rank()) return false;
    for (i64 k = operand + 1; k < tensors_.size(); ++k) {
      for (i64 j = 0; j < terms_[k].count; ++j) {
        const i64 letter = terms_[k].items[j];
        if (letter == kEllipsis ? position >= position_of(letter) && position < position_of(letter) + ellipsis_rank_
                                : position_of(letter) == position) {
          return false;
        }
      }
    }
    return true;
  }

  // a * b with the dimensions that end here summed: those of one operand ahead, those of both by a batched matrix
  // product over (shared), (only a), (only b). Sums of small integers are int64, products keep the dtype, as in
  // PyTorch.
  Tensor multiply(const Tensor& a, const Tensor& b, i64 operand) {
    if (!ctx_.ok()) return {};
    const i64 rank = a.dim();
    DimMask summed = 0, only_a = 0, only_b = 0;
    for (i64 d = 0; d < rank; ++d) {
      if (a.size(d) != b.size(d) && a.size(d) != 1 && b.size(d) != 1) {
        return ctx_.fail(ErrorKind::kRuntime, "einsum(): operands do not broadcast with remapped shapes");
      }
      if (!is_last_use(d, operand) || (a.size(d) == 1 && b.size(d) == 1)) continue;
      (b.size(d) == 1 ? only_a : a.size(d) == 1 ? only_b : summed) |= DimMask{1} << d;
    }
    const Tensor x = only_a == 0 ? a : sum_over(ctx_, a, only_a, true, None());
    const Tensor y = only_b == 0 ? b : sum_over(ctx_, b, only_b, true, None());
    if (summed == 0) return mul(ctx_, x, y);
    if (!same_dtype(ctx_, x, y)) return {};
    Shape full, batch, rows, columns, depth;
    for (i64 d = 0; d < rank; ++d) full.push(x.size(d) == 1 ? y.size(d) : x.size(d));
    for (i64 d = 0; d < rank; ++d) {
      if (summed >> d & 1) {
        depth.push(d);
      } else if (x.size(d) != 1 && y.size(d) != 1) {
        batch.push(d);
      } else if (x.size(d) != 1) {
        rows.push(d);
      } else {
        columns.push(d);
      }
    }
    const Tensor matrix_a = gathered(x, batch, rows, depth), matrix_b = gathered(y, batch, depth, columns);
    const Tensor product = batched_product(ctx_, matrix_a, matrix_b);
    // Back to the aligned order, with 1 where a dimension was summed.
    Shape sizes, strides;
    for (i64 d = 0; d < rank; ++d) {
      sizes.push(summed >> d & 1 ? 1 : full[d]);
      strides.push(0);
    }
    i64 next = 1;
    const Shape* const groups[] = {&columns, &rows, &batch};
    for (const Shape* group : groups) {
      for (i64 k = group->rank - 1; k >= 0; --k) {
        strides[(*group)[k]] = next;
        next *= full[(*group)[k]];
      }
    }
    return product.view(ctx_, sizes, strides);
  }
  Tensor gathered(const Tensor& t, const Shape& batch, const Shape& rows, const Shape& columns) {
    Shape order;
    i64 sizes[3] = {1, 1, 1};
    const Shape* groups[] = {&batch, &rows, &columns};
    for (int g = 0; g < 3; ++g) {
      for (i64 k = 0; k < groups[g]->rank; ++k) {
        order.push((*groups[g])[k]);
        sizes[g] *= t.size((*groups[g])[k]);
      }
    }
    // Dimensions of size 1 that belong to the other operand are left out.
    Shape view_sizes, view_strides;
    for (i64 k = 0; k < order.rank; ++k) {
      view_sizes.push(t.size(order[k]));
      view_strides.push(t.stride(order[k]));
    }
    return reshape_to(ctx_, t.view(ctx_, view_sizes, view_strides), Shape(Sizes(sizes, 3)));
  }

  // Drops the summed dimensions, which only a single operand has at more than size 1.
  Tensor finish(const Tensor& product) {
    if (!ctx_.ok()) return {};
    const i64 kept = output_rank();
    DimMask rest = 0;
    for (i64 d = kept; d < product.dim(); ++d) rest |= DimMask{1} << d;
    if (tensors_.size() > 1) return dense(ctx_, reshape_to(ctx_, product, Shape(Sizes(product.sizes().data(), kept))));
    return rest == 0 ? product : sum_over(ctx_, product, rest, false, None());
  }

  Context& ctx_;
  const Str& equation_;
  const List<Tensor>& tensors_;
  Scratch memory_;
  Term* terms_;  // one per operand
  Term output_;
  i64 ellipsis_rank_ = 0;
  i64 sizes_[kMaxLetters];
  i64 uses_[kMaxLetters] = {};
};
inline Tensor einsum(Context& ctx, const Str& equation, const List<Tensor>& tensors,
                     const Optional<List<i64>>& = None()) {
  return Einsum(ctx, equation, tensors).run();
}

}  // namespace tsc::ops
