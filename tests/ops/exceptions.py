"""Where the library does otherwise than PyTorch on purpose, and rows that are not compared. Each has its reason."""

import re

import torch

import variants


def is_mask_without_dimensions(form, operands):
    return any(t is not None and t.dim() == 0 and t.dtype in (torch.bool, torch.uint8) for t in operands[1])


def is_bias_of_other_dtype(form, operands):
    return form.endswith(" last") and form.split()[0] in variants.DTYPES


def has_no_keys(form, operands):
    return any(t.numel() == 0 for t in operands[1:3])


def is_of_bytes(form, operands):
    return operands[0].dtype is torch.uint8


def is_flat(form, operands):
    return operands[0].dim() < 2


def is_strided(form, operands):
    return form.startswith("strided")


def is_double(form, operands):
    return operands[0].dtype is torch.float64


def is_complex(form, operands):
    return any(isinstance(t, torch.Tensor) and t.is_complex() for t in operands)


def has_whole_numbers(form, operands):
    return not operands[0].is_floating_point() and not operands[0].is_complex()


def is_of_dtypes(form, operands):
    return operands[0].dtype is not operands[1].dtype


def is_no_factorisation(form, operands):
    return not operands[0].is_floating_point() and not operands[0].is_complex() or operands[0].element_size() < 4


def is_any(form, operands):
    return True


# (overload's beginning, which calls, reason)
KNOWN = [
    ("aten::batch_norm", is_flat, "no dimension of channels; PyTorch takes it where there are no elements at all"),
    ("aten::_conv", is_bias_of_other_dtype, "a bias of another dtype, which only some of PyTorch's kernels take"),
    ("aten::conv", is_bias_of_other_dtype, "the same"),
    ("aten::ComplexImplicit", is_any, "converts what the explicit conversion does; PyTorch wants 0-d tensors of the kind"),
    ("aten::FloatImplicit", is_any, "the same"),
    ("aten::IntImplicit", is_any, "the same"),
    ("aten::ScalarImplicit", is_any, "the same"),
    ("aten::index", is_mask_without_dimensions, "a 0-d mask: PyTorch drops it, fills all, or asserts"),
    ("aten::gru", is_complex, "complex states, which are refused"),
    ("aten::lstm", is_complex, "the same"),
    ("aten::rnn_tanh", is_complex, "the same"),
    ("aten::rnn_relu", is_complex, "the same"),
    ("aten::linalg_solve_triangular", is_of_dtypes, "sides of two dtypes: refused; PyTorch takes some"),
    ("aten::lu_unpack", is_no_factorisation, "dtypes that no factorisation gives: refused"),
    ("aten::searchsorted", is_complex, "no order; PyTorch takes them where there are no elements"),
    ("aten::gru.data", is_strided, "batch sizes with gaps, over which PyTorch reads as if there were none"),
    ("aten::rnn_tanh.data", is_strided, "the same"),
    ("aten::rnn_relu.data", is_strided, "the same"),
    ("aten::rnn_relu.data", has_whole_numbers, "states of whole numbers, which are refused"),
    ("aten::lstm.data", is_strided, "batch sizes with gaps, over which PyTorch reads as if there were none"),
    ("aten::scaled_dot_product_attention", has_no_keys, "queries without keys: PyTorch's fused kernel does not look"),
    ("aten::special_airy_ai", is_double, "PyTorch's is off by up to 5e-7; test_special.py has the truth"),
    ("aten::special_bessel_", is_double, "PyTorch's are off by up to 4e-7; test_special.py has the truth"),
    ("aten::special_laguerre_polynomial_l", is_of_bytes, "overflows: NaN in float32, and infinite in double, rounded"),
]

# Vectors whose sign is free are compared by their products. They are orthonormal, which their product with themselves says.


def of_eigenvectors(L, V):
    if V.dim() < 2:
        return L, V
    return L, (V * L.unsqueeze(-2)) @ V.mH, V.mH @ V


def of_singular_vectors(U, S, Vh):
    if U.dim() < 2:
        return U, S, Vh
    k = S.shape[-1]
    return S, (U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], U.mH @ U, Vh @ Vh.mH


# Op -> what to compare of its results.
FREE_SIGNS = {
    "aten::linalg_eigh": of_eigenvectors,
    "aten::_linalg_eigh": of_eigenvectors,
    "aten::linalg_svd": of_singular_vectors,
    "aten::_linalg_svd": of_singular_vectors,
    "aten::svd": lambda U, S, V: of_singular_vectors(U, S, V.mH),
}
# Row -> why it has no comparison.
NOT_COMPARED = {
    "eigh_factors": "signs of vectors are free; test_compiled.py compares what is made of them by products",
    "svd_factors": "the same",
    "print": "writes; tests/language/names_test.py",
    "warn": "does nothing",
    "tolist": "its type is the program's; tests/language/tensor_test.py",
}


def is_known(name, form, operands):
    return any(name.startswith(start) and applies(form, operands) for start, applies, _ in KNOWN)


# (overload's beginning, forms or all, reason): results that lie in another order than PyTorch's
KNOWN_ORDERS = [
    ("aten::_conj", ("strided", "stretched"), "a view of PyTorch's, a copy here"),
    ("aten::_fft_", None, "PyTorch's builds differ: with MKL the transformed dimensions lie innermost, without it last"),
]


def has_known_order(name, form):
    return any(name.startswith(start) and (forms is None or form in forms) for start, forms, _ in KNOWN_ORDERS)


RESIZED = tuple(variants.SIZES)
# (op of a traced program, which forms, reason)
KNOWN_PROGRAMS = [
    ("aten::adaptive_avg_pool3d", ("empty",), "no elements: refused"),
    ("aten::adaptive_max_pool3d", ("empty",), "the same"),
    ("aten::matrix_H", ("zero_dim",), "a number, which is no matrix: refused"),
    ("aten::as_strided", ("strided",), "a window of a storage whose elements lie elsewhere: it sees what the caller's has"),
    ("aten::as_strided_copy", ("strided",), "the same"),
    ("aten::as_strided_scatter", ("strided",), "the same"),
    ("aten::binary_cross_entropy", RESIZED, "a target of another size, which PyTorch takes for one of the input's"),
    ("aten::index_put", RESIZED, "a 0-d mask, as above"),
    ("aten::isin", ("repeated",), "more elements than dimensions to look for, which PyTorch refuses when it sorts"),
    ("aten::kron", ("strided",), "elements that do not lie in order, which PyTorch can't view"),
    ("aten::linalg_matrix_exp", ("repeated",), "elements that lie twice, which PyTorch can't view"),
    ("aten::matrix_exp", ("repeated",), "the same"),
    *[(name, ("strided",), "batch sizes with gaps, as above") for name in ("aten::gru", "aten::lstm", "aten::rnn_relu", "aten::rnn_tanh")],
    ("aten::embedding_bag", ("empty_last",), "rows without elements, which PyTorch's kernel refuses"),
    ("aten::native_group_norm", ("strided",), "elements that do not lie in order, which PyTorch refuses"),
    ("tsc::write_out_", RESIZED, "a destination of the caller's, which keeps its sizes"),
    ("aten::pixel_unshuffle", ("empty",), "without elements PyTorch leaves the sizes as they are"),
]


# (beginning of a case's name, which forms, reason)
KNOWN_CASES = [
    ("op_addbmm_", RESIZED, "in place: PyTorch gives the operand the result's sizes; ours refuses"),
    ("op_addr_bool_0_in_place", ("",), "in place, PyTorch converts whole numbers to bools; ours refuses"),
    ("op_nn_functional_local_response_norm_int64", ("first_row",), "a traced number is a double in the interpreter, and eager code asks for the rank"),
]


# Programs that are not run at other sizes, since PyTorch's own kernel dies of operands that don't fit: fewer pivots than
# rows, statistics of fewer channels.
DEADLY_AT_OTHER_SIZES = {
    *("aten::_chunk_cat", "aten::segment_reduce", "aten::lu_unpack", "aten::lu_solve", "aten::linalg_lu_solve"),
    *("aten::native_batch_norm", "aten::_native_batch_norm_legit", "aten::_batch_norm_with_update"),
}


def is_deadly(ops, form):
    return form.startswith(RESIZED) and not DEADLY_AT_OTHER_SIZES.isdisjoint(ops)


def is_known_program(case, form):
    return any(op in case.ops and form.startswith(forms) for op, forms, _ in KNOWN_PROGRAMS) or any(
        case.name.startswith(start) and form.startswith(forms) for start, forms, _ in KNOWN_CASES
    )


def has_windows(tensors):
    return any(t.untyped_storage().nbytes() > t.numel() * t.element_size() for t in tensors)


def has_poles_of_gamma(tensors):
    return any(not t.is_floating_point() and bool((t <= 0).any()) for t in tensors)


# (op's beginning, which inputs, reason)
NO_PROGRAMS = [
    ("aten::polygamma", has_poles_of_gamma, "poles, where PyTorch gives what the sine of a rounded pi leaves"),
    ("aten::special_polygamma", has_poles_of_gamma, "the same"),
    ("aten::as_strided", has_windows, "it reads beyond its tensors, in storages that no caller passes"),
    ("aten::batch_norm", lambda tensors: tensors[0].dim() < 2, "no dimension of channels, as above"),
    ("aten::special_airy_ai", lambda tensors: tensors[0].dtype is torch.float64, "PyTorch's own error, as above"),
    ("aten::special_bessel_", lambda tensors: tensors[0].dtype is torch.float64, "PyTorch's own error, as above"),
]


# What our errors say of dtypes that PyTorch takes and we don't: refusals at run time.
REFUSALS = [
    re.compile(r"raised Error: .*not implemented for '\w+'"),
    re.compile(r"raised Error: .*Expected a (tensor of dtype float or double|float or double tensor as input)"),
    re.compile(r"raised Error: .*interpolation .*is for (floats|float32)"),
    # In place: addbmm_ gives the operand the result's sizes, addr_ converts whole numbers to bools.
    re.compile(r"raised Error: .*output with shape .* doesn't match the broadcast shape"),
    re.compile(r"raised Error: .*result type Long can't be cast to the desired output type Bool"),
    re.compile(r"raised Error: .*matrix_(norm|exp): Expected a floating point or complex tensor as input"),
]


def is_refusal(difference):
    return any(pattern.match(difference) for pattern in REFUSALS)


# (op, dtypes, reason)
NO_SAMPLES = [
    ("linspace.tensor_overload", ("float16", "bfloat16"), "PyTorch counts in the dtype itself; ours are rounded once"),
    ("logspace.tensor_overload", ("float16", "bfloat16"), "the same"),
]


def why_no_program(ops, tensors):
    return next((why for start, applies, why in NO_PROGRAMS if any(op.startswith(start) for op in ops) and applies(tensors)), None)


def why_no_sample(name, dtype):
    return next((why for op, dtypes, why in NO_SAMPLES if op == name and dtype in dtypes), None)
