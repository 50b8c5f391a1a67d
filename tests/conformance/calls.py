"""The calls of a provider as Python sees them: a process that makes them (ask.c), and one
calendar that they are about."""

import base64
import hashlib
import json
import secrets
import subprocess
import uuid
from types import SimpleNamespace

from stack.processes import clean_environment

ACCOUNT = "host@example.com"
OTHER_ACCOUNT = "other@example.com"
ANA, MILAN, LATE, NEW = (f"{name}@example.org" for name in ("ana", "milan", "late", "new"))
START = 1_935_842_400_000       # 2031-05-06T14:00:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE


def coffee(**changes):
    """An event as event_write tells it; None leaves a member out."""
    event = {"summary": "Coffee with Milan", "description": "Two\nlines & <more>",
             "location": "Café 1", "start": START, "end": START + HOUR,
             "zone": "America/New_York", "attendees": [{"email": ANA, "name": "Ana"},
                                                       {"email": MILAN}],
             "notify": True, **changes}
    return {name: value for name, value in event.items() if value is not None}


def guests(*addresses):
    return [{"email": one} for one in addresses]


def new_id():
    """An id as we choose them: base32hex."""
    return "cb" + uuid.uuid4().hex[:24]


class Hands:
    """The process that calls providers as it is told."""

    def __init__(self, stack):
        self.stack = stack
        self.process = None

    def __enter__(self):
        argv = [str(self.stack.build / "tests" / "conformance" / "ask"),
                str(self.stack.settings.path)]
        self.process = subprocess.Popen(self.stack.account.command(argv), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=clean_environment(), cwd="/")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0

    def ask(self, **members):
        """One call; what came of it, its error by our own word for it."""
        self.process.stdin.write(json.dumps(members) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the hands have died: {members['call']}"
        return SimpleNamespace(**json.loads(line))


class Calendar:
    """One account's calendar at one provider, and a token for it."""

    def __init__(self, hands, side, sandbox):
        self.hands, self.side, self.sandbox = hands, side, sandbox
        self.account = ACCOUNT
        self.access = self.refresh = self.verifier = ""
        self.owner = "ow1"

    # --- consent ---

    def url(self, **members):
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        told = self.ask("consent_url", state="st.ate",
                        challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                        **members)
        assert told.error == "ok", told
        return told.url

    def code(self, **members):
        """What the browser brings back from the consent of a person."""
        return self.sandbox.approve_code(self.url(), self.account, provider=self.side.hands,
                                         **members)

    def connect(self, account=ACCOUNT, **members):
        self.account = account
        told = self.ask("exchange", code=self.code(**members), verifier=self.verifier)
        assert told.error == "ok", told
        self.access, self.refresh = told.grant["access"], told.grant["refresh"]
        return self

    # --- calls ---

    def ask(self, call, **members):
        return self.hands.ask(provider=self.side.name, call=call,
                              **{"access": self.access, "whole": True, **members})

    def put(self, event=None, name=None, **members):
        """name is our id of the attempt, and marks the event as well."""
        name = name or new_id()
        return self.ask("put", **{"id": name, "marker": name, "owner": self.owner,
                                  "event": event or coffee(), **members})

    def stand(self, event=None, **members):
        """An event that stands, as a put tells it."""
        told = self.put(event, **members)
        assert told.error == "ok", told
        return told.placed

    def get(self, placed, **members):
        return self.ask("get", id=placed["id"], **members)

    def look(self, placed):
        """The event as it stands now; changes may stand on it, as "it"."""
        told = self.get(placed, keep="it")
        assert told.error == "ok", told
        return told.placed

    def change(self, parts, event, **members):
        """Of what was looked at last."""
        return self.ask("change", **{"stands": "it", "parts": parts, "event": event, **members})

    def drop(self, placed, **members):
        return self.ask("drop", **{"id": placed["id"], "notify": True, **members})

    def list(self, **members):
        return self.ask("list", **{"owner": self.owner, **members})

    def pages(self, **members):
        """All pages' items, each page asked for as the one before it named it."""
        found, page = [], ""
        for _ in range(1000):
            told = self.list(page=page, **members)
            assert told.error == "ok", told
            found.append(told.items)
            page = told.next
            if not page:
                return found
        raise AssertionError("the pages do not end")

    # --- what the calendar has, and what happens to it ---

    def by_hand(self, placed, what):
        self.sandbox.edit_event(self.account, placed["id"], self.side.patches[what],
                                provider=self.side.hands)

    def respond(self, placed, email, answer="accepted"):
        self.sandbox.respond(self.account, placed["id"], email, answer,
                             provider=self.side.hands)

    def add_guest(self, placed, email):
        self.sandbox.add_guest(self.account, placed["id"], email, provider=self.side.hands)

    def remove_by_hand(self, placed, purge=False):
        self.sandbox.delete_event(self.account, placed["id"], purge=purge,
                                  provider=self.side.hands)

    def mails(self):
        """(to, kind) of each mail to a guest since the last time, sorted."""
        found = sorted((one["to"], one["kind"]) for one in self.sandbox.mail())
        self.sandbox.reset(records=False, faults=False, settings=False)
        return found

    def calls(self):
        """How many calls of the calendar API there were."""
        return len(self.sandbox.requests(self.side.api))

    def fault(self, kind, *, count=1, path=None, **members):
        self.sandbox.fault(kind, match={"path": path or self.side.api, "count": count},
                           **members)
