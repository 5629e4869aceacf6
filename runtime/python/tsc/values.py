"""Python values to and from tsc_value. Tensors come and go by DLPack, without a copy."""

import array
import ctypes
import enum
from collections import namedtuple
from functools import cached_property
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from tsc import abi
from tsc.error import Error

# DLPack's (code, bits) by name; numpy's type string where numpy has the type; and PyTorch's number of the type, which is
# what TorchScript programs know a dtype by.
_DTYPES = {
    "uint8": (1, 8, "|u1", 0),
    "int8": (0, 8, "|i1", 1),
    "int16": (0, 16, "<i2", 2),
    "int32": (0, 32, "<i4", 3),
    "int64": (0, 64, "<i8", 4),
    "float16": (2, 16, "<f2", 5),
    "float32": (2, 32, "<f4", 6),
    "float64": (2, 64, "<f8", 7),
    "complex32": (5, 32, None, 8),
    "complex64": (5, 64, "<c8", 9),
    "complex128": (5, 128, "<c16", 10),
    "bool": (6, 8, "|b1", 11),
    "bfloat16": (4, 16, None, 15),
}
_DTYPE_NAMES = {(code, bits): name for name, (code, bits, _, _) in _DTYPES.items()}
_PYTHON_FORMATS = {
    "uint8": ctypes.c_uint8,
    "int8": ctypes.c_int8,
    "int16": ctypes.c_int16,
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
    "bool": ctypes.c_bool,
}

_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
# The same two for a capsule that is being destroyed, which must not be counted as an object any more.
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", _api))
_get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_GetPointer", _api))


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _destroy_capsule(capsule):
    """Deletes the tensor of a capsule that nobody consumed; consumers rename theirs."""
    if _is_valid(capsule, b"dltensor"):
        managed = ctypes.cast(_get_pointer(capsule, b"dltensor"), ctypes.POINTER(abi.ManagedTensor))
        managed.contents.deleter(managed)


_api.Py_IncRef(ctypes.py_object(_destroy_capsule))  # capsules may be destroyed after this module


class ResultOwner:
    """Keeps a tsc_result alive for the tensors in it."""

    __slots__ = ("library", "result", "stream")

    def __init__(self, library: abi.Entries, result: int, stream: int):
        self.library = library
        self.result = result  # the address, which is also that of its value
        self.stream = stream  # on which tensors in the device's memory are ready

    def __del__(self):
        self.library.result_destroy(self.result)


class Tensor:
    """A tensor that a call returned: row-major, in the CPU's memory or, where the call asked for that, in the device's. Goes to
    others by DLPack, or from the CPU's memory by numpy's protocols."""

    def __init__(self, owner: ResultOwner, address: int):
        self._owner = owner
        self._address = address

    # Read when they are asked for: each takes as long as a small op.
    @cached_property
    def _struct(self) -> abi.TensorStruct:
        return abi.TensorStruct.from_address(self._address)

    @cached_property
    def shape(self) -> Tuple[int, ...]:
        return tuple(self._struct.shape[: self._struct.ndim])

    @cached_property
    def dtype(self) -> str:
        return _DTYPE_NAMES[self._struct.dtype.code, self._struct.dtype.bits]

    def __dlpack_device__(self) -> Tuple[int, int]:
        return (self._struct.device_type, self._struct.device_id)

    def _check_on_host(self) -> None:
        if self._struct.device_type != abi.CPU:
            raise Error("unsupported", "the tensor is in the device's memory: take it by DLPack, or call for results on the CPU")

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if copy:
            raise BufferError("tsc.Tensor does not copy for __dlpack__")
        if self._struct.device_type == abi.DEVICE and stream != -1 and stream != _dlpack_stream(self._owner.stream):
            if stream is not None or self._owner.stream != 0:
                raise BufferError(f"the result is ready on stream {self._owner.stream}, and is wanted on stream {stream}")
        managed = self._owner.library.result_share(self._owner.result, ctypes.byref(self._struct))
        if not managed:
            raise MemoryError
        return _api.PyCapsule_New(
            ctypes.cast(managed, ctypes.c_void_p), b"dltensor", ctypes.cast(_destroy_capsule, ctypes.c_void_p)
        )

    @property
    def __array_interface__(self) -> Dict[str, Any]:
        self._check_on_host()
        typestr = _DTYPES[self.dtype][2]
        if typestr is None:
            raise AttributeError(f"numpy has no {self.dtype}")
        # numpy refuses a null pointer, which an empty tensor may have.
        data = self._struct.data or ctypes.addressof(self._struct)
        return {"version": 3, "shape": self.shape, "typestr": typestr, "data": (data, False)}

    def __array__(self, dtype=None, copy=None):
        import numpy

        array = numpy.asarray(_ArrayInterface(self))
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def numpy(self):
        return self.__array__()

    def tolist(self):
        """Nested lists of Python numbers; a number when there are no dimensions."""
        self._check_on_host()
        if self.dtype not in _PYTHON_FORMATS:
            return self.numpy().tolist()
        count = 1
        for size in self.shape:
            count *= size
        flat = list((_PYTHON_FORMATS[self.dtype] * count).from_address(self._struct.data)) if count else []
        flat.reverse()  # to be taken from the end

        def nested(d: int):
            return [nested(d + 1) for _ in range(self.shape[d])] if d < len(self.shape) else flat.pop()

        return nested(0)

    def item(self):
        value = self.tolist()
        while isinstance(value, list):
            if len(value) != 1:
                raise ValueError("only a tensor of one element has an item")
            value = value[0]
        return value

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor without dimensions has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"tsc.Tensor(shape={list(self.shape)}, dtype={self.dtype})"


class _ArrayInterface:
    """What numpy keeps as the base of an array: the tensor's memory, without its __array__."""

    def __init__(self, tensor: Tensor):
        self._tensor = tensor
        self.__array_interface__ = tensor.__array_interface__


class Object:
    """An object of one of the model's classes; its fields are attributes."""

    def __init__(self, type_name: str, **fields):
        self.__dict__.update(fields)
        self._type_name = type_name

    def __repr__(self) -> str:
        return f"{self._type_name}({', '.join(f'{k}={v!r}' for k, v in fields_of(self).items())})"

    def __eq__(self, other) -> bool:
        return isinstance(other, Object) and self.__dict__ == other.__dict__


def fields_of(value) -> Dict[str, Any]:
    return {name: field for name, field in vars(value).items() if not name.startswith("_")}


# Long lists of numbers go as whole columns of 64-bit words: one by one, an element costs ten times as much.
_WORDS = ctypes.sizeof(abi.Value) // 8
_LONG = 16


def _build_numbers(values) -> Optional[ctypes.Array]:
    """The tsc_values of a long list of only ints or only floats; None for any other."""
    types = set(map(type, values)) if len(values) >= _LONG else set()
    try:
        if types == {int}:
            kind, column = abi.INT, array.array("q", values)
        elif types == {float}:
            kind, column = abi.FLOAT, array.array("q", array.array("d", values).tobytes())
        else:
            return None
    except OverflowError:  # which the slow way reports
        return None
    words = array.array("q", bytes(8 * _WORDS * len(values)))
    words[abi.Value.kind.offset // 8 :: _WORDS] = array.array("q", [kind]) * len(values)
    words[abi.Value.u.offset // 8 :: _WORDS] = column
    return (abi.Value * len(values)).from_buffer(words)


def _read_numbers(sequence: abi.SequenceStruct) -> Optional[List[Any]]:
    """The elements of a long list of only ints, floats or bools; None for any other."""
    if sequence.count < _LONG:
        return None
    address = ctypes.addressof(sequence.items.contents)
    data = memoryview((ctypes.c_uint8 * (8 * _WORDS * sequence.count)).from_address(address)).cast("B")
    kinds = set(data.cast("i")[abi.Value.kind.offset // 4 :: 2 * _WORDS].tolist())
    if kinds == {abi.INT}:
        return data.cast("q")[abi.Value.u.offset // 8 :: _WORDS].tolist()
    if kinds == {abi.FLOAT}:
        return data.cast("d")[abi.Value.u.offset // 8 :: _WORDS].tolist()
    if kinds == {abi.BOOL}:
        return [value != 0 for value in data.cast("i")[abi.Value.u.offset // 4 :: 2 * _WORDS].tolist()]
    return None


def _dlpack_stream(handle: int) -> int:
    """The device's handle of a stream as DLPack tells it, to which 1 is the default stream."""
    return handle or 1


class TensorCall:
    """Calls a method whose inputs are tensors. What that needs of ctypes' objects is made once, for calls one at a time: to make
    them takes longer than to call."""

    def __init__(self, library: abi.Entries, instance: ctypes.c_void_p, method: bytes, count: int):
        self._library = library
        structs = [abi.TensorStruct() for _ in range(count)]
        self._slots = [(struct, ctypes.byref(struct)) for struct in structs]
        inputs = (abi.Value * count)()
        for value, struct in zip(inputs, structs):
            value.kind, value.u.tensor_address = abi.TENSOR, ctypes.addressof(struct)
        self._result, self._error = ctypes.c_void_p(), abi.ErrorStruct()
        outputs = (ctypes.byref(self._result), ctypes.byref(self._error))
        self._arguments = (instance, ctypes.c_char_p(method), inputs, ctypes.c_size_t(count), *outputs)

    def __call__(self, tensors) -> Any:
        """The result for tensors that are described where they lie; NotImplemented when one must go by Arguments."""
        for tensor, (struct, reference) in zip(tensors, self._slots):
            if not _borrow(tensor, struct, reference):
                return NotImplemented
        if self._library.prepared_call(*self._arguments) != 0:
            raise abi.reported(self._error)
        return read_result(self._library, self._result.value, 0)


class Arguments:
    """Builds tsc_values; holds what they point to."""

    def __init__(self, stream: int = 0):
        self._kept: List[Any] = []
        self._stream = stream  # on which tensors in the device's memory are to be ready
        self.on_device = False  # whether there are such tensors

    def build_all(self, values) -> ctypes.Array:
        numbers = _build_numbers(values)
        slots = numbers if numbers is not None else (abi.Value * len(values))()
        self._kept.append(slots)
        if numbers is None:
            for slot, value in zip(slots, values):
                self.build(value, slot)
        return slots

    def build(self, value: Any, to: abi.Value) -> None:
        if type(value) in _describers:  # a tensor of a class that was met before
            self._build_tensor(value, to)
        elif value is None:
            to.kind = abi.NONE
        elif isinstance(value, bool):
            to.kind, to.u.boolean = abi.BOOL, value
        elif isinstance(value, int):
            self._build_int(value, to)
        elif isinstance(value, float):
            to.kind, to.u.real = abi.FLOAT, value
        elif isinstance(value, complex):
            to.kind = abi.COMPLEX
            to.u.complex_value[0], to.u.complex_value[1] = value.real, value.imag
        elif isinstance(value, str):
            self._build_str(value, to)
        elif isinstance(value, list):
            self._build_sequence(abi.LIST, value, to)
        elif isinstance(value, tuple):
            self._build_sequence(abi.TUPLE, value, to)
        elif isinstance(value, dict):
            self._build_sequence(abi.DICT, [part for entry in value.items() for part in entry], to)
        elif hasattr(value, "__dlpack__"):
            self._build_tensor(value, to)
        elif isinstance(value, abi.Value):  # a default, from the library's own metadata
            ctypes.pointer(to)[0] = value
        else:
            self._build_other(value, to)

    def _build_int(self, value: int, to: abi.Value) -> None:
        if not -(2**63) <= value < 2**63:
            raise Error("value_error", f"{value} is no 64-bit integer", "OverflowError")
        to.kind, to.u.integer = abi.INT, value

    def _build_str(self, value: str, to: abi.Value) -> None:
        data = value.encode("utf-8", "surrogatepass")
        self._kept.append(data)
        to.kind = abi.STR
        to.u.str.data = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
        to.u.str.size = len(data)

    def _build_sequence(self, kind: int, items, to: abi.Value) -> None:
        to.kind = kind
        to.u.sequence.items = self.build_all(items)
        to.u.sequence.count = len(items)

    def _build_tensor(self, value: Any, to: abi.Value) -> None:
        _meet(type(value))
        borrowed = abi.TensorStruct()
        if _borrow(value, borrowed, ctypes.byref(borrowed)):
            self._kept += [value, borrowed]
            to.kind, to.u.tensor_address = abi.TENSOR, ctypes.addressof(borrowed)
            return
        try:
            device = value.__dlpack_device__()[0]
        except ValueError:  # torch's for devices that DLPack has no number for
            device = None
        if device == abi.DEVICE:
            self.on_device = True
            capsule = _export(value, stream=_dlpack_stream(self._stream))
        elif device in (abi.CPU, abi.PINNED):
            capsule = _export(value)
        else:
            raise Error("unsupported", "the tensor is not in the CPU's memory")
        self._kept.append(capsule)
        managed = _api.PyCapsule_GetPointer(capsule, b"dltensor")
        to.kind = abi.TENSOR
        to.u.tensor = ctypes.cast(managed, ctypes.POINTER(abi.TensorStruct))

    def _build_other(self, value: Any, to: abi.Value) -> None:
        module = type(value).__module__.partition(".")[0]
        name = str(value).rpartition(".")[2]
        if module == "torch" and name in _DTYPES:  # torch.float32
            self._build_int(_DTYPES[name][3], to)
        elif module == "torch" and type(value).__name__ == "device":
            self._build_str(str(value), to)
        elif module == "numpy" and hasattr(value, "item"):  # a numpy scalar
            self.build(value.item(), to)
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            is_member = isinstance(value, enum.Enum)
            fields = {"name": value.name, "value": value.value} if is_member else fields_of(value)
            self._build_sequence(abi.OBJECT, list(fields.values()), to)
            names = (ctypes.c_char_p * len(fields))(*[field.encode() for field in fields])
            struct = abi.Names(type(value).__name__.encode(), names)
            self._kept += [names, struct]
            to.names = ctypes.pointer(struct)
        else:
            raise Error("type_error", f"a value of type {type(value).__name__} cannot be given to a model", "TypeError")


class _Describer(NamedTuple):
    """Describes tensors of a class for as long as they live, without a capsule."""

    describe: Callable[[Any, Any], int]  # by DLPack's exchange table
    is_neg: Callable[[Any], bool]  # torch's, of tensors whose elements are to be negated when they are read
    is_conj: Callable[[Any], bool]


# None for a class without an exchange table of its own: a subclass may keep its elements elsewhere.
_describers: Dict[type, Optional[_Describer]] = {}


def _never(value: Any) -> bool:
    return False


def _meet(kind: type) -> None:
    if kind in _describers:
        return
    _describers[kind] = None
    capsule = vars(kind).get("__dlpack_c_exchange_api__")
    if type(capsule).__name__ == "PyCapsule":
        table = abi.ExchangeTable.from_address(_api.PyCapsule_GetPointer(capsule, b"dlpack_exchange_api"))
        if table.major == 1 and table.describe:
            _describers[kind] = _Describer(table.describe, getattr(kind, "is_neg", _never), getattr(kind, "is_conj", _never))


def _borrow(value: Any, struct: abi.TensorStruct, reference) -> bool:
    """Describes the tensor where it lies, of a class that says so at once: __dlpack__() is Python code, which costs microseconds."""
    describer = _describers.get(type(value))
    if describer is None:
        return False
    describe, is_neg, is_conj = describer
    try:
        if is_neg(value) or is_conj(value):
            return False
        return describe(ctypes.py_object(value), reference) == 0 and struct.device_type == abi.CPU
    except Exception:  # the slow way tells what is wrong
        return False


def _is_lazy(value: Any) -> bool:
    """Whether it is one of torch's tensors whose elements are to be negated or conjugated when they are read."""
    return hasattr(value, "is_neg") and (value.is_neg() or value.is_conj())


def _export(value: Any, **where):
    """value.__dlpack__(), also where a framework refuses what is harmless here."""
    if _is_lazy(value):  # which torch's __dlpack__ forgets, or refuses
        value = value.resolve_conj().resolve_neg()
    try:
        return value.__dlpack__(**where)
    except (BufferError, RuntimeError) as error:
        refusal = str(error)
    try:
        if hasattr(value, "detach"):  # torch: a tensor that requires a gradient
            return value.detach().__dlpack__(**where)
        if hasattr(value, "flags") and hasattr(value, "copy"):  # numpy: a read-only array
            return value.copy().__dlpack__()
    except (BufferError, RuntimeError):
        pass
    raise Error("unsupported", refusal)


_named_tuples: Dict[Tuple[str, Tuple[str, ...]], type] = {}


def read_result(library: abi.Entries, result: int, stream: int) -> Any:
    """A tsc_result, which begins with its value, as Python's value."""
    tensor = abi.TensorValue.from_address(result)
    if tensor.kind == abi.TENSOR:
        return Tensor(ResultOwner(library, result, stream), tensor.tensor_address)
    return read(abi.Value.from_address(result), ResultOwner(library, result, stream))


def read(value: abi.Value, owner: Optional[ResultOwner]) -> Any:
    """A tsc_value of a result as Python's value."""
    kind = value.kind
    if kind == abi.TENSOR:
        return Tensor(owner, value.u.tensor_address)
    if kind == abi.NONE:
        return None
    if kind == abi.BOOL:
        return value.u.boolean != 0
    if kind == abi.INT:
        return value.u.integer
    if kind == abi.FLOAT:
        return value.u.real
    if kind == abi.COMPLEX:
        return complex(value.u.complex_value[0], value.u.complex_value[1])
    if kind == abi.STR:
        return ctypes.string_at(value.u.str.data, value.u.str.size).decode("utf-8", "surrogatepass")
    items = _read_numbers(value.u.sequence)
    if items is None:
        items = [read(value.u.sequence.items[i], owner) for i in range(value.u.sequence.count)]
    if kind == abi.LIST:
        return items
    if kind == abi.DICT:
        return dict(zip(items[::2], items[1::2]))
    if not value.names:
        return tuple(items)
    type_name = abi.text(value.names.contents.type_name)
    names = tuple(abi.text(value.names.contents.field_names[i]) for i in range(len(items)))
    if kind == abi.OBJECT:
        return Object(type_name, **dict(zip(names, items)))
    key = (type_name, names)
    if key not in _named_tuples:
        _named_tuples[key] = namedtuple(type_name, names, rename=True)
    return _named_tuples[key](*items)
