"""What the browser's tests share: the stack, a coach in it, and a Chromium for each test."""

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from stack.processes import remove_folder  # noqa: E402
from stack.stack import temporary_stack  # noqa: E402

BUILD = Path(os.environ.get("CALBRIDGE_BUILD") or TESTS.parent / "build").resolve()
COACH = "coach-1"
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = ("--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--disable-default-apps", "--window-size=1280,900",
         # Nothing but this machine can be reached, whatever a page asks for.
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1")


@pytest.fixture(scope="session")
def stack():
    """Everything running, with one coach whose calendar is in the sandbox."""
    one = temporary_stack(BUILD, settings={"SANDBOX_NOTICE": "1", "THREADS": "16"})
    try:
        with one:
            one.cli("owner", "put", "--tenant", "default", "--id", COACH, "--email",
                    "coach@example.org", "--name", "Demo Coach", "--zone", "Europe/Berlin")
            one.schema.remember()
            yield one
            assert one.sanitizer_reports() == []
    finally:
        remove_folder(one.folder)


@pytest.fixture
def clean(stack):
    """The stack with tables and sandbox as they were at its start."""
    stack.schema.clean()
    stack.reset_sandbox()
    return stack


def key_pin(certificate):
    """The hash of a certificate's public key, as Chromium's pins have it."""
    spki = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"],
                          check=True, stdout=subprocess.PIPE).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=spki,
                         check=True, stdout=subprocess.PIPE).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def can_be_confined():
    """Chromium's own sandbox works neither for root nor where a user may make no namespaces."""
    return os.geteuid() != 0 and subprocess.run(
        ["unshare", "--user", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def start_browser(profile, pins, language):
    """A Chromium with an empty profile that trusts these public keys beside the usual ones."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    own = [f"--user-data-dir={profile}", f"--accept-lang={language}",
           f"--ignore-certificate-errors-spki-list={','.join(pins)}"]
    if not can_be_confined():
        own.append("--no-sandbox")
    for flag in (*FLAGS, *own):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER), options=options)


@pytest.fixture
def make_browser(stack):
    """make_browser("de-DE"): another browser, with cookies of its own."""
    pins = [key_pin(stack.authority.folder / f"{stem}.crt") for stem in ("site", "sandbox")]
    opened = []

    def make(language="en-US"):
        profile = tempfile.TemporaryDirectory(prefix="calbridge-browser-",
                                              ignore_cleanup_errors=True)
        opened.append((profile, None))
        driver = start_browser(profile.name, pins, language)
        opened[-1] = (profile, driver)
        return driver

    yield make
    for profile, driver in opened:
        if driver is not None:
            driver.quit()
        profile.cleanup()


@pytest.fixture
def browser(make_browser):
    """An English Chromium; at its end no page of ours may have broken its own policy."""
    driver = make_browser()
    yield driver
    complaints = [entry["message"] for entry in driver.get_log("browser")
                  if "Content Security Policy" in entry["message"]]
    assert complaints == []
