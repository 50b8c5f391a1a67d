"""Microsoft's identity platform as the sandbox imitates it: what is refused, granted, ended."""

import base64
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from .client import SandboxError
from .harness import BASE, CLIENT, FORM, SECRET, VERIFIER, signed_by
from .harness_microsoft import (APP, ASKED, BACK, COLLEAGUE, PERSONAL, WORK, MicrosoftClient,
                                aad_of, code_of)

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def callback(location: str) -> dict[str, str]:
    assert location.startswith(BACK + "&")
    return dict(parse_qsl(urlsplit(location).query))


def claims(token: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def decide(microsoft, account=WORK, decision="allow", **changes):
    return microsoft.sandbox.request("POST", microsoft.authorize_url(**changes), urlencode(
        {"account": account, "decision": decision}), FORM)


@pytest.mark.parametrize("changes, code", [
    ({"client_id": None}, 900144), ({"client_id": "unknown"}, 700016),
    ({"client_id": CLIENT}, 700016), ({"redirect_uri": None}, 900144),
    ({"redirect_uri": BACK + "/"}, 50011), ({"redirect_uri": BACK.upper()}, 50011),
    ({"redirect_uri": BACK.replace("https", "http")}, 50011),
    ({"response_type": None}, 900144), ({"response_type": "token"}, 9002313),
    ({"response_mode": "form_post"}, 9002313), ({"scope": None}, 900144),
    ({"scope": "openid Calendars.Write"}, 70011), ({"prompt": "force"}, 9002313),
    ({"prompt": "none consent"}, 9002313), ({"code_challenge": "short"}, 50147),
    ({"code_challenge": None}, 900144), ({"code_challenge_method": "S512"}, 9002313),
])
def test_a_bad_authorize_url_ends_on_microsofts_own_page(microsoft, changes, code):
    answer = microsoft.sandbox.request("GET", microsoft.authorize_url(**changes))
    assert answer.status == 400 and f'data-error="AADSTS{code}"' in answer.body.decode()
    assert "location" not in answer.headers
    with pytest.raises(SandboxError, match=f"AADSTS{code}"):
        microsoft.sandbox.approve(microsoft.authorize_url(**changes), WORK, provider="microsoft")


def test_a_tenant_that_is_not_there_has_no_page(microsoft):
    microsoft.tenant = "contoso"
    assert b"AADSTS90002" in microsoft.sandbox.request("GET", microsoft.authorize_url()).body


@pytest.mark.parametrize("tenant, offered", [
    ("common", {WORK, COLLEAGUE, PERSONAL}), ("organizations", {WORK, COLLEAGUE}),
    ("consumers", {PERSONAL}), (PERSONAL_TENANT, {PERSONAL})])
def test_a_tenants_path_takes_that_tenants_people(microsoft, tenant, offered):
    microsoft.tenant = tenant
    page = microsoft.sandbox.request("GET", microsoft.authorize_url()).body.decode()
    for account in (WORK, COLLEAGUE, PERSONAL):
        assert (f'value="{account}"' in page) == (account in offered)
        assert (decide(microsoft, account).status == 303) == (account in offered)


def test_the_consent_is_for_all_or_nothing(microsoft):
    page = microsoft.sandbox.request("GET", microsoft.authorize_url(login_hint=WORK))
    text = page.body.decode()
    assert f'value="{WORK}" required checked' in text and "checkbox" not in text
    for scope in ASKED.split():
        assert f'data-scope="{scope}"' in text
    back = callback(decide(microsoft).headers["location"])
    assert back["state"] == "st/+&" and back["from"] == "microsoft" and back["session_state"]
    assert 1000 < len(back["code"]) < 2048
    assert microsoft.exchange(back["code"]).status == 200


def test_a_denial_says_so_and_a_personal_account_says_more(microsoft):
    back = callback(decide(microsoft, WORK, "deny").headers["location"])
    assert (back["error"], back["state"]) == ("access_denied", "st/+&")
    assert back["error_description"] == "the user canceled the authentication"
    assert "error_subcode" not in back and "code" not in back
    back = callback(decide(microsoft, PERSONAL, "deny").headers["location"])
    assert back["error_subcode"] == "cancel"
    back = callback(microsoft.sandbox.approve(microsoft.authorize_url(), WORK, allow=False,
                                              provider="microsoft"))
    assert back["error"] == "access_denied"


def test_an_organisation_may_want_its_administrator(microsoft):
    microsoft.sandbox.settings(admin_consent=True)
    wall = decide(microsoft)
    assert wall.status == 200 and b'data-error="AADSTS90094"' in wall.body
    back = callback(microsoft.sandbox.approve(microsoft.authorize_url(), WORK,
                                              provider="microsoft"))
    assert back["error"] == "consent_required" and "code" not in back
    assert back["error_description"].startswith("AADSTS90094: ")
    assert decide(microsoft, PERSONAL).status == 303


def test_who_has_consented_before_is_past_the_wall(work):
    work.sandbox.settings(admin_consent=True)
    assert "code" in callback(decide(work).headers["location"])


def test_prompt_none_answers_without_a_page(microsoft):
    def ask(**changes):
        answer = microsoft.sandbox.request("GET", microsoft.authorize_url(**changes))
        return callback(answer.headers["location"])
    assert ask(prompt="none")["error"] == "login_required"
    assert ask(prompt="none", login_hint=WORK)["error"] == "interaction_required"
    microsoft.connect()
    assert "code" in ask(prompt="none", login_hint=WORK)
    assert "code" in ask(prompt=None, login_hint=WORK)
    page = microsoft.sandbox.request("GET", microsoft.authorize_url(login_hint=WORK))
    assert page.status == 200, "select_account shows the page whatever is known"


@pytest.mark.parametrize("changes, status, error, code", [
    ({"grant_type": None}, 400, "invalid_request", 900144),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"client_id": CLIENT}, 400, "unauthorized_client", 700016),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_secret": SECRET + "x"}, 401, "invalid_client", 7000215),
    ({"code": None}, 400, "invalid_request", 900144),
    ({"code": "0.AXounknown"}, 400, "invalid_grant", 70000),
    ({"redirect_uri": BACK + "x"}, 400, "invalid_request", 50011),
    ({"redirect_uri": None}, 400, "invalid_request", 50011),
    ({"code_verifier": None}, 400, "invalid_grant", 501481),
    ({"code_verifier": "w" * 43}, 400, "invalid_grant", 501481),
    ({"scope": ""}, 400, "invalid_scope", 28003),
    ({"scope": "Calendars.Write"}, 400, "invalid_scope", 70011),
    ({"scope": "https://graph.microsoft.com/User.Read https://vault.azure.net/x"}, 400,
     "invalid_request", 700022),
    ({"scope": "MailboxSettings.Read"}, 400, "invalid_grant", 65001),
])
def test_the_token_endpoint_refuses(microsoft, changes, status, error, code):
    form = {"code": microsoft.code(), **changes}
    assert aad_of(microsoft.exchange(**form)) == (status, error, code)
    assert microsoft.sandbox.grants("microsoft")["access"] == []


def test_an_error_has_microsofts_form(microsoft):
    body = microsoft.exchange("0.AXounknown").json()
    assert body["error_description"].count("\r\n") == 3
    for line in ("Trace ID: ", "Correlation ID: ", "Timestamp: "):
        assert f"\r\n{line}" in body["error_description"]
    assert body["error_uri"] == "https://login.microsoftonline.com/error?code=70000"
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)


@pytest.mark.parametrize("code, status, error, suberror", [
    (7000222, 401, "invalid_client", None), (7000215, 401, "invalid_client", None),
    (50011, 400, "invalid_request", None), (54005, 400, "invalid_grant", None),
    (70008, 400, "invalid_grant", None), (700082, 400, "invalid_grant", None),
    (65001, 400, "invalid_grant", "consent_required"), (50173, 400, "invalid_grant", "bad_token"),
    (50194, 400, "invalid_request", None), (50076, 400, "interaction_required", "basic_action"),
    (53003, 400, "interaction_required", "message_only"), (50196, 400, "invalid_request", None),
    (90033, 503, "temporarily_unavailable", None), (700084, 400, "invalid_grant", None),
])
def test_every_row_comes_by_switch(work, code, status, error, suberror):
    work.sandbox.fault("aadsts", match={"path": "/token$"}, code=code)
    answer = work.refresh()
    assert aad_of(answer) == (status, error, code)
    assert answer.json().get("suberror") == suberror
    assert ("claims" in answer.json()) == (error == "interaction_required")
    assert work.refresh().status == 200


@pytest.mark.parametrize("kind, status, error", [
    ("invalid_grant", 400, "invalid_grant"), ("invalid_client", 401, "invalid_client"),
    ("backendError", 503, "temporarily_unavailable")])
def test_the_faults_of_every_provider_come_in_microsofts_words(work, kind, status, error):
    work.sandbox.fault(kind, match={"path": "/token$"})
    assert aad_of(work.refresh())[:2] == (status, error)


@pytest.mark.parametrize("code, told", [(50011, False), (50194, False), (700016, False),
                                        (65004, True), (90094, True), (53003, True)])
def test_a_row_at_the_authorize_url_is_told_where_the_real_one_tells_it(microsoft, code, told):
    microsoft.sandbox.fault("aadsts", match={"path": "/authorize$"}, code=code)
    answer = microsoft.sandbox.request("GET", microsoft.authorize_url())
    if told:
        back = callback(answer.headers["location"])
        assert back["error_description"].startswith(f"AADSTS{code}: ")
        assert back["state"] == "st/+&"
    else:
        assert answer.status == 400 and f"AADSTS{code}" in answer.body.decode()


def test_a_code_is_good_once_at_its_own_tenant_and_for_ten_minutes(microsoft):
    code = microsoft.code()
    assert aad_of(microsoft.exchange(code, "organizations")) == (400, "invalid_grant", 700005)
    assert microsoft.exchange(code).status == 200
    assert aad_of(microsoft.exchange(code)) == (400, "invalid_grant", 54005)
    assert [one["kind"] for one in microsoft.sandbox.violations()] == ["code_used_twice"]
    late = microsoft.code()
    microsoft.sandbox.advance(601)
    assert aad_of(microsoft.exchange(late)) == (400, "invalid_grant", 70008)


def test_a_code_is_good_for_its_own_client_only(microsoft):
    microsoft.sandbox.add_client("second", "x", [BACK], provider="microsoft")
    answer = microsoft.exchange(microsoft.code(), client_id="second", client_secret="x")
    assert aad_of(answer) == (400, "invalid_grant", 70000)


def test_a_plain_challenge_works_and_is_noted(microsoft):
    code = microsoft.code(code_challenge=VERIFIER, code_challenge_method=None)
    assert microsoft.exchange(code).status == 200
    assert [one["kind"] for one in microsoft.sandbox.violations()] == ["plain_code_challenge"]


@pytest.mark.parametrize("body, headers", [
    ("grant_type=refresh_token", {"Content-Type": "application/json"}),
    ("grant_type=refresh_token&grant_type=refresh_token", FORM), ("novalue", FORM)])
def test_the_token_endpoint_reads_forms_only(microsoft, body, headers):
    path = "/microsoft/common/oauth2/v2.0/token"
    answer = microsoft.sandbox.request("POST", path, body, headers)
    assert aad_of(answer) == (400, "invalid_request", 9002313)
    assert microsoft.sandbox.request("GET", path).status == 405


def test_client_credentials_may_come_by_basic_but_not_twice(microsoft):
    def basic(secret):
        pair = urlencode({APP: secret}).replace("=", ":", 1)
        return "Basic " + base64.b64encode(pair.encode()).decode()
    form = {"grant_type": "authorization_code", "code": microsoft.code(), "redirect_uri": BACK,
            "code_verifier": VERIFIER}
    assert microsoft.post_form({**form, "client_secret": SECRET},
                               Authorization=basic(SECRET)).status == 400
    assert microsoft.post_form(form, Authorization=basic("x")).status == 401
    assert microsoft.post_form(form, Authorization="Basic !").status == 401
    assert microsoft.post_form(form, Authorization=basic(SECRET)).status == 200


def test_there_is_no_refresh_token_without_offline_access(microsoft):
    tokens = microsoft.connect(scope="openid Calendars.ReadWrite")
    assert "refresh_token" not in tokens
    assert microsoft.connect(prompt=None)["refresh_token"]


def test_the_token_answer_has_microsofts_form(microsoft):
    tokens = microsoft.connect()
    assert tokens["token_type"] == "Bearer" and "unannouncedMember" in tokens
    assert tokens["expires_in"] == tokens["ext_expires_in"] == 3599
    assert set(tokens["scope"].split()) == {"openid", "profile", "email", "Calendars.ReadWrite",
                                            "User.Read"}
    assert tokens["access_token"].startswith("ey") and tokens["access_token"].count(".") == 2
    assert len(tokens["access_token"]) >= 1500 and len(tokens["refresh_token"]) >= 1200
    tokens = microsoft.connect(PERSONAL)
    assert tokens["access_token"].startswith("EwB") and "." not in tokens["access_token"]
    assert set("!*$") & set(tokens["refresh_token"])


@pytest.mark.parametrize("settings, member, sent", [
    ({"expires_in_as": "text"}, "expires_in", "3599"),
    ({"access_token_seconds": 5400}, "expires_in", 5400),
    ({"expires_in_as": "value", "expires_in_value": 3599.9}, "expires_in", 3599.9),
    ({"expires_in_as": "omitted"}, "expires_in", None),
    ({"code_refresh_token": "withheld"}, "refresh_token", None),
    ({"code_refresh_token": "empty"}, "refresh_token", ""),
])
def test_the_token_answer_can_be_spoiled(microsoft, settings, member, sent):
    microsoft.sandbox.settings(**settings)
    assert microsoft.connect().get(member) == sent


@pytest.mark.parametrize("how, sent", [
    ("full", "https://graph.microsoft.com/Calendars.ReadWrite"),
    ("shouted", "HTTPS://GRAPH.MICROSOFT.COM/CALENDARS.READWRITE")])
def test_scopes_are_written_in_more_than_one_way(microsoft, how, sent):
    microsoft.sandbox.settings(scopes_as=how)
    assert sent in microsoft.connect(scope="offline_access https://graph.microsoft.com/"
                                           "calendars.readwrite")["scope"].split()
    assert microsoft.list().status == 200


def test_the_id_token_is_signed_and_names_the_tenant(microsoft):
    tokens = microsoft.connect(nonce="n1")
    keys = microsoft.sandbox.request("GET", "/microsoft/common/discovery/v2.0/keys").json()
    assert signed_by(tokens["id_token"], keys["keys"][0])
    found = claims(tokens["id_token"])
    assert (found["aud"], found["ver"], found["nonce"]) == (APP, "2.0", "n1")
    assert (found["email"], found["preferred_username"]) == (WORK, WORK)
    assert found["iss"] == f"{BASE}/microsoft/{found['tid']}/v2.0" != PERSONAL_TENANT
    person = microsoft.api("GET", "/me").json()
    assert person["id"] == found["oid"] != found["sub"]
    assert found["exp"] - found["iat"] == 3600 and found["nbf"] == found["iat"]
    other = claims(microsoft.connect(PERSONAL)["id_token"])
    short = microsoft.api("GET", "/me").json()["id"]
    assert len(short) == 16 and other["oid"].replace("-", "") == 16 * "0" + short
    assert other["tid"] == PERSONAL_TENANT and other["iss"].endswith(f"/{PERSONAL_TENANT}/v2.0")
    assert claims(microsoft.connect(COLLEAGUE)["id_token"])["tid"] == found["tid"]
    assert "id_token" not in microsoft.connect(scope="User.Read")
    assert "oid" not in claims(microsoft.connect(scope="openid User.Read")["id_token"])


def test_the_metadata_have_a_template_for_an_issuer(microsoft):
    found = microsoft.sandbox.request(
        "GET", "/microsoft/common/v2.0/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{BASE}/microsoft/{{tenantid}}/v2.0"
    assert found["token_endpoint"] == f"{BASE}/microsoft/common/oauth2/v2.0/token"


def test_refreshing_rotates_and_the_old_token_stays_alive(work):
    first = work.refresh_token
    tokens = work.refresh().json()
    assert tokens["refresh_token"] != first and tokens["access_token"] != work.token
    assert work.refresh(first).status == 200
    assert work.refresh(tokens["refresh_token"]).status == 200
    assert work.sandbox.violations() == []


def test_by_switch_the_old_token_dies_and_its_use_is_noticed(work):
    work.sandbox.settings(refresh_refresh_token="rotated")
    fresh = work.refresh().json()["refresh_token"]
    assert aad_of(work.refresh()) == (400, "invalid_grant", 70000)
    assert [one["kind"] for one in work.sandbox.violations()] == ["rotated_refresh_token_used"]
    assert work.refresh(fresh).status == 200


@pytest.mark.parametrize("how, sent", [("withheld", "absent"), ("empty", ""), ("null", None)])
def test_a_refresh_may_bring_no_new_token(work, how, sent):
    work.sandbox.settings(refresh_refresh_token=how)
    assert work.refresh().json().get("refresh_token", "absent") == sent
    work.sandbox.settings(refresh_refresh_token="same")
    assert work.refresh().json()["refresh_token"] == work.refresh_token


def test_a_refresh_may_ask_for_less_and_not_for_more(work):
    tokens = work.refresh(scope="User.Read offline_access").json()
    assert "Calendars.ReadWrite" not in tokens["scope"].split()
    work.token = tokens["access_token"]
    assert code_of(work.list()) == (403, "ErrorAccessDenied")
    assert aad_of(work.refresh(scope="MailboxSettings.Read")) == (400, "invalid_grant", 65001)


def test_a_refresh_token_is_bound_to_its_client_and_tenant(work):
    work.sandbox.add_client("second", "x", [BACK], provider="microsoft")
    assert aad_of(work.refresh(client_id="second", client_secret="x"))[2] == 70000
    assert aad_of(work.refresh(tenant="organizations"))[2] == 700005


def test_a_refresh_token_lives_ninety_days_counted_anew_by_each(work):
    work.sandbox.advance(89 * 86400)
    fresh = work.refresh().json()["refresh_token"]
    work.sandbox.advance(2 * 86400)
    assert aad_of(work.refresh()) == (400, "invalid_grant", 700082)
    assert work.refresh(fresh).status == 200


def test_a_consent_taken_back_ends_the_refresh_and_spares_the_access_token(work):
    assert work.sandbox.revoke_grant(WORK, APP, "microsoft") == 1
    assert aad_of(work.refresh()) == (400, "invalid_grant", 65001)
    assert work.list().status == 200
    assert work.sandbox.expire_access_tokens(WORK, "microsoft") == 1
    assert code_of(work.list()) == (401, "InvalidAuthenticationToken")
    work.connect()
    assert work.refresh().status == 200


def test_an_administrator_ends_the_sessions(work):
    other = MicrosoftClient(work.sandbox)
    other.connect(COLLEAGUE)
    assert work.sandbox.end_sessions(WORK) == 1
    assert aad_of(work.refresh()) == (400, "invalid_grant", 50173)
    assert other.refresh().status == 200


def test_the_providers_do_not_know_each_others_clients_and_tokens(work, google):
    google.connect()
    assert google.sandbox.request("GET", google.authorize_url(client_id=APP)).status == 401
    work.token = google.token
    assert work.list().status == 401
    assert google.refresh(work.refresh_token).status == 400
