"""Which classes may travel by value, and under which names."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any

import pytest

from ayl.values import decode, value

from .things import Money, Stored, Text, Unregistered, find, sent, write


class TestRegistering:
    def test_the_default_name_is_module_and_qualified_name(self) -> None:
        @value
        @dataclass
        class Local:
            a: int

        assert write(Local(1))["$t"][1] == f"{__name__}.TestRegistering.{Local.__qualname__.partition('.')[2]}"
        assert sent(Local(1)) == Local(1)

    def test_the_name_may_be_given_by_keyword_and_left_out_with_empty_brackets(self) -> None:
        @value()
        @value(name="test.ByKeyword")
        @dataclass
        class Local:
            a: int

        assert sent(Local(1)) == Local(1)
        assert decode({"$t": ["value", "test.ByKeyword", {"a": 1}]}, find) == Local(1)

    def test_the_topmost_name_is_written_and_the_ones_below_are_still_read(self) -> None:
        @value("test.New")
        @value("test.Old")
        @dataclass
        class Renamed:
            a: int

        assert write(Renamed(1))["$t"][1] == "test.New"
        assert decode({"$t": ["value", "test.Old", {"a": 1}]}, find) == Renamed(1)

    def test_a_class_of_main_is_refused_with_the_cure(self) -> None:
        cls: Any = dataclass(type("Local", (), {"__module__": "__main__", "__annotations__": {}}))
        with pytest.raises(ValueError, match=r'__main__.*@ayl\.value\("shop\.Local"\).*move it into a module'):
            value(cls)
        assert value("test.FromMain")(cls) is cls

    def test_two_classes_under_one_name_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"'test\.Money' already names .*Money: give .*Unregistered another name"):
            value("test.Money")(Unregistered)
        assert sent(Money(1)) == Money(1)

    def test_a_reloaded_class_takes_the_place_of_the_old_one(self) -> None:
        def define() -> Any:
            @value("test.Reloaded")
            @dataclass
            class Reloaded:
                a: int

            return Reloaded

        old, new = define(), define()
        assert type(sent(new(1))) is new
        with pytest.raises(TypeError, match="replaced by a newer one"):
            write(old(1))

    @pytest.mark.parametrize("cls", [object, Stored, Text, dict, int])
    def test_a_class_of_another_kind_is_refused(self, cls: type) -> None:
        with pytest.raises(TypeError, match="is no dataclass, Enum, attrs class"):
            value("test.Other")(cls)

    def test_a_decorator_in_the_wrong_order_is_refused_even_below_a_dataclass(self) -> None:
        class Sub(Money):
            note: str = ""

        with pytest.raises(TypeError, match=r"place @ayl\.value above the decorator"):
            value("test.Sub")(Sub)

    def test_something_that_is_neither_class_nor_name_is_refused(self) -> None:
        with pytest.raises(TypeError, match="takes a name or stands above a class"):
            value(3)  # type: ignore[call-overload]

    def test_a_dataclass_that_its_fields_do_not_suffice_for_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="cannot be made from its fields: missing a required argument: 'scale'"):

            @value("test.Scaled")
            @dataclass
            class Scaled:
                a: int
                scale: InitVar[int]

        with pytest.raises(TypeError, match="cannot be made from its fields: missing a required argument: 'b'"):

            @value("test.Custom")
            @dataclass(init=False)
            class Custom:
                a: int

                def __init__(self, b: int) -> None:
                    self.a = b

    def test_a_dataclass_that_is_also_a_builtin_would_lose_content_and_is_refused(self) -> None:
        with pytest.raises(TypeError, match="holds more than its fields"):

            @value("test.Rows")
            @dataclass
            class Rows(list[int]):
                title: str

    def test_a_refused_class_leaves_nothing_behind(self) -> None:
        with pytest.raises(TypeError):
            value("test.Nothing")(Stored)
        with pytest.raises(ValueError, match="no class is registered"):
            decode({"$t": ["value", "test.Nothing", {}]}, find)
