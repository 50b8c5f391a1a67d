"""POST /api/calendar/invite refuses what it should: the documented error, and nothing written."""

import json
import socket
import struct
import time

import pytest
from conftest import make_jwt
from flows import (ABSENT, FAILED, HOST, INVITE, calls, connect, events, failure, invite, rows,
                   wanted)
from stack import figures

REFUSAL_S = 1.0     # what a refusal may take
MISSING = "slot, title, and durationMinutes are required"


@pytest.fixture
def accepted():
    """Named by tests whose request is good: what they made is taken away behind them."""


@pytest.fixture(scope="module")
def host(stack):
    """The host's credentials, the calendar connected once for all tests of this file."""
    stack.schema.clean()
    stack.reset_sandbox()
    headers = credential(stack, HOST)
    connect(stack, headers)
    return headers


def credential(stack, sub, **claims):
    token = make_jwt(stack.settings["JWT_SECRET"],
                     {"sub": sub, "exp": int(time.time()) + 3600, **claims})
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(autouse=True)
def nothing_is_written(request, stack):
    """Whatever is refused leaves no row and never reaches the calendar."""
    yield
    if "accepted" not in request.fixturenames:
        assert rows(stack) == []
        assert calls(stack) == []
        return
    stack.sql("DELETE FROM calendar_event_mappings")
    for event in events(stack):
        stack.sandbox.delete_event("host@example.com", event["id"], purge=True)
    stack.sandbox.reset()


def post(stack, headers, body, kind="application/json"):
    sent = dict(headers, **({"Content-Type": kind} if kind is not None else {}))
    return stack.request("POST", INVITE, body=body, headers=sent)


def body_of(**changes):
    return json.dumps(wanted(**changes)).encode()


def with_text(raw):
    """A body whose title is these bytes between quotes."""
    return body_of(title="@").replace(b'"@"', b'"' + raw + b'"')


def check_malformed(answer):
    status, text, code = failure(answer)
    assert (status, code) == (400, "malformed_json")
    assert text and isinstance(answer.json["offset"], int)


def fields(answer):
    """The fields that an answer names."""
    status, _, code = failure(answer)
    assert (status, code) == (400, "invalid_fields")
    assert all(set(one) == {"field", "reason"} and one["reason"] for one in answer.json["fields"])
    return [one["field"] for one in answer.json["fields"]]


# --- the body as a whole ---

def test_a_body_over_64_kib_is_too_large(stack, host):
    assert failure(post(stack, host, body_of().ljust(65537)))[::2] == (413, "body_too_large")


@pytest.mark.usefixtures("accepted")
def test_a_body_of_64_kib_is_read(stack, host):
    assert post(stack, host, body_of().ljust(65536)).status == 200


@pytest.mark.parametrize("kind", [
    None, "", "text/json", "text/plain", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1", "application/jsonp", "application/json-patch+json",
    "application/json, text/plain"])
def test_a_body_of_another_type_is_refused(stack, host, kind):
    assert failure(post(stack, host, body_of(), kind))[::2] == (415, "unsupported_media_type")


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize("kind", ["application/json; charset=utf-8",
                                  'Application/JSON;charset="UTF-8"'])
def test_the_type_may_say_utf_8(stack, host, kind):
    assert post(stack, host, body_of(), kind).status == 200


GOOD = body_of()
DEEP = {"x": 0}
for _ in range(14):
    DEEP = {"x": DEEP}


@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"nonsense", GOOD[:-1], GOOD + b"}", GOOD + GOOD, GOOD + b" x",
    b"\xef\xbb\xbf" + GOOD, b"/* */" + GOOD, GOOD[:-1] + b", // x\n}", GOOD[:-1] + b",}",
    b"[" + GOOD + b"]", b"[]", b'"text"', b"7", b"null", b"true", GOOD.replace(b'"', b"'"),
    GOOD[:-1] + b', "x": NaN}', GOOD[:-1] + b', "x": 01}', GOOD[:-1] + b', "x": .5}',
    GOOD[:-1] + b', "x": +1}', GOOD[:-1] + b', "x": 0x10}', GOOD[:-1] + b', "x": "\x01"}',
    GOOD[:-1] + b',\x0b"x": 1}', GOOD[:-1] + b',\x0c"x": 1}', GOOD[:-1] + b', "x": "\\x41"}',
], ids=lambda body: repr(body[-24:]))
def test_what_is_no_json_object_is_malformed(stack, host, body):
    check_malformed(post(stack, host, body))


@pytest.mark.parametrize("body", [
    GOOD[:-1] + b', "title": "again"}', GOOD[:-1] + b', "ti\\u0074le": "again"}',
    GOOD[:-1] + b', "x": {"a": 1, "b": 2, "a": 1}}',
    GOOD[:-1] + b', "x": [{"a": {"b": 1, "b": 1}}]}'],
    ids=["at the top", "by an escape", "inside", "in an array"])
def test_a_member_given_twice_is_malformed(stack, host, body):
    check_malformed(post(stack, host, body))


@pytest.mark.parametrize("text", [
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xf4\x90\x80\x80",
    b"\xff", b"\xfe", b"\x80", b"\xc3", b"\xe2\x82", b"\\u0000", b"\\ud800", b"\\udc00",
    b"\\ud800\\u0041", b"\\ud800\\ud800", b"\\u12", b"\x00"], ids=repr)
def test_text_that_is_no_unicode_is_malformed(stack, host, text):
    check_malformed(post(stack, host, with_text(b"a" + text + b"b")))


@pytest.mark.parametrize("body", [
    b"[" * 60000, b'{"x":' * 10000, b'{"x":' + b"[" * 17 + b"]" * 17 + b"}",
    json.dumps({**wanted(), "x": {"x": DEEP}}).encode(),
    json.dumps({**wanted(), "x": [0] * 1000}).encode(),
    json.dumps({**wanted(), "x": {f"n{n}": 0 for n in range(201)}}).encode(),
    json.dumps({**wanted(), **{f"n{n}": 0 for n in range(198)}}).encode(),
    json.dumps({**wanted(), "n" * 65: 0}).encode(),
    json.dumps({**wanted(), "x": "t" * 32769}).encode(),
], ids=["60000 brackets", "10000 objects", "17 arrays", "17 deep", "1001 values",
        "201 members inside", "201 members", "a name of 65", "a text of 32769"])
def test_what_is_too_much_of_something_is_refused_at_once(stack, host, body):
    begun = time.monotonic()
    check_malformed(post(stack, host, body))
    assert time.monotonic() - begun < figures.BEYOND * REFUSAL_S


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize("extra", [
    DEEP["x"], [0] * 980, {f"n{n}": 0 for n in range(200)}, "t" * 32768],
    ids=["16 deep", "1000 values", "200 members", "a text of 32768"])
def test_what_is_just_not_too_much_is_read(stack, host, extra):
    assert post(stack, host, json.dumps({**wanted(), "x": extra}).encode()).status == 200


def test_malformed_json_says_where(stack, host):
    body = b'{"title": "x", "slot" "y"}'
    assert post(stack, host, body).json["offset"] in range(21, 24)


# --- fields ---

@pytest.mark.parametrize("nothing", [ABSENT, None, ""], ids=["absent", "null", "empty"])
@pytest.mark.parametrize("field", ["slot", "title", "durationMinutes"])
def test_a_required_field_that_is_missing_has_the_documented_answer(stack, host, field, nothing):
    answer = invite(stack, host, **{field: nothing})
    assert failure(answer) == (400, MISSING, "invalid_fields")
    assert field in fields(answer)


@pytest.mark.parametrize("minutes", ["45", 45.5, -1, 0, 10081, 10 ** 18, 10 ** 40, True, False,
                                     [45], {"value": 45}], ids=repr)
def test_a_length_is_a_whole_number_of_minutes_up_to_a_week(stack, host, minutes):
    assert fields(invite(stack, host, durationMinutes=minutes)) == ["durationMinutes"]


@pytest.mark.parametrize("number", [b"1e400", b"45.0", b"4.5e1", b"-0", b"1e1", b"9" * 20])
def test_a_length_is_not_rounded(stack, host, number):
    body = body_of(durationMinutes="@").replace(b'"@"', number)
    assert fields(post(stack, host, body)) == ["durationMinutes"]


@pytest.mark.parametrize("field, value", [
    ("title", 5), ("title", True), ("title", {"a": 1}), ("title", ["x"]),
    ("title", "t" * 1025), ("title", "t" * 9216), ("title", "a\nb"), ("title", "a\tb"),
    ("title", "a\x01b"), ("title", "a\x7fb"), ("title", "a\x85b"), ("title", "a\rb"),
    ("location", 5), ("location", "t" * 1025), ("location", "a\nb"), ("location", "\x1b[2J"),
    ("description", 5), ("description", ["x"]), ("description", "a\rb"), ("description", "a\x00b"),
    ("description", "a\x07b"), ("description", "a\x9bb"),
    ("hostId", 5), ("hostId", ""),
    ("timeZone", 5), ("timeZone", ""), ("timeZone", "Mars/Olympus"),
    ("timeZone", "../../etc/passwd"),
    ("timeZone", "/etc/passwd"), ("timeZone", "EST5EDT4"), ("timeZone", "UTC+1"),
    ("timeZone", "localtime"), ("timeZone", "posix/Europe/Berlin"), ("timeZone", "europe/berlin"),
    ("timeZone", "Europe/Berlin\n"), ("timeZone", "Europe"), ("timeZone", "+02:00"),
    ("timeZone", "A" * 5000),
    ("slot", 5), ("slot", ["2031-05-06T14:00:00Z"]), ("slot", {"dateTime": "x"}),
], ids=repr)
def test_a_field_of_another_form_is_named(stack, host, field, value):
    if isinstance(value, str) and "\x00" in value:
        check_malformed(invite(stack, host, **{field: value}))
    else:
        assert fields(invite(stack, host, **{field: value})) == [field]


@pytest.mark.parametrize("slot", [
    "tomorrow", "2031-05-06", "2031-05-06T14:00", "2031-05-06 14:00:00Z", "2031-05-06T14:00:00z",
    "2031-05-06t14:00:00Z", "2031-02-30T10:00:00Z", "2031-02-29T10:00:00Z", "2031-13-01T10:00:00Z",
    "2031-00-10T10:00:00Z", "2031-05-06T24:00:00Z", "2031-05-06T23:60:00Z", "2031-06-30T23:59:60Z",
    "2031-05-06T14:00:00+99:00", "2031-05-06T14:00:00+24:00", "2031-05-06T14:00:00+0200",
    "2031-05-06T14:00:00+02", "2031-05-06T14:00:00.Z", "2031-05-06T14:00:00.1234567890Z",
    "1999-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "+2031-05-06T14:00:00Z", "20310506T140000Z",
    "2031-W19-2T14:00:00Z", "2031-05-06T14:00:00Z ", " 2031-05-06T14:00:00Z",
    "2031-05-06T14:00:00Z\n", "1767225600", "2031-05-06T14:00:00\u0660Z",
    "2031-05-06T14:00:00" + "Z" * 30], ids=repr)
def test_a_slot_is_a_time_that_exists(stack, host, slot):
    assert fields(invite(stack, host, slot=slot)) == ["slot"]


def test_a_local_slot_needs_a_time_zone(stack, host):
    assert fields(invite(stack, host, slot="2031-05-06T14:00:00")) == ["slot"]


@pytest.mark.parametrize("slot, zone", [
    ("2031-03-09T02:30:00", "America/New_York"), ("2031-03-30T02:00:00", "Europe/Berlin"),
    ("2031-03-30T02:59:59.999", "Europe/Berlin"), ("2031-02-30T10:00:00", "Europe/Berlin"),
    ("2011-12-30T12:00:00", "Pacific/Apia")])
def test_a_local_slot_must_exist_in_its_zone(stack, host, slot, zone):
    assert fields(invite(stack, host, slot=slot, timeZone=zone)) == ["slot"]


@pytest.mark.parametrize("address", [
    "nobody", "@example.org", "ana@", "a@b@example.org", "a b@example.org", "a@b,c@d",
    "a@example.org,b@example.org", '"x"@example.org', "<a@example.org>", "Ana <a@example.org>",
    "a@b\r\nBcc: c@example.org", "a@example.org\n", "\ta@example.org", "a@example.org\x00",
    ".a@example.org", "a.@example.org", "a..b@example.org", "a@-example.org", "a@example..org",
    "a@[127.0.0.1]", "a(x)@example.org", "\u00e4@example.org", "a@ex\u00e4mple.org", "", " ",
    "a" * 65 + "@example.org", "a@" + "b" * 64 + ".org", "a@" + ".".join(["b" * 62] * 4) + ".x",
], ids=lambda address: repr(address[:30]))
def test_a_guest_is_one_address(stack, host, address):
    answer = invite(stack, host, inviteeEmails=["ana@example.org", address])
    if "\x00" in address:
        check_malformed(answer)
    else:
        assert fields(answer) == ["inviteeEmails[1]"]


@pytest.mark.parametrize("guests, named", [
    ("ana@example.org", "inviteeEmails"), ({"0": "ana@example.org"}, "inviteeEmails"),
    (5, "inviteeEmails"), ([5], "inviteeEmails[0]"), ([None], "inviteeEmails[0]"),
    ([["ana@example.org"]], "inviteeEmails[0]"),
    ([{"email": "ana@example.org"}], "inviteeEmails[0]"),
    ([f"guest{n}@example.org" for n in range(201)], "inviteeEmails"),
], ids=["text", "object", "number", "of numbers", "of null", "of lists", "of objects", "201"])
def test_guests_are_a_list_of_at_most_200_texts(stack, host, guests, named):
    assert fields(invite(stack, host, inviteeEmails=guests)) == [named]


def test_all_bad_fields_are_told_at_once(stack, host):
    answer = invite(stack, host, slot="yesterday", title=5, durationMinutes=0, location="a\nb",
                    inviteeEmails=["ana@example.org", "nobody", "milan@"], timeZone="Mars/Olympus")
    assert sorted(fields(answer)) == sorted([
        "slot", "title", "durationMinutes", "location", "timeZone", "inviteeEmails[1]",
        "inviteeEmails[2]"])


def test_a_bad_zone_is_not_blamed_on_the_slot(stack, host):
    answer = invite(stack, host, slot="2031-05-06T14:00:00", timeZone="Mars/Olympus")
    assert fields(answer) == ["timeZone"]


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a b", "a%00b", "a?b", "a#b", "caf\u00e9",
                                  "../x", "h" * 129, "a\nb", "nobody@evil.example", HOST + "/.."])
def test_a_host_that_cannot_be_is_not_there(stack, host, name):
    assert failure(invite(stack, credential(stack, "chief", role="admin"), hostId=name))[0] == 404


# --- around the body ---

def raw(stack, headers, *lines, body=None, method="POST"):
    """An invite with header lines exactly as they are given."""
    body = body_of() if body is None else body
    head = [f"{method} {INVITE} HTTP/1.1", "Host: localhost", "Connection: close",
            *(f"{name}: {value}" for name, value in headers.items()), *lines]
    return stack.public.raw("\r\n".join([*head, "", ""]).encode() + body)


JSON = "Content-Type: application/json"
LENGTH = f"Content-Length: {len(GOOD)}"


@pytest.mark.usefixtures("accepted")
def test_the_plain_request_of_these_tests_is_good(stack, host):
    assert raw(stack, host, JSON, LENGTH).status == 200


def test_an_idempotency_key_given_twice_is_refused(stack, host):
    answer = raw(stack, host, JSON, LENGTH, "Idempotency-Key: a", "Idempotency-Key: b")
    assert failure(answer)[::2] == (400, "bad_request")


def test_a_credential_given_twice_is_refused(stack, host):
    answer = raw(stack, host, JSON, LENGTH, f"Authorization: {host['Authorization']}")
    assert answer.status in (400, 401)


def test_two_lengths_are_refused(stack, host):
    assert raw(stack, host, JSON, LENGTH, "Transfer-Encoding: chunked").status == 400
    assert raw(stack, host, JSON, LENGTH, "Content-Length: 5").status == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "+10", "99999999999999999999"])
def test_a_length_that_is_no_number_is_refused(stack, host, length):
    assert raw(stack, host, JSON, f"Content-Length: {length}").status in (400, 413)


def test_a_header_of_64_kib_is_refused(stack, host):
    answer = raw(stack, host, JSON, LENGTH, "X-Long: " + "x" * 65536)
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")


@pytest.mark.usefixtures("accepted")
def test_a_method_in_a_header_or_the_query_is_ignored(stack, host):
    assert raw(stack, host, JSON, LENGTH, "X-HTTP-Method-Override: DELETE").status == 200
    answer = stack.request("POST", INVITE + "?_method=DELETE", data=wanted(title="Two"),
                           headers=host)
    assert answer.status == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO", "post"])
def test_a_method_that_is_no_method_is_refused(stack, host, method):
    answer = raw(stack, host, JSON, LENGTH, method=method)
    assert answer.status in (400, 405)
    if answer.status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("path", [
    INVITE + "/", "//api/calendar/invite", "/api//calendar/invite", "/api/calendar/invite/x",
    "/api/calendar/invite%00", "/api/calendar/Invite", "/api/calendar/invite;x",
    "/API/calendar/invite", "/api/calendar/invite%2f"])
def test_a_path_that_is_almost_ours_is_not(stack, host, path):
    assert stack.request("POST", path, data=wanted(), headers=host).status in (400, 404)


# --- straight to the application's socket, as nginx would never ask ---

RECORD = struct.Struct("!BBHHBx")


def straight(stack, body, **params):
    """One FastCGI request with these parameters; the whole answer as text."""
    def sized(text):
        return bytes([len(text)]) if len(text) < 128 else struct.pack("!I", len(text) | 1 << 31)
    params = {"REQUEST_METHOD": "POST", "REQUEST_URI": INVITE, "QUERY_STRING": "",
              "CONTENT_TYPE": "application/json", "REMOTE_ADDR": "127.0.0.1", "HTTPS": "on",
              "REQUEST_ID": "0" * 32, "SERVER_PROTOCOL": "HTTP/1.1", **params}
    pairs = b"".join(sized(name) + sized(value) + name + value for name, value in
                     ((name.encode(), value.encode()) for name, value in params.items()))
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(stack.fcgi_socket))
        for kind, content in ((1, b"\0\1\0\0\0\0\0\0"), (4, pairs), (4, b""), (5, body), (5, b"")):
            if content or kind != 1:
                connection.sendall(RECORD.pack(1, kind, 1, len(content), 0) + content)
            if kind == 5 and not content:
                break
        with connection.makefile("rb") as stream:
            while head := stream.read(RECORD.size):
                _, kind, _, length, padding = RECORD.unpack(head)
                content = stream.read(length + padding)[:length]
                answer += content if kind == 6 else b""
                if kind == 3:
                    break
    return answer.decode()


@pytest.mark.parametrize("length", ["10", "-1", "1e3", "0x10", " 10", "99999999999999999999",
                                    str(len(GOOD) - 1), str(len(GOOD) + 1)])
def test_a_body_is_as_long_as_was_said(stack, host, length):
    answer = straight(stack, GOOD, CONTENT_LENGTH=length,
                      HTTP_AUTHORIZATION=host["Authorization"])
    assert answer.startswith("Status: 4") and FAILED not in answer


@pytest.mark.usefixtures("accepted")
def test_the_straight_request_of_these_tests_is_good(stack, host):
    answer = straight(stack, GOOD, CONTENT_LENGTH=str(len(GOOD)),
                      HTTP_AUTHORIZATION=host["Authorization"])
    assert answer.startswith("Status: 200")


def test_the_ceiling_holds_without_nginx(stack, host):
    body = GOOD.ljust(65537)
    answer = straight(stack, body[:60000], CONTENT_LENGTH=str(len(body)),
                      HTTP_AUTHORIZATION=host["Authorization"])
    assert answer.startswith("Status: 413")


# --- the order of refusals ---

@pytest.mark.parametrize("path, method, body, headers, status", [
    ("/api/calendar/nothing", "PUT", b"x", {}, 404),
    (INVITE, "PUT", b"x", {}, 405),
    (INVITE, "POST", b"x" * 70000, {}, 413),
    (INVITE, "POST", b"nonsense", {"Content-Type": "text/plain"}, 401),
    (INVITE, "POST", b"nonsense",
     {"Content-Type": "text/plain", "Authorization": "Bearer x.y.z"}, 401),
])
def test_the_first_reason_to_refuse_is_told(
        stack, host, address, path, method, body, headers, status):
    answer = stack.request(method, path, body=body, headers=headers, source=address)
    assert answer.status == status
    assert (answer.count("WWW-Authenticate") == 1) == (status == 401)


def test_a_type_is_judged_before_what_stands_in_the_body(stack, host):
    assert post(stack, host, b"nonsense", "text/plain").status == 415
