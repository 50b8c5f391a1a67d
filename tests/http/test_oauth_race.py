"""One state, one exchange, however many come with it at once; and no state but our own."""

import base64
import os
import random
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from conftest import make_jwt, running
from consent import (ACCOUNT, CALLBACK, CONNECT, HOST, OAUTH_COOKIE, OTHER_ACCOUNT, Browser, age,
                     audits, changed, connections, parameters, states, token_calls)
from stack import figures
from stack.crowd import SIZE, Crowd, request

FORGERIES = figures.size(10_000, 1_000)
TOKEN = {"path": "^/google/token$"}


@pytest.fixture(scope="module")
def wide():
    """A stack with as many threads as production has."""
    for one in running(parts=("mariadb", "sandbox", "nginx", "fcgi"),
                       settings={"THREADS": "256", "WORKERS": "2", "LOG_LEVEL": "info",
                                 "RATE_OPEN_FLOWS": "1000"}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture(scope="module")
def crowd(wide):
    with Crowd(wide) as clients:
        yield clients


@pytest.fixture
def browser(wide):
    wide.schema.clean()
    wide.reset_sandbox()
    token = make_jwt(wide.settings["JWT_SECRET"], {"sub": HOST, "exp": int(time.time()) + 7200})
    return Browser(wide, {"Authorization": f"Bearer {token}"})


def hit(url, cookie=""):
    """A browser's visit of a URL of ours, with the flow's cookie or without."""
    parts = urlsplit(url)
    headers = {"Accept": "text/html", **({"Cookie": f"{OAUTH_COOKIE}={cookie}"} if cookie else {})}
    return request("GET", parts.path + "?" + parts.query, headers)


def outcomes(replies):
    """How often each status and reason came."""
    return Counter((one.status, urlsplit(one.headers.get("location", "")).query) for one in replies)


CONNECTED = (302, "calendar=connected&provider=google")
REFUSED = (400, "")


@pytest.mark.parametrize("slow_ms", [0, 300])
def test_a_thousand_callbacks_of_one_browser_cost_one_exchange_and_show_one_result(
        wide, crowd, browser, slow_ms):
    back = wide.sandbox.approve(browser.begin(), ACCOUNT)
    if slow_ms:
        wide.sandbox.fault("slow", match=TOKEN, ms=slow_ms)
    replies = crowd.ask([hit(back, browser.cookies[OAUTH_COOKIE])] * SIZE)
    assert outcomes(replies) == {CONNECTED: SIZE}
    assert len(token_calls(wide)) == 1 and len(connections(wide)) == 1
    assert audits(wide, "connect") == ["ok"]
    assert wide.sandbox.violations() == []


def test_among_a_thousand_only_its_own_browser_with_its_own_code_gets_through(wide, crowd, browser):
    back = wide.sandbox.approve(browser.begin(), ACCOUNT)
    cookie = browser.cookies[OAUTH_COOKIE]
    visits = [hit(back, cookie), hit(back), hit(back, "A" * 43),
              hit(changed(back, iss="https://evil.example"), cookie)] * (SIZE // 4)
    random.Random(7).shuffle(visits)
    assert outcomes(crowd.ask(visits)) == {CONNECTED: SIZE // 4, REFUSED: SIZE - SIZE // 4}
    assert len(token_calls(wide)) == 1 and len(connections(wide)) == 1


def test_of_a_thousand_codes_one_is_exchanged(wide, crowd, browser):
    url = browser.begin()
    codes = [wide.sandbox.approve(url, ACCOUNT) for _ in range(20)]
    visits = [hit(codes[i % 20], browser.cookies[OAUTH_COOKIE]) for i in range(SIZE)]
    assert outcomes(crowd.ask(visits)) == {CONNECTED: SIZE // 20, REFUSED: SIZE - SIZE // 20}
    assert len(token_calls(wide)) == 1 and len(connections(wide)) == 1


def test_of_a_thousand_people_one_gets_a_link_that_was_handed_on(wide, crowd, browser):
    answer = wide.request("GET", CONNECT + HOST,
                          headers={**browser.headers, "Accept": "application/json"})
    back = wide.sandbox.approve(answer.json["authUrl"], ACCOUNT)
    visits = [hit(back, random_secret()) for _ in range(SIZE)]
    assert Counter(one.status for one in crowd.ask(visits)) == {200: 1, 400: SIZE - 1}
    assert len(token_calls(wide)) == 1 and connections(wide) == []


def test_a_thousand_late_ones_change_nothing(wide, crowd, browser):
    url = browser.begin()
    back = wide.sandbox.approve(url, ACCOUNT)
    age(wide, url)
    replies = crowd.ask([hit(back, browser.cookies[OAUTH_COOKIE])] * SIZE)
    assert outcomes(replies) == {(302, "calendar=error&reason=expired"): SIZE}
    assert token_calls(wide) == [] and connections(wide) == []


def random_secret():
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


class Forger:
    """States that are not good, made of what an attacker may have."""

    def __init__(self, stack, browser):
        self.stack, self.browser, self.dice = stack, browser, random.Random(11)
        self.cookie = browser.cookies[OAUTH_COOKIE]
        self.victim = Browser(stack, browser.headers)
        self.foreign = [stack.sandbox.approve(self.victim.begin(), OTHER_ACCOUNT) for _
                        in range(20)]
        self.open = [stack.sandbox.approve(browser.begin(), ACCOUNT) for _ in range(20)]
        self.late = [browser.begin() for _ in range(20)]
        for url in self.late:
            age(stack, url)
        self.late = [stack.sandbox.approve(url, ACCOUNT) for url in self.late]
        self.kinds = (self.made_up, self.bent, self.cut, self.replayed, self.anothers, self.expired,
                      self.wrong_provider, self.without_cookie)

    def visit(self, i):
        return self.kinds[i % len(self.kinds)]()

    def made_up(self):
        return hit(changed(self.dice.choice(self.open), state=random_secret()), self.cookie)

    def bent(self):
        url = self.dice.choice(self.open)
        state = list(parameters(url)["state"])
        at = self.dice.randrange(42)
        state[at] = chr(ord(state[at]) ^ 1) if state[at].isalnum() else "A"
        return hit(changed(url, state="".join(state)), self.cookie)

    def cut(self):
        url = self.dice.choice(self.open)
        return hit(changed(url, state=parameters(url)["state"][:self.dice.randrange(43)]),
                   self.cookie)

    def replayed(self):
        return hit(changed(self.used, code="4/0A" + random_secret()), self.cookie)

    def anothers(self):
        return hit(self.dice.choice(self.foreign), self.cookie)

    def expired(self):
        return hit(self.dice.choice(self.late), self.cookie)

    def wrong_provider(self):
        return hit(changed(self.dice.choice(self.open),
                           iss="https://login.microsoftonline.com/common/v2.0"), self.cookie)

    def without_cookie(self):
        return hit(self.dice.choice(self.open))


def test_of_thousands_of_forged_old_used_and_foreign_states_none_is_accepted(wide, crowd, browser):
    browser.begin()
    forger = Forger(wide, browser)
    forger.used = wide.sandbox.approve(browser.begin(), ACCOUNT)
    assert browser.come_back(forger.used).status == 302
    before, calls = connections(wide), len(token_calls(wide))
    seen = Counter()
    for first in range(0, FORGERIES, SIZE):
        seen += outcomes(crowd.ask([forger.visit(first + i) for i in range(SIZE)]))
    late = FORGERIES // len(forger.kinds)
    assert seen == {REFUSED: FORGERIES - late, (302, "calendar=error&reason=expired"): late}
    assert connections(wide) == before and len(token_calls(wide)) == calls
    used = [row for row in states(wide) if row["used_at"]]
    assert len(used) == 1, "none of the open flows was burnt"
    assert audits(wide, "connect").count("bad_state") <= 10, "the audit log grew with them"
    for url in forger.open[:3]:
        assert browser.come_back(url).headers["Location"].endswith(CONNECTED[1])
    assert forger.victim.come_back(forger.foreign[0]).status == 200
    assert CALLBACK in forger.used
