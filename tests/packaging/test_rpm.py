"""What is in the RPM, what it needs, and what it does besides."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.pages import ROOT

from .package import BUILD, SCRIPTLETS, Package, build

if TYPE_CHECKING:
    from pathlib import Path

HOME = "/opt/ayl"

OLDEST_C_LIBRARY = (2, 34)
"""RHEL 9's."""

COMMANDS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])

ELSEWHERE = """\
/etc/ayl
/etc/ayl/conf.d
/etc/ayl/daemons.yml
/etc/init.d/ayl-workers
/etc/logrotate.d/ayl
/run/ayl
/usr/lib/systemd/system-generators/ayl-generator
/usr/lib/systemd/system/ayl-server.service
/usr/lib/systemd/system/ayl-server.socket
/usr/lib/systemd/system/ayl-worker@.service
/usr/lib/systemd/system/ayl-workers.service
/usr/lib/sysusers.d/ayl.conf
/usr/lib/tmpfiles.d/ayl.conf
/usr/share/licenses/ayl
/usr/share/licenses/ayl/LICENSE
/var/lib/ayl
/var/log/ayl
""".splitlines()
"""What is neither in /opt/ayl nor a command nor a page."""


@pytest.fixture(scope="module")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    package.unpack(directory)
    return directory


def test_it_has_our_name_version_and_release(package: Package) -> None:
    assert package.path.name.startswith(f"ayl-{ayl.__version__}-1.")
    assert package.lines("--queryformat", "%{NAME} %{VERSION} %{RELEASE}") == [f"ayl {ayl.__version__} 1"]


def test_every_command_is_in_usr_bin(package: Package, unpacked: Path) -> None:
    there = [name.removeprefix("/usr/bin/") for name in package.lines("--list") if name.startswith("/usr/bin/")]
    assert there == COMMANDS
    for command in COMMANDS:
        assert str((unpacked / "usr/bin" / command).readlink()) == f"{HOME}/bin/{command}"
        assert (unpacked / "opt/ayl/bin" / command).read_text().startswith(f"#!{HOME}/bin/python")


def test_nothing_is_where_nobody_expects_it(package: Package) -> None:
    known = (HOME, "/usr/bin/ayl_", "/usr/share/doc/ayl")
    assert [name for name in package.lines("--list") if not name.startswith(known)] == ELSEWHERE


def test_what_operators_change_is_configuration_that_stays(package: Package) -> None:
    flags = dict(line.split() for line in package.lines("--queryformat", r"[%{FILENAMES} %{FILEFLAGS:fflags}.\n]"))
    kept = {name for name, flag in flags.items() if flag == "cn."}
    assert kept == {"/etc/ayl/daemons.yml", "/etc/logrotate.d/ayl"}
    assert {*package.lines("--configfiles")} == kept


def test_all_of_it_is_root_s(package: Package) -> None:
    assert {*package.lines("--queryformat", r"[%{FILEUSERNAME} %{FILEGROUPNAME}\n]")} == {"root root"}


def test_nobody_but_root_can_write_what_is_installed(package: Package) -> None:
    modes = dict(line.split() for line in package.lines("--queryformat", r"[%{FILENAMES} %{FILEMODES:perms}\n]"))
    assert [name for name, mode in modes.items() if mode[0] != "l" and "w" in mode[4:]] == []


def test_everybody_can_read_and_run_it(package: Package) -> None:
    modes = dict(line.split() for line in package.lines("--queryformat", r"[%{FILENAMES} %{FILEMODES:perms}\n]"))
    assert [name for name, mode in modes.items() if mode[7] != "r" or (mode[0] == "d" and mode[9] != "x")] == []
    assert [name for name, mode in modes.items() if "/bin/" in name and mode[9] != "x"] == []


def test_its_page_tells_where_things_are(package: Package) -> None:
    rows = re.findall(r"^\| (`/.*?) \|", (ROOT / "docs/service.md").read_text(), re.MULTILINE)
    told = {path for row in rows for path in re.findall(r"`([^`]+)`", row)}
    there = {*package.lines("--list")}
    assert told - there == {"/usr/bin/ayl_…", "/etc/sysconfig/ayl", "/etc/default/ayl"}
    assert len(told) > 6


def test_it_needs_python_3_11_and_a_c_library_of_its_targets_and_nothing_of_its_own(package: Package) -> None:
    required = [line for line in package.lines("--requires") if not line.startswith(("rpmlib(", "config("))]
    assert "/usr/bin/python3.11" in required
    plain = {"/bin/sh", "/usr/bin/getent", "/usr/bin/python3.11", "/usr/sbin/groupadd", "/usr/sbin/useradd"}
    others = {*required} - plain
    library = r"(libc|libm|libpthread|librt|libdl)\.so\.\d(\(GLIBC_[0-9.]+\)|\(\))\(64bit\)|rtld\(GNU_HASH\)"
    assert [line for line in others if not re.fullmatch(library, line)] == []
    versions = [(*map(int, found.split(".")),) for line in others for found in re.findall(r"GLIBC_([0-9.]+)", line)]
    assert (2, 0) < max(versions) <= OLDEST_C_LIBRARY


def test_its_libraries_are_told_and_offered_to_nobody(package: Package) -> None:
    provided = package.lines("--provides")
    assert "bundled(python3dist(click))" in {line.split(" = ")[0] for line in provided}
    assert all(re.match(r"(ayl|ayl\(.*\)|config\(ayl\)|bundled\(.*\)) = \S+$", line) for line in provided)


def test_nothing_in_it_knows_where_it_was_made(unpacked: Path) -> None:
    strange = re.compile(rb"/(tmp|var/tmp|home|root)/[^\s\"'\0]*(stage|rpm|site-packages|%s)" % ROOT.name.encode())
    checkout = str(ROOT).encode()
    files = [path for path in (unpacked / "opt/ayl").rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    texts = ((path, path.read_bytes()) for path in files)
    assert [path for path, text in texts if checkout in text or strange.search(text)] == []


def test_its_python_is_the_machine_s(unpacked: Path) -> None:
    environment = unpacked / "opt/ayl"
    assert str((environment / "bin/python3.11").readlink()) == "/usr/bin/python3.11"
    assert (environment / "pyvenv.cfg").read_text().startswith("home = /usr/bin\n")
    assert sorted(path.name for path in (environment / "bin").iterdir()) == sorted(
        [*COMMANDS, "python", "python3", "python3.11"]
    )


def test_no_pip_takes_it_for_its_own(unpacked: Path) -> None:
    packages = unpacked / "opt/ayl/lib/python3.11/site-packages"
    assert {path.read_text() for path in packages.glob("*.dist-info/INSTALLER")} == {"rpm\n"}
    assert not [*packages.glob("*.dist-info/RECORD"), *packages.glob("*.dist-info/direct_url.json")]


def test_every_module_is_compiled(unpacked: Path) -> None:
    sources = [path for path in (unpacked / "opt/ayl/lib").rglob("*.py") if "lib64" not in path.parts]
    compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc" for path in sources]
    assert [path for path in compiled if not path.exists()] == []
    # Taken for what it is as long as the source has this time; and it names the place where it will be.
    for source, bytecode in zip(sources, compiled, strict=True):
        data = bytecode.read_bytes()
        assert int.from_bytes(data[8:12], "little") == int(source.stat().st_mtime)
        assert str(source).removeprefix(str(unpacked)).encode() in data


def test_pages_that_units_name_are_there(package: Package, unpacked: Path) -> None:
    units = (unpacked / "usr/lib/systemd/system").iterdir()
    named = {page for unit in units for page in re.findall(r"^Documentation=file:(\S+)$", unit.read_text(), re.M)}
    assert named
    assert named <= {*package.lines("--list")}


def test_what_was_made_from_the_same_sources_is_the_same(package: Package, tmp_path: Path) -> None:
    assert digest(build(tmp_path, "1")) == digest(package)


def digest(package: Package) -> str:
    return hashlib.sha256(package.path.read_bytes()).hexdigest()


def test_rpmlint_has_nothing_against_it_that_is_not_explained(package: Package) -> None:
    words = ["rpmlint", "--config", str(ROOT / "packaging/rpm/rpmlint.toml"), str(package.path)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert re.findall(r"^\S+: [EW]: .*$", done.stdout, re.MULTILINE) == []
    assert " 0 errors, 0 warnings" in done.stdout


@pytest.mark.parametrize("name", SCRIPTLETS)
def test_scriptlets_are_plain_shell(name: str, package: Package) -> None:
    text = package.scriptlet(name)
    assert len(text) > 100
    done = subprocess.run(
        ["shellcheck", "--shell=sh", "-"], input=text + "\n", check=False, capture_output=True, text=True
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--release"], "--release needs a value"),
        (["--release", "one"], "a release is a number, not one"),
        (["--release", "1-1"], "a release is a number, not 1-1"),
        (["--output", ""], "--output needs a value"),
        (["--outptu=x"], "unknown: --outptu=x"),
    ],
)
def test_a_build_that_is_asked_wrongly_says_how_it_goes(words: list[str], complaint: str) -> None:
    done = subprocess.run([BUILD, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"build: {complaint}\nUse: packaging/rpm/build")


def test_the_output_of_a_build_is_where_the_rpm_is(package: Package) -> None:
    assert package.path.is_file()
    assert package.path.suffix == ".rpm"
