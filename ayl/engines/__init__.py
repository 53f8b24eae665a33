"""Ways to submit messages and to take them back, by the scheme of the engine's URL."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ayl.engines.base import Engine, Source
from ayl.errors import NotConfigured
from ayl.settings import Settings

if TYPE_CHECKING:
    from ayl.engines.spool.draining import Drain


def server_engine(settings: Settings) -> Engine:
    """The engine that speaks to the server, with nothing to fall back on."""
    from ayl.engines.beanstalk import BeanstalkEngine

    return BeanstalkEngine(settings.engine, settings.timeout)


def _beanstalk(settings: Settings) -> Engine:
    from ayl.engines.fallback import FallbackEngine

    return FallbackEngine(server_engine(settings), settings)


def _synchronous(settings: Settings) -> Engine:
    from ayl.engines.synchronous import SynchronousEngine

    return SynchronousEngine()


def _recording(settings: Settings) -> Engine:
    from ayl.engines.recording import OF_THE_PROCESS

    return OF_THE_PROCESS


SCHEMES: dict[str, Callable[[Settings], Engine]] = {
    "beanstalk": _beanstalk,
    "synchronous": _synchronous,
    "recording": _recording,
}


def engine_for(settings: Settings) -> Engine:
    """The engine that the settings ask for; NotConfigured if there is none such."""
    scheme = settings.engine.partition(":")[0]
    try:
        make = SCHEMES[scheme]
    except KeyError:
        raise NotConfigured(
            f"no engine {settings.engine!r}: use beanstalk://HOST:PORT, beanstalk:///PATH/OF/SOCKET or synchronous"
        ) from None
    return make(settings)


def source_for(settings: Settings, tubes: Sequence[str], wake_up: int) -> Source:
    """Where a worker takes its jobs; NotConfigured for an engine that keeps none."""
    if settings.engine.partition(":")[0] != "beanstalk":
        raise NotConfigured(f"the engine {settings.engine!r} has no jobs for workers; use beanstalk://HOST:PORT")
    from ayl.engines.beanstalk import BeanstalkSource

    return BeanstalkSource(settings.engine, tubes, settings.timeout, wake_up)


def drain_for(settings: Settings) -> "Drain":
    """What delivers the calls that wait in the spool for the engine of these settings, over a connection of its own."""
    from ayl.engines.spool.draining import Drain
    from ayl.engines.spool.store import Spool

    return Drain(
        Spool(settings.spool_directory(), settings.spool_limit), settings.engine, server_engine(settings).submit
    )
