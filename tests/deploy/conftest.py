"""A machine of its own for the tests that install, add users and start services (room.sh)."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from stack.processes import wait_for  # noqa: E402

SOURCE = TESTS.parent
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a fresh checkout does not have.
MADE = ("./build*", "./run", "./.git", "./configure", "./configure~", "./Makefile.in",
        "./aclocal.m4", "./autom4te.cache", "./build-aux", "./app/config.h.in*", "__pycache__")


class Room:
    """The machine. Commands are run in it by root or by a user of the room."""

    def __init__(self, keeper, pid):
        self.keeper = keeper
        self.enter = [*AS_ROOT, "nsenter", f"--target={pid}", "--mount", "--pid", "--net", "--ipc",
                      "--uts", "--root", "--wd"]

    def command(self, script, user="root", folder="/", **environment):
        """What runs a script of bash in the room, with an environment of its own."""
        words = {"PATH": PATH, "LC_ALL": "C.UTF-8", "USER": user,
                 "MAKEFLAGS": f"-j{os.cpu_count()}", **environment}
        return [*self.enter, "runuser", "-u", user, "--", "env", "-i",
                *(f"{name}={value}" for name, value in words.items()),
                "bash", "-eo", "pipefail", "-c", f"cd {folder}\n{script}"]

    def run(self, script, *, stdin="", timeout=120, **options):
        """What the script prints; it must end well."""
        done = subprocess.run(self.command(script, **options), input=stdin, timeout=timeout,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        assert done.returncode == 0, f"{script}\nstatus {done.returncode}\n{done.stdout[-8000:]}"
        return done.stdout

    def is_up(self):
        asked = subprocess.run(self.command("systemctl is-system-running"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return asked.stdout.strip() == "running"

    @contextlib.contextmanager
    def start(self, script, **options):
        """Runs a script beside us; its process group is ended with Ctrl-C at last."""
        process = subprocess.Popen(self.command(script, **options), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        try:
            yield process
        finally:
            self.interrupt(process)

    @staticmethod
    def interrupt(process):
        """Ctrl-C; the rest of what was printed."""
        if process.poll() is None:
            subprocess.run([*AS_ROOT, "sh", "-c", f"kill -s INT -- -{process.pid}"], check=True)
        return process.communicate(timeout=60)[0]

    def processes(self, user):
        """The command lines of a user's processes."""
        return self.run(f"for one in $(find /proc -maxdepth 1 -user {user} -name '[0-9]*'); do\n"
                        "  tr '\\0' ' ' < $one/cmdline && echo\ndone 2> /dev/null || :").split("\n")

    def check_out(self, folder, user="root"):
        """A fresh checkout of this source in the room."""
        packed = subprocess.run(["tar", "c", *(f"--exclude={one}" for one in MADE), "."],
                                cwd=SOURCE, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(self.command(f"mkdir {folder}\ntar x --no-same-owner -C {folder}",
                                    user=user), input=packed, check=True)


def what_is_missing():
    """Why there cannot be a room, or nothing."""
    if not Path("/lib/systemd/systemd").exists() or not shutil.which("sudo"):
        return "systemd or sudo is not installed (./autogen.sh check does it)"
    for words in (["true"], ["unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "true"]):
        tried = subprocess.run([*AS_ROOT, *words], stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if tried.returncode:
            return f"needs root who may make namespaces, or sudo without a password: {tried.stdout}"
    return ""


@pytest.fixture(scope="session")
def room():
    why = what_is_missing()
    if why:
        pytest.skip(why)
    with subprocess.Popen([*AS_ROOT, "sh", str(TESTS / "deploy" / "room.sh")], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          start_new_session=True) as keeper:
        word, _, pid = keeper.stdout.readline().strip().partition(" ")
        if word != "ready":     # no overlay, no control groups: its last line says what
            pytest.skip("this machine gives no room; see above why")
        one = Room(keeper, pid)
        wait_for(one.is_up, what="systemd to be up")
        yield one
        keeper.stdin.close()
