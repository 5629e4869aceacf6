"""Random programs, run in PyTorch's interpreter and compiled by tsc, and compared.

    fuzz.py --seeds 0:1000                 as the suite does
    fuzz.py --seeds 17:18 --show           prints the program
    fuzz.py --file failing.py              a program from a file, as failures print them
    fuzz.py --seeds 0:100 --sanitize       emits source, and builds it with the address and undefined-behaviour sanitizers

Every call must give the same value or the same exception, and leave the same state and inputs. A failure prints the seed,
what differs, the program, and a smaller program that fails in the same way.
"""

import argparse
import copy
import importlib.util
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "language"), str(ROOT / "tests" / "emitted"), str(ROOT / "runtime" / "python")]

import torch

import compilers
import generator
import tsc
from language import Failure, attempt, compare, compare_inputs
from reducer import reduce

VALUES = {"named": False}  # LibTorch loses the name of an attribute's NamedTuple until a method sets it
KINDS = ("crash", "hang", "broken", "differs", "refused", "unusable")  # of failures
# What PyTorch says of right programs: its assertions, and literals of which it takes all for optional or a union where one is.
PYTORCH_FAULTS = r"INTERNAL ASSERT|bad optional access|constant literal not supported|Expected integer literal for index|instead found type '.*(Optional|Union)\[|actually of type .*(Optional|Union)\["
# What its interpreter says of right programs: a break in a loop within a loop may leave None where a tensor was.
INTERPRETER_FAULTS = r"^Expected \w+ but got None$"
TIME_LIMIT = 20  # seconds for the calls of a program, which take milliseconds
# Seeds of the suite that differ, and why.
EXCEPTIONS = {
    1827: "PyTorch's interpreter reads None from a new list of optional ints as 0",
    1924: "a call outruns the limit in PyTorch too: what the generator says of steps misses what its containers grow to",
}
COMPILER = os.environ.get("TSC") or tsc.compiler.find_compiler()


class Subject:
    """A program: its source, its module in PyTorch and its calls."""

    def __init__(self, name, source, folder):
        self.name, self.source = name, source
        path = folder / (name + ".py")
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # torch.jit looks for classes there
        spec.loader.exec_module(module)
        self.calls, self.inputs = module.CALLS, module.INPUTS
        self.file = folder / (name + ".pt")
        torch.jit.script(module.Program().eval()).save(str(self.file))
        try:
            torch.jit.load(str(self.file))
        except RuntimeError as error:
            raise Unloadable(error) from None

    def compare(self, model):
        """{outcome: count}. Raises AssertionError where a call differs from PyTorch's interpreter."""
        outcomes = Counter()
        reference = torch.jit.load(str(self.file))
        for index, (method, arguments) in enumerate(self.calls):
            ours_in, theirs_in = copy.deepcopy(arguments), copy.deepcopy(arguments)
            theirs = attempt(Failure.of_torch, getattr(reference, method), theirs_in)
            ours = attempt(Failure.of_tsc, model.methods[method], ours_in)
            if isinstance(theirs, Failure) and re.search(INTERPRETER_FAULTS, theirs.message):
                outcomes["PyTorch's own fault"] += 1
                break  # the states differ from here on
            place = f"call {index}, {method}{arguments!r}"
            if isinstance(theirs, Failure) and isinstance(ours, Failure):
                compare_failures(ours, theirs, place)
            else:
                compare(ours, theirs, place, VALUES)
            compare_inputs(ours_in, theirs_in, place)
            compare_state(model.state(), reference, place)
            outcomes[theirs.class_name if isinstance(theirs, Failure) else "value"] += 1
        return outcomes


# What ops of PyTorch raise as RuntimeError, ours raise as Python does.
PYTHON_ERRORS = ("IndexError", "KeyError", "ValueError", "TypeError", "ZeroDivisionError")


def compare_failures(ours, theirs, place):
    same = ours.class_name == theirs.class_name or (theirs.class_name == "RuntimeError" and ours.class_name in PYTHON_ERRORS)
    assert same, f"{place}: {ours}; PyTorch: {theirs}"
    assert theirs.line is None or ours.line == theirs.line, f"{place}: {ours}; PyTorch: {theirs}"


def compare_state(state, reference, place):
    for path, ours in state.items():
        theirs = reference
        for part in path.split("."):
            theirs = getattr(theirs, part)
        compare(ours, theirs, f"{place}: state {path}", VALUES)


class Unloadable(Exception):
    """PyTorch can't load what it has saved, or fails an assertion of its own."""


class Unusable(Exception):
    """PyTorch refuses the program: the generator is wrong."""


def make_subject(name, source, folder):
    try:
        return Subject(name, source, folder)
    except Unloadable:
        raise
    except Exception as error:
        if re.search(PYTORCH_FAULTS, str(error)):
            raise Unloadable(error) from None
        raise Unusable(f"{type(error).__name__}: {error}") from None


def compile_files(subjects, output, **options):
    specs = [f"{subject.name}/{text}" if len(subjects) > 1 else text for subject in subjects for text in subject.inputs]
    return tsc.compile([subject.file for subject in subjects], output, compiler=COMPILER, input=specs, **options)


def compile_at(level):
    """How a library is made of programs, in a folder: compiled at this level."""
    return lambda subjects, folder: compile_files(subjects, folder / "all.so", O=level, j=1)


def compile_with_sanitizers(subjects, folder):
    compile_files(subjects, folder / "programs", emit="source")
    # As few translation units as can be: most of the time goes into the runtime's headers.
    return compilers.build_with_sanitizers(folder / "programs", "-O0", "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=50")


def compile_library(subjects, folder, make):
    """{name: model, or tsc.Error}. One library for all, since each costs a start of the compiler."""
    try:
        library = tsc.load(make(subjects, folder), 1)
    except tsc.Error as error:
        if len(subjects) == 1:
            return {subjects[0].name: error}
        refused = [subject for subject in subjects if f"{subject.name}.pt: error" in error.message]
        if refused:  # the compiler tells of all
            groups = [[subject] for subject in refused] + [[subject for subject in subjects if subject not in refused]]
        else:
            groups = [subjects[: len(subjects) // 2], subjects[len(subjects) // 2 :]]
        models = {}
        for group in filter(None, groups):
            models.update(compile_library(group, Path(tempfile.mkdtemp(dir=folder)), make))
        return models
    return {name: library[name] for name in library} if len(subjects) > 1 else {subjects[0].name: library}


def check_bundle(sources, make, report):
    """Compiles and compares {name: source}; report(name, kind, text) tells what came of each. Runs in a process of its own."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch._C._jit_set_profiling_executor(False)  # which optimises after some calls only
    torch._C._set_graph_executor_optimize(False)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subjects = []
        for name, source in sources.items():
            report(name, "begin", "scripting")
            signal.alarm(TIME_LIMIT)
            try:
                subjects.append(make_subject(name, source, folder))
            except Unloadable as error:
                report(name, "unloadable", str(error))
            except Unusable as error:
                report(name, "unusable", str(error))
        report("", "begin", "compiling")
        signal.alarm(0)
        begin = time.time()
        models = compile_library(subjects, folder, make) if subjects else {}
        report("", "seconds of tsc", time.time() - begin)
        for subject in subjects:
            report(subject.name, "begin", "running")
            signal.alarm(TIME_LIMIT)
            model = models[subject.name]
            if isinstance(model, tsc.Error):
                report(subject.name, "refused", model.message)
                continue
            try:
                report(subject.name, "same", subject.compare(model))
            except AssertionError as error:
                report(subject.name, "differs", str(error))
            except Exception:
                report(subject.name, "broken", traceback.format_exc())


def run_process(sources, make, pipe):
    warnings.simplefilter("ignore")
    try:
        check_bundle(sources, make, lambda *row: pipe.send(row))
    except BaseException:
        pipe.send(("", "failed", traceback.format_exc()))
    signal.alarm(0)
    pipe.close()


class Run:
    """A process that checks a bundle."""

    def __init__(self, sources, make):
        self.sources = sources
        self.pipe, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.get_context("fork").Process(target=run_process, args=(sources, make, theirs))
        self.process.start()
        theirs.close()

    def finish(self):
        """{name: (kind, text)}, and the seconds of tsc."""
        results, current = {}, None
        seconds = 0
        while True:
            try:
                name, kind, text = self.pipe.recv()
            except EOFError:
                break
            if kind == "begin":
                current = (name, text)
            elif kind == "seconds of tsc":
                seconds = text
            elif kind == "failed":
                raise RuntimeError(text)
            else:
                results[name] = (kind, text)
        self.process.join()
        if self.process.exitcode != 0:
            name, stage = current
            kind = "unusable" if stage == "scripting" else "hang" if self.process.exitcode == -signal.SIGALRM else "crash"
            results[name] = (kind, f"exit code {self.process.exitcode}, {stage}")
        return results, seconds


def check_all(sources, make):
    """As Run, but goes on after a crash."""
    results, seconds = {}, 0
    while sources:
        found, spent = Run(sources, make).finish()
        results.update(found)
        seconds += spent
        sources = {name: source for name, source in sources.items() if name not in found}
        if not found:
            raise RuntimeError("no program was run")
    return results, seconds


def fingerprint(kind, text):
    """What a smaller program must share with the failing one: without its numbers, names and values."""
    if not isinstance(text, str):
        return kind, ""
    words = re.findall(r"gives|fails: [A-Za-z]+|PyTorch: [A-Za-z]+|state|input after|[Ee]rror: [^\d:]*", text)
    return kind, " ".join(words[:4])


def smaller(source, failure, make):
    def fail(candidates):
        results, _ = check_all({f"candidate{i}": text for i, text in enumerate(candidates)}, make)
        return [fingerprint(*results[f"candidate{i}"]) == fingerprint(*failure) for i in range(len(candidates))]

    return reduce(source, fail)


def start_again_with_sanitizer():
    """Loads the sanitizers' runtime, which must be the first library of a process, into this one; not into those it starts."""
    if "ASAN_OPTIONS" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], compilers.sanitizer_environment())
    os.environ.pop("LD_PRELOAD", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:100", help="first:end")
    parser.add_argument("--file", nargs="*", default=[])
    parser.add_argument("--bundle", type=int, default=100, help="programs of a library")
    parser.add_argument("-O", type=int, default=0, help="level of the compiler; every tenth program is compiled at 3")
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--no-reduce", action="store_true")
    parser.add_argument("--max-failures", type=int, default=5)
    options = parser.parse_args()
    if options.sanitize:
        start_again_with_sanitizer()
    first, end = map(int, options.seeds.split(":"))
    if options.file:
        programs = {Path(file).stem: Path(file).read_text() for file in options.file}
    else:
        programs = {f"seed{seed}": generator.generate(seed) for seed in range(first, end) if seed not in EXCEPTIONS}
    if options.show:
        print("\n".join(programs.values()))

    def how(name):
        if options.sanitize:
            return compile_with_sanitizers
        return compile_at(3 if name.startswith("seed") and name.endswith("9") else options.O)

    slow = [name for name in programs if name.endswith("9") and not options.sanitize]
    groups = bundles([name for name in programs if name not in slow], options.bundle) + bundles(slow, options.bundle)
    outcomes, kinds, failures, seconds = Counter(), Counter(), [], 0
    for names in groups:
        results, spent = check_all({name: programs[name] for name in names}, how(names[0]))
        seconds += spent
        for name, (kind, text) in results.items():
            kinds[kind] += 1
            if kind == "same":
                outcomes.update(text)
            elif kind != "unloadable":
                failures.append((name, kind, text))
    print(f"{len(programs)} programs: {dict(kinds)}; calls: {dict(outcomes.most_common())}; tsc took {seconds:.1f} s")
    failures.sort(key=lambda failure: KINDS.index(failure[1]))
    for name, kind, text in failures[: options.max_failures]:
        print(f"\n{'=' * 100}\n{name}: {kind}: {text[-3000:]}")
        if kind != "unusable" and not options.no_reduce:
            print(f"\n{programs[name]}\nsmaller:\n")
            print(smaller(programs[name], (kind, text), how(name)))
    return 1 if failures else 0


def bundles(names, size):
    return [names[begin : begin + size] for begin in range(0, len(names), size)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
