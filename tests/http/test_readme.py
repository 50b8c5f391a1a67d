"""The README says what is true: its lists are those of the program, its requests are answered.

Its other commands are run in ../deploy.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from bookings import PROVIDERS, teacher_at

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text(encoding="utf-8")


def source(path):
    return (SOURCE / path).read_text(encoding="utf-8")


def section(heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.M | re.S).group(1)


def first_cells(heading):
    """The code words in the first column of the table below a heading."""
    return re.findall(r"^\| `([^`]*)` \|", section(heading), re.M)


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


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_requests_for_an_event_make_it_move_it_and_take_it_back(clean, bearer, provider):
    """As they stand there, with the words that the README leaves to the reader."""
    teacher = teacher_at(clean, bearer, provider, owner="coach-1")
    words = {"SITE": clean.public.url, "KEY": teacher.key["x-instructorops-key"],
             "CURL_CA_BUNDLE": str(clean.authority.certificate), "PATH": "/usr/bin:/bin"}
    block, = re.findall(r"^```sh\n(.*?)^```", section("The endpoints"), re.M | re.S)
    make, move, take_back = block.split("\n\n")

    def answer_to(command):
        return subprocess.run(["sh", "-c", command], env=words, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=True).stdout

    made = json.loads(answer_to(make))
    assert made["summary"] == "Piano lesson" and made["provider"] == provider
    assert set(teacher.guests()) == {"milan@example.org"}
    words["ID"] = made["id"]
    moved = json.loads(answer_to(move))
    assert moved["id"] == made["id"] and moved["start"]["dateTime"] == "2026-12-03T15:00:00-05:00"
    assert answer_to(take_back) == ""
    assert teacher.events() == [] and clean.sandbox.violations() == []
