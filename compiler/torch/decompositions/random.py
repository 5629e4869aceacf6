# Random tensors made of the ops that draw. Each draws in the order in which PyTorch does.


def randint(
    high: int,
    size: List[int],
    dtype: Optional[int],
    layout: Optional[int],
    device: Optional[Device],
    pin_memory: Optional[bool],
) -> Tensor:
    return torch.randint(0, high, size, dtype=dtype)


def randint_like(
    self: Tensor,
    high: int,
    dtype: Optional[int],
    layout: Optional[int],
    device: Optional[Device],
    pin_memory: Optional[bool],
    memory_format: Optional[int],
) -> Tensor:
    return torch.randint(0, high, self.size(), dtype=self.dtype if dtype is None else dtype)


def randint_like__low_dtype(
    self: Tensor,
    low: int,
    high: int,
    dtype: Optional[int],
    layout: Optional[int],
    device: Optional[Device],
    pin_memory: Optional[bool],
    memory_format: Optional[int],
) -> Tensor:
    return torch.randint(low, high, self.size(), dtype=self.dtype if dtype is None else dtype)


def bernoulli__p(self: Tensor, p: float, generator: Optional[Generator]) -> Tensor:
    return torch.empty_like(self).bernoulli_(p)


def normal__float_float(
    mean: float,
    std: float,
    size: List[int],
    generator: Optional[Generator],
    dtype: Optional[int],
    layout: Optional[int],
    device: Optional[Device],
    pin_memory: Optional[bool],
) -> Tensor:
    return torch.empty(size, dtype=dtype).normal_(mean, std)


def normal__Tensor_float(mean: Tensor, std: float, generator: Optional[Generator]) -> Tensor:
    return torch.empty_like(mean).normal_(0.0, std).add_(mean)


def normal__float_Tensor(mean: float, std: Tensor, generator: Optional[Generator]) -> Tensor:
    assert not bool((std < 0).any()), "normal expects all elements of std >= 0.0"
    return torch.empty_like(std).normal_().mul_(std).add_(mean)


def normal__Tensor_Tensor(mean: Tensor, std: Tensor, generator: Optional[Generator]) -> Tensor:
    assert not bool((std < 0).any()), "normal expects all elements of std >= 0.0"
    drawn = torch.empty_like(mean + std).normal_()
    return drawn.mul_(std).add_(mean)


def multinomial(self: Tensor, num_samples: int, replacement: bool, generator: Optional[Generator]) -> Tensor:
    assert self.dim() == 1 or self.dim() == 2, "prob_dist must be 1 or 2 dim"
    assert self.is_floating_point(), "multinomial only supports floating-point dtypes for input"
    assert num_samples > 0, "cannot sample n_sample <= 0 samples"
    assert replacement or num_samples <= self.size(-1), "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    if self.numel() == 0:
        return torch.empty(self.size()[:-1] + [num_samples], dtype=4)
    valid = bool(torch.isfinite(self).all()) and not bool((self < 0).any())
    assert valid, "probability tensor contains either `inf`, `nan` or element < 0"
    assert bool((self.sum(-1) > 0).all()), "invalid multinomial distribution (sum of probabilities <= 0)"
    if replacement and num_samples > 1:
        sums = self.cumsum(-1)
        sums = sums / sums[..., -1:]
        sums[..., -1] = 1
        drawn = torch.rand(self.size()[:-1] + [num_samples], dtype=7)
        return (sums.unsqueeze(-2).to(7) < drawn.unsqueeze(-1)).sum(-1)
    # The smallest of exponential times, whose rates are the probabilities, comes first.
    scores = self / torch.empty_like(self).exponential_()
    if num_samples == 1:
        return scores.argmax(-1, keepdim=True)
    return scores.topk(num_samples)[1]


# Slopes of negative elements are drawn one by one, in double.
def rrelu(self: Tensor, lower: number, upper: number, training: bool, generator: Optional[Generator]) -> Tensor:
    low, high = float(lower), float(upper)
    assert low <= high, "Lower bound should be less than or equal to the upper bound"
    if not training:
        return torch.leaky_relu(self, (low + high) / 2)
    mask = self <= 0
    slopes = torch.empty([int(mask.sum())], dtype=torch.float64).uniform_(low, high).to(self.dtype)
    return self.masked_scatter(mask, self.masked_select(mask) * slopes)


# Whole channels are dropped, to the value that keeps the mean and the variance of a self-normalising network: Klambauer
# et al., "Self-Normalizing Neural Networks" (2017).
def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    assert p >= 0 and p <= 1, "dropout probability has to be between 0 and 1"
    if p == 0 or not train or input.numel() == 0:
        return input
    if p == 1:
        return input * torch.zeros([], dtype=input.dtype)
    assert input.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input"
    alpha = 1.7580993408473766
    a = 1.0 / ((alpha * alpha * p + 1) * (1 - p)) ** 0.5
    kept = torch.empty([input.size(0), input.size(1)] + [1] * (input.dim() - 2), dtype=input.dtype).bernoulli_(1 - p)
    return input * (kept * a) + ((kept - 1) * (alpha * a) + alpha * a * p)


def cauchy_(self: Tensor, median: float, sigma: float, generator: Optional[Generator]) -> Tensor:
    assert sigma > 0, "cauchy_ expects sigma > 0.0"
    u = torch.empty(self.size(), dtype=torch.float64).uniform_(0.0, 1.0)
    return self.copy_(torch.tan((u - 0.5) * 3.141592653589793) * sigma + median)


def log_normal_(self: Tensor, mean: float, std: float, generator: Optional[Generator]) -> Tensor:
    assert std > 0, "log_normal_ expects std > 0.0"
    return self.copy_(torch.empty(self.size(), dtype=torch.float64).normal_(mean, std).exp())


def geometric_(self: Tensor, p: float, generator: Optional[Generator]) -> Tensor:
    assert p > 0 and p < 1, "geometric_ expects p to be in (0, 1)"
    u = torch.empty(self.size(), dtype=torch.float64).uniform_(0.0, 1.0)
    return self.copy_((u.log() / torch.scalar_tensor(-p, dtype=torch.float64).log1p()).ceil())


def native_dropout(input: Tensor, p: float, train: Optional[bool]) -> Tuple[Tensor, Tensor]:
    if input.numel() == 0 or (train is not None and not bool(train)) or p == 0:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    assert p >= 0 and p <= 1, "dropout probability has to be between 0 and 1"
    kept = torch.zeros_like(input, dtype=torch.bool)
    if p == 1:
        return torch.zeros_like(input), kept
    kept.bernoulli_(1 - p)
    return input * kept * (1 / (1 - p)), kept


def native_dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    assert mask.dtype == torch.bool, "Mask should be Bool Scalar Type"
    return grad_output * mask.to(grad_output.dtype) * scale


def bernoulli__Tensor(self: Tensor, p: Tensor, generator: Optional[Generator]) -> Tensor:
    return torch.bernoulli(p.expand_as(self)).to(self.dtype)


# The largest whole number up to which a dtype has them all; of int64, which has no room for one more, the last but one.
def _largest_whole(dtype: int) -> int:
    of_numbers = [255, 127, 32767, 2147483647, 9223372036854775806, 2048, 16777216, 9007199254740992]
    if dtype < 8:
        return of_numbers[dtype]
    return 1 if dtype == 11 else 256  # bool, bfloat16


def random_(self: Tensor, generator: Optional[Generator]) -> Tensor:
    return self.copy_(torch.randint(0, _largest_whole(self.dtype) + 1, self.size(), dtype=4))


def random___to(self: Tensor, to: int, generator: Optional[Generator]) -> Tensor:
    assert to > 0, "random_ expects 'from' to be less than 'to', but got from=0 >= to=" + str(to)
    return self.copy_(torch.randint(0, to, self.size(), dtype=4))


def random___from(self: Tensor, low: int, to: Optional[int], generator: Optional[Generator]) -> Tensor:
    high = _largest_whole(self.dtype) + 1 if to is None else to
    assert low < high, "random_ expects 'from' to be less than 'to', but got from=" + str(low) + " >= to=" + str(high)
    return self.copy_(torch.randint(low, high, self.size(), dtype=4))
