"""What exists in the sandbox, whoever the provider is: people, clients, mail, settings, time."""

import hashlib
import time
import zoneinfo
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

ZONES = frozenset(name for name in zoneinfo.available_timezones()
                  if not name.startswith(("posix/", "right/"))
                  and name not in ("Factory", "localtime", "posixrules"))

PROVIDERS = ("google", "microsoft")

# name: (default, what may be set instead: a type, or the words allowed)
SETTINGS: dict[str, tuple[Any, Any]] = {
    "code_seconds": (600, int),                 # life of an authorization code
    "access_token_seconds": (3599, int),        # real life of an access token
    "access_token_length": (220, int),          # Google promises no more than 2048
    "expires_in_as": ("number", ("number", "text", "omitted", "value")),
    "expires_in_value": (None, object),         # sent as it is for "value"
    "code_refresh_token": ("sent", ("sent", "withheld", "empty", "null")),
    # usual: Google withholds it, Microsoft sends a new one and lets the old one live
    "refresh_refresh_token": ("usual", ("usual", "withheld", "empty", "null", "same", "rotated")),
    "refresh_token_seconds": (None, (int, type(None))),     # 604800 for an app "in testing"
    "withheld_scopes": ([], list),              # not granted although the person allowed them
    "refresh_withheld_scopes": ([], list),      # missing from refreshed tokens
    "require_pkce": (False, bool),
    "awkward_codes": (True, bool),              # codes that do not survive being decoded twice
    "callback_extra": ({}, dict),               # more parameters for the callback, such as iss
    "calls_a_minute": (None, (int, type(None))),    # of one person at Google; real: 600
    "conference_ends_as": ("success", ("success", "pending", "failure")),   # at Google
    "envelope": ("mixed", ("mixed", "old", "new")),         # form of Google's API errors
    "graph_token_length": (1600, int),          # of Microsoft's access tokens, at least
    "scopes_as": ("short", ("short", "full", "shouted")),   # how Microsoft writes scopes
    "admin_consent": (False, bool),             # organisations want their administrator's
    "transaction_replay": ("created", ("created", "ok", "conflict")),   # 201, 200, 409
    "inner_error": ("innerError", ("innerError", "innererror", "omitted")),
    "camel_codes": (False, bool),               # error codes of Graph begin in lower case
    "trash_found": (False, bool),               # deleted events are found by immutable id
    "short_pages": (False, bool),               # lists in short and empty pages
    "cancelled_bare": (False, bool),            # deleted events keep nothing but their id
}


class BadSetting(ValueError):
    """A control call asked for something that does not exist."""


class Clock:
    """The sandbox's time: the machine's, moved by tests."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since 1970 with fractions."""
        return time.time() + self.offset


@dataclass
class Account:
    """A person with an account at the provider, and one primary calendar."""

    email: str
    name: str = ""
    zone: str = "America/New_York"
    sub: str = ""
    kind: str = "work"      # at Microsoft: of an organisation, or "personal"
    default_reminders: list[dict[str, Any]] = field(
        default_factory=lambda: [{"method": "popup", "minutes": 10}])

    def __post_init__(self) -> None:
        if self.email.count("@") != 1 or self.email.strip() != self.email:
            raise BadSetting(f"not an e-mail address: {self.email}")
        if self.zone not in ZONES:
            raise BadSetting(f"unknown time zone: {self.zone}")
        if self.kind not in ("work", "personal"):
            raise BadSetting(f"an account is work or personal, not {self.kind}")
        self.name = self.name or self.email.split("@")[0].replace(".", " ").title()
        if not self.sub:
            digest = hashlib.sha256(self.email.lower().encode()).digest()
            self.sub = "1" + str(int.from_bytes(digest[:10], "big")).zfill(25)[-20:]


@dataclass
class Client:
    """An application registered at the provider. Grants belong to its project."""

    client_id: str
    secret: str
    redirect_uris: list[str]
    project: str = ""
    provider: str = "google"

    def __post_init__(self) -> None:
        if self.provider not in PROVIDERS:
            raise BadSetting(f"unknown provider: {self.provider}")
        self.project = self.project or self.client_id


class Settings(dict):
    """The switches; a name or value that does not exist is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.update({name: default for name, (default, _) in SETTINGS.items()})

    def change(self, wanted: dict[str, Any]) -> None:
        for name, value in wanted.items():
            if name not in SETTINGS:
                raise BadSetting(f"unknown setting: {name}")
            kinds = SETTINGS[name][1]
            words = isinstance(kinds, tuple) and isinstance(kinds[0], str)
            fits = value in kinds if words else isinstance(value, kinds)
            if not fits or (isinstance(value, bool) and kinds is int):
                raise BadSetting(f"bad value for {name}: {value!r}")
        self.update(wanted)


class World:
    """Everything the providers share. ``on_change`` is called after each change."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self.clock = Clock()
        self.settings = Settings()
        self.accounts: dict[str, Account] = {}
        self.clients: dict[str, Client] = {}
        self.mail: list[dict[str, Any]] = []
        self.violations: list[dict[str, Any]] = []
        self.on_change: Callable[[], None] = lambda: None

    def add_account(self, **members: Any) -> Account:
        """Add a person, or change what is known of one; the account id stays."""
        old = self.account(members.get("email", ""))
        if old is not None:
            members = {**asdict(old), **members, "email": old.email}
        account = Account(**members)
        self.accounts[account.email.lower()] = account
        self.on_change()
        return account

    def account(self, email: str) -> Account | None:
        return self.accounts.get(email.lower())

    def account_by_sub(self, sub: str) -> Account | None:
        return next((one for one in self.accounts.values() if one.sub == sub), None)

    def add_client(self, **members: Any) -> Client:
        client = Client(**members)
        self.clients[client.client_id] = client
        self.on_change()
        return client

    def client(self, provider: str, client_id: str) -> Client | None:
        """A client registered at this provider."""
        client = self.clients.get(client_id)
        return client if client is not None and client.provider == provider else None

    def violation(self, kind: str, **facts: Any) -> None:
        """Remember what the real one would bear, or punish later, but no client should do."""
        self.violations.append({"kind": kind, "time": self.clock.now(), **facts})

    def post(self, account: str, to: str, kind: str, **facts: Any) -> None:
        """Put a mail to a guest into the outbox. ``kind``: invite, update or cancel."""
        self.mail.append({"time": self.clock.now(), "account": account, "to": to,
                          "kind": kind, **facts})

    def dump(self) -> dict[str, Any]:
        return {"accounts": [asdict(one) for one in self.accounts.values()],
                "clients": [asdict(one) for one in self.clients.values()],
                "mail": self.mail}

    def load(self, saved: dict[str, Any]) -> None:
        self.accounts = {one["email"].lower(): Account(**one) for one in saved["accounts"]}
        self.clients = {one["client_id"]: Client(**one) for one in saved["clients"]}
        self.mail = saved["mail"]
