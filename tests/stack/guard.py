"""The guard: ends what a dead process has started.

Runs as a process of its own (python3 guard.py PID, PID being its parent) and is
told on its standard input, a line each, what to end and to remove:

    + SID START    a session was opened by process SID, started at clock tick START
    - SID          that session has been ended
    > PATH         a folder to remove
    < PATH         that folder has been removed

When the parent is gone, killed with SIGKILL included, or closes the pipe, the
guard ends every session (SIGTERM, then SIGKILL) and removes every folder.
Sessions reach what PR_SET_PDEATHSIG does not: grandchildren (workers whose parent
was killed), and children of a thread that ended.
"""

import os
import select
import shutil
import signal
import sys
import time

TERM_SECONDS = 3.0
PARENT_CHECK_SECONDS = 0.5


def stat_fields(pid):
    """The fields of /proc/PID/stat from the third on, or None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def start_tick(pid):
    """When the process started, in clock ticks since boot, or None if it is gone."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields else None


def session_members(sid, leader_start):
    """The living processes of session sid, unless its number belongs to a stranger by now."""
    leader = start_tick(sid)
    if leader is not None and leader != leader_start:
        return []
    members = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields and int(fields[3]) == sid and fields[0] not in (b"Z", b"X"):
                members.append(int(name))
    return members


def signal_session(sid, leader_start, number):
    """Sends a signal to every process of a session; says whether there was one."""
    members = session_members(sid, leader_start)
    for pid in members:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    return bool(members)


def end_all(sessions):
    deadline = time.monotonic() + TERM_SECONDS
    alive = [s for s in sessions.items() if signal_session(*s, signal.SIGTERM)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = [s for s in alive if session_members(*s)]
    while alive:
        alive = [s for s in alive if signal_session(*s, signal.SIGKILL)]
        time.sleep(0.02)


def note(line, sessions, folders):
    word, _, rest = line.partition(" ")
    if word == "+":
        sid, start = rest.split()
        sessions[int(sid)] = int(start)
    elif word == "-":
        sessions.pop(int(rest), None)
    elif word == ">":
        folders.add(rest)
    elif word == "<":
        folders.discard(rest)


def main():
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = int(sys.argv[1])
    sessions, folders, rest = {}, set(), b""
    while os.getppid() == parent:
        if not select.select([0], [], [], PARENT_CHECK_SECONDS)[0]:
            continue
        got = os.read(0, 65536)
        if not got:
            break
        *lines, rest = (rest + got).split(b"\n")
        for line in lines:
            note(line.decode(), sessions, folders)
    end_all(sessions)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
