"""Google, behind the prefix /google/: OAuth, userinfo and the Calendar API.

    GOOGLE_AUTH_URL      {base}/google/o/oauth2/v2/auth
    GOOGLE_TOKEN_URL     {base}/google/token
    GOOGLE_REVOKE_URL    {base}/google/revoke
    GOOGLE_USERINFO_URL  {base}/google/oauth2/v2/userinfo
    GOOGLE_API_URL       {base}/google/calendar/v3
"""

from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from .faults import PRESETS
from .google_calendar import CalendarApi
from .google_consent import GoogleConsent
from .google_controls import GoogleControls
from .google_errors import api_error, oauth_error
from .google_grants import GoogleGrants
from .google_oauth import OAuth
from .google_store import Calendar, Event
from .google_times import local_text, instant_of, people_text
from .idtoken import SigningKey
from .loads import Load
from .pages import Entry
from .record import Seen
from .world import World

API = "/google/calendar/v3"
API_PATHS = (API, "/google/oauth2/v2/userinfo", "/google/userinfo/", "/google/v1/userinfo")
AUTHORIZE = "/google/o/oauth2/v2/auth"


class Google:
    """The provider. Its controls live under /control/google/."""

    name = "google"
    prefix = "/google/"

    def __init__(self, world: World, key: SigningKey) -> None:
        self.world = world
        self.grants = GoogleGrants(world)
        self.oauth = OAuth(world, self.grants, key)
        self.consent = GoogleConsent(world, self.grants)
        self.api = CalendarApi(world, self.oauth)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get(AUTHORIZE, self.consent.page)
        router.add_post(AUTHORIZE, self.consent.decide)
        router.add_post("/google/token", self.oauth.token)
        router.add_post("/google/revoke", self.oauth.revoke)
        router.add_get("/google/tokeninfo", self.oauth.tokeninfo)
        router.add_post("/google/tokeninfo", self.oauth.tokeninfo)
        router.add_get("/google/oauth2/v2/userinfo", self.oauth.userinfo)
        router.add_get("/google/userinfo/v2/me", self.oauth.userinfo)
        router.add_get("/google/v1/userinfo", self.oauth.userinfo)
        router.add_get("/google/oauth2/v3/certs", self.oauth.certs)
        self.api.add_routes(router, API)

    def add_controls(self, router: web.UrlDispatcher) -> None:
        GoogleControls(self.world, self.grants, self.consent, self.api).add_routes(router)

    def account_of(self, seen: Seen) -> str:
        """By the bearer token, else by the code or token in the form."""
        words = seen.headers.get("authorization", "").split(" ")
        texts = words[1:2]
        if not seen.path.startswith(API):
            form = dict(parse_qsl(seen.body.decode("utf-8", "replace")))
            texts += [form[name] for name in ("code", "refresh_token", "token") if name in form]
        for text in texts:
            account = self.world.account_by_sub(self.grants.owner_of(text))
            if account is not None:
                return account.email
        return ""

    def counts(self, seen: Seen) -> bool:
        return seen.path.startswith(API)

    def too_much(self, seen: Seen, load: Load) -> web.Response | None:
        """Google's quota for one person, by the switch ``calls_a_minute`` alone."""
        most = self.world.settings["calls_a_minute"]
        if most is None or load.in_60_s <= most:
            return None
        return self.refuse(seen, PRESETS["rateLimitExceeded"])

    def refuse(self, seen: Seen, fault: dict[str, Any]) -> web.Response:
        """A fault's error in the form that belongs to the path."""
        status = fault.get("status", 500)
        if not seen.path.startswith(API_PATHS):
            return oauth_error(status, fault.get("reason", "internal_failure"),
                               fault.get("message", ""))
        where = ("header", "Authorization") if status == 401 else None
        reason = fault.get("reason", "backendError" if status >= 500 else "badRequest")
        return api_error(status, reason, fault.get("message", "Backend Error"), where,
                         self.world.settings["envelope"])

    def entries(self, email: str) -> list[Entry]:
        account = self.world.account(email)
        if account is None:
            return []
        calendar = self.api.calendar(account)
        return [self.entry(calendar, event) for event in calendar.events.values()]

    def entry(self, calendar: Calendar, event: Event) -> Entry:
        members = event.members
        start, end = members["start"], members["end"]
        zone = start.get("timeZone", calendar.zone)
        texts = [people_text(start), people_text(end)]
        if "date" in end:
            texts[1] += " (not included)"
        isos = [one["date"] if "date" in one else local_text(instant_of(one, zone), zone)
                for one in (start, end)]
        overrides = members["reminders"].get("overrides", [])
        reminders = ", ".join(f"{one['method']} {one['minutes']} minutes before"
                              for one in overrides) or "none"
        if members["reminders"]["useDefault"]:
            reminders = "default reminders"
        return Entry("google", instant_of(start, calendar.zone).timestamp(), event.id,
                     members.get("summary", "(No title)"), members["status"],
                     texts[0], texts[1], isos[0], isos[1], zone, reminders,
                     members.get("location", ""), members.get("description", ""),
                     calendar.account.email, ", ".join(members.get("recurrence", [])),
                     [(one["email"], one.get("displayName", ""), one["responseStatus"])
                      for one in members.get("attendees", [])])

    def dump(self) -> dict[str, Any]:
        return {"grants": self.grants.dump(),
                "calendars": {sub: one.dump() for sub, one in self.api.calendars.items()}}

    def load(self, saved: dict[str, Any]) -> None:
        self.grants.load(saved["grants"])
        for sub, calendar in saved["calendars"].items():
            account = self.world.account_by_sub(sub)
            if account is not None:
                self.api.calendar(account).load(calendar)

    def reset(self) -> None:
        self.grants.reset()
        self.api.calendars.clear()
