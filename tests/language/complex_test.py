"""Complex tensors, their parts and conjugates, and Fourier transforms."""

import pytest
import torch
from torch import nn

import tsc
from language import Suite, randn

suite = Suite()


def complex_randn(*sizes, dtype=torch.complex64):
    return torch.complex(randn(*sizes), randn(*sizes, seed=1)).to(dtype)


@suite((randn(3, 8),), (randn(2, 5),))
class Spectrum(nn.Module):
    def forward(self, x):
        y = torch.fft.rfft(x)
        return y.abs(), y.angle(), y.real, y.imag, torch.fft.irfft(y, n=x.size(-1))


@suite((randn(4, 6),), (randn(2, 3, 7),))
class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.tensor([0.5, 0.25, 0.125]))

    def forward(self, x):
        n = x.size(-1)
        return torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(self.kernel, n=n), n=n)


@suite((complex_randn(3, 4),), (complex_randn(2, 2, dtype=torch.complex128),))
class WritesParts(nn.Module):
    """Parts are views of the numbers."""

    def forward(self, z):
        y = z.clone()
        y.real.mul_(2)
        y.imag[0] = 5
        pairs = torch.view_as_real(y)
        pairs[..., 1] += 1
        return y, pairs, torch.view_as_complex(pairs), y.real.is_contiguous()


@suite((complex_randn(3, 4),))
class WritesInput(nn.Module):
    def forward(self, z):
        z[0] = 1j
        z += 2
        z.imag.zero_()
        return z.sum()


@suite((randn(4, 4),))
class ConjugateAfterWrites(nn.Module):
    """What is written before a conjugate is made, nobody can tell from a view."""

    def forward(self, x):
        y = torch.fft.fft2(x)
        y[0] = 0
        z = y.conj()
        return z * y, y.mH @ y, z.imag


@suite((randn(4, 4),))
class WritesConjugate(nn.Module):
    """Nor what is written to it where nobody looks at its operand again."""

    def forward(self, x):
        z = torch.fft.fft(x).conj()
        z.mul_(2j)
        z.real.add_(1)
        return z, z.resolve_conj()


@suite((complex_randn(3, 4),))
class Numbers(nn.Module):
    """Complex tensors and complex numbers."""

    def forward(self, z):
        a = complex(1.5, -2.0)
        b = torch.tensor(a * a)
        total = 0j
        for i in range(3):
            total += complex(float(z[0, i].real), float(z[0, i].imag))
        return z * a + a, b, total, z.to(torch.complex128), (z == z[0]).any(), z.pow(2.0), z[0, 0].item()


@suite((randn(3, 20),), (randn(1, 33),))
class Stream(nn.Module):
    """A short-time transform, filtered and turned back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(8))

    def forward(self, x):
        spectrum = torch.stft(x, 8, hop_length=2, window=self.window, return_complex=True)
        mask = torch.sigmoid(spectrum.abs().log1p())
        y = torch.istft(spectrum * mask, 8, hop_length=2, window=self.window, length=x.size(-1))
        return y, spectrum.abs().square().sum(-1)



class WritesBoth(nn.Module):
    def forward(self, z):
        y = z.conj()
        y.mul_(2)
        return y


class WritesOperand(nn.Module):
    def forward(self, x):
        y = torch.fft.fft(x)
        z = y.conj()
        y[0] = 0
        return z


class KeepsConjugate(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.zeros(4, dtype=torch.complex64))

    def forward(self, x):
        y = torch.fft.fft(x)
        self.kept = y.conj()
        y.mul_(2)
        return y


@pytest.mark.parametrize("module", [WritesBoth, WritesOperand, KeepsConjugate])
def test_written_conjugates_are_refused(module, tmp_path):
    """A conjugate is a view in PyTorch and a copy in the library."""
    torch.jit.script(module()).save(tmp_path / "model.pt")
    with pytest.raises(tsc.Error, match="conjugate that shares memory"):
        tsc.compile(tmp_path / "model.pt", tmp_path / "model.so")


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
