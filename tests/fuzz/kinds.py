"""Types of random programs, and text with a bound on what it evaluates to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """`name` is TorchScript's; `items` are the element types, or (dtype, dims) of a tensor."""

    name: str
    items: tuple = ()

    def __str__(self):
        if self.name == "Tensor":
            return "torch.Tensor"
        return f"{self.name}[{', '.join(map(str, self.items))}]" if self.items else self.name

    @property
    def item(self):
        return self.items[0]

    @property
    def dtype(self):
        return self.items[0]

    @property
    def dims(self):
        return self.items[1]


INT, FLOAT, BOOL, STR, COMPLEX = (Type(name) for name in ("int", "float", "bool", "str", "complex"))
ANY = Type("Any")


def List(item):
    return Type("List", (item,))


def Dict(key, value):
    return Type("Dict", (key, value))


def Tuple(*items):
    return Type("Tuple", items)


def Optional(item):
    return Type("Optional", (item,))


def Union(*items):
    return Type("Union", items)


def Tensor(dtype, *dims):
    """dims are texts: "N", "M" and "Z" are sizes of inputs, which differ between calls; the others are numbers."""
    return Type("Tensor", (dtype, dims))


def may_be_empty(dim):
    return dim in ("0", "Z")


class Text(str):
    """Source of an expression. `bound`: the largest magnitude of a number or of a tensor's elements, the largest length of
    a string or list."""

    bound = 0

    def __new__(cls, text, bound=0):
        self = super().__new__(cls, text)
        self.bound = bound
        return self


# What variables, fields, elements and results keep within. PyTorch's int overflow is undefined in C++; strings and lists
# that double in a loop need all memory; sums of floats are exact in any order while they are small whole numbers.
STORED = {"int": 1 << 24, "str": 24, "List": 40, "Tensor": 128}


def limited(kind, text):
    """The expression, within what a variable of its type may hold."""
    bound = STORED.get(kind.name)
    if bound is None or text.bound <= bound:
        return text
    if kind == INT:
        return Text(f"({text}) % 10007", 10007)
    if kind == STR:
        return Text(f"({text})[:20]", 20)
    if kind.name == "List":
        return Text(f"({text})[:9]", 9)
    if kind.dtype == "bool":
        return text
    return Text(f"({text}).clamp(-99, 99)", 99)
