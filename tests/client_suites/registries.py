"""Fetches what clients publish, with each registry's own tool: that one knows of mirrors and proxies."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .outcome import NotRunError
from .suite import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .suite import Suite

FETCH_SECONDS = 300.0


def fetch(suite: Suite, folder: Path, python2: str | None, checkout: str | None) -> Path:
    """The directory with the unpacked package, in `folder`, once its digest has been found right."""
    if suite.origin is Origin.CHECKOUT:
        return _copy(suite, Path(str(checkout)), folder)
    download = folder / "download"
    download.mkdir()
    if suite.origin is Origin.NPM:
        fetch_with(["npm", "pack", "--loglevel=error", f"{suite.name}@{suite.version}"], download)
    else:
        _pip_download(str(python2) if suite.origin is Origin.PYPI_PYTHON2 else sys.executable, suite, download)
    (archive,) = (path for path in download.iterdir() if path.suffix in {".gz", ".tgz", ".zip"})
    verify(suite, archive)
    unpacked = folder / "package"
    shutil.unpack_archive(archive, unpacked)
    (package,) = unpacked.iterdir()
    return package


def _pip_download(python: str, suite: Suite, download: Path) -> None:
    # pip runs the package's setup.py to learn its name. With a digest to compare, it does that afterwards.
    wanted = download / "wanted.txt"
    wanted.write_text(f"{suite.name}=={suite.version} --hash=sha256:{suite.sha256}\n")
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
    fetch_with([python, "-m", "pip", "download", *options, "--dest", ".", "-r", wanted.name], download)


def _copy(suite: Suite, checkout: Path, folder: Path) -> Path:
    """Only the file with the tests: the client itself comes from its registry."""
    source = checkout / suite.test_file
    if not source.is_file():
        raise NotRunError(f"{source} is not there: is {checkout} a checkout of {suite.name}?")
    verify(suite, source)
    package = folder / "package"
    copy = package / suite.test_file
    copy.parent.mkdir(parents=True)
    shutil.copyfile(source, copy)
    return package


def verify(suite: Suite, file: Path) -> None:
    """NotRunError unless the file is the one that was looked at when the suite was taken up."""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != suite.sha256:
        raise NotRunError(f"{file.name} is not what it was: sha256 {found}, not {suite.sha256}")


def environment() -> dict[str, str]:
    """This one, mirrors and proxies and all, without what would bend Python or Node."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NODE_"))}


def fetch_with(command: Sequence[str], folder: Path) -> None:
    """Run a tool that talks to a registry; NotRunError with its last words when it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotRunError(f"{command[0]} took longer than {FETCH_SECONDS:.0f} s: is the registry in reach?") from None
    if done.returncode:
        raise NotRunError(f"{' '.join(command[:4])} … failed: {complaint(done.stderr or done.stdout)}")


def complaint(text: str) -> str:
    """The line in which pip or npm says what is wrong: the first that calls itself an error, or else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no word"]
    return next((line for line in lines if line.lower().startswith(("error", "npm error", "npm err!"))), lines[-1])
