// Each decomposition against the op that it stands for.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/geqrf.h>
#include <ATen/ops/linalg_lu_factor.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <cmath>
#include <limits>
#include <map>

#include "compiler/torch/decompose.h"

namespace tsc {
namespace {

using Operands = std::vector<c10::IValue>;

void expect_close(const c10::IValue& actual, const c10::IValue& expected, const std::string& op) {
  if (expected.isTensor()) {
    const at::Tensor &a = actual.toTensor(), &b = expected.toTensor();
    ASSERT_EQ(a.sizes(), b.sizes()) << op;
    ASSERT_EQ(a.scalar_type(), b.scalar_type()) << op;
    EXPECT_TRUE(at::allclose(a, b, 1e-5, 1e-5, /*equal_nan=*/true)) << op << "\n" << a << "\n" << b;
  } else if (expected.isTensorList()) {
    const auto a = actual.toTensorVector(), b = expected.toTensorVector();
    ASSERT_EQ(a.size(), b.size()) << op;
    for (size_t i = 0; i < a.size(); ++i) expect_close(a[i], b[i], op);
  } else {
    EXPECT_EQ(actual, expected) << op;
  }
}

Operands copies(const Operands& operands) {
  Operands copied;
  for (const c10::IValue& operand : operands)
    copied.push_back(operand.isTensor() ? operand.toTensor().clone() : operand);
  return copied;
}

// Where the overload begins in "std_mean__dim" and "squeeze___dims", the ops std_mean and squeeze_; or npos.
size_t find_separator(const std::string& function) {
  const size_t found = function.find("__");
  return found == std::string::npos || function.substr(found, 3) != "___" ? found : found + 1;
}

// "std_mean__dim" of the files is aten::std_mean.dim.
std::shared_ptr<torch::jit::Operator> find_operator(const std::string& function, size_t operands) {
  const size_t separator = find_separator(function);
  const std::string base = function.substr(0, separator);
  std::shared_ptr<torch::jit::Operator> same_count;
  for (const auto& op : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString("aten::" + base))) {
    if (op->schema().arguments().size() != operands) continue;
    const std::string wanted = separator != std::string::npos && separator > 0 ? function.substr(separator + 2) : "";
    if (op->schema().overload_name() == wanted) return op;
    if (wanted.empty() && same_count == nullptr) same_count = op;
  }
  return same_count;
}

void expect_exact(const std::string& name, const Operands& operands) {
  const at::AutoGradMode no_gradients(false);
  torch::jit::Function* function = decompositions().find_function(name);
  ASSERT_NE(function, nullptr) << name;
  const auto op = find_operator(name, operands.size());
  ASSERT_NE(op, nullptr) << name << " has no overload with " << operands.size() << " operands";
  torch::jit::Stack expected = copies(operands), given = copies(operands);  // which both may write
  at::manual_seed(1);  // what draws random numbers draws the same ones
  op->getOperation()(expected);
  at::manual_seed(1);
  const c10::IValue actual = (*function)(given);
  std::string numbers;  // in what is told of a failure
  for (const c10::IValue& operand : operands)
    numbers += operand.isScalar() ? fmt::format(" {}", operand.toScalar().toDouble()) : " _";
  if (expected.size() == 1) return expect_close(actual, expected[0], name + numbers);
  const auto& parts = actual.toTupleRef().elements();
  ASSERT_EQ(parts.size(), expected.size()) << name;
  for (size_t i = 0; i < parts.size(); ++i) expect_close(parts[i], expected[i], name);
}

// Operands for every decomposition; an op may have several cases.
std::multimap<std::string, Operands> cases() {
  at::manual_seed(1);
  const c10::IValue none;
  const double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor x = at::randn({3, 4}), y = at::randn({3, 4}), row = at::randn({4}), image = at::randn({2, 4, 6, 6});
  const at::Tensor volume = at::randn({2, 3, 4, 6, 5}), bytes = (image * 60 + 128).clamp(0, 255).to(at::kByte);
  const at::Tensor unit = x.sigmoid(), target = y.sigmoid(), line = at::randn({2, 3, 7});
  const at::Tensor special = at::tensor({0.0, -1.5, infinity, -infinity, std::nan("")});
  const at::Tensor low = at::tensor({0.0, -infinity, std::nan("")}), finite = at::tensor({0.5, -1.0, 2.0});
  // Of sequences of 4, 2 and 1 steps.
  const at::Tensor lengths = at::tensor({4, 2, 1}, at::kLong), batch_sizes = at::tensor({3, 2, 1, 1}, at::kLong);
  const at::Tensor z = at::randn({3, 4}, at::kComplexFloat), z2 = at::randn({3, 4}, at::kComplexFloat);
  const at::Tensor signal = at::randn({2, 40}), window = at::randn({8}).abs() + 0.5;
  const at::Tensor spectrum = at::randn({2, 5, 9}, at::kComplexFloat);
  const std::vector<at::Tensor> gru = {at::randn({15, 2}), at::randn({15, 5}), at::randn({15}), at::randn({15})};
  const at::Tensor integers = at::tensor({0, 3, -2, 7, 1, 4, 4, -5, 2, 0, 6, 1}).view({3, 4});
  const at::Tensor classes = at::tensor({1, 2, 0}, at::kLong), maps = at::randn({2, 4, 3, 2});
  const at::Tensor class_maps = at::tensor({0, 1, 2, 3, 1, 1, 0, 2, 2, 3, 3, 0}, at::kLong).view({2, 3, 2});
  const c10::List<at::Tensor> lines_of_4({row, at::randn({4, 2})}), mixed_blocks({x, row, at::scalar_tensor(5.0)});
  const auto ints = [](std::initializer_list<int64_t> list) { return c10::IValue(std::vector<int64_t>(list)); };
  const c10::List<at::Tensor> mixed({at::randn({3, 1}), at::randn({4}), at::randn({2, 1, 1})});
  const c10::List<at::Tensor> rows({at::randn({2, 4}), at::randn({3, 4})}), lines({at::randn({2}), at::randn({3})});
  const c10::List<at::Tensor> mixed_rows({row, at::randn({1, 4})});
  const at::Tensor square = at::randn({2, 3, 3}) + 2 * at::eye(3), tall = at::randn({2, 5, 3}),
                   wide = at::randn({2, 3, 5});
  const at::Tensor symmetric = square + square.mT(), positive = at::matmul(square, square.mT()) + at::eye(3);
  const at::Tensor right_side = at::randn({2, 3, 4}), lower = positive.tril();
  const auto [lu, pivots] = at::linalg_lu_factor(square);
  const auto [reflections, tau] = at::geqrf(tall);
  const at::Tensor complex_square = at::randn({2, 3, 3}, at::kComplexDouble) + 2 * at::eye(3);
  const at::Tensor hermitian = at::matmul(complex_square, complex_square.mH()) + at::eye(3);
  const auto [complex_lu, complex_pivots] = at::linalg_lu_factor(complex_square);
  const at::Tensor points = at::randn({7, 2}), log_probs = -at::randn({6, 2, 4}).abs();
  const at::Tensor places = at::tensor({1, 2, 4, 5, 2}, at::kLong), bags = at::tensor({0, 3, 3}, at::kLong);
  std::multimap<std::string, Operands> all = {
      {"is_nonzero", {at::scalar_tensor(-0.5)}},
      {"is_nonzero", {at::zeros({1, 1}, at::kLong)}},
      {"is_same_size", {x, y}},
      {"is_same_size", {x, row}},
      {"is_signed", {x}},
      {"is_signed", {bytes}},
      {"is_signed", {x > 0}},
      {"is_leaf", {x}},
      {"is_pinned", {x, none}},
      {"requires_grad_", {x, false}},
      {"get_device", {x}},
      {"promote_types", {at::kLong, at::kHalf}},
      {"promote_types", {at::kBool, at::kByte}},
      {"result_type__Tensor", {x, at::scalar_tensor(1.0, at::kDouble)}},
      {"result_type__Tensor", {integers, at::scalar_tensor(1.0, at::kDouble)}},
      {"result_type__Tensor", {x.to(at::kHalf), x.to(at::kBFloat16)}},
      {"result_type__Scalar", {integers, 1.5}},
      {"result_type__Scalar", {x, 3}},
      {"result_type__Scalar_Tensor", {2, bytes}},
      {"tril_indices", {3, 4, 0, at::kLong, none, none, none}},
      {"tril_indices", {4, 3, -2, none, none, none, none}},
      {"triu_indices", {3, 4, 1, at::kInt, none, none, none}},
      {"triu_indices", {2, 2, 5, at::kLong, none, none, none}},
      {"range", {1, 4, none, none, none, none}},
      {"range", {-0.5, 2.6, at::kDouble, none, none, none}},
      {"range__step", {5, -1, -2, at::kLong, none, none, none}},
      {"range__step", {0.0, 1.0, 0.25, none, none, none, none}},
      {"squeeze___dims", {at::randn({1, 3, 1, 2, 1}), ints({0, -1, 1})}},
      {"fill_diagonal_", {x, 2.5, false}},
      {"fill_diagonal_", {at::randn({9, 2}), 2, true}},
      {"fill_diagonal_", {at::randn({9, 2}), 2, false}},
      {"fill_diagonal_", {at::randn({2, 9}), 2, true}},
      {"fill_diagonal_", {at::randn({3, 3, 3}), -1, false}},
      {"random_", {x, none}},
      {"random_", {bytes, none}},
      {"random___to", {x, 10, none}},
      {"random___from", {integers, -3, 5, none}},
      {"bernoulli__Tensor", {x, at::tensor({0.0, 1.0, 1.0, 0.0}), none}},
      {"norm__ScalarOpt_dim_dtype", {x, none, ints({1}), true, at::kDouble}},
      {"norm__ScalarOpt_dim_dtype", {x, 1.5, ints({0, 1}), false, at::kDouble}},
      {"norm_except_dim", {image, 2, 1}},
      {"norm_except_dim", {image, 3, -1}},
      {"pad_sequence", {lines, false, 0.5, "right"}},
      {"pad_sequence", {rows, true, -1.0, "left"}},
      {"conv_tbc", {at::randn({5, 2, 3}), at::randn({2, 3, 4}), row, 1}},
      {"polygamma_", {target, 2}},
      {"repeat_interleave__Tensor", {at::tensor({2, 0, 3}, at::kInt), none}},
      {"remainder__Scalar_Tensor", {2.5, x}},
      {"remainder__Scalar_Tensor", {7, integers + 20}},
      {"remainder__Scalar_Tensor", {-7.5, integers + 20}},
      {"fake_quantize_per_tensor_affine", {x * 5, 0.07, 128, 0, 255}},
      {"fake_quantize_per_tensor_affine", {x, 0.3, 0, -4, 3}},
      {"fake_quantize_per_tensor_affine__tensor_qparams", {x, at::tensor({0.05f}), at::tensor({3}, at::kInt), -8, 7}},
      {"fake_quantize_per_channel_affine",
       {x, at::tensor({0.1f, 0.02f, 0.5f, 1.0f}), at::tensor({0, 3, -2, 1}, at::kInt), 1, -8, 7}},
      {"to__dtype_layout", {x, 7, 0, c10::Device(c10::kCPU), false, false, false, none}},
      {"to__dtype_layout", {x, none, none, none, none, false, true, none}},
      {"linalg_lu_factor", {tall, true}},
      {"_lu_with_info", {square, true, false}},
      {"linalg_lu", {wide, true}},
      {"linalg_lu_solve", {lu, pivots, right_side, true, false}},
      {"linalg_lu_solve", {lu, pivots, right_side, true, true}},
      {"linalg_lu_solve", {lu, pivots, right_side.mT(), false, false}},
      {"linalg_lu_solve", {lu, pivots, right_side.mT(), false, true}},
      {"lu_solve", {right_side, lu, pivots}},
      {"_linalg_det", {square}},
      {"linalg_det", {square}},
      {"det", {square[0]}},
      {"_linalg_slogdet", {square}},
      {"linalg_slogdet", {square}},
      {"slogdet", {square[1]}},
      {"logdet", {positive}},
      {"logdet", {at::eye(3) - 2}},
      {"linalg_inv_ex", {square, false}},
      {"linalg_inv", {square}},
      {"inverse", {square}},
      {"_linalg_solve_ex", {square, right_side, true, false}},
      {"linalg_solve_ex", {square, right_side.mT(), false, true}},
      {"linalg_solve", {square, at::randn({2, 3}), true}},
      {"linalg_solve", {square, at::randn({3}), true}},
      {"linalg_solve", {square[0], right_side, true}},
      {"triangular_solve", {right_side, lower, false, false, false}},
      {"triangular_solve", {right_side, lower[0], false, true, true}},
      {"linalg_cholesky", {positive, false}},
      {"linalg_cholesky", {positive, true}},
      {"cholesky", {positive, true}},
      {"cholesky_solve", {right_side, lower, false}},
      {"cholesky_solve", {right_side, lower.mT(), true}},
      {"cholesky_inverse", {lower, false}},
      {"linalg_lu_solve", {complex_lu, complex_pivots, complex_square, true, false}},
      {"linalg_lu_solve", {complex_lu, complex_pivots, complex_square, true, true}},
      {"linalg_lu_solve", {complex_lu, complex_pivots, complex_square, false, false}},
      {"linalg_lu_solve", {complex_lu, complex_pivots, complex_square, false, true}},
      {"linalg_slogdet", {complex_square}},
      {"logdet", {complex_square}},
      {"inverse", {complex_square}},
      {"linalg_matrix_exp", {complex_square}},
      {"linalg_cholesky", {hermitian, true}},
      {"cholesky_solve", {complex_square, hermitian.tril(), false}},
      {"cholesky_solve", {complex_square, hermitian.triu(), true}},
      {"linalg_qr", {complex_square, "reduced"}},
      {"linalg_pinv", {complex_square, 1e-9, false}},
      {"linalg_pinv", {hermitian, 1e-9, true}},
      {"linalg_lstsq", {complex_square, complex_square.mT(), none, "gelsd"}},
      {"linalg_qr", {tall, "reduced"}},
      {"linalg_qr", {tall, "complete"}},
      {"linalg_qr", {wide, "r"}},
      {"qr", {wide, false}},
      {"qr", {tall, true}},
      {"linalg_svd", {tall, true, none}},
      {"linalg_svdvals", {wide, none}},
      {"svd", {wide, true, true}},
      {"svd", {wide, false, false}},
      {"linalg_eigh", {symmetric, "L"}},
      {"linalg_eigvalsh", {symmetric, "U"}},
      {"linalg_matrix_rank__atol_rtol_tensor", {tall, none, none, false}},
      {"linalg_matrix_rank__atol_rtol_tensor", {tall, at::tensor({0.5, 100.0}), none, false}},
      {"linalg_matrix_rank__atol_rtol_float", {symmetric, none, 0.5, true}},
      {"linalg_matrix_rank__tol_tensor", {tall, at::scalar_tensor(1.5), false}},
      {"linalg_matrix_rank", {tall, 1.5, false}},
      {"linalg_pinv__atol_rtol_float", {tall, none, none, false}},
      {"linalg_pinv__atol_rtol_float", {symmetric, 0.5, none, true}},
      {"linalg_pinv__atol_rtol_tensor", {wide, at::tensor({0.5, 0.0}), none, false}},
      {"linalg_pinv__rcond_tensor", {wide, at::scalar_tensor(0.5), false}},
      {"linalg_pinv", {tall, 0.3, false}},
      {"pinverse", {x, 1e-15}},
      {"linalg_matrix_norm", {image, 2.0, ints({-2, -1}), false, none}},
      {"linalg_matrix_norm", {image, -2, ints({1, 0}), true, 7}},
      {"linalg_matrix_norm", {image, 1, ints({-2, 0}), true, none}},
      {"linalg_matrix_norm", {image, -infinity, ints({1, -1}), false, none}},
      {"linalg_matrix_norm__str_ord", {image, "nuc", ints({2, 0}), true, none}},
      {"linalg_matrix_norm__str_ord", {image, "fro", ints({-2, -1}), false, none}},
      {"linalg_norm", {image, none, none, false, none}},
      {"linalg_norm", {image, 3.0, ints({1}), true, none}},
      {"linalg_norm", {x, 1, none, true, 7}},
      {"linalg_norm__ord_str", {image, "nuc", ints({0, 2}), false, none}},
      {"nuclear_norm", {x, false}},
      {"nuclear_norm__dim", {image, ints({1, 2}), true}},
      {"linalg_cond", {tall, none}},
      {"linalg_cond", {square, -2}},
      {"linalg_cond", {square, 1}},
      {"linalg_cond", {at::zeros({2, 2}), infinity}},
      {"linalg_cond__p_str", {square, "nuc"}},
      {"linalg_cond__p_str", {square, "fro"}},
      {"linalg_lstsq", {tall, at::randn({2, 5, 2}), none, none}},
      {"linalg_lstsq", {tall, at::randn({2, 5}), none, "gelsd"}},
      {"linalg_lstsq", {wide, right_side, none, "gels"}},
      {"linalg_lstsq", {tall[0], at::randn({5, 2}), 1e-5, "gelss"}},
      {"chain_matmul", {c10::List<at::Tensor>({x, y.t(), x})}},
      {"linalg_multi_dot", {c10::List<at::Tensor>({row, x.t(), y, row})}},
      {"linalg_multi_dot", {c10::List<at::Tensor>({x, row})}},
      {"linalg_matrix_power", {square, 5}},
      {"linalg_matrix_power", {square, -2}},
      {"matrix_power", {square, 0}},
      {"linalg_matrix_exp", {square}},
      {"matrix_exp", {square[0]}},
      {"linalg_tensorinv", {at::eye(12).view({3, 4, 2, 6}) + at::randn({3, 4, 2, 6}) * 0.1, 2}},
      {"linalg_tensorsolve", {at::eye(6).view({2, 3, 6}) + at::randn({2, 3, 6}) * 0.1, at::randn({2, 3}), none}},
      {"linalg_tensorsolve", {at::eye(6).view({6, 2, 3}) + at::randn({6, 2, 3}) * 0.1, at::randn({2, 3}), ints({0})}},
      {"linalg_vander", {x, none}},
      {"linalg_vander", {integers, int64_t{3}}},
      {"vander", {row, none, false}},
      {"vander", {row, int64_t{3}, true}},
      {"linalg_diagonal", {image, 1, -2, -1}},
      {"cov", {x, 1, none, none}},
      {"cov", {row, 0, none, none}},
      {"cov", {x, 1, at::tensor({1, 2, 3, 1}, at::kLong), row.abs()}},
      {"cov", {x, 2, at::tensor({1, 2, 3, 1}, at::kLong), none}},
      {"corrcoef", {x}},
      {"ormqr", {reflections, tau, at::randn({2, 5, 2}), true, true}},
      {"ormqr", {reflections, tau, at::randn({2, 2, 5}), false, false}},
      {"celu", {x, 1.5}},
      {"logit", {unit, none}},
      {"logit", {unit, 0.3}},
      {"sinc", {at::tensor({0.0, 0.5, -2.25})}},
      {"deg2rad", {x}},
      {"rad2deg", {x}},
      {"positive", {x}},
      {"isposinf", {special}},
      {"isneginf", {special}},
      {"heaviside", {at::tensor({-1.0, 0.0, 2.0}), at::tensor({0.5, 0.25, 0.125})}},
      {"prelu", {image, at::randn({4})}},
      {"prelu", {x, at::randn({1})}},
      {"polygamma", {0, x.abs() + 0.5}},
      {"polygamma", {1, x.abs() + 0.5}},
      {"polygamma", {4, unit}},
      {"polygamma", {2, integers + 6}},
      {"mvlgamma", {unit + 3, 5}},
      {"mvlgamma", {integers + 6, 1}},
      {"special_ndtr", {x}},
      {"special_ndtr", {integers}},
      {"special_log_ndtr", {x * 5}},
      {"special_entr", {special}},
      {"special_entr", {integers}},
      {"special_spherical_bessel_j0", {special}},
      {"special_spherical_bessel_j0", {integers}},
      {"special_xlog1py", {special, at::tensor({std::nan(""), 1.0, 2.0, 0.5, 1.0})}},
      {"special_xlog1py", {integers, integers}},
      {"special_xlog1py__self_scalar", {2.5, integers + 6}},
      {"special_xlog1py__other_scalar", {special, 2}},
      {"xlogy__Scalar_Self", {0, special}},
      {"xlogy__Scalar_Other", {integers, 2.5}},
      {"glu", {x, 1}},
      {"glu", {x, -1}},
      {"logaddexp", {x, y}},
      {"logaddexp", {z, z2}},
      {"logaddexp", {at::complex(low, finite), at::complex(low, finite.flip(0))}},
      {"logaddexp", {special, special}},
      {"logaddexp", {special, at::tensor({1.0, 1.0, 1.0, 1.0, 1.0})}},
      {"xlogy__Tensor", {at::tensor({0.0, 0.0, 2.0, 0.0}), at::tensor({0.0, -1.0, 3.0, std::nan("")})}},
      {"clamp_min__Tensor", {x, row}},
      {"clamp_max__Tensor", {x, row}},
      {"isclose", {special, special, 1e-5, 1e-8, true}},
      {"isclose", {x, x + 1e-7, 1e-5, 1e-8, false}},
      {"isclose", {special, special, 1e-5, 1e-8, false}},
      {"allclose", {x, x + 1e-9, 1e-5, 1e-8, false}},
      {"allclose", {x, y, 1e-5, 1e-8, false}},
      {"index_fill__int_Tensor", {x, 1, at::tensor({0, 2}, at::kLong), at::scalar_tensor(5.0)}},
      {"_autocast_to_reduced_precision", {x, false, true, 5, 15}},
      {"_autocast_to_reduced_precision", {x, true, false, 5, 15}},
      {"_autocast_to_full_precision", {x.to(at::kBFloat16), false, true}},
      {"_autocast_to_full_precision", {x.to(at::kBFloat16), true, false}},
      {"trace", {x}},
      {"dist", {x, y, 3.0}},
      {"cosine_similarity", {x, y, 1, 1e-8}},
      {"cosine_similarity", {x, row, -1, 0.5}},
      {"pairwise_distance", {x, y, 2.0, 1e-6, false}},
      {"pairwise_distance", {x, y, 1.0, 1e-6, true}},
      {"_weight_norm", {image, at::randn({2, 1, 1, 1}), 0}},
      {"_softmax", {x, 1, false}},
      {"_log_softmax", {x, 0, false}},
      {"var_mean__correction", {x, ints({1}), 0.0, true}},
      {"var_mean__correction", {x, none, none, false}},
      {"std_mean__correction", {x, ints({0, 1}), 1.0, false}},
      {"var_mean__dim", {x, ints({1}), true, false}},
      {"std_mean__dim", {x, ints({0}), false, true}},
      {"var_mean", {x, true}},
      {"std_mean", {x, false}},
      {"aminmax", {x, none, false}},
      {"aminmax", {x, 1, true}},
      {"count_nonzero", {x.clamp_min(0), none}},
      {"count_nonzero", {x.clamp_min(0), 1}},
      {"frobenius_norm__dim", {x, ints({0, 1}), true}},
      {"norm__ScalarOpt_dtype", {x, 1.0, 7}},
      {"norm__ScalarOpt_dtype", {x, none, 6}},
      {"addbmm", {at::randn({2, 3}), at::randn({5, 2, 4}), at::randn({5, 4, 3}), 0.5, 2.0}},
      {"addbmm", {at::full({2, 3}, std::nan("")), at::randn({5, 2, 4}), at::randn({5, 4, 3}), 0, 1}},
      {"addr", {at::randn({3, 4}), at::randn({3}), row, 0.5, 2.0}},
      {"bilinear", {at::randn({2, 5, 3}), at::randn({2, 5, 4}), at::randn({6, 3, 4}), at::randn({6})}},
      {"bilinear", {at::randn({5, 3}), at::randn({5, 4}), at::randn({6, 3, 4}), none}},
      {"convolution",
       {image, at::randn({4, 2, 3, 3}), row, ints({2, 2}), ints({1, 1}), ints({1, 1}), false, ints({0, 0}), 2}},
      {"conv_transpose3d__input",
       {at::randn({1, 2, 3, 3, 3}), at::randn({2, 2, 2, 2, 2}), none, ints({2, 2, 2}), ints({0, 0, 0}), ints({1, 1, 1}),
        1, ints({1, 1, 1})}},
      {"_convolution_mode", {image, at::randn({3, 4, 3, 3}), none, ints({1, 1}), "same", ints({2, 2}), 1}},
      {"_convolution_mode", {line, at::randn({3, 3, 3}), none, ints({1}), "valid", ints({1}), 1}},
      {"max_pool1d_with_indices", {line, ints({3}), ints({}), ints({1}), ints({1}), true}},
      {"max_pool1d_with_indices", {line, ints({3}), ints({1}), ints({0}), ints({2}), false}},
      {"adaptive_max_pool1d", {line, ints({3})}},
      {"rnn_tanh_cell", {x, at::randn({3, 2}), at::randn({2, 4}), at::randn({2, 2}), at::randn({2}), at::randn({2})}},
      {"rnn_relu_cell", {x, at::randn({3, 2}), at::randn({2, 4}), at::randn({2, 2}), none, none}},
      {"broadcast_to", {row, ints({3, 4})}},
      {"broadcast_tensors", {mixed}},
      {"tile", {x, ints({2})}},
      {"tile", {row, ints({2, 1, 3})}},
      {"unsafe_chunk", {x, 3, 1}},
      {"unsafe_split__Tensor", {x, 3, 1}},
      {"unsafe_split_with_sizes", {x, ints({1, 3}), 1}},
      {"atleast_1d", {at::scalar_tensor(2.0)}},
      {"atleast_2d", {row}},
      {"atleast_2d", {at::scalar_tensor(2.0)}},
      {"atleast_3d", {row}},
      {"atleast_3d", {x}},
      {"hstack", {lines}},
      {"hstack", {c10::List<at::Tensor>({x, y})}},
      {"vstack", {rows}},
      {"vstack", {c10::List<at::Tensor>({row, row})}},
      {"fliplr", {x}},
      {"flipud", {x}},
      {"pixel_unshuffle", {image, 2}},
      {"reflection_pad1d", {line, ints({2, 1})}},
      {"reflection_pad2d", {image, ints({2, 1, 0, 3})}},
      {"reflection_pad3d", {at::randn({1, 2, 3, 3, 3}), ints({1, 1, 0, 2, 1, 0})}},
      {"replication_pad1d", {line, ints({2, 1})}},
      {"replication_pad2d", {image, ints({2, 1, 0, 3})}},
      {"replication_pad3d", {at::randn({1, 2, 3, 3, 3}), ints({1, 1, 0, 2, 1, 0})}},
      {"upsample_nearest1d", {line, ints({11}), 1.7}},
      {"upsample_nearest1d__vec", {line, ints({11}), none}},
      {"upsample_nearest1d__vec", {line, none, std::vector<double>{1.7}}},
      {"upsample_nearest2d", {image, ints({4, 9}), none, none}},
      {"upsample_nearest2d", {image, ints({6, 12}), 1.1, 2.1}},
      {"upsample_nearest3d", {volume, ints({4, 9, 6}), none, 1.6, none}},
      // Channels that lie side by side: where the size is the same or twice as large, the factor counts for nothing.
      {"upsample_nearest3d",
       {at::randn({2, 4, 10, 6, 7}).contiguous(at::MemoryFormat::ChannelsLast3d), ints({10, 6, 14}), 1.05, none, 2.1}},
      {"upsample_nearest3d__vec", {volume, none, std::vector<double>{2.0, 1.6, 0.7}}},
      {"_upsample_nearest_exact1d", {line, ints({11}), none}},
      {"_upsample_nearest_exact1d__vec", {line, none, std::vector<double>{1.7}}},
      {"_upsample_nearest_exact2d", {image, ints({4, 9}), none, 1.5}},
      {"_upsample_nearest_exact2d__vec", {image, ints({4, 9}), none}},
      {"_upsample_nearest_exact3d", {volume, ints({4, 9, 6}), none, none, none}},
      {"_upsample_nearest_exact3d__vec", {volume, none, std::vector<double>{2.0, 1.6, 0.7}}},
      {"upsample_linear1d", {line, ints({7}), false, 1.3}},
      {"upsample_linear1d__vec", {line, ints({11}), true, none}},
      {"upsample_linear1d__vec", {line, none, false, std::vector<double>{1.7}}},
      {"upsample_bilinear2d", {image, ints({4, 9}), false, none, 1.6}},
      {"upsample_bilinear2d", {image, ints({1, 9}), true, none, none}},
      {"upsample_trilinear3d", {volume, ints({4, 9, 6}), false, none, none, none}},
      {"upsample_trilinear3d__vec", {volume, none, true, std::vector<double>{2.0, 1.6, 0.7}}},
      {"upsample_bicubic2d", {image, ints({4, 9}), true, none, none}},
      {"upsample_bicubic2d__vec", {image, none, false, std::vector<double>{1.7, 0.6}}},
      {"upsample_bilinear2d", {bytes, ints({4, 9}), false, none, 1.6}},
      {"upsample_bilinear2d", {bytes, ints({4, 6}), true, none, none}},
      {"upsample_bicubic2d", {bytes, ints({15, 3}), false, none, none}},
      {"upsample_bicubic2d", {bytes, ints({6, 11}), true, 1.3, 1.4}},
      {"_upsample_bilinear2d_aa", {bytes, ints({4, 9}), false, none, none}},
      {"_upsample_bicubic2d_aa", {bytes, ints({2, 13}), false, none, none}},
      {"_upsample_bilinear2d_aa", {image, ints({4, 9}), true, none, none}},
      {"_upsample_bilinear2d_aa__vec", {image, none, false, std::vector<double>{0.4, 0.6}}},
      {"_upsample_bicubic2d_aa", {image, ints({2, 6}), false, none, 1.1}},
      {"_upsample_bicubic2d_aa__vec", {image, none, false, std::vector<double>{0.4, 1.6}}},
      {"_upsample_lanczos2d_aa", {image, ints({2, 9}), false, none, none}},
      {"_upsample_lanczos2d_aa", {bytes, ints({2, 13}), false, none, none}},
      {"_upsample_lanczos2d_aa__vec", {image, none, true, std::vector<double>{0.4, 1.6}}},
      {"max_pool3d", {volume, ints({2}), ints({}), ints({1}), ints({1}), true}},
      {"max_pool3d_with_indices", {volume, ints({2, 3, 2}), ints({1}), ints({1}), ints({1}), false}},
      {"max_pool3d_with_indices", {at::zeros({2, 4, 5, 4}), ints({2}), ints({2}), ints({0}), ints({2}), true}},
      {"avg_pool3d", {volume, ints({2, 3, 2}), ints({}), ints({1}), true, true, none}},
      {"avg_pool3d", {volume, ints({3}), ints({2}), ints({1}), false, false, none}},
      {"avg_pool3d", {(volume * 9).to(at::kLong), ints({2}), ints({1}), ints({0}), false, true, -3}},
      {"adaptive_avg_pool3d", {volume, ints({2, 3, 7})}},
      {"adaptive_avg_pool3d", {volume, ints({1, 1, 1})}},
      {"_adaptive_avg_pool3d", {volume, ints({2, 3, 7})}},
      {"adaptive_max_pool3d", {volume, ints({2, 3, 7})}},
      {"max_unpool2d", {at::randn({1, 2, 2}), at::tensor({0, 5, 10, 13}, at::kLong).view({1, 2, 2}), ints({4, 4})}},
      {"max_unpool3d",
       {at::randn({1, 1, 2, 2}), at::tensor({0, 5, 10, 13}, at::kLong).view({1, 1, 2, 2}), ints({2, 4, 4}),
        ints({2, 2, 2}), ints({0, 0, 0})}},
      {"im2col", {image, ints({2, 3}), ints({2, 1}), ints({1, 2}), ints({2, 1})}},
      {"col2im", {at::randn({2, 12, 25}), ints({6, 7}), ints({2, 3}), ints({1, 1}), ints({0, 0}), ints({1, 1})}},
      {"col2im", {at::randn({6, 6}), ints({4, 3}), ints({2, 3}), ints({2, 1}), ints({1, 1}), ints({2, 1})}},
      {"take", {x, at::tensor({0, 11, -1, 5}, at::kLong)}},
      {"nonzero_numpy", {x.clamp_min(0)}},
      {"argwhere", {x.clamp_min(0)}},
      {"linalg_cross", {at::randn({2, 3}), at::randn({2, 3}), -1}},
      {"cross", {x, y, 0}},
      {"cross", {x, y, none}},
      {"select_scatter", {x, row, 0, 1}},
      {"slice_scatter", {x, at::randn({3, 2}), 1, 0, none, 2}},
      {"diag_embed", {x, 0, -2, -1}},
      {"diag_embed", {x, -1, 0, 2}},
      {"bucketize__Tensor", {x, at::tensor({-1.0, 0.0, 1.0}), false, false}},
      {"bucketize__Tensor", {at::tensor({0.0, 1.0}), at::tensor({0.0, 1.0}), true, true}},
      {"meshgrid__indexing", {std::vector<at::Tensor>{row, x[0], y.select(1, 0)}, "xy"}},
      {"meshgrid__indexing", {std::vector<at::Tensor>{row, x[0], y.select(1, 0)}, "ij"}},
      {"meshgrid__indexing", {std::vector<at::Tensor>{row}, "xy"}},
      {"sort__stable", {x, true, 0, true}},
      {"sort__stable", {x, none, -1, false}},
      {"argsort__stable", {x, true, 0, true}},
      {"randint", {int64_t{7}, ints({2, 3}), int64_t{4}, none, none, none}},
      {"randint_like", {x, int64_t{7}, none, none, none, none, none}},
      {"randint_like__low_dtype", {x, int64_t{-3}, int64_t{7}, int64_t{3}, none, none, none, none}},
      {"bernoulli__p", {x, 0.3, none}},
      {"normal__float_float", {1.0, 2.0, ints({20}), none, none, none, none, none}},
      {"normal__Tensor_float", {x, 2.0, none}},
      {"normal__float_Tensor", {1.0, x.abs(), none}},
      {"normal__Tensor_Tensor", {x, y.abs(), none}},
      {"multinomial", {x.abs(), int64_t{1}, false, none}},
      {"multinomial", {x.abs(), int64_t{3}, false, none}},
      {"multinomial", {x.abs(), int64_t{6}, true, none}},
      {"multinomial", {row.abs(), int64_t{1}, true, none}},
      {"mT", {image}},
      {"cpu", {x}},
      {"Size", {ints({2, 3})}},
      {"_pack_padded_sequence", {at::randn({4, 3, 2}), lengths, false}},
      {"_pack_padded_sequence", {at::randn({3, 4, 2}), lengths, true}},
      {"_pad_packed_sequence", {at::randn({7, 2}), batch_sizes, false, 0.5, int64_t{-1}}},
      {"_pad_packed_sequence", {at::randn({7, 2}), batch_sizes, true, 0.0, int64_t{6}}},
      {"gru__data", {at::randn({7, 2}), batch_sizes, at::randn({1, 3, 5}), gru, true, int64_t{1}, 0.0, false, false}},
      {"_shape_as_tensor", {image}},
      {"_dim_arange", {image, 1}},
      {"addbmm",
       {at::full({2, 3}, 2, at::kLong), at::full({5, 2, 4}, 3, at::kLong), at::full({5, 4, 3}, 1, at::kLong), 2.5,
        1.5}},
      {"msort", {x}},
      {"kthvalue", {x, 2, 1, true}},
      {"median", {x}},
      {"median", {special}},
      {"median__dim", {x, 0, false}},
      {"nanmedian", {special}},
      {"nanmedian__dim", {special.view({1, 5}), 1, true}},
      {"mode", {integers, 1, false}},
      {"quantile", {x, at::tensor({0.0, 0.3, 1.0}).to(at::kFloat), 1, true, "linear"}},
      {"quantile__scalar", {x, 0.4, none, true, "midpoint"}},
      {"nanquantile", {at::cat({x, special.slice(0, 1).view({1, 4})}), at::tensor({0.1, 0.75}), 0, false, "nearest"}},
      {"nanquantile__scalar", {x, 0.5, 0, false, "higher"}},
      {"_unique2", {integers, true, true, true}},
      {"unique_consecutive", {integers, true, true, none}},
      {"unique_consecutive", {at::zeros({3, 2}), true, true, 0}},
      {"unique_dim", {integers.view({6, 2}), 0, true, true, true}},
      {"unique_dim", {at::zeros({0, 2}), 0, true, true, true}},
      {"unique_dim_consecutive", {at::zeros({3, 2}), 1, true, true}},
      {"bucketize__Scalar", {2.5, at::tensor({1.0, 2.0, 3.0}), false, false}},
      {"searchsorted__Scalar", {at::tensor({1.0, 2.0, 3.0}), 2, true, true, none, none}},
      {"isin__Tensor_Tensor", {integers, at::tensor({4, 0, 9}), false, true}},
      {"isin__Tensor_Scalar", {integers, 4, false, false}},
      {"isin__Scalar_Tensor", {4, integers, false, false}},
      {"chalf", {x, none}},
      {"bincount", {at::tensor({3, 0, 3, 1}), none, 2}},
      {"bincount", {at::tensor({3, 0, 3, 1}, at::kByte), none, 7}},
      {"bincount", {at::tensor({3, 0, 3, 1}), at::tensor({0.5, 2.0, -1.0, 4.0}, at::kFloat), 0}},
      {"bincount", {at::zeros({0}, at::kLong), none, 3}},
      {"histc", {x, 5, -1, 1.5}},
      {"dstack", {mixed_rows}},
      {"hsplit__int", {x, 2}},
      {"hsplit__array", {x, ints({1, 3})}},
      {"vsplit__int", {x, 3}},
      {"vsplit__array", {x, ints({1})}},
      {"dsplit__int", {image, 2}},
      {"dsplit__array", {image, ints({2, 5})}},
      {"narrow__Tensor", {x, 1, at::scalar_tensor(1, at::kLong), 2}},
      {"squeeze__dims", {at::randn({1, 3, 1, 2, 1}), ints({0, -1, 1})}},
      {"take_along_dim", {x, at::tensor({2, 0, 1}).view({3, 1}).to(at::kLong), 1}},
      {"take_along_dim", {x, at::tensor({7, 0}).to(at::kLong), none}},
      {"nonzero_static", {integers, 4, -1}},
      {"nonzero_static", {integers, 20, -1}},
      {"_unsafe_masked_index",
       {row, at::tensor({1, 0}) > 0, c10::List<std::optional<at::Tensor>>({at::tensor({1, 99})}), 3.5}},
      {"_unsafe_masked_index",
       {row, at::tensor({1, 1}) > 0, c10::List<std::optional<at::Tensor>>({at::tensor({-1, 2})}), 3.5}},
      {"linspace__Tensor_Tensor", {at::scalar_tensor(1.5), at::scalar_tensor(4.0), 4, none, none, none, none}},
      {"linspace__Tensor_Scalar", {at::scalar_tensor(1.5), 4, 4, none, none, none, none}},
      {"linspace__Scalar_Tensor", {1, at::scalar_tensor(4.0), 4, none, none, none, none}},
      {"hinge_embedding_loss", {x, at::sign(y), 0.5, 1}},
      {"margin_ranking_loss", {x, y, at::sign(unit - 0.5), 0.1, 2}},
      {"poisson_nll_loss", {x, unit * 4, true, true, 1e-8, 0}},
      {"poisson_nll_loss", {unit, y, false, false, 1e-8, 1}},
      {"triplet_margin_loss", {x, y, unit, 1.0, 2.0, 1e-6, true, 0}},
      {"multi_margin_loss", {x, classes, 2, 0.5, row, 1}},
      {"multilabel_margin_loss", {x, at::tensor({1, 2, -1, 0, -1, 0, 0, 0, 3, 0, 1, 2}).view({3, 4}).to(at::kLong), 0}},
      {"nanmean", {special, none, false, none}},
      {"trapezoid__x", {x, row, 1}},
      {"trapezoid__dx", {x, 2, 0}},
      {"trapz__x", {x, y, 0}},
      {"trapz__dx", {x, 0.5, 1}},
      {"cumulative_trapezoid__x", {x, y, 1}},
      {"cumulative_trapezoid__dx", {x, 2, 0}},
      {"renorm", {x, 2, 0, 0.75}},
      {"pdist", {x, 2.0}},
      {"_softmax_backward_data", {x, unit, 1, int64_t{6}}},
      {"_log_softmax_backward_data", {x, y, 1, int64_t{6}}},
      {"_safe_softmax", {special.slice(0, 3, 4), 0, none}},
      {"tensordot", {image, at::randn({6, 4, 2}), ints({1, 3}), ints({1, 0})}},
      {"inner", {x, row}},
      {"kron", {x, at::randn({2})}},
      {"_grouped_mm", {at::randn({5, 16}), at::randn({3, 16, 8}), at::tensor({2, 2, 5}, at::kInt), none, none}},
      {"_grouped_mm", {at::randn({3, 8, 16}), at::randn({16, 8}), at::tensor({3, 3, 8}, at::kInt), none, none}},
      {"_grouped_mm", {at::randn({8, 8}), at::randn({8, 12}), at::tensor({1, 5, 8}, at::kInt), none, at::kFloat}},
      {"_grouped_mm", {at::randn({3, 8, 16}), at::randn({3, 16, 8}), none, none, none}},
      {"fmax", {special, special.flip(0)}},
      {"fmin", {special, special.flip(0)}},
      {"ldexp__Tensor", {x, integers}},
      {"float_power__Tensor_Tensor", {x.abs(), row}},
      {"float_power__Tensor_Scalar", {integers, 0.5}},
      {"float_power__Scalar", {2, x}},
      {"nan_to_num", {special, none, none, none}},
      {"nan_to_num", {special.to(at::kDouble), 1.0, 2.0, -3.0}},
      {"nan_to_num", {special.to(at::kHalf), none, none, none}},
      {"nan_to_num", {integers, none, none, none}},
      {"round__decimals", {x * 100, 2}},
      {"round__decimals", {x * 1000, -2}},
      {"logaddexp2", {special, special.flip(0)}},
      {"logaddexp2", {x, y}},
      {"count_nonzero__dim_IntList", {integers, ints({0, 1})}},
      {"nansum", {special, none, false, none}},
      {"nansum", {x, ints({1}), true, none}},
      {"diff", {x, 2, 1, none, none}},
      {"diff", {x, 1, -1, y, at::randn({3, 1})}},
      {"diff", {x > 0, 1, 0, none, none}},
      {"diff", {x, 9, 0, none, none}},
      {"sum_to_size", {line, ints({3, 1})}},
      {"sum_to_size", {x, ints({})}},
      {"alias_copy", {x}},
      {"detach_copy", {x}},
      {"as_strided_copy", {x, ints({2, 2}), ints({1, 3}), 2}},
      {"diagonal_copy", {line, 1, 1, 2}},
      {"expand_copy", {row, ints({2, 4}), false}},
      {"narrow_copy", {x, 1, 1, 2}},
      {"permute_copy", {line, ints({2, 0, 1})}},
      {"select_copy__int", {x, 1, -1}},
      {"slice_copy__Tensor", {x, 1, 1, none, 2}},
      {"squeeze_copy", {at::randn({1, 3, 1})}},
      {"squeeze_copy__dim", {at::randn({1, 3, 1}), 2}},
      {"squeeze_copy__dims", {at::randn({1, 3, 1}), ints({0, 2})}},
      {"t_copy", {x}},
      {"transpose_copy__int", {line, 0, 2}},
      {"unfold_copy", {row, 0, 2, 1}},
      {"unsqueeze_copy", {x, 1}},
      {"view_copy", {x, ints({2, 6})}},
      {"split_copy__Tensor", {x, 2, 1}},
      {"split_with_sizes_copy", {x, ints({1, 3}), 1}},
      {"unbind_copy__int", {x, 1}},
      {"as_strided_scatter", {x, at::randn({2, 2}), ints({2, 2}), ints({1, 3}), 2}},
      {"diagonal_scatter", {x, at::randn({3}), 1, 0, 1}},
      {"masked_scatter", {x, row > 0, at::randn({12})}},
      {"put", {x, at::tensor({0, 5, -1}, at::kLong), at::randn({3}), false}},
      {"put", {x, at::tensor({5, 5, -1}, at::kLong), at::randn({3}), true}},
      {"index_copy", {x, 1, at::tensor({2, 0}, at::kLong), at::randn({3, 2})}},
      {"index_copy", {at::scalar_tensor(2.0), 0, at::tensor({0}, at::kLong), at::randn({1})}},
      {"scatter__reduce", {x, 1, at::tensor({3, 3, 0, 1}, at::kLong).view({2, 2}), y, "add"}},
      {"scatter__value_reduce", {x, 1, at::tensor({3, 3, 0, 1}, at::kLong).view({2, 2}), 2.5, "multiply"}},
      {"index_reduce", {x, 1, at::tensor({2, 2, 0}, at::kLong), at::randn({3, 3}), "amax", true}},
      {"index_reduce", {x, 0, at::tensor({1, 1}, at::kLong), at::randn({2, 4}), "mean", false}},
      {"index_reduce", {x, 0, at::tensor({1, 1}, at::kLong), at::randn({2, 4}), "prod", false}},
      {"diag", {x, -1}},
      {"diag", {row, 1}},
      {"diagflat", {x, 1}},
      {"rot90", {line, 1, ints({0, 2})}},
      {"rot90", {line, -2, ints({1, 2})}},
      {"rot90", {line, 3, ints({2, 0})}},
      {"ravel", {line}},
      {"column_stack", {lines_of_4}},
      {"block_diag", {mixed_blocks}},
      {"cartesian_prod", {lines}},
      {"combinations", {row, 2, false}},
      {"combinations", {row, 3, true}},
      {"tensor_split__indices", {line, ints({1, 5, -1}), 2}},
      {"tensor_split__sections", {line, 3, 2}},
      {"tensor_split__tensor_indices_or_sections", {line, at::scalar_tensor(3, at::kLong), 2}},
      {"tensor_split__tensor_indices_or_sections", {line, at::tensor({2, 4}, at::kLong), 2}},
      {"real", {z}},
      {"real", {x}},
      {"imag", {z}},
      {"complex", {x, row}},
      {"polar", {x.abs(), y}},
      {"angle", {z}},
      {"angle", {special}},
      {"angle", {integers}},
      {"sgn", {z * at::tensor({0.0, 1.0, 2.0, 0.5})}},
      {"sgn", {x}},
      {"isreal", {at::complex(x, y * at::tensor({0.0, 1.0, 0.0, 1.0}).to(at::kFloat))}},
      {"isreal", {integers}},
      {"resolve_conj", {z}},
      {"resolve_neg", {z}},
      {"mH", {at::randn({2, 3, 4}, at::kComplexFloat)}},
      {"matrix_H", {z}},
      {"adjoint", {z}},
      {"vdot", {z[0], z2[1]}},
      {"linalg_vecdot", {z, z2, -1}},
      {"fft_fft", {x, none, -1, none}},
      {"fft_fft", {z, 6, 0, "ortho"}},
      {"grid_sampler", {image, at::randn({2, 3, 2, 2}), 2, 0, true}},
      {"grid_sampler_2d", {image, at::randn({2, 3, 2, 2}), 0, 1, false}},
      {"grid_sampler_3d", {at::randn({2, 3, 2, 3, 4}), at::randn({2, 2, 1, 3, 3}), 0, 2, true}},
      {"affine_grid_generator", {at::randn({2, 2, 3}), ints({2, 3, 4, 5}), false}},
      {"affine_grid_generator", {at::randn({2, 3, 4}), ints({2, 3, 1, 5, 2}), true}},
      {"fractional_max_pool2d", {at::randn({2, 3, 7, 6}), ints({2, 3}), ints({4, 2}), at::rand({2, 3, 2})}},
      {"fractional_max_pool3d", {at::randn({3, 5, 6, 4}), ints({2, 1, 3}), ints({3, 4, 1}), at::rand({1, 3, 3})}},
      {"embedding_bag", {at::randn({9, 4}), places, bags, false, 1, false, none, false}},
      {"embedding_bag__padding_idx",
       {at::randn({9, 4}), places, at::tensor({0, 3, 5}, at::kLong), false, 2, false, none, true, 2}},
      {"embedding_bag__padding_idx", {at::randn({9, 4}), places, bags, false, 0, false, at::randn({5}), false, -7}},
      {"embedding_renorm_", {at::randn({9, 4}), places, 0.75, 2.0}},
      {"segment_reduce", {points, "mean", at::tensor({3, 0, 4}, at::kLong), none, none, 0, false, none}},
      {"segment_reduce", {points, "max", none, none, at::tensor({0, 2, 7}, at::kLong), 0, false, 0.5}},
      {"segment_reduce", {points, "sum", none, none, at::tensor({1, 2, 5}, at::kLong), 0, false, none}},
      {"segment_reduce", {points, "min", at::tensor({3, 0, 1}, at::kLong), none, none, 0, true, none}},
      {"diff", {x, 0, -1, x, none}},
      {"all__dims", {image > 0, ints({0, -1}), true}},
      {"all__dims", {image > -9, none, false}},
      {"any__dims", {image > 1, ints({1, 2}), false}},
      {"any__dims", {at::tensor({2, 0}, at::kByte), c10::List<int64_t>(), false}},
      {"atleast_1d__Sequence", {c10::List<at::Tensor>({at::scalar_tensor(1.0), x})}},
      {"atleast_2d__Sequence", {c10::List<at::Tensor>({at::scalar_tensor(1.0), at::randn({3})})}},
      {"atleast_3d__Sequence", {c10::List<at::Tensor>({at::randn({3}), x})}},
      {"empty_strided", {ints({0, 3}), ints({3, 1}), none, none, none, none}},
      {"new_empty_strided", {x, ints({2, 0}), ints({1, 2}), 7, none, none, none}},
      {"native_dropout", {x, 0.5, false}},
      {"native_dropout", {x, 1.0, true}},
      {"native_dropout_backward", {x, x > 0, 2.0}},
      {"native_batch_norm", {image, none, none, none, none, true, 0.1, 1e-5}},
      {"_native_batch_norm_legit__no_stats", {image, none, none, true, 0.1, 1e-5}},
      {"_native_batch_norm_legit", {image, none, none, at::zeros({4}), at::full({4}, 2.0), true, 0.1, 1e-5}},
      {"_batch_norm_with_update", {image, none, none, at::zeros({4}), at::full({4}, 2.0), 0.1, 1e-5}},
      {"max_pool2d_with_indices_backward",
       {at::randn({1, 2, 2}), at::randn({1, 4, 4}), ints({2}), ints({}), ints({0}), ints({1}), false,
        at::tensor({0, 5, 10, 13}, at::kLong).view({1, 2, 2})}},
      {"_unsafe_masked_index_put_accumulate",
       {row, at::tensor({1, 0}) > 0, c10::List<std::optional<at::Tensor>>({at::tensor({1, 99})}), at::randn({2})}},
      {"where", {x > 0}},
      {"native_layer_norm", {image, ints({6, 6}), none, none, 1e-5}},
      {"native_group_norm", {at::randn({2, 6, 5}), none, none, 2, 6, 5, 3, 1e-5}},
      {"empty_permuted", {ints({0, 3, 2}), ints({2, 0, 1}), none, none, none, none}},
      {"eye__m", {2, 5, none, none, none, none}},
      {"eye__m", {4, 3, 4, none, none, none}},
      {"logspace", {0.5, 3, 7, 10.0, none, none, none, none}},
      {"logspace", {0, 4, 5, 2.0, 4, none, none, none}},
      {"logspace", {2.0, -3.0, 1, 3.0, 7, none, none, none}},
      {"logspace__Tensor_Tensor", {at::scalar_tensor(1.0), at::scalar_tensor(2.0), 4, 2.0, none, none, none, none}},
      {"logspace__Tensor_Scalar", {at::scalar_tensor(1.0), 2.0, 4, 2.0, none, none, none, none}},
      {"logspace__Scalar_Tensor", {1.0, at::scalar_tensor(2.0), 4, 2.0, none, none, none, none}},
      {"_chunk_cat", {c10::List<at::Tensor>({at::randn({3, 5}), at::randn({3, 2})}), 1, 3}},
      {"_chunk_cat", {c10::List<at::Tensor>({at::randn({5, 2}), at::randn({1})}), 0, 2}},
      {"gradient__scalarint", {x, none, none, 1}},
      {"gradient__scalarint", {image, 0.5, -1, 2}},
      {"gradient__scalararray", {image, 2.0, ints({1, 2}), 1}},
      {"gradient__array", {image, ints({-1, 2}), 2}},
      {"gradient__scalarrayint", {x, c10::List<at::Scalar>({at::Scalar(0.5), at::Scalar(2)}), none, 1}},
      {"gradient__scalarrayarray", {x, c10::List<at::Scalar>({at::Scalar(0.5), at::Scalar(2)}), ints({1, 0}), 1}},
      {"gradient__tensorarrayint", {x, c10::List<at::Tensor>({at::tensor({0.0, 1.0, 2.5, 4.0})}), 1, 2}},
      {"gradient__tensorarray", {x, c10::List<at::Tensor>({at::tensor({0.0, 1.0, 3.0})}), ints({0}), 1}},
      {"histogram__bin_ct", {x, 5, none, none, false}},
      {"histogram__bin_ct", {x, 4, c10::List<double>({-1.0, 1.0}), y.abs(), true}},
      {"histogram__bins_tensor", {x, at::tensor({-1.0, -0.5, 0.25, 2.0}, at::kFloat), none, true}},
      {"histogramdd", {points, ints({2, 3}), none, none, false}},
      {"histogramdd__int_bins", {points, 3, c10::List<double>({-1.0, 1.0, -2.0, 0.0}), none, true}},
      {"histogramdd__TensorList_bins",
       {points, c10::List<at::Tensor>({at::tensor({-1.0, 0.0, 1.0}, at::kFloat), at::tensor({-2.0, 2.0}, at::kFloat)}),
        none, none, false}},
      {"rrelu", {x, 0.1, 0.4, false, none}},
      {"rrelu", {x, 0.1, 0.4, true, none}},
      {"feature_alpha_dropout", {image, 0.5, true}},
      {"feature_alpha_dropout", {image, 0.5, false}},
      {"cauchy_", {at::zeros({3, 4}), 1.0, 2.0, none}},
      {"log_normal_", {at::zeros({3, 4}), 1.0, 0.5, none}},
      {"geometric_", {at::zeros({3, 4}), 0.25, none}},
      {"fft_fft", {integers, 3, 1, "forward"}},
      {"fft_ifft", {x, none, -1, none}},
      {"fft_ifft", {z, 3, 1, "forward"}},
      {"fft_rfft", {line, 6, -1, "ortho"}},
      {"fft_rfft", {line, none, -2, none}},
      {"fft_irfft", {z, none, -1, none}},
      {"fft_irfft", {x, 5, 0, "ortho"}},
      {"fft_hfft", {z, none, -1, none}},
      {"fft_hfft", {z, 7, 0, "backward"}},
      {"fft_ihfft", {x, none, -1, none}},
      {"fft_ihfft", {x, 6, 0, "forward"}},
      {"fft_fftn", {line, none, none, none}},
      {"fft_fftn", {line, ints({4, -1}), none, "ortho"}},
      {"fft_ifftn", {spectrum, ints({6, 3}), ints({0, 2}), none}},
      {"fft_rfftn", {line, none, ints({2, 0}), none}},
      {"fft_rfftn", {line, ints({4, 6}), none, "forward"}},
      {"fft_irfftn", {spectrum, none, none, none}},
      {"fft_irfftn", {spectrum, ints({4, 7}), ints({2, 1}), "ortho"}},
      {"fft_hfftn", {spectrum, none, none, none}},
      {"fft_hfftn", {spectrum, ints({7}), ints({1}), none}},
      {"fft_ihfftn", {line, none, none, none}},
      {"fft_ihfftn", {line, ints({6}), none, "ortho"}},
      {"fft_fft2", {image, none, ints({-2, -1}), none}},
      {"fft_ifft2", {image, ints({3, 8}), ints({-2, -1}), none}},
      {"fft_rfft2", {image, none, ints({-2, -1}), "ortho"}},
      {"fft_irfft2", {spectrum, none, ints({-2, -1}), none}},
      {"fft_hfft2", {spectrum, none, ints({-2, -1}), none}},
      {"fft_ihfft2", {image, none, ints({-2, -1}), none}},
      {"fft_fftshift", {line, none}},
      {"fft_fftshift", {line, ints({2})}},
      {"fft_ifftshift", {line, none}},
      {"fft_ifftshift", {line, ints({2, 1})}},
      {"fft_fftfreq", {int64_t{7}, 0.5, none, none, none, none}},
      {"fft_fftfreq", {int64_t{6}, 2.0, int64_t{7}, none, none, none}},
      {"fft_rfftfreq", {int64_t{7}, 0.5, none, none, none, none}},
      {"hann_window", {int64_t{7}, none, none, none, none}},
      {"hann_window", {int64_t{1}, int64_t{7}, none, none, none}},
      {"hann_window__periodic", {int64_t{7}, false, none, none, none, none}},
      {"hamming_window", {int64_t{8}, none, none, none, none}},
      {"hamming_window__periodic", {int64_t{8}, false, none, none, none, none}},
      {"hamming_window__periodic_alpha", {int64_t{8}, true, 0.6, none, none, none, none}},
      {"hamming_window__periodic_alpha_beta", {int64_t{8}, false, 0.6, 0.3, none, none, none, none}},
      {"blackman_window", {int64_t{8}, none, none, none, none}},
      {"blackman_window__periodic", {int64_t{8}, false, int64_t{7}, none, none, none}},
      {"bartlett_window", {int64_t{7}, none, none, none, none}},
      {"bartlett_window__periodic", {int64_t{8}, false, none, none, none, none}},
      {"kaiser_window", {int64_t{8}, none, none, none, none}},
      {"kaiser_window__periodic", {int64_t{0}, false, none, none, none, none}},
      {"kaiser_window__beta", {int64_t{9}, false, 6.0, none, none, none, none}},
      {"stft", {signal, int64_t{8}, int64_t{4}, none, window, false, none, true, none}},
      {"stft", {signal[0], int64_t{8}, none, int64_t{5}, none, true, false, false, none}},
      {"stft", {z.flatten(), int64_t{8}, int64_t{3}, none, window, false, none, none, none}},
      {"stft__center", {signal, int64_t{8}, int64_t{4}, none, window, true, "reflect", false, none, true, none}},
      {"stft__center", {signal[0], int64_t{8}, none, none, none, true, "constant", true, true, true, none}},
      {"istft", {spectrum, int64_t{8}, int64_t{4}, none, window, true, false, none, none, false}},
      {"istft", {spectrum[1], int64_t{8}, int64_t{2}, int64_t{6}, none, true, true, true, int64_t{18}, false}},
      {"istft", {spectrum[1], int64_t{5}, int64_t{2}, none, none, true, false, false, none, true}},
      {"_nested_tensor_from_mask_left_aligned",
       {at::randn({2, 3, 4}), at::tensor({1, 1, 0, 1, 0, 0}, at::kInt).view({2, 3}).to(at::kBool)}},
      {"_nested_tensor_from_mask_left_aligned",
       {at::randn({2, 3, 4}), at::tensor({1, 1, 0, 1, 0, 1}, at::kInt).view({2, 3}).to(at::kBool)}},
  };
  for (const at::ScalarType from :
       {at::kByte, at::kShort, at::kHalf, at::kDouble, at::kBool, at::kComplexFloat, at::kBFloat16}) {
    all.emplace("element_size", Operands{at::zeros({2}, from)});
    for (const at::ScalarType to : {at::kByte, at::kFloat, at::kBool, at::kComplexFloat})
      all.emplace("can_cast", Operands{from, to});
  }
  for (const double p : {0.0, 1.0, 2.0, 3.0, infinity}) {
    all.emplace("cdist", Operands{at::randn({2, 3, 4}), at::randn({2, 5, 4}), p, none});
  }
  for (const int64_t reduction : {0, 1, 2}) {
    for (const c10::IValue& weight : {none, c10::IValue(row.abs())}) {
      all.emplace("nll_loss_nd", Operands{x, classes, weight, reduction, 2});
      all.emplace("nll_loss_nd", Operands{maps, class_maps, weight, reduction, -100});
      all.emplace("nll_loss", Operands{x, classes, weight, reduction, -100});
      all.emplace("nll_loss2d", Operands{maps, class_maps, weight, reduction, 1});
      for (const double smoothing : {0.0, 0.3}) {
        all.emplace("cross_entropy_loss", Operands{x, classes, weight, reduction, 2, smoothing});
        all.emplace("cross_entropy_loss", Operands{maps, class_maps, weight, reduction, -100, smoothing});
        all.emplace("cross_entropy_loss", Operands{x, target, weight, reduction, -100, smoothing});
      }
    }
    all.emplace("cosine_embedding_loss", Operands{x, y, at::tensor({1, -1, 1}, at::kLong), 0.1, reduction});
    all.emplace("mse_loss", Operands{x, y, reduction});
    all.emplace("l1_loss", Operands{x, y, reduction});
    all.emplace("smooth_l1_loss", Operands{x, y, reduction, 0.5});
    all.emplace("smooth_l1_loss", Operands{x, y, reduction, 0.0});
    for (const bool in_a_row : {false, true}) {
      const at::Tensor labels = at::tensor({1, 2, 2, 3, 1, 3, 3, 1}, at::kLong);
      const at::Tensor targets = in_a_row ? labels.slice(0, 0, 6) : labels.reshape({2, 4});
      all.emplace("ctc_loss__IntList", Operands{log_probs, targets, ints({6, 5}), ints({4, 2}), 0, reduction, false});
      all.emplace("ctc_loss__Tensor", Operands{log_probs, targets, at::tensor({3, 6}, at::kLong),
                                               at::tensor({4, 2}, at::kLong), 0, reduction, true});
    }
    all.emplace("huber_loss", Operands{x, y, reduction, 0.7});
    all.emplace("soft_margin_loss", Operands{x, y.sign(), reduction});
    all.emplace("binary_cross_entropy", Operands{unit, target, row.abs(), reduction});
    all.emplace("binary_cross_entropy", Operands{unit.round(), target, none, reduction});
    all.emplace("binary_cross_entropy_with_logits", Operands{x * 50, target, row.abs(), none, reduction});
    all.emplace("binary_cross_entropy_with_logits", Operands{x, target, none, row.abs(), reduction});
    all.emplace("kl_div", Operands{x, target, reduction, false});
    all.emplace("kl_div", Operands{x, y, reduction, true});
  }
  return all;
}

TEST(Decompositions, EqualTheirOps) {
  const auto all = cases();
  for (const auto& [name, operands] : all) expect_exact(name, operands);
  for (const torch::jit::Function* function : decompositions().get_functions()) {
    const std::string base = function->name().substr(0, find_separator(function->name()));
    const bool is_helper = torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString("aten::" + base)).empty();
    EXPECT_TRUE(is_helper || all.contains(function->name())) << function->name() << " has no case";
  }
}

}  // namespace
}  // namespace tsc
