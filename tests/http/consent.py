"""Consent as a browser lives through it: its cookies, the way there and back, the page it is shown.

Beside it what the tests of OAuth, sessions and tokens count and compare.
"""

import hashlib
import http.client
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from stack.client import fresh_address

from flows import ACCOUNT, CONNECT, HOST, OTHER_ACCOUNT  # noqa: F401 - tests take them from here

CALLBACK = "/api/calendar-integration/callback"
CONNECTIONS = "/api/calendar-integration/connections/"
SESSION = "/api/session"
OAUTH_COOKIE, SESSION_COOKIE = "__Host-cb_oauth", "__Host-cb_session"
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")   # 32 bytes in base64url
OK = ("connected", "google")


class Browser:
    """Cookies that are kept and sent again, from an address of its own; headers are sent with
    every request."""

    def __init__(self, stack, headers=None, source=None):
        self.stack, self.headers, self.source = stack, dict(headers or {}), source or fresh_address()
        self.cookies = {}

    def request(self, method, path, *, headers=None, **options):
        sent = {"Accept": "text/html,*/*;q=0.8", **self.headers, **(headers or {})}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join("=".join(one) for one in self.cookies.items()))
        answer = self.stack.request(method, path, headers=sent, source=self.source, **options)
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def begin(self, owner=HOST, query="", **headers):
        """Starts a flow; the provider's URL."""
        answer = self.request("GET", CONNECT + owner + query, headers=headers)
        assert answer.status == 302, (answer.status, answer.text)
        return answer.headers["Location"]

    def come_back(self, url):
        """Visits a whole URL of ours."""
        parts = urlsplit(url)
        return self.request("GET", parts.path + ("?" + parts.query if parts.query else ""))

    def connect(self, account=ACCOUNT, owner=HOST, query=""):
        """The whole way; the callback's answer."""
        return self.come_back(self.stack.sandbox.approve(self.begin(owner, query), account))

    def decide(self, page, word, **headers):
        """Presses a button of the confirmation page."""
        form = Form(page)
        assert (form.method, form.action) == ("post", CALLBACK)
        return self.post(form.fields + [("answer", word)], **headers)

    def post(self, fields, **headers):
        """Posts a form from our own page, unless the headers say otherwise (None: left out)."""
        sent = {"Origin": self.stack.public.url,
                "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.request("POST", CALLBACK, body=urlencode(fields).encode(), headers={
            name: value for name, value in sent.items() if value is not None})


class Form(HTMLParser):
    """The one form of a page: where it goes, hidden fields, buttons; and all of the text."""

    def __init__(self, answer):
        super().__init__()
        self.fields, self.buttons, self.words = [], [], []
        self.method = self.action = None
        self.feed(answer.text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == "form":
            assert self.action is None
            self.method, self.action = known["method"], known["action"]
        elif tag == "input" and known["type"] == "hidden":
            self.fields.append((known["name"], known["value"]))
        elif tag == "button":
            self.buttons.append((known["name"], known["value"]))

    def handle_data(self, data):
        self.words.append(data)


class Kept:
    """Many requests on one connection, one after the other."""

    def __init__(self, stack, headers=None):
        self.headers = dict(headers or {})
        self.connection = stack.public._connection(None, 60.0)

    def request(self, method, path, *, body=None, headers=None):
        """The answer and its body."""
        try:
            return self._once(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError):
            self.connection.close()     # the server ends a connection after so many requests
            return self._once(method, path, body, headers)

    def _once(self, method, path, body, headers):
        self.connection.request(method, path, body=body, headers={**self.headers,
                                                                  **(headers or {})})
        answer = self.connection.getresponse()
        return answer, answer.read()


def parameters(url):
    """The query of an URL, no name twice."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def changed(url, **changes):
    """The URL with parameters replaced, added or (None) left out."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


def ended(answer):
    """How the flow ended, by the address that the browser is sent to: (word, detail)."""
    assert answer.status == 302, (answer.status, answer.text)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return (*query["calendar"], *query.get("provider", ()), *query.get("reason", ()))


def check_refused(stack, answer, status=400, code="bad_state"):
    """The documented error, as JSON or as a page, without an echo and without a cookie."""
    assert answer.status == status, (answer.status, answer.headers.get("Location"), answer.text)
    assert answer.count("Set-Cookie") == 0
    if answer.headers["Content-Type"].startswith("application/json"):
        assert answer.json["code"] == code
    else:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["X-Request-Id"] in answer.text
    return answer


def token_calls(stack, grant_type=""):
    """Requests to the provider's token endpoint."""
    return stack.sandbox.requests("^/google/token$", body=f"grant_type={grant_type}")


def connections(stack, owner=HOST):
    """The rows of an owner's connections, the oldest first."""
    return stack.sql(
        "SELECT c.*, LOWER(HEX(c.id)) AS hex_id FROM coach_calendar_connections c "
        "JOIN owners o ON o.id = c.owner_id WHERE o.external_id = %s ORDER BY c.created_at, c.id",
        (owner,))


def states(stack):
    return stack.sql("SELECT s.*, o.external_id FROM oauth_states s JOIN owners o "
                     "ON o.id = s.owner_id ORDER BY s.created_at, s.id")


def state_row(stack, url):
    """The row of the flow that an URL belongs to."""
    digest = hashlib.sha256(parameters(url)["state"].encode()).digest()
    row, = stack.sql("SELECT * FROM oauth_states WHERE state_hash = %s", (digest,))
    return row


def age(stack, url, seconds=601):
    """Makes a flow older than it is."""
    digest = hashlib.sha256(parameters(url)["state"].encode()).digest()
    assert stack.sql("UPDATE oauth_states SET created_at = created_at - INTERVAL %s SECOND, "
                     "expires_at = expires_at - INTERVAL %s SECOND WHERE state_hash = %s",
                     (seconds, seconds, digest)) == 1


def audits(stack, action):
    """What the audit log holds of an action, the oldest first."""
    return [row["result"] for row in
            stack.sql("SELECT result FROM audit_log WHERE action = %s ORDER BY at, id", (action,))]


def expire(stack, account_wide=True):
    """The stored access tokens have run out; so they have at the provider."""
    stack.sql("UPDATE coach_calendar_connections "
              "SET access_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE")
    if account_wide:
        stack.sandbox.expire_access_tokens()


def bearer_of(request):
    """The access token of a recorded request."""
    scheme, _, token = request["headers"]["authorization"].partition(" ")
    assert scheme == "Bearer"
    return token


def living(stack):
    """The newest refresh and access token that the provider has given."""
    kept = stack.sandbox.grants()
    return kept["refresh"][-1]["token"], kept["access"][-1]["token"]
