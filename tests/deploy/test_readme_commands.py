"""Every command of the README is run, as it stands there, on a machine of its own.

Root follows "Deploying" from its first line to its last on a host with the system's MariaDB and
nginx; systemd itself starts the units. An ordinary user with sudo tries the two commands of
"Try it" in a fresh checkout, and the targets of make with as little to do as makes sense.
"""

import json
import re
import shlex

import pytest
from conftest import SOURCE
from stack.processes import wait_for

README = (SOURCE / "README.md").read_text(encoding="utf-8")
HOME, USER = "/home/readme", "readme"
CHECKOUT = f"{HOME}/calbridge"
NAME = "calendar.example.org"       # the site's, as the README has it
SITE = f"https://{NAME}"
KEYS = "/usr/local/etc/calbridge"

# Debian's mariadb-server has a service like this; mariadb-server-core, with which the tests do,
# has none.
MARIADB_UNIT = """[Service]
Type=notify
User=mysql
RuntimeDirectory=mysqld
ExecStart=mariadbd --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock
"""

# One unit test, built with whatever is asked for, says that a target works.
ONE_TEST = ('CALBRIDGE_CHECK=unit UNIT_TESTS=tests/unit/test_text UNIT_DB_TESTS= '
            'FUZZ_REPLAYS=tests/fuzz/replay_route')
SHORT = {"bench": "BENCHFLAGS='--quick --seconds 0.2'", "fuzz": "FUZZ_SECONDS=2",
         "check": ONE_TEST, "long-check": ONE_TEST + " LONG_FUZZ_RUNS=1000", "check-asan": ONE_TEST,
         "check-tsan": ONE_TEST}
# These two are what "Try it" and "Deploying" run.
ELSEWHERE = {"run", "install"}


def blocks(heading):
    """The blocks of code below a heading, each with its language."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.M | re.S).group(1)
    return re.findall(r"^```(\w+)\n(.*?)^```", section, re.M | re.S)


def prepare_host(room):
    """The system's MariaDB and nginx run, and nothing here is from an earlier installation."""
    room.run(f"""
id calbridge > /dev/null 2>&1 && userdel calbridge
id mysql > /dev/null 2>&1 || useradd --system mysql
rm -rf /var/lib/mysql {KEYS} /etc/nginx/sites-enabled/calbridge.conf
install -d -o mysql /var/lib/mysql
mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db \\
    --auth-root-authentication-method=socket
cat > /etc/systemd/system/mariadb.service
systemctl daemon-reload
systemctl start mariadb nginx
""", stdin=MARIADB_UNIT)


def put_certificate(room):
    """What the README leaves to the reader: the site's certificate."""
    room.run(f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             f"-subj /CN={NAME} -addext subjectAltName=DNS:{NAME} "
             f"-keyout {KEYS}/tls.key -out {KEYS}/tls.crt")


@pytest.fixture(scope="module")
def deployed(room):
    """The section "Deploying", followed; what each block printed."""
    prepare_host(room)
    room.check_out("/srv/calbridge")
    printed = []
    for language, block in blocks("Deploying"):
        if "nginx -t" in block:
            put_certificate(room)
        if language == "sql":
            printed.append(room.run("sudo mariadb", stdin=block))
        else:
            printed.append(room.run(block, folder="/srv/calbridge"))
    return printed


def ask(room, path, *words):
    """One request to the deployed site, over its name and certificate: status, body."""
    told = room.run(" ".join(["curl --silent --show-error",
                              f"--cacert {KEYS}/tls.crt --resolve {NAME}:443:127.0.0.1",
                              "--write-out '\\n%{http_code}'",
                              *map(shlex.quote, (*words, SITE + path))]))
    body, _, status = told.rpartition("\n")
    return int(status), json.loads(body)


def is_ready(room):
    return ask(room, "/readyz")[0] == 200


def printed_by(deployed, pattern):
    return re.search(pattern, "\n".join(deployed), re.M).group(1)


def test_every_block_of_commands_is_among_those_that_are_run():
    found = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
    run = [*blocks("Try it: two commands"), *blocks("Deploying")]
    assert {language for language, _ in run} == {"sh", "sql"}
    run += blocks("The endpoints")      # by tests/http/test_readme.py, beside a calendar
    assert [one for one in found if one not in run and one[0] != "js"] == []


def test_the_deployed_service_answers_through_the_systems_nginx(room, deployed):
    wait_for(lambda: is_ready(room), what="the service to answer")
    for unit in ("calbridge-fcgi", "calbridge-sync"):
        pid = room.run(f"systemctl show --value --property MainPID {unit}").strip()
        assert room.run(f"stat --format %U /proc/{pid}").strip() == "calbridge"
        assert room.run(f"systemctl is-enabled {unit}").strip() == "enabled"


def test_doctor_found_all_well_and_the_units_have_nothing_to_complain_about(room, deployed):
    assert any("all is well" in one for one in deployed)
    assert room.run("systemd-analyze verify --man=no calbridge-{fcgi,sync}.service") == ""


def test_the_link_that_was_printed_opens_a_session(room, deployed):
    token = printed_by(deployed, r"#sign-in=(\S+)$")
    status, body = ask(room, "/api/session", "-H", f"Origin: {SITE}", "--json",
                       json.dumps({"signInToken": token}))
    assert status in (200, 201) and "csrfToken" in body


def test_the_key_that_was_printed_lets_a_booking_site_in(room, deployed):
    key = printed_by(deployed, r"^(cbk_\S+)$")
    status, body = ask(room, "/api/calendar/invite", "-H", f"x-api-key: {key}", "--json",
                       json.dumps({"hostId": "coach-1", "slot": "2031-05-06T14:00:00Z",
                                   "title": "Call", "durationMinutes": 30}))
    assert (status, body["code"]) == (409, "no_connection")


def test_a_reload_and_a_restart_leave_the_service_answering(room, deployed):
    reload = re.search(r"`(sudo systemctl reload [^`]+)`", README).group(1)
    room.run(reload)
    assert is_ready(room)
    room.run(reload.replace("reload", "restart"))
    wait_for(lambda: is_ready(room), what="the service to answer again")


@pytest.fixture(scope="module")
def checkout(room):
    """A fresh checkout of an ordinary user who may become root by sudo."""
    room.run(f"useradd --create-home --home-dir {HOME} --shell /bin/bash {USER}\n"
             f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{USER}")
    room.check_out(CHECKOUT, USER)
    return CHECKOUT


def two_commands():
    return [block.strip() for _, block in blocks("Try it: two commands")]


def printed_until(process, pattern):
    """The lines that a command prints, up to the one that matches."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError("".join(lines[-60:]))


def test_run_shows_what_to_open_and_leaves_nothing_behind(room, checkout):
    command = two_commands()[0]
    for _ in range(2):
        with room.start(command, user=USER, folder=checkout) as process:
            lines = printed_until(process, r"^ *curl ")
            assert any("/dashboard/" in line for line in lines)
            assert any("#sign-in=" in line for line in lines)
            answer = room.run(f"{lines[-1].strip()} --silent --show-error", user=USER)
            assert json.loads(answer)["code"] == "no_connection"
            assert "calbridge has stopped" in room.interrupt(process)
        assert [one for one in room.processes(USER) if one] == []


def test_check_ends_with_its_totals(room, checkout):
    command = two_commands()[1]
    told = room.run(f"export MAKEFLAGS=\"$MAKEFLAGS -- {ONE_TEST}\"\n{command}", user=USER,
                    folder=checkout, timeout=300)
    assert re.search(r"^[1-9]\d* passed, 0 failed$", told, re.M), told


def test_the_targets_that_are_run_here_are_those_of_the_readme():
    assert set(re.findall(r"`make ([a-z-]+)`", README)) == set(SHORT) | ELSEWHERE


@pytest.mark.parametrize("target", SHORT)
def test_each_target_of_make_does_something_and_ends_well(room, checkout, target):
    told = room.run(f"mkdir -p build && cd build\n"
                    f"[ -f Makefile ] || {{ (cd .. && ./autogen.sh) && ../configure; }}\n"
                    f"make {target} {SHORT[target]}", user=USER, folder=checkout, timeout=300)
    assert told.strip()
