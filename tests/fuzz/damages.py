"""What disks, crashes and people do to files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ayl_server.binlog.segment import numbers

from .choices import between, chance, pick

if TYPE_CHECKING:
    from .choices import Choices
    from .histories import Files, History

BLOCKS = (1, 4, 16, 64, 512, 4096)


def damaged(choices: Choices, history: History) -> Files:
    """The files after something has happened to them; the reserves are nobody's loss."""
    files = dict(history.files)
    for _ in range(pick(choices, (1, 1, 1, 2, 3))):
        pick(choices, DAMAGES)(choices, history, files)
    return files


def segments(files: Files) -> list[str]:
    return [f"ayl-binlog.{number}" for number in numbers(list(files), "ayl-binlog")]


def _place(choices: Choices, data: bytes) -> int:
    """Somewhere in the file, rarely in the zeros at its end."""
    used = len(data.rstrip(b"\0")) + 8
    return choices.below(min(len(data), used) + 1) if chance(choices, 90) else choices.below(len(data) + 1)


def _overwrite(files: Files, name: str, offset: int, new: bytes) -> None:
    data = files[name]
    files[name] = (data[:offset] + new + data[offset + len(new) :])[: len(data)]


def flip(choices: Choices, history: History, files: Files) -> None:
    name = pick(choices, segments(files))
    place = _place(choices, files[name])
    byte = files[name][place : place + 1]
    if byte:
        _overwrite(files, name, place, bytes([byte[0] ^ (1 << choices.below(8))]))


def zero(choices: Choices, history: History, files: Files) -> None:
    name = pick(choices, segments(files))
    _overwrite(files, name, _place(choices, files[name]), bytes(pick(choices, BLOCKS)))


def scribble(choices: Choices, history: History, files: Files) -> None:
    name = pick(choices, segments(files))
    _overwrite(files, name, _place(choices, files[name]), choices.blob(between(choices, 1, 40)))


def swap(choices: Choices, history: History, files: Files) -> None:
    """Two blocks change places."""
    size = pick(choices, BLOCKS)
    one, other = pick(choices, segments(files)), pick(choices, segments(files))
    here, there = _place(choices, files[one]), _place(choices, files[other])
    first, second = files[one][here : here + size], files[other][there : there + size]
    length = min(len(first), len(second))
    _overwrite(files, one, here, second[:length])
    _overwrite(files, other, there, first[:length])


def misplace(choices: Choices, history: History, files: Files) -> None:
    """A block is written where another one should be."""
    size = pick(choices, BLOCKS)
    one, other = pick(choices, segments(files)), pick(choices, segments(files))
    start = _place(choices, files[one])
    _overwrite(files, other, _place(choices, files[other]), files[one][start : start + size])


def lose_write(choices: Choices, history: History, files: Files) -> None:
    """A block is as it was some time ago."""
    name = pick(choices, segments(files))
    before = [earlier[name] for earlier in history.earlier if name in earlier and name in history.files]
    if before:
        size = pick(choices, BLOCKS)
        place = _place(choices, files[name]) // size * size
        _overwrite(files, name, place, pick(choices, before)[place : place + size])


def cut(choices: Choices, history: History, files: Files) -> None:
    name = pick(choices, segments(files))
    files[name] = files[name][: _place(choices, files[name])]


def empty(choices: Choices, history: History, files: Files) -> None:
    files[pick(choices, segments(files))] = b""


def remove(choices: Choices, history: History, files: Files) -> None:
    names = segments(files)
    if len(names) > 1:
        del files[pick(choices, names)]


def rename(choices: Choices, history: History, files: Files) -> None:
    names = segments(files)
    if len(names) > 1:
        name = pick(choices, names)
        data = files.pop(name)
        files[f"ayl-binlog.{between(choices, 1, int(names[-1].partition('.')[2]) + 2)}"] = data


def double(choices: Choices, history: History, files: Files) -> None:
    names = segments(files)
    number = between(choices, 1, int(names[-1].partition(".")[2]) + 2)
    files[f"ayl-binlog.{number}"] = files[pick(choices, names)]


def spoil_reserves(choices: Choices, history: History, files: Files) -> None:
    """What is in there means nothing."""
    for name in list(files):
        if name.startswith("reserve."):
            kind = choices.below(3)
            files[name] = b"" if kind == 0 else files[segments(files)[-1]]
            if kind == 1:
                del files[name]


Damage = Callable[["Choices", "History", "Files"], None]

DAMAGES: tuple[Damage, ...] = (
    flip, flip, zero, zero, scribble, swap, swap, misplace, lose_write, lose_write, cut, empty, remove, rename, double,
    spoil_reserves,
)  # fmt: skip
