"""TLS to servers: who is trusted, who is let in, and that a peer cannot hold its client."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

import ayl
from ayl import message as messages
from ayl.engines import engine_for
from ayl.errors import NotConfigured, Unreachable
from tests.ayl.conftest import SERVERS, _free_port, wait_until
from tests.cli.servers import peer
from tests.processes.server.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TUBE = "shop/1.4.2"


@ayl.task("tls.note")
def note(number: int, *rest: str) -> None: ...


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class TlsServer:
    """Ours, which speaks TLS at a port and nothing else."""

    def __init__(self, made: Certificates, options: list[str]) -> None:
        self.made = made
        self.options = options
        self.port = _free_port()
        self.start()

    def start(self) -> None:
        words = ["-l", f"tls:127.0.0.1:{self.port}", *self.options]
        self.process = subprocess.Popen([SERVERS["ayl_server"], *words], stderr=subprocess.DEVNULL)
        wait_until(self._listens, 10)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        assert self.process.poll() is None
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def use(self, query: str = "", host: str = "127.0.0.1", **settings: float) -> None:
        url = f"beanstalks://{host}:{self.port}?ca={self.made.ca}{query}"
        given = {"send_timeout": 5.0, "probe_interval": 0.05} | settings
        ayl.configure(app="shop", version="1.4.2", engine=url, **given)  # type: ignore[arg-type]

    def numbers(self) -> list[int]:
        """What is ready, seen by somebody else than our own client."""
        found: list[int] = []
        context = self.made.client(self.made.authority)
        with (
            socket.create_connection(("127.0.0.1", self.port), 5) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as there,
        ):
            reader = there.makefile("rb")
            there.sendall(f"watch {TUBE}\r\n".encode())
            reader.readline()
            while True:
                there.sendall(b"reserve-with-timeout 0\r\n")
                word, *rest = reader.readline().split()
                if word == b"TIMED_OUT":
                    reader.close()
                    return found
                message = messages.decode(reader.read(int(rest[1]) + 2)[:-2])
                assert isinstance(message, messages.Message)
                found.append(message.args[0])
                there.sendall(b"delete %b\r\n" % rest[0])
                reader.readline()


@pytest.fixture
def open_server(made: Certificates) -> Iterator[TlsServer]:
    """Lets everybody in."""
    server = TlsServer(made, made.options)
    yield server
    server.stop()


@pytest.fixture
def strict_server(made: Certificates) -> Iterator[TlsServer]:
    """Lets in who has a certificate of the authority."""
    server = TlsServer(made, made.strict)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mine(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client's certificate with its key, in one file."""
    path = tmp_path_factory.mktemp("mine") / "client.pem"
    made.authority.issue_cert("web@example.org").private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_calls_arrive_over_tls(open_server: TlsServer, host: str) -> None:
    open_server.use(host=host)
    handle = ayl.send(note, 1)
    assert handle.job_state() == "ready"
    with ayl.batch():
        for number in range(2, 300):
            ayl.send(note, number, "x" * 20_000)
    assert open_server.numbers() == [*range(1, 300)]


def test_a_certificate_of_an_unknown_authority_is_not_trusted(open_server: TlsServer) -> None:
    ayl.configure(app="shop", engine=f"beanstalks://127.0.0.1:{open_server.port}")  # what the system trusts
    with pytest.raises(Unreachable, match=r"no TLS with the server at .*: (self-signed|unable to get local issuer)"):
        ayl.send(note, 1)


def test_a_certificate_for_another_name_is_not_trusted(made: Certificates, tmp_path: Path) -> None:
    other = made.authority.issue_cert("other.example.org")
    other.private_key_and_cert_chain_pem.write_to_path(tmp_path / "other.pem")
    server = TlsServer(made, ["--tls-cert", str(tmp_path / "other.pem"), "--tls-key", str(tmp_path / "other.pem")])
    try:
        server.use()
        with pytest.raises(Unreachable, match=r"certificate is not valid for '127.0.0.1'"):
            ayl.send(note, 1)
    finally:
        server.stop()


def test_a_client_shows_its_certificate(strict_server: TlsServer, mine: Path) -> None:
    strict_server.use(f"&cert={mine}")
    ayl.send(note, 1)
    assert strict_server.numbers() == [1]


def test_a_client_without_a_certificate_is_not_let_in(strict_server: TlsServer) -> None:
    strict_server.use()
    with pytest.raises(Unreachable, match=r"no TLS with the server at|hung up"):
        ayl.send(note, 1)


def test_a_client_with_the_certificate_of_another_authority_is_not_let_in(
    strict_server: TlsServer, tmp_path: Path
) -> None:
    trustme.CA().issue_cert("web@example.org").private_key_and_cert_chain_pem.write_to_path(tmp_path / "other.pem")
    strict_server.use(f"&cert={tmp_path / 'other.pem'}")
    with pytest.raises(Unreachable, match=r"no TLS with the server at|hung up"):
        ayl.send(note, 1)


def test_a_server_that_was_restarted_between_two_sends_is_found_again_over_tls(open_server: TlsServer) -> None:
    open_server.use()
    ayl.send(note, 1)
    open_server.stop()
    open_server.start()
    ayl.send(note, 2)
    assert open_server.numbers() == [2]


def test_tls_towards_a_server_that_has_none_says_so(own_server: object) -> None:
    url = ayl.settings.current().engine.replace("beanstalk://", "beanstalks://")
    ayl.configure(engine=url, send_timeout=1.0)
    with pytest.raises(Unreachable, match=r"no TLS with the server at|does not answer in time|hung up"):
        ayl.send(note, 1)


def test_no_tls_towards_a_server_that_wants_it_is_unreachable(open_server: TlsServer) -> None:
    ayl.configure(app="shop", engine=f"beanstalk://127.0.0.1:{open_server.port}", send_timeout=1.0)
    with pytest.raises(Unreachable):
        ayl.send(note, 1)


def older(connection: socket.socket, made: Certificates) -> None:
    """A server from before TLS 1.2, as far as this machine's library still can be one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with suppress(OSError):
        context.wrap_socket(connection, server_side=True).close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_a_server_that_speaks_nothing_newer_than_tls_1_1_is_refused(made: Certificates) -> None:
    with peer(lambda connection: older(connection, made)) as there:
        ayl.configure(app="shop", engine=f"beanstalks://127.0.0.1:{there.port}?ca={made.ca}", send_timeout=2.0)
        with pytest.raises(Unreachable, match=r"no TLS with the server at .*protocol version|no TLS .*alert"):
            ayl.send(note, 1)


# Time


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def dribbles_handshake(connection: socket.socket) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def dribbling_answers(made: Certificates) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.certificate, made.key)
        with context.wrap_socket(connection, server_side=True) as there:
            while True:
                there.sendall(b".")
                time.sleep(0.05)

    return talk


def dribbling_records(made: Certificates) -> Callable[[socket.socket], None]:
    """Shakes hands, and then sends one record byte by byte: not even TLS sees anything whole."""

    def talk(connection: socket.socket) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.certificate, made.key)
        there = context.wrap_socket(connection, server_side=True)
        with socket.socket(fileno=there.detach()) as bare:
            dribbles_record(bare)

    def dribbles_record(bare: socket.socket) -> None:
        for byte in b"\x17\x03\x03\x40\x00" + bytes(1000):
            bare.sendall(bytes([byte]))
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize("kind", ["silent", "dribbling handshake", "dribbling answers", "dribbling records"])
def test_a_peer_has_only_so_long_over_tls_too(made: Certificates, kind: str) -> None:
    talk = {
        "silent": silent,
        "dribbling handshake": dribbles_handshake,
        "dribbling answers": dribbling_answers(made),
        "dribbling records": dribbling_records(made),
    }[kind]
    with peer(talk) as there:
        ayl.configure(app="shop", engine=f"beanstalks://127.0.0.1:{there.port}?ca={made.ca}", send_timeout=0.5)
        began = time.monotonic()
        with pytest.raises(Unreachable):
            ayl.send(note, 1)
        assert time.monotonic() - began < 3  # a patience for each byte, or each record, would be a minute
        ayl.delivery.close()


# Files


def test_files_that_are_missing_or_wrong_are_named_before_anything_is_sent(
    made: Certificates, mine: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("")
    locked = tmp_path / "locked.pem"
    pem = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", made.key, "-passout", "pass:secret"], capture_output=True, check=True
    ).stdout
    locked.write_bytes(pem)
    wrong = {
        "ca=/nowhere/ca.pem": "/nowhere/ca.pem .ca. cannot be used: No such file",
        f"ca={tmp_path / 'empty.pem'}": "empty.pem .ca. cannot be used",
        f"cert={tmp_path / 'none.pem'}": "none.pem .cert. cannot be used: No such file",
        f"cert={made.certificate}": "server.crt .cert. cannot be used",
        f"cert={mine}&key={made.key}": "cert and key. cannot be used: KEY_VALUES_MISMATCH",
        f"cert={made.certificate}&key={locked}": "the key is encrypted; give one without a password",
    }
    for query, words in wrong.items():
        settings = ayl.configure(app="shop", engine=f"beanstalks://127.0.0.1?{query}")
        with pytest.raises(NotConfigured, match=words):
            engine_for(settings)


def test_ssl_is_imported_only_by_those_who_use_it() -> None:
    script = (
        "import sys, ayl; from ayl.engines import engine_for; from ayl.settings import Settings\n"
        "engine_for(Settings(engine='beanstalk://127.0.0.1,localhost')); assert 'ssl' not in sys.modules\n"
        "engine_for(Settings(engine='beanstalks://localhost')); assert 'ssl' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)


# Workers


def test_a_worker_takes_and_settles_jobs_over_tls_and_waits_for_the_next(open_server: TlsServer) -> None:
    from ayl.engines import source_for, watch_for

    open_server.use()
    ayl.send(note, 1, "x" * 50_000)
    ayl.send(note, 2)
    with ExitStack() as stack:
        reader, writer = (stack.enter_context(end) for end in socket.socketpair())
        source = source_for(ayl.settings.current(), watch_for([TUBE]), reader.fileno())
        stack.callback(source.close)
        for number, then_take in ((1, True), (2, False)):
            lease = source.take()
            assert lease is not None
            message = messages.decode(lease.body)
            assert isinstance(message, messages.Message)
            assert message.args[0] == number
            assert source.delete_and_take([lease], 0, wait=then_take) == ([True], [])
        writer.send(b"!")
        assert source.take() is None
        reader.recv(1)
        ayl.send(note, 3)
        lease = source.take()
        assert lease is not None
        assert (standing := lease.standing()) is not None
        assert standing.reserves in (1, 2), "twice if the server had not yet seen the first connection go"
        assert lease.bury()
