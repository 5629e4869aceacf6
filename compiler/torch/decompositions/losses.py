# Losses. `reduction` is 0 for none, 1 for mean, 2 for sum, as ATen numbers them.


def reduce_loss(loss: Tensor, reduction: int) -> Tensor:
    if reduction == 1:
        return loss.mean()
    if reduction == 2:
        return loss.sum()
    return loss


def mse_loss(self: Tensor, target: Tensor, reduction: int) -> Tensor:
    difference = self - target
    return reduce_loss(difference * difference, reduction)


def l1_loss(self: Tensor, target: Tensor, reduction: int) -> Tensor:
    return reduce_loss((self - target).abs(), reduction)


def smooth_l1_loss(self: Tensor, target: Tensor, reduction: int, beta: float) -> Tensor:
    distance = (self - target).abs()
    if beta == 0.0:
        return reduce_loss(distance, reduction)
    loss = torch.where(distance < beta, 0.5 * distance * distance / beta, distance - 0.5 * beta)
    return reduce_loss(loss, reduction)


def huber_loss(self: Tensor, target: Tensor, reduction: int, delta: float) -> Tensor:
    distance = (self - target).abs()
    loss = torch.where(distance <= delta, 0.5 * distance * distance, delta * (distance - 0.5 * delta))
    return reduce_loss(loss, reduction)


def soft_margin_loss(self: Tensor, target: Tensor, reduction: int) -> Tensor:
    return reduce_loss(torch.log1p(torch.exp(-target.expand(self.size()) * self)), reduction)


# The logarithms are bounded below by -100, as ATen's are.
def binary_cross_entropy(self: Tensor, target: Tensor, weight: Optional[Tensor], reduction: int) -> Tensor:
    assert self.size() == target.size(), "binary_cross_entropy: input and target must have the same size"
    loss = (target - 1) * torch.log1p(-self).clamp(min=-100) - target * self.log().clamp(min=-100)
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss, reduction)


def binary_cross_entropy_with_logits(
    self: Tensor, target: Tensor, weight: Optional[Tensor], pos_weight: Optional[Tensor], reduction: int
) -> Tensor:
    # -log sigmoid(x) = softplus(-x), without overflow for either sign.
    x = self.expand(target.size())
    log_sigmoid = -torch.log1p(torch.exp(-x.abs())) + x.clamp(max=0)
    if pos_weight is not None:
        log_weight = (pos_weight - 1) * target + 1
        loss = (1 - target) * x - log_weight * log_sigmoid
    else:
        loss = (1 - target) * x - log_sigmoid
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss, reduction)


def kl_div(self: Tensor, target: Tensor, reduction: int, log_target: bool) -> Tensor:
    if log_target:
        loss = target.exp() * (target - self)
    else:
        product = target * target.log()
        loss = torch.where(target == 0, torch.zeros_like(product), product) - target * self
    return reduce_loss(loss, reduction)


# Classes lie along dim 1, or 0 of a single sample.
def _class_dim(self: Tensor) -> int:
    return 1 if self.dim() > 1 else 0


def _along_classes(weight: Tensor, self: Tensor) -> Tensor:
    sizes: List[int] = []
    for i in range(self.dim()):
        sizes.append(weight.size(0) if i == _class_dim(self) else 1)
    return weight.view(sizes)


def _check_weight(self: Tensor, weight: Optional[Tensor]):
    if weight is not None:
        fits = weight.dim() == 1 and weight.numel() == self.size(_class_dim(self))
        assert fits, "weight tensor should be defined either for all classes or no classes"


def nll_loss_nd(self: Tensor, target: Tensor, weight: Optional[Tensor], reduction: int, ignore_index: int) -> Tensor:
    assert self.dim() > 0, "nll_loss: expected input to have at least one dimension"
    sizes = self.size()
    sizes.pop(_class_dim(self))
    assert target.size() == sizes, "nll_loss: expected the target to have the input's size without its classes"
    _check_weight(self, weight)
    dim = _class_dim(self)
    valid = target != ignore_index
    index = torch.where(valid, target, torch.zeros_like(target))
    loss = -self.gather(dim, index.unsqueeze(dim)).squeeze(dim)
    share = torch.ones_like(loss)
    if weight is not None:
        share = weight[index]
    share = torch.where(valid, share, torch.zeros_like(share))
    loss = torch.where(valid, loss * share, torch.zeros_like(loss))
    if reduction == 1:
        return loss.sum() / share.sum()
    return reduce_loss(loss, reduction)


def nll_loss(self: Tensor, target: Tensor, weight: Optional[Tensor], reduction: int, ignore_index: int) -> Tensor:
    return nll_loss_nd(self, target, weight, reduction, ignore_index)


def nll_loss2d(self: Tensor, target: Tensor, weight: Optional[Tensor], reduction: int, ignore_index: int) -> Tensor:
    return nll_loss_nd(self, target, weight, reduction, ignore_index)


def cross_entropy_loss(
    self: Tensor, target: Tensor, weight: Optional[Tensor], reduction: int, ignore_index: int, label_smoothing: float
) -> Tensor:
    assert 0.0 <= label_smoothing and label_smoothing <= 1.0, "label_smoothing must be between 0.0 and 1.0"
    dim = _class_dim(self)
    classes = self.size(dim)
    logs = torch.log_softmax(self, dim)
    weighted = logs
    _check_weight(self, weight)
    if weight is not None:
        weighted = logs * _along_classes(weight, self)
    if target.is_floating_point():  # the probability of each class
        assert target.size() == self.size(), "Expected floating point type for target with class probabilities of the input's size"
        smoothed = target * (1.0 - label_smoothing) + label_smoothing / max(classes, 1)
        loss = -(weighted * smoothed).sum(dim)
        if reduction == 1:
            return loss.sum() * classes / self.numel()
        return reduce_loss(loss, reduction)
    result = nll_loss_nd(logs, target, weight, reduction, ignore_index)
    if label_smoothing == 0.0:
        return result
    valid = target != ignore_index
    smooth = -weighted.sum(dim)
    smooth = torch.where(valid, smooth, torch.zeros_like(smooth))
    if reduction == 1:
        count = valid.sum().to(self.dtype)
        if weight is not None:
            shares = weight[torch.where(valid, target, torch.zeros_like(target))]
            count = torch.where(valid, shares, torch.zeros_like(shares)).sum()
        smooth = smooth.sum() / count
    elif reduction == 2:
        smooth = smooth.sum()
    return (1.0 - label_smoothing) * result + smooth * (label_smoothing / classes)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float, reduction: int) -> Tensor:
    dim = target.dim()
    assert dim <= 1, "0D or 1D target tensor expected, multi-target not supported"
    assert input1.dim() == dim + 1 and input2.dim() == dim + 1, "cosine_embedding_loss: the inputs must have a dim more than the target"
    epsilon = 1e-12
    product = (input1 * input2).sum(dim)
    squares = ((input1 * input1).sum(dim) + epsilon) * ((input2 * input2).sum(dim) + epsilon)
    cosine = product / squares.sqrt()
    zeros = torch.zeros_like(cosine)
    apart = torch.where(target == -1, (cosine - margin).clamp(min=0), zeros)
    return reduce_loss(torch.where(target == 1, 1 - cosine, zeros) + apart, reduction)


def hinge_embedding_loss(self: Tensor, target: Tensor, margin: float, reduction: int) -> Tensor:
    none = torch.zeros_like(self)
    apart = torch.where(target != 1, (margin - self).clamp(min=0), none)
    together = torch.where(target != -1, self, none)
    return reduce_loss(apart + together, reduction)


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float, reduction: int) -> Tensor:
    return reduce_loss((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    loss = torch.exp(input) - target * input if log_input else input - target * torch.log(input + eps)
    if full:
        # Stirling's approximation of the logarithm of target!
        stirling = target * torch.log(target) - target + 0.5 * torch.log(2 * 3.14159265358979323846 * target)
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduce_loss(loss, reduction)


def _distance(a: Tensor, b: Tensor, p: float, eps: float) -> Tensor:
    return torch.linalg_vector_norm(a - b + eps, p, [-1])


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float, p: float, eps: float, swap: bool, reduction: int
) -> Tensor:
    assert anchor.dim() == positive.dim() and anchor.dim() == negative.dim(), "The anchor, positive, and negative tensors are expected to have the same number of dimensions"
    far = _distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, _distance(positive, negative, p, eps))
    return reduce_loss((margin + _distance(anchor, positive, p, eps) - far).clamp(min=0), reduction)


def multi_margin_loss(
    self: Tensor, target: Tensor, p: number, margin: number, weight: Optional[Tensor], reduction: int
) -> Tensor:
    assert p == 1 or p == 2, "only p == 1 and p == 2 supported"
    assert self.is_floating_point(), "multi_margin_loss is not implemented for integers"
    rows = self if self.dim() == 2 else self.view(1, -1)
    assert rows.dim() == 2 and rows.size(1) > 0, "Expected non-empty vector or matrix with optional 0-dim batch size"
    classes = target.view(-1, 1)
    assert target.dim() < 2 and classes.size(0) == rows.size(0), "inconsistent target size"
    assert bool(((classes >= 0) & (classes < rows.size(1))).all()), "target out of range"
    cost = (rows - rows.gather(1, classes) + margin).clamp(min=0)
    if p == 2:
        cost = cost * cost
    if weight is not None:
        assert weight.numel() == rows.size(1), "inconsistent weight size"
        cost = cost * weight.index_select(0, classes.view(-1)).unsqueeze(1)
    cost = cost.scatter(1, classes, 0)
    loss = cost.sum(1) / rows.size(1)
    if self.dim() < 2 and reduction == 0 and target.dim() == 0:
        loss = loss.squeeze(0)
    return reduce_loss(loss, reduction)


# Of each row the classes of target up to the first -1.
def multilabel_margin_loss(self: Tensor, target: Tensor, reduction: int) -> Tensor:
    assert self.is_floating_point(), "multilabel_margin_loss is not implemented for integers"
    assert self.dim() < 3 and self.size() == target.size(), "inconsistent target size"
    assert self.dim() == 0 or self.size(-1) > 0, "Expected non-empty vector or matrix with optional 0-dim batch size"
    rows = self if self.dim() == 2 else self.view(1, -1)
    classes = target if target.dim() == 2 else target.view(1, -1)
    count = rows.size(1)
    assert bool(((classes >= -1) & (classes < count)).all()), "target out of range"
    named = (classes < 0).cumsum(1) == 0
    places = classes.masked_fill(~named, 0)
    is_target = torch.zeros(rows.size(), dtype=4).scatter_add(1, places, named.to(4)) > 0
    # [row, class that is named, class that is not]
    cost = (1 - rows.gather(1, places).unsqueeze(2) + rows.unsqueeze(1)).clamp(min=0)
    counts = named.unsqueeze(2) & ~is_target.unsqueeze(1)
    loss = cost.masked_fill(~counts, 0).sum([1, 2]) / count
    return reduce_loss(loss.squeeze(0) if self.dim() < 2 else loss, reduction)


# The negative logarithm of the probability of all alignments of a target, by the forward variables of
# Graves et al., "Connectionist Temporal Classification" (2006), section 4.1: one for each label and the blanks around them.
def _alignments(log_probs: Tensor, target: Tensor, blank: int) -> Tensor:
    steps, labels = log_probs.size(0), target.size(0)
    nowhere = torch.full([], -float("inf"), dtype=log_probs.dtype)
    if steps == 0:
        return torch.zeros([], dtype=log_probs.dtype) if labels == 0 else -nowhere
    states = torch.full([2 * labels + 1], blank, dtype=torch.int64)
    states[1::2] = target
    emitted = log_probs.index_select(1, states)
    alpha = nowhere.expand([2 * labels + 1]).clone()
    alpha[:2] = emitted[0, :2]
    # A blank may be left out between two labels that differ.
    may_skip = torch.zeros([2 * labels + 1], dtype=torch.bool)
    if labels > 1:
        may_skip[3::2] = target[1:] != target[:-1]
    for step in range(1, steps):
        before = torch.constant_pad_nd(alpha[:-1], [1, 0], -float("inf"))
        skipped = torch.constant_pad_nd(alpha[:-2], [2, 0], -float("inf"))[: 2 * labels + 1]
        skipped = torch.where(may_skip, skipped, nowhere)
        alpha = torch.logsumexp(torch.stack([alpha, before, skipped]), [0]) + emitted[step]
    return -torch.logsumexp(alpha[-2:], [0])


def ctc_loss__IntList(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: List[int],
    target_lengths: List[int],
    blank: int,
    reduction: int,
    zero_infinity: bool,
) -> Tensor:
    is_batched = log_probs.dim() == 3
    probs = log_probs if is_batched else log_probs.unsqueeze(1)
    labels = targets if is_batched or targets.dim() == 1 else targets.reshape([-1])
    assert probs.dim() == 3, "ctc_loss expects log_probs of two or three dimensions"
    assert blank >= 0 and blank < probs.size(2), "blank must be in label range"
    batch = probs.size(1)
    assert len(input_lengths) == batch, "input_lengths must be of size batch_size"
    assert len(target_lengths) == batch, "target_lengths must be of size batch_size"
    assert targets.dtype == torch.int32 or targets.dtype == torch.int64, "ctc_loss expects targets of ints"
    losses: List[Tensor] = []
    begin = 0
    for b in range(batch):
        steps, count = input_lengths[b], target_lengths[b]
        assert steps >= 0, "Expected input_lengths to have value at least 0"
        assert steps <= probs.size(0), "Expected input_lengths to have value at most the steps of log_probs"
        assert count >= 0, "Expected target_lengths to have value at least 0"
        if labels.dim() == 1:
            target = labels[begin : begin + count]
            begin = begin + count
        else:
            target = labels[b][:count]
        assert target.size(0) == count, "Expected target_lengths to be at most the labels of targets"
        losses.append(_alignments(probs[:steps, b], target.to(torch.int64), blank))
    if labels.dim() == 1:
        assert begin == labels.size(0), "Expected the target_lengths to sum up to the labels of targets"
    loss = torch.stack(losses) if batch > 0 else torch.zeros([0], dtype=log_probs.dtype)
    if zero_infinity:
        loss = torch.where(loss == float("inf"), torch.zeros_like(loss), loss)
    if reduction == 1:
        return (loss / torch.tensor(target_lengths).clamp(min=1).to(loss.dtype)).mean()
    if reduction == 2:
        return loss.sum()
    return loss if is_batched else loss.squeeze(0)


def ctc_loss__Tensor(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    reduction: int,
    zero_infinity: bool,
) -> Tensor:
    has_floats = input_lengths.is_floating_point() or target_lengths.is_floating_point()
    assert not has_floats, "input_lengths and target_lengths must be integral"
    steps: List[int] = input_lengths.reshape([-1]).to(torch.int64).tolist()
    counts: List[int] = target_lengths.reshape([-1]).to(torch.int64).tolist()
    return torch.ctc_loss(log_probs, targets, steps, counts, blank, reduction, zero_infinity)
