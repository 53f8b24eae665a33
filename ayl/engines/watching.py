"""Connections that watch tubes, also those that come into being later and match a name with `*`."""

from collections.abc import Iterable, Sequence
from time import monotonic
from weakref import ref

import greenstalk

from ayl.engines.addresses import Address
from ayl.engines.client import Client
from ayl.engines.dialing import Dial
from ayl.tubes import is_wild, matching, stem

LOOK_SECONDS = 5
"""Between two looks whether there are new tubes, when some are named with `*`. Who waits asks again as often."""


def watching(address: Address, dial: Dial, tubes: Sequence[str], timeout: float) -> Client:
    """A new connection that watches these tubes. Raises one of TROUBLE."""
    client = Client(dial(address, timeout))
    try:
        client.prompt.wait_at_most(timeout)
        patterns = [tube for tube in tubes if is_wild(tube)]
        # A connection must watch something; the stem is a name that the pattern matches itself.
        names = {stem(tube) for tube in tubes}
        for tube in sorted(names):
            client.watch(tube)
        if greenstalk.DEFAULT_TUBE not in names:
            client.ignore(greenstalk.DEFAULT_TUBE)
        if patterns:
            client.look = Lookout(client, patterns, names)
            client.longest_wait = LOOK_SECONDS
    except BaseException:
        client.close()
        raise
    return client


class Lookout:
    """For tubes that a connection is to watch. One that has gone stays watched: it may come back."""

    def __init__(self, client: Client, patterns: Sequence[str], watched: Iterable[str]) -> None:
        self._client = ref(client)  # which has this, and closes with its last reference
        self._patterns = tuple(patterns)
        self._watched = set(watched)
        self._look_at = 0.0

    def __call__(self) -> None:
        """Look, if it is time. Raises what greenstalk does."""
        client = self._client()
        if client is None or monotonic() < self._look_at:
            return
        for tube in matching(self._patterns, client.tubes()):
            if tube not in self._watched:
                client.watch(tube)
                self._watched.add(tube)
        self._look_at = monotonic() + LOOK_SECONDS
