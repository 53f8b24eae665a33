"""Whether a job that is handed out never was before, as far as the order of ids tells. Pure."""

from ayl.engines.addresses import Address

WARY = 128
"""Of so many jobs that come first it is not believed that they are new, though their ids rise: a worker that died may
have had that many in hand, and whoever comes in its place is handed them first.
"""


class Order:
    """Ids in the order in which one server hands out jobs. They rise as long as each is handed out for the first time,
    but for jobs with delays and with priorities of their own: these cannot be told from those that come back.

    Connections may share it if each waits in its turn, so that jobs are seen in the order in which they are handed out.
    """

    __slots__ = ("_highest", "_most", "_wary")

    def __init__(self, wary: int = WARY) -> None:
        """`wary`: of so many jobs at first it is not believed that they are new."""
        self._most = wary
        self.begin_anew()

    def begin_anew(self) -> None:
        """The server may have been restarted, and count from 1 again."""
        self._highest = 0
        self._wary = self._most

    def is_new(self, job_id: int) -> bool:
        """Whether a job of that id, which was just handed out, never was before. Of the first ones, no."""
        highest, self._highest = self._highest, max(self._highest, job_id)
        if self._wary:
            self._wary -= 1
            return False
        return job_id > highest


class Orders:
    """What connections share, for each server."""

    def __init__(self, wary: int = WARY) -> None:
        """`wary`: as for `Order`."""
        self._wary = wary
        self._orders: dict[Address, Order] = {}

    def of(self, address: Address) -> Order:
        return self._orders.setdefault(address, Order(self._wary))
