"""Which worker of this machine holds a job."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ayl.admin.holders import Holder, search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALL = "shop.Order.find(42).ship('ups', note='" + "x" * 300 + "')"


@contextmanager
def worker(path: Path, answer: bytes) -> Iterator[None]:
    """Somebody who answers there, once."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(answer)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def status(*calls: dict[str, Any]) -> bytes:
    return json.dumps({"workers": [{"pid": 7, "report": None}, {"pid": 8, "report": {"calls": calls}}]}).encode()


def process(processes: Path, pid: int, *words: str) -> None:
    """As the kernel shows it."""
    (processes / str(pid)).mkdir()
    (processes / str(pid) / "cmdline").write_text("\0".join(words) + "\0")


def test_a_worker_that_answers_tells_it_by_the_job_and_its_message(tmp_path: Path) -> None:
    path = tmp_path / "status"
    mine = {"job": 981, "id": "0192", "seconds": 3.5}
    with worker(path, status({**mine, "id": "other", "seconds": 9}, {**mine, "job": 980, "seconds": 9}, mine)):
        found = search(981, "0192", CALL, str(path), tmp_path)
    assert (found.asked, found.holder) == (1, Holder(8, 3.5, told=True))


@pytest.mark.parametrize(
    "words",
    [
        ("python", "-P", "-m", "ayl.worker.supervisor", "{}", "1"),
        ("ayl_worker: shop/1.4.2 (2 workers)",),
        ("ayl_worker mails: shop/1.4.2 (1 worker)",),
    ],
)
def test_a_worker_is_asked_where_it_listens_without_being_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "status"
    process(tmp_path, 12, *words)
    (tmp_path / "12" / "fd").mkdir()
    (tmp_path / "12" / "fd" / "3").symlink_to("socket:[77]")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "unix").write_text(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        f"0000000000000000: 00000002 00000000 00000000 0001 03 77 {path}.accepted\n"
        f"0000000000000000: 00000002 00000000 00010000 0001 01 78 {path}.other\n"
        "0000000000000000: 00000002 00000000 00000000 0002 01 79\n"
        f"0000000000000000: 00000002 00000000 00010000 0001 01 77 {path}\n"
    )
    with worker(path, status({"job": 981, "id": "0192", "seconds": 3.5})):
        found = search(981, "0192", CALL, "", tmp_path)
    assert found.holder == Holder(8, 3.5, told=True)


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"workers": 3}', b'{"workers": [{"report": {"calls": [3]}}]}'])
def test_who_answers_with_something_else_holds_nothing(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "status"
    with worker(path, answer):
        assert search(981, "0192", CALL, str(path), tmp_path).holder is None


def test_nobody_who_answers_is_told_as_such(tmp_path: Path) -> None:
    found = search(981, "0192", CALL, str(tmp_path / "nowhere"), tmp_path)
    assert (found.asked, found.holder) == (0, None)


@pytest.mark.parametrize("title", [CALL, CALL[:200] + "…", f"3 calls, {CALL}"])
def test_a_title_that_shows_the_call_is_a_hint(tmp_path: Path, title: str) -> None:
    process(tmp_path, 12, "ayl_worker: idle")
    process(tmp_path, 14, f"ayl_worker: {title}")
    process(tmp_path, 15, f"vi {title}")
    assert search(981, "0192", CALL, "", tmp_path).holder == Holder(14, None, told=False)


def test_two_titles_alike_tell_nothing(tmp_path: Path) -> None:
    process(tmp_path, 12, f"ayl_worker: {CALL}")
    process(tmp_path, 13, f"ayl_worker: {CALL}")
    assert search(981, "0192", CALL, "", tmp_path).holder is None


def test_a_call_that_was_cut_off_after_a_few_characters_may_be_any(tmp_path: Path) -> None:
    process(tmp_path, 12, f"ayl_worker: {CALL[:10]}…")
    assert search(981, "0192", CALL, "", tmp_path).holder is None
