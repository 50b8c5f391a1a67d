"""What the tests of the running service share: the stack, tokens, clean tables."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from stack.client import fresh_address  # noqa: E402
from stack.figures import pytest_terminal_summary  # noqa: E402, F401
from stack.processes import remove_folder  # noqa: E402
from stack.stack import temporary_stack  # noqa: E402

BUILD = Path(os.environ.get("CALBRIDGE_BUILD") or TESTS.parent / "build").resolve()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


def running(settings=None, **options):
    """For fixtures: yields a started stack of its own, which leaves nothing behind.

    One host bears as many calls as a test likes, unless settings say otherwise.
    """
    patient = {"RATE_GOOGLE_PER_MIN": "0", "RATE_OUTLOOK_PER_MIN": "0"}
    stack = temporary_stack(BUILD, settings={**patient, **(settings or {})}, **options)
    try:
        with stack:
            yield stack
    finally:
        remove_folder(stack.folder)


@pytest.fixture(scope="session")
def stack():
    """Everything running; its tables as `calbridge migrate` leaves them."""
    for one in running(settings={"DEMO_HOST_ID": "single_host_demo", "LOG_LEVEL": "debug",
                                  "THREADS": "16"}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture(scope="session")
def front():
    """nginx alone, with nothing behind it."""
    yield from running(parts=("nginx",), site={"READ_TIMEOUT": "500ms"})


@pytest.fixture
def clean(stack):
    """The stack with tables and sandbox as they were at its start."""
    stack.schema.clean()
    if "sandbox" in stack.parts:
        stack.reset_sandbox()
    return stack


@pytest.fixture
def address():
    """An address of this machine that no test has called from."""
    return fresh_address()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_jwt(secret, claims, header=None):
    """An HS256 token. claims and header are dicts, or bytes sent as they are."""
    parts = [base64url(part if isinstance(part, bytes) else json.dumps(part).encode())
             for part in (header or {"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts).encode()
    return f"{signed.decode()}.{base64url(hmac.digest(secret.encode(), signed, hashlib.sha256))}"


@pytest.fixture
def jwt(stack):
    """jwt("coach-1", role="admin"): a user token of the stack, good for five minutes."""
    def mint(sub, **claims):
        now = int(time.time())
        return make_jwt(stack.settings["JWT_SECRET"],
                        {"sub": sub, "iat": now, "exp": now + 300, **claims})
    return mint


@pytest.fixture
def bearer(jwt):
    """bearer("coach-1"): the header that carries such a token."""
    return lambda sub, **claims: {"Authorization": f"Bearer {jwt(sub, **claims)}"}
