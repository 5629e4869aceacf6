# Windows, and transforms of overlapping frames of a signal.


def _window_dtype(dtype: Optional[int]) -> int:
    own = torch.float if dtype is None else dtype
    assert torch.zeros([0], dtype=own).is_floating_point(), "windows have floating point dtypes"
    return own


# 0, 1, ... over the steps of a whole period: one more step of a window ends it than of a periodic one.
def _phases(length: int, periodic: bool, turns: float, dtype: int, device: Optional[Device]) -> Tensor:
    steps = length if periodic else length - 1
    return torch.arange(length, dtype=dtype, device=device) * (turns / steps)


def _cosine_window(length: int, periodic: bool, alpha: float, beta: float, dtype: Optional[int], device: Optional[Device]) -> Tensor:
    own = _window_dtype(dtype)
    if length <= 1:
        return torch.ones([length], dtype=own, device=device)
    return _phases(length, periodic, 6.283185307179586, own, device).cos() * -beta + alpha


def hann_window(window_length: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, True, 0.5, 0.5, dtype, device)


def hann_window__periodic(window_length: int, periodic: bool, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, periodic, 0.5, 0.5, dtype, device)


def hamming_window(window_length: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, True, 0.54, 0.46, dtype, device)


def hamming_window__periodic(window_length: int, periodic: bool, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, periodic, 0.54, 0.46, dtype, device)


def hamming_window__periodic_alpha(window_length: int, periodic: bool, alpha: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, periodic, alpha, 0.46, dtype, device)


def hamming_window__periodic_alpha_beta(window_length: int, periodic: bool, alpha: float, beta: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _cosine_window(window_length, periodic, alpha, beta, dtype, device)


def _blackman(length: int, periodic: bool, dtype: Optional[int], device: Optional[Device]) -> Tensor:
    own = _window_dtype(dtype)
    if length <= 1:
        return torch.ones([length], dtype=own, device=device)
    phases = _phases(length, periodic, 3.141592653589793, own, device)
    return (phases * 4).cos() * 0.08 - (phases * 2).cos() * 0.5 + 0.42


def blackman_window(window_length: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _blackman(window_length, True, dtype, device)


def blackman_window__periodic(window_length: int, periodic: bool, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _blackman(window_length, periodic, dtype, device)


def _bartlett(length: int, periodic: bool, dtype: Optional[int], device: Optional[Device]) -> Tensor:
    own = _window_dtype(dtype)
    if length <= 1:
        return torch.ones([length], dtype=own, device=device)
    rising = _phases(length, periodic, 2.0, own, device)
    return torch.where(rising <= 1, rising, 2 - rising)


def bartlett_window(window_length: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _bartlett(window_length, True, dtype, device)


def bartlett_window__periodic(window_length: int, periodic: bool, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _bartlett(window_length, periodic, dtype, device)


def _kaiser(length: int, periodic: bool, beta: float, dtype: Optional[int], device: Optional[Device]) -> Tensor:
    own = _window_dtype(dtype)
    if length <= 1:
        return torch.ones([length], dtype=own, device=device)
    x = _phases(length, periodic, 2.0, own, device) - 1
    return torch.special_i0(beta * torch.sqrt(1 - x * x)) / torch.special_i0(torch.full([], beta, dtype=own))


def kaiser_window(window_length: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _kaiser(window_length, True, 12.0, dtype, device)


def kaiser_window__periodic(window_length: int, periodic: bool, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _kaiser(window_length, periodic, 12.0, dtype, device)


def kaiser_window__beta(window_length: int, periodic: bool, beta: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    return _kaiser(window_length, periodic, beta, dtype, device)


# A window of n_fft elements: the one given, or ones, in the middle of zeros.
def _whole_window(window: Optional[Tensor], like: Tensor, n_fft: int, win_length: int) -> Tensor:
    assert 0 < win_length and win_length <= n_fft, "expected 0 < win_length <= n_fft"
    short = torch.ones([win_length], dtype=like.dtype) if window is None else window
    assert short.dim() == 1 and short.size(0) == win_length, "expected a 1D window tensor of size equal to win_length"
    if win_length == n_fft:
        return short
    left = (n_fft - win_length) // 2
    return torch.constant_pad_nd(short, [left, n_fft - win_length - left], 0)


def stft(self: Tensor, n_fft: int, hop_length: Optional[int], win_length: Optional[int], window: Optional[Tensor], normalized: bool, onesided: Optional[bool], return_complex: Optional[bool], align_to_window: Optional[bool]) -> Tensor:
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    is_complex = self.is_complex()
    if window is not None:
        is_complex = is_complex or window.is_complex()
    assert self.is_floating_point() or self.is_complex(), "stft: expected a tensor of floating point or complex values"
    assert self.dim() == 1 or self.dim() == 2, "stft: expected a 1D or 2D tensor"
    assert return_complex is not None or is_complex, "stft requires the return_complex parameter be given for real inputs"
    assert align_to_window is None or not align_to_window, "stft with align_to_window is not supported"
    assert 0 < n_fft and n_fft <= self.size(-1), "stft: expected 0 < n_fft <= the length of the signal"
    assert hop > 0, "stft: expected hop_length > 0"
    frames = self.unfold(-1, n_fft, hop)
    whole = _whole_window(window, torch.view_as_real(self) if self.is_complex() else self, n_fft, length)
    if window is not None or length < n_fft:
        frames = frames * whole
    normalization = 1 if normalized else 0
    half = not is_complex if onesided is None else onesided
    assert not (half and is_complex), "Cannot have onesided output if window or input is complex"
    if is_complex:
        result = torch._fft_c2c(frames, [frames.dim() - 1], normalization, True)
    else:
        result = torch._fft_r2c(frames, [frames.dim() - 1], normalization, half)
    result = result.transpose(-2, -1)
    if return_complex is None or return_complex:
        return result
    return torch.view_as_real(result)


def stft__center(self: Tensor, n_fft: int, hop_length: Optional[int], win_length: Optional[int], window: Optional[Tensor], center: bool, pad_mode: str, normalized: bool, onesided: Optional[bool], return_complex: Optional[bool], align_to_window: Optional[bool]) -> Tensor:
    signal = self
    if center:
        assert self.dim() == 1 or self.dim() == 2, "stft: expected a 1D or 2D tensor"
        signal = self.unsqueeze(0) if self.dim() == 2 else self.unsqueeze(0).unsqueeze(0)
        signal = torch.pad(signal, [n_fft // 2, n_fft // 2], pad_mode)
        signal = signal.squeeze(0) if self.dim() == 2 else signal.squeeze(0).squeeze(0)
    return torch.stft(signal, n_fft, hop_length, win_length, window, normalized, onesided, return_complex, align_to_window)


# The sum of frames that each begin `hop` elements after the one before.
def _overlapped(frames: Tensor, hop: int) -> Tensor:
    batch, count, size = frames.size(0), frames.size(1), frames.size(2)
    begins = torch.arange(count).unsqueeze(1) * hop
    places = (begins + torch.arange(size)).reshape([-1])
    sums = torch.zeros([batch, size + hop * (count - 1)], dtype=frames.dtype)
    return sums.index_add(1, places, frames.reshape([batch, count * size]))


def istft(self: Tensor, n_fft: int, hop_length: Optional[int], win_length: Optional[int], window: Optional[Tensor], center: bool, normalized: bool, onesided: Optional[bool], length: Optional[int], return_complex: bool) -> Tensor:
    hop = n_fft // 4 if hop_length is None else hop_length
    win_size = n_fft if win_length is None else win_length
    assert self.is_complex(), "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
    assert self.numel() > 0, "istft: input tensor cannot be empty."
    assert self.dim() == 2 or self.dim() == 3, "istft: expected a tensor with 2 or 3 dimensions"
    spectra = self.unsqueeze(0) if self.dim() == 2 else self
    count, size = spectra.size(2), spectra.size(1)
    half = size != n_fft if onesided is None else onesided
    assert size == (n_fft // 2 + 1 if half else n_fft), "istft: the frequency dimension doesn't match n_fft and onesided"
    assert 0 < hop and hop <= win_size, "istft: expected 0 < hop_length <= win_length"
    whole = _whole_window(window, torch.view_as_real(self), n_fft, win_size)
    normalization = 1 if normalized else 2
    spectra = spectra.transpose(1, 2)
    if return_complex:
        assert not half, "Cannot have onesided output if window or input is complex"
        frames = torch._fft_c2c(spectra, [2], normalization, False)
    else:
        assert not whole.is_complex(), "Complex windows are incompatible with return_complex=False"
        frames = torch._fft_c2r(spectra.narrow(2, 0, n_fft // 2 + 1), [2], normalization, n_fft)
    signal = _overlapped(frames * whole, hop)
    weight = _overlapped((whole * whole).expand([1, count, n_fft]), hop)
    start = n_fft // 2 if center else 0
    whole_size = n_fft + hop * (count - 1)
    end = whole_size - (n_fft // 2 if center else 0)
    if length is not None:
        end = start + length
    signal, weight = signal.slice(1, start, end), weight.slice(1, start, end)
    assert bool((weight.abs().min() >= 1e-11).item()), "window overlap add min: 1"
    signal = signal / weight
    if end > whole_size:
        signal = torch.constant_pad_nd(signal, [0, end - whole_size], 0)
    return signal.squeeze(0) if self.dim() == 2 else signal
