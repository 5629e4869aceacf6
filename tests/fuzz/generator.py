"""Random TorchScript programs: `generate(seed)` is the source of a Python file with a class Program (an nn.Module), CALLS,
the calls to make in order on one instance, and INPUTS, what to tell the compiler of forward's inputs. Programs are typed and end by construction: loops have constant trip
counts, counters of their own, or containers of a limited size; functions call only those before them; and the product of
trip counts is limited."""

import random
from contextlib import contextmanager

from expressions import Unavailable
from kinds import ANY, INT, STR, FLOAT, Dict, List, Optional, Tensor, Tuple, Type
from statements import CONTAINERS, DTYPES, MAX_STEPS, PAIR, Statements

HEADER = """\
import math
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import nn
"""
INPUT_SHAPES = [("N",), ("M",), ("N", "M"), ("N", "M"), ("2", "N"), ("3",), (), ("Z",), ("Z", "3"), ("N", "Z")]
SIZES = {"N": [1, 2, 3, 4], "M": [1, 2, 3], "Z": [0, 0, 1, 2]}
SPEC_DTYPES = {"float32": "f32", "float64": "f64", "int64": "i64", "int32": "i32", "bool": "bool"}
MATRIX = Tensor("float32", "2", "3")


class Function:
    """A free function or a method: what a call of it needs. `receiver`: the class of a method's object."""

    def __init__(self, name, inputs, result, steps, receiver=None):
        self.name, self.inputs, self.result, self.steps, self.receiver = name, inputs, result, steps, receiver


class Module:
    """A class of submodules. `fields`: the types of its attributes, and of those of its submodules, by their paths."""

    def __init__(self, fields, methods):
        self.fields, self.methods = fields, methods

    def methods_of(self, name):
        """As functions that are called through this name."""
        return [Function(f"{name}.{method.name}", list(method.inputs.values()), method.result, method.steps) for method in self.methods]


class Generator(Statements):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.indent = 0
        self.names = {}
        self.scopes = []
        self.constants = set()  # names that are not assigned: counters of loops
        self.records = {}  # fields of NamedTuples
        self.classes = {}  # fields of classes
        self.contexts = set()  # classes for `with`
        self.enums = {}  # names of members
        self.modules = {}  # Module by the name of its class
        self.module_lists = []  # (text, class of the elements, length) of what is visible here
        self.functions = []  # what can be called here
        self.repeat = 1  # trip counts around this statement
        self.steps = 0  # statements of this function, with loops counted
        self.loops = 0  # loops around this statement in this function
        self.result = None  # the types that this function returns

    # Lines and scopes.

    def line(self, text):
        self.lines.append("    " * self.indent + text if text else "")
        self.steps += self.repeat

    @contextmanager
    def indented(self):
        self.indent += 1
        yield
        self.indent -= 1

    @contextmanager
    def block(self, header, repeat=1, **variables):
        self.line(header)
        self.scopes.append(variables)
        self.repeat *= repeat
        begin = len(self.lines)
        with self.indented():
            yield
            if len(self.lines) == begin:
                self.line("pass")
        self.repeat //= repeat
        self.scopes.pop()

    def fresh(self, stem):
        self.names[stem] = self.names.get(stem, 0) + 1
        return f"{stem}{self.names[stem]}"

    def declare(self, name, kind):
        self.scopes[-1][name] = kind
        return name

    def names_here(self):
        known = {}
        for scope in self.scopes:
            known.update(scope)
        return known

    def visible(self):
        """Variables, and fields of those that are objects."""
        return self.with_fields({**self.records, **self.classes})

    def assignable(self):
        return [(name, kind) for name, kind in self.with_fields(self.classes) if name not in self.constants]

    def with_fields(self, structures):
        found = list(self.names_here().items())
        for name, kind in found:  # which grows
            if name.count(".") < 3:
                found += [(f"{name}.{field}", inner) for field, inner in structures.get(kind, {}).items()]
        return found

    def fields(self, kind):
        return self.records.get(kind) or self.classes.get(kind)

    # Functions.

    def call_text(self, function):
        if self.steps + self.repeat * function.steps > MAX_STEPS:
            raise Unavailable()
        name = function.name
        if function.receiver is not None:
            objects = [text for text, kind in self.visible() if kind == function.receiver]
            if not objects:
                raise Unavailable()
            name = f"{self.pick(objects)}.{name}"
        text = f"{name}({', '.join(self.stored(kind, 1) for kind in function.inputs)})"
        self.steps += self.repeat * function.steps
        return text

    def call_statement(self):
        function = self.pick(self.functions)
        text = self.call_text(function)
        self.line(", ".join(self.declare(self.fresh("v"), kind) for kind in function.result) + f" = {text}")

    def return_text(self):
        return "return " + ", ".join(self.stored(kind, 1) for kind in self.result)

    def function(self, name, inputs, result, size, depth, fields=None):
        """Writes a function, or a method where there are fields of self."""
        self.scopes.append({**(fields or {}), **inputs})
        self.steps, self.repeat, self.loops, self.result = 0, 1, 0, result
        listed = ["self"] * (fields is not None) + [f"{input}: {kind}" for input, kind in inputs.items()]
        self.line(f"def {name}({', '.join(listed)}) -> {result[0] if len(result) == 1 else Tuple(*result)}:")
        with self.indented():
            self.statements(size, depth)
            try:
                self.line(self.return_text())
            except Unavailable:
                raise AssertionError(f"no value of {result}") from None
        self.scopes.pop()
        return Function(name, inputs, result, self.steps)

    def inputs(self, count, pick):
        return {self.fresh("p"): pick() for _ in range(count)}

    def plain_type(self):
        """Of results and attributes: a size that is known without a tensor at hand."""
        kind = self.any_type()
        while kind.name == "Tensor" and not is_plain(kind):
            kind = self.any_type()
        return kind

    def helper(self):
        self.line("\n")
        inputs = self.inputs(self.random.randint(1, 3), lambda: ANY if self.chance(0.05) else self.any_type())
        result = [self.plain_type() for _ in range(self.random.randint(1, 2))]
        function = self.function(self.fresh("helper"), inputs, result, self.random.randint(1, 4), 2)
        self.functions.append(Function(function.name, list(inputs.values()), result, function.steps))

    # Types.

    def enum(self):
        kind = Type(self.fresh("Enum"))
        self.enums[kind] = [self.fresh("E") for _ in range(self.random.randint(1, 3))]
        self.line("\n")
        self.line(f"class {kind}(Enum):")
        with self.indented():
            for value, member in enumerate(self.enums[kind]):
                self.line(f"{member} = {value * 3 - 1}")

    def record(self):
        kind = Type(self.fresh("Record"))
        self.line("\n")
        kinds = [INT, STR, FLOAT, List(INT), Optional(STR), PAIR, *self.enums]
        fields = {self.fresh("f"): self.pick(kinds) for _ in range(self.random.randint(2, 3))}
        self.line(f"class {kind}(NamedTuple):")
        with self.indented():
            for field, inner in fields.items():
                self.line(f"{field}: {inner}")
        self.records[kind] = fields

    def klass(self):
        kind = Type(self.fresh("Class"))
        self.line("\n")
        kinds = [INT, INT, STR, FLOAT, List(INT), Optional(INT), Dict(STR, INT), MATRIX, PAIR, List(MATRIX), *self.classes, *map(Optional, self.classes)]
        fields = {self.fresh("f"): self.pick(kinds) for _ in range(self.random.randint(1, 4))}
        self.line("@torch.jit.script")
        self.line(f"class {kind}:")
        outer = self.functions
        self.functions = []  # a class is compiled before the functions that follow
        with self.indented():
            self.line(f"def __init__(self, {', '.join(f'{field}: {inner}' for field, inner in fields.items())}):")
            with self.indented():
                for field in fields:
                    self.line(f"self.{field} = {field}")
            methods = []
            own = {f"self.{field}": inner for field, inner in fields.items()}
            for _ in range(self.random.randint(1, 2)):
                self.line("")
                inputs, result = self.inputs(self.random.randint(0, 2), self.scalar), [self.plain_type()]
                method = self.function(self.fresh("method"), inputs, result, self.random.randint(1, 3), 1, own)
                methods.append(Function(method.name, list(inputs.values()), result, method.steps, kind))
            if self.chance(0.4):
                self.context_methods(own)
                self.contexts.add(kind)
        self.functions = outer + methods
        self.classes[kind] = fields

    def context_methods(self, own):
        self.line("")
        for header, last in [("__enter__(self) -> int", "return 4"), ("__exit__(self, kind: Any, value: Any, trace: Any) -> None", "pass")]:
            self.line("")
            self.scopes.append(own)
            self.result = None
            with self.block(f"def {header}:"):
                self.statements(1, 1)
                self.line(last)
            self.scopes.pop()

    # Modules.

    def module(self, name, parts, method_count, forward_size):
        """Writes a class of modules with these parts, which are (attribute, class, count of a list or None). Its methods;
        forward is the last."""
        kinds = [self.plain_type() for _ in range(self.random.randint(0, 4))]
        attributes = {self.fresh("a"): kind for kind in kinds if kind.name not in ("Tuple", "Union")}
        own = {f"self.{attribute}": kind for attribute, kind in attributes.items()}
        functions, self.module_lists = list(self.functions), []
        for attribute, part, count in parts:
            places = [f"self.{attribute}"] if count is None else [f"self.{attribute}[{i}]" for i in range(count)]
            for place in places:
                own.update({f"{place}.{field}": kind for field, kind in self.modules[part].fields.items()})
                self.functions += self.modules[part].methods_of(place)
            if count is not None:
                self.module_lists.append((f"self.{attribute}", part, count))
        self.line("\n")
        self.line(f"class {name}(nn.Module):")
        with self.indented():
            self.module_init(attributes, parts)
            methods = []
            for _ in range(method_count):
                self.line("")
                self.line("@torch.jit.export")
                methods.append(self.method(self.fresh("method"), self.random.randint(0, 2), 2, self.random.randint(1, 5), 2, own))
            self.functions += Module(own, methods).methods_of("self")
            self.line("")
            inputs, results = self.random.randint(1, 4), self.random.randint(1, 4)
            methods.append(self.method("forward", inputs, results, forward_size, 3, own))
        self.functions, self.module_lists = functions, []
        self.modules[name] = Module({place.removeprefix("self."): kind for place, kind in own.items()}, methods)
        return methods

    def method(self, name, inputs, results, size, depth, own):
        result = [self.plain_type() for _ in range(self.random.randint(1, results))]
        return self.function(name, self.inputs(inputs, self.input_type), result, size, depth, own)

    def module_init(self, attributes, parts):
        for name, kind in attributes.items():
            if kind.name != "Tensor":
                self.line(f"{name}: {kind}")
        self.line("")
        self.line("def __init__(self):")
        with self.indented():
            self.line("super().__init__()")
            self.scopes.append({})
            for name, kind in attributes.items():
                if kind.name == "Tensor":
                    self.line(f'self.register_buffer("{name}", {self.fresh_tensor(kind)})')
                else:
                    self.line(f"self.{name} = {self.argument(kind, {})}")
            self.scopes.pop()
            for attribute, part, count in parts:
                self.line(f"self.{attribute} = " + (f"{part}()" if count is None else f"nn.ModuleList([{', '.join([part + '()'] * count)}])"))

    def part(self):
        """A class of submodules, of which some have submodules themselves."""
        self.module(self.fresh("Part"), self.parts_of_module(0.3), self.random.randint(0, 1), self.random.randint(1, 4))

    def parts_of_module(self, probability):
        """Submodules of classes before this."""
        found = [name for name in self.modules if self.chance(probability)]
        return [(self.fresh("part"), name, self.pick([None, None, 1, 2, 3])) for name in found]

    # Programs.

    def program(self):
        for make, counts in [(self.enum, [0, 0, 1]), (self.record, [0, 1]), (self.klass, [0, 0, 1, 1, 2]), (self.helper, [0, 1, 2]), (self.part, [0, 0, 0, 1, 2])]:
            for _ in range(self.pick(counts)):
                make()
        methods = self.module("Program", self.parts_of_module(0.8), self.pick([0, 0, 1, 2]), self.random.randint(4, 10))
        self.line("\n")
        self.line("CALLS = [")
        for method in [methods[-1]] * 3 + [self.pick(methods) for _ in range(2)]:
            sizes = {dim: self.pick(choices) for dim, choices in SIZES.items()}
            arguments = "".join(self.argument(kind, sizes) + ", " for kind in method.inputs.values())
            self.line(f'    ("{method.name}", ({arguments})),')
        self.line("]")
        self.line(f"INPUTS = {self.input_specs(methods[-1].inputs)}")
        return HEADER + "\n".join(self.lines) + "\n"

    def input_type(self):
        choice = self.random.random()
        if choice < 0.4:
            return self.pick(self.enums) if self.enums and self.chance(0.2) else self.scalar()
        if choice < 0.6:
            return self.pick(CONTAINERS)
        kind = Tensor(self.pick(DTYPES), *self.pick(INPUT_SHAPES))
        return self.pick([List(kind), Optional(kind), Dict(STR, kind)]) if is_plain(kind) and self.chance(0.3) else kind

    def input_specs(self, inputs):
        """What --input says of forward's tensors in half of the programs: what is made of them has a known rank then."""
        tensors = {name: kind for name, kind in inputs.items() if kind.name == "Tensor"}
        if self.chance(0.5):
            return []
        return [f"{name}: {SPEC_DTYPES[kind.dtype]}[{', '.join(kind.dims)}]" for name, kind in tensors.items()]

    def argument(self, kind, sizes, least=0):
        """Python's text of a value."""
        if kind.name == "Tensor":
            dims = [sizes[dim] if dim in sizes else int(dim) for dim in kind.dims]
            count = 1
            for dim in dims:
                count *= dim
            elements = [self.random.randint(-4, 6) for _ in range(count)]
            return f"torch.tensor({elements}, dtype=torch.{kind.dtype}).reshape({dims})"
        if kind.name == "Optional":
            return "None" if self.chance(0.4) else self.argument(kind.item, sizes)
        if kind.name == "Union":
            return self.argument(self.pick(kind.items), sizes, least=1)  # LibTorch can't tell the type of an empty list
        if self.fields(kind) is not None:
            return f"{kind}({', '.join(self.argument(inner, sizes) for inner in self.fields(kind).values())})"
        count = self.random.randint(least, 3)
        items = [[self.argument(item, sizes) for item in kind.items] for _ in range(count)]
        if kind.name == "List":
            return f"[{', '.join(item[0] for item in items)}]"
        if kind.name == "Dict":
            return "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        if kind.name == "Tuple":
            return f"({', '.join(self.argument(item, sizes) for item in kind.items)})"
        return str(self.literal(kind, 0))


def is_plain(kind):
    return all(dim.isdigit() for dim in kind.dims)


def generate(seed):
    return Generator(seed).program()
