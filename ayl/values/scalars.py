"""Numbers, text, bytes and other single values: how each is written, and next to it how it is read."""

from __future__ import annotations

import math
import re
import sys
from binascii import a2b_base64, b2a_base64
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from .tags import Leaf, shortened, tag

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

_HEX = re.compile("-?0x[0-9a-f]+")


def write_int(value: int) -> Any:
    # Hexadecimal: Python refuses to read or print more than 4300 decimal digits, and reads hex in linear time.
    return value if INT_MIN <= value <= INT_MAX else tag("int", hex(value))


def _read_int(text: str) -> int:
    if not _HEX.fullmatch(text):
        raise ValueError(f"{shortened(text)} is no hexadecimal number")
    return int(text, 16)


def write_float(value: float) -> Any:
    return value if math.isfinite(value) else tag("float", repr(value))


def _read_float(text: str) -> float:
    if text not in {"nan", "inf", "-inf"}:
        raise ValueError(f"{shortened(text)} is neither nan nor inf nor -inf")
    # Made anew, not shared: sets tell one NaN from another by identity.
    return float(text)


def write_str(value: str) -> Any:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return tag("str", _base64(value.encode("utf-8", "surrogatepass")))
    return value


def _read_str(text: str) -> str:
    return _bytes(text).decode("utf-8", "surrogatepass")


def _base64(value: bytes | bytearray) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


def _bytes(text: str) -> bytes:
    return a2b_base64(text, strict_mode=True)


def _write_complex(value: complex) -> Any:
    return tag("complex", write_float(value.real), write_float(value.imag))


# A context of our own: the thread's may print a small "e" or turn a malformed number into NaN.
_DECIMALS = Context(prec=1, capitals=1, traps=[InvalidOperation])


def _write_decimal(value: Decimal) -> Any:
    return tag("Decimal", _DECIMALS.to_sci_string(value))


def _read_decimal(text: str) -> Decimal:
    value = Decimal(text, _DECIMALS)
    return canonical(value, _DECIMALS.to_sci_string(value), text)


def _read_uuid(text: str) -> UUID:
    value = UUID(text)
    return canonical(value, str(value), text)


def canonical(value: T, written: str, text: str) -> T:
    """`value`, if `text` is how we write it: the parsers accept much more (spaces, underscores, other digits)."""
    if written != text:
        raise ValueError(f"{shortened(text)} would be written {shortened(written)}")
    return value


def _write_range(value: range) -> Any:
    return tag("range", *(write_int(int(bound)) for bound in (value.start, value.stop, value.step)))


WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    int: write_int,
    float: write_float,
    str: write_str,
    complex: _write_complex,
    Decimal: _write_decimal,
    UUID: lambda value: tag("UUID", str(value)),
    bytes: lambda value: tag("bytes", _base64(value)),
    bytearray: lambda value: tag("bytearray", _base64(value)),
    range: _write_range,
}

PATHS: Final = {"PosixPath": "Path", "PurePosixPath": "PurePosixPath"}
"""The classes of pathlib whose values travel, by name, and their tags. With what it brings it is half a megabyte, which
a process that has no paths can do without.
"""


def path_writer(kind: type) -> Callable[[Any], Any] | None:
    """The writer for a path, whoever has one having pathlib too; None for other values."""
    name = PATHS.get(kind.__name__)
    if name is None or kind is not getattr(sys.modules.get("pathlib"), kind.__name__, None):
        return None
    # A file name that is no UTF-8 is a str with lone surrogates, which write_str takes care of.
    return lambda value: tag(name, write_str(str(value)))


def _read_path(name: str, text: str) -> object:
    import pathlib

    return getattr(pathlib, name)(text)


LEAVES: Final = (
    Leaf("int", _read_int, ((str,),)),
    Leaf("float", _read_float, ((str,),)),
    Leaf("str", _read_str, ((str,),)),
    Leaf("complex", complex, ((float,), (float,))),
    Leaf("Decimal", _read_decimal, ((str,),)),
    Leaf("UUID", _read_uuid, ((str,),)),
    Leaf("bytes", _bytes, ((str,),)),
    Leaf("bytearray", lambda text: bytearray(_bytes(text)), ((str,),)),
    Leaf("range", range, ((int,), (int,), (int,))),
    *(Leaf(tag, partial(_read_path, name), ((str,),)) for name, tag in PATHS.items()),
)
