"""What a relay and its child say to each other arrives as it was said, in whatever pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ayl.worker.frames import Reader, parted, written

if TYPE_CHECKING:
    from ayl.worker.frames import Frame, Head

HEADS = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=10))
FRAMES = st.lists(st.tuples(HEADS, st.lists(st.binary(max_size=40), max_size=4)), max_size=5)


def heard(pieces: list[bytes]) -> list[Frame]:
    """All frames in what arrives piece by piece."""
    reader, frames = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (frame := reader.next()) is not None:
            frames.append(frame)
    return frames


@given(FRAMES, st.integers(1, 50))
def test_frames_arrive_in_order_whatever_the_pieces(frames: list[tuple[Head, list[bytes]]], size: int) -> None:
    stream = b"".join(written(head, *bodies) for head, bodies in frames)
    pieces = [stream[begin : begin + size] for begin in range(0, len(stream), size)]
    assert heard(pieces) == [(head, b"".join(bodies)) for head, bodies in frames]


def test_nothing_is_heard_of_a_frame_until_its_last_byte() -> None:
    frame = written({"do": "release", "job": 7}, b"a body")
    assert heard([frame[:-1]]) == []
    assert heard([frame[:-1], frame[-1:]]) == [({"do": "release", "job": 7}, b"a body")]


@given(st.lists(st.binary(max_size=10)))
def test_bodies_are_told_apart_by_their_sizes(bodies: list[bytes]) -> None:
    assert parted(b"".join(bodies), [len(body) for body in bodies]) == bodies
