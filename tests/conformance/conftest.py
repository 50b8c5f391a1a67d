"""What the conformance suite shares: the sandbox behind TLS, our hands, one calendar a test."""

import importlib.util
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "conformance")]

from calls import Calendar, Hands  # noqa: E402
from sides import EVENT_CALLS, SIDES  # noqa: E402


def load_http_conftest():
    """The fixtures of the neighbouring suite: its module has the name of this one."""
    spec = importlib.util.spec_from_file_location("http_conftest", TESTS / "http" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shared = load_http_conftest()
pytest_terminal_summary = shared.pytest_terminal_summary


def pytest_configure(config):
    shared.pytest_configure(config)
    config.addinivalue_line("markers", "where(fits): only for providers that fit")


def pytest_generate_tests(metafunc):
    """A test that asks for a side runs for each provider; one that asks for a call_name, for
    each of its calls on events besides."""
    if "side" not in metafunc.fixturenames:
        return
    where = metafunc.definition.get_closest_marker("where")
    sides = [side for side in SIDES if where is None or where.kwargs["fits"](side)]
    if "call_name" not in metafunc.fixturenames:
        metafunc.parametrize("side", sides, ids=[side.name for side in sides])
        return
    pairs = [(side, call) for side in sides for call in EVENT_CALLS if call not in side.cannot]
    metafunc.parametrize("side, call_name", pairs, ids=[f"{side.name}-{call}"
                                                        for side, call in pairs])


@pytest.fixture(scope="session")
def stack():
    """The sandbox and the web server before it, as the settings name them."""
    yield from shared.running(parts=("sandbox", "nginx"))


@pytest.fixture(scope="session")
def hands(stack):
    with Hands(stack) as hands:
        yield hands


@pytest.fixture
def sandbox(stack):
    stack.reset_sandbox()
    return stack.sandbox


@pytest.fixture
def calendar(hands, side, sandbox):
    """An account's calendar at that provider, connected."""
    return Calendar(hands, side, sandbox).connect()
