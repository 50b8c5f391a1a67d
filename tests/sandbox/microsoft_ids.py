"""The ids that Microsoft's servers make: of people and tenants, of calendars and events.

Ids of events differ from one another in the case of a letter alone, pair by pair: whoever
compares them without regard to case meets another event.
"""

import base64
import hashlib
import secrets
import uuid

from .world import Account

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
SPACE = uuid.UUID("5f1d7a1e-54f4-4d0b-8e0f-2b6a3c1f9d27")


def guid(*words: str) -> str:
    """The same words give the same GUID."""
    return str(uuid.uuid5(SPACE, "\n".join(words)))


def tenant_of(account: Account) -> str:
    """``tid``: one for each organisation, one for all personal accounts."""
    if account.kind == "personal":
        return PERSONAL_TENANT
    return guid("tenant", account.email.lower().rpartition("@")[2])


def object_id(account: Account) -> str:
    """``oid``."""
    if account.kind == "personal":
        return "00000000-0000-0000-" + guid("object", account.sub)[19:]
    return guid("object", account.sub)


def user_id(account: Account) -> str:
    """The id of Graph's user: the ``oid``, of personal accounts its last sixteen digits."""
    if account.kind == "personal":
        return object_id(account)[19:].replace("-", "")
    return object_id(account)


def pairwise(account: Account, client_id: str) -> str:
    """``sub``: another one for each application."""
    digest = hashlib.sha256(f"{account.sub} {client_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def random_text(length: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(length)).decode().rstrip("=")[:length]


class Ids:
    """Makes the ids of one mailbox: default ones with 152 characters, immutable ones with 120."""

    def __init__(self) -> None:
        self.before: dict[str, str] = {}

    def make(self, form: str) -> str:
        """``form`` is "default", "immutable" or "calendar"."""
        start, length = {"default": ("AAMkAD", 152), "immutable": ("AAkALgAA", 120),
                         "calendar": ("AQMkAD", 120)}[form]
        twin = self.before.pop(form, "")
        if twin:
            return twin[:-2] + twin[-2].swapcase() + "="
        fresh = f"{start}{random_text(length - len(start) - 6)}-_Qx{secrets.choice('AEIMQUY')}="
        self.before[form] = fresh
        return fresh


def change_key(mailbox: str, rev: int) -> str:
    """The version of an event: base64 with ``+``, ``/`` and ``=``, as they come."""
    digest = hashlib.sha256(f"{mailbox} {rev}".encode()).digest()
    return base64.b64encode(digest[:18] + rev.to_bytes(4, "big")).decode()
