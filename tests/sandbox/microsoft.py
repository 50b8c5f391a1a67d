"""Microsoft, behind the prefix /microsoft/: the identity platform v2.0 and Graph v1.0.

    MICROSOFT_AUTH_URL   {base}/microsoft/{tenant}/oauth2/v2.0/authorize
    MICROSOFT_TOKEN_URL  {base}/microsoft/{tenant}/oauth2/v2.0/token
    MICROSOFT_API_URL    {base}/microsoft/v1.0
    issuer               {base}/microsoft/<tid of the account>/v2.0

Left out: series, free/busy, subscriptions and delta.
"""

from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from .consent import PageError, refusal_page
from .faults import PRESETS
from .idtoken import SigningKey
from .loads import Load
from .microsoft_body import as_text
from .microsoft_consent import MicrosoftConsent, page_error
from .microsoft_controls import MicrosoftControls
from .microsoft_errors import ROWS, aad_error, graph_error
from .microsoft_grants import MicrosoftGrants
from .microsoft_graph import BASE, Graph
from .microsoft_oauth import MicrosoftOAuth
from .microsoft_store import Event, Mailbox
from .microsoft_times import instant_of, offset_text, people_text
from .pages import Entry
from .record import Seen
from .wire import go_to
from .world import World

TENANT = "/microsoft/{tenant}"
# The words of the faults that every provider knows, and those of Graph and the token endpoint.
GRAPH_CODES = {"authError": "InvalidAuthenticationToken", "rateLimitExceeded": "TooManyRequests",
               "userRateLimitExceeded": "TooManyRequests", "quotaExceeded": "TooManyRequests",
               "insufficientPermissions": "ErrorAccessDenied",
               "backendError": "serviceNotAvailable"}
AAD_CODES = {"invalid_grant": 70000, "invalid_client": 7000215, "backendError": 90033}
AT_ONCE = 4     # requests on one mailbox


class Microsoft:
    """The provider. Its controls live under /control/microsoft/."""

    name = "microsoft"
    prefix = "/microsoft/"

    def __init__(self, world: World, key: SigningKey) -> None:
        self.world = world
        self.grants = MicrosoftGrants(world)
        self.consent = MicrosoftConsent(world, self.grants)
        self.oauth = MicrosoftOAuth(world, self.grants, self.consent, key)
        self.graph = Graph(world, self.oauth)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        self.graph.add_routes(router)
        router.add_get(TENANT + "/oauth2/v2.0/authorize", self.consent.page)
        router.add_post(TENANT + "/oauth2/v2.0/authorize", self.consent.decide)
        router.add_post(TENANT + "/oauth2/v2.0/token", self.oauth.token)
        router.add_get(TENANT + "/discovery/v2.0/keys", self.oauth.keys)
        router.add_get(TENANT + "/v2.0/.well-known/openid-configuration", self.oauth.metadata)

    def add_controls(self, router: web.UrlDispatcher) -> None:
        MicrosoftControls(self.world, self.grants, self.consent, self.graph).add_routes(router)

    def account_of(self, seen: Seen) -> str:
        """By the bearer token, else by the code or token in the form."""
        texts = seen.headers.get("authorization", "").split(" ")[1:2]
        if not seen.path.startswith(BASE):
            form = dict(parse_qsl(seen.body.decode("utf-8", "replace")))
            texts += [form[name] for name in ("code", "refresh_token") if name in form]
        for text in texts:
            account = self.world.account_by_sub(self.grants.owner_of(text))
            if account is not None:
                return account.email
        return ""

    def counts(self, seen: Seen) -> bool:
        return seen.path.startswith(BASE)

    def too_much(self, seen: Seen, load: Load) -> web.Response | None:
        """A mailbox bears AT_ONCE requests at once, whatever the switches say."""
        if load.at_once <= AT_ONCE:
            return None
        answer = self.refuse(seen, PRESETS["ApplicationThrottled"])
        answer.headers[hdrs.RETRY_AFTER] = "1"
        return answer

    def refuse(self, seen: Seen, fault: dict[str, Any]) -> web.Response:
        """A fault's error in the form that belongs to the path."""
        status, reason = fault.get("status", 500), fault.get("reason", "")
        if seen.path.startswith(BASE):
            usual = "UnknownError" if status >= 500 else "BadRequest"
            return graph_error(self.world, status, GRAPH_CODES.get(reason, reason or usual),
                               fault.get("message", "Error"), seen.headers)
        code = fault.get("code", AAD_CODES.get(reason, 90033 if status >= 500 else 9002313))
        if not seen.path.endswith("/authorize"):
            fixed = "" if "code" in fault or reason in AAD_CODES else reason
            return aad_error(self.world, code, "", fixed, 0 if "code" in fault else status)
        return self.refuse_page(seen, code)

    def refuse_page(self, seen: Seen, code: int) -> web.Response:
        """The authorize URL: on a page, or by the way back if the application hears of it."""
        try:
            asked = self.consent.check(seen.query, self.consent.tenant_of(seen.path) or "")
        except PageError as error:
            return refusal_page(error)
        if code in ROWS and ROWS[code].told:
            return go_to(self.consent.told(asked, code))
        return refusal_page(page_error(code))

    def entries(self, email: str) -> list[Entry]:
        account = self.world.account(email)
        if account is None:
            return []
        mailbox = self.graph.mailbox(account)
        return [self.entry(mailbox, event) for event in mailbox.events.values()]

    def entry(self, mailbox: Mailbox, event: Event) -> Entry:
        """Times are those of the mailbox's own zone, as Outlook shows them."""
        members, zone = event.members, mailbox.account.zone
        start, end = members["start"], members["end"]
        texts = [people_text(start, zone), people_text(end, zone)]
        if "day" in end:
            texts[1] += " (not included)"
        minutes = members["reminderMinutesBeforeStart"]
        reminders = f"{minutes} minutes before" if members["isReminderOn"] else "none"
        answers = {key: one["response"] for key, one in event.answers.items()}
        return Entry("microsoft", instant_of(start).timestamp(), event.immutable,
                     members["subject"] or "(No title)",
                     "cancelled" if event.deleted else "confirmed", texts[0], texts[1],
                     offset_text(start, zone), offset_text(end, zone), zone, reminders,
                     members["location"].get("displayName", ""), as_text(members["body"]),
                     event.organizer, "",
                     [(one["address"], one["name"] if one["name"] != one["address"] else "",
                       answers.get(one["address"].lower(), "none"))
                      for one in (guest["emailAddress"] for guest in event.guests)],
                     mailbox.calendars[event.calendar].name, event.link)

    def dump(self) -> dict[str, Any]:
        return {"grants": self.grants.dump(),
                "mailboxes": {sub: one.dump() for sub, one in self.graph.mailboxes.items()}}

    def load(self, saved: dict[str, Any]) -> None:
        self.grants.load(saved["grants"])
        for sub, mailbox in saved["mailboxes"].items():
            account = self.world.account_by_sub(sub)
            if account is not None:
                self.graph.mailbox(account).load(mailbox)

    def reset(self) -> None:
        self.grants.reset()
        self.graph.mailboxes.clear()
