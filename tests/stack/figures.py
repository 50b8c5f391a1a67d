"""The figures that the tests hold the service to, and how they hold it.

What is lost, doubled or called too often decides a test. A time never does by itself, for the
machine may be busy: it is shown beside its figure when the tests end, and fails only beyond ten
times that. CALBRIDGE_LONG=1 asks for the full size, which `make check` does a tenth of.
"""

import os

LONG = os.environ.get("CALBRIDGE_LONG") == "1"
BEYOND = 10

_seen = []


def size(full, short):
    """How much of something: all of it, or what `make check` has the time for."""
    return full if LONG else short


def show(text):
    """A line for the end of the tests, where nobody has to ask for it."""
    _seen.append(text)


def check_time(what, seconds, figure):
    """Shows the slowest of some times beside its figure; far beyond that is a failure."""
    seconds = sorted(seconds)
    show(f"{what}: median {seconds[len(seconds) // 2]:.3f} s, worst {seconds[-1]:.3f} s "
         f"of {len(seconds)}; figure {figure:.3f} s")
    assert seconds[-1] <= BEYOND * figure, _seen[-1]


def pytest_terminal_summary(terminalreporter):
    if _seen:
        terminalreporter.section(f"figures, {'full' if LONG else 'reduced'} size")
        for line in _seen:
            terminalreporter.write_line(line)
