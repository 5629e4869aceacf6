"""Writes a sample as TorchScript: python samples/export.py NAME [FILE] [--script]

NAME is a folder beside this file, or a name of torchscript_tutorial/models.py; FILE is NAME.pt by default.
"""

import argparse
import importlib
import sys
import warnings
from pathlib import Path

import torch

SAMPLES = Path(__file__).resolve().parent


def export(name: str, script: bool):
    sys.path.insert(0, str(SAMPLES))
    if not (SAMPLES / name / "model.py").exists():
        return importlib.import_module("torchscript_tutorial.models").build_all()[name]
    sample = importlib.import_module(f"{name}.model")
    model, example = sample.build()
    script = script or not getattr(sample, "TRACEABLE", True)
    with torch.no_grad():
        return torch.jit.script(model) if script else torch.jit.trace(model, example, strict=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--script", action="store_true", help="torch.jit.script instead of trace, as what can't be traced always is")
    args = parser.parse_args()
    file = args.file or Path(args.name + ".pt")
    file.parent.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", DeprecationWarning)
    export(args.name, args.script).save(str(file))


if __name__ == "__main__":
    main()
