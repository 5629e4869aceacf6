"""Run and make libraries that tsc compiled from TorchScript.

    import tsc
    model = tsc.load("resnet18.so")
    scores = model(image)        # anything with __dlpack__: torch, numpy, jax
    numpy.asarray(scores); torch.from_dlpack(scores)

Methods other than forward are attributes (``model.encode(x)``) and entries of ``model.methods``. Failures are
``tsc.Error``. Needs neither torch nor numpy.
"""

from tsc.compiler import compile
from tsc.error import Error, Frame
from tsc.model import Input, Library, Method, Model, load
from tsc.values import Object, Tensor

__all__ = ["Error", "Frame", "Input", "Library", "Method", "Model", "Object", "Tensor", "compile", "load"]
