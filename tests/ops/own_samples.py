"""Calls of overloads that no sample of torch's op_db reaches in a trace, since tracing writes them in other ops."""

import torch

import harvest
import own_operators  # noqa: F401, which defines "tsc::..."


def signs(dtype):
    """Calls that see the sign of a zero and of a NaN."""
    if dtype != torch.float32:
        return []
    nan, zero = 0x7FC00000, 0
    x = torch.tensor([nan, nan - 2**31, zero, zero - 2**31], dtype=torch.int32).view(torch.float32)
    return [("aten::signbit", x), ("aten::copysign.Tensor", torch.arange(4.0), x), ("aten::copysign.Scalar", x, -0.0)]


def of_dtype(dtype):
    """(overload, all its operands)"""
    harvest.seed()

    def t(*sizes):
        if dtype.is_floating_point:
            return torch.randn(sizes).to(dtype)
        if dtype.is_complex:
            return torch.randn(sizes, dtype=dtype)
        return torch.randint(0, 2 if dtype is torch.bool else 9, sizes, dtype=dtype)

    def bytes_of(*sizes):
        return torch.randint(0, 256, sizes, dtype=torch.uint8)

    index = torch.tensor
    # Weights and biases of a layer of a recurrent network with 3 inputs, 2 states and `gates` of them.
    weights = lambda gates: [t(2 * gates, 3), t(2 * gates, 2), t(2 * gates), t(2 * gates)]  # noqa: E731
    attention = [t(12, 4), t(12), t(4, 4), t(4)]
    norm = [t(4), t(4)]
    taps = torch.tensor([[-0.1, 0.9, 0.2], [0.4, 0.7, -0.1], [1.0, 0.0, 0.0]], dtype=torch.float64)
    feed_forward = [t(6, 4), t(6), t(4, 6), t(4)]
    calls = [
        ("aten::alias", t(2, 3)),
        ("aten::arange", 5, {"dtype": harvest.code(dtype)}),
        ("aten::arange", 2.5),
        ("aten::arange.start", 2, 7, {"dtype": harvest.code(dtype)}),
        ("aten::as_tensor", t(2, 3), {"dtype": 6}),
        ("aten::as_tensor", t(2, 3)),
        ("aten::batch_norm", t(2, 3, 4), t(3), t(3), t(3), t(3), False, 0.1, 1e-5, False),
        ("aten::bernoulli_.float", t(2, 3), 0.25),
        *signs(dtype),
        ("aten::clamp_max", t(2, 3), 1),
        ("aten::clamp_max", t(2, 3), 0.5),
        ("aten::clamp_min", t(2, 3), 1),
        ("aten::conv1d", t(2, 4, 7), t(6, 2, 3), t(6), [2], [1], [2], 2),
        ("aten::conv1d", t(4, 7), t(6, 4, 3)),
        ("aten::conv1d.padding", t(2, 4, 7), t(6, 4, 4), t(6), [1], "same"),
        ("aten::conv2d", t(2, 3, 6, 5), t(4, 3, 3, 2), t(4), [1, 2], [1, 0]),
        ("aten::conv2d", t(3, 6, 5), t(3, 1, 3, 2), None, [1, 1], [0, 0], [2, 1], 3),
        ("aten::conv2d.padding", t(2, 3, 6, 5), t(4, 3, 2, 3), t(4), [1, 1], "same", [1, 2]),
        ("aten::conv2d.padding", t(3, 6, 5), t(4, 3, 2, 3), None, [2, 1], "valid"),
        ("aten::conv3d", t(1, 2, 4, 5, 3), t(3, 2, 2, 3, 1), t(3), [1, 2, 1], [0, 1, 0]),
        ("aten::conv3d.padding", t(1, 2, 4, 5, 3), t(3, 2, 2, 3, 1), t(3), [1, 1, 1], "same"),
        ("aten::conv_transpose1d", t(2, 4, 5), t(4, 3, 3), t(6), [2], [1], [1], 2),
        ("aten::conv_transpose2d.input", t(2, 4, 3, 5), t(4, 3, 3, 2), t(3), [2, 1], [1, 0], [1, 0]),
        ("aten::conv_transpose2d.input", t(4, 3, 5), t(4, 3, 3, 2), None, [1, 1], [0, 0], [0, 0], 1, [2, 2]),
        ("aten::conj_physical", torch.randn(2, 3, dtype=torch.complex64)),
        ("aten::_conj", torch.randn(2, 3, dtype=torch.complex64)),
        ("aten::copy_", t(2, 3), t(3)),
        ("aten::copy_", t(2, 3), torch.randn(2, 3)),
        ("aten::embedding", t(5, 3), index([[0, 4], [2, 2]])),
        ("aten::empty.memory_format", [2, 0, 3], {"dtype": harvest.code(dtype)}),
        ("aten::eye", 3, {"dtype": harvest.code(dtype)}),
        ("aten::_fft_c2c", torch.randn(2, 12, 7, dtype=torch.complex64), [1, 2], 0, True),
        ("aten::_fft_c2c", torch.randn(3, 37, dtype=torch.complex128), [1], 1, False),
        ("aten::_fft_r2c", torch.randn(2, 12, 7), [2, 1], 2, True),
        ("aten::_fft_r2c", torch.randn(3, 10), [1], 0, False),
        ("aten::_fft_c2r", torch.randn(6, 3, dtype=torch.complex64), [0], 2, 10),
        ("aten::_fft_c2r", torch.randn(3, 8, 6, dtype=torch.complex64), [1, 0], 0, 15),
        ("aten::fill.Scalar", t(2, 3), 1),
        ("aten::fill.Tensor", t(2, 3), t()),
        ("aten::full", [2, 3], 2.5, {"dtype": harvest.code(dtype)}),
        ("aten::full", [], True),
        ("aten::gru.input", t(5, 2, 3), t(2, 2, 2), weights(3) + weights(3), True, 1, 0.0, False, True, False),
        ("aten::gru.input", t(2, 5, 3), t(1, 2, 2), weights(3)[:2], False, 1, 0.0, False, False, True),
        ("aten::gru.data", t(5, 3), index([2, 2, 1]), t(2, 2, 2), weights(3) * 2, True, 1, 0.0, False, True),
        ("aten::gru_cell", t(4, 3), t(4, 2), *weights(3)),
        ("aten::linspace", 1, 4, 5, {"dtype": harvest.code(dtype)}),
        ("aten::linspace", 0.5, -4, 1),
        ("aten::lstm.input", t(5, 2, 3), [t(1, 2, 2), t(1, 2, 2)], weights(4), True, 1, 0.0, False, False, False),
        ("aten::lstm.input", t(5, 3), [t(2, 2), t(2, 2)], weights(4) * 2, True, 1, 0.0, False, True, False),
        ("aten::lstm.data", t(5, 3), index([2, 2, 1]), [t(1, 2, 2), t(1, 2, 2)], weights(4), True, 1, 0.0, False, False),
        ("aten::lstm_cell", t(4, 3), [t(4, 2), t(4, 2)], *weights(4)),
        ("aten::meshgrid", [t(2), t(3), t()]),
        ("aten::movedim.int", t(2, 3, 4), 0, -1),
        ("aten::_native_multi_head_attention", x := t(2, 3, 4), x, x, 4, 2, *attention),
        ("aten::norm.Scalar", t(2, 3), 3),
        ("aten::norm.ScalarOpt_dim", t(2, 3), None, [1]),
        ("aten::norm.ScalarOpt_dim", t(2, 3), 1, [0, 1], True),
        ("aten::one_hot", index([[0, 3], [2, 2]])),
        ("aten::one_hot", index([0, 3]), 5),
        ("aten::ones", [2, 3], {"dtype": harvest.code(dtype)}),
        ("aten::rand_like", t(2, 3)),
        ("aten::randint.low", 0, 7, [2, 3], {"dtype": harvest.code(dtype if dtype is not torch.bool else torch.int64)}),
        ("aten::randperm", 9),
        ("aten::resize_", t(2, 3), [2, 3]),
        ("aten::resize_as_", t(2, 3), t(2, 3)),
        ("aten::rnn_tanh.input", t(5, 2, 3), t(1, 2, 2), weights(1), True, 1, 0.0, False, False, False),
        ("aten::rnn_tanh.data", t(5, 3), index([2, 2, 1]), t(1, 2, 2), weights(1), True, 1, 0.0, False, False),
        ("aten::rnn_relu.input", t(5, 2, 3), t(2, 2, 2), weights(1) * 2, True, 1, 0.0, False, True, True),
        ("aten::rnn_relu.data", t(5, 3), index([2, 2, 1]), t(1, 2, 2), weights(1), True, 1, 0.0, False, False),
        ("aten::scalar_tensor", 2.5, {"dtype": harvest.code(dtype)}),
        ("aten::scatter.value", t(3, 4), 1, index([[0, 2], [1, 1]]), 1),
        ("aten::tensor.bool", True),
        ("aten::tensor.float", 2.5, {"dtype": harvest.code(dtype)}),
        ("aten::tensor.int", 3),
        ("aten::to.other", t(2, 3), torch.ones(1, dtype=torch.float64)),
        ("aten::to.prim_Device", t(2, 3), "cpu", 3),
        ("aten::to.prim_dtype", t(2, 3), 6),
        ("aten::_transformer_encoder_layer_fwd", t(2, 3, 4), 4, 2, *attention, True, False, 1e-5, *norm, *norm, *feed_forward),
        ("aten::_transformer_encoder_layer_fwd", t(2, 3, 4), 4, 2, *attention, False, True, 1e-5, *norm, *norm, *feed_forward),
        ("aten::type_as", t(2, 3), torch.ones(1, dtype=torch.float64)),
        ("aten::upsample_bilinear2d.vec", t(2, 3, 4, 5), None, False, [1.5, 2.0]),
        ("aten::upsample_nearest2d.vec", t(2, 3, 4, 5), [3, 7], None),
        ("aten::upsample_nearest2d.vec", t(2, 3, 4, 5), None, [1.5, 2.0]),
        ("aten::upsample_nearest2d.vec", t(2, 3, 4, 10), None, [2.1, 1.05]),
        ("aten::upsample_nearest2d.vec", t(1, 2, 4, 200), None, [1.2, 1.001]),
        ("aten::upsample_nearest2d.vec", t(1, 4, 90, 60).contiguous(memory_format=torch.channels_last), None, [1.006, 1.01]),
        ("aten::upsample_nearest2d.vec", t(1, 4, 180, 60).contiguous(memory_format=torch.channels_last)[:, :, ::2], None,
         [1.006, 1.01]),
        ("aten::view_as_complex", torch.randn(3, 2)),
        ("aten::view_as_real", torch.randn(3, 2, dtype=torch.complex64)),
        ("aten::zeros", [2, 3], {"dtype": harvest.code(dtype)}),
        # Each element is rounded to the dtype before it counts.
        *[(name, torch.tensor([2049.0, 2049.0, 3.001, 257.0]), *dim, {"dtype": harvest.code(half)})
          for half in (torch.float16, torch.bfloat16)
          for name, dim in (("aten::sum", ()), ("aten::mean", ()), ("aten::prod", ()), ("aten::cumsum", (0,)), ("aten::cumprod", (0,)))],
        ("tsc::choose_qparams", t(5, 40), False),
        ("tsc::choose_qparams", t(3, 2), True),
        ("tsc::conv2d_integer", bytes_of(2, 3, 7, 6), bytes_of(4, 3, 3, 2).char(), [2, 1], [1, 1], [1, 2], 1, 200),
        ("tsc::conv2d_integer", bytes_of(1, 4, 5, 5), bytes_of(8, 1, 3, 3).char(), [1], [1], [1], 4, 9),
        ("tsc::fma", t(3, 4), t(4), t(3, 1)),
        ("tsc::linear_integer", bytes_of(2, 2, 10), bytes_of(3, 10).char()),
        ("tsc::in_place_result", t(2, 3), t(2, 3)),
        ("tsc::linear_result", t(6, 5), t(2, 3, 4)),
        ("tsc::linear_rows", t(2, 3, 4), 4, 5),
        ("tsc::resample", t(2, 5, 3), 1, torch.tensor([[0, 1], [4, 4], [2, 0]]), t(3, 2)),
        ("tsc::resample", t(4, 5), -1, torch.tensor([[0, 1, 2, 4, 1, 2], [4, 3, -1, -1, -1, -1]]), t(2, 6)),
        ("tsc::resample", bytes_of(2, 5, 70), 1, torch.tensor([[0, 0, 1], [3, 4, 4], [2, -1, -1]]), taps),
        ("tsc::resample", bytes_of(4, 5), -1, torch.tensor([[0, 0, 1], [3, 4, 4], [2, -1, -1]]), taps),
        *[("tsc::sample_grid", t(2, 3, 5, 4), t(2, 70, 3, 2), mode, padding, corners)
          for mode in (0, 1, 2) for padding in (0, 1, 2) for corners in (False, True)],
        *[("tsc::sample_grid", t(1, 2, 3, 5, 4), t(1, 2, 3, 4, 3), mode, padding, corners)
          for mode in (0, 1) for padding in (0, 1, 2) for corners in (False, True)],
        ("tsc::softmax_attention", t(2, 3, 4, 5), t(2, 3, 6, 5), t(2, 3, 6, 7), t(2, 1, 1, 6), 0.5),
        ("tsc::softmax_attention", t(3, 4, 5), t(3, 2, 5), t(3, 2, 4), torch.tensor([[0.0, 1.0]] * 3 + [[float("-inf")] * 2]), 2.0),
        ("tsc::softmax_attention", t(1, 3, 1, 5), t(2, 1, 4, 5), t(2, 3, 4, 5), None, -1.0),
        ("tsc::write_out_", t(2, 3), t(2, 3), True),
        ("tsc::write_out_", torch.zeros(2, 3, dtype=torch.float64), t(2, 3), False),
    ]  # fmt: skip
    for name, *args in calls:
        kwargs = args.pop() if isinstance(args[-1], dict) else {}
        yield name, harvest.bound(name, args, kwargs)
