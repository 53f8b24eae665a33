"""What each command goes through as machine code, where somebody has built that: `python -m ayl_server.compiled`.

They are the same sources, compiled by mypyc, and kept beside them in a folder that is named after the Python and the
contents of the sources: after an upgrade, or an edit, it fits no longer and the sources run as they are.
"""

from __future__ import annotations

import os
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

MODULES = (
    "binlog/log",
    "binlog/records",
    "binlog/replay",
    "binlog/reserves",
    "binlog/segment",
    "broker",
    "commands",
    "connection",
    "listener",
    "model",
    "numbered",
    "protocol",
    "queues",
    "stats",
)
"""What is compiled: the state machine, the journal's records, and the listener, which is in the way of each command.

What else talks to the system gains nothing. Constants of these modules are `Final`: others are looked up at each use.
"""

PACKAGE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs start-up time
BUILT = os.path.join(PACKAGE, "built")  # noqa: PTH118


def folder() -> str:
    """Where the compiled modules for these sources and this Python are, if they are."""
    checksum = 0
    for module in MODULES:
        with open(os.path.join(PACKAGE, f"{module}.py"), "rb") as source:  # noqa: PTH118, PTH123
            checksum = zlib.crc32(source.read(), checksum)
    return os.path.join(BUILT, f"{sys.implementation.cache_tag}-{checksum:08x}")  # noqa: PTH118


def use() -> bool:
    """Import the compiled modules from now on; False if there are none. To be called before they are imported."""
    found = folder()
    if not os.path.isdir(found):  # noqa: PTH112
        return False
    import ayl_server.binlog

    # The library that the modules share is imported by its bare name.
    sys.path.append(found)
    ayl_server.__path__.insert(0, os.path.join(found, "ayl_server"))  # noqa: PTH118
    ayl_server.binlog.__path__.insert(0, os.path.join(found, "ayl_server", "binlog"))  # noqa: PTH118
    return True


def build() -> None:
    """Compile. Takes a C compiler, Python's headers and what `pip install "ayl[speed]"` brings; about a minute."""
    import shutil
    import tempfile
    from pathlib import Path

    target = Path(folder())
    if target.is_dir():
        print(f"{target} is there already")  # noqa: T201 - the command's output
        return
    with tempfile.TemporaryDirectory() as scratch:
        made = _compile(Path(scratch))
        for stale in Path(BUILT).glob(f"{sys.implementation.cache_tag}-*"):
            shutil.rmtree(stale)
        target.parent.mkdir(exist_ok=True)
        # Under another name first: a server that starts meanwhile finds all of it or nothing.
        halfway = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(made, halfway)
        halfway.rename(target)
    print(f"Built {target}")  # noqa: T201 - the command's output


def _compile(scratch: Path) -> Path:
    """Run mypyc on a copy of the sources; the folder that holds the result."""
    import shutil
    import subprocess

    shutil.copytree(PACKAGE, scratch / "ayl_server", ignore=shutil.ignore_patterns("built", "__pycache__"))
    sources = [f"ayl_server/{module}.py" for module in MODULES]
    (scratch / "setup.py").write_text(
        "from mypyc.build import mypycify\nfrom setuptools import setup\n"
        f"setup(name='speed', packages=[], ext_modules=mypycify({sources!r}, group_name='ayl_server'))\n"
    )
    log = scratch / "log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", "made"],
            cwd=scratch,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        _give_up(log.read_text())
    return scratch / "made"


def _give_up(said: str) -> NoReturn:
    sys.stderr.write(said[-4000:])
    sys.exit(
        "The modules could not be compiled; the server works without, only slower. It takes a C compiler, Python's"
        ' headers (on Debian: apt-get install gcc python3-dev) and: pip install "ayl[speed]"'
    )


if __name__ == "__main__":
    build()
