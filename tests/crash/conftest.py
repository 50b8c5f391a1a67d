"""What the crash tests share: a stack to kill, and requests held at a step of their way.

The product has no crash points. A step is held from outside: by a lock in the database, or
by the sandbox, which keeps a call before or after it has acted on it.
"""

import contextlib
import importlib.util
import os
import signal
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "http")]

from bookings import teacher_at  # noqa: E402
from flows import HOST, connect  # noqa: E402
from stack.processes import wait_for  # noqa: E402


def load_http_conftest():
    """The fixtures of the neighbouring suite: its module has the name of this one."""
    spec = importlib.util.spec_from_file_location("http_conftest", TESTS / "http" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shared = load_http_conftest()
clean, address, jwt, bearer = shared.clean, shared.address, shared.jwt, shared.bearer
pytest_terminal_summary = shared.pytest_terminal_summary


def crash_stack(**settings):
    """For fixtures: a stack whose claims end soon; calbridge-sync runs when a test starts it."""
    for one in shared.running(
            parts=("mariadb", "sandbox", "nginx", "fcgi"),
            settings={"DEMO_HOST_ID": HOST, "THREADS": "16", "INTENT_LEASE_S": "1",
                      "INTENT_SETTLE_S": "1", "REFRESH_LEASE_S": "2", **settings}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture(scope="session")
def stack():
    yield from crash_stack()


@pytest.fixture
def host(clean):
    """The host's credentials; the calendar is connected, everything runs but calbridge-sync."""
    headers = credential(clean)
    if not clean.fcgi.running():
        clean.fcgi.start(clean.is_ready)
    connect(clean, headers)
    yield headers
    while lockers:
        lockers.pop().close()
    clean.sandbox.release()
    clean.sync.stop()


@pytest.fixture
def teacher(clean, provider):
    """An instructor whose calendar is connected; everything runs but calbridge-sync."""
    if not clean.fcgi.running():
        clean.fcgi.start(clean.is_ready)
    yield teacher_at(clean, lambda owner: credential(clean, owner), provider)
    while lockers:
        lockers.pop().close()
    clean.sandbox.release()
    clean.sync.stop()


def credential(stack, sub=HOST):
    token = shared.make_jwt(stack.settings["JWT_SECRET"],
                            {"sub": sub, "exp": int(time.time()) + 7200})
    return {"Authorization": f"Bearer {token}"}


def in_background(call, *args, **options):
    """Starts call in a thread of its own; a future of what it returns."""
    future = Future()

    def run():
        try:
            future.set_result(call(*args, **options))
        except BaseException as error:  # noqa: B902 - whoever asks for the result gets it
            future.set_exception(error)
    Thread(target=run, daemon=True).start()
    return future


def kill_workers(stack):
    """kill -9 of every worker; the parent starts new ones."""
    for pid in stack.worker_pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def stop_process(pid):
    """SIGSTOP; a thread on its way to the stop would still take a request and keep it."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    wait_for(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                         for task in tasks.iterdir()), 10, "every thread to stop")


def kill_everything(stack):
    """kill -9 of the parent and all its workers; nobody starts them again.

    They are stopped before: none may take over from another that died a moment earlier.
    """
    for pid in (stack.fcgi.pid, *stack.worker_pids()):
        stop_process(pid)
    stack.fcgi.finish()


# --- the steps of an invite, each held ---

INSERT = {"method": "POST", "path": "/events$"}


lockers = []    # connections that may still have a lock, should a test fail in the middle


class Held:
    """A request that has come as far as a step. reached() waits for it, let_go() ends the hold."""

    def __init__(self, stack):
        self.stack = stack

    def reached(self):
        raise NotImplementedError

    def let_go(self):
        """The killed request must not get any further, so what it left waiting is ended first."""


class HeldByDatabase(Held):
    """Held by a lock that another connection has."""

    def __init__(self, stack):
        super().__init__(stack)
        self.waiting = []
        self.locker = stack.mariadb.connect(database=stack.schema.name)
        self.locker.autocommit(False)
        lockers.append(self.locker)

    def lock(self, statement):
        with self.locker.cursor() as cursor:
            assert cursor.execute(statement) is not None

    def blocked(self, query, *words):
        """Connections of the application that wait for the lock."""
        found = [row["id"] for row in self.stack.sql(query, words)]
        self.waiting = found or self.waiting
        return found

    def let_go(self):
        for connection in self.waiting:
            with contextlib.suppress(Exception):  # it may have ended by itself
                self.stack.sql(f"KILL {int(connection)}")
        self.locker.rollback()
        with self.locker.cursor() as cursor:
            cursor.execute("UNLOCK TABLES")
        self.locker.close()
        lockers.remove(self.locker)


class BeforeTheIntent(HeldByDatabase):
    """The intent is about to be written: its table is locked."""

    committed = called = False

    def __init__(self, stack):
        super().__init__(stack)
        self.lock("LOCK TABLES calendar_event_mappings WRITE")

    def reached(self):
        wait_for(lambda: self.blocked(
            "SELECT id FROM information_schema.processlist WHERE user = 'calbridge' "
            "AND state LIKE %s", "Waiting for table%"), 10, "a request that waits for the table")


class AfterTheIntent(Held):
    """The intent is committed; the provider has the call and has not acted on it."""

    committed, called = True, False

    match = INSERT

    def __init__(self, stack, kind="hold", **members):
        super().__init__(stack)
        stack.sandbox.fault(kind, match=self.match, **members)

    def reached(self):
        self.stack.sandbox.held()

    def let_go(self):
        wait_for(lambda: not self.stack.sandbox.control("GET", "held")["held"], 10,
                 "the provider to notice that the caller has gone")


class AfterTheProviderStored(AfterTheIntent):
    """The event stands; its answer is under way."""

    committed = called = True

    def __init__(self, stack):
        super().__init__(stack, "store_then_hold")


class HeldByItsRow(HeldByDatabase):
    """Something is about to be written into a row that is locked."""

    def lock_rows(self):
        self.lock("SELECT id FROM calendar_event_mappings FOR UPDATE")

    def reached(self):
        # The server renews this table only for who has not read it in the last 100 ms.
        wait_for(lambda: self.blocked(
            "SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx "
            "WHERE trx_state = 'LOCK WAIT'"), 10, "a write that waits for its row", interval=0.15)


class BeforeTheSecondCommit(HeldByItsRow):
    """The provider has answered; the mark cannot be written, for its row is locked."""

    committed = called = True
    match = INSERT

    def __init__(self, stack):
        super().__init__(stack)
        stack.sandbox.fault("store_then_hold", match=self.match)

    def reached(self):
        self.stack.sandbox.held()
        self.lock_rows()
        self.stack.sandbox.release()
        super().reached()


STEPS = [BeforeTheIntent, AfterTheIntent, AfterTheProviderStored, BeforeTheSecondCommit]
