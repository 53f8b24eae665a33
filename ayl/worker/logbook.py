"""What a worker process logs: each line says which call it comes from, if it comes from one."""

import logging
import sys

from ayl.logs import NO_CALL, CallFilter

FORMAT = "%(asctime)s %(levelname)s {name}[%(process)d] %(ayl_prefix)s%(message)s"


class _Prefix(CallFilter):
    """Also knows how a line begins that comes from a call."""

    def filter(self, record: logging.LogRecord) -> bool:
        super().filter(record)
        call_id = getattr(record, "ayl_id", NO_CALL)
        record.ayl_prefix = "" if call_id == NO_CALL else f"{call_id}: "
        return True


def begin(level: str, name: str) -> None:
    """From now on, to standard error, as the worker with that name. An app may set up its logging otherwise when it is
    loaded.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Prefix())
    logging.basicConfig(level=level, format=FORMAT.format(name=name), handlers=[handler])
