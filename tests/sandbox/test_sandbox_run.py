"""The program itself: its pages, its saved state, its socket, its end."""

import json
import os
import signal
import stat
import threading
import time

import pytest

from .harness import (BASE, CALLBACK, CLIENT, HOST, SECRET, GoogleClient, event_body, running,
                      wait_for)
from .harness_microsoft import (APP, BACK, PERSONAL, MicrosoftClient, by_own_data, graph_event,
                                guest, own_data)


def options(folder):
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    return ("--state", str(folder), "--account", f"{HOST},America/New_York",
            "--client", f"google,{CLIENT},{folder / 'secret'},{CALLBACK}")


def test_the_calendar_page_shows_events_as_people_read_them(host):
    host.insert(id="abcde", summary="Tea & <b>cake</b>", location="Here", description="Talk",
                attendees=[{"email": "guest@example.org", "responseStatus": "accepted"}])
    host.insert(id="fghij", start={"date": "2025-12-01"}, end={"date": "2025-12-02"},
                reminders={"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]})
    host.api("DELETE", "/fghij")
    text = host.sandbox.request("GET", f"/calendar/{HOST}").body.decode()
    assert text.index('data-event="fghij"') < text.index('data-event="abcde"')
    for part in ('data-start="2025-12-02T10:00:00-05:00"', 'data-zone="America/New_York"',
                 "Tuesday 02 December 2025, 10:00 EST", "default reminders", "Here", "Talk",
                 'data-guest="guest@example.org" data-response="accepted"',
                 "popup 5 minutes before", 'data-status="cancelled"',
                 "Tea &amp; &lt;b&gt;cake&lt;/b&gt;"):
        assert part in text
    assert "<b>cake" not in text


def test_an_htmllink_leads_to_the_event_on_its_page(host):
    link = host.insert(id="abcde")["htmlLink"]
    answer = host.sandbox.request("GET", link.removeprefix(BASE))
    assert answer.headers["location"] == f"{BASE}/calendar/{HOST}#event-abcde"
    for eid in ("", "x", "////", "YQ"):
        assert host.sandbox.request("GET", f"/calendar/event?eid={eid}").status == 404


def test_pages_for_people_exist_and_unknown_ones_do_not(sandbox):
    assert HOST in sandbox.request("GET", "/").body.decode()
    assert sandbox.request("GET", "/calendar/nobody@example.com").status == 404
    assert sandbox.request("GET", "/google/nothing").status == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_start_finds_everything_and_the_end_is_at_once(tmp_path, number):
    with running(tmp_path, *options(tmp_path)) as (sandbox, process):
        host = GoogleClient(sandbox)
        host.connect()
        host.insert(query="sendUpdates=all", id="abcde", attendees=[{"email": "g@example.org"}])
        before = host.api("GET", "/abcde").json()
        sandbox.fault("hold")
        connection = sandbox.connection()
        connection.request("GET", "/")
        sandbox.held()
        begin = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0 and time.monotonic() - begin < 2
        connection.close()
        assert not (tmp_path / "sandbox.sock").exists()
    assert stat.S_IMODE(os.stat(tmp_path / "sandbox.json").st_mode) == 0o600
    with running(tmp_path, *options(tmp_path)) as (sandbox, _):
        again = GoogleClient(sandbox)
        again.token, again.refresh_token = host.token, host.refresh_token
        assert again.api("GET", "/abcde").json() == before
        assert again.refresh().status == 200 and len(sandbox.mail()) == 1


def test_microsofts_mailboxes_outlive_a_restart(tmp_path):
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    more = ("--state", str(tmp_path), "--account", f"{PERSONAL},Europe/London,A Person,personal",
            "--client", f"microsoft,{APP},{tmp_path / 'secret'},{BACK}")
    with running(tmp_path, *more) as (sandbox, _):
        person = MicrosoftClient(sandbox)
        person.connect(PERSONAL)
        event = person.insert(transactionId="t", attendees=[guest("g@example.org")],
                              singleValueExtendedProperties=own_data("bk_1"))
        sandbox.respond(PERSONAL, event["id"], "g@example.org", provider="microsoft")
        sandbox.add_calendar(PERSONAL, "Lessons")
        sandbox.move_event(PERSONAL, event["id"], "Lessons")
        before = sandbox.events(PERSONAL, "microsoft")
    with running(tmp_path, *more) as (sandbox, _):
        again = MicrosoftClient(sandbox)
        again.token, again.refresh_token = person.token, person.refresh_token
        assert sandbox.events(PERSONAL, "microsoft") == before
        found = again.list(filter=by_own_data("bk_1")).json()["value"]
        assert [one["id"] for one in found] == [event["id"]]
        assert again.event(before[0]["id"]).status == 200 and again.refresh().status == 200
        repeated = again.api("POST", "", graph_event(
            transactionId="t", attendees=[guest("g@example.org")],
            singleValueExtendedProperties=own_data("bk_1")))
        assert repeated.json()["id"] == before[0]["id"]


def test_a_kill_loses_no_more_than_the_last_moment(tmp_path):
    with running(tmp_path, *options(tmp_path)) as (sandbox, process):
        host = GoogleClient(sandbox)
        host.connect()
        host.insert(id="abcde")
        saved = tmp_path / "sandbox.json"
        wait_for(lambda: saved.exists() and "abcde" in saved.read_text(encoding="utf-8"))
        process.kill()
        process.wait(10)
    with running(tmp_path, *options(tmp_path)) as (sandbox, _):
        assert [one["id"] for one in sandbox.events(HOST)] == ["abcde"]


def test_a_damaged_state_is_not_overwritten(tmp_path):
    for text in ("{", json.dumps({"format": 99})):
        (tmp_path / "sandbox.json").write_text(text, encoding="utf-8")
        with pytest.raises(AssertionError):
            with running(tmp_path, *options(tmp_path)):
                pass
        assert (tmp_path / "sandbox.json").read_text(encoding="utf-8") == text


def test_the_socket_has_the_mode_asked_for(tmp_path):
    for mode in ("0600", "0660"):
        with running(tmp_path, "--socket-mode", mode) as (_, _process):
            assert stat.S_IMODE(os.stat(tmp_path / "sandbox.sock").st_mode) == int(mode, 8)


def test_many_at_once_are_answered(host):
    statuses = []

    def insert():
        statuses.append(host.api("POST", "", event_body()).status)
    threads = [threading.Thread(target=insert) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 50 and len(host.sandbox.events(HOST)) == 50
