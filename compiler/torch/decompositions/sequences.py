# Packed sequences: the rows of all sequences that are not over, step after step, the longest sequences first.


def _pack_padded_sequence(input: Tensor, lengths: Tensor, batch_first: bool) -> Tuple[Tensor, Tensor]:
    sequence = input.transpose(0, 1) if batch_first else input
    ends: List[int] = lengths.tolist()
    assert len(ends) == sequence.size(1), (
        "Expected `len(lengths)` to be equal to batch_size, but got {} (batch_size={})".format(len(ends), sequence.size(1))
    )
    assert ends[-1] > 0, "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
    for i in range(1, len(ends)):
        assert ends[i - 1] >= ends[i], "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True."
    steps: List[Tensor] = []
    sizes: List[int] = []
    alive = len(ends)
    for time in range(ends[0]):
        while ends[alive - 1] <= time:
            alive -= 1
        steps.append(sequence[time, :alive])
        sizes.append(alive)
    return torch.cat(steps), torch.tensor(sizes)


def _pad_packed_sequence(
    data: Tensor, batch_sizes: Tensor, batch_first: bool, padding_value: number, total_length: int
) -> Tuple[Tensor, Tensor]:
    sizes: List[int] = batch_sizes.tolist()
    steps = len(sizes)
    if total_length > 0:
        assert total_length >= steps, "Expected total_length to be at least the length of the longest sequence in input"
        steps = total_length
    padded = torch.full([steps, sizes[0]] + data.shape[1:], padding_value, dtype=data.dtype)
    lengths = [0] * sizes[0]
    begin = 0
    for time in range(len(sizes)):
        padded[time, : sizes[time]] = data[begin : begin + sizes[time]]
        begin += sizes[time]
        for i in range(sizes[time]):
            lengths[i] += 1
    if batch_first:
        padded = padded.transpose(0, 1)
    return padded, torch.tensor(lengths)


# Sequences that end (or, in reverse, begin) at a step leave (join) the running batch there.
def gru__data(
    data: Tensor, batch_sizes: Tensor, hx: Tensor, params: List[Tensor], has_biases: bool, num_layers: int,
    dropout: float, train: bool, bidirectional: bool,
) -> Tuple[Tensor, Tensor]:
    sizes: List[int] = batch_sizes.tolist()
    directions = 2 if bidirectional else 1
    count = 4 if has_biases else 2
    states: List[Tensor] = []
    for layer in range(num_layers):
        outputs: List[Tensor] = []
        for direction in range(directions):
            first = (layer * directions + direction) * count
            input_bias: Optional[Tensor] = None
            hidden_bias: Optional[Tensor] = None
            if has_biases:
                input_bias = params[first + 2]
                hidden_bias = params[first + 3]
            state = hx[layer * directions + direction].clone()
            output = torch.zeros([data.size(0), state.size(1)], dtype=data.dtype)
            row = data.size(0) if direction == 1 else 0
            for i in range(len(sizes)):
                rows = sizes[len(sizes) - 1 - i] if direction == 1 else sizes[i]
                if direction == 1:
                    row -= rows
                reached = torch.gru_cell(
                    data[row : row + rows], state[:rows], params[first], params[first + 1], input_bias, hidden_bias
                )
                state[:rows] = reached
                output[row : row + rows] = reached
                if direction == 0:
                    row += rows
            outputs.append(output)
            states.append(state)
        data = torch.cat(outputs, -1)
        if train and dropout > 0.0 and layer + 1 < num_layers:
            data = torch.dropout(data, dropout, train)
    return data, torch.stack(states)


def pad_sequence(sequences: List[Tensor], batch_first: bool, padding_value: float, padding_side: str) -> Tensor:
    assert len(sequences) > 0, "received an empty list of sequences"
    assert padding_side == "right" or padding_side == "left", "Expected padding_side to be one of left or right, but got " + padding_side + "."
    longest = 0
    for sequence in sequences:
        longest = max(longest, sequence.size(0))
    first = sequences[0]
    rows: List[Tensor] = []
    for sequence in sequences:
        padding = torch.full([longest - sequence.size(0)] + first.size()[1:], padding_value, dtype=first.dtype)
        row = sequence.to(first.dtype)
        rows.append(torch.cat([row, padding] if padding_side == "right" else [padding, row]))
    return torch.stack(rows, 0 if batch_first else 1)
