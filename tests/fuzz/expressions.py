"""Random expressions of a type. Most productions are rows: text with a place for each operand, the operands' types, and the
bound of the result from the operands' bounds; rows without a bound give something small.

Left out, since PyTorch is undefined or does otherwise from version to version: int overflow, int() of a float that is no
int, shifts by more than the width, `count` of an empty string (which never ends), `%` of floats by zero, text of complex
numbers and of containers. What fails is left to the statement `failing_read`: PyTorch's optimiser and, more often, we drop it
where its value is not used."""

from kinds import ANY, BOOL, COMPLEX, FLOAT, INT, STR, STORED, Dict, List, Optional, Text, Tuple, limited
from tensors import Tensors

WORDS = ["", "a", "b", "ab", "ba", "abc", "x y", "Foo", "12", "-7", "key", " pad ", "a,b", "zz"]
INTS = List(INT)
PAIR = Tuple(INT, STR)

ROWS = {
    INT: [
        ("{} + {}", (INT, INT), lambda a, b: a + b),
        ("{} - {}", (INT, INT), lambda a, b: a + b),
        ("-{}", (INT,), lambda a: a),
        ("{} * {}", (INT, INT), lambda a, b: a * b),
        ("{} * 3", (INT,), lambda a: 3 * a),
        ("{} // 3", (INT,), lambda a: a),
        ("{} % 7", (INT,), None),
        ("{} % -5", (INT,), None),
        ("{} // (abs({}) + 1)", (INT, INT), lambda a, b: a),
        ("abs({})", (INT,), lambda a: a),
        ("min({}, {})", (INT, INT), max),
        ("max({}, {})", (INT, INT), max),
        ("{} & {}", (INT, INT), lambda a, b: 2 * max(a, b)),
        ("{} | {}", (INT, INT), lambda a, b: 2 * max(a, b)),
        ("{} ^ {}", (INT, INT), lambda a, b: 2 * max(a, b)),
        ("{} << 2", (INT,), lambda a: 4 * a),
        ("{} >> 1", (INT,), lambda a: a),
        ("int(({} % 9) ** 2)", (INT,), None),
        ("int({})", (BOOL,), None),
        ("len({})", (STR,), None),
        ("{}.find({})", (STR, STR), None),
        ("{}.count({} + 'a')", (STR, STR), None),
        ("ord(({} + 'q')[0])", (STR,), None),
        ("int(str({}))", (INT,), lambda a: a),
        ("int(min(max({0}, -1e6), 1e6) if math.isfinite({0}) else 0.0)", (FLOAT,), lambda a: 10**6),
        ("({0} if {2} else {1})", (INT, INT, BOOL), lambda a, b, c: max(a, b)),
        ("len({})", (INTS,), None),
        ("len({})", (List(STR),), None),
        ("sum({})", (INTS,), lambda a: 100 << 24),
        ("max({} + [1])", (INTS,), lambda a: 1 << 24),
        ("{}.count({})", (INTS, INT), None),
        ("({} + [0]).index(0)", (INTS,), None),
        ("len({})", (Dict(STR, INT),), None),
        ("math.floor({} % 100.0)", (FLOAT,), None),
        ("math.ceil({} % 100.0)", (FLOAT,), None),
        ("math.gcd({}, {})", (INT, INT), max),
        ("{}.rfind({})", (STR, STR), None),
        ("min({} + [1])", (INTS,), lambda a: 1 << 24),
        ("{}[0]", (PAIR,), lambda a: 1 << 24),
    ],
    FLOAT: [
        ("{} + {}", (FLOAT, FLOAT), None),
        ("{} - {}", (FLOAT, FLOAT), None),
        ("{} * {}", (FLOAT, FLOAT), None),
        ("{} * 0.5", (FLOAT,), None),
        ("{} / 4", (FLOAT,), None),
        ("{} / 8", (INT,), None),
        ("-{}", (FLOAT,), None),
        ("abs({})", (FLOAT,), None),
        ("float({})", (INT,), None),
        ("{} + {}", (FLOAT, INT), None),
        ("{} * {}", (INT, FLOAT), None),
        ("{} % 2.5", (FLOAT,), None),
        ("{} // 1.5", (FLOAT,), None),
        ("({} % 9) ** 3", (INT,), None),
        ("round({})", (FLOAT,), None),
        ("math.sqrt(abs({}))", (FLOAT,), None),
        ("min({}, {})", (FLOAT, FLOAT), None),
        ("max({}, {})", (FLOAT, FLOAT), None),
        ("({0} if {2} else {1})", (FLOAT, FLOAT, BOOL), None),
        ("abs({})", (COMPLEX,), None),
        ("sum({})", (List(FLOAT),), None),
        ("math.pow({} % 3.0, 2)", (FLOAT,), None),
        ("float(str({}))", (INT,), None),
    ],
    BOOL: [
        ("{} < {}", (INT, INT), None),
        ("{} <= {}", (INT, INT), None),
        ("{} == {}", (INT, INT), None),
        ("{} != {}", (INT, INT), None),
        ("{} > 3", (INT,), None),
        ("{} % 2 == 0", (INT,), None),
        ("{} < {}", (FLOAT, FLOAT), None),
        ("{} >= {}", (INT, FLOAT), None),
        ("not {}", (BOOL,), None),
        ("({} and {})", (BOOL, BOOL), None),
        ("({} or {})", (BOOL, BOOL), None),
        ("{} == {}", (BOOL, BOOL), None),
        ("{} == {}", (STR, STR), None),
        ("{} < {}", (STR, STR), None),
        ("{} in {}", (STR, STR), None),
        ("{}.startswith({})", (STR, STR), None),
        ("{}.isdigit()", (STR,), None),
        ("{} in {}", (INT, INTS), None),
        ("{} == {}", (INTS, INTS), None),
        ("{} in {}", (STR, Dict(STR, INT)), None),
        ("{} in {}", (STR, List(STR)), None),
        ("{} != {}", (COMPLEX, COMPLEX), None),
        ("torch.jit.annotate(Optional[int], {}) is None", (Optional(INT),), None),  # of a name alone, it would refine its type
        ("{} < {} <= {}", (INT, INT, INT), None),
        ("bool({})", (INT,), None),
        ("{} != {}", (List(STR), List(STR)), None),
        ("{}.endswith({})", (STR, STR), None),
        ("{}.isupper()", (STR,), None),
        ("{} in {}", (INT, Dict(INT, STR)), None),
        ("any({})", (List(BOOL),), None),
        ("all({})", (List(BOOL),), None),
    ],
    STR: [
        ("{} + {}", (STR, STR), lambda a, b: a + b),
        ("{}.upper()", (STR,), lambda a: a),
        ("{}.capitalize()", (STR,), lambda a: a),
        ("{}.strip()", (STR,), lambda a: a),
        ("{}.replace('a', {})", (STR, STR), lambda a, b: a * max(1, b)),
        ("{}[1:]", (STR,), lambda a: a),
        ("{}[:{} % 4]", (STR, INT), lambda a, b: a),
        ("({} + 'z')[0]", (STR,), lambda a: 1),
        ("str({})", (INT,), lambda a: 20),
        ("str({})", (BOOL,), lambda a: 5),
        ("'{{}}-{{}}'.format({}, {})", (INT, STR), lambda a, b: b + 21),
        ("'{{}}:{{}}'.format({}, {})", (STR, INT), lambda a, b: a + 21),
        ("'%s %d' % ({}, {})", (STR, INT), lambda a, b: a + 21),
        ("({0} if {2} else {1})", (STR, STR, BOOL), lambda a, b, c: max(a, b)),
        ("','.join({})", (List(STR),), lambda a: 999),
        ("chr(97 + {} % 26)", (INT,), lambda a: 1),
        ("{}.zfill(5)", (STR,), lambda a: max(5, a)),
        ("{}.center(6, '.')", (STR,), lambda a: max(6, a)),
        ("{}[::-1]", (STR,), lambda a: a),
        ("{}[-3:]", (STR,), lambda a: 3),
        ("{}[{} % 3:{}]", (STR, INT, INT), lambda a, b, c: a),
        ("{}.lower()", (STR,), lambda a: a),
        ("{}.swapcase()", (STR,), lambda a: a),
        ("{}.title()", (STR,), lambda a: a),
        ("{}.lstrip({})", (STR, STR), lambda a, b: a),
        ("{}.rstrip()", (STR,), lambda a: a),
        ("{}.ljust(5, '-')", (STR,), lambda a: max(5, a)),
        ("{}.rjust({} % 7)", (STR, INT), lambda a, b: max(7, a)),
        ("hex({} % 99)", (INT,), lambda a: 4),
        ("{}[1]", (PAIR,), lambda a: 24),
    ],
    COMPLEX: [
        ("complex({}, {})", (FLOAT, FLOAT), None),
        ("{} + {}", (COMPLEX, COMPLEX), None),
        ("{} - {}", (COMPLEX, FLOAT), None),
        ("{} * {}", (COMPLEX, COMPLEX), None),
    ],
    List(STR): [
        ("{}.split(',')", (STR,), None),
        ("{}.split('a')", (STR,), None),
        ("list({}.keys())", (Dict(STR, INT),), None),
        ("{}.split()", (STR,), None),
        ("{}.splitlines()", (STR,), None),
        ("{}.rsplit('b', 1)", (STR,), None),
        ("list({}.values())", (Dict(INT, STR),), None),
        ("list({})", (STR,), None),
    ],
    PAIR: [
        ("({}, {})", (INT, STR), None),
        ("({0}[0], {1}[1])", (PAIR, PAIR), None),
    ],
    List(PAIR): [
        ("list({}.items())", (Dict(INT, STR),), None),
        ("list(enumerate({}))", (List(STR),), None),
        ("list(zip({}, {}))", (INTS, List(STR)), None),
    ],
    INTS: [
        ("list(range({} % 5))", (INT,), None),
        ("list({}.values())", (Dict(STR, INT),), None),
        ("list({}.keys())", (Dict(INT, STR),), None),
    ],
}
class Unavailable(Exception):
    """No expression of this type can be made here."""


class Expressions(Tensors):
    """Needs `random`; `visible()`: [(text, type)] of what can be read here; `fields(kind)` of a NamedTuple or class; `enums`:
    their members by their types; `classes` by their types."""

    def unavailable(self, what):
        return Unavailable(what)

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, choices):
        return self.random.choice(list(choices))

    def variables(self, kind):
        return [Text(name, STORED.get(kind.name, 0)) for name, found in self.visible() if found == kind]

    def expression(self, kind, depth=2):
        """Text of the type, in parentheses where it needs them."""
        variables = self.variables(kind)
        if variables and self.chance(0.35 if depth > 0 else 0.75):
            return self.pick(variables)
        if depth > 0 and self.chance(0.3):
            inside = self.parts(kind, depth)
            if inside:
                return self.pick(inside)
        if depth > 0 and kind in ROWS and self.chance(0.75):
            return self.from_row(self.pick(ROWS[kind]), kind, depth)
        if kind.name == "Tensor":
            return self.tensor(kind, depth)
        return self.literal(kind, depth - 1)

    def stored(self, kind, depth=2):
        return limited(kind, self.expression(kind, depth))

    def from_row(self, row, kind, depth):
        text, kinds, bound = row
        operands = [self.expression(operand, depth - 1) for operand in kinds]
        if bound is None:
            return Text(f"({text.format(*operands)})", 1000 if kind == INT else 12)
        size = bound(*[operand.bound for operand in operands])
        if kind == INT and size >= 1 << 60:
            operands = [limited(o, value) if o == INT else value for o, value in zip(kinds, operands)]
            size = bound(*[operand.bound for operand in operands])
        return Text(f"({text.format(*operands)})", size)

    def literal(self, kind, depth):
        if kind == INT:
            return Text(self.pick([0, 1, 2, 3, -1, 5, 7, 10, -4, 100]), 100)
        if kind == FLOAT:
            return Text(self.pick(["0.0", "1.0", "-0.5", "2.25", "3.0", "100.0", "-7.5", "0.125"]))
        if kind == BOOL:
            return Text(self.pick(["True", "False"]))
        if kind == STR:
            word = self.pick(WORDS)
            return Text(repr(word), len(word))
        if kind == COMPLEX:
            return Text(self.pick(["complex(1.0, -2.0)", "2j", "complex(0.0, 0.5)"]))
        if kind.name == "Optional":
            value = "None" if self.chance(0.4) else self.stored(kind.item, depth)
            if kind.item == INT:  # LibTorch takes all uses of a literal here for optional ones
                value = value if value == "None" else f"int({value})"
            return Text(f"torch.jit.annotate({kind}, {value})")
        if kind.name == "Union":
            return self.stored(self.pick(kind.items), depth)
        if kind == ANY:
            return self.stored(self.pick([INT, STR, INTS, FLOAT, PAIR]), depth)
        if kind in self.enums:
            return Text(f"{kind}.{self.pick(self.enums[kind])}")
        if kind.name == "Tuple":
            return Text(f"({', '.join(self.stored(item, depth) for item in kind.items)})")
        if kind.name == "List":
            return self.list_literal(kind, depth)
        if kind.name == "Dict":
            return self.dict_literal(kind, depth)
        fields = self.fields(kind)
        if fields is not None:
            return Text(f"{kind.name}({', '.join(self.stored(field, depth) for field in fields.values())})")
        raise Unavailable(kind)

    def key(self, kind):
        if self.chance(0.3):
            return self.expression(kind, 1)
        return Text(repr(self.pick({STR: ["a", "b", "ab", "key"], INT: [0, 1, 2, 5], FLOAT: [0.5, 1.0, -2.0]}[kind])), 100)

    def list_literal(self, kind, depth):
        if depth > 0 and self.chance(0.3):
            return self.comprehension(kind, depth)
        variables = self.variables(kind)
        if variables and self.chance(0.4):
            texts = ["{}[1:]", "{}[:2]", "{}[::2]", "list({})", "({} + {})", "{}[-2:]", "({} * 2)"]
            if kind.item in (INT, FLOAT, STR, PAIR):
                texts.append("sorted({})")
            text = self.pick(texts)
            return Text(text.format(self.pick(variables), self.pick(variables)), 80)
        count = self.pick([0, 1, 2, 3])
        if count == 0:
            return Text(f"torch.jit.annotate({kind}, [])")
        return self.annotated(kind, Text(f"[{', '.join(self.stored(kind.item, depth) for _ in range(count))}]", count))

    def annotated(self, kind, text):
        """The literal of a container: elements alone would tell a type without None, or without the union."""
        if kind.items[-1].name not in ("Optional", "Union"):
            return text
        return Text(f"torch.jit.annotate({kind}, {text})", text.bound)

    def comprehension(self, kind, depth):
        lists = [(name, found) for name, found in self.visible() if found.name == "List"]
        name = self.fresh("e")
        if lists and self.chance(0.6):
            source, found = self.pick(lists)
            header, item = f"{source}[:5]", found.item
        else:
            header, item = f"range({self.pick([1, 2, 3])})", INT
        self.scopes.append({name: item})
        value = self.stored(kind.item, depth)
        self.scopes.pop()
        return self.annotated(kind, Text(f"[{value} for {name} in {header}]", 5))

    def dict_literal(self, kind, depth):
        key, value = kind.items
        variables = self.variables(kind)
        if variables and self.chance(0.3):
            return Text(f"{self.pick(variables)}.copy()")
        count = self.pick([0, 1, 2, 3])
        if count == 0:
            return Text(f"torch.jit.annotate({kind}, {{}})")
        pairs = ", ".join(f"{self.key(key)}: {self.stored(value, depth)}" for _ in range(count))
        return self.annotated(kind, Text(f"{{{pairs}}}"))

    def parts(self, kind, depth):
        """Reads of parts of what is visible."""
        found = []
        bound = STORED.get(kind.name, 0)
        for name, whole in self.visible():
            if whole.name == "List" and whole.item == kind:
                found.append(lambda n=name: self.read_list(n, kind, depth))
            elif whole.name == "Dict" and whole.items[1] == kind:
                found.append(lambda n=name, w=whole: self.read_dict(n, w, depth))
            elif whole.name == "Dict" and Optional(whole.items[1]) == kind:
                found.append(lambda n=name, w=whole: f"{n}.get({self.key(w.item)})")
            elif whole.name == "Optional" and whole.item == kind and "." not in name:
                found.append(lambda n=name: f"({n} if {n} is not None else {self.stored(kind, depth - 1)})")
            elif whole.name == "Tuple" and kind in whole.items:
                found.append(lambda n=name, w=whole: f"{n}[{w.items.index(kind)}]")
            elif whole.name == "Tensor" and kind in (INT, FLOAT, BOOL):
                found.append(lambda n=name, w=whole: self.read_tensor(n, w, kind))
            elif whole in self.enums and kind in (INT, BOOL, STR):
                found.append(lambda n=name, w=whole: self.read_enum(n, w, kind))
            elif whole in self.classes and kind == BOOL:
                found.append(lambda n=name, w=whole: f"({n} is {self.pick(self.variables(w))})")
            elif whole == INT and kind == STR and "[" not in name:
                found.append(lambda n=name: f"f'<{{{n}}}>'")
        return [Text(self.pick(found)(), bound)] if found else []

    def read_list(self, name, item, depth):
        index = self.expression(INT, 1)
        return f"({name}[{index} % len({name})] if len({name}) > 0 else {self.stored(item, depth - 1)})"

    def read_enum(self, name, kind, result):
        return {INT: f"{name}.value", STR: f"{name}.name", BOOL: f"({name} == {self.expression(kind, 1)})"}[result]

    def read_dict(self, name, kind, depth):
        key, value = kind.items
        return f"{name}.get({self.key(key)}, {self.stored(value, depth - 1)})"
