"""Plain classes: named by their id, found again by find(id) or get_cache(id)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import pytest

import ayl
from ayl import calling, references
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import CannotRun, Gone, NotRegistered, NotSaved, Unavailable
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


class Resident(ayl.Sendable):
    """Kept in a dict; what happens to it is written down."""

    stored: ClassVar[dict[Any, Resident]] = {}
    log: ClassVar[list[Any]] = []

    def __init__(self, key: Any = None) -> None:
        self.id = key

    @classmethod
    def find(cls, key: Any) -> Resident | None:
        cls.log.append(("find", key))
        return cls.stored.get(key)

    def greet(self, *others: Any) -> None:
        self.log.append((self, *others))

    @staticmethod
    def count(*others: Any) -> None:
        Resident.log.append(others)


class Cached(ayl.Sendable):
    log: ClassVar[list[Any]] = []

    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def get_cache(cls, key: int) -> Cached:
        cls.log.append("get_cache")
        return cls(key)

    @classmethod
    def find(cls, key: int) -> Cached:
        raise NotImplementedError("get_cache is preferred")

    def greet(self) -> None:
        self.log.append(self.id)


class Lost(ayl.Sendable):
    """Cannot be found."""

    error: ClassVar[BaseException]
    id = 7

    @classmethod
    def find(cls, key: int) -> Lost:
        raise cls.error

    def greet(self) -> None: ...


class Homeless(ayl.Sendable):
    """Has no way to be found."""

    id = 7

    def greet(self) -> None: ...

    @staticmethod
    def count() -> None:
        Resident.log.append("counted")


class Local:
    """As werkzeug's LocalProxy is, which current_user is in Flask."""

    def __init__(self, current: object) -> None:
        self._current = current

    def _get_current_object(self) -> object:
        return self._current

    __class__ = property(lambda local: type(local._get_current_object()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)


@pytest.fixture(autouse=True)
def _empty() -> None:
    Resident.stored = {}
    Resident.log.clear()
    Cached.log.clear()


@pytest.fixture
def resident() -> Resident:
    """One who is stored, as another object than the one that is sent to."""
    Resident.stored[3] = Resident(3)
    return Resident(3)


def test_the_call_is_made_on_the_object_that_find_finds(resident: Resident, inline: None) -> None:
    resident.ayl_send("greet")
    assert Resident.log == [("find", 3), (Resident.stored[3],)]
    assert Resident.log[1][0] is not resident


def test_arguments_are_found_as_well_however_deep_they_lie(resident: Resident, inline: None) -> None:
    Resident.ayl_send("count", [{"who": (resident,)}], {resident.id: resident})
    found = Resident.stored[3]
    assert Resident.log[-1] == ([{"who": (found,)}], {3: found})


def test_what_stands_for_an_object_is_named_as_that_object(resident: Resident, outbox: Outbox) -> None:
    ayl.ayl_send(Local(resident), "greet", [Local(resident)])
    message = outbox.messages[0]
    assert [message.on] == message.args[0] == [{"$ref": ["tests.ayl.test_references.Resident", 3]}]
    with pytest.raises(TypeError, match="only stands for a object"):
        ayl.ayl_send(resident, "greet", Local(object()))


def test_a_class_is_an_argument_too(inline: None) -> None:
    Resident.ayl_send("count", Resident, [Homeless])
    assert Resident.log == [(Resident, [Homeless])]


@pytest.mark.parametrize("key", [0, "", "jones", UUID(int=7), (1, "a"), 2**70, b"\xff"], ids=repr)
def test_a_key_is_any_value(key: Any, inline: None) -> None:
    Resident.stored[key] = Resident(key)
    Resident(key).ayl_send("greet")
    assert Resident.log[-1] == (Resident.stored[key],)


def test_a_reference_holds_nothing_but_a_name_and_a_key(resident: Resident, outbox: Outbox) -> None:
    resident.ayl_send("greet", Resident)
    (message,) = outbox.messages
    assert message.on == {"$ref": [f"{__name__}.Resident", 3]}
    assert message.args == [{"$ref": [f"{__name__}.Resident"]}]
    assert Resident.log == []


def test_get_cache_is_preferred_to_find(inline: None) -> None:
    Cached(5).ayl_send("greet")
    assert Cached.log == ["get_cache", 5]


def test_a_class_that_changes_is_seen_as_it_is_now(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    Cached(5).ayl_send("greet")
    for name in ("find", "get_cache"):
        monkeypatch.setattr(Cached, name, None)
    with pytest.raises(NotRegistered, match="has no way to find an instance again"):
        Cached(5).ayl_send("greet")
    monkeypatch.setattr(Cached, "find", classmethod(lambda cls, key: cls(key)))
    Cached(5).ayl_send("greet")
    assert len(outbox.submissions) == 2


class Parcel(ayl.Sendable):
    """Known by its number, and found in its own way."""

    log: ClassVar[list[object]] = []

    def __init__(self, number: str) -> None:
        self.number = number

    def __ayl_ref__(self) -> str | None:
        return self.number or None

    @classmethod
    def __ayl_find__(cls, key: str) -> Parcel | None:
        return None if key == "lost" else cls(key)

    @classmethod
    def find(cls, key: str) -> Parcel:
        raise NotImplementedError("its own way is preferred")

    def deliver(self) -> None:
        self.log.append(self.number)


def test_a_class_may_name_and_find_its_objects_in_its_own_way(inline: None) -> None:
    Parcel("p7").ayl_send("deliver")
    assert Parcel.log == ["p7"]


def test_an_object_that_has_no_key_of_its_own_yet_is_refused(outbox: Outbox) -> None:
    with pytest.raises(NotSaved, match="is of type Parcel and has no id yet"):
        Parcel("").ayl_send("deliver")


def test_what_its_own_way_does_not_find_is_gone() -> None:
    with pytest.raises(Gone, match="'lost' exists no more"):
        calling.perform(written(on={"$ref": [f"{__name__}.Parcel", "lost"]}, do="deliver"))


def test_its_own_way_goes_before_the_framework_s() -> None:
    class Mapped(ayl.Sendable, ayl_name="local.Mapped"):
        __mapper__ = None

        @classmethod
        def __ayl_find__(cls, key: object) -> Mapped:
            return cls()

    assert references.locator_of(Mapped) is references.PLAIN


def test_static_and_class_methods_need_no_object(inline: None) -> None:
    Homeless.ayl_send("count")
    assert Resident.log == ["counted"]


# Refused where it is sent


def refused(outbox: Outbox, error: type[Exception], send: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        send()
    assert not outbox.writes
    return str(caught.value)


def test_an_unsaved_object_is_refused_where_it_is_sent(outbox: Outbox) -> None:
    new = Resident()
    said = refused(outbox, NotSaved, lambda: new.ayl_send("greet"))
    assert said == "the receiver is of type Resident and has no id yet: save it before sending"
    said = refused(outbox, NotSaved, lambda: Resident.ayl_send("count", 1, [{"a": new}]))
    assert said.startswith("args[1][0]['a'] is of type Resident and has no id yet")


@ayl.model
class Nameless:
    @classmethod
    def find(cls, key: object) -> Nameless:
        return cls()

    def greet(self) -> None: ...


def test_an_object_without_an_attribute_for_its_key_is_told_to_have_one(outbox: Outbox) -> None:
    said = refused(outbox, NotSaved, lambda: ayl.ayl_send(Nameless(), "greet"))
    assert said.startswith(
        "the receiver is of type Nameless and has no attribute id; give it one, or a method __ayl_ref__()"
    )


def test_an_object_that_could_not_be_found_is_refused_where_it_is_sent(outbox: Outbox) -> None:
    for send in (lambda: Homeless().ayl_send("greet"), lambda: Resident.ayl_send("count", Homeless())):
        said = refused(outbox, NotRegistered, send)
        assert "is of type Homeless, which has no way to find an instance again" in said
        assert "find(id)" in said


def test_a_find_that_needs_an_instance_could_not_find_one(outbox: Outbox) -> None:
    @ayl.model("references.Confused")
    class Confused:
        id = 1

        def find(self, key: int) -> None: ...

        def greet(self) -> None: ...

    assert "classmethod" in refused(outbox, NotRegistered, lambda: ayl.ayl_send(Confused(), "greet"))


def test_a_key_that_cannot_be_written_down_is_refused_with_its_place(outbox: Outbox) -> None:
    said = refused(outbox, TypeError, lambda: Resident.ayl_send("count", [Resident(object())]))
    assert said.startswith("(the key of args[0][0]) is of type object")


# Gone is not unavailable


def test_what_find_does_not_find_is_gone(inline: None) -> None:
    with pytest.raises(Gone, match=rf"^{__name__}\.Resident 9 exists no more$"):
        Resident(9).ayl_send("greet")
    with pytest.raises(Gone, match=r"Resident 9 exists no more"):
        Resident.ayl_send("count", [Resident(9)])


@pytest.mark.parametrize("error", [KeyError(7), IndexError(), LookupError("not here")], ids=repr)
def test_a_lookup_error_means_gone(error: Exception, inline: None) -> None:
    Lost.error = error
    with pytest.raises(Gone, match="Lost 7 exists no more") as caught:
        Lost().ayl_send("greet")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [ConnectionError("refused"), TimeoutError(), OSError(5, "I/O error"), RuntimeError("no pool")], ids=repr
)
def test_any_other_error_of_find_means_that_it_cannot_be_known(error: Exception, inline: None) -> None:
    Lost.error = error
    with pytest.raises(Unavailable, match="Lost 7") as caught:
        Lost().ayl_send("greet")
    assert caught.value.__cause__ is error
    with pytest.raises(Unavailable, match="Lost 7"):
        Resident.ayl_send("count", [Lost()])


def test_a_value_error_of_find_is_no_broken_message(inline: None) -> None:
    Lost.error = ValueError("bad connection string")
    with pytest.raises(Unavailable, match="Lost 7"):
        Lost().ayl_send("greet")


def test_what_find_says_itself_is_heard(inline: None) -> None:
    Lost.error = Unavailable("the register is closed")
    with pytest.raises(Unavailable, match=r"^the register is closed$"):
        Lost().ayl_send("greet")


def test_an_end_of_the_process_is_not_taken_for_an_answer(inline: None) -> None:
    Lost.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Lost().ayl_send("greet")


def test_a_message_to_a_class_that_cannot_find_its_instances_is_buried() -> None:
    message = written(on={"$ref": [f"{__name__}.Homeless", 7]}, do="greet")
    with pytest.raises(CannotRun, match=r"Homeless has neither .*find\(id\)"):
        calling.perform(message)


def test_an_object_is_found_once_per_place(inline: None) -> None:
    Resident.stored[3] = Resident(3)
    ayl.ayl_send([Resident(3)], "append", 4)
    assert Resident.log == [("find", 3)]


def test_objects_are_found_only_while_a_job_runs() -> None:
    with pytest.raises(RuntimeError, match="while a job runs"):
        references.find([f"{__name__}.Resident", 3])
    with pytest.raises(RuntimeError, match="while a job runs"):
        ayl_sqlalchemy.session()
