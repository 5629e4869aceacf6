"""What is in the objects: what they ask of others, where the weights are, how many bytes; several models in one image."""

import re
import shutil

import pytest
import torch

import firmware
from firmware import MACHINES, Program, driver, execute, flatten, link, machine, run
from programs import PROGRAMS, input_options, trace

# All that a freestanding object may need from outside.
C_LIBRARY = {"memcpy", "memset", "memmove"}
MATHEMATICS = {  # of libm, in both precisions where C has both
    name + suffix
    for name in "acos acosh asin asinh atan atan2 atanh ceil cos cosh erf erfc exp exp2 expm1 floor fma fmod lgamma log log10 "
    "log1p log2 nearbyint pow rint round sin sinh sqrt tan tanh tgamma trunc".split()
    for suffix in ("", "f")
}
# The compiler's own arithmetic, where the processor has none, of libgcc or compiler-rt: doubles on a controller with floats only, for
# programs that ask for doubles (a float output, an input of float64, arithmetic on Python's floats).
DOUBLES = {
    "__aeabi_" + name for name in "d2f f2d i2d ui2d l2d ul2d d2iz d2lz dadd dsub dmul ddiv dcmpeq dcmplt dcmple dcmpge dcmpgt dcmpun".split()
}
# The same between integers of 64 bits and floats, for programs that make one of the other.
LONGS = {"__aeabi_" + name for name in "l2f ul2f f2lz f2ulz".split()}
ALLOWED = C_LIBRARY | MATHEMATICS
NEEDS = {"fills": DOUBLES, "writes": LONGS}


def nm(file):
    tool = shutil.which("llvm-nm-19") or shutil.which("nm")
    if tool is None:
        pytest.skip("there is no nm")
    return run([tool, "--undefined-only", "--format=just-symbols" if "llvm" in tool else "-j", file]).split()


def sections(file):
    """Name -> bytes of the sections that are loaded."""
    text = run(["readelf", "-SW", file])
    rows = re.findall(r"^ +\[ *\d+\] (\S+) +(\S+) +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +(\w*)", text, re.MULTILINE)
    return {name: int(size, 16) for name, kind, size, flags in rows if "A" in flags}


@pytest.fixture(scope="module")
def compiled(compiler, tmp_path_factory):
    """Objects of all programs for a target, once."""
    known = {}

    def get(name, target):
        if (name, target) not in known:
            module, inputs = PROGRAMS[name]()
            known[name, target] = Program(compiler, trace(module, inputs), tmp_path_factory.mktemp(name), target, *input_options(module, inputs))
        return known[name, target]

    return get


@pytest.mark.parametrize("target", ["native", "x86-64-v3", "aarch64", "riscv64", "cortex-m4", "cortex-m7", "cortex-m55"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_symbols(compiled, name, target):
    allowed = ALLOWED | NEEDS.get(name, set())
    assert set(nm(compiled(name, target).object)) <= allowed


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_sections(compiled, name, target):
    """Weights and constants can stay in flash; nothing is to be initialised, and no constructor runs."""
    found = sections(compiled(name, target).object)
    allowed = r"\.(text|rodata|ARM\.exidx)(\.|$)|\.eh_frame$"
    assert [section for section, size in found.items() if size > 0 and not re.match(allowed, section)] == []
    assert sum(size for section, size in found.items() if re.match(r"\.rodata.*weights", section)) == compiled(name, target).macro("WEIGHTS_BYTES")


def from_object(link_map, name):
    """Section -> bytes, of the parts that an image has of an object."""
    rows = re.findall(rf"^ (\.[\w.]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*{name}$", link_map, re.MULTILINE)
    bytes_of = {}
    for section, size in rows:
        bytes_of[section] = bytes_of.get(section, 0) + int(size, 16)
    return bytes_of


@pytest.mark.parametrize("target", ["native", "aarch64", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("name", ["mlp", "gate", "vision"])
def test_report_is_what_the_linker_says(compiled, name, target):
    program, (module, inputs) = compiled(name, target), PROGRAMS[name]()
    executable = link(program, machine(target), driver(program, flatten(inputs), flatten(module(*inputs))))
    found = from_object(executable.with_suffix(".map").read_text(), "net.o")
    code = sum(size for section, size in found.items() if section.startswith(".text"))
    weights = sum(size for section, size in found.items() if re.match(r"\.rodata.*weights", section))
    constants = sum(size for section, size in found.items() if section.startswith(".rodata")) - weights
    report = program.report
    assert f"code {code} bytes, other constants {constants} bytes" in report, (report, found)
    assert f"weights {weights} bytes" in report
    bound, outside = program.stack_bytes()
    assert f"net_forward: arena {program.macro('FORWARD_ARENA_BYTES')} bytes, stack {bound} bytes" in report
    assert outside == set(nm(program.object))


def test_size_of_sine(compiled):
    """onnx2c makes 8.2 KB of code of this model, ST Edge AI 14.4 KB."""
    assert sum(sections(compiled("sine", "cortex-m4").object).values()) < 3000


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
@pytest.mark.parametrize("suffix", [".o", ".a"])
def test_several_models(compiler, tmp_path, target, suffix):
    """Two compilations of one model, under two names, in one program."""
    where = machine(target)
    module, inputs = PROGRAMS["sine"]()
    first, second = (Program(compiler, trace(module, inputs), tmp_path / name, target, "--name", name, name=name, suffix=suffix) for name in ("first", "second"))
    text = driver(first, inputs, [module(*inputs)])
    both = text.replace('#include "board.h"', '#include "second.h"\n#include "board.h"')
    both = both.replace("status = first_forward", "status = second_forward(input_0_, output_0_, arena) + first_forward")
    both = both.replace("(const void *)input_0", "(const float *)input_0").replace("input_0_, output_0_", "(const void *)input_0, (void *)output_0")
    result = execute(where, link(first, where, both, objects=[second.object], flags=["-I", second.folder]))
    ours = firmware.decode(result, [module(*inputs)])
    assert ours.status == 0
    torch.testing.assert_close(ours.outputs[0], module(*inputs))


def test_models_in_one_archive(compiler, tmp_path):
    where = machine("native")
    module, inputs = PROGRAMS["sine"]()
    for name in ("first", "second"):
        trace(module, inputs).save(str(tmp_path / f"{name}.pt"))
    run([compiler, tmp_path / "first.pt", tmp_path / "second.pt", "--freestanding", "-o", tmp_path / "both.a"])
    for name in ("first", "second"):
        program = Program.__new__(Program)
        program.folder, program.name, program.target, program.object = tmp_path, name, "native", tmp_path / "both.a"
        program.header = (tmp_path / f"{name}.h").read_text()
        result = execute(where, link(program, where, driver(program, inputs, [module(*inputs)]), file=name))
        torch.testing.assert_close(firmware.decode(result, [module(*inputs)]).outputs[0], module(*inputs))


@pytest.mark.parametrize("standard", ["-std=c99", "-std=c17"])
def test_header_is_c(compiled, tmp_path, standard):
    where = machine("native")
    program = compiled("sine", "native")
    file = tmp_path / "use.c"
    file.write_text('#include "net.h"\n#include "net.h"\nint dims[NET_FORWARD_Y_RANK] = NET_FORWARD_Y_DIMS;\n')
    run([*where.cc, standard, "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", program.folder, "-c", file, "-o", tmp_path / "use.o"])


def test_arena_is_checked(compiled):
    program = compiled("sine", "native")
    module, inputs = PROGRAMS["sine"]()
    where = machine("native")
    for wrong in ("(void *)0", "(char *)arena + 4"):
        text = driver(program, inputs, [module(*inputs)]).replace(", arena);", f", {wrong});")
        assert execute(where, link(program, where, text, file="wrong")).status == 1
