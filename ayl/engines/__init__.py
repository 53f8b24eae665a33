"""Ways to submit messages and to take them back, by the scheme of the engine's URL."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ayl.engines.base import Engine, Source
from ayl.errors import NotConfigured
from ayl.settings import Settings

if TYPE_CHECKING:
    from ayl.engines.order import Orders
    from ayl.engines.spool.draining import Drain
    from ayl.engines.watching import Watch


def server_engine(settings: Settings) -> Engine:
    """The engine that speaks to the server, with nothing to fall back on."""
    from ayl.engines.addresses import parse_url
    from ayl.engines.beanstalk import BeanstalkEngine

    return BeanstalkEngine(parse_url(settings.engine), settings.send_timeout, settings.probe_interval)


def _beanstalk(settings: Settings) -> Engine:
    from ayl.engines.fallback import FallbackEngine

    return FallbackEngine(server_engine(settings), settings)


def _synchronous(settings: Settings) -> Engine:
    from ayl.engines.synchronous import SynchronousEngine, parse_budget

    return SynchronousEngine(parse_budget(settings.engine))


def _thread(settings: Settings) -> Engine:
    from ayl.engines.thread import ThreadEngine, parse_plan

    return ThreadEngine(parse_plan(settings.engine))


def _recording(settings: Settings) -> Engine:
    from ayl.engines.recording import OF_THE_PROCESS

    return OF_THE_PROCESS


SERVERS = ("beanstalk", "beanstalks")
"""The schemes of engines that have jobs for workers."""

SCHEMES: dict[str, Callable[[Settings], Engine]] = {
    "beanstalk": _beanstalk,
    "beanstalks": _beanstalk,
    "synchronous": _synchronous,
    "thread": _thread,
    "recording": _recording,
}


def engine_for(settings: Settings) -> Engine:
    """The engine that the settings ask for; NotConfigured if there is none such."""
    make = SCHEMES.get(_scheme(settings.engine))
    if make is None:
        raise NotConfigured(
            f"no engine {settings.engine!r}: use beanstalk://HOST:PORT, beanstalk:///PATH/OF/SOCKET, "
            "beanstalks://HOST:PORT (TLS), several servers with commas between, or thread, or synchronous"
        )
    return make(settings)


def source_for(
    settings: Settings,
    watch: "Watch",
    wake_up: int,
    linked: Callable[[], object] = lambda: None,
    orders: "Orders | None" = None,
) -> Source:
    """Where a worker takes its jobs; NotConfigured for an engine that keeps none.

    `watch`: its tubes; `wake_up`: a descriptor that ends a wait. `linked` is called with each new connection, perhaps
    by another thread. `orders`: what those share of which one takes jobs after the other.
    """
    if _scheme(settings.engine) not in SERVERS:
        raise NotConfigured(f"the engine {settings.engine!r} has no jobs for workers; use beanstalk://HOST:PORT")
    from ayl.engines.addresses import parse_url
    from ayl.engines.dialing import dialer

    servers = parse_url(settings.engine)
    dial = dialer(servers)
    if len(servers.addresses) == 1:
        from ayl.engines.source import BeanstalkSource

        (address,) = servers.addresses
        order = None if orders is None else orders.of(address)
        return BeanstalkSource(address, dial, watch, settings.timeout, wake_up, linked, order)
    from ayl.engines.several import SeveralSources

    return SeveralSources(servers.addresses, dial, watch, settings.timeout, wake_up, linked, orders)


def watch_for(tubes: Sequence[str], shares: Sequence[int] = (), *, strict: bool = False) -> "Watch":
    """The tubes of a worker, of which it takes jobs alike; or by shares, one for each; or strictly in their order."""
    from ayl.engines.lanes import Shares, Strict
    from ayl.engines.watching import Watch

    if strict:
        return Watch(tubes, Strict(len(tubes)))
    return Watch(tubes, Shares(shares) if shares else None)


def orders_for(in_hand: int) -> "Orders":
    """For sources of a process that may have so many jobs in hand."""
    from ayl.engines.order import WARY, Orders

    return Orders(max(WARY, in_hand))


def drain_for(settings: Settings) -> "Drain | None":
    """What delivers the calls that wait in the spool for the engine of these settings, over a connection of its own;
    None if nothing waits. SpoolUnusable if the directory is not to be trusted.
    """
    from ayl.engines.spool.directory import holds

    if not holds(settings.spool_directory(), ".spool"):
        return None
    from ayl.engines.spool.draining import Drain  # half a megabyte, for nothing on most machines
    from ayl.engines.spool.store import Spool

    return Drain(
        Spool(settings.spool_directory(), settings.spool_limit), settings.engine, server_engine(settings).submit
    )


def _scheme(url: str) -> str:
    return url.partition("?")[0].partition(":")[0]
