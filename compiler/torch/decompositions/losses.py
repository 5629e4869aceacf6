# Losses. `reduction` is 0 for none, 1 for mean, 2 for sum, as ATen numbers them.


def mse_loss(self: Tensor, target: Tensor, reduction: int) -> Tensor:
    difference = self - target
    loss = difference * difference
    if reduction == 1:
        return loss.mean()
    if reduction == 2:
        return loss.sum()
    return loss
