"""The site: TLS, the redirect from plain HTTP, the dashboard's files, the limits."""

import re
import secrets
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from stack.fastcgi import FastCgiStub
from stack.nginx import fill
from stack.processes import remove_folder, temporary_folder
from stack.stack import SOURCE

from conftest import BUILD, running

LIMITED = {"RATE": 20, "BURST": 40, "CONNECTIONS": 100}
# Clients of any address, for a machine that has but those of 127.0.0.0/8.
FROM_ANYWHERE = "set_real_ip_from 127.0.0.1; real_ip_header X-Client;"


@pytest.fixture(scope="module")
def limited():
    """A site with the documented limits and a dashboard of our own: it is nginx that is tested."""
    root = temporary_folder(BUILD / f"html-{secrets.token_hex(6)}")
    (root / "dashboard" / "empty").mkdir(parents=True)
    (root / "dashboard" / "index.html").write_text("<!doctype html><title>x</title>" + " " * 600)
    (root / "dashboard" / "main.js").write_text("export const words = 1;\n" * 100)
    (root / "secret.txt").write_text("not below the dashboard")
    yield from running(parts=("nginx",), site={"HTML": root, **LIMITED})
    remove_folder(root)


@pytest.fixture(scope="module")
def narrow():
    """A site that hears of each client two requests in a row and one at a time."""
    yield from running(parts=("nginx",), site={"RATE": 1, "BURST": 1, "CONNECTIONS": 1,
                                               "HSTS": FROM_ANYWHERE})


def handshake(front, **options):
    context = ssl.create_default_context(cafile=front.authority.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in options.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", front.public.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return connection.version(), connection.cipher()[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_tls_1_1_is_refused_and_1_2_and_1_3_are_spoken(front):
    with pytest.raises(ssl.SSLError):
        handshake(front, maximum_version=ssl.TLSVersion.TLSv1_1)
    version, cipher = handshake(front, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2" and cipher.startswith("ECDHE-")
    assert handshake(front, minimum_version=ssl.TLSVersion.TLSv1_3)[0] == "TLSv1.3"


def test_a_client_that_does_not_know_the_authority_refuses_the_site(front):
    done = subprocess.run(["curl", "-sS", front.public.url], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 60


def test_http2_is_spoken(front):
    context = ssl.create_default_context(cafile=front.authority.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", front.public.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            assert connection.selected_alpn_protocol() == "h2"


def test_plain_http_leads_readers_to_the_public_url_whatever_their_host(front):
    for method in ("GET", "HEAD"):
        answer = front.plain.request(method, "/dashboard/?a=%20b", headers={"Host": "evil.example"})
        assert answer.status == 301
        assert answer.headers["Location"] == f"{front.public.url}/dashboard/?a=%20b"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_plain_http_refuses_what_would_write(front, method):
    answer = front.plain.request(method, "/api/connectors/x", body=b"{}")
    assert (answer.status, answer.json["code"]) == (403, "https_required")
    assert answer.json["success"] is False
    assert "Location" not in answer.headers


def test_the_production_site_alone_binds_browsers_to_https_for_a_year(front):
    rules = (SOURCE / "nginx" / "nginx.mk").read_text()
    assert re.search(r"Strict-Transport-Security\D*max-age=31536000\b.*always", rules)
    assert "Strict-Transport-Security" not in (front.nginx.folder / "site.conf").read_text()
    assert front.request("GET", "/nope").count("Strict-Transport-Security") == 0


def test_all_that_the_private_site_changes_are_values_of_the_production_template(front):
    template = SOURCE / "nginx" / "calbridge.conf.in"
    names = set(re.findall(r"@([A-Z_]+)@", template.read_text()))
    in_production = set(re.findall(r"@([A-Z_]+)@", (SOURCE / "nginx" / "nginx.mk").read_text()))
    assert names == in_production
    assert "@" not in re.sub(r"#.*", "", fill(template, dict.fromkeys(names, "x"))).replace(
        "@calbridge_error", "")


def test_the_root_and_the_bare_name_lead_to_the_dashboard(front):
    assert front.request("GET", "/").headers["Location"] == "/dashboard/"
    assert front.request("GET", "/dashboard").headers["Location"] == "/dashboard/"


def test_the_dashboards_files_are_revalidated_each_time(limited):
    answer = limited.request("GET", "/dashboard/main.js")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers.get_all("Cache-Control") == ["no-cache"]
    again = limited.request("GET", "/dashboard/main.js",
                            headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    # a browser puts these in place of those that it kept with a page
    assert "script-src 'self'" in again.headers["Content-Security-Policy"]
    assert again.headers.get_all("Cache-Control") == ["no-cache"]
    assert again.headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_the_dashboard_is_compressed_and_the_api_never_is(limited):
    page = limited.request("GET", "/dashboard/", headers={"Accept-Encoding": "gzip"})
    assert (page.headers["Content-Encoding"], page.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    with FastCgiStub(limited.fcgi_socket, limited.account, lambda _: (
            b"Content-Type: application/json\r\n\r\n" + b" " * 5000)):
        answer = limited.request("GET", "/api/x", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers and len(answer.body) == 5000


@pytest.mark.parametrize("path", ["/dashboard/empty/", "/dashboard/none", "/secret.txt",
                                  "/dashboard/../secret.txt", "/dashboard/%2e%2e%2fsecret.txt"])
def test_nothing_but_the_dashboards_files_is_served(limited, path):
    answer = limited.public.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\n\r\n".encode())
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_dashboard_is_only_read(limited):
    answer = limited.request("POST", "/dashboard/index.html", body=b"{}")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.headers["Cache-Control"] == "no-store"


def test_one_address_gets_a_burst_and_then_429_while_others_go_on(limited, address):
    with FastCgiStub(limited.fcgi_socket, limited.account):
        answers = [limited.request("GET", "/api/cal/x", source=address,
                                   headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(200)]
        other = limited.request("GET", "/api/cal/x", source="127.99.0.1")
    statuses = [answer.status for answer in answers]
    refused = next(answer for answer in answers if answer.status == 429)
    assert set(statuses) == {200, 429} and statuses[:41] == [200] * 41
    assert refused.json["code"] == "rate_limited" and refused.json["success"] is False
    assert refused.headers.get_all("Retry-After") == ["1"]
    assert other.status == 200


def ask_from(stack, client):
    return stack.request("GET", "/api/cal/x", headers={"X-Client": client}).status


@pytest.mark.parametrize("neighbours, stranger", [
    ([f"2001:db8:0:a0a::{n:x}" for n in range(20)], "2001:db8:0:a0b::1"),
    ([f"2001:db8:a:1:{n:x}:ffff:ff0a:a" for n in range(20)], "2001:db8:a:2:1:ffff:ff0a:a"),
    ([f"::{n:x}" for n in range(1, 21)], "0:0:0:1::1"),
], ids=["ends differ", "all but the network differs", "zeros"])
def test_of_ipv6_a_network_of_64_bits_is_one_client(narrow, neighbours, stranger):
    with FastCgiStub(narrow.fcgi_socket, narrow.account):
        statuses = [ask_from(narrow, client) for client in neighbours]
        assert ask_from(narrow, stranger) == 200
    assert statuses[:2] == [200, 200] and 429 in statuses


@pytest.mark.parametrize("form", ["10.1.2.{}", "::ffff:10.1.3.{}"])
def test_of_ipv4_each_address_is_a_client(narrow, form):
    with FastCgiStub(narrow.fcgi_socket, narrow.account):
        assert {ask_from(narrow, form.format(n)) for n in range(20)} == {200}
        assert 429 in {ask_from(narrow, form.format(99)) for _ in range(20)}


def test_requests_in_progress_are_counted_for_the_network_too(narrow):
    at_work, go_on = threading.Event(), threading.Event()

    def answer(_):
        at_work.set()
        go_on.wait(10)
        return b"Content-Type: application/json\r\n\r\n{}"

    with FastCgiStub(narrow.fcgi_socket, narrow.account, answer), ThreadPoolExecutor() as pool:
        first = pool.submit(ask_from, narrow, "2001:db8:c:1::1")
        assert at_work.wait(10)
        second = ask_from(narrow, "2001:db8:c:1::2")
        other = pool.submit(ask_from, narrow, "2001:db8:c:2::1")
        go_on.set()
        assert (first.result(), second, other.result()) == (200, 429, 200)


def test_the_dashboards_files_do_not_count(limited, address):
    statuses = {limited.request("GET", "/dashboard/main.js", source=address).status
                for _ in range(100)}
    assert statuses == {200}


def test_limits_stand_as_documented_where_nothing_else_is_said():
    rules = (SOURCE / "nginx" / "nginx.mk").read_text()
    assert "s|@RATE@|20|" in rules and "s|@BURST@|40|" in rules and "s|@READ_TIMEOUT@|40s|" in rules
