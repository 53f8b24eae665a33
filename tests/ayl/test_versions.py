"""Versions in the names of tubes, compared as people mean them."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from ayl.admin.versions import family_of, newer, version_of

IN_ORDER = ["0.9", "1.0.dev3", "1.0a2", "1.0-beta1", "1.0rc1", "1.0-rc2", "1.0", "1.0.1", "1.4.2", "1.4.2-hotfix",
            "1.4.10", "1.10", "2", "v2.1", "2026.11.3", "20261122"]  # fmt: skip


@pytest.mark.parametrize(("older", "later"), [*pairwise(IN_ORDER)])
def test_a_later_one_is_newer(older: str, later: str) -> None:
    assert newer(later, older)
    assert not newer(older, later)


@pytest.mark.parametrize(("one", "other"), [("1.4", "1.4.0"), ("1.0rc1", "1.rc1"), ("v1", "1"), ("1.4-rc1", "1.4rc1")])
def test_some_are_the_same(one: str, other: str) -> None:
    assert not newer(one, other)
    assert not newer(other, one)


@pytest.mark.parametrize(("one", "other"), [*product(["1.4", "dev"], ["dev", "main", "3f2a9c1", "$x", ""])])
def test_names_and_commits_have_no_order(one: str, other: str) -> None:
    assert not newer(one, other)
    assert not newer(other, one)


def test_tubes_of_an_app_and_lane_are_one_family_in_all_versions() -> None:
    assert family_of("shop/1.4.2") == family_of("shop/1.5") == ("shop", "")
    assert family_of("shop/1.4.2/mail") == ("shop", "mail")
    assert family_of("default") is None
    assert family_of("shop/") is None
    assert version_of("shop/1.4.2/mail") == "1.4.2"
