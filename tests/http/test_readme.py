"""The README says what is true: its lists are those of the program. (Its commands: ../deploy.)"""

import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text(encoding="utf-8")


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
