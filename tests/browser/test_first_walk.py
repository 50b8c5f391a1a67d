"""What a person does first: `make run`, sign in, consent, send the printed line, look, Ctrl-C.

The tree is the one that was built; everything else is as it is printed for people.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections import namedtuple

import pytest
from conftest import BUILD, key_pin, start_browser
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from stack.guard import stat_fields
from stack.processes import remove_folder, temporary_folder, wait_for

WAIT_S = 20
Printed = namedtuple("Printed", "dashboard sign_in calendar authority curl event")


class Run:
    """`make run` in a process group of its own, its data in a folder of the test."""

    def __init__(self, folder, port=0):
        self.folder = folder
        environment = {**os.environ, "CALBRIDGE_PORT": str(port)}
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", "-C", str(BUILD), "run", f"RUN={folder}"],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if sum(one.startswith("  curl ") for one in lines) == 2:
                break
        self.text = "".join(lines)

    @property
    def printed(self):
        """What there is to open, to trust and to send."""
        named = dict(re.findall(r"^  (dashboard|sign in|calendar|authority) +(\S+)", self.text,
                                re.M))
        curl, event = re.findall(r"^  (curl .*)$", self.text, re.M)
        return Printed(named["dashboard"], named["sign in"], named["calendar"], named["authority"],
                       curl, event)

    def started(self):
        """Every process below make, each with its start."""
        every = {int(name): stat_fields(name) for name in os.listdir("/proc") if name.isdigit()}
        found, new = {}, {self.process.pid}
        while new:
            found.update({pid: int(every[pid][19]) for pid in new})
            new = {pid for pid, fields in every.items() if fields and int(fields[1]) in new}
        return found

    def ctrl_c(self):
        """SIGINT to the process group, as a terminal sends it; what was printed then."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.communicate(timeout=60)[0]


def left(processes):
    """Those of the processes that are still there."""
    fields = {pid: stat_fields(pid) for pid in processes}
    return [pid for pid, tick in processes.items()
            if fields[pid] and int(fields[pid][19]) == tick and fields[pid][0] != b"Z"]


@pytest.fixture
def folder():
    path = temporary_folder(tempfile.mktemp(prefix="run-", dir=BUILD))
    yield path
    remove_folder(path)


@pytest.fixture
def run(folder):
    """run(port): one more `make run` on the same folder."""
    started = []

    def start(port=0):
        started.append(Run(folder, port))
        return started[-1]
    yield start
    for one in started:
        if one.process.poll() is None:
            one.ctrl_c()


@pytest.fixture
def browse(folder):
    """browse(): a Chromium that trusts the certificates of the folder."""
    opened = []

    def start():
        pins = [key_pin(folder / "tls" / f"{stem}.crt") for stem in ("site", "sandbox")]
        profile = tempfile.TemporaryDirectory(prefix="calbridge-browser-",
                                              ignore_cleanup_errors=True)
        opened.append((start_browser(profile.name, pins, "en-US"), profile))
        return opened[-1][0]
    yield start
    for driver, profile in opened:
        driver.quit()
        profile.cleanup()


def see(browser, words, selector="body"):
    """Waits until the words stand on the page, and returns all that stands there."""
    def text():
        return "\n".join(one.text for one in browser.find_elements(By.CSS_SELECTOR, selector))
    WebDriverWait(browser, WAIT_S, 0.05).until(lambda _: words in text(), words)
    return text()


def click(browser, selector):
    WebDriverWait(browser, WAIT_S, 0.05).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, selector), selector)[0].click()


def send(line):
    """Runs the printed line as a person pastes it: the answer as JSON."""
    done = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=True)
    return json.loads(done.stdout)


def check_event(browser, printed, answer, reminders):
    """The sandbox's calendar page shows the event that the printed line asked for."""
    body = json.loads(shlex.split(printed.curl)[shlex.split(printed.curl).index("-d") + 1])
    browser.get(printed.calendar)
    text = see(browser, body["title"], "article")
    for words in (body["location"], "America/New_York", reminders):
        assert words in text, text
    event, = browser.find_elements(By.CSS_SELECTOR, "article")
    assert event.get_attribute("data-event") == answer["calendarEventId"]
    assert event.get_attribute("data-start").startswith(body["slot"])
    assert event.get_attribute("data-zone") == "America/New_York"
    assert [one.get_attribute("data-guest") for one in event.find_elements(
        By.CSS_SELECTOR, "[data-guest]")] == body["inviteeEmails"]


@pytest.mark.parametrize("provider, title, reminders", [
    ("google", "Google Calendar", "default reminders"),
    ("outlook", "Outlook Calendar", "15 minutes before")])
def test_from_run_to_the_event_in_the_calendar_and_a_second_run_that_keeps_it(
        run, browse, provider, title, reminders):
    first = run()
    browser = browse()
    browser.get(first.printed.sign_in)
    see(browser, "No calendar connected yet", "h1")
    assert browser.current_url == first.printed.dashboard
    click(browser, f"#connect-{provider}")
    click(browser, "input[value='host@example.com']")
    click(browser, "button[value=allow]")
    see(browser, f"{title} is connected", "[role=status]")

    answer = send(first.printed.curl)
    assert re.fullmatch(r"evt_\w+", answer["eventId"]) and answer["calendarEventId"]
    check_event(browser, first.printed, answer, reminders)
    browser.get(first.printed.dashboard)
    see(browser, "1 calendar connected", "h1")

    everything = first.started()
    assert len(everything) > 8
    assert "calbridge has stopped" in first.ctrl_c()
    assert left(everything) == []

    port = int(re.search(r":(\d+)/", first.printed.dashboard)[1])
    second = run(port)
    assert second.printed.dashboard == first.printed.dashboard
    check_event(browser, second.printed, answer, reminders)
    browser.get(second.printed.dashboard)
    see(browser, "1 calendar connected", "h1")
    assert send(second.printed.curl)["eventId"] != answer["eventId"]
    made = send(second.printed.event)
    assert made["provider"] == provider and made["attendees"]
    browser.get(second.printed.calendar)
    see(browser, made["summary"], "article")
    assert "calbridge has stopped" in second.ctrl_c()


def test_a_run_that_is_killed_leaves_no_process_behind_either(run):
    one = run()
    everything = one.started()
    os.killpg(one.process.pid, signal.SIGKILL)
    wait_for(lambda: left(everything) == [], 30, "the end of every process")
