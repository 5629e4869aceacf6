"""The ops "tsc::..." of the table, which are our own, in PyTorch's: what the library must equal."""

import torch

LIBRARY = torch.library.Library("tsc", "DEF")


def define(schema):
    def register(function):
        LIBRARY.define(schema)
        LIBRARY.impl(schema.partition("(")[0], function, "CompositeExplicitAutograd")
        return function

    return register


@define("fma(Tensor self, Tensor factor, Tensor addend) -> Tensor")
def fma(self, factor, addend):
    dtype = torch.promote_types(torch.result_type(self, factor), addend.dtype)
    assert dtype.is_floating_point
    return (self.double() * factor.double() + addend.double()).to(torch.result_type(self * factor, addend))


@define("choose_qparams(Tensor self, bool reduce_range) -> (Tensor scale, Tensor zero_point)")
def choose_qparams(self, reduce_range):
    assert self.dtype is torch.float32
    with_zero = torch.cat([self.flatten(), torch.zeros(1)])
    scale, zero_point = torch._choose_qparams_per_tensor(with_zero, reduce_range)
    return torch.tensor(scale), torch.tensor(zero_point, dtype=torch.int32)


@define("linear_integer(Tensor input, Tensor weight) -> Tensor")
def linear_integer(input, weight):
    assert input.dtype is torch.uint8 and weight.dtype is torch.int8 and weight.dim() == 2
    return torch.nn.functional.linear(input.double(), weight.double()).int()


@define("conv2d_integer(Tensor input, Tensor weight, int[2] stride, int[2] padding, int[2] dilation, int groups, "
        "int padding_value) -> Tensor")
def conv2d_integer(input, weight, stride, padding, dilation, groups, padding_value):
    assert input.dtype is torch.uint8 and weight.dtype is torch.int8 and input.dim() == weight.dim() == 4
    assert min(input.shape[2:]) > 0
    pads = [padding[-1], padding[-1], padding[0], padding[0]]
    image = torch.nn.functional.pad(input.double(), pads, value=float(padding_value))
    return torch.nn.functional.conv2d(image, weight.double(), None, stride, 0, dilation, groups).int()


@define("linear_rows(Tensor(a) input, int depth, int columns) -> Tensor(a)")
def linear_rows(input, depth, columns):
    assert input.dtype is torch.float32 and input.dim() > 0 and input.size(-1) == depth
    return input.reshape(input.numel() // depth, depth)


@define("linear_result(Tensor(a) rows, Tensor input) -> Tensor(a)")
def linear_result(rows, input):
    assert input.dim() > 0 and rows.dim() == 2
    return rows.reshape(*input.shape[:-1], rows.size(1))


@define("in_place_result(Tensor(a) result, Tensor self) -> Tensor(a)")
def in_place_result(result, self):
    assert torch.can_cast(result.dtype, self.dtype) and result.shape == self.shape
    return result.view_as(self)


@define("softmax_attention(Tensor query, Tensor key, Tensor value, Tensor? mask, float scale) -> Tensor")
def softmax_attention(query, key, value, mask, scale):
    scores = query @ key.transpose(-2, -1) * scale
    return torch.softmax(scores if mask is None else scores + mask, -1) @ value


def resampled_bytes(input, places, weights):
    """In whole numbers: the weights of each pixel together, in 16 bits with as many behind the point as the largest leaves."""
    sums = torch.zeros(places.size(0), input.size(-1), dtype=torch.float64)
    largest = 0.0
    for output, row in enumerate(places.tolist()):
        for place, weight in zip(row, weights[output].tolist()):
            if place >= 0:
                sums[output, place] += weight
                largest = max(largest, sums[output, place].item())
    precision = next((p for p in range(1, 22) if int(0.5 + largest * 2 ** (p + 1)) >= 2**15), 22)
    scaled = sums * 2**precision
    whole = (scaled + torch.where(scaled < 0, -0.5, 0.5)).trunc().long()
    total = (input.long().unsqueeze(-2) * whole).sum(-1) + 2 ** (precision - 1)
    return (total >> precision).clamp(0, 255).byte()


@define("resample(Tensor input, int dim, Tensor places, Tensor weights) -> Tensor")
def resample(input, dim, places, weights):
    if input.dtype is torch.uint8:
        assert weights.dtype is torch.float64 and places.shape == weights.shape and places.size(1) > 0
        return resampled_bytes(input.movedim(dim, -1), places, weights).movedim(-1, dim)
    assert input.dim() > 0 and input.dtype is weights.dtype and input.dtype in (torch.float32, torch.float64)
    assert places.dtype is torch.int64 and places.shape == weights.shape and places.dim() == 2 and places.size(1) > 0
    assert (places[:, 0] >= 0).all() and (places >= -1).all()
    moved = input.movedim(dim, -1)[..., places.clamp_min(0)]  # ..., outputs, taps
    return torch.where(places >= 0, moved * weights, 0).sum(-1).movedim(-1, dim)


@define("sample_grid(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor")
def sample_grid(input, grid, interpolation_mode, padding_mode, align_corners):
    assert input.dtype is grid.dtype and input.dtype in (torch.float32, torch.float64)
    return torch.grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


@define("write_out_(Tensor(a!) self, Tensor result, bool exact) -> Tensor(a!)")
def write_out_(self, result, exact):
    assert self.dtype is result.dtype if exact else torch.can_cast(result.dtype, self.dtype)
    return self.resize_(result.shape).copy_(result)
