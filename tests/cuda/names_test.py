"""That there is a device, and which, is known to cuda/, codegen/targets.def and one launch emitter; that there are microcontrollers, to
targets.def. No other source names them, but for the words of TorchScript programs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["compiler", "passes", "codegen", "runtime", "cmake"]
THEIR_OWN = {"codegen/targets.def", "codegen/emit_launch.cpp"}
TORCHSCRIPT = {  # devices and ops as programs say them
    "codegen/emit_constant.cpp",
    "compiler/ir/infer_scalars.cpp",
    "compiler/ir/ops.def",
    "compiler/torch/decompositions/pointwise.py",
    "compiler/torch/decompositions/spectral.py",
    "runtime/core/marshal.h",
    "runtime/core/scalar.h",
    "runtime/ops/query.h",
    "runtime/ops/text.h",
}
WORDS_OF_TORCHSCRIPT = re.compile(r"is_cuda|kCuda|\"cuda|cuda_enabled|cuda_dtype|CUDA inputs")
BUILD = {"compiler/CMakeLists.txt": "/cuda/", "cmake/FindLibTorch.cmake": "looks for the CUDA"}  # the folder; LibTorch's own


def test_nothing_else_names_devices():
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = str(path.relative_to(ROOT))
            if not path.is_file() or path.suffix == ".pyc" or name in THEIR_OWN:
                continue
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                rest = WORDS_OF_TORCHSCRIPT.sub("", line) if name in TORCHSCRIPT else line.replace(BUILD.get(name, "\0"), "")
                if re.search(r"cuda|nvcc|nvidia|cortex", rest, re.I):
                    found.append(f"{name}:{number}: {line.strip()}")
    assert not found, "\n".join(found)
