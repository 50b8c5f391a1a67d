"""POST /connect/{link}: the button that starts OAuth, and the way back to the page."""

import re

import pytest
from consent import (ACCOUNT, HOST, OAUTH_COOKIE, OTHER_ACCOUNT, SECRET, Browser, Form,
                     check_refused, connections, expire, parameters, states)
from flows import check_once, invite
from links import (CONNECTION, EXTERNAL, asked_for, led_to, link_of, make, owner_id, press, seen)

NEW = "nobody-yet"


@pytest.fixture
def link(clean, bearer):
    """The link of somebody without a calendar, of whom nobody has made a row."""
    return asked_for(clean, bearer(NEW))


@pytest.fixture
def person(link, stack):
    """A browser without any credential."""
    return Browser(stack)


def come_back(stack, person, url, account=ACCOUNT, **options):
    """Consents and follows the callback to the page."""
    end = person.come_back(stack.sandbox.approve(url, account, **options))
    assert end.status == 302, (end.status, end.text)
    return person.come_back(end.headers["Location"])


def test_link_consent_and_end_need_nothing_but_the_link(person, link, stack, bearer):
    page = come_back(stack, person, led_to(press(person, link)))
    form = seen(page)
    for words in ("Google Calendar is connected", f"Calendar account {ACCOUNT}", NEW):
        assert words in form.text
    row, = connections(stack, NEW)
    assert (row["account_email"], row["status"]) == (ACCOUNT, "active")
    check_once(stack, invite(stack, bearer(NEW)))
    assert stack.sandbox.violations() == []


def test_the_button_binds_the_browser_and_names_the_way_back(person, link, stack):
    answer = press(person, link)
    line, = answer.headers.get_all("Set-Cookie")
    assert re.fullmatch(OAUTH_COOKIE + r"=[\w-]{43}; Path=/; Max-Age=600; Secure; HttpOnly; "
                        "SameSite=Lax", line)
    row, = states(stack)
    assert (row["external_id"], row["provider"]) == (NEW, "google")
    assert not row["handed_on"] and row["browser_hash"] and SECRET.fullmatch(
        parameters(led_to(answer))["state"])


def test_no_table_holds_the_link_which_is_good_for_a_day(person, link, stack):
    url = led_to(press(person, link))
    end = person.come_back(stack.sandbox.approve(url, ACCOUNT))
    assert end.headers["Location"].startswith(stack.public.url + link + "?calendar=connected")
    secret = link.rsplit("/", 1)[1].encode()
    tables = [one["t"] for one in stack.sql("SELECT table_name AS t FROM information_schema.tables "
                                            "WHERE table_schema = DATABASE()")]
    held = {table: repr(stack.sql(f"SELECT * FROM `{table}`")).encode() for table in tables}
    assert len(held) > 10 and states(stack)
    assert [table for table, text in held.items() if secret in text] == []


def test_an_owner_is_made_by_the_button_and_not_before(person, link, stack):
    for method in ("GET", "HEAD"):
        person.request(method, link)
    assert stack.sql("SELECT * FROM owners") == [] == states(stack)
    press(person, link)
    row, = stack.sql("SELECT external_id, HEX(tenant_id) AS tenant FROM owners")
    assert row == {"external_id": NEW, "tenant": "0" * 31 + "1"}


def test_a_mail_scanner_burns_nothing(person, link, stack):
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        Browser(stack).request(method, link)
    assert Form(come_back(stack, person, led_to(press(person, link)))).text.count("is connected")


def test_a_link_works_several_times(person, link, stack):
    come_back(stack, person, led_to(press(person, link)))
    second = Browser(stack)
    url = led_to(press(second, link))
    page = second.come_back(stack.sandbox.approve(url, OTHER_ACCOUNT))
    end = second.come_back(second.decide(page, "yes").headers["Location"])
    assert f"Calendar account {OTHER_ACCOUNT}" in seen(end).text
    assert [row["account_email"] for row in connections(stack, NEW)] == [ACCOUNT, OTHER_ACCOUNT]


def test_a_program_is_led_by_a_303(person, link, stack):
    answer = press(person, link, Accept="*/*")
    assert answer.status == 303 and answer.body == b""
    seen(come_back(stack, person, answer.headers["Location"]))


def test_the_page_that_leads_on_holds_no_form_and_names_the_provider(person, link):
    answer = press(person, link)
    assert "<form" not in answer.text and "Google Calendar" in answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_saying_no_leads_back_with_the_words_and_the_button(person, link, stack):
    page = come_back(stack, person, led_to(press(person, link)), allow=False)
    form = seen(page)
    assert "You did not allow the access" in form.text and form.action == link
    assert "is connected" in seen(come_back(stack, person, led_to(press(person, form.action)))).text


def test_an_unticked_box_leads_back_with_the_words(person, link, stack):
    page = come_back(stack, person, led_to(press(person, link)), calendar=False)
    assert "did not allow access" in seen(page).text


def test_another_browser_cannot_finish_what_this_one_began(person, link, stack):
    back = stack.sandbox.approve(led_to(press(person, link)), ACCOUNT)
    check_refused(stack, Browser(stack).come_back(back))
    assert connections(stack, NEW) == []


# --- consent again ---

@pytest.fixture
def again(clean, bearer):
    """The link after a consent was withdrawn."""
    Browser(clean, bearer(HOST)).connect()
    clean.sandbox.revoke_grant(ACCOUNT)
    expire(clean)
    return link_of(clean, invite(clean, bearer(HOST)))


def test_a_withdrawn_consent_is_mended_and_the_connection_stays_itself(again, stack, bearer):
    before, = connections(stack)
    person = Browser(stack)
    url = led_to(press(person, again))
    assert parameters(url)["login_hint"] == ACCOUNT
    assert "is connected" in seen(come_back(stack, person, url)).text
    after, = connections(stack)
    assert after["id"] == before["id"] and after["status"] == "active"
    check_once(stack, invite(stack, bearer(HOST)))


def test_the_account_that_is_named_is_the_hint_among_several(stack, clean, bearer):
    browser = Browser(clean, bearer(HOST))
    browser.connect(ACCOUNT)
    browser.decide(browser.connect(OTHER_ACCOUNT), "yes")
    stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required', "
              "access_token = NULL, refresh_token = NULL")
    for row in connections(stack):
        named = make(stack, owner_id(stack) + row["id"], kind=CONNECTION)
        assert parameters(led_to(press(Browser(stack), named)))["login_hint"] == \
            row["account_email"]


def test_another_account_is_asked_about_before_it_is_stored(again, stack):
    person = Browser(stack)
    page = person.come_back(stack.sandbox.approve(led_to(press(person, again)), OTHER_ACCOUNT))
    assert "another account" in seen(page).text and len(connections(stack)) == 1
    end = person.come_back(person.decide(page, "no").headers["Location"])
    assert "You did not allow the access" in seen(end).text
    assert len(connections(stack)) == 1


# --- what is refused ---

def check_nothing_began(stack, answer, status, code):
    check_refused(stack, answer, status, code)
    assert "Refresh" not in answer.headers
    assert states(stack) == []


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": None},
    {"Sec-Fetch-Site": "cross-site"}, {"Origin": None, "Referer": "https://evil.example/"},
    {"Origin": "https://good.example"}, {"Origin": "https://localhost"}], ids=str)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_press_from_another_site_is_refused(person, link, stack, headers, accept):
    check_nothing_began(stack, press(person, link, Accept=accept, **headers), 403, "csrf")
    assert stack.sql("SELECT * FROM owners") == []


def test_a_browser_that_sends_only_a_referer_may_press(person, link, stack):
    led_to(press(person, link, Origin=None, Referer=stack.public.url + link))


@pytest.mark.parametrize("provider", [None, "", "caldav", "nope", "x" * 17, "Google"])
def test_a_provider_that_is_not_on_the_page_is_refused(person, link, stack, provider):
    check_nothing_began(stack, press(person, link, provider), 400, "bad_request")


def test_a_calendar_that_is_named_is_its_own_provider_alone(again, stack):
    stack.sql("UPDATE coach_calendar_connections SET provider = 'outlook'")
    stack.sql("DELETE FROM oauth_states")
    check_nothing_began(stack, press(Browser(stack), again), 400, "bad_request")


@pytest.mark.parametrize("how", ["application/json", "text/plain",
                                 "multipart/form-data; boundary=x", None])
def test_a_press_is_a_form_and_nothing_else(person, link, stack, how):
    check_nothing_began(stack, press(person, link, **{"Content-Type": how}), 415,
                        "unsupported_media_type")


def test_an_expired_link_starts_nothing(person, stack):
    over = make(stack, NEW.encode(), kind=EXTERNAL, left_s=-1)
    check_nothing_began(stack, press(person, over), 410, "link_expired")
    assert stack.sql("SELECT * FROM owners") == []


def test_a_link_that_is_not_ours_starts_nothing(person, link, stack):
    for bad in (link[:-1], make(stack, NEW.encode(), kind=EXTERNAL, key=b"k" * 32),
                make(stack, NEW.encode(), kind=EXTERNAL, number=9),
                make(stack, b"x" * 16), make(stack, b"x" * 16, tenant=b"t" * 16)):
        check_nothing_began(stack, press(person, bad), 404, "not_found")


def test_more_flows_than_an_owner_may_have_drop_the_oldest(person, link, stack):
    for _ in range(21):
        press(person, link)
    assert len(states(stack)) == 20
