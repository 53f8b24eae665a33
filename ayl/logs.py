"""The running call in every record of a log: a filter for handlers, of the app's own logging as of a worker's.

    handler.addFilter(ayl.logs.CallFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(ayl_id)s %(message)s"))

In `logging.config.dictConfig` it is {"()": "ayl.logs.CallFilter"}.
"""

from logging import Filter, LogRecord

from ayl.message import Message
from ayl.running import call_name, current

NO_CALL = "-"
"""In records from outside of any call."""


class CallFilter(Filter):
    """Lets everything pass, and gives each record two attributes: `ayl_id`, the message id of the call that is running
    (`ayl.current()`) in the thread or task that logs, and `ayl_call`, what is called, without its arguments:
    `shop.Order.ship`. Both are "-" where no call runs.
    """

    def filter(self, record: LogRecord) -> bool:
        """True."""
        if not hasattr(record, "ayl_id"):
            call = current()
            record.ayl_id = NO_CALL if call is None else call.id
            record.ayl_call = NO_CALL if call is None else call.name
        return True


def of(message: Message) -> dict[str, str]:
    """`extra` of a record that tells of a call which is not running any more."""
    return {"ayl_id": message.id, "ayl_call": call_name(message)}
