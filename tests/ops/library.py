"""One library with a method for every overload of PyTorch that a row of the op table accepts.

The C++ is generated from ops.def and PyTorch's own schemas, with the C++ types that DESIGN.md maps schema types to, so
that it compiles only when runtime/ops has each function with the parameters that emitted programs pass. Methods are
named by the overload, "aten::add.Tensor" as `aten_add_Tensor`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "runtime" / "python"))

ROW = re.compile(r'TSC_OP\(\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*"((?:[^"\\]|\\.)*)",\s*"([^"]*)"\)')
HEADERS = {"Pointwise": "pointwise", "Special": "special", "Linalg": "linalg",
           "Reduction": "reduction", "Scan": "scan", "View": "view", "Contraction": "contraction",
           "Window": "window", "Normalisation": "normalisation", "Attention": "attention", "Recurrent": "recurrent",
           "Transform": "fft", "Movement": "movement", "Resampling": "resampling",
           "Creation": "creation", "Random": "random", "Sort": "sort", "Query": "query", "Scalar": "scalar",
           "Container": "container", "Effect": "effect"}  # fmt: skip

# Rows whose C++ the compiler writes itself, since it names types, fields or branches.
EMITTED = {"list", "list_unpack", "tuple", "tuple_unpack", "tuple_index", "tuple_slice", "dict", "isinstance",
           "unchecked_cast", "object_new", "attr_get", "attr_set", "enum_name", "enum_value", "annotate", "symbolic",
           "state_get", "state_set"}  # fmt: skip

# C++ types of schema types; type variables stand for int, keys and values of dicts of str.
CPP = {"Tensor": "Tensor", "int": "i64", "SymInt": "i64", "float": "double", "bool": "bool", "complex": "Complex<double>",
       "str": "Str", "NoneType": "None", "number": "Scalar", "Scalar": "Scalar", "Device": "Device",
       "Generator": "None", "t": "i64", "t1": "i64", "t2": "i64", "tVal": "i64", "Any": "i64"}  # fmt: skip


# Rows whose second tensor may be a number.
NUMBERS = {"add", "sub", "rsub", "mul", "div", "div_mode", "floor_divide", "remainder", "fmod", "pow", "maximum", "minimum",
           "atan2", "copysign", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "bitwise_and",
           "bitwise_or", "bitwise_xor"}  # fmt: skip


class Overload:
    """`number`: the index of a Tensor operand that is a number in the call, as traced programs have it; or None."""

    def __init__(self, row, name, schema, in_place, number=None):
        self.row, self.name, self.schema, self.in_place, self.number = row, name, schema, in_place, number
        self.method = name.replace("::", "_").replace(".", "_") + ("" if number is None else f"_number{number}")


def table_rows():
    text = (ROOT / "compiler/ir/ops.def").read_text()
    return [(m[0], m[1], m[4], m[5].split()) for m in ROW.findall(text)]


def cpp_type(type_):
    kind = type_.kind()
    if kind == "OptionalType":
        element = type_.getElementType()
        return "None" if element.kind() == "GeneratorType" else f"Optional<{cpp_type(element)}>"
    if kind == "ListType":
        return f"List<{cpp_type(type_.getElementType())}>"
    if kind == "TupleType":
        return f"Tuple<{', '.join(cpp_type(t) for t in type_.elements())}>"
    if kind == "DictType":
        return f"Dict<{cpp_type(type_.getKeyType())}, {cpp_type(type_.getValueType())}>"
    name = type_.annotation_str if kind != "VarType" else "t"
    return CPP.get(name)


def overloads():
    """Every accepted overload with its schema; patterns "aten::len.*" take what no other row names."""
    schemas = {}
    for schema in torch._C._jit_get_all_schemas():
        name = schema.name + ("." + schema.overload_name if schema.overload_name else "")
        schemas.setdefault(name, schema)
    rows = table_rows()
    named = {name for row in rows for name in row[3] if not name.endswith("*")}
    for row, op_class, _, names in rows:
        if row in EMITTED or op_class == "Control":
            continue
        for name in names:
            if name.endswith(".*"):
                base = name[:-2]
                matching = [k for k in schemas if (k == base or k.startswith(base + ".")) and k not in named]
            else:
                matching = [name]
            for key in matching:
                if key not in schemas:
                    continue
                yield Overload(row, key, schemas[key], False), op_class
                base, _, rest = key.partition(".")
                twin = base + "_" + ("." + rest if rest else "")
                if op_class not in ("Scalar", "Container", "Query") and twin in schemas and not base.endswith("_"):
                    yield Overload(row, twin, schemas[twin], True), op_class


def usable(overload):
    schema = overload.schema
    if any(a.is_out for a in schema.arguments) or schema.name.startswith("prim::tolist"):
        return False
    if overload.row.startswith(("scalar_", "to_", "str_")) and any(str(a.type) == "Tensor" for a in schema.arguments):
        return overload.row in ("to_dtype", "to_device", "to_prim_dtype", "to_prim_device", "to_other", "to_str")
    return all(cpp_type(a.type) is not None and "None<" not in cpp_type(a.type) for a in schema.arguments)


def wrapper(overload):
    """The C++ of a method: the op called with the overload's operands."""
    arguments = overload.schema.arguments
    parameters = [("Scalar" if i == overload.number else cpp_type(a.type), f"a{i}") for i, a in enumerate(arguments)]
    returns = [cpp_type(r.type) for r in overload.schema.returns]
    result = returns[0] if len(returns) == 1 else f"Tuple<{', '.join(returns)}>" if returns else "None"
    row = "copy_" if overload.row == "copy_" else overload.row + ("_" if overload.in_place else "")
    operands = [name for _, name in parameters]
    body = ""
    writes = overload.in_place or row == "copy_" or any(a.alias_info is not None and a.alias_info.is_write for a in arguments[:1])
    if writes and parameters and parameters[0][0] == "Tensor":
        # The caller's tensor stays as it is: the op writes to a copy with the same strides.
        body = "  const Tensor target = ops::clone(ctx, a0);\n"
        operands[0] = "target"
    call = f"ops::{row}({', '.join(['ctx'] + operands)})"
    signature = ", ".join(["Context& ctx"] + [f"const {t}& {n}" for t, n in parameters])
    if writes and not returns and parameters:  # what was written is what can be compared
        result, tail = parameters[0][0], f"  {call};\n  return {operands[0]};\n"
    else:
        tail = f"  const {result} result = {call};\n  note_strides(result);\n  return result;\n"
    return f"{result} {overload.method}({signature}) {{\n{body}{tail}}}\n"


# What leaves a library is dense, so that the strides which the ops gave are noted before.
STRIDES = """
i64 noted[64], noted_count = 0;
void add_strides(const Tensor& t) {
  for (i64 d = 0; t.defined() && d < t.dim() && noted_count < 64; ++d) noted[noted_count++] = t.stride(d);
}
template <class T> void add_strides(const T&) {}
template <class T> void add_strides(const List<T>& items) { for (const T& item : items) add_strides(item); }
template <class... T, int... I> void add_fields(const Tuple<T...>& fields, Indices<I...>) {
  (add_strides(fields.template get<I>()), ...);
}
template <class... T> void add_strides(const Tuple<T...>& fields) { add_fields(fields, MakeIndices<sizeof...(T)>()); }
template <class T> void note_strides(const T& result) { noted_count = 0; add_strides(result); }
List<i64> last_strides(Context& ctx) { return List<i64>::copy_of(ctx, Span<const i64>(noted, noted_count)); }
"""


def generate(chosen):
    lines = ['#include "runtime/core/library.h"']
    lines += [f'#include "runtime/ops/{header}.h"' for header in sorted(set(HEADERS.values()))]
    lines += ["namespace generated {", "using namespace tsc;", "namespace {"]
    lines.append(STRIDES)
    methods, calls = ['{"last_strides", "", nullptr, 0, 0, 0, 0}'], ["method_call<&last_strides>"]
    for o in chosen:
        lines.append(wrapper(o))
        inputs = ", ".join(f'{{"a{i}", "", "", nullptr}}' for i in range(len(o.schema.arguments)))
        if o.schema.arguments:
            lines.append(f"constexpr tsc_input_info k_{o.method}[] = {{{inputs}}};")
        methods.append(f'{{"{o.method}", "", {f"k_{o.method}" if inputs else "nullptr"}, {len(o.schema.arguments)}, 0, 0, 0}}')
        calls.append(f"method_call<&{o.method}>")
    lines.append("constexpr tsc_method_info kMethods[] = {" + ",\n".join(methods) + "};")
    lines.append("constexpr MethodCall kCalls[] = {" + ",\n".join(calls) + "};")
    lines.append('constexpr tsc_model_info kInfo = {.name = "ops", .source_hash = "", .target = "native", .methods = kMethods,'
                 f".method_count = {len(methods)}, .state = nullptr, .state_count = 0, .weight_bytes = 0}};")
    lines.append("constexpr ModelTable kModel = {&kInfo, kCalls, {}, nullptr, 0, nullptr};")
    lines.append("constexpr const tsc_model_info* kInfos[] = {&kInfo};")
    lines.append("constexpr const ModelTable* kModels[] = {&kModel};")
    lines.append('constexpr LibraryTable kLibrary = {"", kModels, kInfos, 1};')
    lines.append("}  // namespace\n}  // namespace generated")
    lines.append('extern "C" __attribute__((visibility("default"))) const tsc_library* tsc_get_library(uint32_t version) {')
    lines.append("  return tsc::serve<generated::kLibrary>(version);\n}")
    return "\n".join(lines) + "\n"


def selected():
    seen, chosen = set(), []
    for overload, op_class in overloads():
        if overload.method in seen or not usable(overload):
            continue
        seen.add(overload.method)
        chosen.append(overload)
        if op_class == "Pointwise" and [str(a.type) for a in overload.schema.arguments[:2]] == ["Tensor", "Tensor"]:
            if overload.row in NUMBERS:
                chosen.append(Overload(overload.row, overload.name, overload.schema, overload.in_place, 1))
    return chosen


def build(folder, flags=("-O1",)):
    """Compiles the library into `folder`, unless it is there already and newer than the runtime."""
    folder = Path(folder)
    chosen = selected()
    source, library = folder / "ops.cpp", folder / "ops.so"
    text = generate(chosen)
    newest = max(p.stat().st_mtime for p in (ROOT / "runtime").rglob("*.h"))
    if not (library.exists() and library.stat().st_mtime > newest and source.exists() and source.read_text() == text):
        source.write_text(text)
        compiler = os.environ.get("TSC_CXX", "clang++-19")
        subprocess.run([compiler, "-std=c++20", *flags, "-march=native", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
                        "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", f"-I{ROOT}",
                        str(source), "-o", str(library), "-lm"], check=True)  # fmt: skip
    return library, chosen
