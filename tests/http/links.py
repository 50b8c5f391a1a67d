"""Connect links: where answers give them, and how the tests make good and bad ones themselves."""

import base64
import hmac
import re
import time
from urllib.parse import urlencode, urlsplit

from consent import Form
from flows import HOST, invite

DEFAULT_TENANT = bytes(15) + b"\1"
LINK = re.compile(r"/connect/[A-Za-z0-9_-]{1,128}")
OWNER, CONNECTION, EXTERNAL = 1, 2, 3


def link_of(stack, answer):
    """The path of an error answer's connectUrl."""
    url = answer.json["connectUrl"]
    assert url.startswith(stack.public.url + "/connect/")
    path = urlsplit(url).path
    assert LINK.fullmatch(path), path
    return path


def asked_for(stack, headers):
    """The link that an invite of somebody without a calendar is answered with."""
    answer = invite(stack, headers)
    assert (answer.status, answer.json["code"]) == (409, "no_connection"), answer.text
    return link_of(stack, answer)


def make(stack, who, *, kind=OWNER, tenant=DEFAULT_TENANT, left_s=3600, number=None, key=None):
    """A link as the service makes it, or nearly so; who is what stands behind the tenant."""
    ours, master, _ = stack.key_ring.read_text().split()
    number = int(ours) if number is None else number
    extracted = hmac.digest(bytes(32), key or base64.b64decode(master), "sha256")
    subkey = hmac.digest(extracted, b"calbridge/subkey/1/link\1", "sha256")
    raw = (bytes([kind]) + int(time.time() + left_s).to_bytes(4, "big") +
           number.to_bytes(4, "big") + tenant + who)
    mac = hmac.digest(subkey, b"calbridge/connect/1" + raw, "sha256")[:16]
    return "/connect/" + base64.urlsafe_b64encode(raw + mac).rstrip(b"=").decode()


def raw_of(link):
    """The bytes of a link."""
    text = link.rsplit("/", 1)[1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def owner_id(stack, external_id=HOST):
    row, = stack.sql("SELECT id FROM owners WHERE external_id = %s", (external_id,))
    return row["id"]


def press(browser, path, provider="google", **headers):
    """Presses a button of the page, unless the headers say otherwise (None: left out)."""
    sent = {"Origin": browser.stack.public.url,
            "Content-Type": "application/x-www-form-urlencoded", **headers}
    fields = {} if provider is None else {"provider": provider}
    return browser.request("POST", path, body=urlencode(fields).encode(), headers={
        name: value for name, value in sent.items() if value is not None})


def led_to(answer):
    """The provider's URL that the page behind the button leads to."""
    assert answer.status == 200, (answer.status, answer.text)
    wait, _, url = answer.headers["Refresh"].partition("; url=")
    assert wait == "0" and url in answer.text.replace("&amp;", "&")
    return url


def seen(answer):
    """A page that was shown: its text and the buttons on it."""
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return Form(answer)
