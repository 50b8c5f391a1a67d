"""An account is not called more often than its provider lets us, whichever worker calls."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from bookings import SIDES, connect_to
from conftest import make_jwt, running
from flows import ACCOUNT, FAILED, HOST, OTHER_ACCOUNT, failure, inserts, invite

PER_MIN = 100
FREE = 10        # by each of two workers, unasked


@pytest.fixture(scope="module")
def stack():
    for one in running(parts=("mariadb", "sandbox", "nginx", "fcgi"),
                       settings={"THREADS": "16", "WORKERS": "2",
                                 "RATE_GOOGLE_PER_MIN": str(PER_MIN)}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture
def owner(clean):
    """owner("coach-1"): the credentials of somebody who has connected a calendar."""
    def make(sub, account, provider="google"):
        claims = {"sub": sub, "exp": int(time.time()) + 3600}
        headers = {"Authorization": f"Bearer {make_jwt(clean.settings['JWT_SECRET'], claims)}"}
        connect_to(clean, headers, sub, account, SIDES[provider])
        return headers
    return make


def test_beyond_the_budget_the_caller_is_told_when_and_the_provider_hears_nothing(stack, owner):
    headers = owner(HOST, ACCOUNT)
    other = owner("coach-2", OTHER_ACCOUNT)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: invite(stack, headers, title=f"Chat {n}"), range(PER_MIN)))
    refused = [answer for answer in answers if answer.status != 200]
    made = len(answers) - len(refused)
    assert len(inserts(stack)) == made
    assert FREE < made <= PER_MIN
    assert refused, "a storm of a minute's calls in a few seconds went through"
    for answer in refused:
        assert failure(answer) == (500, FAILED, "provider_rate_limited")
        assert int(answer.headers["Retry-After"]) >= 1
    assert invite(stack, other, title="Somebody else's").status == 200


def test_a_mailbox_bears_four_at_once_and_all_of_a_storm_get_their_turn(stack, owner):
    headers = owner("coach-3", ACCOUNT, provider="outlook")
    stack.sandbox.reset()
    stack.sandbox.fault("slow", ms=200,
                        match={"method": "POST", "path": "events$", "count": None})
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: invite(stack, headers, title=f"Chat {n}"), range(24)))
    assert {answer.status for answer in answers} == {200}
    load = stack.sandbox.load(ACCOUNT, "microsoft")
    assert load["calls"] == 24 and 2 <= load["at_once"] <= 4


def test_who_dies_with_a_mailboxs_slots_gives_them_back(stack, owner):
    headers = owner("coach-3", ACCOUNT, provider="outlook")
    for n in range(4):
        assert invite(stack, headers, title=f"Chat {n}").status == 200
    stack.sql("UPDATE provider_slots SET held_until = UTC_TIMESTAMP(3) + INTERVAL 1 SECOND")
    assert invite(stack, headers, title="After them").status == 200
