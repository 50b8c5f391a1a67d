"""Google's OAuth as the sandbox imitates it: what is refused, what is granted, what ends."""

import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from .client import SandboxError
from .harness import (CALENDAR_SCOPE, CALLBACK, CLIENT, FORM, HOST, OTHER, SECRET, VERIFIER,
                      GoogleClient, oauth_error, signed_by)


def callback(location: str) -> dict[str, str]:
    assert location.startswith(CALLBACK + "&")
    return dict(parse_qsl(urlsplit(location).query))


@pytest.mark.parametrize("changes, status, code", [
    ({"client_id": None}, 400, "invalid_request"),
    ({"client_id": "unknown"}, 401, "invalid_client"),
    ({"redirect_uri": None}, 400, "invalid_request"),
    ({"redirect_uri": CALLBACK + "/"}, 400, "redirect_uri_mismatch"),
    ({"redirect_uri": CALLBACK.replace("https", "http")}, 400, "redirect_uri_mismatch"),
    ({"redirect_uri": CALLBACK.upper()}, 400, "redirect_uri_mismatch"),
    ({"response_type": "token"}, 400, "invalid_request"),
    ({"response_type": None}, 400, "invalid_request"),
    ({"scope": None}, 400, "invalid_request"),
    ({"scope": "openid https://www.googleapis.com/auth/calender"}, 400, "invalid_scope"),
    ({"access_type": "Offline"}, 400, "invalid_request"),
    ({"prompt": "none consent"}, 400, "invalid_request"),
    ({"prompt": "force"}, 400, "invalid_request"),
    ({"code_challenge_method": "plain"}, 400, "invalid_request"),
    ({"code_challenge_method": None}, 400, "invalid_request"),
    ({"code_challenge": None}, 400, "invalid_request"),
    ({"code_challenge": VERIFIER + "="}, 400, "invalid_request"),
])
def test_a_bad_authorize_url_ends_on_googles_own_page(google, changes, status, code):
    answer = google.sandbox.request("GET", google.authorize_url(**changes))
    assert answer.status == status
    assert f'data-error="{code}"' in answer.body.decode()
    assert "location" not in answer.headers
    with pytest.raises(SandboxError, match=code):
        google.sandbox.approve(google.authorize_url(**changes), HOST)


def test_a_parameter_given_twice_is_refused(google):
    answer = google.sandbox.request("GET", google.authorize_url() + "&state=again")
    assert answer.status == 400 and "location" not in answer.headers


def test_a_missing_challenge_is_refused_where_pkce_is_required(google):
    url = google.authorize_url(code_challenge=None, code_challenge_method=None)
    assert google.sandbox.request("GET", url).status == 200
    google.sandbox.settings(require_pkce=True)
    assert google.sandbox.request("GET", url).status == 400


def test_the_consent_page_asks_and_the_form_answers(google):
    page = google.sandbox.request("GET", google.authorize_url(login_hint=OTHER))
    text = page.body.decode()
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert f'value="{OTHER}" required checked' in text
    assert f'value="{HOST}" required>' in text
    assert f'type="checkbox" name="scope" value="{CALENDAR_SCOPE}" checked' in text
    answer = google.sandbox.request(
        "POST", google.authorize_url(), urlencode(
            {"account": OTHER, "scope": CALENDAR_SCOPE, "decision": "allow"}), FORM)
    assert answer.status == 303
    back = callback(answer.headers["location"])
    assert back["state"] == "st/+&" and back["from"] == "google"
    assert google.exchange(back["code"]).status == 200


def test_an_empty_checkbox_grants_the_sign_in_scopes_alone(google):
    answer = google.sandbox.request("POST", google.authorize_url(), urlencode(
        {"account": HOST, "decision": "allow"}), FORM)
    tokens = google.exchange(callback(answer.headers["location"])["code"]).json()
    assert set(tokens["scope"].split()) == {
        "openid", "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile"}


def test_denial_comes_back_with_error_and_state(google):
    answer = google.sandbox.request("POST", google.authorize_url(), "decision=deny", FORM)
    back = callback(answer.headers["location"])
    assert (back["error"], back["state"]) == ("access_denied", "st/+&") and "code" not in back
    location = google.sandbox.approve(google.authorize_url(), HOST, allow=False)
    assert callback(location)["error"] == "access_denied"


def test_allowing_without_a_known_account_is_refused(google):
    for account in ("", "nobody@example.com"):
        answer = google.sandbox.request("POST", google.authorize_url(), urlencode(
            {"account": account, "decision": "allow"}), FORM)
        assert answer.status == 400 and "location" not in answer.headers


def test_prompt_none_answers_without_a_page(google):
    def ask(**changes):
        answer = google.sandbox.request("GET", google.authorize_url(prompt="none", **changes))
        return callback(answer.headers["location"])
    assert ask()["error"] == "login_required"
    assert ask(login_hint=HOST)["error"] == "interaction_required"
    google.connect()
    assert "code" in ask(login_hint=HOST)


def test_a_refresh_token_comes_only_offline_and_after_a_shown_consent(google):
    assert "refresh_token" not in google.connect(access_type="online")
    assert "refresh_token" not in google.connect(access_type=None)
    assert "refresh_token" not in google.connect(prompt=None)
    assert google.connect()["refresh_token"]
    assert google.connect(account=OTHER, prompt=None)["refresh_token"]


def test_a_known_consent_with_login_hint_is_not_asked_again(google):
    google.connect()
    answer = google.sandbox.request("GET", google.authorize_url(prompt=None, login_hint=HOST))
    assert "refresh_token" not in google.exchange(
        callback(answer.headers["location"])["code"]).json()


@pytest.mark.parametrize("changes, status, error, text", [
    ({"grant_type": None}, 400, "invalid_request", "Required parameter is missing: grant_type"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", "Invalid grant_type: password"),
    ({"client_id": None}, 400, "invalid_request", "Could not determine client ID from request."),
    ({"client_id": "unknown"}, 401, "invalid_client", "The OAuth client was not found."),
    ({"client_secret": None}, 400, "invalid_request", "client_secret is missing."),
    ({"client_secret": "wrong"}, 401, "invalid_client",
     "The provided client secret is invalid."),
    ({"code": None}, 400, "invalid_request", "Missing required parameter: code"),
    ({"code": "4/0Anonsense"}, 400, "invalid_grant", "Malformed auth code."),
    ({"code": "4/0A" + "x" * 40}, 400, "invalid_grant", "Bad Request"),
    ({"redirect_uri": None}, 400, "redirect_uri_mismatch", "Bad Request"),
    ({"redirect_uri": CALLBACK + "x"}, 400, "redirect_uri_mismatch", "Bad Request"),
    ({"code_verifier": None}, 400, "invalid_grant", "Missing code verifier."),
    ({"code_verifier": "w" * 43}, 400, "invalid_grant", "Invalid code verifier."),
    ({"code_verifier": "v" * 42}, 400, "invalid_grant", "Invalid code verifier."),
])
def test_the_token_endpoint_refuses(google, changes, status, error, text):
    form = {"code": google.code(), **changes}
    assert oauth_error(google.exchange(**form)) == (status, error, text)
    assert google.sandbox.grants()["access"] == []


def test_a_verifier_without_challenge_is_refused(google):
    code = google.code(code_challenge=None, code_challenge_method=None)
    assert oauth_error(google.exchange(code))[1] == "invalid_grant"
    assert google.exchange(code, code_verifier=None).status == 200


def test_a_code_decoded_or_encoded_twice_is_malformed(google):
    code = google.code()
    once = urlencode({"c": code})[2:]
    twice = parse_qs("c=" + code)["c"][0]
    assert twice != code
    for wrong in (once, twice):
        assert oauth_error(google.exchange(wrong))[2] == "Malformed auth code."
    assert google.exchange(code).status == 200


def test_a_code_is_good_once(google):
    code = google.code()
    assert google.exchange(code).status == 200
    assert oauth_error(google.exchange(code))[:2] == (400, "invalid_grant")
    assert [one["kind"] for one in google.sandbox.violations()] == ["code_used_twice"]


def test_a_code_is_good_for_ten_minutes(google):
    early, late = google.code(), google.code()
    google.sandbox.advance(590)
    assert google.exchange(early).status == 200
    google.sandbox.advance(11)
    assert oauth_error(google.exchange(late))[:2] == (400, "invalid_grant")


def test_a_code_is_good_for_its_own_client_only(google):
    google.sandbox.add_client("second.example", "x", [CALLBACK])
    answer = google.exchange(google.code(), client_id="second.example", client_secret="x")
    assert oauth_error(answer)[:2] == (400, "invalid_grant")


@pytest.mark.parametrize("body, headers", [
    ("grant_type=refresh_token", {"Content-Type": "application/json"}),
    ("grant_type=refresh_token", {}),
    ("grant_type=refresh_token&grant_type=refresh_token", FORM),
    ("novalue", FORM),
    ("", FORM),
])
def test_the_token_endpoint_reads_forms_only(google, body, headers):
    answer = google.sandbox.request("POST", "/google/token", body, headers)
    assert oauth_error(answer)[:2] == (400, "invalid_request")
    assert google.sandbox.request("GET", "/google/token").status == 405


def test_client_credentials_may_come_by_basic_but_not_twice(google):
    def basic(secret):
        pair = urlencode({CLIENT: secret}).replace("=", ":", 1)
        return "Basic " + base64.b64encode(pair.encode()).decode()
    code = google.code()
    plain = {"client_id": None, "client_secret": None}
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER}
    assert google.post_form("token", {**form, "client_secret": SECRET},
                            Authorization=basic(SECRET)).status == 400
    assert google.post_form("token", {**form, **plain}, Authorization=basic("x")).status == 401
    assert google.post_form("token", form, Authorization="Basic !").status == 401
    assert google.post_form("token", form, Authorization=basic(SECRET)).status == 200


def test_the_token_answer_has_googles_form(google):
    answer = google.exchange(google.code())
    tokens = answer.json()
    assert answer.body.startswith(b'{\n "access_token": "ya29.')
    assert answer.headers["transfer-encoding"] == "chunked"
    assert tokens["expires_in"] == 3599 and tokens["token_type"] == "Bearer"
    assert tokens["refresh_token"].startswith("1//0g")
    assert set(tokens["scope"].split()) > {"openid", CALENDAR_SCOPE}
    assert "email" not in tokens["scope"].split()
    assert "unannouncedMember" in tokens


def test_the_id_token_is_signed_for_the_client(google):
    def read(part):
        return json.loads(base64.urlsafe_b64decode(part + "=="))
    tokens = google.connect(nonce="n1")
    head, claims, _ = tokens["id_token"].split(".")
    key = google.sandbox.request("GET", "/google/oauth2/v3/certs").json()["keys"][0]
    assert read(head) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    assert signed_by(tokens["id_token"], key)
    found = read(claims)
    assert (found["aud"], found["email"], found["nonce"]) == (CLIENT, HOST, "n1")
    assert found["iss"] == "https://accounts.google.com" and found["exp"] - found["iat"] == 3600
    assert "id_token" not in google.connect(scope=CALENDAR_SCOPE)


def test_refreshing_keeps_the_refresh_token(host):
    for _ in range(2):
        tokens = host.refresh().json()
        assert "refresh_token" not in tokens and tokens["access_token"] != host.token
    assert host.sandbox.violations() == []


def test_a_refresh_token_is_bound_to_its_client(host):
    host.sandbox.add_client("second.example", "x", [CALLBACK])
    answer = host.refresh(client_id="second.example", client_secret="x")
    assert oauth_error(answer)[:2] == (400, "invalid_grant")
    assert oauth_error(host.refresh(client_secret="wrong"))[:2] == (401, "invalid_client")
    assert host.refresh().status == 200


def test_reuse_of_a_rotated_refresh_token_is_noticed(host):
    host.sandbox.settings(refresh_refresh_token="rotated")
    fresh = host.refresh().json()["refresh_token"]
    assert fresh != host.refresh_token
    assert oauth_error(host.refresh()) == (400, "invalid_grant",
                                           "Token has been expired or revoked.")
    assert host.sandbox.violations()[0]["kind"] == "rotated_refresh_token_used"
    assert host.refresh(fresh).status == 200


@pytest.mark.parametrize("how, sent", [("empty", ""), ("null", None)])
def test_refresh_tokens_can_be_spoiled(google, how, sent):
    google.sandbox.settings(code_refresh_token=how, refresh_refresh_token=how)
    assert google.connect()["refresh_token"] == sent
    google.sandbox.settings(code_refresh_token="sent")
    google.connect()
    assert google.refresh().json()["refresh_token"] == sent


def test_the_refresh_token_can_be_withheld(google):
    google.sandbox.settings(code_refresh_token="withheld")
    assert "refresh_token" not in google.connect()


@pytest.mark.parametrize("settings, sent", [
    ({"expires_in_as": "text"}, "3599"),
    ({"access_token_seconds": 5}, 5),
    ({"expires_in_as": "value", "expires_in_value": 3599.9}, 3599.9),
    ({"expires_in_as": "value", "expires_in_value": -1}, -1),
])
def test_expires_in_can_be_spoiled(google, settings, sent):
    google.sandbox.settings(**settings)
    assert google.connect()["expires_in"] == sent
    google.sandbox.settings(expires_in_as="omitted")
    assert "expires_in" not in google.refresh().json()


def test_scopes_can_be_withheld(google):
    google.sandbox.settings(withheld_scopes=[CALENDAR_SCOPE])
    assert CALENDAR_SCOPE not in google.connect()["scope"].split()
    assert google.list().status == 403
    google.sandbox.settings(withheld_scopes=[], refresh_withheld_scopes=[CALENDAR_SCOPE])
    google.connect()
    assert CALENDAR_SCOPE not in google.refresh().json()["scope"].split()


def test_include_granted_scopes_covers_earlier_grants(google):
    google.connect()
    small = google.connect(scope="openid")
    assert small["scope"] == "openid"
    assert CALENDAR_SCOPE in google.connect(scope="openid", include_granted_scopes="true")["scope"]


def test_a_time_limited_grant_says_so_and_ends(google):
    google.sandbox.settings(refresh_token_seconds=604800)
    assert google.connect()["refresh_token_expires_in"] == 604800
    google.sandbox.advance(604801)
    assert oauth_error(google.refresh())[:2] == (400, "invalid_grant")


def test_the_oldest_of_a_hundred_refresh_tokens_dies(google):
    google.connect()
    first = google.refresh_token
    for _ in range(99):
        google.connect()
    assert google.refresh(first).status == 200
    google.connect()
    assert google.refresh(first).status == 400 and google.refresh().status == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_grant_for_the_project(google, which):
    google.sandbox.add_client("second.example", "x", [CALLBACK], project=CLIENT)
    tokens = google.connect()
    other = GoogleClient(google.sandbox)
    other.connect(OTHER)
    code = google.sandbox.approve_code(google.authorize_url(client_id="second.example"), HOST)
    second = google.exchange(code, client_id="second.example", client_secret="x").json()
    assert google.post_form("revoke", {"token": tokens[which]}).status == 200
    assert google.list().status == 401 and google.refresh().status == 400
    assert google.refresh(second["refresh_token"], client_id="second.example",
                          client_secret="x").status == 400
    assert other.list().status == 200 and other.refresh().status == 200
    assert oauth_error(google.post_form("revoke", {"token": tokens[which]}))[:2] \
        == (400, "invalid_token")
    assert google.connect(prompt=None)["refresh_token"]


def test_a_person_can_revoke_by_hand_and_tokens_expire_on_request(host):
    assert host.sandbox.expire_access_tokens(HOST) == 1
    assert host.list().status == 401
    host.token = host.refresh().json()["access_token"]
    assert host.list().status == 200
    host.sandbox.advance(3600)
    assert host.list().status == 401
    assert host.sandbox.revoke_grant(HOST, CLIENT) == 1
    assert oauth_error(host.refresh()) == (400, "invalid_grant",
                                           "Token has been expired or revoked.")


def test_userinfo_tells_what_the_scopes_open(google):
    def userinfo(path="oauth2/v2/userinfo"):
        return google.sandbox.request("GET", f"/google/{path}",
                                      headers={"Authorization": f"Bearer {google.token}"})
    google.connect()
    known = userinfo().json()
    assert (known["email"], known["verified_email"], known["name"]) == (HOST, True, "Host")
    assert known["id"].isdigit() and userinfo("v1/userinfo").json()["sub"] == known["id"]
    google.connect(scope="openid")
    assert set(userinfo().json()) == {"id", "unannouncedMember"}
    google.connect(scope=CALENDAR_SCOPE)
    assert userinfo().status == 403
    google.token = "dead"
    assert userinfo().status == 401


def test_tokeninfo_knows_live_tokens_only(host):
    known = host.post_form("tokeninfo", {"access_token": host.token}).json()
    assert (known["aud"], known["email"], known["access_type"]) == (CLIENT, HOST, "offline")
    host.sandbox.expire_access_tokens()
    assert oauth_error(host.post_form("tokeninfo", {"access_token": host.token}))[:2] \
        == (400, "invalid_token")


def test_the_callback_can_bring_more_parameters(google):
    google.sandbox.settings(callback_extra={"iss": "https://accounts.google.com"})
    assert "iss=https%3A%2F%2Faccounts.google.com" in google.sandbox.approve(
        google.authorize_url(), HOST)
