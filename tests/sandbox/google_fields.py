"""The ``fields`` parameter: partial answers, as ``items(id,start/dateTime),nextPageToken``."""

import re
from typing import Any

from .google_errors import bad_parameter

Tree = dict[str, "Tree"]


def parse_fields(text: str) -> Tree:
    """The selection as a tree; an empty branch means everything below."""
    words = re.findall(r"[A-Za-z0-9_*-]+|[/(),]", text)
    if "".join(words) != text or not words:
        raise bad_parameter("fields", f"Invalid field selection {text}")
    tree, rest = parse_list(words, text)
    if rest:
        raise bad_parameter("fields", f"Invalid field selection {text}")
    return tree


def parse_list(words: list[str], text: str) -> tuple[Tree, list[str]]:
    tree: Tree = {}
    while True:
        place = tree
        while True:
            if not words or words[0] in "/(),":
                raise bad_parameter("fields", f"Invalid field selection {text}")
            name, words = words[0], words[1:]
            if not words or words[0] != "/":
                break
            place, words = place.setdefault(name, {}), words[1:]
        branch = place.setdefault(name, {})
        if words and words[0] == "(":
            inner, words = parse_list(words[1:], text)
            if not words or words[0] != ")":
                raise bad_parameter("fields", f"Invalid field selection {text}")
            branch.update(inner)
            words = words[1:]
        if not words or words[0] != ",":
            return tree, words
        words = words[1:]


def select(value: Any, tree: Tree) -> Any:
    """What of a value the tree names."""
    if not tree:
        return value
    if isinstance(value, list):
        return [select(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: select(one, tree[name] if name in tree else tree["*"])
            for name, one in value.items() if name in tree or "*" in tree}
