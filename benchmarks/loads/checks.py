"""What must have come back, looked at when the clock has stopped."""

from collections import Counter
from collections.abc import Iterable, Mapping

from benchmarks.connection import Connection
from benchmarks.loads.model import Target
from benchmarks.wire import RESERVED_TAIL, WrongReplyError


def check_cycles(replies: list[bytes], cycles: int) -> None:
    """As many jobs as asked for came, each once and with its body, and went."""
    words = Counter(reply.split()[0] for reply in replies)
    if words != {b"INSERTED": cycles, b"RESERVED": cycles, b"DELETED": cycles}:
        raise WrongReplyError(f"{cycles} of each were expected: {dict(words)}")
    put = {reply[9:-2] for reply in replies if reply[:1] == b"I"}
    taken = {reply.removesuffix(RESERVED_TAIL)[9:] for reply in replies if reply[:1] == b"R"}
    if put != taken or len(put) != cycles:
        raise WrongReplyError(f"{len(put)} jobs put, {len(taken)} reserved, {len(put & taken)} of them the same")


def check_bytes(received: Iterable[bytes], expected: Iterable[bytes]) -> None:
    whole, wanted = b"".join(received), b"".join(expected)
    if whole == wanted:
        return
    pairs = enumerate(zip(whole, wanted, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(whole), len(wanted)))
    raise WrongReplyError(f"byte {at}: {whole[at : at + 60]!r} instead of {wanted[at : at + 60]!r}")


def check_counters(
    connection: Connection, target: Target, *, put: int, drained: int, reserves: int | None = None
) -> None:
    """The server, and no other process, did all of it."""
    reserves = drained if reserves is None else reserves
    wanted = {"total-jobs": put, "cmd-put": put, "cmd-reserve": reserves, "cmd-delete": drained}
    check_stats(connection, target, wanted | {"current-jobs-ready": put - drained, "current-jobs-reserved": 0})


def check_stats(connection: Connection, target: Target, wanted: Mapping[str, int]) -> None:
    found = connection.stats()
    expected = {"pid": target.pid, **wanted}
    wrong = {key: found.get(key) for key, value in expected.items() if found.get(key) != str(value)}
    if wrong:
        raise WrongReplyError(f"counters: {wrong}, expected {expected}")
