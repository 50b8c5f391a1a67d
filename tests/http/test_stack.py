"""The private stack keeps its promises: nothing is left behind, data stays, faults arrive."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pymysql
import pytest
from stack.guard import session_members, start_tick, stat_fields
from stack.processes import remove_folder, temporary_folder, wait_for
from stack.stack import SOURCE, Stack, temporary_stack

from conftest import BUILD, running

# A process that starts a stack, says where and with which processes, and waits.
OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from stack.stack import temporary_stack
stack = temporary_stack(sys.argv[2], parts=("mariadb", "nginx"))
with stack:
    print(stack.folder, stack.mariadb.service.pid, stack.nginx.service.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def database():
    """MariaDB alone, with a schema and its users."""
    for stack in running(parts=("mariadb",)):
        for table in ("tenants", "audit_log", "schema_migrations"):
            stack.sql(f"CREATE TABLE {table} (id INT PRIMARY KEY, word VARCHAR(20))")
        stack.sql("INSERT INTO tenants VALUES (1, 'default')")
        stack.schema.grant("calbridge")
        yield stack


@pytest.fixture
def run_user(database):
    with database.mariadb.connect(user="calbridge", database="calbridge",
                                  password=database.settings["DATABASE_PASSWORD"]) as connection:
        yield connection.cursor()


def test_a_stack_whose_owner_is_killed_leaves_neither_process_nor_file():
    owner = subprocess.Popen([sys.executable, "-B", "-c", OWNER, str(SOURCE / "tests"), str(BUILD)],
                             stdout=subprocess.PIPE, text=True)
    folder, *pids = owner.stdout.readline().split()
    started = [(int(pid), start_tick(pid)) for pid in pids]
    assert all(session_members(*one) for one in started)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    wait_for(lambda: not any(session_members(*one) for one in started), 15, "the end of all")
    wait_for(lambda: not Path(folder).exists(), 5, "the folder's removal")


def test_a_stack_is_up_in_seconds_and_a_second_start_keeps_the_data():
    folder = temporary_folder(BUILD / f"stack-{os.urandom(6).hex()}")
    begun = time.monotonic()
    with Stack(folder, BUILD, parts=("mariadb", "nginx")) as stack:
        assert time.monotonic() - begun < 20
        stack.sql("CREATE TABLE kept (a INT)")
        stack.sql("INSERT INTO kept VALUES (7)")
        secret = stack.settings["JWT_SECRET"]
        stack.mariadb.kill()
        stack.mariadb.start()
        assert stack.sql("SELECT a FROM kept") == [{"a": 7}]
    with Stack(folder, BUILD, parts=("mariadb",)) as stack:
        assert stack.sql("SELECT a FROM kept") == [{"a": 7}]
        assert stack.settings["JWT_SECRET"] == secret
    remove_folder(folder)


def test_as_root_the_services_run_as_an_ordinary_user(database):
    owner = os.stat(f"/proc/{database.mariadb.service.pid}").st_uid
    assert owner == database.account.uid != 0


def test_nothing_listens_beyond_loopback(database):
    assert database.sql("SELECT @@skip_networking AS off") == [{"off": 1}]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        port = int(address[9:], 16)
        if state == "0A" and database.ports[0] <= port <= database.ports[2]:
            assert address.startswith("0100007F:")


def test_a_commit_is_on_disk_before_it_is_acknowledged(database):
    assert database.sql("SELECT @@innodb_flush_log_at_trx_commit AS flush, @@time_zone AS zone, "
                        "@@character_set_server AS words") == [
        {"flush": 1, "zone": "+00:00", "words": "utf8mb4"}]


@pytest.mark.parametrize("statement", [
    "INSERT INTO tenants VALUES (2, 'x')", "UPDATE tenants SET word = 'y' WHERE id = 2",
    "DELETE FROM tenants WHERE id = 2", "SELECT * FROM tenants",
    "INSERT INTO audit_log VALUES (1, 'x')", "SELECT * FROM audit_log",
    "SELECT * FROM schema_migrations"])
def test_the_run_user_may_do_its_work(run_user, statement):
    run_user.execute(statement)


@pytest.mark.parametrize("statement", [
    "UPDATE audit_log SET word = 'y'", "DELETE FROM audit_log", "TRUNCATE audit_log",
    "INSERT INTO schema_migrations VALUES (9, 'x')", "CREATE TABLE x (a INT)",
    "DROP TABLE tenants", "ALTER TABLE tenants ADD b INT", "SELECT * FROM mysql.user",
    "CREATE DATABASE x", "GRANT SELECT ON calbridge.tenants TO calbridge@localhost",
    "SELECT 1 INTO OUTFILE '/tmp/calbridge-x'", "SET GLOBAL max_connections = 1",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE tenants"])
def test_the_run_user_may_do_nothing_else(run_user, statement):
    with pytest.raises(pymysql.err.MySQLError):
        run_user.execute(statement)


def test_a_clean_brings_back_what_was_remembered(database):
    database.sql("DELETE FROM tenants WHERE id <> 1")
    database.schema.remember()
    database.sql("INSERT INTO tenants VALUES (5, 'five')")
    database.sql("UPDATE tenants SET word = 'changed' WHERE id = 1")
    database.schema.clean()
    assert database.sql("SELECT * FROM tenants") == [{"id": 1, "word": "default"}]


def test_the_users_lines_of_the_settings_file_win_and_stay():
    for stack in running(parts=("nginx",)):
        path = stack.settings.path
        path.write_text(path.read_text() + "# mine\nGOOGLE_CLIENT_ID='real'\nWORKERS=7\n")
        again = Stack(stack.folder, BUILD, parts=("nginx",))
        again.configure()
        text = path.read_text()
        assert text.count("WORKERS=") == 1 and text.endswith("# mine\nGOOGLE_CLIENT_ID='real'\n"
                                                             "WORKERS=7\n")
        assert "GOOGLE_API_URL" not in text and "HTTPS_CA_FILE" not in text
        assert "MICROSOFT_API_URL" not in text
        assert not again.sandboxed
        assert stack.settings["JWT_SECRET"] == again.settings["JWT_SECRET"]
        assert path.stat().st_mode & 0o777 == 0o600
        assert stack.key_ring.stat().st_mode & 0o777 == 0o400
        again.stop()


def test_two_stacks_at_once_have_ports_of_their_own():
    for one in running(parts=("nginx",)):
        first = one.ports.first
        other = temporary_stack(BUILD, parts=("nginx",), port=first)
        with other:
            assert other.ports.taken == first != other.ports.first
            assert other.request("GET", "/nope").status == 404
        remove_folder(other.folder)


def test_a_folder_too_deep_for_a_socket_gets_its_sockets_elsewhere():
    deep = temporary_folder(BUILD / f"deep-{os.urandom(6).hex()}")
    deep.chmod(0o755)
    inner = deep / ("x" * 90)
    with Stack(inner, BUILD, parts=("mariadb",)) as stack:
        assert stack.sql("SELECT 1 AS one") == [{"one": 1}]
        sockets = stack.sockets
    assert not sockets.exists()
    remove_folder(deep)


class FrontedSocket:
    """Stands where the sandbox would: play(connection, request) does what it likes."""

    def __init__(self, stack):
        self.play = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(stack.sandbox_socket))
        stack.account.own(stack.sandbox_socket, 0o660)
        self.listener.listen(16)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                got = b""
                while b"\r\n\r\n" not in got:
                    got += connection.recv(65536)
                self.play(connection, got)


@pytest.fixture(scope="module")
def fronted():
    for stack in running(parts=("nginx",)):
        yield stack, FrontedSocket(stack)


def fetch(stack, *options):
    """curl's exit status and what it printed, asking the sandbox's front."""
    done = subprocess.run(["curl", "-sS", "--cacert", stack.authority.certificate, *options,
                           stack.sandbox_front.url + "/x"], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.parametrize("version, hung_up, cut", [("--http1.1", {52, 56}, {18}),
                                                   ("--http2", {92, 16, 52}, {92, 18})])
def test_faults_of_the_sandbox_arrive_as_it_made_them(fronted, version, hung_up, cut):
    stack, front = fronted
    front.play = lambda connection, _: None
    assert fetch(stack, version)[0] in hung_up
    front.play = lambda connection, _: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    status, body = fetch(stack, version)
    assert status in cut and body == b"half"
    front.play = lambda connection, _: connection.sendall(
        b"HTTP/1.1 502 Mine\r\nContent-Length: 4\r\nRetry-After: 9\r\n\r\nmine")
    assert fetch(stack, version, "-w", "%{http_code}") == (0, b"mine502")


def test_what_the_sandbox_sends_slowly_arrives_at_once_piece_by_piece(fronted):
    stack, front = fronted
    release = threading.Event()

    def play(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        release.wait(20)
        connection.sendall(b"67890")
    front.play = play
    with stack.sandbox_front.open() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b""
        while not got.endswith(b"12345"):
            got += connection.recv(4096)
        release.set()
        while piece := connection.recv(4096):
            got += piece
    assert got.endswith(b"1234567890")


def test_the_guards_view_of_a_process_is_the_kernels():
    assert int(stat_fields(os.getpid())[1]) == os.getppid()
    assert start_tick(os.getpid()) > 0 and start_tick(2 ** 22 + 1) is None
