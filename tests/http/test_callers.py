"""Who may call: API keys, user tokens, the demo host, guesses, and other tenants' owners.

What is asked is an invite of an owner without a calendar: 409 is the answer to somebody whose
credential was good.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
from conftest import base64url, make_jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flows import (CONNECT, HOST, INVITE, check_nothing, check_once, connect, events, failure,
                   invite, new_key, rows, wanted)

COACH = "coach-1"
_numbers = count()
CONNECTIONS = "/api/calendar-integration/connections/"
REFUSED = (401, "Valid credentials are required", "unauthorized")


def ask(stack, headers, address, **changes):
    return invite(stack, headers, source=address, **changes)


def check_unknown(answer):
    """401, with one text for all."""
    assert failure(answer) == REFUSED
    assert answer.count("WWW-Authenticate") == 1
    assert set(answer.json) == {"error", "code", "requestId"}


def check_known(answer):
    assert failure(answer)[::2] == (409, "no_connection"), answer.text


def raw_invite(stack, address, *lines):
    """An invite with these header lines, repetitions included."""
    body = json.dumps(wanted()).encode()
    head = [f"POST {INVITE} HTTP/1.1", "Host: localhost", "Connection: close",
            "Content-Type: application/json", f"Content-Length: {len(body)}", *lines, "", ""]
    return stack.public.raw("\r\n".join(head).encode() + body, source=address)


# --- API keys ---

@pytest.fixture
def key(clean, bearer):
    """A key of the default tenant, as text; the demo host is known and has no calendar."""
    clean.sql("INSERT INTO owners (id, tenant_id, external_id) "
              "SELECT UNHEX(MD5('host')), id, %s FROM tenants WHERE name = 'default'", (HOST,))
    return new_key(clean)["x-instructorops-key"]


@pytest.mark.parametrize("name", ["x-instructorops-key", "x-api-key", "X-Api-Key"])
def test_a_key_is_taken_from_either_header(stack, key, address, name):
    check_known(ask(stack, {name: key}, address))


def test_a_key_is_shown_once_and_kept_as_its_hash(stack, key):
    digest = hashlib.sha256(key.encode()).hexdigest().upper()
    row, = stack.sql("SELECT HEX(key_hash) AS hash, prefix, revoked_at FROM api_keys")
    assert (row["hash"], row["revoked_at"]) == (digest, None)
    assert key.startswith(row["prefix"]) and len(row["prefix"]) <= len(key) // 3
    assert key not in stack.cli("key", "list") and row["prefix"] in stack.cli("key", "list")
    for name in ("calbridge-fcgi", "access"):
        assert key not in json.dumps(stack.log_lines(name))


@pytest.mark.parametrize("change", [
    lambda key: "", lambda key: key[:-1], lambda key: key + "x", lambda key: key[:-1] + " x",
    lambda key: key[:-1] + chr(ord(key[-1]) ^ 1), lambda key: chr(ord(key[0]) ^ 1) + key[1:],
    lambda key: key.swapcase(), lambda key: "x" * 10240, lambda key: key + "x" * 10000,
    lambda key: f"Bearer {key}", lambda key: "' OR 1=1 -- "],
    ids=["empty", "short", "long", "spaced", "last bit", "first bit", "case", "10 kB",
         "with a tail", "bearer", "sql"])
def test_a_key_that_is_not_ours_is_unknown(stack, key, address, change):
    check_unknown(ask(stack, {"x-api-key": change(key)}, address))
    assert rows(stack) == []


@pytest.mark.parametrize("lines", [
    ("x-api-key: {0}", "x-api-key: {0}"), ("x-api-key: {0}", "x-api-key: x"),
    ("x-api-key: {0}", "x-instructorops-key: {0}"), ("x-instructorops-key: {0}",) * 2])
def test_two_keys_are_unknown(stack, key, address, lines):
    check_unknown(raw_invite(stack, address, *(line.format(key) for line in lines)))


@pytest.mark.parametrize("query", ["?x-api-key={}", "?api_key={}", "?key={}",
                                   "?x-instructorops-key={}"])
def test_a_key_in_the_query_is_not_looked_at(stack, key, address, query):
    check_unknown(stack.request("POST", INVITE + query.format(key), data=wanted(), source=address))


def test_a_revoked_key_is_unknown(stack, key, address):
    other = new_key(stack)
    row, = (line for line in stack.cli("key", "list").splitlines() if f" {key[:12]} " in line)
    stack.cli("key", "revoke", row.split()[0])
    check_unknown(ask(stack, {"x-api-key": key}, address))
    check_known(ask(stack, other, address))


def test_an_expired_key_is_unknown(stack, key, address):
    stack.sql("UPDATE api_keys SET expires_at = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
    check_known(ask(stack, {"x-api-key": key}, address))
    stack.sql("UPDATE api_keys SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")
    check_unknown(ask(stack, {"x-api-key": key}, address))


def test_two_keys_of_a_name_hold_at_a_time(stack, key, address):
    old, new = (new_key(stack, name="site")["x-instructorops-key"] for _ in range(2))
    assert old != new
    for one in (old, new, old):
        check_known(ask(stack, {"x-api-key": one}, address))
    third = stack.cli("key", "create", "--scope", "events", "--name", "site", check=False)
    assert (third.returncode, third.stdout) == (1, "")
    assert "2 keys of that name" in third.stderr
    stack.cli("key", "revoke", old[:12])
    check_unknown(ask(stack, {"x-api-key": old}, address))
    for one in (new_key(stack, name="site")["x-instructorops-key"], new, key):
        check_known(ask(stack, {"x-api-key": one}, address))


def test_the_last_use_of_a_key_is_exact_to_an_hour(stack, key, address):
    def used_s_ago():
        row, = stack.sql("SELECT TIMESTAMPDIFF(SECOND, last_used_at, UTC_TIMESTAMP(3)) AS s "
                         "FROM api_keys")
        return row["s"]
    assert used_s_ago() is None
    for before_s, after_s in ((0, 0), (3500, 3500), (3700, 0)):
        check_known(ask(stack, {"x-api-key": key}, address))
        stack.sql("UPDATE api_keys SET last_used_at = UTC_TIMESTAMP(3) - INTERVAL %s SECOND",
                  (before_s,))
        check_known(ask(stack, {"x-api-key": key}, address))
        assert after_s <= used_s_ago() < after_s + 60


@pytest.mark.parametrize("scope", ["connectors", "appointments"])
def test_a_key_without_the_scope_is_known_and_refused(stack, key, address, scope):
    answer = ask(stack, new_key(stack, scope=scope), address)
    assert failure(answer)[::2] == (403, "forbidden")


def test_the_first_use_of_a_key_is_noted_once(stack, key, address):
    for _ in range(3):
        ask(stack, {"x-api-key": key}, address)
    noted = stack.sql("SELECT address, result FROM audit_log WHERE action = 'key_first_use'")
    assert noted == [{"address": address, "result": "ok"}]


def test_a_key_may_not_stand_in_for_a_session(stack, key, address):
    answer = stack.request("GET", "/api/session", headers={"x-api-key": key}, source=address)
    assert answer.status in (401, 403)


def test_a_key_without_a_host_needs_one_where_there_is_no_demo_host(stack, key, address):
    stack.reconfigure(DEMO_HOST_ID=None)
    try:
        answer = ask(stack, {"x-api-key": key}, address)
        assert failure(answer)[::2] == (400, "invalid_fields")
        assert [one["field"] for one in answer.json["fields"]] == ["hostId"]
        check_unknown(ask(stack, {"Origin": stack.public.url}, address))
    finally:
        stack.reconfigure(DEMO_HOST_ID=HOST)


def test_the_key_in_the_settings_is_one_more_key_of_the_default_tenant(stack, key, address):
    secret = "a-long-secret-of-the-settings-file"
    check_unknown(ask(stack, {"x-api-key": secret}, address))
    stack.reconfigure(INSTRUCTOROPS_API_KEY=secret)
    try:
        check_known(ask(stack, {"x-api-key": secret}, address))
        check_known(ask(stack, {"x-api-key": key}, address))
        check_unknown(ask(stack, {"x-api-key": secret[:-1]}, address))
    finally:
        stack.reconfigure(INSTRUCTOROPS_API_KEY=None)


def test_a_key_may_ask_as_often_as_the_settings_say(stack, key, address):
    stack.reconfigure(RATE_KEY_PER_MIN="5")
    try:
        answers = [ask(stack, {"x-api-key": key}, address) for _ in range(8)]
        assert [answer.status for answer in answers] == [409] * 5 + [429] * 3
        assert failure(answers[-1])[2] == "rate_limited"
        assert int(answers[-1].headers["Retry-After"]) > 0
        check_known(ask(stack, new_key(stack), address))
    finally:
        stack.reconfigure(RATE_KEY_PER_MIN=None)


# --- other tenants ---

@pytest.fixture
def foreign(clean):
    """A key of another tenant, which has an owner of the name "theirs"."""
    clean.sql("INSERT INTO tenants (id, name) VALUES (UNHEX(MD5('tenant')), 'rival')")
    clean.sql("INSERT INTO owners (id, tenant_id, external_id) VALUES "
              "(UNHEX(MD5('theirs')), UNHEX(MD5('tenant')), 'theirs')")
    return new_key(clean, "rival")


def test_another_tenants_owner_is_as_one_who_is_made_up(stack, foreign, bearer, address):
    ours = new_key(stack)
    told = {failure(ask(stack, ours, address, hostId=name)) for name in ("theirs", "made-up")}
    assert len(told) == 1 and told.pop()[0] == 404
    check_known(ask(stack, foreign, address, hostId="theirs"))


def test_another_tenant_cannot_reach_our_owners(stack, foreign, bearer, address):
    connect(stack, bearer(HOST))
    for name in (HOST, "made-up"):
        assert failure(ask(stack, foreign, address, hostId=name))[::2] == (404, "not_found")
    assert failure(ask(stack, foreign, address))[0] == 400
    check_nothing(stack)


def test_two_tenants_owners_of_the_same_name_are_two(stack, foreign, bearer, address):
    connect(stack, bearer("theirs"), "theirs")
    check_known(ask(stack, foreign, address, hostId="theirs"))
    assert events(stack) == []
    check_once(stack, ask(stack, new_key(stack), address, hostId="theirs"))


def test_an_idempotency_key_of_another_tenant_means_nothing_here(stack, foreign, bearer, address):
    connect(stack, bearer("theirs"), "theirs")
    first = ask(stack, new_key(stack), address, hostId="theirs", key="a1")
    assert first.status == 200
    check_known(ask(stack, foreign, address, hostId="theirs", key="a1"))


@pytest.mark.parametrize("path", [CONNECTIONS, CONNECT])
def test_no_path_leads_to_another_tenants_owner(stack, foreign, bearer, address, path):
    connect(stack, bearer(HOST))
    admin = new_key(stack, "rival", "admin")
    headers = {**admin, "Accept": "application/json"}
    told = {failure(stack.request("GET", path + name, headers=headers, source=address))
            for name in (HOST, "made-up")}
    assert len(told) == 1 and told.pop()[0] == 404


# --- user tokens ---

def sign(secret, header, claims, digest=hashlib.sha256):
    """A token signed by HMAC with any hash."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), digest))}"


def claims_of(**changes):
    """Good claims, but for changes, of somebody at whom nobody has guessed yet."""
    now = int(time.time())
    claims = {"sub": f"{COACH}.{next(_numbers)}", "iat": now, "exp": now + 300, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def unsigned(token):
    return token.rpartition(".")[0] + "."


def loosened(token):
    """The same token with a bit set that its last letter does not need."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) + 1]


HS256 = {"alg": "HS256", "typ": "JWT"}
GOOD_TOKENS = {
    "plain": lambda s: make_jwt(s, claims_of()),
    "without typ": lambda s: make_jwt(s, claims_of(), {"alg": "HS256"}),
    "at+jwt": lambda s: make_jwt(s, claims_of(), {"alg": "HS256", "typ": "at+jwt"}),
    "with a kid": lambda s: make_jwt(s, claims_of(), {**HS256, "kid": "any"}),
    "iat a little ahead": lambda s: make_jwt(s, claims_of(iat=int(time.time()) + 30)),
    "nbf a little ahead": lambda s: make_jwt(s, claims_of(nbf=int(time.time()) + 30)),
    "other claims": lambda s: make_jwt(s, claims_of(**{"https://example.com/x": {"a": [1, None]}})),
    "a key that is pointed to is not followed": lambda s: make_jwt(
        s, claims_of(), {**HS256, "jku": "https://evil.example/", "x5u": "https://evil.example/",
                         "jwk": {"kty": "oct", "k": "AAAA"}, "x5c": ["AAAA"]}),
}
BAD_TOKENS = {
    "none": lambda s: make_jwt(s, claims_of(), {"alg": "none"}),
    "none without signature": lambda s: unsigned(make_jwt(s, claims_of(), {"alg": "none"})),
    "NoNe": lambda s: unsigned(make_jwt(s, claims_of(), {"alg": "NoNe"})),
    "hs256": lambda s: make_jwt(s, claims_of(), {"alg": "hs256"}),
    "HS512": lambda s: sign(s, {"alg": "HS512"}, claims_of(), hashlib.sha512),
    "HS384 called HS256": lambda s: sign(s, HS256, claims_of(), hashlib.sha384),
    "no alg": lambda s: make_jwt(s, claims_of(), {"typ": "JWT"}),
    "alg a list": lambda s: make_jwt(s, claims_of(), {"alg": ["HS256"]}),
    "alg twice": lambda s: make_jwt(s, claims_of(), b'{"alg":"HS256","alg":"HS256"}'),
    "sub twice": lambda s: make_jwt(
        s, json.dumps(claims_of()).encode()[:-1] + b', "sub": "coach-1"}'),
    "RS256 with the secret": lambda s: make_jwt(s, claims_of(), {"alg": "RS256"}),
    "empty signature": lambda s: unsigned(make_jwt(s, claims_of())),
    "short signature": lambda s: make_jwt(s, claims_of())[:-4],
    "another secret": lambda s: make_jwt(s[:-1] + "x", claims_of()),
    "another letter": lambda s: make_jwt(s, claims_of()).replace("eyJ", "eyK", 1),
    "padding": lambda s: make_jwt(s, claims_of()) + "=",
    "loose last letter": lambda s: loosened(make_jwt(s, claims_of())),
    "a space": lambda s: make_jwt(s, claims_of()) + " x",
    "2 parts": lambda s: make_jwt(s, claims_of()).rpartition(".")[0],
    "4 parts": lambda s: make_jwt(s, claims_of()) + ".x",
    "5 parts": lambda s: make_jwt(s, claims_of()) + ".x.x",
    "dots": lambda s: "..", "empty": lambda s: "", "nonsense": lambda s: "nonsense",
    "claims are no object": lambda s: make_jwt(s, b'["sub"]'),
    "claims are no JSON": lambda s: make_jwt(s, b"nonsense"),
    "no exp": lambda s: make_jwt(s, claims_of(exp=None)),
    "expired": lambda s: make_jwt(s, claims_of(exp=int(time.time()) - 1)),
    "exp now": lambda s: make_jwt(s, claims_of(exp=int(time.time()))),
    "exp as text": lambda s: make_jwt(s, claims_of(exp=str(int(time.time()) + 300))),
    "exp 1e99": lambda s: make_jwt(s, json.dumps(claims_of(exp=7)).replace(' 7', ' 1e99').encode()),
    "exp with a point": lambda s: make_jwt(s, claims_of(exp=time.time() + 300.5)),
    "exp beyond all years": lambda s: make_jwt(s, claims_of(exp=10 ** 30)),
    "exp negative": lambda s: make_jwt(s, claims_of(exp=-1)),
    "nbf ahead": lambda s: make_jwt(s, claims_of(nbf=int(time.time()) + 120)),
    "nbf as text": lambda s: make_jwt(s, claims_of(nbf="now")),
    "iat ahead": lambda s: make_jwt(s, claims_of(iat=int(time.time()) + 120)),
    "crit": lambda s: make_jwt(s, claims_of(), {**HS256, "crit": ["exp"]}),
    "b64": lambda s: make_jwt(s, claims_of(), {**HS256, "b64": False}),
    "another typ": lambda s: make_jwt(s, claims_of(), {"alg": "HS256", "typ": "JWE"}),
    "typ a number": lambda s: make_jwt(s, claims_of(), {"alg": "HS256", "typ": 5}),
    "no sub": lambda s: make_jwt(s, claims_of(sub=None)),
    "sub a number": lambda s: make_jwt(s, claims_of(sub=5)),
    "sub of 129": lambda s: make_jwt(s, claims_of(sub="s" * 129)),
    "sub with a space": lambda s: make_jwt(s, claims_of(sub="coach 1")),
    "sub with a slash": lambda s: make_jwt(s, claims_of(sub="../coach-1")),
    "9 kB": lambda s: make_jwt(s, claims_of(x="x" * 6500)),
}


@pytest.mark.parametrize("make", GOOD_TOKENS.values(), ids=GOOD_TOKENS)
def test_a_good_user_token_is_its_subject(stack, clean, address, make):
    token = make(stack.settings["JWT_SECRET"])
    check_known(ask(stack, {"Authorization": f"Bearer {token}"}, address))


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_user_token_is_nobody(stack, clean, address, make):
    token = make(stack.settings["JWT_SECRET"])
    check_unknown(ask(stack, {"Authorization": f"Bearer {token}"}, address))
    assert rows(stack) == []


@pytest.mark.parametrize("scheme, good", [("bearer ", True), ("BEARER ", True), ("Bearer", False),
                                          ("Bearer  ", False), ("Basic ", False), ("", False)])
def test_a_user_token_is_a_bearer(stack, clean, jwt, address, scheme, good):
    answer = ask(stack, {"Authorization": scheme + jwt(COACH)}, address)
    (check_known if good else check_unknown)(answer)


def test_a_token_given_twice_is_nobody(stack, clean, jwt, address):
    line = f"Authorization: Bearer {jwt(COACH)}"
    answer = raw_invite(stack, address, line, line)
    assert answer.status in (400, 401)


def test_an_issuer_and_an_audience_are_exact_where_they_are_set(stack, clean, jwt, address):
    stack.reconfigure(JWT_ISSUER="https://id.example.com", JWT_AUDIENCE="calbridge")
    try:
        good = {"iss": "https://id.example.com", "aud": "calbridge"}

        def asked(**claims):
            return ask(stack, {"Authorization": f"Bearer {jwt(COACH, **claims)}"}, address)
        check_known(asked(**good))
        check_known(asked(**{**good, "aud": ["other", "calbridge"]}))
        for bad in ({}, {"iss": good["iss"]}, {"aud": good["aud"]},
                    {**good, "iss": "https://id.example.com/"}, {**good, "iss": [good["iss"]]},
                    {**good, "aud": ["other"]}, {**good, "aud": "calbridge2"}, {**good, "aud": []},
                    {**good, "aud": {"calbridge": 1}}):
            check_unknown(asked(**bad))
    finally:
        stack.reconfigure(JWT_ISSUER=None, JWT_AUDIENCE=None)


def number(value, length=0):
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def signed_part(header, claims):
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims)).encode()


class Signer:
    """A key pair of one algorithm: its JWK, and tokens signed with it."""

    def __init__(self, algorithm, kid, bits=2048):
        self.algorithm, self.kid = algorithm, kid
        self.key = (rsa.generate_private_key(65537, bits) if algorithm == "RS256"
                    else ec.generate_private_key(ec.SECP256R1()))

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        about = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "RS256":
            return {**about, "kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        return {**about, "kty": "EC", "crv": "P-256", "x": number(numbers.x, 32),
                "y": number(numbers.y, 32)}

    def pem(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def der(self, text):
        """The signature as the algorithm has it outside of JOSE."""
        if self.algorithm == "RS256":
            return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(text, ec.ECDSA(hashes.SHA256()))

    def sign(self, text):
        if self.algorithm == "RS256":
            return self.der(text)
        return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(self.der(text)))

    def token(self, signature=None, **header):
        text = signed_part({"alg": self.algorithm, "kid": self.kid, **header}, claims_of())
        return f"{text.decode()}.{base64url(signature(text) if signature else self.sign(text))}"


@pytest.fixture(scope="class", params=["RS256", "ES256"])
def signers(request, stack):
    """The stack with public keys: two good ones, and bad ones beside them."""
    one, two, small = (Signer(request.param, "one"), Signer(request.param, "two"),
                       Signer("RS256", "small", 1024))
    one.other = Signer(request.param, "one")
    bad = [small.jwk(), {"kty": "oct", "kid": "oct", "k": base64url(b"x" * 32)},
           {**Signer("RS256", "e1").jwk(), "e": "AQ"},
           {**Signer("ES256", "off").jwk(), "y": number(1, 32)}, {"kty": "EC", "kid": "empty"}]
    path = stack.account.file(stack.folder / "jwks.json",
                              json.dumps({"keys": [*bad, one.jwk(), two.jwk()]}), 0o444)
    stack.schema.clean()
    stack.reconfigure(JWT_ALGORITHM=request.param, JWT_JWKS_FILE=str(path))
    yield one, two, small
    stack.reconfigure(JWT_ALGORITHM=None, JWT_JWKS_FILE=None)


N = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)


class TestPublicKeys:
    """Tokens of RS256 and ES256, checked with the keys of a file."""

    def ask(self, stack, address, token):
        return ask(stack, {"Authorization": f"Bearer {token}"}, address)

    def test_each_good_key_of_the_file_counts(self, stack, signers, address):
        for signer in signers[:2]:
            check_known(self.ask(stack, address, signer.token()))

    def test_a_key_of_the_wrong_kind_or_size_does_not(self, stack, signers, address):
        check_unknown(self.ask(stack, address, signers[2].token()))
        secret = base64.urlsafe_b64decode(base64url(b"x" * 32) + "=").decode()
        token = make_jwt(secret, claims_of(), {**HS256, "kid": "oct"})
        check_unknown(self.ask(stack, address, token))

    def test_an_unknown_kid_and_anothers_signature_do_not(self, stack, signers, address):
        check_unknown(self.ask(stack, address, signers[0].token(kid="nobody")))
        check_unknown(self.ask(stack, address, signers[0].other.token()))
        check_unknown(self.ask(stack, address, signers[1].token(kid="one")))

    def test_the_public_key_is_no_secret_of_hs256(self, stack, signers, address):
        for secret in (signers[0].pem(), signers[0].pem().strip(), json.dumps(signers[0].jwk())):
            check_unknown(self.ask(stack, address,
                                   make_jwt(secret, claims_of(), {**HS256, "kid": "one"})))
        check_unknown(self.ask(stack, address, make_jwt(stack.settings["JWT_SECRET"], claims_of())))

    def test_a_key_in_the_token_does_not_count(self, stack, signers, address):
        other = signers[0].other
        for header in ({"jwk": other.jwk()}, {"jku": "https://127.0.0.1/jwks"}, {"x5c": ["AAAA"]}):
            check_unknown(self.ask(stack, address, other.token(**header)))

    @pytest.mark.parametrize("signature", [
        lambda one: lambda text: b"", lambda one: lambda text: bytes(64),
        lambda one: lambda text: bytes(256), lambda one: lambda text: one.sign(text)[:-1],
        lambda one: lambda text: one.sign(text) + b"\0",
        lambda one: lambda text: b"\0" + one.sign(text),
        lambda one: lambda text: one.sign(text + b"x"),
        lambda one: lambda text: one.sign(text)[:32] + bytes(32),
        lambda one: lambda text: N.to_bytes(32, "big") + one.sign(text)[32:64],
        lambda one: lambda text: one.sign(text)[:32] + N.to_bytes(32, "big"),
        lambda one: lambda text: one.der(text) + b"\0" * (one.algorithm == "RS256"),
        lambda one: lambda text: b"\xff" * len(one.sign(text)),
    ], ids=["empty", "64 zeros", "256 zeros", "short", "long", "led by zero", "of another text",
            "s is 0", "r is n", "s is n", "DER", "all ones"])
    def test_a_signature_of_another_form_does_not(self, stack, signers, address, signature):
        check_unknown(self.ask(stack, address, signers[0].token(signature(signers[0]))))


class KeyServer(ThreadingHTTPServer):
    """Answers with one key set, and counts how often it was asked."""

    def __init__(self, *signers):
        self.status, self.asked = 200, 0
        self.body = json.dumps({"keys": [signer.jwk() for signer in signers]}).encode()
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked += 1
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *_):
            pass


@pytest.fixture
def key_server(stack, clean):
    """A signer, and the server that the stack asks for its key."""
    signer = Signer("ES256", "one")
    with KeyServer(signer) as server:
        stack.reconfigure(JWT_ALGORITHM="ES256", ALLOW_LOOPBACK_HTTP="1",
                          JWT_JWKS_URL=f"http://127.0.0.1:{server.server_port}/jwks.json")
        yield signer, server
        stack.reconfigure(JWT_ALGORITHM=None, ALLOW_LOOPBACK_HTTP=None, JWT_JWKS_URL=None)
        server.shutdown()


def test_of_a_thousand_unknown_keys_a_process_asks_for_one(stack, key_server, address):
    signer, server = key_server
    check_known(ask(stack, {"Authorization": f"Bearer {signer.token()}"}, address))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda n: ask(stack, {"Authorization": f"Bearer {signer.token(kid=f'k{n}')}"}, address),
            range(1000)))
    for answer in answers:
        check_unknown(answer)
    assert 1 <= server.asked <= len(stack.worker_pids())
    server.status = 500
    check_known(ask(stack, {"Authorization": f"Bearer {signer.token()}"}, address))


def test_while_no_key_has_come_no_user_token_is_judged(stack, key, key_server, address):
    signer, server = key_server
    server.status = 500
    for _ in range(20):
        answer = stack.request("GET", CONNECTIONS + COACH, source=address,
                               headers={"Authorization": f"Bearer {signer.token()}"})
        assert failure(answer)[::2] == (503, "keys_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert 1 <= server.asked <= len(stack.worker_pids())
    check_known(ask(stack, {"x-api-key": key}, address))


# --- the demo host ---

@pytest.fixture
def demo(clean, bearer):
    """The demo host's calendar is connected; the headers of our own page."""
    connect(clean, bearer(HOST))
    return {"Origin": clean.public.url}


def test_our_own_page_may_invite_to_the_demo_host(stack, demo, address):
    check_once(stack, ask(stack, demo, address))


def test_our_own_page_may_name_the_demo_host(stack, demo, address):
    check_once(stack, ask(stack, demo, address, hostId=HOST))


def test_a_referer_of_ours_is_as_good_as_an_origin(stack, demo, address):
    check_once(stack, ask(stack, {"Referer": f"{stack.public.url}/dashboard/"}, address))


@pytest.mark.parametrize("headers", [
    {}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": "{0}.evil.example"},
    {"Origin": "{0}@evil.example"}, {"Origin": "{0}/"}, {"Origin": "https://localhost"},
    {"Referer": "https://evil.example/?{0}/"}, {"Referer": "{0}.evil.example/"},
    {"Origin": "https://evil.example", "Referer": "{0}/dashboard/"},
    {"Host": "evil.example", "Origin": "https://evil.example"}], ids=repr)
def test_no_other_page_may_invite_without_a_credential(stack, demo, address, headers):
    sent = {name: value.format(stack.public.url) for name, value in headers.items()}
    check_unknown(ask(stack, sent, address))
    check_nothing(stack)


def test_a_listed_origin_may_invite_to_the_demo_host(stack, demo, address):
    stack.reconfigure(ALLOWED_ORIGINS="https://gatherly.example,https://other.example")
    try:
        answer = ask(stack, {"Origin": "https://gatherly.example"}, address)
        check_once(stack, answer)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://gatherly.example"
        for origin in ("http://gatherly.example", "https://gatherly.example.evil",
                       "https://evil-gatherly.example", "null"):
            answer = ask(stack, {"Origin": origin}, address)
            check_unknown(answer)
            assert answer.count("Access-Control-Allow-Origin") == 0
    finally:
        stack.reconfigure(ALLOWED_ORIGINS=None)


def test_no_other_host_is_open_without_a_credential(stack, demo, bearer, address):
    for name in ("coach-2", "nobody", HOST + "x", HOST[:-1], HOST.upper()):
        check_unknown(ask(stack, demo, address, hostId=name))
    check_nothing(stack)


def test_a_bad_credential_is_not_made_good_by_our_own_page(stack, demo, address):
    for bad in ({"x-api-key": "x"}, {"Authorization": "Bearer x.y.z"},
                {"Cookie": "__Host-cb_session=" + "A" * 43}):
        check_unknown(ask(stack, {**demo, **bad}, address))
    check_nothing(stack)


def test_without_a_credential_ten_guests_may_be_invited(stack, demo, address):
    guests = [f"guest{n}@example.org" for n in range(11)]
    refused = ask(stack, demo, address, inviteeEmails=guests)
    assert failure(refused)[::2] == (400, "invalid_fields")
    assert [one["field"] for one in refused.json["fields"]] == ["inviteeEmails"]
    check_nothing(stack)
    check_once(stack, ask(stack, demo, address, inviteeEmails=guests[:10]), guests=guests[:10])


def test_without_a_credential_an_address_may_invite_five_times_a_minute(stack, demo, address):
    answers = [ask(stack, demo, address, title=f"Chat {n}") for n in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert failure(answers[5])[::2] == (429, "rate_limited")
    assert 1 <= int(answers[5].headers["Retry-After"]) <= 120
    forged = {**demo, "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"}
    assert ask(stack, forged, address).status == 429
    assert ask(stack, demo, "127.250.0.1").status == 200
    assert len(events(stack)) == 6


def test_a_demo_host_without_a_calendar_says_so(stack, clean, address):
    check_known(ask(stack, {"Origin": stack.public.url}, address))


# --- guesses ---

def test_after_ten_wrong_credentials_an_address_is_not_listened_to(stack, clean, jwt, address):
    wrong = [{"x-api-key": f"guess-{n}"} for n in range(5)]
    wrong += [{"Authorization": f"Bearer guess.{n}.x"} for n in range(5)]
    for headers in wrong:
        check_unknown(ask(stack, headers, address))
    right = {"Authorization": f"Bearer {jwt(COACH)}"}
    answer = ask(stack, right, address)
    assert failure(answer)[::2] == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 1200
    check_known(ask(stack, right, "127.250.0.2"))
    assert stack.request("GET", "/healthz", source=address).status == 200


def test_a_right_credential_does_not_forgive_wrong_ones(stack, clean, jwt, address):
    right = {"Authorization": f"Bearer {jwt(COACH)}"}
    for n in range(10):
        check_known(ask(stack, right, address))
        check_unknown(ask(stack, {"x-api-key": f"guess-{n}"}, address))
    assert ask(stack, right, address).status == 429


def test_of_many_guesses_at_once_ten_are_heard(stack, clean, address):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(stack, {"x-api-key": f"guess-{n}"}, address).status,
                                range(300)))
    assert (answers.count(401), answers.count(429)) == (10, 290)


def test_a_request_without_any_credential_is_no_guess(stack, clean, jwt, address):
    for _ in range(15):
        check_unknown(ask(stack, {}, address))
    check_known(ask(stack, {"Authorization": f"Bearer {jwt(COACH)}"}, address))


def guesses(kind, key, token):
    """What 20 addresses show of one account, all of it wrong, and what is right."""
    if kind == "key":
        return [{"x-api-key": f"{key[:12]} guess {n}"} for n in range(20)], {"x-api-key": key}
    return ([{"Authorization": f"Bearer {token[:-20]}{n:020}"} for n in range(20)],
            {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("kind", ["key", "token"])
def test_guesses_at_one_account_from_many_addresses_count_together(stack, key, jwt, kind):
    number = 100 + ["key", "token"].index(kind)
    wrong, right = guesses(kind, key, jwt("guessed-at"))
    answers = [ask(stack, headers, f"127.{number}.0.{n + 1}") for n, headers in enumerate(wrong)]
    assert [answer.status for answer in answers] == [401] * 10 + [429] * 10
    for n in (0, 9, 10, 19):
        answer = ask(stack, right, f"127.{number}.0.{n + 1}")
        assert failure(answer)[::2] == (429, "rate_limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 1200
    for n in range(1, 12):
        check_known(ask(stack, right, f"127.{number}.1.{n}"))
    check_unknown(ask(stack, {"x-api-key": "another account"}, f"127.{number}.0.1"))


def test_wrong_credentials_at_different_addresses_lock_nobody_out(stack, clean, jwt):
    token = jwt("wronged")
    for n in range(1, 40):
        answer = ask(stack, {"Authorization": f"Bearer {token[:-3]}AAA"}, f"127.251.0.{n}")
        assert answer.status == (401 if n <= 10 else 429)
    check_known(ask(stack, {"Authorization": f"Bearer {token}"}, "127.251.1.1"))
