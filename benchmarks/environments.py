"""What the peers need: Redis, and for each a virtual environment of its own, made on first use."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.entrants import Entrant
from benchmarks.processes import Kind

STAMP = "frameworks-requirements"
"""In an environment that is complete: the digest of what it was made from."""


class Missing(Exception):
    """Something is not installed; the message says how to install it."""


def programs(entrant: Entrant, environments: Path) -> Path:
    """Where the programs of an entrant are, its Python among them; ours are beside this Python."""
    if not entrant.requirements:
        if not shutil.which("ayl_worker", path=str(Path(sys.executable).parent)):
            raise Missing(f"there is no ayl_worker beside {sys.executable}: run bin/setup, then .venv/bin/python")
        return Path(sys.executable).parent
    place = environments / entrant.name
    wanted = digest(entrant)
    stamp = place / STAMP
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print(f"installing {', '.join(entrant.requirements)} in {place}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, *entrant.requirements], check=False).returncode:
            raise Missing(f"{entrant.name} cannot be installed: see above; leave it out with --frameworks")
        stamp.write_text(wanted)
    return place / "bin"


def digest(entrant: Entrant) -> str:
    """Changes with the requirements and with this Python."""
    return hashlib.sha256("\n".join((sys.version, *entrant.requirements)).encode()).hexdigest()


def redis() -> Kind:
    """Redis without persistence."""
    options = ("--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no", "--loglevel", "warning")
    kind = Kind("redis", "redis-server", listen=options)
    if kind.path() is None:
        raise Missing("the peers need Redis; apt-get install redis-server brings it (or use --frameworks ayl)")
    return kind


def versions(entrant: Entrant, bin_: Path) -> dict[str, str]:
    """Of what is installed for it."""
    names = entrant.distributions or (entrant.module,)
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = subprocess.run([bin_ / "python", "-c", code, *names], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, found.split(), strict=True))
