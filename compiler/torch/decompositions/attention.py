# Parts of nn.TransformerEncoder.


# Whether every sequence's valid elements, which the mask marks, come first.
def _nested_tensor_from_mask_left_aligned(t: Tensor, mask: Tensor) -> bool:
    length = mask.size(1)
    late = mask.narrow(1, 1, length - 1) & ~mask.narrow(1, 0, length - 1)
    return not bool(late.any())
