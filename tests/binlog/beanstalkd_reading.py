"""A few records to write files of, and what is read from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ayl_server.binlog.beanstalkd import Takeover, read

from .beanstalkd_writer import BIRTH, FORMATS, Record

every_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"v{form.version}-{form.order}")


def reading(*contents: bytes) -> Takeover:
    """These files, from binlog.1 on."""
    return read([(f"binlog.{n}", content) for n, content in enumerate(contents, 1)])


def ids(takeover: Takeover) -> list[int]:
    return [job.id for job in takeover.jobs]


ONE, TWO, THREE = Record(1, body=b"one"), Record(2, body=b"two", created=BIRTH + 1000), Record(3, created=BIRTH + 2000)


def change(record: Record, state: int, **fields: int) -> Record:
    return replace(record, whole=False, state=state, **fields)  # type: ignore[arg-type]
