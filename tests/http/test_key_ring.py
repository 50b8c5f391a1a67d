"""A key that stored secrets need cannot be dropped from the ring: nothing starts without it."""

import base64
import shutil
import signal

import pytest
from conftest import running
from consent import HOST, Browser, ended, states
from flows import ACCOUNT, OTHER_ACCOUNT, connect, invite, sign_in
from stack.processes import StackError, wait_for


@pytest.fixture(scope="module")
def stack():
    """A stack of its own: its key ring is not that of the other tests."""
    for one in running(settings={"DEMO_HOST_ID": HOST, "THREADS": "16"}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture
def host(clean, bearer):
    connect(clean, bearer(HOST))
    return bearer(HOST)


@pytest.fixture
def ring(stack):
    """ring("2 active", ...) replaces the ring; key 1 is the stack's, others are made. Restored."""
    kept = stack.key_ring.with_name("keys.kept")
    shutil.copy(stack.key_ring, kept)
    first = kept.read_text().split()[1]

    def write(*lines):
        text = ""
        for line in lines:
            number, state = line.split()
            key = first if number == "1" else base64.b64encode(bytes([int(number)] * 32)).decode()
            text += f"{number} {key} {state}\n"
        stack.account.file(stack.key_ring, text, 0o400)
    yield write
    stack.schema.clean()        # what was sealed by a made key goes with it
    stack.account.file(stack.key_ring, kept.read_text(), 0o400)
    for service, ready in ((stack.fcgi, stack.is_ready), (stack.sync, None)):
        service.stop()
        service.start(ready)


def refuses_to_start(stack, service):
    """Why it did not start."""
    service.stop()
    with pytest.raises(StackError, match="ended while starting") as error:
        service.start(lambda: False)
    return str(error.value)


def test_nothing_starts_without_a_key_that_tokens_were_sealed_with(stack, host, ring):
    ring("2 active")
    for service in (stack.fcgi, stack.sync):
        told = refuses_to_start(stack, service)
        assert "2 stored secrets need key 1, which is not in the key ring" in told
    asked = stack.cli("doctor", check=False)
    assert asked.returncode == 1
    assert "FAIL  stored secrets: 2 stored secrets need key 1" in asked.stdout


def test_an_old_key_beside_a_new_one_is_all_that_it_takes(stack, host, ring):
    ring("2 active", "1 old")
    stack.fcgi.restart(stack.is_ready)
    assert "ok    stored secrets" in stack.cli("doctor")
    assert invite(stack, host).status == 200


def test_a_reload_with_a_ring_that_lacks_a_key_keeps_the_old_one(stack, host, ring):
    ring("2 active")
    before = stack.worker_pids()
    stack.fcgi.kill(signal.SIGHUP)
    wait_for(lambda: any("need key 1" in str(line) for line in stack.log_lines()),
             what="the refusal in the log")
    assert stack.worker_pids() == before
    assert invite(stack, host).status == 200


def test_a_grant_that_waits_to_be_confirmed_needs_its_key_until_it_expires(
        stack, host, bearer, ring):
    browser = Browser(stack, bearer(HOST))
    back = stack.sandbox.approve(browser.begin(), OTHER_ACCOUNT)
    assert browser.come_back(back).status == 200
    stack.sql("DELETE FROM coach_calendar_connections")
    assert [row["pending_refresh"] is not None for row in states(stack)].count(True) == 1
    ring("2 active")
    assert "2 stored secrets need key 1" in refuses_to_start(stack, stack.fcgi)
    stack.sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3)")
    stack.fcgi.start(stack.is_ready)


def test_what_was_begun_under_the_old_key_is_finished_under_the_new_one(stack, host, jwt, ring):
    """A consent at the provider, one that waits to be confirmed, and a session's writes."""
    away, asked = Browser(stack, host), Browser(stack, host)
    back = stack.sandbox.approve(away.begin(), ACCOUNT)
    page = asked.connect(OTHER_ACCOUNT)
    signed_in = sign_in(stack, jwt(HOST))
    ring("1 old", "2 active")
    stack.fcgi.restart(stack.is_ready)
    assert ended(away.come_back(back)) == ("connected", "google")
    assert ended(asked.decide(page, "yes")) == ("connected", "google")
    assert invite(stack, signed_in).status == 200
    told = stack.request("GET", "/api/session", headers=signed_in).json["csrfToken"]
    assert told != signed_in["X-CSRF-Token"]
    forged = {**signed_in, "X-CSRF-Token": told[:-2] + ("AA" if told[-2:] != "AA" else "BA")}
    assert invite(stack, forged).status == 403


def test_a_disconnected_calendar_needs_no_key(stack, host, ring):
    stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected', "
              "access_token = NULL, refresh_token = NULL")
    ring("2 active")
    stack.fcgi.restart(stack.is_ready)
    assert ACCOUNT not in stack.cli("doctor")
