"""Random expressions and writes of tensors. Elements are small whole numbers, so that sums are exact in any order. Left out
are ops that fail, such as an element of a dimension that may be empty."""

from kinds import BOOL, FLOAT, INT, Tensor, Text, limited, may_be_empty

# Text, operands, and the bound of the result from the operands'.
ROWS = [
    ("{} + {}", 2, lambda a, b: a + b),
    ("{} - {}", 2, lambda a, b: a + b),
    ("{} * {}", 2, lambda a, b: a * b),
    ("torch.maximum({}, {})", 2, max),
    ("torch.minimum({}, {})", 2, max),
    ("torch.where({0} > 1, {0}, {1})", 2, max),
    ("{} + 1", 1, lambda a: a + 1),
    ("{} * 2", 1, lambda a: 2 * a),
    ("-{}", 1, lambda a: a),
    ("torch.relu({})", 1, lambda a: a),
    ("{}.abs()", 1, lambda a: a),
    ("{}.sign()", 1, lambda a: 1),
    ("{} % 3", 1, lambda a: 3),
    ("{} // 2", 1, lambda a: a),
    ("{}.clamp(-3, 5)", 1, lambda a: 5),
    ("{}.clone()", 1, lambda a: a),
    ("{}.contiguous()", 1, lambda a: a),
    ("{0}.flatten().reshape({0}.size())", 1, lambda a: a),
    ("{}.unsqueeze(0).squeeze(0)", 1, lambda a: a),
    ("{}.unsqueeze(-1).select(-1, 0)", 1, lambda a: a),
    ("{0}.masked_fill({0} > 2, 1)", 1, lambda a: a),
]
# Of tensors with dimensions.
DIM_ROWS = [
    ("{}.flip(0)", 1, lambda a: a),
    ("{}.cumsum(0)", 1, lambda a: 8 * a),
    ("{}.roll(1, 0)", 1, lambda a: a),
    ("{}.sort(0)[0]", 1, lambda a: a),
    ("torch.cat([{0}[1:], {0}[:1]])", 1, lambda a: a),
    ("{0}.index_select(0, torch.arange(len({0})))", 1, lambda a: a),
]
BOOL_ROWS = ["({} & {})", "({} | {})", "(~{})", "({} == {})", "({} != {})", "torch.logical_or({}, {})"]
WIDER = {"float32": ["int64", "int32"], "float64": ["float32", "int64", "int32"], "int64": ["int32"]}  # that give the dtype with it


class Tensors:
    """Part of Expressions."""

    def read_tensor(self, name, kind, result):
        if kind.dtype == "bool":
            return self.pick([f"bool({name}.any())", f"bool({name}.all())"]) if result == BOOL else f"{result}({name}.sum())"
        if result == BOOL:
            return self.pick([f"bool(({name} > 2).any())", f"bool({name}.sum() > 3)"])
        if result == FLOAT:
            return self.pick([f"float({name}.sum())", f"float({name}.sum().item())"])
        texts = [f"{name}.numel()", f"{name}.dim()", f"int({name}.sum())", f"int({name}.sum().item())"]
        if kind.dims:
            texts += [f"{name}.size(0)", f"{name}.shape[-1]", f"len({name})"]
            if not any(map(may_be_empty, kind.dims)):
                texts.append(f"int({name}.max())")
        return self.pick(texts)

    def size(self, dim):
        """Text of an int: the size that is called N, say."""
        if dim.isdigit():
            return dim
        for name, kind in self.visible():
            if kind.name == "Tensor" and dim in kind.dims:
                return f"{name}.size({kind.dims.index(dim)})"
        raise self.unavailable(dim)

    def fresh_tensor(self, kind):
        sizes = [self.size(dim) for dim in kind.dims]
        whole = "[" + ", ".join(sizes) + "]"
        number = self.random.randint(-3, 9)
        if kind.dtype == "bool":
            return Text(f"torch.zeros({whole}, dtype=torch.bool)")
        if kind.dtype == "int64":
            if len(sizes) == 1 and self.chance(0.5):
                return Text(f"torch.arange({sizes[0]})", 8)
            return Text(f"torch.full({whole}, {number}, dtype=torch.int64)" if sizes else f"torch.tensor({number})", 9)
        if kind.dtype != "float32":
            return Text(f"torch.full({whole}, {number}, dtype=torch.{kind.dtype})", 9)
        return Text(self.pick([f"torch.zeros({whole})", f"torch.ones({whole})", f"torch.full({whole}, 3.0)"]), 3)

    def tensor(self, kind, depth):
        variables = self.variables(kind)
        if depth <= 0 or (not variables and self.chance(0.4)):
            return self.pick(variables) if variables and self.chance(0.8) else self.fresh_tensor(kind)
        dtype, dims = kind.items
        choices = self.views_of(kind)
        if choices and self.chance(0.4):
            return Text(self.pick(choices), 1024)
        if dtype == "bool":
            return self.bool_tensor(kind, depth)
        if len(dims) == 2 and self.chance(0.15):
            return Text(f"{self.tensor(Tensor(dtype, *dims[::-1]), depth - 1)}.t()", 1 << 12)
        if len(dims) == 2 and dtype == "float32" and self.chance(0.15):
            return self.product(dims, depth)
        if dims and dims[0] == "2" and self.chance(0.3):
            part = Tensor(dtype, *dims[1:])
            return Text(f"torch.stack([{self.stored(part, depth - 1)}, {self.stored(part, depth - 1)}])", 128)
        widening = dtype == "int32"  # sums of which are int64
        text, count, bound = self.pick(ROWS + ([row for row in DIM_ROWS if not (widening and "cumsum" in row[0])] if dims else []))
        kinds = [kind] + [self.broadcast(kind)] * (count - 1)
        operands = [self.tensor(operand, depth - 1) for operand in kinds]
        if bound(*[operand.bound for operand in operands]) > 1 << 20:
            operands = [limited(k, operand) for k, operand in zip(kinds, operands)]
        return Text(f"({text.format(*operands)})", bound(*[operand.bound for operand in operands]))

    def bool_tensor(self, kind, depth):
        if self.chance(0.6):
            return Text(f"({self.tensor(Tensor('float32', *kind.dims), depth - 1)} > {self.random.randint(-2, 4)})")
        return Text(self.pick(BOOL_ROWS).format(self.tensor(kind, depth - 1), self.tensor(kind, depth - 1)))

    def product(self, dims, depth):
        """Of matrices."""
        inner = self.pick(["2", "3", *dims])
        factors = [self.stored(Tensor("float32", dims[0], inner), depth - 1), self.stored(Tensor("float32", inner, dims[1]), depth - 1)]
        return Text(f"(({factors[0]}) @ ({factors[1]}))", 1 << 17)

    def broadcast(self, kind):
        """The type of the other operand of a binary op."""
        dtype, dims = kind.items
        if self.chance(0.3):
            dims = dims[self.random.randint(0, len(dims)) :]
        if dtype in WIDER and self.chance(0.15):
            dtype = self.pick(WIDER[dtype])
        return Tensor(dtype, *dims)

    def views_of(self, kind):
        """Views, reductions and conversions of visible tensors that are of this type."""
        found = []
        for name, whole in self.visible():
            if whole.name != "Tensor":
                continue
            dims = whole.dims
            if whole.dtype != kind.dtype:
                if dims == kind.dims:
                    found.append(f"{name}.to(torch.{kind.dtype})")
                continue
            sums = kind.dtype not in ("bool", "int32")  # which are int64 otherwise
            if not kind.dims and sums:
                found.append(f"{name}.sum()")
            if dims[1:] == kind.dims and len(dims) == len(kind.dims) + 1:
                found += [f"{name}.sum(0)"] * sums
                if not may_be_empty(dims[0]):
                    found += [f"{name}[0]", f"{name}[-1]", f"{name}.select(0, 0)", f"{name}.amax(0)", f"{name}.max(0)[0]"]
            if len(dims) == 2 and dims[:1] == kind.dims:
                found += [f"{name}.sum(1)"] * sums
                if not may_be_empty(dims[1]):
                    found += [f"{name}[:, 0]", f"{name}[:, -1]", f"{name}.select(1, -1)"]
            if dims[::-1] == kind.dims and len(dims) == 2:
                found += [f"{name}.t()", f"{name}.transpose(0, 1)"]
            if dims == kind.dims:
                found += [f"{name}.view_as({name})", f"{name}.detach()", f"{name}.expand_as({name})"] + ([f"{name}[:]"] if dims else [])
        return found

    # Writes.

    def written_part(self, name, dims):
        """(text, dims or None) of a part of the tensor, which shares its memory or, as `reshape` says, may."""
        rows = [("[1:]", None), ("[::2]", None), (".flatten()", None), (".reshape([-1])", None), (".contiguous()", dims), (".detach()", dims),
                (".unsqueeze(0)", None), (".chunk(2)[0][:]", None), (f".narrow(0, 0, len({name}))", dims)]  # fmt: skip
        if not may_be_empty(dims[0]):
            rows += [("[0]", dims[1:]), ("[-1]", dims[1:]), (f"[{self.expression(INT, 1)} % len({name})]", dims[1:]), (".select(0, 0)", dims[1:])]
        if len(dims) == 2:
            rows += [(".t()", dims[::-1]), ("[:, 1:]", None), (".diagonal()", None)]
            if not may_be_empty(dims[1]):
                rows += [("[:, 0]", dims[:1]), (".t()[0]", dims[:1]), (".transpose(0, 1)[-1]", dims[:1])]
        suffix, part = self.pick(rows)
        return name + suffix, part

    def write_tensor(self):
        """Through a view, which others may share."""
        name, kind = self.target("Tensor", pool=self.visible())
        dtype, dims = kind.items
        view = name
        if dims and self.chance(0.5):
            view, dims = self.written_part(name, dims)
        if dtype == "bool":
            texts = [f"{view}.logical_not_()", f"{view}.fill_({self.pick(['True', 'False'])})", f"{view}.zero_()"]
        else:
            texts = self.number_writes(view, dims, dtype)
        if dims is not None:
            value = self.stored(Tensor(dtype, *dims), 1)
            texts.append(f"{view}.copy_({value})")
            if dtype != "bool":
                texts += [f"{view}.add_({value}).clamp_(-99, 99)", f"{view}.sub_({value}).clamp_(-99, 99)"]
            if view.endswith("]"):
                texts += [f"{view} = {value}"] * 2
        self.line(self.pick(texts))

    def number_writes(self, view, dims, dtype):
        number = self.random.randint(-3, 5)
        texts = [f"{view}.add_({number})", f"{view}.zero_()", f"{view}.fill_({number})", f"{view}.neg_()", f"{view}.clamp_(-2, {number + 3})",
                 f"{view}.mul_(2).clamp_(-99, 99)", f"{view}.masked_fill_({view} > {number}, {number})", f"{view}.abs_()"]  # fmt: skip
        if view.endswith("]"):
            texts += [f"{view} += {number}", f"{view} *= -1", f"{view} = {number}"] * 2
        if dims:
            texts.append(f"{view}[{view} > 3] = {number}")
            if not may_be_empty(dims[0]):
                texts += [f"{view}[torch.tensor([0])] = {number}", f"{view}.index_fill_(0, torch.tensor([0]), {number})"]
        return texts
