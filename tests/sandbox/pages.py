"""The sandbox's pages: plain HTML, no script, readable by people and stable for tests.

Tests find things by data attributes: ``data-event``, ``data-status``, ``data-start``,
``data-end``, ``data-zone``, ``data-guest`` with ``data-response``, ``data-reminders``.
"""

import base64
import binascii
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from .world import Account

STYLE = """
:root { color-scheme: light dark; --edge: #8886; --strong: #0b57d0; --on-strong: #fff; }
@media (prefers-color-scheme: dark) { :root { --strong: #a8c7fa; --on-strong: #062e6f; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin: 0 0 .25rem; }
fieldset, article { border: 1px solid var(--edge); border-radius: .5rem; margin: 0 0 1rem;
  padding: .75rem 1rem; }
legend { font-weight: 600; padding: 0 .25rem; }
label { display: block; padding: .25rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
ul { margin: 0; padding-left: 1.2rem; }
button { font: inherit; padding: .5rem 1.5rem; border-radius: 1.5rem; cursor: pointer;
  border: 1px solid var(--strong); background: none; color: var(--strong); }
button.main { background: var(--strong); color: var(--on-strong); }
.notice { border-left: .25rem solid var(--strong); padding-left: .75rem; }
.cancelled h2 { text-decoration: line-through; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } }
"""
NOTICE = "This is a sandbox that stands in for the calendar provider. Nothing here is real."


@dataclass
class Entry:
    """One event as its page shows it, whichever provider keeps it."""

    provider: str
    at: float           # the start in seconds since 1970, for the order
    id: str
    title: str
    status: str
    start: str          # as people read it, in the event's zone
    end: str
    start_iso: str      # as machines read it
    end_iso: str
    zone: str
    reminders: str
    location: str = ""
    description: str = ""
    organizer: str = ""
    repeats: str = ""
    guests: list[tuple[str, str, str]] = field(default_factory=list)  # address, name, answer
    calendar: str = ""
    join: str = ""      # the link of the online meeting


def layout(title: str, body: str) -> str:
    return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
            f"<body><main>\n<p class=\"notice\">{NOTICE}</p>\n{body}\n</main></body></html>\n")


def make_eid(event_id: str, email: str) -> str:
    """The ``eid`` of a link to an event: its id and calendar, base64url."""
    return base64.urlsafe_b64encode(f"{event_id} {email}".encode()).decode().rstrip("=")


def read_eid(eid: str) -> tuple[str, str] | None:
    try:
        text = base64.urlsafe_b64decode(eid + "=" * (-len(eid) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    event_id, _, email = text.partition(" ")
    return (quote(event_id), quote(email, safe="@")) if event_id and email else None


def error_page(title: str, code: str, detail: str) -> str:
    """The provider's own error page; the browser is not sent back to the application."""
    more = f"<p>{escape(detail)}</p>" if detail else ""
    return layout("Error", f"<h1 data-error=\"{escape(code)}\">{escape(title)}</h1>\n{more}\n"
                           f"<p>Error: <code>{escape(code)}</code></p>")


def wall_page(title: str, code: str, detail: str, way_back: str) -> str:
    """A page of the provider's that ends the consent; the only way leads back."""
    return layout(title, f"<h1 data-error=\"{escape(code)}\">{escape(title)}</h1>\n"
                         f"<p>{escape(detail)}</p>\n"
                         f"<p><a data-way-back href=\"{escape(way_back)}\">"
                         "Return to the application without granting consent</a></p>")


def front_page(accounts: list[Account]) -> str:
    rows = "".join(f"<li><a href=\"calendar/{quote(one.email, safe='@')}\">{escape(one.name)}</a> "
                   f"({escape(one.email)}, {escape(one.zone)})</li>" for one in accounts)
    return layout("Sandbox", "<h1>Sandbox calendars</h1>\n"
                             + (f"<ul>{rows}</ul>" if rows else "<p>There are no accounts.</p>"))


def consent_page(app_name: str, accounts: list[Account], chosen: str,
                 asked: list[tuple[str, str]], boxes: list[tuple[str, str]],
                 words: tuple[str, str]) -> str:
    """Ask a person: who, and what. ``asked`` is asked as it stands, each of ``boxes`` has a box.

    ``words`` name the buttons that agree and decline.
    """
    people = "".join(
        f"<label><input type=\"radio\" name=\"account\" value=\"{escape(one.email)}\" required"
        f"{' checked' if one.email == chosen else ''}> {escape(one.name)} "
        f"({escape(one.email)})</label>" for one in accounts)
    fixed = "".join(f"<li data-scope=\"{escape(scope)}\">{escape(text)}</li>"
                    for scope, text in asked)
    ticks = "".join(
        f"<label><input type=\"checkbox\" name=\"scope\" value=\"{escape(scope)}\" checked> "
        f"{escape(text)}</label>" for scope, text in boxes)
    return layout("Sign in", (
        f"<h1>{escape(app_name)} wants access to your account</h1>\n"
        "<form method=\"post\">\n"
        f"<fieldset><legend>Choose an account</legend>{people}</fieldset>\n"
        + (f"<fieldset><legend>It will see</legend><ul>{fixed}</ul></fieldset>\n" if fixed else "")
        + (f"<fieldset><legend>Select what it may do</legend>{ticks}</fieldset>\n" if ticks else "")
        + "<p><button class=\"main\" type=\"submit\" name=\"decision\" value=\"allow\">"
          f"{words[0]}</button> <button type=\"submit\" name=\"decision\" value=\"deny\" "
          f"formnovalidate>{words[1]}</button></p>\n</form>"))


def entry_html(entry: Entry) -> str:
    guests = "".join(
        f"<li data-guest=\"{escape(address)}\" data-response=\"{escape(answer)}\">"
        f"{escape(name + ' ' if name else '')}{escape(address)}: {escape(answer)}</li>"
        for address, name, answer in entry.guests)
    rows = [("Start", f"<time datetime=\"{entry.start_iso}\">{escape(entry.start)}</time>"),
            ("End", f"<time datetime=\"{entry.end_iso}\">{escape(entry.end)}</time>"),
            ("Time zone", escape(entry.zone)),
            ("Repeats", escape(entry.repeats)),
            ("Status", escape(entry.status)),
            ("Guests", f"<ul>{guests}</ul>" if guests else ""),
            ("Reminders", f"<span data-reminders>{escape(entry.reminders)}</span>"),
            ("Location", escape(entry.location)),
            ("Description", escape(entry.description)),
            ("Organizer", escape(entry.organizer)),
            ("Calendar", escape(entry.calendar)),
            ("Online meeting", f"<a data-join href=\"{escape(entry.join)}\">Join</a>"
             if entry.join else ""),
            ("Id", f"<code>{escape(entry.id)}</code>")]
    lines = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows if value)
    return (f"<article class=\"{escape(entry.status)}\" id=\"event-{escape(entry.id)}\" "
            f"data-event=\"{escape(entry.id)}\" data-provider=\"{escape(entry.provider)}\" "
            f"data-status=\"{escape(entry.status)}\" data-start=\"{entry.start_iso}\" "
            f"data-end=\"{entry.end_iso}\" data-zone=\"{escape(entry.zone)}\">"
            f"<h2>{escape(entry.title)}</h2><dl>{lines}</dl></article>\n")


def calendar_page(account: Account, entries: list[Entry]) -> str:
    """All events of an account, the soonest first."""
    shown = "".join(entry_html(one) for one in sorted(entries, key=lambda one: one.at))
    return layout(f"Calendar of {account.name}", (
        f"<h1 data-account=\"{escape(account.email)}\">Calendar of {escape(account.name)}</h1>\n"
        f"<p>{escape(account.email)}, {escape(account.zone)}</p>\n"
        + (shown or "<p data-empty>There are no events.</p>")))
