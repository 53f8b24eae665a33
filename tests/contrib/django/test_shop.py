"""What the matrix of ORMs takes for granted of the shop that Django keeps."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ayl.errors import Gone, NotSaved
from tests.orms.django_shop import opened
from tests.orms.shop import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("inline")
def test_the_shop_is_as_the_matrix_wants_it(tmp_path: Path) -> None:
    SHIPPED.clear()
    with opened(tmp_path) as shop:
        order = shop.saved("socks")
        order.ayl_send("ship", "ups")
        shop.saved_line(order.id, 1, "red").ayl_send("ship", "dhl")
        with pytest.raises(NotSaved):
            shop.unsaved("hats").ayl_send("ship", "ups")
        with shop.transaction():
            with suppress(LookupError), shop.transaction():
                shop.added("lost").ayl_send("ship", "ups")
                raise LookupError
            shop.added("shoes").ayl_send("ship", "ups")
        shop.renamed("django_shop.Order")
        order.ayl_send("ship", "pigeon")
        shop.deleted(order)
        with pytest.raises(Gone, match=rf"^shop\.Purchase {order.id} exists no more$"):
            order.ayl_send("ship", "ups")
    assert SHIPPED == [("socks", "ups"), ("red", "dhl"), ("shoes", "ups"), ("socks", "pigeon")]
    SHIPPED.clear()
    with opened(tmp_path / "..") as shop:
        assert not shop.Order.objects.exists()
