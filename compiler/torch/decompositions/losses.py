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
