"""The URLs of servers: what can be said, and that anything else is refused with words that help."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ayl.engines import engine_for
from ayl.engines.addresses import LONGEST_PATH, Address, Servers, Tls, parse_url
from ayl.errors import NotConfigured
from ayl.settings import Settings

HERE = Address("127.0.0.1", 11300)

MEANT = {
    "beanstalk://": Servers((HERE,)),
    "beanstalk://127.0.0.1/": Servers((HERE,)),
    "beanstalk://:11301": Servers((Address("127.0.0.1", 11301),)),
    "beanstalk://a:11300,B:7,[::1]:11301,[::1]": Servers(
        (Address("a", 11300), Address("b", 7), Address("::1", 11301), Address("::1", 11300))
    ),
    "beanstalk:///run/a.sock,/run/b%2Cc%3F.sock,q": Servers(
        (Address("", 0, "/run/a.sock"), Address("", 0, "/run/b,c?.sock"), Address("q", 11300))
    ),
    "beanstalk://Bücher.example": Servers((Address("xn--bcher-kva.example", 11300),)),
    "beanstalk://a,b?send=spread": Servers((Address("a", 11300), Address("b", 11300)), spread=True),
    "beanstalk://a,b?send=first": Servers((Address("a", 11300), Address("b", 11300))),
    "beanstalks://q.example.org": Servers((Address("q.example.org", 11300),), tls=Tls()),
    "beanstalks://q:1?ca=/etc/ca.pem&cert=c%26.pem&key=k.pem&send=spread": Servers(
        (Address("q", 1),), spread=True, tls=Tls("/etc/ca.pem", "c&.pem", "k.pem")
    ),
}

REFUSED = {
    "beanstalk": "use beanstalk://HOST:PORT",
    "http://127.0.0.1": "use beanstalk://HOST:PORT",
    "beanstalk://a,": "nothing between two commas",
    "beanstalk://,a": "nothing between two commas",
    "beanstalk://a,a:11300": "named twice",
    "beanstalk://a,A": "named twice",
    "beanstalk://::1": "stands in brackets",
    "beanstalk://[::1]x": "is no address",
    "beanstalk://[a]": "4 colons|At least 3 parts",
    "beanstalk://a:65536": "a port is",
    "beanstalk://a:٣": "a port is",
    "beanstalk://a:": "a port is",
    "beanstalk://a b": "no name of a host",
    "beanstalk://a\r\nb": "no name of a host",
    "beanstalk://" + "a" * 64: "no name of a host",
    "beanstalk:///": "the path of a socket",
    "beanstalk:///%00": "the path of a socket",
    "beanstalk:///" + "a" * LONGEST_PATH: "the path of a socket",
    "beanstalk:///%ff": "cannot understand",
    "beanstalk://a?tube=1": "unknown parameter 'tube'; known are send, ca, cert, key",
    "beanstalk://a?sent=first": "did you mean 'send'",
    "beanstalk://a?send=all": "send is one of first, spread, not 'all'",
    "beanstalk://a?send=": "has no value",
    "beanstalk://a?send": "has no value",
    "beanstalk://a?send=first&send=first": "given twice",
    "beanstalk://a?send=first&": "unknown parameter ''",
    "beanstalk://a?ca=x": "use beanstalks://",
    "beanstalks://a?key=x": "add cert=FILE",
    "beanstalks:///run/socket": "needs no TLS",
    "beanstalk://me@a": "no user and no password",
}


@pytest.mark.parametrize("url", MEANT)
def test_a_url_says_where_the_servers_are_and_how_they_are_spoken_to(url: str) -> None:
    assert parse_url(url) == MEANT[url]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_makes_no_sense_is_refused_with_what_is_wrong(url: str) -> None:
    with pytest.raises(NotConfigured, match=REFUSED[url]) as caught:
        parse_url(url)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


labels = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join) | st.integers(0, 2**128 - 1).map(
    lambda number: str(IPv6Address(number))
)
paths = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=25).map("/x".__add__)
files = st.text(st.characters(codec="utf-8"), max_size=20)
tcp = st.builds(Address, hosts, st.integers(1, 65535), st.just(""))
plain = st.lists(tcp | st.builds(Address, st.just(""), st.just(0), paths), min_size=1, max_size=5, unique=True)
tls = st.builds(Tls, files, files, files).filter(lambda given: bool(given.cert) or not given.key)
servers = st.builds(Servers, plain.map(tuple), st.booleans(), st.none()) | st.builds(
    Servers, st.lists(tcp, min_size=1, max_size=5, unique=True).map(tuple), st.booleans(), tls
)


@given(servers)
def test_whatever_can_be_meant_can_be_said(meant: Servers) -> None:
    assert parse_url(str(meant)) == meant


grammar = st.lists(
    st.sampled_from(["beanstalk", "s", "://", ":", "/", ",", "?", "&", "=", "%", "%zz", "[", "]", "::1", "@", "#", "ü",
                     "127.0.0.1", "11300", "send", "spread", "ca", "\0", "\n", "..", "٣", "xn--", "\udcff", " "])
    | st.text(max_size=3)
).map("".join)  # fmt: skip


@given(st.text() | grammar | grammar.map("beanstalk://".__add__) | grammar.map("beanstalks://".__add__))
@example("beanstalk://[fe80::1%eth0]")
@example("beanstalk://xn--a")
def test_garbage_is_understood_or_refused_in_one_line_and_nothing_else(url: str) -> None:
    try:
        meant = parse_url(url)
    except NotConfigured as error:
        said = str(error)
    else:
        said = str(meant)
        assert parse_url(said) == meant
    assert said.isprintable()


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("thread?threads=0", "threads is a whole number from 1 to 1000, not '0'"),
        ("thread?threads=1001", "threads is a whole number"),
        ("thread?threads=٣", "threads is a whole number"),
        ("thread?finish=-1", "finish is a number of seconds above 0"),
        ("thread?finish=nan", "finish is a number of seconds above 0"),
        ("thread?thread=4", "did you mean 'threads'"),
        ("thread://4", "use thread or thread.threads=COUNT"),
        ("thread:4", "use thread or thread.threads=COUNT"),
        ("synchronous?budget=0", "budget is a number of seconds above 0"),
        ("synchronous?budget=x", "budget is a number of seconds above 0"),
        ("synchronous?time=1", "unknown parameter 'time'; known are budget"),
        ("synchronous:", "use synchronous or synchronous.budget=SECONDS"),
        ("sqs://queue", "no engine 'sqs://queue': use beanstalk://HOST:PORT"),
        ("", "no engine ''"),
    ],
)
def test_the_engines_of_this_process_are_as_strict(engine: str, words: str) -> None:
    with pytest.raises(NotConfigured, match=words):
        engine_for(Settings(engine=engine))
