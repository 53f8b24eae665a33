"""`ayl_server` is started: flags, addresses, exit codes, as beanstalkd has them."""

from __future__ import annotations

import re
import socket
import subprocess
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import greenstalk
import pytest

import ayl
from ayl_server import exits
from ayl_server.config import (
    ALONE,
    LARGEST_FILE,
    LONG_ALONE,
    LONG_WITH_VALUE,
    MAX_BODY,
    MAX_PORT,
    USAGE,
    WITH_VALUE,
    Config,
    parse,
)
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, HOST, Server, command, environment, listens, serving

from .lines import entries, one
from .starting import started

USAGE_ERROR = 5
SOCKET_ERROR = 111


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A start that ends at once."""
    return subprocess.run(
        [command("ayl_server"), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**variables),
        check=False,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why the address cannot be listened on."""
    assert (done.returncode, done.stdout) == (SOCKET_ERROR, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ayl_server: cannot listen on ")
    return line


WRONG = {
    **{
        f"-{letter} without a value": ([f"-{letter}"], f"flag requires an argument: -{letter}") for letter in WITH_VALUE
    },
    **{
        f"--{name} without a value": ([f"--{name}"], f"flag requires an argument: --{name}") for name in LONG_WITH_VALUE
    },
    **{f"--{name} with a value": ([f"--{name}=1"], f"unknown flag: --{name}=1") for name in LONG_ALONE},
    "an unknown flag": (["-x"], "unknown flag: -x"),
    "an unknown flag among others": (["-Vx"], "unknown flag: -x"),
    "an unknown long option": (["--verbose"], "unknown flag: --verbose"),
    "two dashes": (["--"], "unknown flag: --"),
    "a word": (["start"], "unknown argument: start"),
    "a dash": (["-"], "unknown argument: -"),
    "nothing": ([""], "unknown argument: "),
    "no address": (["-l", ""], "-l needs an address"),
    "an address whose port is out of range": (["-l", "127.0.0.1:70000"], "port out of range (0 to 65535): 127.0.0.1:7"),
    "an IPv6 address whose port is": (["-ltls:[::1]:65536"], "port out of range (0 to 65535): tls:[::1]:65536"),
    "a port without an address": (["-l", ":11300"], "-l needs ADDR, ADDR:PORT"),
    "a port that is no number": (["-l", "127.0.0.1:abc"], "-l needs ADDR, ADDR:PORT"),
    "a bracket without the other": (["-l", "[::1:11300"], "-l needs ADDR, ADDR:PORT"),
    "a port without a colon": (["-l", "[::1]11300"], "-l needs ADDR, ADDR:PORT"),
    "no directory": (["-b", ""], "-b needs a directory"),
    "no user": (["-u", ""], "-u needs a user"),
    "two imports": (["-bx", "--import=a", "--import=b"], "--import needs one directory, and only one"),
    "no port": (["-p", ""], "-p needs a port"),
    "a port out of range": (["-p", str(MAX_PORT + 1)], f"port out of range (0 to {MAX_PORT}): {MAX_PORT + 1}"),
    "a port far out of range": (["-p", "9" * 9999], "port out of range"),
    "a size that is no number": (["-z", "64k"], "invalid size: 64k"),
    "a size below 0": (["-z", "-1"], "invalid size: -1"),
    "a size with flags behind it": (["-z9p0"], "invalid size: 9p0"),
    "a size in other digits": (["-z", "١٢"], "invalid size: ١٢"),
    "no size": (["-z", ""], "invalid size: "),
    "a file too large": (["-s", str(LARGEST_FILE + 1)], f"binlog files can have {LARGEST_FILE} bytes at most"),
    "a file of no size": (["-s", "big"], "invalid size: big"),
    "a sync that is no number": (["-f", "soon"], "invalid number of milliseconds: soon"),
    "no connections": (["--max-connections", "0"], "--max-connections must be at least 1"),
    "connections that are no number": (["--max-connections=many"], "invalid number of connections: many"),
    "memory in another unit": (["--max-memory", "1T"], "invalid size: 1T"),
    "memory in two units": (["--max-memory=1KM"], "invalid size: 1KM"),
    "a unit alone": (["--max-memory", "G"], "invalid size: "),
    "a page without a port": (["--metrics", "localhost"], "--metrics needs ADDR:PORT"),
    "a page without an address": (["--metrics=:9100"], "--metrics needs ADDR:PORT"),
    "a page out of range": (["--metrics", "localhost:65536"], "--metrics needs ADDR:PORT"),
    "a mode in letters": (["--unix-mode", "u=rw", "-lunix:x"], "invalid mode (octal, such as 660): u=rw"),
    "a mode of other digits": (["--unix-mode=680", "-lunix:x"], "invalid mode (octal, such as 660): 680"),
    "a mode that is more": (["--unix-mode", "4777", "-lunix:x"], "invalid mode (octal, such as 660): 4777"),
    "a mode for nothing": (["--unix-mode", "660"], "--unix-mode needs a Unix socket"),
    "a log in another format": (["--log-format", "xml"], "--log-format is text or json: xml"),
    "an import into nothing": (["--import", "old"], "--import needs a binlog"),
    "a salvage of nothing": (["--salvage"], "--salvage needs a binlog"),
    "a certificate without a key": (["--tls-cert", "cert"], "--tls-cert and --tls-key belong together"),
    "a key without a certificate": (["--tls-key", "key"], "--tls-cert and --tls-key belong together"),
    "an authority alone": (["--tls-ca", "ca"], "--tls-ca needs --tls-cert and --tls-key"),
    "TLS without a certificate": (["-ltls:localhost"], "an address with tls: needs --tls-cert and --tls-key"),
    "TLS for Unix sockets": (["-lunix:x", "--tls-cert=c", "--tls-key=k"], "--tls-cert needs an address besides Unix"),
}


@pytest.mark.parametrize(("words", "reason"), [*WRONG.values()], ids=[*WRONG])
def test_a_command_line_that_makes_no_sense_is_answered_with_what_is_wrong(words: list[str], reason: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (USAGE_ERROR, "")
    said, _, rest = done.stderr.partition("\n")
    assert said.startswith(f"ayl_server: {reason}")
    assert rest == "Try ayl_server -h.\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_the_usage(flag: str) -> None:
    done = run(flag)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", USAGE)


def test_the_usage_shows_every_flag_there_is() -> None:
    lines = [line.split() for line in USAGE.splitlines() if line.startswith(" -")]
    shown = [word for words in lines for word in takewhile(lambda word: word.startswith("-"), words)]
    long = LONG_WITH_VALUE.keys() | LONG_ALONE.keys() - {"help", "version"}  # as -h and -v
    assert set(shown) == {f"-{letter}" for letter in WITH_VALUE | ALONE} | {f"--{name}" for name in long}
    assert len(shown) == len(set(shown))


def test_the_usage_tells_every_exit_code_there_is() -> None:
    told = USAGE.partition("Exit codes: ")[2]
    codes = [value for value in vars(exits).values() if type(value) is int]
    assert [int(code) for code in re.findall(r"\b\d+\b", told)] == [0, *codes]


MEANINGS = {
    "a directory": (["-b", "/jobs"], "binlog", "/jobs"),
    "a sync after some time": (["-f", "200"], "sync_after", 0.2),
    "a sync at once": (["-f0"], "sync_after", 0.0),
    "no sync": (["-F"], "sync_after", None),
    "the later of two": (["-F", "-f", "5"], "sync_after", 0.005),
    "the later of two, again": (["-f5", "-F"], "sync_after", None),
    "compaction on": (["-c"], "binlog", None),
    "compaction off": (["-n"], "binlog", None),
    "a file's size": (["-s4096"], "file_size", 4096),
    "a user": (["-unobody"], "user", "nobody"),
    "several addresses": (["-l::1", "-lunix:/x", "-l[::]:1"], "addresses", ["::1", "unix:/x", "[::]:1"]),
    "memory": (["--max-memory", "64000000"], "max_memory", 64_000_000),
    "kilobytes": (["--max-memory=3K"], "max_memory", 3072),
    "gigabytes": (["--max-memory", "2G"], "max_memory", 2 << 30),
    "connections": (["--max-connections=100"], "max_connections", 100),
    "a page": (["--metrics", "[::1]:9100"], "metrics", "[::1]:9100"),
    "a mode": (["--unix-mode=0660", "-lunix:x"], "unix_mode", 0o660),
    "a format": (["--log-format=json"], "log_format", "json"),
}


@pytest.mark.parametrize(("words", "name", "value"), [*MEANINGS.values()], ids=[*MEANINGS])
def test_a_flag_means(words: list[str], name: str, value: object) -> None:
    assert getattr(parse(words), name) == value


def test_every_flag_is_understood_somewhere_here() -> None:
    meant = {name for _, name, _ in MEANINGS.values()}
    elsewhere = {"max_job_size", "port", "show_help", "show_version", "verbosity", "warnings", "import_from", "salvage"}
    assert set(Config.__slots__) == meant | elsewhere | {"tls_ca", "tls_cert", "tls_key"}


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_the_version_is_ayls_own(flag: str) -> None:
    done = run(flag)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ayl_server {ayl.__version__}\n", "")


def test_help_comes_before_what_stands_behind_it() -> None:
    assert run("-Vh", "-x").returncode == 0
    assert run("-v", "-x").returncode == 0


def bound_port(said: str) -> int:
    found = re.search(rf"^bind \d+ {re.escape(HOST)}:(\d+)$", said, re.MULTILINE)
    assert found, said
    return int(found[1])


def test_port_0_takes_a_free_one_and_the_log_tells_which(tmp_path: Path) -> None:
    with started(tmp_path, "-V", "-p", "0") as server, greenstalk.Client((HOST, bound_port(server.log()))) as client:
        assert client.put("") == 1


def test_flags_may_be_joined(tmp_path: Path) -> None:
    with started(tmp_path, "-VVp0", "-z9") as server, greenstalk.Client((HOST, bound_port(server.log()))) as client:
        assert client.stats()["max-job-size"] == 9
        eventually(lambda: "command stats" in server.log(), server.log)


def test_a_port_in_use_is_refused_and_its_server_goes_on(our_server: Server) -> None:
    said = complaint(run("-l", HOST, "-p", str(our_server.port)))
    assert f"{HOST} port {our_server.port}: Address already in use" in said
    assert "is another server running?" in said
    assert "-p" in said
    assert our_server.serves()


ADDRESSES = {
    "a host that does not exist": ["-l", "no-such-host.invalid"],
    "an address of another machine": ["-l", "192.0.2.1", "-p0"],
    "a host beyond ASCII": ["-l", "läden"],
    "a service that does not exist": ["-p", "no-such-service"],
    "a Unix socket in a folder that does not exist": ["-l", "unix:/no/such/folder/socket"],
    "a Unix socket without a path": ["-l", "unix:"],
    "a Unix socket with a path too long": ["-l", "unix:/tmp/" + "x" * 200],
}


@pytest.mark.parametrize("words", [*ADDRESSES.values()], ids=[*ADDRESSES])
def test_an_address_that_cannot_be_listened_on_is_told_in_one_line(words: list[str]) -> None:
    assert words[1].removeprefix("unix:") in complaint(run(*words))


def test_the_socket_of_a_server_that_is_gone_is_replaced(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, tcp=False) as first:
        first.kill()
        assert first.path.is_socket()
        with serving(AYL_SERVER, tmp_path, tcp=False) as second:
            assert second.serves()


def test_the_socket_of_a_living_server_is_left_to_it(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, tcp=False) as server:
        assert "another server listens there" in complaint(run("-l", f"unix:{server.path}"))
        assert server.serves()


def test_a_file_that_is_no_socket_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("letters")
    assert "a file that is no socket is there" in complaint(run("-l", f"unix:{path}"))
    assert path.read_text() == "letters"


def test_a_link_to_nowhere_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "nowhere")
    complaint(run("-l", f"unix:{path}"))
    assert path.is_symlink()


def test_a_socket_of_another_kind_is_left_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as owner:
        owner.bind(str(path))
        complaint(run("-l", f"unix:{path}"))
        assert path.is_socket()


def test_the_largest_job_is_as_large_as_z_says(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, "-z", "10", tcp=False) as server, server.client() as client:
        assert client.stats()["max-job-size"] == 10
        client.put(b"x" * 10)
        with pytest.raises(greenstalk.JobTooBigError):
            client.put(b"x" * 11)


def test_a_size_beyond_the_largest_is_cut_and_said_so(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, f"-z{MAX_BODY + 1}", tcp=False) as server, server.client() as client:
        assert client.stats()["max-job-size"] == MAX_BODY
        assert one(server.log(), "options").message == f"maximum job size was set to {MAX_BODY}"


def test_without_v_a_server_says_one_line_when_it_starts_and_none_about_clients(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, tcp=False) as server, server.client() as client:
        client.put(b"")
        (entry,) = entries(server.log())
        assert (entry.level, entry.event, entry.message) == ("info", "started", f"serving on unix:{server.path}")


def test_v_once_tells_of_connections(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, "-V", tcp=False) as server:

        def all_closed() -> bool:
            return server.log().count("close") == server.log().count("accept") > 0

        eventually(all_closed, server.log)  # those of whoever waited until it serves
        before = server.log()
        assert re.match(rf"pid {server.process.pid}\nbind \d+ unix:{re.escape(str(server.path))}\n", before)
        with server.client() as client:
            client.put(b"secret")
            eventually(lambda: not all_closed(), server.log)
        eventually(all_closed, server.log)
        assert re.fullmatch(r"accept (\d+)\nclose \1\n", server.log().removeprefix(before))


def test_v_twice_tells_of_commands_and_replies_but_not_of_bodies(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, "-VV", tcp=False) as server:
        with server.client() as client:
            job = client.put(b"secret")
            client.peek(job)
            client.use("till")
        eventually(lambda: "USING till" in server.log(), server.log)
        said = re.sub(r"(?m)^([<>])\d+ ", r"\1", server.log())
        assert "<command put 65536 0 60 6\n>reply INSERTED 1\n" in said
        assert "<command peek 1\n>reply FOUND 1 6\n" in said
        assert "<command use till\n>reply USING till\n" in said
        assert "secret" not in said


def test_what_a_client_sends_cannot_forge_lines_of_the_log(tmp_path: Path) -> None:
    with serving(AYL_SERVER, tmp_path, "-VV", tcp=False) as server:
        with closing(server.dial()) as client:
            client.sendall(b"\x1b[2J\rbind 0\xff\nforged\r\n")
            assert client.recv(100) == b"UNKNOWN_COMMAND\r\n"
        assert "\nforged" not in server.log()
        assert "\x1b" not in server.log()


def test_a_log_that_cannot_be_written_is_no_reason_to_stop_serving(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    words = ["-VV", "-l", f"unix:{path}"]
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen([command("ayl_server"), *words], stdout=full, stderr=full, env=environment()) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or listens(path))
            with greenstalk.Client(str(path), encoding=None) as client:
                assert client.put(b"") == 1
                assert client.reserve(timeout=0).id == 1
        finally:
            process.kill()
