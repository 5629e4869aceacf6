"""Writes a sample's model and an example with PyTorch's result: python ../cortex_m/export.py FOLDER, in the sample's folder.

FOLDER/net.pt is TorchScript, FOLDER/example.h the input and the first result, computed in float64.
"""

import copy
import sys
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path.cwd()))
import model as sample  # noqa: E402


def array(name, tensor):
    numbers = ", ".join(f"{value:.9g}f" if "." in f"{value:.9g}" or "e" in f"{value:.9g}" else f"{value:.9g}.0f" for value in tensor.flatten().tolist())
    return f"static const float {name}[] = {{{numbers}}};\n"


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    module, inputs = sample.build()
    with torch.no_grad():
        exact = copy.deepcopy(module).double()(*(value.double() for value in inputs))
        script = module.to_torchscript(inputs) if hasattr(module, "to_torchscript") else torch.jit.trace(module, inputs)
    script.save(str(folder / "net.pt"))
    result = exact[0] if isinstance(exact, tuple) else exact
    (folder / "example.h").write_text("/* An input, and what PyTorch makes of it. */\n" + array("example_input", inputs[0]) + array("example_result", result))


main(Path(sys.argv[1]))
