"""The one exception of the package."""

from typing import NamedTuple, Sequence

# By tsc_status.
KINDS = (
    "ok",
    "invalid_argument",
    "type_error",
    "shape_error",
    "index_error",
    "key_error",
    "value_error",
    "runtime_error",
    "raised",
    "out_of_memory",
    "unsupported",
    "busy",
    "internal",
)


class Frame(NamedTuple):
    """A position in the model's Python program."""

    file: str
    line: int
    function: str
    text: str


class Error(Exception):
    """What a library or the compiler refused.

    kind: one of ``tsc.error.KINDS``, or "compile_error"; class_name: Python's name for it ("IndexError"), or the class
    that the program raised; message; stack: Frames, innermost first; python_file and line: of the innermost one, or None.
    """

    def __init__(self, kind: str, message: str, class_name: str = "", stack: Sequence[Frame] = ()):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.class_name = class_name
        self.stack = list(stack)
        self.python_file = self.stack[0].file if self.stack else None
        self.line = self.stack[0].line if self.stack else None

    def __str__(self) -> str:
        place = f"{self.python_file}:{self.line}: " if self.stack else ""
        name = f"{self.class_name}: " if self.class_name else ""
        return place + name + self.message
