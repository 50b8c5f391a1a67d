"""Child processes: as an ordinary user, each in a session of its own, never left behind."""

import atexit
import os
import pwd
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import guard as guard_script


class StackError(Exception):
    """The stack cannot go on; the text says why and is meant for people."""


def wait_for(condition, timeout=10.0, what="the condition", interval=0.01):
    """Calls condition until it is true and returns that value; fails after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise StackError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)


class Guard:
    """Our end of the guard process (guard.py), one for each process that starts others."""

    _current = None

    def __init__(self):
        self.owner = os.getpid()
        read_end, self.pipe = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", guard_script.__file__, str(self.owner)],
            stdin=read_end, stdout=subprocess.DEVNULL, start_new_session=True)
        os.close(read_end)

    @classmethod
    def current(cls):
        """The guard of this process, started when first asked for; a forked child gets its own."""
        if cls._current is None or cls._current.owner != os.getpid():
            cls._current = cls()
            atexit.register(cls._current.close)
        return cls._current

    def tell(self, line):
        os.write(self.pipe, line.encode() + b"\n")

    def register_self(self):
        """Called in a child between fork and exec, when it leads its session already."""
        pid = os.getpid()
        self.tell(f"+ {pid} {guard_script.start_tick(pid)}")

    def close(self):
        """Lets the guard end what is still there, and waits for it."""
        if self.owner == os.getpid() and self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None
            self.process.wait()
            Guard._current = None


class Account:
    """The user that the services run as: ourselves, or as root an ordinary one."""

    _CAPABILITIES = (None, "dac_read_search", "dac_override")

    def __init__(self, source):
        self.switches = os.geteuid() == 0
        entry = self._choose(source) if self.switches else pwd.getpwuid(os.geteuid())
        self.name, self.uid, self.gid = entry.pw_name, entry.pw_uid, entry.pw_gid
        self.capability = None

    @staticmethod
    def _choose(source):
        """The owner of the source tree if that is not root, else nobody."""
        try:
            owner = pwd.getpwuid(os.stat(source).st_uid)
        except KeyError:
            owner = None
        return owner if owner and owner.pw_uid != 0 else pwd.getpwnam("nobody")

    def command(self, argv):
        """argv as this account runs it; the process keeps its number."""
        if not self.switches:
            return list(argv)
        prefix = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups",
                  "--no-new-privs"]
        if self.capability:
            prefix += [f"--inh-caps=+{self.capability}", f"--ambient-caps=+{self.capability}"]
        return prefix + ["--"] + list(argv)

    def reach(self, *folders):
        """Makes sure that the account can enter the folders.

        A checkout below a closed folder (/root) is entered by root with a capability that
        only opens folders and files for reading, or fails with a text that says what to do.
        """
        for self.capability in self._CAPABILITIES if self.switches else (None,):
            missed = [f for f in folders if subprocess.run(
                self.command(["ls", f"{f}/."]),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode]
            if not missed:
                return
        raise StackError(f"user {self.name} cannot enter {missed[0]}; check out where every "
                         "folder above can be entered by all (chmod o+x), or start as its owner")

    def own(self, path, mode):
        """Gives a file or folder to the account, with this mode."""
        if self.switches:
            os.chown(path, self.uid, self.gid)
        os.chmod(path, mode)

    def folder(self, path, mode=0o700):
        """A folder of the account, made if missing. What another user made before is refused."""
        path = Path(path)
        path.mkdir(exist_ok=True)
        if not self.switches and path.stat().st_uid != self.uid:
            raise StackError(f"{path} belongs to user {path.stat().st_uid}: start as the user "
                             "who made it, or remove it")
        self.own(path, mode)
        return path

    def file(self, path, text, mode):
        """Writes a whole file of the account: complete or not at all."""
        path = Path(path)
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self.own(new, mode)
        os.replace(new, path)
        return path


OPEN_FILES = 65536      # as systemd's units have it


def raise_open_files():
    """For us and what we start: an ordinary user begins with 1024, however many are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < min(hard, OPEN_FILES):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OPEN_FILES), hard))


KEPT_ENVIRONMENT = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
                    "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE")


def clean_environment(**more):
    """A small, known environment: ours reaches a service only where a tool needs it."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    kept["PATH"] = f"{kept.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin".lstrip(":")
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


class Service:
    """One long-running program: start, stop, kill, restart; its output goes to one file."""

    def __init__(self, name, argv, account, log, *, environment=None, folder="/",
                 stop_signal=signal.SIGTERM, stop_seconds=15.0):
        self.name, self.argv, self.account, self.log = name, argv, account, Path(log)
        self.environment, self.folder = environment or clean_environment(), folder
        self.stop_signal, self.stop_seconds = stop_signal, stop_seconds
        self.process = None

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, ready=None, timeout=20.0):
        """Starts the program; with ready, waits until that is true or the program has ended."""
        if self.running():
            return
        self.finish()
        guard = Guard.current()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.account.command(self.argv), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.environment, cwd=self.folder, start_new_session=True,
                preexec_fn=guard.register_self)
        self.start_tick = guard_script.start_tick(self.pid)
        if ready:
            wait_for(lambda: not self.running() or ready(), timeout, f"{self.name} starting")
            if not self.running():
                self.finish()
                raise StackError(f"{self.name} ended while starting; the end of {self.log}:\n"
                                 + self.last_lines())

    def last_lines(self, count=15):
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(nothing)"
        return "\n".join(lines[-count:]) or "(nothing)"

    def children(self):
        """The direct children, oldest first: the workers of a pre-forking program."""
        if not self.running():
            return []
        try:
            tasks = os.listdir(f"/proc/{self.pid}/task")
            found = [Path(f"/proc/{self.pid}/task/{task}/children").read_text().split()
                     for task in tasks]
        except OSError:
            return []
        pids = [int(pid) for group in found for pid in group]
        return sorted(pids, key=lambda pid: guard_script.start_tick(pid) or 0)

    def kill(self, number=signal.SIGKILL):
        """Sends a signal to the program alone and, if it is SIGKILL, waits for its end."""
        if self.running():
            self.process.send_signal(number)
            if number == signal.SIGKILL:
                self.process.wait()

    def stop(self):
        """Asks the program to end, insists after stop_seconds; returns its exit status."""
        if self.process is None:
            return None
        if self.running():
            self.process.send_signal(self.stop_signal)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                pass
        return self.finish()

    def restart(self, ready=None):
        self.stop()
        self.start(ready)

    def finish(self):
        """Ends whatever is left of the session and forgets it; returns the exit status."""
        if self.process is None:
            return None
        sid = self.pid
        while guard_script.signal_session(sid, self.start_tick, signal.SIGKILL):
            time.sleep(0.005)
        status = self.process.wait()
        Guard.current().tell(f"- {sid}")
        self.process = None
        return status


def temporary_folder(path):
    """Makes a folder that is removed when this process ends, however it ends."""
    Guard.current().tell(f"> {path}")
    path = Path(path)
    path.mkdir()
    return path


def remove_folder(path):
    shutil.rmtree(path)
    Guard.current().tell(f"< {path}")
