"""Ways to submit messages and to take them back, by the scheme of the engine's URL."""

from collections.abc import Callable, Sequence

from ayl.engines.base import Engine, Source
from ayl.errors import NotConfigured
from ayl.settings import Settings


def _beanstalk(settings: Settings) -> Engine:
    from ayl.engines.addresses import parse_url
    from ayl.engines.beanstalk import BeanstalkEngine

    return BeanstalkEngine(parse_url(settings.engine), settings.send_timeout, settings.probe_interval)


def _synchronous(settings: Settings) -> Engine:
    from ayl.engines.synchronous import SynchronousEngine, parse_budget

    return SynchronousEngine(parse_budget(settings.engine))


def _thread(settings: Settings) -> Engine:
    from ayl.engines.thread import ThreadEngine, parse_plan

    return ThreadEngine(parse_plan(settings.engine))


SERVERS = ("beanstalk", "beanstalks")
"""The schemes of engines that have jobs for workers."""

SCHEMES: dict[str, Callable[[Settings], Engine]] = {
    "beanstalk": _beanstalk,
    "beanstalks": _beanstalk,
    "synchronous": _synchronous,
    "thread": _thread,
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


def source_for(settings: Settings, tubes: Sequence[str], wake_up: int) -> Source:
    """Where a worker takes its jobs; NotConfigured for an engine that keeps none."""
    if _scheme(settings.engine) not in SERVERS:
        raise NotConfigured(f"the engine {settings.engine!r} has no jobs for workers; use beanstalk://HOST:PORT")
    from ayl.engines.addresses import parse_url
    from ayl.engines.dialing import dialer
    from ayl.engines.several import SeveralSources
    from ayl.engines.source import BeanstalkSource

    servers = parse_url(settings.engine)
    dial = dialer(servers)
    if len(servers.addresses) == 1:
        return BeanstalkSource(servers.addresses[0], dial, tubes, settings.timeout, wake_up)
    return SeveralSources(servers.addresses, dial, tubes, settings.timeout, wake_up)


def _scheme(url: str) -> str:
    return url.partition("?")[0].partition(":")[0]
