"""How long calls may take, said beside the code that takes so long: `keep_alive` and `time_limit`.

They are the options of that name for whoever sends without saying otherwise, so they travel in the message.
"""

from dataclasses import replace

from ayl.options import Options

_declared: dict[object, Options] = {}


def declared(keep_alive: bool | None, time_limit: int) -> Options:
    """InvalidOption if these make no sense."""
    return Options(keep_alive=keep_alive, time_limit=time_limit)


def declare(thing: object, options: Options) -> None:
    """From now on this holds for the calls of a class's methods, or of a function."""
    if options != Options():
        _declared[thing] = options


def with_declared(options: Options, asked: tuple[object, ...]) -> Options:
    """The options of a send, completed by what is declared of the first of these that says anything."""
    keep_alive, time_limit = options.keep_alive, options.time_limit
    for thing in asked:
        said = _declared.get(thing)
        if said is not None:
            keep_alive = said.keep_alive if keep_alive is None else keep_alive
            time_limit = time_limit or said.time_limit
    return replace(options, keep_alive=keep_alive, time_limit=time_limit)
