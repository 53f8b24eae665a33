"""`-u`: the rights that are given up, and when. As root these tests become nobody; as somebody else they cannot."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import greenstalk
import pytest

from tests.processes.servers import HOST

from .certificates import make_certificates
from .starting import refused, started

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
NO_SUCH_USER = 33

NOBODY = pwd.getpwnam("nobody")
ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a binlog, open to nobody: pytest's own lie where only root gets to."""
    with tempfile.TemporaryDirectory(prefix="ayl-user-") as above:
        Path(above).chmod(0o711)
        path = Path(above, "binlog")
        path.mkdir()
        if ROOT:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        yield path


def test_nobody_but_root_may_become_another(tmp_path: Path) -> None:
    if ROOT:
        with started(tmp_path, "-p0", "-u", "nobody") as server:
            assert rights(server.process.pid) == (
                NOBODY.pw_uid,
                NOBODY.pw_gid,
                set(os.getgrouplist("nobody", NOBODY.pw_gid)),
            )
    else:
        assert refused("-p0", "-u", "nobody") == (NO_SUCH_USER, "only root can become nobody")


def rights(process: int) -> tuple[int, int, set[int]]:
    """User, group and further groups, which must be the same in all respects."""
    with open(f"/proc/{process}/status") as status:  # noqa: PTH123 - no file
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    (user,) = {int(number) for number in fields["Uid"].split()}
    (group,) = {int(number) for number in fields["Gid"].split()}
    return user, group, {int(number) for number in fields["Groups"].split()}


def test_to_become_oneself_takes_no_rights(tmp_path: Path) -> None:
    name = pwd.getpwuid(os.geteuid()).pw_name
    with started(tmp_path, "-p0", "-u", name) as server, greenstalk.Client(server.dial()) as client:
        assert client.put("") == 1


def test_a_user_that_does_not_exist_is_told(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert refused("-l", f"unix:{path}", "-u", "no-such-user") == (NO_SUCH_USER, "there is no user no-such-user")
    assert not path.exists()


def test_the_binlog_is_the_users(folder: Path, tmp_path: Path) -> None:
    user = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
    with started(tmp_path, "-p0", "-u", user, "-b", str(folder)) as server, greenstalk.Client(server.dial()) as client:
        client.put("")
    files = list(folder.iterdir())
    assert files
    assert {path.owner() for path in files} == {user}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_binlog_that_is_closed_to_the_user_is_told(folder: Path) -> None:
    if ROOT:
        os.chown(folder, 0, 0)
        folder.chmod(0o755)
        user = "nobody"
    else:
        folder.chmod(0o500)
        user = pwd.getpwuid(os.geteuid()).pw_name
    assert refused("-p0", "-u", user, "-b", str(folder)) == (
        FAILED,
        f"the binlog in {folder} cannot be used: Permission denied (as user {user})",
    )
    folder.chmod(0o755)


def test_what_only_root_may_open_is_opened_before(folder: Path, tmp_path: Path) -> None:
    user = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
    made = make_certificates(tmp_path)
    made.key.chmod(0o600)
    port = _privileged_port() if ROOT else 0
    words = ["-l", f"tls:{HOST}:{port}", "-u", user, "-b", str(folder), "--metrics", f"{HOST}:0", *made.options]
    with started(tmp_path, *words) as server:
        if ROOT:
            assert server.addresses == [f"tls:{HOST}:{port}"]
        with made.client().wrap_socket(server.dial(), server_hostname=HOST) as client:
            client.sendall(b"list-tube-used\r\n")
            assert client.recv(100) == b"USING default\r\n"


def _privileged_port() -> int:
    """One below 1024 that nothing listens on."""
    import socket

    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("all ports below 1024 are in use")
