"""The README says what is true: its lists are those of the program, its commands run."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]


def source(path):
    return (SOURCE / path).read_text(encoding="utf-8")


def first_cells(heading):
    """The code words in the first column of the table below a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.M | re.S).group(1)
    return re.findall(r"^\| `([^`]*)` \|", section, re.M)


def test_every_route_stands_in_the_readme_and_nothing_else():
    table = source("handlers/routes.c")
    bases = dict(re.findall(r'#define (\w+) "(/[^"]*)"', table))
    rows = re.findall(r'\{ "([A-Z]+)",\s+([A-Z]*) ?(?:"([^"]*)")?,', table)
    routes = [f"{method} {bases.get(base, '')}{path}" for method, base, path in rows]
    assert len(routes) > 5
    assert sorted(first_cells("The endpoints")) == sorted(routes)


def test_every_setting_stands_in_the_readme_and_nothing_else():
    settings = re.findall(r'^\t\{ "([A-Z0-9_]+)", SETTING_', source("app/base/config.c"), re.M)
    assert len(settings) > 40
    assert sorted(first_cells("Settings")) == sorted(settings)


def test_every_error_code_stands_in_the_readme_and_nothing_else():
    rows = re.findall(r'\[(ERR_\w+)\]\s*= \{ \d+, \w+, "(\w+)"', source("app/base/err.c"))
    assert len(rows) > 30
    assert sorted(first_cells("Troubleshooting by error code")) == sorted(c for _, c in rows)


def calbridge_lines():
    return [line for line in LINES if line.startswith("calbridge ")]


@pytest.mark.parametrize("line", calbridge_lines())
def test_each_operators_command_of_the_readme_runs(clean, line):
    words = shlex.split(line)[1:]
    if "sign-in-link" in words:
        clean.cli("owner", "put", "--tenant", "default", "--id", "coach-1")
    if words == ["migrate"]:
        words += ["--sql", str(SOURCE / "sql")]
    assert clean.cli(*words) is not None


def test_the_two_commands_are_words_that_autogen_knows():
    script = source("autogen.sh")
    for line in LINES:
        if line.startswith("./autogen.sh ") and "&&" not in line:
            assert f"\n{line.split()[1]})\n" in script, line


def test_every_make_target_of_the_readme_exists(stack):
    targets = set(re.findall(r"`make ([a-z-]+)`", README))
    assert targets >= {"bench", "check-asan", "check-tsan", "fuzz", "long-check"}
    for target in targets:
        done = subprocess.run(["make", "-n", "-C", str(stack.build), target],
                              capture_output=True, text=True, check=False)
        assert "No rule to make target" not in done.stderr, done.stderr


def test_what_make_install_puts_is_where_the_readme_says(stack, tmp_path):
    subprocess.run(["make", "-C", str(stack.build), "install", f"DESTDIR={tmp_path}"],
                   capture_output=True, text=True, check=True)
    for path in ("usr/local/bin/calbridge", "usr/local/sbin/calbridge-fcgi",
                 "usr/local/sbin/calbridge-sync",
                 "usr/local/etc/nginx/sites-available/calbridge.conf",
                 "usr/local/share/calbridge/sql/0001_tenants_and_owners.sql",
                 "usr/local/share/calbridge/html/dashboard/index.html",
                 "usr/local/lib/systemd/system/calbridge-fcgi.service",
                 "usr/local/share/man/man1/calbridge.1"):
        assert (tmp_path / path).is_file(), path
