"""Libraries, models and their methods."""

import ctypes
import os
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

from tsc import abi, values
from tsc.error import Error
from tsc.profile import Counters, Profile

_REQUIRED = object()


class Input(NamedTuple):
    """What a method says of an input. `default` is only meaningful when `required` is False."""

    name: str
    type: str  # "Dict[str, Tensor]"
    tensor_type: str  # "float32[batch, 3, 224, 224]", or ""
    required: bool
    default: Any


class Placement(NamedTuple):
    """Where a call runs on the device, and where its results lie."""

    stream: int  # the device's handle, 0 for its default stream
    device_results: bool


class Method:
    """A method of a model, to be called with the inputs by position or name."""

    def __init__(self, instance: "_Instance", info: abi.MethodInfo, placement: Optional[Placement] = None):
        self._instance = instance
        self._placement = placement
        self._calls: List[values.TensorCall] = []  # idle ones; as many as there were calls at once
        self._raw_name: bytes = info.name
        self._defaults = [i.default_value.contents if i.default_value else _REQUIRED for i in info.inputs[: info.input_count]]
        self.name = abi.text(info.name)
        self.output = abi.text(info.output)
        self.uses_state = info.uses_state != 0
        self.arena_bytes: int = info.arena_bytes
        self.inputs: Tuple[Input, ...] = tuple(
            Input(
                abi.text(i.name),
                abi.text(i.type),
                abi.text(i.tensor_type),
                not i.default_value,
                values.read(i.default_value.contents, None) if i.default_value else None,
            )
            for i in info.inputs[: info.input_count]
        )

    def __call__(self, *args, **kwargs):
        if not kwargs and self._placement is None and args and len(args) == len(self.inputs):
            try:  # other threads take from them as well
                call = self._calls.pop()
            except IndexError:
                instance = self._instance
                call = values.TensorCall(instance.library, instance.pointer, self._raw_name, len(args))
            try:
                result = call(args)
            finally:
                self._calls.append(call)
            if result is not NotImplemented:
                return result
        given = list(args)
        if kwargs:
            self._place(given, kwargs)
        arguments = values.Arguments(self._placement.stream if self._placement else 0)
        array = arguments.build_all(given)
        # The default stream is what tensors on the device are ready on, where nobody says otherwise.
        placement = self._placement or (Placement(0, False) if arguments.on_device else None)
        library = self._instance.library
        if placement is None:
            return self._instance.take_result(library.call, self._raw_name, array, len(given))
        if library.call_on is None:
            raise Error("unsupported", "the library's interface is of a version that knows no devices")
        flags = abi.ON_STREAM | (abi.DEVICE_RESULTS if placement.device_results else 0)
        options = abi.CallOptions(ctypes.sizeof(abi.CallOptions), flags, 0, placement.stream or None)
        where = (self._raw_name, array, len(given), ctypes.byref(options))
        return self._instance.take_result(library.call_on, *where, stream=placement.stream)

    def _place(self, given: list, named: Dict[str, Any]) -> None:
        """Puts named inputs into their positions, with defaults between."""
        positions = {spec.name: index for index, spec in enumerate(self.inputs)}
        for name, value in named.items():
            if name not in positions:
                raise self._misuse(f"has no input '{name}'")
            if positions[name] < len(given) and given[positions[name]] is not _REQUIRED:
                raise self._misuse(f"got input '{name}' twice")
            while len(given) <= positions[name]:
                given.append(_REQUIRED)
            given[positions[name]] = value
        for index, value in enumerate(given):
            if value is _REQUIRED:
                given[index] = self._defaults[index]
            if given[index] is _REQUIRED:
                raise self._misuse(f"is missing input '{self.inputs[index].name}'")

    def _misuse(self, text: str) -> Error:
        return Error("invalid_argument", f"{self.name}() {text}", "TypeError")

    def __repr__(self) -> str:
        inputs = ", ".join(f"{i.name}: {i.type}" + ("" if i.required else f" = {i.default!r}") for i in self.inputs)
        return f"{self.name}({inputs}) -> {self.output}"


class Model:
    """A model with one instance. Methods are attributes; calling the model calls forward.

    Any number of threads may call methods that use no state at once. Methods that do run one at a time on a Model, others
    get an Error of kind "busy": give each thread a `clone()`.
    """

    def __init__(self, instance: "_Instance", placement: Optional[Placement] = None):
        self._instance = instance
        info = instance.library.model_info(instance.handle.model).contents
        self.name = abi.text(info.name)
        self.target = abi.text(info.target)
        self.source_hash = abi.text(info.source_hash)
        self.weight_bytes: int = info.weight_bytes
        self._state_names = [info.state[i].name for i in range(info.state_count)]
        self.methods: Mapping[str, Method] = {}
        for i in range(info.method_count):
            method = Method(instance, info.methods[i], placement)
            self.methods[method.name] = method

    def __call__(self, *args, **kwargs):
        if "forward" not in self.methods:
            raise Error("invalid_argument", f"model '{self.name}' has no method forward; it has {', '.join(self.methods)}")
        return self.methods["forward"](*args, **kwargs)

    def __getattr__(self, name: str) -> Method:
        methods = self.__dict__.get("methods", {})
        if name in methods:
            return methods[name]
        raise AttributeError(f"model '{self.__dict__.get('name')}' has no method '{name}'")

    def __dir__(self):
        return [*super().__dir__(), *self.methods]

    def state(self) -> Dict[str, Any]:
        """A copy of every attribute that methods write, by its path in the module tree."""
        return {abi.text(name): self._instance.take_result(self._instance.library.state_get, name) for name in self._state_names}

    def set_state(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            arguments = values.Arguments()
            self._instance.do(self._instance.library.state_set, name.encode(), arguments.build_all([value]))

    def reset(self) -> None:
        """Back to the state that the file was saved with."""
        self._instance.do(self._instance.library.instance_reset)

    def seed(self, seed: int) -> None:
        """Begins the stream of random numbers that torch.manual_seed(seed) begins for PyTorch's CPU ops."""
        self._instance.do(self._instance.library.instance_seed, seed % 2**64)

    def profile(self, reset: bool = False) -> Profile:
        """Where the time of calls went, of a library compiled with --profile; print it for a table.

        It counts the calls of all instances since the library was loaded, or since the last profile(reset=True).
        """
        counters = self._instance.handle.counters
        if counters is None:
            raise Error("unsupported", f"model '{self.name}' was compiled without --profile")
        return counters.read(reset)

    def on(self, stream: int = 0, device_results: bool = True) -> "Model":
        """The same model and state, for calls that put their work onto a stream of the device, in its order.

        stream: the device's handle of a stream; 0 is its default stream.
        device_results: tensors of the results are in the device's memory, ready on that stream: torch.from_dlpack(result) there.
        """
        return Model(self._instance, Placement(stream, device_results))

    def clone(self) -> "Model":
        """The same weights with a copy of the state, for another thread."""
        return Model(self._instance.clone())

    def __repr__(self) -> str:
        return f"<tsc model '{self.name}': {', '.join(repr(method) for method in self.methods.values())}>"


class _Instance:
    """Owns a tsc_instance. A model and its methods hold it, but not each other, so that it ends with the last of them."""

    def __init__(self, handle: "_Handle", pointer: Optional[ctypes.c_void_p] = None):
        self.handle = handle
        self.library = handle.library
        if pointer is None:
            pointer = ctypes.c_void_p()
            abi.check(self.library.instance_create, handle.model, ctypes.byref(pointer))
        self.pointer = pointer

    def clone(self) -> "_Instance":
        pointer = ctypes.c_void_p()
        self.do(self.library.instance_clone, ctypes.byref(pointer))
        return _Instance(self.handle, pointer)

    def do(self, function, *arguments) -> None:
        abi.check(function, self.pointer, *arguments)

    def take_result(self, function, *arguments, stream: int = 0) -> Any:
        result = ctypes.c_void_p()
        self.do(function, *arguments, ctypes.byref(result))
        return values.read_result(self.library, result.value, stream)

    def __del__(self):
        if "pointer" in self.__dict__:
            self.library.instance_destroy(self.pointer)


class _Handle:
    """Owns a tsc_model, for all instances of it."""

    def __init__(self, library: abi.Entries, get_profile, name: bytes, options: abi.Options):
        self.library = library
        self.counters = Counters(get_profile(name).contents) if get_profile else None
        self.model = ctypes.c_void_p()
        abi.check(library.model_create, name, ctypes.byref(options), ctypes.byref(self.model))

    def __del__(self):
        self.library.model_destroy(self.model)


class Library(Mapping[str, Model]):
    """The models of a library by name. Each is made when it is first asked for."""

    def __init__(self, library: abi.Entries, get_profile, options: abi.Options):
        self._library = library
        self._get_profile = get_profile
        self._options = options
        self._models: Dict[str, Optional[Model]] = {
            abi.text(library.models[i].contents.name): None for i in range(library.model_count)
        }
        self.compiler_version = abi.text(library.compiler_version)

    def __getitem__(self, name: str) -> Model:
        if name not in self._models:
            raise KeyError(name)
        model = self._models[name]
        if model is None:
            handle = _Handle(self._library, self._get_profile, name.encode(), self._options)
            model = self._models[name] = Model(_Instance(handle))
        return model

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"<tsc library: {', '.join(self._models)}>"


def load(path: Union[str, os.PathLike], threads: Optional[int] = None) -> Union[Model, Library]:
    """Loads a library: its model, or the Library when there are several.

    threads: how many one call may use; by default what the library was compiled for. Results do not depend on it.
    """
    options = abi.Options(struct_size=ctypes.sizeof(abi.Options))
    options.threads = threads or 0
    library = Library(*abi.open_library(os.path.abspath(path)), options)
    return library[next(iter(library))] if len(library) == 1 else library
