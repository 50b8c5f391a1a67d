"""The page behind a connectUrl, as the person who was sent it lives through it."""

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from conftest import COACH

HOST = "host@example.com"       # the people of the sandbox
OTHER = "other@example.com"
WAIT_S = 20
TITLES = {"google": "Google Calendar", "outlook": "Outlook Calendar"}
INVITE = {"slot": "2031-05-06T14:00:00Z", "title": "Coffee chat", "durationMinutes": 45,
          "inviteeEmails": ["milan@example.org"], "hostId": COACH}


class Person:
    """Somebody with a link and no session."""

    def __init__(self, stack, browser):
        self.stack, self.browser = stack, browser
        printed = stack.cli("key", "create", "--tenant", "default", "--scope", "events", "--name",
                            "test")
        self.key = {"x-api-key": printed.split()[-1]}

    def invite(self):
        """What the client application gets to hear."""
        return self.stack.request("POST", "/api/calendar/invite", data=INVITE, headers=self.key)

    def open_link(self):
        answer = self.invite()
        assert answer.status == 409, answer.text
        self.browser.get(answer.json["connectUrl"])

    def find(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def see(self, words, selector="main"):
        """Waits until these words stand on the page."""
        WebDriverWait(self.browser, WAIT_S, poll_frequency=0.05, ignored_exceptions=[
            StaleElementReferenceException]).until(
                lambda _: any(words in one.text for one in self.find(selector)), words)

    def press(self, selector):
        self.find(selector)[0].click()

    def go_to_consent(self, provider="google"):
        self.press(f"button[value={provider}]")
        self.see("Choose an account", "body")

    def consent(self, account=HOST, provider="google"):
        self.go_to_consent(provider)
        self.press(f"input[value='{account}']")
        self.press("button[value=allow]")


@pytest.fixture
def person(clean, browser):
    return Person(clean, browser)


@pytest.mark.parametrize("provider", TITLES)
def test_from_an_answer_to_a_connected_calendar(person, provider):
    person.open_link()
    person.see("Connect your calendar", "h1")
    person.see("Demo Coach")
    person.consent(provider=provider)
    person.see(f"{TITLES[provider]} is connected", "h1")
    person.see(HOST)
    person.see("Demo Coach")
    assert person.invite().status == 200


@pytest.mark.parametrize("provider", TITLES)
def test_from_a_withdrawn_consent_to_the_same_calendar_again(person, provider):
    person.open_link()
    person.consent(provider=provider)
    person.see(f"{TITLES[provider]} is connected", "h1")
    person.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required', "
                     "access_token = NULL, refresh_token = NULL")
    person.open_link()
    person.see("Connect your calendar again", "h1")
    person.see(HOST)
    assert len(person.find("button")) == 1
    person.consent(provider=provider)
    person.see(f"{TITLES[provider]} is connected", "h1")
    assert person.invite().status == 200


def test_another_account_is_asked_about_and_then_connected(person):
    person.open_link()
    person.consent()
    person.see("Google Calendar is connected", "h1")
    person.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required', "
                     "access_token = NULL, refresh_token = NULL")
    person.open_link()
    person.consent(OTHER)
    person.see("Connect this calendar?", "h1")
    person.press("button[value=yes]")
    person.see("Google Calendar is connected", "h1")
    person.see(OTHER)


def test_saying_no_can_be_thought_over(person):
    person.open_link()
    person.go_to_consent()
    person.press("button[value=deny]")
    person.see("Your calendar was not connected", "h1")
    person.see("You did not allow the access")
    person.consent()
    person.see("Google Calendar is connected", "h1")


def test_a_link_that_was_cut_says_what_to_do(person):
    person.browser.get(person.invite().json["connectUrl"][:-3])
    person.see("Please open the whole link")


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_no_width_scrolls_sideways(person, width):
    person.stack.sql("UPDATE owners SET display_name = %s", ("Wolfeschlegelsteinhausenberger" * 4,))
    person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    person.open_link()
    person.see("Wolfeschlegel")
    assert person.browser.execute_script(
        "return document.documentElement.scrollWidth") <= width
