"""A wrong argument is a type error before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ayl

ROOT = Path(__file__).resolve().parents[2]
API = Path(__file__).with_name("api.py")


def check(path: Path) -> list[str]:
    """What mypy has to say about this file, line by line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty"]
    done = subprocess.run([*command, path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if "api.py:" in line]


def test_the_public_names_have_the_types_they_promise() -> None:
    assert check(API) == []


def test_every_public_name_is_used_there() -> None:
    unused = [name for name in ayl.__all__ if f"ayl.{name}" not in API.read_text()]
    assert unused == ["AylError"]


def test_an_error_that_is_not_given_would_be_noticed(tmp_path: Path) -> None:
    text = API.read_text().replace('clear_stay, "three", stay)', "clear_stay, 3, stay)")
    (tmp_path / "api.py").write_text(text)
    said = check(tmp_path / "api.py")
    assert len(said) == 2
    assert all('Unused "type: ignore" comment' in line for line in said)
