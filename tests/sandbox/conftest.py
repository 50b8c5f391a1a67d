"""One sandbox for all of its own tests, emptied before each."""

import pytest

from .harness import CALLBACK, CLIENT, HOST, OTHER, SECRET, GoogleClient, running
from .harness_microsoft import APP, BACK, PERSONAL, MicrosoftClient


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
    with running(folder, "--account", f"{HOST},America/New_York", "--account",
                 f"{OTHER},Europe/Berlin", "--account",
                 f"{PERSONAL},Europe/London,A Person,personal", "--client",
                 f"google,{CLIENT},{folder / 'secret'},{CALLBACK}", "--client",
                 f"microsoft,{APP},{folder / 'secret'},{BACK}") as (sandbox, _):
        yield sandbox


@pytest.fixture
def sandbox(process):
    process.reset(state=True)
    return process


@pytest.fixture
def google(sandbox):
    """A client that has not asked anybody yet."""
    return GoogleClient(sandbox)


@pytest.fixture
def host(google):
    """A client that the host has connected."""
    google.connect()
    return google


@pytest.fixture
def microsoft(sandbox):
    """A client that has not asked anybody yet."""
    return MicrosoftClient(sandbox)


@pytest.fixture
def work(microsoft):
    """A client that somebody with an account of an organisation has connected."""
    microsoft.connect()
    return microsoft
