"""Settings: where each comes from, which source wins, and what is said about one that makes no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import settings
from ayl.errors import AylError, InvalidOption, NotConfigured
from ayl.settings import DEFAULT_ENGINE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ayl.conftest import Outbox


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "ayl.toml"
        path.write_text(text)
        return path

    return write


# Which source wins


def test_without_any_source_the_defaults_hold() -> None:
    assert settings.current() == Settings(
        app="",
        version="dev",
        engine="beanstalk://127.0.0.1:11300",
        timeout=5.0,
        max_message_size=65535,
        probe_interval=0.001,  # ours, of the tests
    )


@pytest.mark.parametrize(
    ("name", "file", "variable", "argument"),
    [
        ("app", "in-file", "in-variable", "argument"),
        ("version", "1", "2", "3"),
        ("engine", "beanstalk://file", "beanstalk://variable", "synchronous"),
        ("timeout", 1.5, 2.5, 3.5),
        ("max_message_size", 1000, 2000, 3000),
    ],
)
def test_arguments_beat_variables_which_beat_the_file_which_beats_the_defaults(
    name: str, file: Any, variable: Any, argument: Any, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(f"{name} = {file!r}")
    assert getattr(settings.current(), name) == file
    monkeypatch.setenv(f"AYL_{name.upper()}", str(variable))
    settings.reset()
    assert getattr(settings.current(), name) == variable
    assert getattr(ayl.configure(**{name: argument}), name) == argument


def test_sources_add_up(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write('app = "shop"\n[defaults]\ndelay = 5')
    monkeypatch.setenv("AYL_VERSION", "1.4.2")
    found = ayl.configure(engine="synchronous", defaults={"priority": 7})
    assert (found.tube(), found.engine) == ("shop/1.4.2", "synchronous")
    assert found.defaults == ayl.Options(delay=5, priority=7)


def test_configuring_again_leaves_the_rest_as_it_was() -> None:
    ayl.configure(app="shop", version="1.4.2")
    ayl.configure(version="1.5.0")
    assert settings.current().tube() == "shop/1.5.0"


def test_a_refused_configuration_changes_nothing() -> None:
    before = ayl.configure(app="shop", version="1.4.2")
    with pytest.raises(InvalidOption):
        ayl.configure(app="stall", version="one four two")
    assert settings.current() == before
    assert ayl.configure(timeout=1).tube() == "shop/1.4.2"


def test_an_empty_variable_counts_as_none(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write('app = "shop"')
    monkeypatch.setenv("AYL_APP", "")
    monkeypatch.setenv("AYL_CONFIG", "")
    assert settings.current().app == "shop"


def test_settings_are_read_when_they_are_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_APP", "late")
    assert settings.current().app == "late"


def test_options_may_be_given_whole_or_as_a_table() -> None:
    assert ayl.configure(defaults={"delay": 3}).defaults == ayl.configure(defaults=ayl.Options(delay=3)).defaults


def test_calls_that_say_nothing_else_get_the_defaults(outbox: Outbox) -> None:
    ayl.configure(defaults={"priority": 7, "delay": 8, "time_to_run": 9, "queue_name": "slow"})
    ayl.ayl_send([1], "copy")
    ayl.opts(delay=80).send([1].copy)
    first, second = ((one.tube, one.priority, one.delay, one.time_to_run) for one in outbox.submissions)
    assert first == ("shop/1.4.2/slow", 7, 8, 9)
    assert second == ("shop/1.4.2/slow", 7, 80, 9)


# The file


def test_a_worker_looks_for_the_file_in_its_app_path(tmp_path: Path, write: Callable[[str], Path]) -> None:
    write('app = "here"')
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "ayl.toml").write_text('app = "there"')
    assert settings.current().app == "here"
    settings.look_in(tmp_path / "there")
    assert settings.current().app == "there"


def test_a_file_may_be_named(tmp_path: Path, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write('app = "unnamed"')
    (tmp_path / "other.toml").write_text('app = "named"')
    monkeypatch.setenv("AYL_CONFIG", str(tmp_path / "other.toml"))
    assert settings.current().app == "named"


def test_a_named_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYL_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(NotConfigured, match=r"AYL_CONFIG names .*nowhere\.toml, which does not exist"):
        settings.current()


def a_directory(path: Path) -> None:
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [a_directory, a_link_to_itself])
@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_cannot_be_read_is_no_missing_file(
    make: Callable[[Path], None], named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ayl.toml"
    make(path)
    if named:
        monkeypatch.setenv("AYL_CONFIG", str(path))
    with pytest.raises(NotConfigured, match=r"^cannot read \S*ayl\.toml: \w+"):
        settings.current()


@pytest.mark.parametrize("content", [b"app = ", b"app = shop", b'app = "a"\napp = "b"', b"\xff\xfe", b"\0"])
def test_a_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "ayl.toml").write_bytes(content)
    with pytest.raises(NotConfigured, match=r"ayl\.toml is not valid TOML: "):
        settings.current()


# Values that make no sense

NONSENSE: list[tuple[str, type[AylError], str]] = [
    ('ap = "shop"', NotConfigured, "unknown setting 'ap'; did you mean 'app'"),
    ("colour = 3", NotConfigured, "unknown setting 'colour'"),
    ("app = 3", NotConfigured, "app is text, not 3"),
    ("version = 1.4", NotConfigured, "version is text, not 1.4"),
    ("engine = []", NotConfigured, "engine is text, not []"),
    ('app = ""', InvalidOption, "app ''"),
    ('app = "two words"', InvalidOption, "app 'two words'"),
    ('app = "a/b"', InvalidOption, "app 'a/b'"),
    ('version = "-1"', InvalidOption, "version '-1'"),
    ('version = "é"', InvalidOption, "version 'é'"),
    ('version = "1@2"', InvalidOption, "version '1@2'"),
    ('timeout = "soon"', NotConfigured, "timeout is a number above 0"),
    ("timeout = 0", NotConfigured, "timeout"),
    ("timeout = -1.5", NotConfigured, "timeout"),
    ("timeout = nan", NotConfigured, "timeout"),
    ("timeout = inf", NotConfigured, "timeout"),
    ("timeout = true", NotConfigured, "timeout"),
    ("timeout = []", NotConfigured, "timeout"),
    pytest.param(f"timeout = 1{'0' * 400}", NotConfigured, "timeout", id="timeout = 10**400"),  # type: ignore[list-item]
    ("max_message_size = 0.5", NotConfigured, "max_message_size"),
    ("max_message_size = 1000.9", NotConfigured, "max_message_size"),
    ("max_message_size = inf", NotConfigured, "max_message_size"),
    ("defaults = 3", NotConfigured, "defaults is a table of options, not 3"),
    ("[defaults]\nprioritty = 3", InvalidOption, "unknown option 'prioritty'; did you mean 'priority'"),
    ('[defaults]\ndelay = "x"', InvalidOption, "delay"),
    ('[defaults]\nlane = "a/b"', InvalidOption, "lane 'a/b'"),
]


@pytest.mark.parametrize(("text", "error", "words"), NONSENSE)
def test_nonsense_in_the_file_is_refused_with_its_place(
    text: str, error: type[AylError], words: str, write: Callable[[str], Path]
) -> None:
    write(text)
    with pytest.raises(error) as caught:
        settings.current()
    assert words in str(caught.value)
    assert str(caught.value).endswith("(from ayl.toml)")


@pytest.mark.parametrize(
    ("variable", "text"), [("AYL_TIMEOUT", "soon"), ("AYL_APP", "two words"), ("AYL_VERSION", "@")]
)
def test_nonsense_in_a_variable_is_refused_with_its_place(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(AylError, match="from the environment"):
        settings.current()


def test_a_tube_name_longer_than_the_protocol_allows_is_refused_with_its_size() -> None:
    with pytest.raises(InvalidOption, match="has 211 bytes; the protocol allows 200"):
        ayl.configure(app="a" * 150, version="1" * 60)


# Without an app


def test_a_send_without_an_app_names_the_line_to_add() -> None:
    ayl.configure(engine="synchronous")
    with pytest.raises(NotConfigured) as caught:
        ayl.ayl_send([1], "copy")
    assert 'ayl.configure(app="shop", version="1.4.2")' in str(caught.value)
    assert "AYL_APP" in str(caught.value)
    assert "ayl.toml" in str(caught.value)


@pytest.mark.parametrize("engine", ["http://127.0.0.1", "beanstlak://127.0.0.1", "synchronously", "11300"])
def test_a_send_to_an_unknown_engine_names_those_there_are(engine: str) -> None:
    def configure_and_send() -> None:
        ayl.configure(app="shop", engine=engine)
        ayl.ayl_send([1], "copy")

    with pytest.raises(NotConfigured) as caught:
        configure_and_send()
    assert repr(engine) in str(caught.value)
    assert "use beanstalk://HOST:PORT, beanstalk:///PATH/OF/SOCKET, " in str(caught.value)


def test_the_default_engine_is_the_server_of_this_machine() -> None:
    assert settings.current().engine == DEFAULT_ENGINE
