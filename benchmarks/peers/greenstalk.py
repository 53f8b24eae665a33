"""No framework: greenstalk alone. `python -m benchmarks.peers.greenstalk URL` is its worker."""

import json
import os
import sys
from urllib.parse import urlsplit

import greenstalk

from benchmarks.peers.nothing import nothing


def _connected(url: str) -> greenstalk.Client[bytes]:
    place = urlsplit(url)
    return greenstalk.Client((place.hostname or "", place.port or 0), encoding=None)


_client: greenstalk.Client[bytes] | None = None


def send() -> None:
    """One call."""
    global _client
    if _client is None:
        _client = _connected(os.environ["FRAMEWORKS_SERVER"])
    _client.put(json.dumps([1, "a"]).encode())


def main(url: str) -> None:
    """Make calls for ever."""
    client = _connected(url)
    while True:
        job = client.reserve()
        nothing(*json.loads(job.body))
        client.delete(job)


if __name__ == "__main__":
    main(sys.argv[1])
