"""The coach's first page: signing in by a link, connecting, what is said when it fails."""

import gzip
import http.server
import ssl
import threading

import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from stack.stack import SOURCE
from stack.tls import Authority

from conftest import COACH

HOST = "host@example.com"       # the people of the sandbox
OTHER = "other@example.com"
PERSONAL = "person@outlook.example"
WAIT_S = 20
TITLES = {"google": "Google Calendar", "outlook": "Outlook Calendar"}
COMPANIES = {"google": "Google", "outlook": "Microsoft"}
FOLDER = SOURCE / "nginx" / "html" / "dashboard"


class Dashboard:
    """What a coach does and sees."""

    def __init__(self, stack, browser):
        self.stack, self.browser = stack, browser
        self.url = f"{stack.public.url}/dashboard/"

    def wait(self, condition, what):
        return WebDriverWait(self.browser, WAIT_S, poll_frequency=0.05, ignored_exceptions=[
            StaleElementReferenceException]).until(lambda _: condition(), what)

    def new_link(self):
        return self.stack.cli("sign-in-link", "--tenant", "default", COACH)

    def find(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector="main"):
        return "\n".join(one.text for one in self.find(selector))

    def see(self, words, selector="main"):
        """Waits until these words stand on the page."""
        try:
            self.wait(lambda: words in self.text(selector), words)
        except WebDriverException as error:
            raise AssertionError(f"{words!r} is not in:\n{self.text('body')}") from error

    def open(self, path=""):
        self.browser.get(self.url + path)
        self.wait(lambda: self.find("main[aria-busy=false]"), "the page's end of loading")

    def sign_in(self):
        self.browser.get(self.new_link())
        self.see("Calendar Integration", "h1")

    def click(self, selector):
        self.wait(lambda: self.find(selector), selector)[0].click()

    def go_to_consent(self, provider="google", button=None):
        self.click(button or f"#connect-{provider}")
        self.wait(lambda: self.find("input[name=account]"), "the consent page")

    def consent(self, provider="google", account=HOST, untick=False, button=None):
        """Through the provider's page and back."""
        self.go_to_consent(provider, button)
        self.click(f"input[value='{account}']")
        if untick:
            self.click("input[name=scope]")
        self.click("button[value=allow]")
        self.back()

    def deny(self, provider):
        self.go_to_consent(provider)
        self.click("button[value=deny]")
        self.back()

    def connections(self):
        return self.stack.sql("SELECT provider, account_email FROM coach_calendar_connections")

    def back(self):
        self.wait(lambda: self.find("main[aria-busy=false]"), "the way back")

    def cards(self):
        return self.find("article[data-state]")

    def session(self):
        """What the service says of the session."""
        return self.browser.execute_script(
            "return fetch('/api/session').then((answer) => answer.json())")

    def session_cookie(self):
        return self.browser.get_cookie("__Host-cb_session")


@pytest.fixture
def page(clean, browser):
    return Dashboard(clean, browser)


@pytest.fixture
def signed_in(page):
    page.sign_in()
    return page


@pytest.fixture(params=list(TITLES))
def provider(request):
    return request.param


def test_a_visitor_without_a_session_is_told_how_to_get_a_link(page):
    page.open("#connect")
    page.see("Sign in with your personal link", "h1")
    page.see("To connect your calendar, sign in first.")
    page.see("for a sign-in link")
    assert not page.find("#sign-out") and not page.find("#connect-google")


def test_a_link_signs_in_and_leaves_the_address_and_the_history(page):
    link = page.new_link()
    page.browser.get(link)
    page.see("No calendar connected yet", "h1")
    assert page.browser.current_url == page.url
    assert "coach@example.org" in page.text("#account")
    assert link.partition("#")[2] not in page.browser.page_source
    cookie = page.session_cookie()
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax"
    page.browser.refresh()
    page.see("No calendar connected yet", "h1")


def test_a_link_pasted_into_the_open_page_signs_in_as_well(page):
    page.open()
    page.sign_in()
    assert page.browser.current_url == page.url


def test_a_link_works_once_and_the_second_visitor_is_told_so(page, make_browser):
    link = page.new_link()
    page.browser.get(link)
    page.see("No calendar connected yet", "h1")
    second = Dashboard(page.stack, make_browser())
    second.browser.get(link)
    second.see("This sign-in link does not work any more", "[role=alert]")
    second.see("It was used before or is too old", "[role=alert]")
    assert second.browser.current_url == page.url
    assert second.session_cookie() is None


def test_a_used_link_leaves_the_one_who_is_signed_in_where_they_are(page):
    link = page.new_link()
    page.browser.get(link)
    page.see("No calendar connected yet", "h1")
    page.browser.get(link)
    page.see("You are still signed in as", "[role=status]")
    page.see("No calendar connected yet", "h1")
    assert page.browser.current_url == page.url


@pytest.mark.parametrize("secret", ["", "short", "a" * 42, "a" * 44, "a" * 42 + "%3C"])
def test_a_link_that_was_cut_is_called_incomplete(page, secret):
    page.open(f"#sign-in={secret}")
    page.see("This sign-in link is not complete", "[role=alert]")
    assert page.browser.current_url == page.url


def test_before_leaving_the_page_says_what_is_read_and_written(signed_in):
    signed_in.see("What is read")
    signed_in.see("What is written")
    signed_in.see("What never happens")
    signed_in.see("see, edit, share and permanently delete all your calendars")


def test_there_is_a_button_for_each_provider_that_is_set_up_and_no_other(signed_in):
    def shown():
        return [one.get_attribute("data-provider") for one in signed_in.find("#connect .button")]

    settings = signed_in.stack.settings
    kept = {name: settings[name] for one in ("GOOGLE", "MICROSOFT")
            for name in (f"{one}_CLIENT_ID", f"{one}_CLIENT_SECRET")}
    assert shown() == signed_in.session()["providers"] != []
    signed_in.consent()
    assert shown() == signed_in.session()["providers"]
    signed_in.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required'")
    signed_in.stack.reconfigure(**dict.fromkeys(kept))
    try:
        signed_in.open()
        signed_in.see("No calendar can be connected here at the moment", "#connect")
        signed_in.see("Signing in to Google is not set up here at the moment", "article")
        assert not signed_in.find("main .button")
    finally:
        signed_in.stack.reconfigure(**kept)


def test_the_page_of_a_sandbox_says_that_it_is_one(signed_in):
    signed_in.see("This is a sandbox", "#sandbox")


def test_connecting_ends_with_the_account_and_its_calendar(signed_in, provider):
    signed_in.consent(provider)
    signed_in.see(f"{TITLES[provider]} is connected", "[role=status]")
    signed_in.see(HOST, "[role=status]")
    assert signed_in.browser.current_url == signed_in.url
    card, = signed_in.cards()
    assert card.get_attribute("data-state") == "connected"
    assert HOST in card.text and TITLES[provider] in card.text and "Connected" in card.text
    assert "Your main calendar" in card.text
    assert signed_in.browser.title.startswith("1 calendar connected")
    times = [one.get_attribute("datetime") for one in signed_in.find("article time")]
    assert len(times) == 2 and times[0] == times[1] and times[0].endswith("Z")
    signed_in.see("Europe/Berlin")


def test_a_calendar_of_each_provider_stands_beside_the_other(signed_in):
    for provider, title in TITLES.items():
        signed_in.consent(provider)
        signed_in.see(f"{title} is connected", "[role=status]")
    signed_in.see("can now be written to the main calendar of", "[role=status]")
    signed_in.see("2 calendars connected", "h1")
    assert [one.accessible_name for one in signed_in.cards()] == [
        f"{HOST}, {title}" for title in TITLES.values()]
    assert signed_in.text("#connect .go").split("\n") == [
        f"Connect another {company} account" for company in COMPANIES.values()]


def test_a_personal_microsoft_account_is_connected_like_any_other(signed_in):
    signed_in.consent("outlook", PERSONAL)
    signed_in.see("Outlook Calendar is connected", "[role=status]")
    signed_in.see(PERSONAL, "article")


def test_the_result_is_told_once_and_not_again_after_a_reload(signed_in):
    signed_in.consent()
    signed_in.see("Google Calendar is connected", "[role=status]")
    signed_in.browser.refresh()
    signed_in.see("1 calendar connected", "h1")
    assert signed_in.text("[role=status]") == ""


def test_success_is_not_believed_from_the_address_alone(signed_in, provider):
    signed_in.open(f"?calendar=connected&provider={provider}")
    signed_in.see("We could not see the new connection yet", "[role=status]")
    assert "is connected" not in signed_in.text("[role=status]")


def test_saying_no_connects_nothing_and_blames_nobody(signed_in, provider):
    signed_in.deny(provider)
    signed_in.see("You did not allow the access, so nothing was connected", "[role=status]")
    signed_in.see("No calendar connected yet", "h1")
    assert signed_in.browser.current_url == signed_in.url


def test_an_unticked_calendar_is_named_as_the_reason(signed_in):
    signed_in.consent(untick=True)
    signed_in.see("did not allow access to the calendar", "[role=alert]")
    signed_in.see("No calendar connected yet", "h1")
    assert not signed_in.connections()


def test_an_administrators_wall_is_named_and_leads_back(signed_in):
    signed_in.stack.sandbox.settings(admin_consent=True)
    signed_in.go_to_consent("outlook")
    signed_in.click(f"input[value='{HOST}']")
    signed_in.click("button[value=allow]")
    signed_in.see("Need admin approval", "body")
    signed_in.click("[data-way-back]")
    signed_in.back()
    signed_in.see("wants its administrator to approve", "[role=alert]")
    signed_in.see("No calendar connected yet", "h1")
    assert not signed_in.connections()


def test_an_account_without_a_mailbox_is_told_as_one(signed_in):
    signed_in.stack.sandbox.fault("MailboxNotEnabledForRESTAPI", match={"path": "/me/calendar"})
    signed_in.consent("outlook")
    signed_in.see("That account has no calendar", "[role=alert]")
    assert not signed_in.connections()
    signed_in.consent("outlook", OTHER)
    signed_in.see("Outlook Calendar is connected", "[role=status]")


@pytest.mark.parametrize("reason,words", [
    ("denied", "You did not allow the access"),
    ("expired", "Too much time passed"),
    ("scope_missing", "leave it ticked"),
    ("no_refresh_token", "We were not given lasting access"),
    ("provider_unavailable", "did not answer in time"),
    ("provider_misconfigured", "does not accept this service"),
    ("wrong_account", "another account than the one expected"),
    ("admin_consent", "wants its administrator to approve"),
    ("no_mailbox", "That account has no calendar"),
    ("failed", "Something went wrong between"),
    ("<b>new</b>", "Something went wrong between"),
    ("constructor", "Something went wrong between"),
])
def test_each_reason_has_words_of_its_own_and_an_unknown_one_is_not_echoed(page, reason, words):
    page.open(f"?calendar=error&reason={reason}")
    page.see(words, ".notice")
    assert page.browser.current_url == page.url
    assert "<b>" not in page.text(".notice") and not page.find(".notice b")


def test_a_withdrawn_consent_asks_for_one_thing_and_signing_in_again_mends_it(signed_in, provider):
    signed_in.consent(provider)
    signed_in.see(f"{TITLES[provider]} is connected")
    signed_in.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required', "
                        "access_token = NULL, refresh_token = NULL")
    signed_in.open()
    signed_in.see("Needs sign-in", "article")
    signed_in.see("1 calendar needs your sign-in", "h1")
    button, = signed_in.find("main .primary")
    assert button.accessible_name == f"Sign in to {COMPANIES[provider]} again, {HOST}"
    signed_in.consent(provider, button="main .primary")
    signed_in.see(f"{TITLES[provider]} is connected", "[role=status]")
    card, = signed_in.cards()
    assert card.get_attribute("data-state") == "connected"


def test_what_passes_by_itself_never_asks_for_a_sign_in(signed_in):
    signed_in.consent()
    signed_in.see("Google Calendar is connected")
    signed_in.stack.sql("UPDATE coach_calendar_connections SET refresh_error = "
                        "'provider_unreachable'")
    signed_in.open()
    signed_in.see("there is nothing for you to do", "article")
    assert signed_in.cards()[0].get_attribute("data-state") == "waiting"
    assert not signed_in.find("main .primary")


def test_a_refused_application_is_our_problem_on_every_coachs_page(signed_in, provider):
    signed_in.consent(provider)
    signed_in.see(f"{TITLES[provider]} is connected")
    signed_in.stack.sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) "
                        "VALUES (%s, UTC_TIMESTAMP(3) + INTERVAL 60 SECOND, "
                        "'provider_misconfigured', UTC_TIMESTAMP(3))", (provider,))
    signed_in.open()
    signed_in.see("Problem on our side", "article")
    signed_in.see("signing in again would not help", "article")
    assert signed_in.cards()[0].get_attribute("data-state") == "trouble"
    assert not signed_in.find("main .primary")
    signed_in.stack.sql("DELETE FROM provider_limits")
    signed_in.open()
    assert signed_in.cards()[0].get_attribute("data-state") == "connected"


def test_signing_out_ends_the_session_and_clears_the_page(signed_in):
    signed_in.consent()
    signed_in.see("Google Calendar is connected")
    signed_in.click("#sign-out")
    signed_in.see("You are signed out", "h1")
    assert HOST not in signed_in.text("body")
    assert signed_in.session_cookie() is None
    sessions = "SELECT COUNT(*) AS n FROM sessions WHERE session_hash IS NOT NULL"
    assert signed_in.stack.sql(sessions)[0]["n"] == 0
    signed_in.browser.get("about:blank")
    signed_in.browser.back()
    signed_in.see("for a sign-in link")
    assert HOST not in signed_in.text("body")


def test_a_session_that_ended_meanwhile_is_explained_before_the_page_is_left(signed_in):
    signed_in.stack.sql("DELETE FROM sessions")
    signed_in.click("#connect-google")
    signed_in.see("Your session has ended", "h1")
    assert signed_in.browser.current_url == signed_in.url


def test_without_a_network_the_page_says_so_and_stays(signed_in):
    signed_in.browser.set_network_conditions(offline=True, latency=0, throughput=-1)
    signed_in.click("#connect-google")
    signed_in.see("Please check your internet connection", "[role=alert]")
    signed_in.browser.set_network_conditions(offline=False, latency=0, throughput=-1)
    signed_in.go_to_consent()


def test_a_service_that_is_down_is_our_fault_and_comes_back_by_a_button(signed_in):
    signed_in.stack.fcgi.stop()
    try:
        signed_in.open()
        signed_in.see("Something went wrong on our side", "h1")
        signed_in.see("Details for support")
    finally:
        signed_in.stack.fcgi.start(signed_in.stack.is_ready)
    signed_in.click("#retry")
    signed_in.see("No calendar connected yet", "h1")


def test_the_hint_of_a_connect_url_leads_to_the_section(signed_in):
    signed_in.consent()
    signed_in.see("1 calendar connected", "h1")
    signed_in.browser.get("about:blank")
    signed_in.open("#connect")
    signed_in.wait(lambda: signed_in.browser.switch_to.active_element.get_attribute("id")
                   == "connect", "the focus on the section")


def test_names_are_shown_as_text(page):
    page.stack.sql("UPDATE owners SET display_name = %s WHERE external_id = %s",
                   ("<img src=x onerror=document.title=1>", COACH))
    page.sign_in()
    page.consent()
    page.see("Google Calendar is connected")
    page.stack.sql("UPDATE coach_calendar_connections SET calendar_id = 'x', "
                   "calendar_name = '</script><b>\"{{7*7}}'")
    page.open()
    page.see("</script><b>\"{{7*7}}", "article")
    page.see("<img src=x onerror=document.title=1>", "#account")
    assert not page.find("main b") and not page.find("img")


def test_german_by_the_browser_and_by_choice_and_remembered(page, make_browser):
    german = Dashboard(page.stack, make_browser("de-DE"))
    german.open()
    german.see("Mit Ihrem persönlichen Link anmelden", "h1")
    page.sign_in()
    Select(page.find("#language")[0]).select_by_value("de")
    page.see("Noch kein Kalender verbunden", "h1")
    assert page.find("html")[0].get_attribute("lang") == "de"
    page.open()
    page.see("Kalender-Anbindung", "h1")


def test_each_text_is_there_in_both_languages_with_the_same_places(signed_in):
    """Its keys, and the names in braces in each of its forms."""
    one, other = (signed_in.browser.execute_script("""
        const shape = (place) => typeof place === "string"
          ? [...new Set(place.match(/\\{\\w+\\}/g))].sort()
          : Object.fromEntries(Object.entries(place).map(([key, value]) => [key, shape(value)]));
        return import(arguments[0]).then((catalogue) => shape(catalogue.default));
        """, f"/dashboard/{language}.js") for language in ("en", "de"))
    assert one == other and len(one) > 50


def test_the_way_to_the_provider_needs_no_mouse(signed_in):
    body = signed_in.find("body")[0]
    order = []
    while "connect-outlook" not in order and len(order) < 20:
        body.send_keys(Keys.TAB) if not order else \
            signed_in.browser.switch_to.active_element.send_keys(Keys.TAB)
        order.append(signed_in.browser.switch_to.active_element.get_attribute("id"))
    assert order[-2:] == ["connect-google", "connect-outlook"]
    assert order.index("language") < order.index("sign-out") < len(order) - 2
    signed_in.browser.switch_to.active_element.send_keys(Keys.ENTER)
    signed_in.wait(lambda: signed_in.find("input[name=account]"), "the consent page")


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_width_scrolls_sideways(signed_in, width, language):
    signed_in.consent()
    signed_in.see("1 calendar connected")
    Select(signed_in.find("#language")[0]).select_by_value(language)
    signed_in.click("#uses summary")
    signed_in.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    assert signed_in.browser.execute_script(
        "return document.documentElement.scrollWidth") <= width


def test_the_page_loads_nothing_from_elsewhere_and_is_small(signed_in):
    loaded = signed_in.browser.execute_script(
        "return performance.getEntriesByType('resource').map((one) => one.name)")
    assert loaded and all(one.startswith(signed_in.stack.public.url + "/") for one in loaded)
    size = sum(len(gzip.compress(one.read_bytes())) for one in FOLDER.iterdir())
    assert size < 60_000


def test_the_browser_believes_no_certificate_but_the_stacks(page, tmp_path):
    authority = Authority(tmp_path, page.stack.account)
    certificate, key = authority.issue("foreign")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page.browser.get(f"https://localhost:{server.server_port}/")
        assert "ERR_CERT_AUTHORITY_INVALID" in page.browser.page_source
    finally:
        server.shutdown()
        server.server_close()
