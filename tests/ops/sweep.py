"""All of PyTorch's own op samples as compiled programs, and a table of how each op does.

    sweep.py --dtypes float32 int64 bool --facts build/facts --table docs/op-samples.md
    sweep.py --ops 'nn.functional.*' --limit 4 --show        what is wrong or refused, sample by sample
    sweep.py --in-place --limit 40                           the forms that write to their first operand

Every sample of torch.testing's op_db is traced, compiled with many others into one library, and compared with PyTorch's
interpreter. A sample passes, is wrong, is refused by name, crashes, or is no program: PyTorch can't trace it or load it.
A folder of facts keeps what became of each op in each dtype, so that a table can be made of several runs.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "runtime" / "python"), str(Path(__file__).resolve().parent)]

import compare
import exceptions
import harvest
import programs
import torch

PASSED, WRONG, REFUSED, CRASHED, NONE = "passed", "wrong", "refused", "crashed", "no program"
SAMPLES_OF_A_WORKER = 500
SIZE = 160  # methods of a library
MINUTES = 20  # that a worker may take
ALL = 10000  # samples of an op, more than any has


def say(kind, **facts):
    print(json.dumps({"kind": kind, **facts}), flush=True)


def units(model, case):
    """The largest error in units in the last place, of results that have values."""
    if not case.has_values() or case.factors() or case.sort():
        return None
    try:
        result = model(*compare.kept(case.tensors))
    except Exception:  # as PyTorch's raises
        return None
    with torch.no_grad():
        return compare.units(case.call, case.tensors, result)


def work(jobs, limit, in_place, skip):
    """Prints a line for each sample: what became of it. `skip`: those that crashed a worker before."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found, place = [], {}
    by_name = {programs.full_name(op): op for op in harvest.op_db}
    for name, dtype in jobs:
        for sample in programs.samples_of(by_name[name], getattr(torch, dtype), limit, in_place):
            case = programs.traced([sample])
            place[sample[0]] = (name, dtype)
            if sample[0] in skip:
                continue
            found += case
            if not case:
                say(NONE, sample=sample[0], op=name, dtype=dtype, why="PyTorch can't trace it")

    def tell(kind, case, why="", **more):
        name, dtype = place[case.name]
        say(kind, sample=case.name, op=name, dtype=dtype, why=why, **more)

    def why_none(case):
        return exceptions.why_no_program(case.ops, case.tensors) or exceptions.why_no_sample(*place[case.name])

    with tempfile.TemporaryDirectory(prefix="tsc-sweep-") as folder:
        answers = programs.refused(found, Path(folder)) if found else {}
        for case in found:
            if case.name in answers:
                unloadable = "INTERNAL ASSERT" in answers[case.name]
                tell(NONE if unloadable else REFUSED, case, answers[case.name])
            elif why := why_none(case):
                tell(NONE, case, why)
        taken = [c for c in found if c.name not in answers and not why_none(c)]
        parts = [taken[start : start + SIZE] for start in range(0, len(taken), SIZE)]
        for number, part in enumerate(parts):
            try:
                model, module = programs.compiled(part, Path(folder), number, "-O0")
            except AssertionError as error:
                # What the compiler fails at is found by halves.
                middle = len(part) // 2
                parts.extend([part[:middle], part[middle:]] if middle else [])
                if not middle:
                    tell(CRASHED, part[0], str(error)[-300:])
                continue
            for case in part:
                say("runs", sample=case.name)
                ours = model.methods[case.name]
                difference = programs.differs(ours, getattr(module, case.name), case, case.tensors)
                if difference and exceptions.is_refusal(difference):
                    tell(REFUSED, case, difference)
                elif difference:
                    tell(WRONG, case, difference)
                else:
                    tell(PASSED, case, units=units(ours, case))


def outcomes(jobs, limit, in_place):
    """What became of each sample of the jobs, from a process of their own; of another, without the sample, where it died."""
    done, skip = {}, {}
    while True:
        command = [sys.executable, __file__, "--worker", json.dumps([jobs, limit, in_place, list(skip)])]
        running, error = None, ""
        try:
            process = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES)
            output, error, code = process.stdout, process.stderr, process.returncode
        except subprocess.TimeoutExpired as expired:
            output, code = (expired.stdout or b"").decode(), -1
        for line in output.splitlines():
            fact = json.loads(line) if line.startswith("{") else {}
            if fact.get("kind") == "runs":
                running = fact["sample"]
            elif fact:
                done[fact["sample"]] = fact
        if code == 0:
            return [*done.values(), *skip.values()]
        if "Traceback" in error or running is None or running in done or running in skip:
            raise RuntimeError(f"a worker failed: {error[-2000:]}\n{command}")
        name, dtype = next((n, d) for n, d in jobs if running.startswith(programs.identifier(f"{n}_{d}_")))
        skip[running] = {"kind": CRASHED, "sample": running, "op": name, "dtype": dtype, "why": error[-300:]}


def chunks(ops, dtypes, limit):
    """Jobs for workers, of about as many samples each."""
    chunk, size = [], 0
    for op in ops:
        for dtype in dtypes:
            if getattr(torch, dtype) not in op.supported_dtypes("cpu"):
                continue
            try:
                count = sum(1 for _, _ in zip(op.sample_inputs("cpu", getattr(torch, dtype)), range(limit)))
            except Exception:
                continue
            chunk.append((programs.full_name(op), dtype))
            size += count
            if size >= SAMPLES_OF_A_WORKER:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


def reason(fact):
    """The op that is missing, or what else the refusal says."""
    op = re.match(r"op '([^']*)' is not supported", fact["why"])
    raised = re.match(r"raised Error: (?:\S+: )*(.*)", fact["why"])
    return op[1] if op else (raised[1] if raised else fact["why"])[:80]


def keep(found, folder):
    """A file for each op and dtype, with what became of its samples."""
    folder.mkdir(parents=True, exist_ok=True)
    by_file = collections.defaultdict(list)
    for fact in found:
        by_file[f"{fact['op']}-{fact['dtype']}.json"].append(fact)
    for name, facts in by_file.items():
        (folder / name).write_text(json.dumps(facts))


def kept(folder):
    return [fact for file in sorted(folder.glob("*.json")) for fact in json.loads(file.read_text())]


DTYPES = ["float32", "int64", "bool", "float64", "float16", "bfloat16", "int8", "int16", "int32", "uint8", "complex64"]


def table(found):
    """Markdown: how each dtype does, and each op."""
    ops, dtypes = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    reasons, largest = collections.defaultdict(collections.Counter), collections.Counter()
    for fact in found:
        if fact["kind"] == NONE:
            continue
        ops[fact["op"]][fact["kind"]] += 1
        dtypes[fact["dtype"]][fact["kind"]] += 1
        if fact["kind"] == REFUSED:
            reasons[fact["op"]][reason(fact)] += 1
        if fact["dtype"] == "float32" and fact.get("units") is not None:
            largest[fact["op"]] = max(largest[fact["op"]], fact["units"])
    lines = [
        "# PyTorch's op samples, compiled",
        "",
        f"Written by `tests/ops/sweep.py --table`: the samples of torch {torch.__version__.split('+')[0]}'s `op_db`, traced, compiled and",
        "compared with PyTorch. Those that PyTorch can't trace, or load again, are no programs and left out.",
        "",
        "| dtype | of each op | samples | passed | wrong | refused |",
        "|---|---|---|---|---|---|",
    ]
    for dtype in [d for d in DTYPES if d in dtypes]:
        counts, most = dtypes[dtype], max(fact["limit"] for fact in found if fact["dtype"] == dtype)
        taken = "all" if most >= ALL else f"the first {most}"
        wrong = counts[WRONG] + counts[CRASHED]
        lines.append(f"| {dtype} | {taken} | {sum(counts.values())} | {counts[PASSED]} | {wrong} | {counts[REFUSED]} |")
    lines += [
        "",
        "ULP is the largest error of a float32 result, in units in the last place, against the same call in double: large where",
        "sums cancel. [Precision](precision.md) has the elementwise functions over all of their range.",
        "",
        "| op | samples | passed | wrong | refused | ULP | refused for |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, counts in sorted(ops.items()):
        why = "; ".join(reason for reason, _ in reasons[name].most_common(2))
        ulp = f"{largest[name]:.3g}" if name in largest else ""
        wrong = counts[WRONG] + counts[CRASHED]
        lines.append(f"| {name} | {sum(counts.values())} | {counts[PASSED]} | {wrong or ''} | {counts[REFUSED] or ''} | {ulp} | {why} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "int64", "bool"])
    parser.add_argument("--limit", type=int, default=ALL, help="samples of each op and dtype")
    parser.add_argument("--ops", nargs="+", default=["*"], help="patterns of op_db's names")
    parser.add_argument("--in-place", action="store_true", help="the ops' forms that write to their first operand")
    parser.add_argument("--show", action="store_true", help="print what is wrong, refused or crashes")
    parser.add_argument("--facts", type=Path, help="a folder that keeps what was found")
    parser.add_argument("--table", type=Path, help="write the table of all facts there")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*json.loads(options.worker))

    ops = [op for op in harvest.op_db if any(fnmatch.fnmatch(programs.full_name(op), each) for each in options.ops)]
    found = []
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        running = [pool.submit(outcomes, jobs, options.limit, options.in_place) for jobs in chunks(ops, options.dtypes, options.limit)]
        for number, job in enumerate(concurrent.futures.as_completed(running)):
            facts = [{**fact, "limit": options.limit} for fact in job.result()]
            found += facts
            if options.facts:
                keep(facts, options.facts)
            counts = collections.Counter(fact["kind"] for fact in found)
            print(f"{number + 1}/{len(running)}: {dict(counts)}", file=sys.stderr, flush=True)
    if options.show:
        for fact in found:
            if fact["kind"] in (WRONG, REFUSED, CRASHED):
                print(f"{fact['kind']} {fact['sample']}: {fact['why'][:300]}")
    missing = collections.Counter(reason(fact) for fact in found if fact["kind"] == REFUSED)
    for why, count in missing.most_common(60):
        print(f"{count:6} {why}")
    if options.table:
        options.table.write_text(table(kept(options.facts) if options.facts else found))
    counts = collections.Counter(fact["kind"] for fact in found)
    print(dict(counts))
    return 1 if counts[WRONG] or counts[CRASHED] else 0


if __name__ == "__main__":
    sys.exit(main())
