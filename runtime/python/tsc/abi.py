"""tsc.h in ctypes: the same structs with the same names, and the check of a call's status."""

import ctypes
import os
from ctypes import CFUNCTYPE, POINTER, PYFUNCTYPE, Structure, Union
from ctypes import c_char, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Dict, List, Tuple

from tsc.error import KINDS, Error, Frame

ABI_VERSION = 0x00010000

NONE, BOOL, INT, FLOAT, COMPLEX, STR, TENSOR, LIST, TUPLE, DICT, OBJECT = range(11)

CPU = 1
DEVICE = 2  # memory of a GPU's
PINNED = 3  # the host's, pinned for a GPU

ON_STREAM, DEVICE_RESULTS = 1, 2  # tsc_call_flags


class DType(Structure):
    _fields_ = [("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16)]


class TensorStruct(Structure):
    """tsc_tensor, which is DLPack's DLTensor."""

    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("dtype", DType),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class ManagedTensor(Structure):
    """tsc_managed_tensor, which is DLPack's DLManagedTensor."""


ManagedTensor._fields_ = [
    ("dl_tensor", TensorStruct),
    ("manager_ctx", c_void_p),
    ("deleter", CFUNCTYPE(None, POINTER(ManagedTensor))),
]


class ExchangeTable(Structure):
    """DLPack's DLPackExchangeAPI, of version 1."""

    _fields_ = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("previous", c_void_p),
        ("allocate", c_void_p),
        ("to_managed", c_void_p),
        ("from_managed", c_void_p),
        ("describe", PYFUNCTYPE(ctypes.c_int)),  # dltensor_from_py_object_no_sync, of a py_object and a byref
        ("current_stream", c_void_p),
    ]


class Names(Structure):
    _fields_ = [("type_name", c_char_p), ("field_names", POINTER(c_char_p))]


class StrStruct(Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class Value(Structure):
    pass


class SequenceStruct(Structure):
    _fields_ = [("items", POINTER(Value)), ("count", c_size_t)]


class ValueUnion(Union):
    _fields_ = [
        ("boolean", c_int32),
        ("integer", c_int64),
        ("real", c_double),
        ("complex_value", c_double * 2),
        ("str", StrStruct),
        ("tensor", POINTER(TensorStruct)),
        ("tensor_address", c_void_p),  # the same, without ctypes' book of what refers to what
        ("sequence", SequenceStruct),
    ]


Value._fields_ = [("kind", c_int32), ("reserved", c_int32), ("u", ValueUnion), ("names", POINTER(Names))]


class TensorValue(Structure):
    """A Value that is a tensor, without an object for its union."""

    _fields_ = [("kind", c_int32), ("reserved", c_int32), ("tensor_address", c_void_p)]


class FrameStruct(Structure):
    _fields_ = [("file", c_char_p), ("line", c_int32), ("function", c_char_p), ("text", c_char_p)]


class ErrorStruct(Structure):
    _fields_ = [
        ("status", c_int32),
        ("frame_count", c_uint32),
        ("frames", POINTER(FrameStruct)),
        ("class_name", c_char * 64),
        ("message", c_char * 1024),
    ]


class InputInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("type", c_char_p),
        ("tensor_type", c_char_p),
        ("default_value", POINTER(Value)),
    ]


class MethodInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("output", c_char_p),
        ("inputs", POINTER(InputInfo)),
        ("input_count", c_size_t),
        ("uses_state", c_int32),
        ("reserved", c_int32),
        ("arena_bytes", c_uint64),
    ]


class StateInfo(Structure):
    _fields_ = [("name", c_char_p), ("type", c_char_p)]


class ModelInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("source_hash", c_char_p),
        ("target", c_char_p),
        ("methods", POINTER(MethodInfo)),
        ("method_count", c_size_t),
        ("state", POINTER(StateInfo)),
        ("state_count", c_size_t),
        ("weight_bytes", c_uint64),
    ]


class Options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("threads", c_int32),
        ("reserved", c_int32),
        ("parallel_for", c_void_p),
        ("parallel_user", c_void_p),
        ("allocate", c_void_p),
        ("release", c_void_p),
        ("allocator_user", c_void_p),
        ("print", c_void_p),
        ("print_user", c_void_p),
    ]


class CallOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("flags", c_uint32), ("reserved", c_uint32), ("stream", c_void_p)]


_Model, _Instance, _Result, _Error = c_void_p, c_void_p, c_void_p, POINTER(ErrorStruct)


# Calls through these release the GIL.
class LibraryStruct(Structure):
    _fields_ = [
        ("abi_version", c_uint32),
        ("struct_size", c_uint32),
        ("compiler_version", c_char_p),
        ("models", POINTER(POINTER(ModelInfo))),
        ("model_count", c_size_t),
        ("model_create", CFUNCTYPE(c_int32, c_char_p, POINTER(Options), POINTER(_Model), _Error)),
        ("model_destroy", CFUNCTYPE(None, _Model)),
        ("model_info", CFUNCTYPE(POINTER(ModelInfo), _Model)),
        ("instance_create", CFUNCTYPE(c_int32, _Model, POINTER(_Instance), _Error)),
        ("instance_clone", CFUNCTYPE(c_int32, _Instance, POINTER(_Instance), _Error)),
        ("instance_reset", CFUNCTYPE(c_int32, _Instance, _Error)),
        ("instance_seed", CFUNCTYPE(c_int32, _Instance, c_uint64, _Error)),
        ("instance_destroy", CFUNCTYPE(None, _Instance)),
        ("state_get", CFUNCTYPE(c_int32, _Instance, c_char_p, POINTER(_Result), _Error)),
        ("state_set", CFUNCTYPE(c_int32, _Instance, c_char_p, POINTER(Value), _Error)),
        ("call", CFUNCTYPE(c_int32, _Instance, c_char_p, POINTER(Value), c_size_t, POINTER(_Result), _Error)),
        ("result_destroy", CFUNCTYPE(None, _Result)),
        ("result_share", CFUNCTYPE(POINTER(ManagedTensor), _Result, POINTER(TensorStruct))),
        # Version 1.1: there when struct_size says so.
        (
            "call_on",
            CFUNCTYPE(c_int32, _Instance, c_char_p, POINTER(Value), c_size_t, POINTER(CallOptions), POINTER(_Result), _Error),
        ),
    ]


class Entries:
    """What a LibraryStruct holds, looked up once: ctypes makes a new object of a function at each look. Fields that a library of
    an older version lacks are None."""

    def __init__(self, library: LibraryStruct):
        for name, *_ in LibraryStruct._fields_:
            is_there = getattr(LibraryStruct, name).offset < library.struct_size
            setattr(self, name, getattr(library, name) if is_there else None)
        # The same entry for arguments that are ctypes' objects of the right types already, which takes half as long to call.
        self.prepared_call = CFUNCTYPE(c_int32)(ctypes.cast(self.call, c_void_p).value)


class ProfileOp(Structure):
    _fields_ = [("name", c_char_p), ("source", c_char_p), ("id", c_uint64)]


class ProfileRow(Structure):
    _fields_ = [
        ("method", c_char_p),
        ("name", c_char_p),
        ("kind", c_char_p),
        ("ops", POINTER(ProfileOp)),
        ("op_count", c_size_t),
    ]


class ProfileTime(Structure):
    _fields_ = [("calls", c_uint64), ("nanoseconds", c_uint64), ("operations", c_uint64), ("bytes", c_uint64)]


class ProfileStruct(Structure):
    _fields_ = [
        ("model", c_char_p),
        ("rows", POINTER(ProfileRow)),
        ("times", POINTER(ProfileTime)),
        ("row_count", c_size_t),
    ]


def text(data: bytes) -> str:
    return (data or b"").decode("utf-8", "replace")


def check(function, *arguments) -> None:
    """Calls an entry point, which takes a tsc_error last, and raises what it reports."""
    error = ErrorStruct()
    if function(*arguments, ctypes.byref(error)) != 0:
        raise reported(error)


def reported(error: ErrorStruct) -> Error:
    frames = error.frames[: error.frame_count] if error.frame_count else []
    stack = [Frame(text(f.file), f.line, text(f.function), text(f.text)) for f in frames]
    return Error(KINDS[error.status], text(error.message), text(error.class_name), stack)


_files: Dict[str, List[Tuple[int, int]]] = {}  # device and inode of what has been loaded from each path, in order


def _name_for_loader(path: str) -> str:
    """The system's loader gives back what it has loaded under a name before. A file that has taken the place of another,
    as when a model is compiled again, needs a new name: the same path, said in another way."""
    if not os.path.exists(path):
        return path
    path = os.path.realpath(path)
    status = os.stat(path)
    files = _files.setdefault(path, [])
    if (status.st_dev, status.st_ino) not in files:
        files.append((status.st_dev, status.st_ino))
    folder, name = os.path.split(path)
    return os.path.join(folder, "./" * files.index((status.st_dev, status.st_ino)) + name)


def open_library(path: str):
    """Loads a library, which stays loaded until the process ends: results may outlive every Python object of it.

    Returns its Entries, and its tsc_get_profile or None.
    """
    try:
        loaded = ctypes.CDLL(_name_for_loader(path))
        get = loaded.tsc_get_library
    except OSError as error:
        raise Error("invalid_argument", str(error)) from None
    except AttributeError:
        raise Error("invalid_argument", f"{path} is not a library that tsc made") from None
    get.restype = POINTER(LibraryStruct)
    get.argtypes = [c_uint32]
    library = get(ABI_VERSION)
    if not library:
        raise Error("unsupported", f"{path} was made for another version of the interface")
    get_profile = getattr(loaded, "tsc_get_profile", None)
    if get_profile:
        get_profile.restype = POINTER(ProfileStruct)
        get_profile.argtypes = [c_char_p]
    return Entries(library.contents), get_profile
