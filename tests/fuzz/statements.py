"""Random statements."""

from contextlib import contextmanager, nullcontext

from expressions import Expressions, Unavailable
from kinds import ANY, BOOL, COMPLEX, FLOAT, INT, STR, Dict, List, Optional, Tensor, Text, Tuple, Union

MAX_STEPS = 3000  # statements that one call may run
ERRORS = ("ValueError", "RuntimeError", "IndexError", "KeyError", "TypeError", "NotImplementedError", "AssertionError", "Exception")
SCALARS = {INT: 5, FLOAT: 2, BOOL: 2, STR: 3, COMPLEX: 0.5}
PAIR = Tuple(INT, STR)
CONTAINERS = [List(INT), List(INT), List(STR), List(FLOAT), List(BOOL), List(List(INT)), List(PAIR), List(Optional(INT)), List(Dict(STR, INT)),
              Dict(STR, INT), Dict(INT, STR), Dict(STR, List(INT)), Dict(INT, FLOAT), Dict(STR, Dict(STR, INT)), Dict(STR, PAIR), Dict(FLOAT, STR),
              PAIR, Tuple(FLOAT, List(INT)), Tuple(INT, Tuple(STR, BOOL)), Tuple(Optional(INT), List(STR)), Tuple(PAIR, PAIR),
              Optional(INT), Optional(STR), Optional(List(INT)), Optional(PAIR), Optional(Dict(STR, INT)),
              Union(INT, STR), Union(FLOAT, List(INT)), List(Union(INT, STR))]  # fmt: skip
SHAPES = [(), ("3",), ("2", "3"), ("3", "2"), ("0",), ("0", "3")]
DTYPES = ["float32"] * 5 + ["int64"] * 3 + ["bool", "float64", "int32"]


class Statements(Expressions):
    """Each writes lines, or raises Unavailable before it has written any. Needs what Expressions needs, and the members of
    Generator."""

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
                (1.5, self.parts_of_tensor), (1, self.unpack), (0.6, self.guarded_raise), (0.3, self.assertion), (0.6, self.failing_read)]  # fmt: skip
        if self.functions:
            rows.append((3, self.call_statement))
        if self.loops > 0:
            rows.append((2, self.leave_loop))
        if self.repeat > 1 or self.indent > 2:
            rows.append((0.5, self.early_return))
        return rows

    def parts_of_tensor(self):
        """A list or a dict of parts whose sizes differ, are told by the elements, or change from iteration to iteration; and a
        number made of two of them."""
        if self.repeat > 10:
            raise Unavailable()
        if self.chance(0.6):  # whose rank the compiler knows
            kind = Tensor(self.pick(["float32", "int64"]), *self.pick([("3",), ("2", "3")]))
            name = self.declare(self.fresh("v"), kind)
            self.line(f"{name} = {self.fresh_tensor(kind)}.cumsum(0).clamp(-9, 9)")
        else:
            name, kind = self.target("Tensor", pool=self.visible())
        if not kind.dims or kind.dtype == "bool":
            raise Unavailable()
        flat = f"{name}.flatten().clamp(-9, 9)"
        makers = ["[{i}:]", "[:{i} + 1]", "[::{i} + 1]", "[%s > {i}]" % flat, "[torch.nonzero(%s > {i}).squeeze(1)]" % flat, ".repeat({i} + 1)"]
        parts, counter, count = self.fresh("parts"), self.fresh("i"), self.random.randint(1, 3)
        first, next_part = (f"{flat}{self.pick(makers)}" for _ in range(2))
        in_list = self.chance(0.7)
        self.line(f"{parts} = " + (f"[{first.format(i=0)}]" if in_list else "{0: " + first.format(i=0) + "}"))
        with self.block(f"for {counter} in range({count}):", repeat=count):
            part = next_part.format(i=counter) + self.pick(["", " * 2", " - 1"])
            self.line(f"{parts}.append({part})" if in_list else f"{parts}[{counter} + 1] = {part}")
        a, b = (f"{parts}[{self.random.randint(0, count) if self.chance(0.5) else f'abs({self.expression(INT, 1)}) % {count + 1}'}]" for _ in range(2))
        texts = [f"({a}.unsqueeze(1) * ({b} + 3)).sum()", f"torch.cat([{a} * 2, {b} + 1]).sum()", f"({a} - 1).abs().sum() + {b}.sum()", f"{a}.size(0) * 10 + len({b})"]
        self.line(f"{self.declare(self.fresh('v'), FLOAT)} = float({self.pick(texts)})")

    def nested_rows(self, depth):
        rows = [(5, lambda: self.branch(depth)), (2, lambda: self.refinement(depth))]
        if self.loops == 0:  # in a loop that is left LibTorch fails to script it
            rows.append((1.5, lambda: self.context(depth)))
        if self.module_lists and self.repeat <= 40:
            rows.append((2, lambda: self.module_loop(depth)))
        if self.repeat <= 40:
            rows += [(2, lambda: self.count_loop(depth)), (2, lambda: self.while_loop(depth)), (3, lambda: self.container_loop(depth))]
        return rows

    def scalar(self):
        return self.random.choices(list(SCALARS), list(SCALARS.values()))[0]

    def any_type(self):
        choice = self.random.random()
        structures = [*self.records, *self.classes, *self.enums]
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
        return Tensor(self.pick(DTYPES), *self.pick(shapes))

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
        if kind.name == "Union":  # LibTorch fails to script or to load some that are assigned in loops and branches
            raise Unavailable()
        value = self.stored(kind)
        if kind.name == "Optional":  # what annotate alone tells may be forgotten, and a branch refuses another Optional then
            value = f"torch.jit.annotate({List(kind)}, [{value}])[0]"
        self.line(f"{name} = {value}")

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
        one = self.annotated(List(item), Text(f"[{value}]"))
        filled, short = f"if len({name}) > 0:", f"if len({name}) < 12:"
        rows = [(None, f"{name}.append({value})"), (None, f"{name}.append({value})"), (None, f"{name}.insert({index}, {value})"),
                (short, f"{name}.extend({self.expression(List(item), 1)})"), (short, f"{name}.extend({one})"),
                (filled, f"{name}.pop()"), (filled, f"{name}[{index} % len({name})] = {value}"), (None, f"{name}.reverse()"),
                (filled, f"del {name}[{index} % len({name})]"), (f"if len({name}) > 3:", f"{name}.clear()"),
                (filled, f"{name}.pop({index} % len({name}))")]  # fmt: skip
        if name.startswith("self."):  # a failing write is dropped with a list that nobody reads
            rows.append((None, f"{name}[{index}] = {value}"))
        if "." not in name:  # it assigns
            rows.append((short, f"{name} += {one}"))
        if item in (INT, STR, FLOAT):
            rows += [(None, f"{name}.sort()"), (f"if {value} in {name}:", f"{name}.remove({value})")]
        self.guarded(*self.pick(rows))

    def change_dict(self, name, key, item):
        value, k = self.stored(item), self.key(key)
        present = f"if {k} in {name}:"
        rows = [(None, f"{name}[{k}] = {value}"), (None, f"{name}[{k}] = {value}"), (present, f"del {name}[{k}]"), (present, f"{name}.pop({k})"),
                (None, f"{name}.setdefault({k}, {value})"), (None, f"{name}.update({self.expression(Dict(key, item), 1)})"),
                (f"if len({name}) > 3:", f"{name}.clear()")]  # fmt: skip
        if name.startswith("self."):
            rows.append((f"if {self.unlikely()}:", f"{name}.pop({k})"))
        self.guarded(*self.pick(rows))

    def guarded(self, guard, text):
        if guard is None:
            return self.line(text)
        with self.block(guard):
            self.line(text)

    def condition(self):
        tensors = [name for name, kind in self.visible() if kind.name == "Tensor" and kind.dtype != "bool"]
        if tensors and self.chance(0.1):
            return f"{self.pick(tensors)}.sum() > {self.random.randint(-2, 6)}"
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
        """An optional's value where it is not None, or that of a union or Any where it is of one type."""
        # LibTorch can't load all unions that are used after they were tested: these are forgotten.
        found = [(name, kind) for name, kind in self.names_here().items() if kind.name == "Optional" and "." not in name]
        found += [(name, kind) for name, kind in self.scopes[-1].items() if kind.name in ("Union", "Any") and "." not in name]
        if not found:
            return self.new_variable(self.pick([Optional(INT), Union(INT, STR)]))
        name, kind = self.pick(found)
        if kind.name == "Optional":
            condition, then = f"{name} is not None", kind.item
        else:
            then = self.pick(kind.items or [INT, STR, FLOAT, List(INT)])
            condition = f"isinstance({name}, {then})"
        with self.block(f"if {condition}:", **{name: then}), nullcontext() if kind.name == "Optional" else self.constant(name):
            self.statements(self.random.randint(1, 3), depth)
        if kind.name != "Optional":
            del self.scopes[-1][name]
        elif self.chance(0.3):
            with self.block("else:"), self.constant(name):  # which is None here
                self.statements(1, depth)

    def context(self, depth):
        """A with statement. What leaves loops can't be in it: LibTorch fails to script that."""
        kinds = [kind for kind in self.classes if kind in self.contexts]
        variables = {}
        if kinds and self.chance(0.8):
            value = self.stored(self.pick(kinds), 1)
            text = f"with {value}:"
            if self.chance(0.5):
                name = self.fresh("c")
                text, variables = f"with {value} as {name}:", {name: INT}
        else:
            text = "with torch.no_grad():"
        with self.block(text, **variables), self.outside_loops():
            self.statements(self.random.randint(1, 3), depth)

    def module_loop(self, depth):
        """Over submodules: it is unrolled, and can't be left."""
        whole, kind, count = self.pick(self.module_lists)
        name, index = self.fresh("m"), self.fresh("i")
        fields = {f"{name}.{field}": inner for field, inner in self.modules[kind].fields.items()}
        headers = [(f"for {name} in {whole}:", {}), (f"for {index}, {name} in enumerate({whole}):", {index: INT})]
        header, variables = self.pick(headers)
        outer = self.functions
        self.functions = outer + self.modules[kind].methods_of(name) * 2
        with self.block(header, count, **variables, **fields), self.outside_loops(), self.constant(index):
            self.statements(self.random.randint(1, 3), depth)
        self.functions = outer

    @contextmanager
    def outside_loops(self):
        loops, self.loops = self.loops, 0
        yield
        self.loops = loops

    @contextmanager
    def constant(self, name):
        """Nothing is assigned to the name."""
        added = name not in self.constants
        self.constants.add(name)
        yield
        if added:
            self.constants.remove(name)

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
        if self.chance(0.2):
            self.line(f"{self.declare(counter, INT)} = 0")
            with self.loop("while True:", trips):
                self.line(f"{counter} += 1")
                with self.block(f"if {counter} > {trips}:"):
                    self.line("break")
                self.statements(self.random.randint(1, 4), depth)
            return
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

    def failing_read(self):
        """What fails, sometimes, in a condition that can't be told before."""
        a, b = self.expression(INT, 1), self.expression(INT, 1)
        texts = [f"{a} // {b} != 98765", f"{self.expression(FLOAT, 1)} / {self.expression(FLOAT, 1)} != 0.123", f"({self.expression(STR, 1)})[{a}] != '!'"]
        for name, kind in self.visible():
            if kind in (List(INT), List(STR)):
                texts.append(f"{name}[{b}] != {self.never(kind.item)}")
            elif kind in (Dict(STR, INT), Dict(INT, STR)):
                texts.append(f"{name}[{self.key(kind.item)}] != {self.never(kind.items[1])}")
            elif kind.name == "List" and kind.item in self.classes:
                inner = [field for field, found in self.classes[kind.item].items() if found in (INT, STR)]
                texts += [f"{name}[{b}].{field} != {self.never(self.classes[kind.item][field])}" for field in inner]
            elif kind.name == "Tensor" and kind.dims and kind.dtype != "bool":
                texts.append(f"int({name}.max()) != 98765")  # of nothing
        self.line(f"assert {self.pick(texts)}")

    def never(self, kind):
        """A value that no expression has."""
        return {INT: "98765", STR: "'never'"}[kind]

    def unlikely(self):
        return f"({self.expression(INT, 1)} % 13 == {self.random.randint(0, 12)} and {self.condition()})"


def part_is_whole(header, name):
    return header.endswith(f"in {name}:") or header.endswith(".items():")
