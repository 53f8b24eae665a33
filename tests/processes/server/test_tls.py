"""TLS: who is let in, and that the server is as well as without it."""

from __future__ import annotations

import signal
import ssl
import time
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import TYPE_CHECKING

import greenstalk
import pytest
import trustme

from tests.processes.deadline import eventually
from tests.processes.servers import HOST

from .certificates import Certificates, make_certificates
from .conftest import LOOPS
from .lines import entries, events
from .starting import Started, refused, started

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.processes.servers import Kind

MEGABYTE = 1 << 20
UNPREPARED = 78
DROPPED = (ssl.SSLError, ConnectionError)
"""What a client sees that is not let in; with TLS 1.3 only when it reads for the first time."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=LOOPS, ids=lambda kind: kind.name)
def server(
    request: pytest.FixtureRequest, made: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """Everybody may speak TLS to it, and the operator without."""
    kind: Kind = request.param
    folder = tmp_path_factory.mktemp("tls")
    words = ["-l", f"tls:{HOST}:0", "-l", f"unix:{folder / 'socket'}", "-z", str(3 * MEGABYTE), *made.options]
    with started(folder, *words, kind=kind) as running:
        yield running


@pytest.fixture(autouse=True)
def _all_is_well_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        server: Started = request.getfixturevalue("server")
        with operator(server) as client:
            eventually(lambda: client.stats()["current-connections"] == 1, client.stats)
            assert client.stats()["current-jobs-reserved"] == 0
        assert not [entry for entry in entries(server.log()) if entry.event not in ("started", "tls_refused")]


def operator(server: Started) -> greenstalk.Client[bytes]:
    return greenstalk.Client(server.dial(1), encoding=None)


def secured(server: Started, context: ssl.SSLContext, number: int = 0) -> ssl.SSLSocket:
    return context.wrap_socket(server.dial(number), server_hostname=HOST)


def connected(server: Started, context: ssl.SSLContext, number: int = 0) -> greenstalk.Client[bytes]:
    return greenstalk.Client(secured(server, context, number), encoding=None)


def test_a_client_is_served_over_tls(server: Started, made: Certificates) -> None:
    with connected(server, made.client()) as client:
        client.use("till")
        client.watch("till")
        job = client.put(b"over TLS")
        got = client.reserve(timeout=0)
        assert (got.id, got.body) == (job, b"over TLS")
        client.delete(job)


def test_bodies_larger_than_any_buffer_go_both_ways(server: Started, made: Certificates) -> None:
    body = bytes(range(256)) * (3 * MEGABYTE // 256)
    with connected(server, made.client()) as client:
        job = client.put(body)
        assert client.peek(job).body == body
        client.delete(job)


def test_commands_may_come_in_any_pieces(server: Started, made: Certificates) -> None:
    with closing(secured(server, made.client())) as client, client.makefile("rb") as replies:
        text = b"use till\r\nput 0 0 1 2\r\nhi\r\npeek-ready\r\nlist-tube-used\r\n"
        for number in range(len(text)):
            client.sendall(text[number : number + 1])
        assert [replies.readline().split()[0] for _ in range(5)] == [b"USING", b"INSERTED", b"FOUND", b"hi", b"USING"]
        client.sendall(text * 100 + b"quit\r\n")
        assert len(replies.readlines()) == 500
    with operator(server) as onlooker:
        onlooker.use("till")
        for _ in range(101):
            onlooker.delete(onlooker.peek_ready())


def test_a_client_that_waits_is_woken_over_tls(server: Started, made: Certificates) -> None:
    with (
        closing(secured(server, made.client())) as worker,
        worker.makefile("rb") as replies,
        operator(server) as producer,
    ):
        worker.sendall(b"reserve\r\n")
        eventually(lambda: producer.stats()["current-waiting"] == 1)
        job = producer.put(b"at last")
        assert [replies.readline(), replies.readline()] == [b"RESERVED %d 7\r\n" % job, b"at last\r\n"]
        worker.sendall(b"delete %d\r\n" % job)
        assert replies.readline() == b"DELETED\r\n"


def test_a_farewell_ends_the_connection_and_its_leases(server: Started, made: Certificates) -> None:
    with operator(server) as producer:
        job = producer.put(b"")
        client = secured(server, made.client())
        client.sendall(b"reserve\r\n")
        assert client.recv(100).startswith(b"RESERVED")
        with client.unwrap() as bare:
            assert bare.recv(1) == b""
        eventually(lambda: producer.stats_job(job)["state"] == "ready")
        producer.delete(job)


def test_what_was_sent_with_a_farewell_is_answered_though_the_binlog_comes_first(
    made: Certificates, tmp_path: Path, loop: Kind
) -> None:
    words = ["-l", f"tls:{HOST}:0", "-b", str(tmp_path), *made.options]
    with started(tmp_path, *words, kind=loop) as server, closing(server.dial()) as raw:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = made.client().wrap_bio(incoming, outgoing, server_hostname=HOST)

        def exchange(step: Callable[[], object]) -> None:
            while True:
                try:
                    step()
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    incoming.write(raw.recv(65536))
                else:
                    return

        exchange(client.do_handshake)
        client.write(b"put 0 0 1 2\r\nhi\r\n")
        with suppress(ssl.SSLWantReadError):
            client.unwrap()
        raw.sendall(outgoing.read())  # both in one packet
        while data := raw.recv(65536):
            incoming.write(data)
        assert client.read(100) == b"INSERTED 1\r\n"


def test_what_was_sent_before_a_farewell_is_done(server: Started, made: Certificates) -> None:
    with operator(server) as onlooker:
        for _ in range(20):
            client = secured(server, made.client())
            client.sendall(b"use farewell\r\nput 0 0 1 2\r\nhi\r\n")
            with suppress(ssl.SSLError):  # the replies come when this side wants to hear of nothing but the end
                client.unwrap()
            client.close()
        onlooker.use("farewell")
        eventually(lambda: onlooker.stats_tube("farewell")["current-jobs-ready"] == 20)
        for _ in range(20):
            onlooker.delete(onlooker.peek_ready())


def test_a_client_that_dies_while_it_waits_is_noticed(server: Started, made: Certificates) -> None:
    with operator(server) as onlooker:
        client = secured(server, made.client())
        client.sendall(b"reserve\r\n")
        eventually(lambda: onlooker.stats()["current-waiting"] == 1)
        client.close()
        eventually(lambda: onlooker.stats()["current-waiting"] == 0)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_nothing_older_than_tls_1_2_is_spoken(server: Started, made: Certificates) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        modern = made.client()
        modern.minimum_version = modern.maximum_version = version
        with connected(server, modern) as client:
            assert client.using() == "default"
    old = made.client()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with closing(server.dial()) as bare, pytest.raises(DROPPED):
        old.wrap_socket(bare, server_hostname=HOST)


def test_a_client_that_speaks_no_tls_is_sent_away(server: Started) -> None:
    before = len(events(server.log()))
    for _ in range(200):
        with closing(server.dial()) as plain:
            plain.sendall(b"stats\r\n")
            with suppress(ConnectionError):
                while answer := plain.recv(100):
                    assert b"OK" not in answer
    assert len(events(server.log())) - before <= 5
    eventually(lambda: "tls_refused" in events(server.log()), server.log)


def test_a_client_that_only_knocks_is_not_worth_a_line(server: Started) -> None:
    before = server.log()
    for _ in range(50):
        server.dial().close()
    with operator(server) as client:
        eventually(lambda: client.stats()["current-connections"] == 1)
    assert server.log() == before


def test_a_tls_client_at_a_plain_address_does_no_harm(server: Started) -> None:
    before = server.log()
    outgoing = ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=HOST)
    for _ in range(50):
        with pytest.raises(ssl.SSLWantReadError):
            hello.do_handshake()
        with closing(server.dial(1)) as client:
            client.sendall(outgoing.read() or b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert server.log() == before


def test_a_client_that_asks_and_never_reads_is_bounded(server: Started, made: Certificates) -> None:
    with operator(server) as onlooker:
        job = onlooker.put(b"x" * MEGABYTE)
        before = memory(server)
        with closing(secured(server, made.client())) as deaf:
            deaf.settimeout(0.3)
            with pytest.raises(TimeoutError):
                deaf.sendall(b"peek %d\r\n" % job * 5_000_000)
            assert onlooker.stats()["cmd-peek"] < 30
            assert memory(server) - before < 30 * MEGABYTE
        onlooker.delete(job)


def memory(server: Started) -> int:
    """VmRSS, bytes."""
    with open(f"/proc/{server.process.pid}/status") as status:  # noqa: PTH123 - as short as it gets
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


# Who is let in


@pytest.fixture(scope="module", params=LOOPS, ids=lambda kind: kind.name)
def strict(
    request: pytest.FixtureRequest, made: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """Lets in clients with a certificate of the authority only."""
    kind: Kind = request.param
    with started(tmp_path_factory.mktemp("strict"), "-l", HOST, "-p0", *made.strict, kind=kind) as running:
        yield running


def test_with_a_certificate_every_address_that_is_no_unix_socket_speaks_tls(strict: Started) -> None:
    (address,) = strict.addresses
    assert address.startswith(f"tls:{HOST}:")


def test_a_client_with_a_certificate_of_the_authority_is_let_in(strict: Started, made: Certificates) -> None:
    with connected(strict, made.client(made.authority)) as client:
        assert client.using() == "default"


def test_a_client_without_a_certificate_is_not(strict: Started, made: Certificates) -> None:
    with pytest.raises(DROPPED), connected(strict, made.client()) as client:
        client.using()


def test_a_client_with_a_certificate_of_another_authority_is_not(strict: Started, made: Certificates) -> None:
    with pytest.raises(DROPPED), connected(strict, made.client(trustme.CA())) as client:
        client.using()
    eventually(lambda: "tls_refused" in events(strict.log()), strict.log)


# Slow hands


def test_a_handshake_must_come_to_an_end(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> None:
    with ExitStack() as stack:
        # Both at once, because the five seconds are real.
        slow: list[tuple[Started, list[socket.socket]]] = []
        for kind in LOOPS:
            words = ["-p0", "--max-connections", "3", *made.options]
            server = stack.enter_context(started(tmp_path_factory.mktemp("slow"), *words, kind=kind))
            slow.append((server, [stack.enter_context(closing(server.dial())) for _ in range(2)]))
            slow[-1][1][1].sendall(b"\x16\x03\x01")  # the first bytes of a greeting
            with connected(server, made.client()) as quick:
                assert quick.using() == "default"
        for server, clients in slow:
            for client in clients:
                with suppress(ConnectionError):
                    assert client.recv(1) == b""
            eventually(partial(_tells_of_slow_hands, server), server.log)


def _tells_of_slow_hands(server: Started) -> bool:
    said = [entry.message for entry in entries(server.log()) if entry.event == "tls_refused"]
    return "a client was not let in: it took too long to shake hands" in said


def test_a_stop_does_not_wait_for_clients_that_say_no_farewell(loop: Kind, made: Certificates, tmp_path: Path) -> None:
    with started(tmp_path, "-p0", *made.options, kind=loop) as server, ExitStack() as stack:
        idle = stack.enter_context(closing(secured(server, made.client())))
        idle.sendall(b"list-tube-used\r\n")
        assert idle.recv(100) == b"USING default\r\n"
        stack.enter_context(closing(server.dial()))  # in the middle of its handshake
        stopping = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - stopping < 8
        assert idle.recv(100) == b""
    assert events(server.log()) == ["started", "stopping", "stopped"]


# Files


def _wrong_files(folder: Path, made: Certificates) -> dict[str, tuple[list[str], str]]:
    """Options, and what is said of them."""
    other = make_certificates(folder)
    text, empty, none = folder / "text", folder / "empty", folder / "none"
    text.write_text("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    empty.touch()
    locked = folder / "locked.key"
    locked.write_bytes(_encrypted(made.key.read_bytes()))
    cert, key = str(made.certificate), str(made.key)

    def options(cert: object = cert, key: object = key, ca: object = None) -> list[str]:
        return ["--tls-cert", str(cert), "--tls-key", str(key), *(["--tls-ca", str(ca)] if ca else [])]

    return {
        "no certificate": (options(cert=none), f"{none} (--tls-cert) cannot be read: No such file"),
        "no key": (options(key=none), f"{none} (--tls-key) cannot be read: No such file"),
        "no authority": (options(ca=none), f"{none} (--tls-ca) cannot be read: No such file"),
        "a folder": (options(key=folder), f"{folder} (--tls-key) cannot be read: Is a directory"),
        "an empty certificate": (options(cert=empty), f"there is no certificate in PEM format in {empty} (--tls-cert)"),
        "a key for a certificate": (options(cert=key), f"there is no certificate in PEM format in {key}"),
        "a certificate for a key": (options(key=cert), f"there is no private key in PEM format in {cert}"),
        "an empty authority": (options(ca=empty), f"there is no certificate in PEM format in {empty} (--tls-ca)"),
        "another's key": (options(key=other.key), f"the key in {other.key} (--tls-key) does not belong to the cert"),
        "an encrypted key": (options(key=locked), f"the key in {locked} (--tls-key) is encrypted"),
        "a broken certificate": (options(cert=text), f"{text} (--tls-cert) and {key} (--tls-key) cannot be used: "),
        "a broken key": (options(key=text), f"{cert} (--tls-cert) and {text} (--tls-key) cannot be used: "),
        "a broken authority": (options(ca=text), f"{text} (--tls-ca) cannot be used: "),
    }


def _encrypted(key: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def test_files_that_cannot_be_used_are_told_in_one_line_before_anybody_is_served(
    tmp_path: Path, made: Certificates
) -> None:
    for name, (options, reason) in _wrong_files(tmp_path, made).items():
        code, line = refused("-p0", *options)
        assert code == UNPREPARED, name
        assert line.startswith(reason), name
