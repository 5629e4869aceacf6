"""A target is a row and an emitter: nothing else names one."""

import re

from firmware import ROOT

FOLDERS = ["codegen", "compiler", "passes", "runtime"]
# "cuda" as a device that programs of PyTorch speak of, which a library need not have, and as the folder's name.
DEVICES_OF_PYTORCH = {
    "codegen/emit_constant.cpp", "compiler/CMakeLists.txt", "compiler/ir/infer_scalars.cpp", "compiler/ir/ops.def",
    "compiler/torch/decompositions/pointwise.py", "compiler/torch/decompositions/spectral.py", "runtime/core/marshal.h",
    "runtime/core/scalar.h", "runtime/include/tsc/tsc.h", "runtime/ops/query.h", "runtime/ops/text.h", "runtime/python/tsc/abi.py",
}  # fmt: skip
ALLOWED = {
    "cuda": DEVICES_OF_PYTORCH | {"codegen/targets.def", "codegen/emit_launch.cpp", "codegen/emit_launch.h"},
    "cortex": {"codegen/targets.def"},
}


def test_targets_are_named_in_one_place():
    found = {name: set() for name in ALLOWED}
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                text = file.read_text(errors="ignore")
                for name in found:
                    if re.search(name, text, re.IGNORECASE):
                        found[name].add(str(file.relative_to(ROOT)))
    assert {name: files - ALLOWED[name] for name, files in found.items()} == {name: set() for name in found}
