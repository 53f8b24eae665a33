"""Whether a reply can be true: what each kind of command's reply says, held against what is known.

Replies come in the order of the commands, so what a client uses, watches and holds when a reply comes is what it used,
watched and held when the server executed the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl_server.model import BURIED, DELAYED, READY

from .faults import BrokenError
from .invariants import fields
from .ledger import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Sent, SimulatedClient
    from .replies import Reply

    Judge = Callable[[SimulatedClient, Sent, Reply], None]


def put(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.word != "INSERTED":
        return
    pri, delay, ttr = sent.command.numbers
    client.ledger.claim(
        reply.numbers[0],
        sent.since,
        tube=client.used,
        pri=pri,
        delay=delay,
        ttr=max(1, ttr),
        body=sent.command.body,
        state=DELAYED if delay else READY,
    )
    client.known.append(reply.numbers[0])


def reserve(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.word == "RESERVED":
        _lease(client, sent, reply, watched=True)
    elif reply.word == "DEADLINE_SOON" and not client.held:
        raise BrokenError("DEADLINE_SOON for a client that holds nothing")
    elif reply.word == "TIMED_OUT" and not client.ended:
        waited = client.clock.steady - sent.at
        if waited < sent.command.numbers[0] - TOLERANCE:
            raise BrokenError(f"TIMED_OUT after {waited} s: {sent.command.data!r}")


def reserve_job(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.word == "RESERVED":
        if reply.numbers[0] != sent.command.numbers[0]:
            raise BrokenError(f"job {reply.numbers[0]} for {sent.command.data!r}")
        _lease(client, sent, reply, watched=False)


def _lease(client: SimulatedClient, sent: Sent, reply: Reply, *, watched: bool) -> None:
    job_id = reply.numbers[0]
    told = client.ledger.expect_seen(job_id, reply.data, sent.since)
    if watched and told.tube not in client.watched:
        raise BrokenError(f"job {job_id} of {told.tube!r} for a client that watches {client.watched}")
    if client.clock.steady < client.held.get(job_id, 0.0):
        raise BrokenError(f"job {job_id} was reserved a second time, by the client that holds it")
    client.held[job_id] = sent.at + told.ttr
    client.known.append(job_id)


def _settled(client: SimulatedClient, sent: Sent, reply: Reply) -> bool:
    """Whether the command found its job; a job that is surely ours must be found."""
    job_id = sent.command.numbers[0]
    sure_until = client.held.get(job_id, 0.0)
    if reply.word == "NOT_FOUND":
        if client.clock.steady < sure_until:
            raise BrokenError(f"{sent.command.data!r} did not find a job that this client holds until {sure_until}")
        client.held.pop(job_id, None)
        return False
    return True


def delete(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if _settled(client, sent, reply):
        client.held.pop(sent.command.numbers[0], None)
        client.ledger.claim_deletion(sent.command.numbers[0], sent.since)


def release(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if _settled(client, sent, reply):
        job_id, pri, delay = sent.command.numbers
        client.held.pop(job_id, None)
        client.ledger.claim(job_id, sent.since, pri=pri, delay=delay, state=DELAYED if delay else READY)


def bury(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if _settled(client, sent, reply):
        job_id, pri = sent.command.numbers
        client.held.pop(job_id, None)
        client.ledger.claim(job_id, sent.since, pri=pri, state=BURIED)


def touch(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if _settled(client, sent, reply):
        job_id = sent.command.numbers[0]
        if job_id not in client.held:
            raise BrokenError(f"job {job_id} was touched by a client that does not hold it")
        client.held[job_id] = sent.at + client.ledger.jobs[job_id].ttr if job_id in client.ledger.jobs else 0.0


def kick(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.numbers[0] > sent.command.numbers[0]:
        raise BrokenError(f"{reply.numbers[0]} jobs were kicked: {sent.command.data!r}")


def kick_job(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.word == "KICKED" and not any(
        entry.index >= sent.since and entry.told is not None and entry.told.past[3]
        for entry in client.ledger.of_job.get(sent.command.numbers[0], ())
    ):
        raise BrokenError(f"KICKED was never reported: {sent.command.data!r}")


def peek(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.word != "FOUND":
        return
    job_id = reply.numbers[0]
    told = client.ledger.expect_seen(job_id, reply.data, sent.since)
    if sent.command.numbers and sent.command.numbers[0] != job_id:
        raise BrokenError(f"job {job_id} for {sent.command.data!r}")
    if not sent.command.numbers and told.tube != client.used:
        raise BrokenError(f"job {job_id} of {told.tube!r} for a client that uses {client.used!r}")
    client.known.append(job_id)


def stats_job(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if not _settled(client, sent, reply):
        return
    report = fields(reply.data)
    job_id = sent.command.numbers[0]
    told = client.ledger.floor.get(job_id) or client.ledger.of_job[job_id][0].told
    assert told is not None
    if (report["id"], report["ttr"], report["tube"]) != (str(job_id), str(told.ttr), told.tube.decode()):
        raise BrokenError(f"{report} for a job put as {told}")
    if client.clock.steady < client.held.get(job_id, 0.0) and report["state"] != "reserved":
        raise BrokenError(f"job {job_id} is {report['state']}, and this client holds it")


def use(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    client.used = sent.command.name
    list_tube_used(client, sent, reply)


def list_tube_used(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if reply.name != client.used:
        raise BrokenError(f"USING {reply.name!r} for a client that uses {client.used!r}")


def watch(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if sent.command.name not in client.watched:
        client.watched.append(sent.command.name)
    _count_watched(client, reply)


def ignore(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    if (reply.word == "NOT_IGNORED") != (client.watched == [sent.command.name]):
        raise BrokenError(f"{reply.word} for a client that watches {client.watched}: {sent.command.data!r}")
    if reply.word == "WATCHING":
        if sent.command.name in client.watched:
            client.watched.remove(sent.command.name)
        _count_watched(client, reply)


def _count_watched(client: SimulatedClient, reply: Reply) -> None:
    if reply.numbers[0] != len(client.watched):
        raise BrokenError(f"WATCHING {reply.numbers[0]} for a client that watches {client.watched}")


def list_tubes_watched(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    names = [line[2:] for line in reply.data.splitlines()[1:]]
    if names != client.watched:
        raise BrokenError(f"{names} are listed for a client that watches {client.watched}")


def whatever(client: SimulatedClient, sent: Sent, reply: Reply) -> None:
    """Nothing can be said of it."""


JUDGES: dict[str, Judge] = {
    "put": put,
    "reserve": reserve,
    "reserve-with-timeout": reserve,
    "reserve-job": reserve_job,
    "delete": delete,
    "release": release,
    "bury": bury,
    "touch": touch,
    "kick": kick,
    "kick-job": kick_job,
    "peek": peek,
    "peek-some": peek,
    "stats-job": stats_job,
    "use": use,
    "list-tube-used": list_tube_used,
    "watch": watch,
    "ignore": ignore,
    "list-tubes-watched": list_tubes_watched,
    "pause-tube": whatever,
    "report": whatever,
    "garbage": whatever,
    "bad-put": whatever,
}
