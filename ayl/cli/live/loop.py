"""`top`: keys and news in, lines out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ayl.cli.live.looker import Looker
from ayl.cli.live.state import Facts, State, chosen, listed, placed, pressed
from ayl.cli.live.view import view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.admin import Server
    from ayl.cli.live.screen import Screen

PATIENCE = 60.0
"""Seconds without a key or news after which the screen is drawn anyway."""


def run(screen: Screen, servers: Sequence[Server], pattern: str, seconds: float, order: str) -> None:
    """Until the operator quits."""
    looker = Looker(servers, pattern, seconds, screen.wake)
    looker.start()
    facts, state, asked = Facts(), State(order, pattern), None
    while not state.ended:
        screen.show(view(facts, state, screen.size))
        key = screen.key(PATIENCE)
        for news in looker.news():
            if news.error is not None:
                raise news.error
            facts = news.facts
            state = replace(state, notice=news.notice or state.notice)
        shown = listed(facts.looks, state)
        if key:
            state = pressed(state, key, shown)
        row = chosen(shown, state)
        place = placed(row) if row else None
        if place != asked or state.actions:
            looker.wish(place, state.actions)
            state, asked = replace(state, actions=()), place
