"""Reserves: files that hold nothing and wait to become segments. They are room that is ours whatever fills the disk."""

from ayl_server.binlog.disk import Disk
from ayl_server.binlog.segment import RESERVE, numbers


class Reserves:
    """The reserves of a log, all of the same size."""

    def __init__(self, disk: Disk, size: int, *, synced: bool) -> None:
        """`synced`: whether they are to outlive a crash of the machine."""
        self.size = size  # bytes of each file
        self.names: list[str] = []
        self._disk = disk
        self._synced = synced
        self.trouble = ""
        """Why the disk gave none, when it did not."""
        self._made = 0  # the highest number that was given

    def adopt(self, names: list[str]) -> list[str]:
        """Count in those among the directory's `names`; those of another size, left by another -s, are returned."""
        found = numbers(names, "reserve")
        self._made = max(found, default=0)
        sizes = {name: self._disk.size(name) for name in map(RESERVE.format, found)}
        self.names = [name for name, size in sizes.items() if size == self.size]
        return [name for name, size in sizes.items() if size != self.size]

    def make(self) -> bool:
        """Take room of the disk for one more; False if it gives none."""
        name = self._next_name()
        try:
            file = self._disk.create(name, self.size)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        # At once: jobs are going to be accepted because there is this room.
        if self._synced:
            file.sync()
        file.close()
        if self._synced:
            self._disk.sync()
        self.names.append(name)
        return True

    def fill_up(self, number: int) -> bool:
        """Have at least so many; if the disk does not give that much, False and all as before."""
        before = len(self.names)
        while len(self.names) < number:
            if not self.make():
                while len(self.names) > before:
                    self.drop()
                return False
        return True

    def keep(self, name: str) -> None:
        """Make a reserve of a file of the right size that is needed no more."""
        reserve = self._next_name()
        self._disk.rename(name, reserve)
        self.names.append(reserve)

    def take(self) -> str:
        """Which file is to be used now; there must be one."""
        return self.names.pop(0)

    def drop(self) -> None:
        """Give one back to the disk."""
        self._disk.remove(self.names.pop())

    def _next_name(self) -> str:
        self._made += 1
        return RESERVE.format(self._made)
