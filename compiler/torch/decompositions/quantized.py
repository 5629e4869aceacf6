# Ops of quantised models: "quantized_linear" is quantized::linear. Tensors and parameters are tuples (quantized.h), bytes are
# computed as 32-bit integers, and what is rounded is rounded as PyTorch's engine for x86 (FBGEMM) does: its vector code
# multiplies and adds in one step.


def _sums_of_products(x: Tensor, x_zero_point: Tensor, W: PackedLinear) -> Tensor:
    # The sum of (x - zx) (w - zw) is that of x w, less zx times the sum of w, less zw times the sum of x - zx.
    sums = tsc.linear_integer(x, W.weight) - torch.sum(W.weight, [1], False, dtype=torch.int32) * x_zero_point
    w_zero_point = W.zero_point
    if w_zero_point is not None:
        inputs = torch.sum(x, [-1], True, dtype=torch.int32) - x_zero_point * x.size(-1)
        sums = sums - inputs * w_zero_point
    return sums


def quantized_linear_dynamic(X: Tensor, W_prepack: PackedLinear, reduce_range: bool) -> Tensor:
    assert X.dim() >= 2, "The dimension of input tensor should be larger than or equal to 2"
    rows = tsc.linear_rows(X, W_prepack.weight.size(1), W_prepack.weight.size(0))
    scale, zero_point = tsc.choose_qparams(rows, reduce_range)
    x = torch.clamp(torch.round(rows * torch.reciprocal(scale)) + zero_point, 0, 255).to(torch.uint8)
    sums = _sums_of_products(x, zero_point, W_prepack).to(torch.float32)
    bias = W_prepack.bias
    if bias is None:
        return tsc.linear_result(sums * (scale * W_prepack.scale), X)
    return tsc.linear_result(tsc.fma(sums, scale * W_prepack.scale, bias), X)


def quantized_linear_relu_dynamic(X: Tensor, W_prepack: PackedLinear, reduce_range: bool) -> Tensor:
    return torch.relu(quantized_linear_dynamic(X, W_prepack, reduce_range))


# The weight has been rounded to half precision; the product is one of floats.
def quantized_linear_dynamic_fp16(X: Tensor, W_prepack: PackedLinear) -> Tensor:
    assert X.dim() >= 2, "The dimension of input tensor should be larger than or equal to 2"
    return torch.linear(X, W_prepack.weight, W_prepack.bias)


def quantized_linear_relu_dynamic_fp16(X: Tensor, W_prepack: PackedLinear) -> Tensor:
    return torch.relu(quantized_linear_dynamic_fp16(X, W_prepack))


# Making and reading quantised tensors. Adding the zero point before rounding and after it differs where a value lies in the
# middle of two bytes: quantize_per_tensor does the first, the vector code of other ops the second.


def aten_quantize_per_tensor(self: Tensor, scale: float, zero_point: int, dtype: int) -> Quantized:
    assert self.dtype == torch.float32, "Quantize only works on Float Tensor"
    inverse = torch.reciprocal(torch.scalar_tensor(scale, dtype=torch.float32))
    start = torch.scalar_tensor(zero_point, dtype=torch.float32)
    values = torch.clamp(torch.round(tsc.fma(self, inverse, start)), 0, 255).to(torch.uint8)
    return Quantized(values, scale, zero_point)


def aten_quantize_per_tensor__tensor_qparams(self: Tensor, scale: Tensor, zero_point: Tensor, dtype: int) -> Quantized:
    return aten_quantize_per_tensor(self, float(scale), int(zero_point), dtype)


def _quantize(x: Tensor, scale: float, zero_point: int) -> Quantized:
    inverse = torch.reciprocal(torch.scalar_tensor(scale, dtype=torch.float32))
    values = torch.clamp(torch.round(x * inverse) + zero_point, 0, 255).to(torch.uint8)
    return Quantized(values, scale, zero_point)


def aten_dequantize__self(self: Quantized) -> Tensor:
    return (self.values.to(torch.float32) - self.zero_point) * torch.scalar_tensor(self.scale, dtype=torch.float32)


# As vector code does it, with the zero point's product subtracted.
def _dequantize(x: Quantized) -> Tensor:
    scale = torch.scalar_tensor(x.scale, dtype=torch.float32)
    return tsc.fma(x.values.to(torch.float32), scale, scale * -x.zero_point)


def aten_int_repr(self: Quantized) -> Tensor:
    return self.values.clone()


def aten_q_scale(self: Quantized) -> float:
    return self.scale


def aten_q_zero_point(self: Quantized) -> int:
    return self.zero_point


def prim_is_quantized(a: Quantized) -> bool:
    return True


def prim_dtype(a: Quantized) -> int:
    return torch.quint8


# Layers. `product` is the scale of the sums, with the shape of a channel's numbers in them.
def _requantize(
    sums: Tensor, product: Tensor, bias: Optional[Tensor], scale: float, zero_point: int, low: int
) -> Quantized:
    result = sums.to(torch.float32)
    if bias is not None:
        if product.numel() == 1:
            result = tsc.fma(bias, torch.reciprocal(product), result)
        else:
            result = result + bias / product
    result = result * (product / torch.scalar_tensor(scale, dtype=torch.float32))
    values = torch.clamp(torch.round(result) + zero_point, low, 255).to(torch.uint8)
    return Quantized(values, scale, zero_point)


def _linear(X: Quantized, W: PackedLinear, scale: float, zero_point: int, low: int) -> Quantized:
    sums = _sums_of_products(X.values, torch.scalar_tensor(X.zero_point, dtype=torch.int32), W)
    product = torch.scalar_tensor(X.scale, dtype=torch.float32) * W.scale
    return _requantize(sums, product, W.bias, scale, zero_point, low)


def quantized_linear(X: Quantized, W_prepack: PackedLinear, Y_scale_i: float, Y_zero_point_i: int) -> Quantized:
    return _linear(X, W_prepack, Y_scale_i, Y_zero_point_i, 0)


def quantized_linear_relu(X: Quantized, W_prepack: PackedLinear, Y_scale_i: float, Y_zero_point_i: int) -> Quantized:
    return _linear(X, W_prepack, Y_scale_i, Y_zero_point_i, Y_zero_point_i)


def _conv2d(x: Quantized, W: PackedConv2d, scale: float, zero_point: int, low: int) -> Quantized:
    products = tsc.conv2d_integer(x.values, W.weight, W.stride, W.padding, W.dilation, W.groups, x.zero_point)
    weights = torch.sum(W.weight, [1, 2, 3], False, dtype=torch.int32)
    sums = products - (weights * x.zero_point).reshape([-1, 1, 1])
    product = (torch.scalar_tensor(x.scale, dtype=torch.float32) * W.scale).reshape([-1, 1, 1])
    bias = W.bias
    if bias is not None:
        bias = bias.reshape([-1, 1, 1])
    return _requantize(sums, product, bias, scale, zero_point, low)


def quantized_conv2d__new(
    qx: Quantized, packed_weight: PackedConv2d, output_scale: float, output_zero_point: int
) -> Quantized:
    return _conv2d(qx, packed_weight, output_scale, output_zero_point, 0)


def quantized_conv2d_relu__new(
    qx: Quantized, packed_weight: PackedConv2d, output_scale: float, output_zero_point: int
) -> Quantized:
    return _conv2d(qx, packed_weight, output_scale, output_zero_point, output_zero_point)


# A row of pixels is an image of height one.
def _conv1d(x: Quantized, W: PackedConv2d, scale: float, zero_point: int, low: int) -> Quantized:
    image = Quantized(x.values.unsqueeze(-2), x.scale, x.zero_point)
    result = _conv2d(image, W, scale, zero_point, low)
    return Quantized(result.values.squeeze(-2), result.scale, result.zero_point)


def quantized_conv1d(
    qx: Quantized, packed_weight: PackedConv2d, output_scale: float, output_zero_point: int
) -> Quantized:
    return _conv1d(qx, packed_weight, output_scale, output_zero_point, 0)


def quantized_conv1d_relu(
    qx: Quantized, packed_weight: PackedConv2d, output_scale: float, output_zero_point: int
) -> Quantized:
    return _conv1d(qx, packed_weight, output_scale, output_zero_point, output_zero_point)


# Arithmetic.


def quantized_add(qa: Quantized, qb: Quantized, scale: float, zero_point: int) -> Quantized:
    return _quantize(_dequantize(qa) + _dequantize(qb), scale, zero_point)


def quantized_add_relu(qa: Quantized, qb: Quantized, scale: float, zero_point: int) -> Quantized:
    return _quantize(torch.relu(_dequantize(qa) + _dequantize(qb)), scale, zero_point)


def _mul(a: Quantized, b: Quantized, scale: float, zero_point: int, low: int) -> Quantized:
    products = (a.values.to(torch.int32) - a.zero_point) * (b.values.to(torch.int32) - b.zero_point)
    factor = torch.scalar_tensor(a.scale, dtype=torch.float32) * torch.scalar_tensor(b.scale, dtype=torch.float32)
    factor = factor * torch.reciprocal(torch.scalar_tensor(scale, dtype=torch.float32))
    result = torch.round(products.to(torch.float32) * factor) + zero_point
    return Quantized(torch.clamp(result, low, 255).to(torch.uint8), scale, zero_point)


def quantized_mul(qa: Quantized, qb: Quantized, scale: float, zero_point: int) -> Quantized:
    return _mul(qa, qb, scale, zero_point, 0)


def quantized_mul_relu(qa: Quantized, qb: Quantized, scale: float, zero_point: int) -> Quantized:
    return _mul(qa, qb, scale, zero_point, zero_point)


def quantized_cat(qx: List[Quantized], dim: int, scale: Optional[float], zero_point: Optional[int]) -> Quantized:
    new_scale = qx[0].scale
    new_zero_point = qx[0].zero_point
    if scale is not None:
        new_scale = scale
    if zero_point is not None:
        new_zero_point = zero_point
    parts: List[Tensor] = []
    for x in qx:
        if x.scale == new_scale and x.zero_point == new_zero_point:
            parts.append(x.values)
        else:
            parts.append(_quantize(aten_dequantize__self(x), new_scale, new_zero_point).values)
    return Quantized(torch.cat(parts, dim), new_scale, new_zero_point)


def aten_cat(tensors: List[Quantized], dim: int) -> Quantized:
    return quantized_cat(tensors, dim, None, None)


# Functions of one tensor. Those that grow with their operand work on its bytes.


def aten_relu(self: Quantized) -> Quantized:
    return Quantized(torch.clamp_min(self.values, self.zero_point), self.scale, self.zero_point)


def aten_relu_(self: Quantized) -> Quantized:
    torch.clamp_min_(self.values, self.zero_point)
    return self


def _byte_of(x: Quantized, number: float) -> Tensor:
    return _quantize(torch.scalar_tensor(number, dtype=torch.float32), x.scale, x.zero_point).values


def aten_clamp(self: Quantized, min: Optional[number], max: Optional[number]) -> Quantized:
    values = self.values
    if min is not None:
        values = torch.maximum(values, _byte_of(self, float(min)))
    if max is not None:
        values = torch.minimum(values, _byte_of(self, float(max)))
    return Quantized(values, self.scale, self.zero_point)


def quantized_clamp(qx: Quantized, min: Optional[number], max: Optional[number]) -> Quantized:
    return aten_clamp(qx, min, max)


def aten_hardtanh(self: Quantized, min_val: number, max_val: number) -> Quantized:
    return aten_clamp(self, min_val, max_val)


def aten_hardtanh_(self: Quantized, min_val: number, max_val: number) -> Quantized:
    self.values.copy_(aten_clamp(self, min_val, max_val).values)
    return self


def aten_relu6(self: Quantized) -> Quantized:
    return aten_clamp(self, 0, 6)


def aten_relu6_(self: Quantized) -> Quantized:
    return aten_hardtanh_(self, 0, 6)


def quantized_relu6(qx: Quantized, inplace: bool) -> Quantized:
    if inplace:
        return aten_hardtanh_(qx, 0, 6)
    return aten_clamp(qx, 0, 6)


def quantized_hardswish(input: Quantized, output_scale: float, output_zero_point: int) -> Quantized:
    x = _dequantize(input)
    sixth = torch.reciprocal(torch.scalar_tensor(6.0, dtype=torch.float32))
    return _quantize(x * (torch.clamp(x + 3, 0, 6) * sixth), output_scale, output_zero_point)


def quantized_leaky_relu(
    qx: Quantized, negative_slope: number, inplace: bool, output_scale: float, output_zero_point: int
) -> Quantized:
    assert inplace == False, "leaky_relu in place would need its operand's scale"
    return _quantize(torch.leaky_relu(_dequantize(qx), negative_slope), output_scale, output_zero_point)


def quantized_elu(
    self: Quantized, output_scale: float, output_zero_point: int, alpha: number, scale: number, input_scale: number
) -> Quantized:
    return _quantize(torch.elu(_dequantize(self), alpha, scale, input_scale), output_scale, output_zero_point)


def quantized_sigmoid(qx: Quantized, output_scale: float, output_zero_point: int) -> Quantized:
    return _quantize(torch.sigmoid(_dequantize(qx)), output_scale, output_zero_point)


def aten_sigmoid(self: Quantized) -> Quantized:
    return quantized_sigmoid(self, 0.00390625, 0)


def aten_tanh(self: Quantized) -> Quantized:
    return _quantize(torch.tanh(_dequantize(self)), 0.0078125, 128)


def aten_hardsigmoid(self: Quantized) -> Quantized:
    return _quantize(torch.hardsigmoid(_dequantize(self)), 0.00390625, 0)


# Images.


def aten_max_pool2d(
    self: Quantized, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool
) -> Quantized:
    values = torch.max_pool2d(self.values, kernel_size, stride, padding, dilation, ceil_mode)
    return Quantized(values, self.scale, self.zero_point)


# Means of bytes as bytes of the same scale.
def _rounded(x: Quantized, means: Tensor) -> Quantized:
    return Quantized(torch.clamp(torch.round(means), 0, 255).to(torch.uint8), x.scale, x.zero_point)


def aten_avg_pool2d(
    self: Quantized, kernel_size: List[int], stride: List[int], padding: List[int], ceil_mode: bool,
    count_include_pad: bool, divisor_override: Optional[int],
) -> Quantized:
    x = self.values.to(torch.float32) - self.zero_point
    means = torch.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _rounded(self, torch.round(means) + self.zero_point)


def aten_adaptive_avg_pool2d(self: Quantized, output_size: List[int]) -> Quantized:
    return _rounded(self, torch.adaptive_avg_pool2d(self.values.to(torch.float32), output_size))


def aten_mean__dim(self: Quantized, dim: Optional[List[int]], keepdim: bool, dtype: Optional[int]) -> Quantized:
    assert dtype is None, "the mean of a quantised tensor has its dtype"
    return _rounded(self, torch.mean(self.values.to(torch.float32), dim, keepdim))


def aten_upsample_nearest2d__vec(
    input: Quantized, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Quantized:
    return Quantized(torch.upsample_nearest2d(input.values, output_size, scale_factors), input.scale, input.zero_point)


# The same bytes.


def aten_contiguous(self: Quantized, memory_format: int) -> Quantized:
    return Quantized(torch.contiguous(self.values), self.scale, self.zero_point)


def aten_clone(self: Quantized, memory_format: Optional[int]) -> Quantized:
    return Quantized(torch.clone(self.values), self.scale, self.zero_point)


def aten_dropout(input: Quantized, p: float, train: bool) -> Quantized:
    assert not train, "dropout of a quantised tensor is for inference only"
    return input


# Recurrent networks whose products are quantised. The inputs of all steps are quantised at once, the states step by step.


def aten_quantized_lstm__input(
    input: Tensor, hx: List[Tensor], params: List[PackedCell], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool, dtype: Optional[int], use_dynamic: bool,
) -> Tuple[Tensor, Tensor, Tensor]:
    assert train == False or dropout == 0.0, "a quantised LSTM is for inference only"
    data = input.transpose(0, 1) if batch_first else input
    directions = 2 if bidirectional else 1
    hiddens: List[Tensor] = []
    cells: List[Tensor] = []
    for layer in range(num_layers):
        outputs: List[Tensor] = []
        for direction in range(directions):
            cell = params[layer * directions + direction]
            hidden = hx[0][layer * directions + direction]
            memory = hx[1][layer * directions + direction]
            inputs = quantized_linear_dynamic(data, cell.input, cell.reduce_range)
            steps: List[Tensor] = []
            for i in range(data.size(0)):
                step = data.size(0) - 1 - i if direction == 1 else i
                gates = quantized_linear_dynamic(hidden, cell.hidden, cell.reduce_range) + inputs[step]
                parts = torch.chunk(gates, 4, 1)
                memory = torch.sigmoid(parts[1]) * memory + torch.sigmoid(parts[0]) * torch.tanh(parts[2])
                hidden = torch.sigmoid(parts[3]) * torch.tanh(memory)
                steps.append(hidden)
            if direction == 1:
                steps.reverse()
            outputs.append(torch.stack(steps))
            hiddens.append(hidden)
            cells.append(memory)
        data = torch.cat(outputs, -1)
    result = data.transpose(0, 1) if batch_first else data
    return result, torch.stack(hiddens), torch.stack(cells)


def aten_quantized_gru__input(
    input: Tensor, hx: Tensor, params: List[PackedCell], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Tuple[Tensor, Tensor]:
    assert train == False or dropout == 0.0, "a quantised GRU is for inference only"
    data = input.transpose(0, 1) if batch_first else input
    directions = 2 if bidirectional else 1
    hiddens: List[Tensor] = []
    for layer in range(num_layers):
        outputs: List[Tensor] = []
        for direction in range(directions):
            cell = params[layer * directions + direction]
            hidden = hx[layer * directions + direction]
            inputs = quantized_linear_dynamic(data, cell.input, cell.reduce_range)
            steps: List[Tensor] = []
            for i in range(data.size(0)):
                step = data.size(0) - 1 - i if direction == 1 else i
                xs = torch.chunk(inputs[step], 3, 1)
                hs = torch.chunk(quantized_linear_dynamic(hidden, cell.hidden, cell.reduce_range), 3, 1)
                fresh = torch.tanh(xs[2] + hs[2] * torch.sigmoid(hs[0] + xs[0]))
                hidden = (hidden - fresh) * torch.sigmoid(hs[1] + xs[1]) + fresh
                steps.append(hidden)
            if direction == 1:
                steps.reverse()
            outputs.append(torch.stack(steps))
            hiddens.append(hidden)
        data = torch.cat(outputs, -1)
    result = data.transpose(0, 1) if batch_first else data
    return result, torch.stack(hiddens)


# What training in floats sees of a quantised tensor: rounded to one of the steps, and back.
def _fake_quantized(self: Tensor, scale: Tensor, zero_point: Tensor, quant_min: int, quant_max: int) -> Tensor:
    assert quant_min <= quant_max, "`quant_min` should be less than or equal to `quant_max`."
    places = torch.clamp(torch.round(self * torch.reciprocal(scale)) + zero_point, quant_min, quant_max)
    return (places - zero_point) * scale


def fake_quantize_per_tensor_affine(self: Tensor, scale: float, zero_point: int, quant_min: int, quant_max: int) -> Tensor:
    assert zero_point >= quant_min and zero_point <= quant_max, "`zero_point` must be between `quant_min` and `quant_max`."
    return _fake_quantized(self, torch.full([], scale), torch.full([], float(zero_point)), quant_min, quant_max)


def fake_quantize_per_tensor_affine__tensor_qparams(
    self: Tensor, scale: Tensor, zero_point: Tensor, quant_min: int, quant_max: int
) -> Tensor:
    return _fake_quantized(self, scale.reshape([]), zero_point.reshape([]).to(6), quant_min, quant_max)


def fake_quantize_per_channel_affine(
    self: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int, quant_max: int
) -> Tensor:
    assert scale.dim() == 1 and zero_point.dim() == 1, "scale and zero point should be 1-D"
    assert axis >= 0 and axis < self.dim(), "`axis` must be between 0 and number of dimensions of input"
    assert scale.numel() == self.size(axis) and zero_point.numel() == self.size(axis), "dimensions of scale and zero-point are not consistent with input tensor"
    sizes = [1] * self.dim()
    sizes[axis] = self.size(axis)
    return _fake_quantized(self, scale.view(sizes), zero_point.to(6).view(sizes), quant_min, quant_max)
