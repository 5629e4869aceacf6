"""Compiles modules freestanding, links them with a C program of ours, and runs that: here, in QEMU's user mode or on its boards."""

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOARD = ROOT / "samples" / "cortex_m"
TIMEOUT = 240
ROOM = 512  # bytes of stack that the function takes which is called for comparison


@dataclass(frozen=True)
class Machine:
    """What compiles C for a target of ours, and what runs the program."""

    target: str
    cc: list
    run: list
    board: str = ""

    @property
    def is_bare(self):
        return bool(self.board)


def _linux(target, prefix, emulator):
    return Machine(target, [prefix + "gcc", "-static"], [emulator])


def _cortex(cpu, options, board):
    cc = ["arm-none-eabi-gcc", f"-mcpu={cpu}", *options, "-mthumb", "-mfloat-abi=hard"]
    run = ["qemu-system-arm", "-M", board, "-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=host"]
    return Machine(cpu, cc, [*run, "-semihosting-config", "enable=on,target=native,chardev=host", "-kernel"], board)


MACHINES = {
    machine.target: machine
    for machine in [
        Machine("native", ["gcc", "-Wl,-z,now"], []),
        _linux("aarch64", "aarch64-linux-gnu-", "qemu-aarch64"),
        _linux("riscv64", "riscv64-linux-gnu-", "qemu-riscv64"),
        _cortex("cortex-m4", ["-mfpu=fpv4-sp-d16"], "mps2-an386"),
        _cortex("cortex-m7", ["-mfpu=fpv5-d16"], "mps2-an500"),
        _cortex("cortex-m55", [], "mps3-an547"),
    ]
}


def machine(target):
    """Skips the test where its compiler or emulator is not installed."""
    found = MACHINES[target]
    for tool in [found.cc[0], *found.run[:1]]:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}; tools/setup --tests installs it")
    return found


def run(command, **options):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=TIMEOUT, **options)
    assert result.returncode == 0, f"{' '.join(map(str, command))}: {result.returncode}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout


def save(module, path):
    scripts = (torch.jit.ScriptModule, torch.jit.ScriptFunction)
    (module if isinstance(module, scripts) else torch.jit.script(module)).save(str(path))


class Program:
    """A module compiled to <name>.o and <name>.h in `folder`."""

    def __init__(self, compiler, module, folder, target, *options, name="net", suffix=".o"):
        self.folder, self.name, self.target = Path(folder), name, target
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.pt"
        save(module, file)
        self.object = self.folder / (name + suffix)
        command = [compiler, file, "-o", self.object, "--target", target, "--freestanding", "--report", *options]
        self.report = run(command)
        self.header = (self.folder / f"{name}.h").read_text()

    def stack_bytes(self, method="forward"):
        """The bound, and the functions outside whose stack it leaves out."""
        found = re.search(rf"#define {self.name.upper()}_{method.upper()}_STACK_BYTES (\d+)(?: /\* and what (.*) takes \*/)?\n", self.header)
        return int(found.group(1)), set(re.split(", | or ", found.group(2) or "")) - {""}

    def macro(self, name):
        return int(re.search(rf"#define {self.name.upper()}_{name} (\d+)", self.header).group(1))


def flatten(value):
    """The leaves of tuples and lists."""
    return [leaf for part in value for leaf in flatten(part)] if isinstance(value, (tuple, list)) else [value]


def _words(tensor):
    data = tensor.contiguous().numpy().tobytes()
    return np.frombuffer(data + bytes(-len(data) % 8), dtype=np.uint32)


def _array(name, words, qualifiers="static"):
    text = ", ".join(f"{word:#x}u" for word in words)
    return f"{qualifiers} uint32_t {name}[{len(words)}] __attribute__((aligned(64))) = {{{text}}};\n"


def driver(program, inputs, outputs, method="forward"):
    """A C program that calls the method once and prints what came out, byte by byte, and what it used."""
    call, text = [], ""
    for i, value in enumerate(inputs):
        if isinstance(value, torch.Tensor):
            text += _array(f"input_{i}", _words(value), "static const")
            call.append(f"(const void *)input_{i}")
        else:
            call.append(repr(value).lower() if isinstance(value, bool) else repr(value))
    printing = ""
    for i, value in enumerate(outputs):
        size = value.numel() * value.element_size() if isinstance(value, torch.Tensor) else 8
        words = (size + 7) // 8 * 2
        text += f"static uint32_t output_{i}[{words}] __attribute__((aligned(64), section(\".large\")));\n"
        call.append(f"(void *)output_{i}")
        printing += f"  print_words(\"output\", output_{i}, {words});\n"
    prefix, function = f"{program.name.upper()}_{method.upper()}", f"{program.name}_{method}"
    return f"""#include "{program.name}.h"

#include "board.h"

#define GUARD_WORDS 16
#define ARENA_WORDS ((({prefix}_ARENA_BYTES) + 3) / 4)
{text}
static uint32_t arena[ARENA_WORDS + GUARD_WORDS] __attribute__((aligned(64), section(".large")));
static int status;

static void print_words(const char *what, const uint32_t *words, int count) {{
  int i;
  board_print(what);
  board_print(" ");
  for (i = 0; i < count; ++i) board_print_hex(words[i]);
  board_print("\\n");
}}

static void print_number(const char *what, int value) {{
  board_print(what);
  board_print(" ");
  board_print_int(value);
  board_print("\\n");
}}

static __typeof__(&{function}) volatile function = {function};

static void call(void) {{
  status = function({", ".join([*call, "arena"])});
}}

/* Stands in for the function, and takes {ROOM} bytes: what the call takes beside is the caller's. */
static int take_room(void) {{
  volatile uint8_t room[{ROOM}];
  room[0] = 1;
  return room[0];
}}

int main(void) {{
  unsigned stack, others;
  function = (__typeof__(&{function}))(void *)take_room;
  others = board_stack_of(call) - {ROOM};
  function = {function};
  board_paint(arena, arena + ARENA_WORDS + GUARD_WORDS);
  stack = board_stack_of(call);
  print_number("status", status);
  print_number("stack", (int)stack - (int)others);
  print_number("arena", (int)board_used_from_bottom(arena, arena + ARENA_WORDS + GUARD_WORDS));
{printing}  return 0;
}}
"""


def sequence_driver(program, calls):
    """A C program that calls methods one after the other, each a (name, inputs, outputs), on one state; another one is used between."""
    text, body = "", ""
    for k, (method, inputs, outputs) in enumerate(calls):
        operands = []
        for i, value in enumerate(flatten(inputs)):
            text += _array(f"input_{k}_{i}", _words(value), "static const")
            operands.append(f"(const void *)input_{k}_{i}")
        printing = ""
        for i, value in enumerate(outputs):
            words = (value.numel() * value.element_size() + 7) // 8 * 2 if isinstance(value, torch.Tensor) else 2
            text += f"static uint32_t output_{k}_{i}[{words}] __attribute__((aligned(64)));\n"
            operands.append(f"(void *)output_{k}_{i}")
            printing += f"  print_words(output_{k}_{i}, {words});\n"
        name = f"{program.name}_{method}"
        body += f"  status |= {name}({', '.join([*operands, 'other', 'arena'])});\n"
        body += f"  status |= {name}({', '.join([*operands, 'state', 'arena'])});\n{printing}"
    upper = program.name.upper()
    arena = max(program.macro(f"{method.upper()}_ARENA_BYTES") for method, _, _ in calls)
    words = (program.macro("STATE_BYTES") + 3) // 4
    return f"""#include "{program.name}.h"

#include "board.h"

#define STATE_WORDS {words}
#define GUARD_WORDS 16
{text}
static uint32_t state[STATE_WORDS + GUARD_WORDS] __attribute__((aligned({upper}_STATE_ALIGN)));
static uint32_t other[STATE_WORDS] __attribute__((aligned({upper}_STATE_ALIGN)));
static uint32_t arena[{(arena + 3) // 4 + 1}] __attribute__((aligned(64)));

static void print_words(const uint32_t *words, int count) {{
  int i;
  board_print("output ");
  for (i = 0; i < count; ++i) board_print_hex(words[i]);
  board_print("\\n");
}}

int main(void) {{
  int status = 0;
  board_paint(state, state + STATE_WORDS + GUARD_WORDS);
  status |= {program.name}_initial_state(other);
  status |= {program.name}_initial_state(state);
{body}  board_print("status ");
  board_print_int(status);
  board_print("\\nspill ");
  board_print_int((int)board_used_from_bottom(state + STATE_WORDS, state + STATE_WORDS + GUARD_WORDS));
  board_print("\\n");
  return 0;
}}
"""


@dataclass
class Result:
    status: int = 0
    stack: int = 0
    arena: int = 0
    spill: int = 0
    outputs: list = field(default_factory=list)  # bytes


def link(program, where, text, objects=(), flags=(), file="main"):
    """The executable, and its linker map beside it."""
    source = program.folder / f"{file}.c"
    source.write_text(text)
    board = BOARD / "board.c" if where.is_bare else HERE / "host_board.c"
    executable = program.folder / f"{file}.elf"
    options = ["-O1", "-Wall", "-Wextra", "-Werror", "-I", BOARD, f"-Wl,-Map={executable.with_suffix('.map')}", *flags]
    if where.is_bare:
        options += ["-nostartfiles", "--specs=nosys.specs", f"-L{BOARD}", f"-T{BOARD / where.board}.ld", "-Wl,--gc-sections"]
    run([*where.cc, source, board, program.object, *objects, *options, "-lm", "-o", executable])
    return executable


def execute(where, executable, environment=None):
    result = Result()
    for line in run([*where.run, executable], env=environment).splitlines():
        what, _, rest = line.partition(" ")
        if what == "output":
            result.outputs.append(b"".join(struct.pack("<I", int(word, 16)) for word in rest.split()))
        else:
            setattr(result, what, int(rest))
    return result


def stack_outside(functions):
    """Bytes that functions of libc and libm may take in the C libraries that the programs are linked with."""
    memory = {"memcpy", "memmove", "memset"}
    return (96 if functions & memory else 0) + (512 if functions - memory else 0)


def check_stack(program, result, method="forward", deepest_is_taken=False):
    """The stack is as large as the header says, and the header says no more than there is to be, if the deepest way was taken."""
    bound, outside = program.stack_bytes(method)
    assert result.stack <= bound + stack_outside(outside), f"the stack took {result.stack} bytes, {bound} were said"
    if deepest_is_taken:
        assert bound <= 1.5 * result.stack + 128, f"the stack took {result.stack} bytes, {bound} were said"


def call(program, inputs, outputs, method="forward", **options):
    """Runs the method. `outputs` are values of the types that it returns, flat; the result's are its own."""
    where = machine(program.target)
    text = driver(program, flatten(inputs), outputs, method)
    result = execute(where, link(program, where, text, **options))
    assert result.arena <= program.macro(f"{method.upper()}_ARENA_BYTES"), "the arena is written past its end"
    check_stack(program, result, method)
    return decode(result, outputs)


def decode(result, outputs):
    values = []
    for value, data in zip(outputs, result.outputs, strict=True):
        if isinstance(value, torch.Tensor):
            dtype = value.detach().numpy().dtype
            values.append(torch.from_numpy(np.frombuffer(data, dtype=dtype)[: value.numel()].reshape(value.shape).copy()))
        elif isinstance(value, bool):
            values.append(data[0] != 0)
        else:
            values.append(struct.unpack("<q" if isinstance(value, int) else "<d", data)[0])
    result.outputs = values
    return result
