"""The suites, as they were found in the registries, and the least that makes each of them find the server."""

from __future__ import annotations

from .suite import Command, Edit, Origin, Reported, Scripts, Suite

NPM_DAY = "2026-01-01"
"""npm libraries are taken as they were on that day, so that a later release of one of them changes nothing."""

LIBRARY_PATH = "{libraries}:."


def pip(*requirements: str, python: str = "{python}") -> Command:
    return (python, "-m", "pip", "install", "--quiet", "--target", "{libraries}", *requirements)


def npm(*libraries: str) -> tuple[Command, ...]:
    """Its own libraries and those; of what its authors needed for development only what its tests need."""
    quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    install = ("npm", "install", "--ignore-scripts", *quiet, f"--before={NPM_DAY}", *libraries)
    return (("npm", "pkg", "delete", "devDependencies"), install)


def pytest(*arguments: str) -> Command:
    # Neither this project's configuration nor a cache in the package.
    clean = ("-c", "{folder}/pytest.ini", "--rootdir=.", "-p", "no:cacheprovider")
    return ("{python}", "-m", "pytest", *clean, "--junitxml={report}", *arguments)


def nose(*arguments: str) -> Command:
    return ("{python2}", "-m", "nose", "--with-xunit", "--xunit-file={report}", *arguments)


def mocha(*arguments: str) -> Command:
    reporter = ("--reporter", "xunit", "--reporter-options", "output={report}")
    return ("node", "node_modules/mocha/bin/_mocha", *reporter, *arguments)


PYSTALKD = Suite(
    name="pystalkd",
    version="1.3.0",
    language="Python",
    origin=Origin.PYPI,
    sha256="f8ba5b7801ecd812143046fb2d76fa83d161e9fce5d6996bd32d046e22fb211b",
    way=Reported(
        pytest("test.py", "--deselect=test.py::TestBeanstalkd::test_timedelta"),
        edits=(
            Edit("pystalkd/Beanstalkd.py", "DEFAULT_PORT = 11300", "DEFAULT_PORT = {port}"),
            # The client strips white space from both ends of a body: one random body in twenty comes back shorter.
            Edit("test.py", "from os import urandom", "urandom = __import__('random').Random(1).randbytes"),
        ),
    ),
    tests=10,
    variables={"PYTHONPATH": LIBRARY_PATH},
    left_out={"test_timedelta": "puts into one tube and waits at another; its authors leave it out too"},
)

PYSTALK = Suite(
    name="pystalk",
    version="0.6.0",  # the last one that carries its tests
    language="Python",
    origin=Origin.PYPI,
    sha256="8096e4c78ed401d8f6a4859da0012f2030e2c16db2704c00410584d511c94010",
    way=Reported(
        pytest("tests"),
        starts_servers=True,
        # The old name is gone from pytest.
        edits=(Edit("tests/integration/conftest.py", "pytest.yield_fixture", "pytest.fixture"),),
        patience=(Edit("tests/integration/conftest.py", "sleep(0.25)", "sleep(1)"),),
    ),
    tests=30,
    preparations=(pip("six==1.17.0", "attrs==25.4.0"),),
    variables={"PYTHONPATH": LIBRARY_PATH, "BEANSTALKD_PATH": "{beanstalkd}"},
)

FIVEBEANS = Suite(
    name="fivebeans",
    version="1.5.0",
    language="JavaScript",
    origin=Origin.NPM,
    sha256="40922ced2a04f9eb53f4bf0c58dccfe7d721b7938bb0b04ad27e5fd32bd54334",
    way=Reported(
        mocha("-t", "8000", "test/"),
        edits=tuple(
            Edit(path, "11300", "{port}")
            for path in ("lib/client.js", "test/test-client.js", "test/test-worker.js", "test/fixtures/runner.yml")
        ),
    ),
    tests=54,
    preparations=npm("mocha@3.0.2", "must@0.13.2"),
    known_failures={
        "FiveBeansWorker starting & stopping emits the error event on failure": "wants an error code of old Node's; "
        "asks no server",
    },
)

JACKD = Suite(
    name="jackd",
    version="1.2.6",  # 2.2.2 carries no tests
    language="JavaScript",
    origin=Origin.NPM,
    sha256="65d801c113bfc47c24901c5111626177187a5f4e62925c251523a177ab2667f0",
    way=Reported(mocha("--exit"), edits=(Edit("src/index.js", "port = 11300", "port = {port}"),)),
    tests=16,
    preparations=npm("mocha@6.2.2", "chai@4.2.0", "yaml@1.3.2"),
)

ONLY_ITS_MOCK = "waits for a job that only its own mock of a server sends"

NODESTALKER = Suite(
    name="nodestalker",
    version="0.1.22",
    language="JavaScript",
    origin=Origin.NPM,
    sha256="87437d010dd0ffa78914b8a774bb81262c43afdf783480afe1782029b6acff2f",
    way=Scripts("tests/test_*.js", ("node", "{script}")),
    tests=22,
    preparations=npm(),
    variables={"BEANSTALKD": "1", "BEANSTALK_PORT": "{port}"},
    left_out={
        "test_reserve_buffer": ONLY_ITS_MOCK,
        "test_reserve_jobs_multichunk": ONLY_ITS_MOCK,
        "test_reserve_jobs_multichunk_timeout": ONLY_ITS_MOCK,
        "test_reserve_with_timeout": ONLY_ITS_MOCK,
        "test_utf8_reserve": ONLY_ITS_MOCK,
    },
    seconds=20,
)

PYTHON2_TOOLS = pip("nose==1.3.7", "PyYAML==5.4.1", python="{python2}")

BEANSTALKC = Suite(
    name="beanstalkc",
    version="0.4.0",
    language="Python 2",
    origin=Origin.PYPI_PYTHON2,
    sha256="98978e57797320146f4b233286d9a02f65d20bad0168424118839fc608085280",
    way=Reported(
        nose("-c", ".nose.cfg", "README.mkd", "TUTORIAL.mkd", "test/no-yaml.mkd"),
        starts_servers=True,
        edits=tuple(
            Edit(path, "14711", "{port}")
            for path in ("README.mkd", "TUTORIAL.mkd", "test/no-yaml.mkd", "test/fixtures.py")
        ),
        patience=(Edit("test/fixtures.py", "sleep(0.5)", "sleep(1)"),),
    ),
    tests=3,  # documents, with 109 examples
    preparations=(PYTHON2_TOOLS,),
    variables={"PYTHONPATH": LIBRARY_PATH, "BEANSTALKD": "{beanstalkd}"},
)

PYBEANSTALK = Suite(
    name="pybeanstalk",
    version="1.0rc1",
    language="Python 2",
    origin=Origin.PYPI_PYTHON2,
    sha256="25a6319ad83b0f813259b29a95a55a403514b22b186badc08fcf2266b6158a3b",
    way=Reported(
        nose("tests/test_ServerConn.py", "tests/test_MultiServerConn.py"),
        starts_servers=True,
        edits=(
            Edit("tests/tests.cfg", "BPATH = /usr/bin/", "BPATH = {shims}"),
            Edit("tests/tests.cfg", "PORT = 11301", "PORT = {port}"),
            Edit("tests/tests.cfg", "PORT_START = 11302", "PORT_START = {port1}"),
        ),
        patience=tuple(
            Edit(f"tests/test_{what}.py", "sleep(0.1)", "sleep(1)") for what in ("ServerConn", "MultiServerConn")
        ),
    ),
    tests=19,
    preparations=(PYTHON2_TOOLS,),
    variables={"PYTHONPATH": LIBRARY_PATH},
    seconds=300,  # it asks two servers in turn, half a second each
)

GREENSTALK = Suite(
    name="greenstalk",
    version="2.1.1",
    language="Python",
    origin=Origin.CHECKOUT,
    sha256="c4e68874166696cbb4f2e53c9ffa29a1992aa74d9112fb1cf6908d489f0d72d7",
    test_file="tests/test_greenstalk.py",
    way=Reported(
        pytest("tests"),
        starts_servers=True,
        edits=(
            Edit("tests/test_greenstalk.py", "4444", "{port}"),
            Edit("tests/test_greenstalk.py", "/tmp/greenstalk-test.sock", "{folder}/socket"),  # noqa: S108
        ),
        patience=(
            Edit("tests/test_greenstalk.py", "sleep(0.1)", "sleep(0.5)"),  # beyond 1 s its test of uptime fails
            Edit("tests/test_greenstalk.py", "milliseconds=50", "milliseconds=500"),
        ),
    ),
    tests=44,
    preparations=(pip("greenstalk==2.1.1"),),
    variables={"PYTHONPATH": LIBRARY_PATH, "BEANSTALKD_PATH": "{beanstalkd}"},
)

SUITES = (PYSTALKD, PYSTALK, FIVEBEANS, JACKD, NODESTALKER, BEANSTALKC, PYBEANSTALK, GREENSTALK)
