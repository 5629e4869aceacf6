"""Random TorchScript programs: `generate(seed)` is the source of a Python file with a class Program (an nn.Module) and
CALLS, the calls to make in order on one instance. Programs are typed and end by construction: loops have constant trip
counts, counters of their own, or containers of a limited size; functions call only those before them; and the product of
trip counts is limited."""

import random
from contextlib import contextmanager

from expressions import Expressions, Unavailable
from kinds import BOOL, COMPLEX, FLOAT, INT, STR, Dict, List, Optional, Tensor, Tuple, Type

HEADER = """\
import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn
"""
MAX_STEPS = 3000  # statements that one call may run
ERRORS = ("ValueError", "RuntimeError", "IndexError", "KeyError", "TypeError", "NotImplementedError", "AssertionError", "Exception")
SCALARS = {INT: 5, FLOAT: 2, BOOL: 2, STR: 3, COMPLEX: 0.5}
CONTAINERS = [List(INT), List(INT), List(STR), List(FLOAT), List(BOOL), List(List(INT)), List(Tuple(INT, STR)), Dict(STR, INT),
              Dict(INT, STR), Dict(STR, List(INT)), Dict(INT, FLOAT), Tuple(INT, STR), Tuple(FLOAT, List(INT)),
              Optional(INT), Optional(STR), Optional(List(INT))]  # fmt: skip
SHAPES = [(), ("3",), ("2", "3"), ("3", "2")]
INPUT_SHAPES = [("N",), ("M",), ("N", "M"), ("N", "M"), ("2", "N"), ("3",), ()]


class Function:
    """A free function or a method: what a call of it needs. `receiver`: the class of a method's object."""

    def __init__(self, name, inputs, result, steps, receiver=None):
        self.name, self.inputs, self.result, self.steps, self.receiver = name, inputs, result, steps, receiver


class Generator(Expressions):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.indent = 0
        self.names = {}
        self.scopes = []
        self.constants = set()  # names that are not assigned: counters of loops
        self.records = {}  # fields of NamedTuples
        self.classes = {}  # fields of classes
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
    def block(self, header, repeat=1, **variables):
        self.line(header)
        self.indent += 1
        self.scopes.append(variables)
        self.repeat *= repeat
        begin = len(self.lines)
        yield
        if len(self.lines) == begin:
            self.line("pass")
        self.repeat //= repeat
        self.scopes.pop()
        self.indent -= 1

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
            if name.count(".") < 2:
                found += [(f"{name}.{field}", inner) for field, inner in structures.get(kind, {}).items()]
        return found

    def fields(self, kind):
        return self.records.get(kind) or self.classes.get(kind)

    # Statements. Each writes lines, or raises Unavailable before it has written any.

    def statements(self, count, depth):
        for _ in range(count):
            if self.steps > MAX_STEPS:
                return
            rows = self.simple_rows() + (self.nested_rows(depth - 1) if depth > 0 else [])
            make = self.random.choices([row[1] for row in rows], [row[0] for row in rows])[0]
            try:
                make()
            except Unavailable:
                self.new_variable(INT)

    def simple_rows(self):
        rows = [(4, self.new_variable), (5, self.assign), (2, self.augment), (5, self.change_container), (4, self.write_tensor),
                (1, self.unpack), (0.6, self.guarded_raise), (0.3, self.assertion)]  # fmt: skip
        if self.functions:
            rows.append((3, self.call_statement))
        if self.loops > 0:
            rows.append((1, self.leave_loop))
        if self.repeat > 1 or self.indent > 2:
            rows.append((0.5, self.early_return))
        return rows

    def nested_rows(self, depth):
        rows = [(5, lambda: self.branch(depth)), (2, lambda: self.refinement(depth))]
        if self.repeat <= 40:
            rows += [(2, lambda: self.count_loop(depth)), (2, lambda: self.while_loop(depth)), (3, lambda: self.container_loop(depth))]
        return rows

    def scalar(self):
        return self.random.choices(list(SCALARS), list(SCALARS.values()))[0]

    def any_type(self):
        choice = self.random.random()
        structures = [*self.records, *self.classes]
        if choice < 0.4:
            return self.scalar()
        if choice < 0.65:
            return self.pick(CONTAINERS)
        if choice < 0.75 and structures:
            kind = self.pick(structures)
            return self.pick([kind, kind, kind, List(kind), Dict(STR, kind), Optional(kind)])
        if choice < 0.8:
            tensor = Tensor("float32", "2", "3")
            return self.pick([List(tensor), Dict(STR, tensor)])
        return self.tensor_type()

    def tensor_type(self):
        shapes = SHAPES + [kind.dims for _, kind in self.visible() if kind.name == "Tensor"] * 2
        return Tensor(self.pick(["float32", "float32", "int64"]), *self.pick(shapes))

    def new_variable(self, kind=None):
        kind = kind or self.any_type()
        value = self.stored(kind)
        annotation = f": {kind}" if kind.items else ""
        self.line(f"{self.declare(self.fresh('v'), kind)}{annotation} = {value}")

    def target(self, *names, pool=None):
        """Something that can be assigned, of a type with one of these names."""
        found = [pair for pair in (pool or self.assignable()) if not names or pair[1].name in names]
        if not found:
            raise Unavailable(names)
        return self.pick(found)

    def assign(self):
        name, kind = self.target()
        self.line(f"{name} = {self.stored(kind)}")

    def augment(self):
        name, kind = self.target("int", "float", "str")
        if kind == INT:
            self.line(f"{name} {self.pick(['+=', '-='])} {self.random.randint(1, 9)}")
        elif kind == FLOAT:
            self.line(f"{name} {self.pick(['+=', '-=', '*='])} {self.expression(FLOAT, 1)}")
        else:
            with self.block(f"if len({name}) < 20:"):
                self.line(f"{name} += {self.literal(STR, 0)}")

    def unpack(self):
        name, kind = self.target("Tuple", pool=self.visible())
        self.line(", ".join(self.declare(self.fresh("v"), item) for item in kind.items) + f" = {name}")

    def change_container(self):
        name, kind = self.target("List", "Dict", pool=self.visible())
        if kind.name == "List":
            return self.change_list(name, kind.item)
        return self.change_dict(name, *kind.items)

    def change_list(self, name, item):
        value, index = self.stored(item), self.expression(INT, 1)
        filled, short = f"if len({name}) > 0:", f"if len({name}) < 12:"
        rows = [(None, f"{name}.append({value})"), (None, f"{name}.append({value})"), (None, f"{name}.insert({index}, {value})"),
                (short, f"{name}.extend({self.expression(List(item), 1)})"), (short, f"{name}.extend([{value}])"),
                (filled, f"{name}.pop()"), (filled, f"{name}[{index} % len({name})] = {value}"), (None, f"{name}.reverse()"),
                (filled, f"del {name}[{index} % len({name})]"), (f"if len({name}) > 3:", f"{name}.clear()"), (None, f"{name}[{index}] = {value}"),
                (filled, f"{name}.pop({index} % len({name}))")]  # fmt: skip
        if "." not in name:  # it assigns
            rows.append((short, f"{name} += [{value}]"))
        if item in (INT, STR, FLOAT):
            rows += [(None, f"{name}.sort()"), (f"if {value} in {name}:", f"{name}.remove({value})")]
        self.guarded(*self.pick(rows))

    def change_dict(self, name, key, item):
        value, k = self.stored(item), self.key(key)
        present = f"if {k} in {name}:"
        rows = [(None, f"{name}[{k}] = {value}"), (None, f"{name}[{k}] = {value}"), (present, f"del {name}[{k}]"), (present, f"{name}.pop({k})"),
                (None, f"{name}.setdefault({k}, {value})"), (None, f"{name}.update({self.expression(Dict(key, item), 1)})"),
                (f"if len({name}) > 3:", f"{name}.clear()"), (f"if {self.unlikely()}:", f"{name}.pop({k})")]  # fmt: skip
        self.guarded(*self.pick(rows))

    def guarded(self, guard, text):
        if guard is None:
            return self.line(text)
        with self.block(guard):
            self.line(text)

    def write_tensor(self):
        """Through a view, which others may share."""
        name, kind = self.target("Tensor", pool=self.visible())
        dtype, dims = kind.items
        view = name
        if dims and self.chance(0.5):
            rows = [("[0]", dims[1:]), ("[-1]", dims[1:]), ("[1:]", None), (f"[{self.expression(INT, 1)} % len({name})]", dims[1:]), ("[::2]", None)]
            if len(dims) == 2:
                rows += [("[:, 0]", dims[:1]), (".t()[0]", dims[:1]), (".t()", dims[::-1]), ("[:, 1:]", None), (".transpose(0, 1)[-1]", dims[:1])]
            suffix, dims = self.pick(rows)
            view = name + suffix
        number = self.random.randint(-3, 5)
        texts = [f"{view}.add_({number})", f"{view}.zero_()", f"{view}.fill_({number})", f"{view}.neg_()", f"{view}.clamp_(-2, {number + 3})"]
        texts += [f"{view}.mul_(2).clamp_(-99, 99)", f"{view}.masked_fill_({view} > {number}, {number})", f"{view}.abs_()"]
        if view.endswith("]"):
            texts += [f"{view} += {number}", f"{view} *= -1", f"{view} = {number}"] * 2
        if dims:
            texts.append(f"{view}[{view} > 3] = {number}")
        if dims is not None:
            value = self.stored(Tensor(dtype, *dims), 1)
            texts += [f"{view}.copy_({value})", f"{view}.add_({value}).clamp_(-99, 99)", f"{view}.sub_({value}).clamp_(-99, 99)"]
            if view.endswith("]"):
                texts += [f"{view} = {value}"] * 2
        self.line(self.pick(texts))

    def condition(self):
        return self.expression(BOOL, 3)

    def branch(self, depth):
        with self.block(f"if {self.condition()}:"):
            self.statements(self.random.randint(1, 3), depth)
        if self.chance(0.25):
            with self.block(f"elif {self.condition()}:"):
                self.statements(self.random.randint(1, 2), depth)
        if self.chance(0.5):
            with self.block("else:"):
                self.statements(self.random.randint(1, 3), depth)

    def refinement(self, depth):
        """An optional's value, where it is not None."""
        found = [(name, kind) for name, kind in self.names_here().items() if kind.name == "Optional" and "." not in name]
        if not found:
            return self.new_variable(Optional(INT))
        name, kind = self.pick(found)
        with self.block(f"if {name} is not None:", **{name: kind.item}):
            self.statements(self.random.randint(1, 3), depth)
        if self.chance(0.3):
            with self.block("else:"):
                self.statements(1, depth)

    @contextmanager
    def loop(self, header, trips, **variables):
        with self.block(header, trips, **variables):
            self.loops += 1
            yield
            self.loops -= 1

    def count_loop(self, depth):
        trips = self.random.randint(1, 5)
        name = self.fresh("i")
        ranges = [f"range({trips})", f"range({self.expression(INT, 1)} % {trips + 1})", f"range({trips}, 0, -1)", f"range(-3, {trips - 3})"]
        self.constants.add(name)
        with self.loop(f"for {name} in {self.pick(ranges)}:", trips, **{name: INT}):
            self.statements(self.random.randint(1, 4), depth)

    def while_loop(self, depth):
        trips = self.random.randint(1, 5)
        counter = self.fresh("w")
        self.constants.add(counter)
        condition = f"{counter} < {trips}"
        if self.chance(0.6):
            condition = self.pick([f"{condition} and {self.condition()}", f"{self.condition()} and {condition}"])
        self.line(f"{self.declare(counter, INT)} = 0")
        with self.loop(f"while {condition}:", trips):
            self.line(f"{counter} += 1")
            self.statements(self.random.randint(1, 4), depth)

    def container_loop(self, depth):
        name, kind = self.target("List", "Dict", "str", pool=self.visible())
        a, b = self.fresh("e"), self.fresh("e")
        if kind == STR:
            header, variables = f"for {a} in {name}[:4]:", {a: STR}
        elif kind.name == "Dict":
            header, variables = self.pick([
                (f"for {a}, {b} in {name}.items():", {a: kind.items[0], b: kind.items[1]}),
                (f"for {a} in {name}:", {a: kind.items[0]}),
                (f"for {a} in list({name}.values())[:4]:", {a: kind.items[1]}),
            ])  # fmt: skip
        else:
            part = f"{name}[:4]"
            header, variables = self.pick([
                (f"for {a} in {part}:", {a: kind.item}),
                (f"for {a} in {name}:", {a: kind.item}),  # which may change meanwhile
                (f"for {a}, {b} in enumerate({part}):", {a: INT, b: kind.item}),
                (f"for {a}, {b} in zip({part}, {self.expression(List(STR), 1)}):", {a: kind.item, b: STR}),
            ])  # fmt: skip
        if self.repeat > 4 and part_is_whole(header, name):
            raise Unavailable()
        with self.loop(header, 5, **variables):
            self.statements(self.random.randint(1, 3), depth)

    def leave_loop(self):
        with self.block(f"if {self.condition()}:"):
            self.line(self.pick(["break", "continue"]))

    def early_return(self):
        if self.result is None:
            raise Unavailable()
        text = self.return_text()
        with self.block(f"if {self.condition()}:"):
            self.line(text)

    def guarded_raise(self):
        message = self.pick(['"stopped"', f'"value " + str({self.expression(INT, 1)})', f'f"at {{{self.pick(self.variables(INT) or [1])}}}"'])
        with self.block(f"if {self.unlikely()}:"):
            self.line(f"raise {self.pick(ERRORS)}({message})")

    def assertion(self):
        self.line(f"assert not {self.unlikely()}" + self.pick(["", ', "not so"']))

    def unlikely(self):
        return f"({self.expression(INT, 1)} % 13 == {self.random.randint(0, 12)} and {self.condition()})"

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
        self.indent += 1
        self.statements(size, depth)
        try:
            self.line(self.return_text())
        except Unavailable:
            raise AssertionError(f"no value of {result}") from None
        self.indent -= 1
        self.scopes.pop()
        return Function(name, list(inputs.values()), result, self.steps)

    def inputs(self, count, pick):
        return {self.fresh("p"): pick() for _ in range(count)}

    def plain_type(self):
        """Of results: no object, and a size that is known without a tensor at hand."""
        kind = self.any_type()
        while any(str(structure) in str(kind) for structure in [*self.records, *self.classes]) or (kind.name == "Tensor" and not is_plain(kind)):
            kind = self.any_type()
        return kind

    def helper(self):
        self.line("\n")
        inputs = self.inputs(self.random.randint(1, 3), self.any_type)
        result = [self.plain_type() for _ in range(self.random.randint(1, 2))]
        self.functions.append(self.function(self.fresh("helper"), inputs, result, self.random.randint(1, 4), 2))

    def record(self):
        kind = Type(self.fresh("Record"))
        self.line("\n")
        fields = {self.fresh("f"): self.pick([INT, STR, FLOAT, List(INT), Optional(STR)]) for _ in range(self.random.randint(2, 3))}
        self.line(f"class {kind}(NamedTuple):")
        self.indent += 1
        for field, inner in fields.items():
            self.line(f"{field}: {inner}")
        self.indent -= 1
        self.records[kind] = fields

    def klass(self):
        kind = Type(self.fresh("Class"))
        self.line("\n")
        kinds = [INT, STR, FLOAT, List(INT), Optional(INT), Dict(STR, INT), Tensor("float32", "2", "3"), *self.classes]
        fields = {self.fresh("f"): self.pick(kinds) for _ in range(self.random.randint(1, 4))}
        self.line("@torch.jit.script")
        self.line(f"class {kind}:")
        self.indent += 1
        self.line(f"def __init__(self, {', '.join(f'{field}: {inner}' for field, inner in fields.items())}):")
        self.indent += 1
        for field in fields:
            self.line(f"self.{field} = {field}")
        self.indent -= 1
        methods = []
        own = {f"self.{field}": inner for field, inner in fields.items()}
        outer = self.functions
        self.functions = []  # a class is compiled before the functions that follow
        for _ in range(self.random.randint(1, 2)):
            self.line("")
            result = [self.plain_type()]
            method = self.function(self.fresh("method"), self.inputs(self.random.randint(0, 2), self.scalar), result, self.random.randint(1, 3), 1, own)
            method.receiver = kind
            methods.append(method)
        self.functions = outer + methods
        self.indent -= 1
        self.classes[kind] = fields

    def program(self):
        for _ in range(self.random.randint(0, 1)):
            self.record()
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            self.klass()
        for _ in range(self.random.randint(0, 2)):
            self.helper()
        attributes = {}
        for _ in range(self.random.randint(0, 4)):
            kind = self.plain_type()
            if kind.name != "Tuple":
                attributes[self.fresh("a")] = kind
        self.line("\n")
        self.line("class Program(nn.Module):")
        self.indent += 1
        for name, kind in attributes.items():
            if kind.name != "Tensor":
                self.line(f"{name}: {kind}")
        self.line("")
        self.line("def __init__(self):")
        self.indent += 1
        self.line("super().__init__()")
        self.scopes.append({})
        for name, kind in attributes.items():
            if kind.name == "Tensor":
                self.line(f'self.register_buffer("{name}", {self.fresh_tensor(kind)})')
            else:
                self.line(f"self.{name} = {self.argument(kind, {})}")
        self.scopes.pop()
        self.indent -= 1
        own = {f"self.{name}": kind for name, kind in attributes.items()}
        methods = []
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.line("")
            self.line("@torch.jit.export")
            result = [self.plain_type() for _ in range(self.random.randint(1, 2))]
            method = self.function(self.fresh("method"), self.inputs(self.random.randint(0, 2), self.input_type), result, self.random.randint(1, 5), 2, own)
            methods.append(method)
        self.functions += [Function("self." + method.name, method.inputs, method.result, method.steps) for method in methods]
        self.line("")
        result = [self.plain_type() for _ in range(self.random.randint(1, 4))]
        methods.append(self.function("forward", self.inputs(self.random.randint(1, 4), self.input_type), result, self.random.randint(4, 10), 3, own))
        self.indent -= 1
        self.line("\n")
        self.line("CALLS = [")
        for method in [methods[-1]] * 3 + [self.pick(methods) for _ in range(2)]:
            sizes = {"N": self.pick([1, 2, 3, 4]), "M": self.pick([1, 2, 3])}
            arguments = "".join(self.argument(kind, sizes) + ", " for kind in method.inputs)
            self.line(f'    ("{method.name}", ({arguments})),')
        self.line("]")
        return HEADER + "\n".join(self.lines) + "\n"

    def input_type(self):
        choice = self.random.random()
        if choice < 0.4:
            return self.scalar()
        if choice < 0.6:
            return self.pick(CONTAINERS)
        return Tensor(self.pick(["float32", "float32", "int64"]), *self.pick(INPUT_SHAPES))

    def argument(self, kind, sizes):
        """Python's text of a value."""
        if kind.name == "Tensor":
            dims = [sizes.get(dim) or int(dim) for dim in kind.dims]
            count = 1
            for dim in dims:
                count *= dim
            elements = [self.random.randint(-4, 6) for _ in range(count)]
            return f"torch.tensor({elements}, dtype=torch.{kind.dtype}).reshape({dims})"
        if kind.name == "Optional":
            return "None" if self.chance(0.4) else self.argument(kind.item, sizes)
        items = [[self.argument(item, sizes) for item in kind.items] for _ in range(self.random.randint(0, 3))]
        if kind.name == "List":
            return f"[{', '.join(item[0] for item in items)}]"
        if kind.name == "Dict":
            return "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        if kind.name == "Tuple":
            return f"({', '.join(self.argument(item, sizes) for item in kind.items)})"
        return str(self.literal(kind, 0))


def part_is_whole(header, name):
    return header.endswith(f"in {name}:") or header.endswith(".items():")


def is_plain(kind):
    return all(dim.isdigit() for dim in kind.dims)


def generate(seed):
    return Generator(seed).program()
