"""The query options of Graph's collections: a small part of OData, and nothing beside it."""

import re
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import quote

from .microsoft_errors import bad_query
from .microsoft_event import property_key
from .microsoft_store import Event
from .microsoft_times import instant_of, parse_exactly
from .paging import BadToken, Query, fingerprint, make_token, read_token

DEFAULT_PAGE = 10
LARGEST_PAGE = 1000
QUOTED = r"'((?:[^']|'')*)'"
OWN_DATA = re.compile(r"singleValueExtendedProperties/[Aa]ny\(\s*(\w+)\s*:\s*\1/id eq " + QUOTED
                      + r" and \1/value eq " + QUOTED + r"\s*\)")
BOUND = re.compile(r"(start|end)/dateTime (ge|gt|le|lt|eq) " + QUOTED)
EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=\s*id eq " + QUOTED + r"\s*\)")
ORDER = re.compile(r"start/dateTime( asc| desc)?")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda a, b: a >= b, "gt": lambda a, b: a > b, "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b, "eq": lambda a, b: a == b}
ITEM_OPTIONS = {"$select", "$expand"}
LIST_OPTIONS = {*ITEM_OPTIONS, "$filter", "$top", "$orderby", "$skiptoken"}
PAGE_OPTIONS = {"$select", "$top", "$skiptoken"}


def unquote_literal(text: str) -> str:
    return text.replace("''", "'")


@dataclass
class Options:
    """The options of one call, read and checked."""

    select: list[str] = field(default_factory=list)
    expand: str = ""            # the one extended property to be shown
    property: tuple[str, str] | None = None
    bounds: list[tuple[str, str, Any]] = field(default_factory=list)    # start or end, how, when
    order: str = ""
    top: int = DEFAULT_PAGE

    def matches(self, event: Event) -> bool:
        if self.property is not None and event.properties.get(self.property[0]) \
                != self.property[1]:
            return False
        return all(COMPARE[how](instant_of(event.members[which]), bound)
                   for which, how, bound in self.bounds)

    def chosen(self, value: dict[str, Any]) -> dict[str, Any]:
        """The members selected; the id and what begins with @ come in any case."""
        if not self.select:
            return value
        unknown = sorted(set(self.select) - set(value) - {"transactionId"})
        if unknown:
            raise bad_query(f"Could not find a property named '{unknown[0]}' on type "
                            "'microsoft.graph'.")
        return {name: one for name, one in value.items()
                if name in self.select or name == "id" or name.startswith("@")}


def read_filter(text: str, options: Options) -> None:
    """Clauses joined by ``and``: one on own data, and bounds of start and end."""
    at = 0
    while True:
        own, bound = OWN_DATA.match(text, at), BOUND.match(text, at)
        if own and options.property is None:
            options.property = (property_key(unquote_literal(own[2])), unquote_literal(own[3]))
            at = own.end()
        elif bound:
            options.bounds.append((bound[1], bound[2], parse_exactly(bound[3].removesuffix("Z"))))
            at = bound.end()
        else:
            raise bad_query(f"Invalid filter clause: '{text[at:]}'.")
        if at == len(text):
            return
        if not text.startswith(" and ", at):
            raise bad_query(f"Invalid filter clause: '{text[at:]}'.")
        at += len(" and ")


def read_options(query: Query, allowed: set[str], note: Callable[..., None],
                 preferred: int = 0) -> Options:
    """Options that begin with $ are known and given once; others are ignored."""
    options = Options(top=preferred or DEFAULT_PAGE)
    for name, values in query.items():
        if not name.startswith("$"):
            note("unknown_query_parameter", parameter=name)
        elif name not in allowed or len(values) > 1:
            raise bad_query(f"The query option '{name}' is not supported here, or given twice.")
    given = {name: values[0] for name, values in query.items()}
    if "$select" in given:
        options.select = given["$select"].split(",")
    if "$expand" in given:
        match = EXPAND.fullmatch(given["$expand"])
        if match is None:
            raise bad_query("One extended property can be expanded, named by its id.")
        options.expand = property_key(unquote_literal(match[1]))
    if "$filter" in given:
        read_filter(given["$filter"], options)
    if "$orderby" in given:
        match = ORDER.fullmatch(given["$orderby"])
        if match is None:
            raise bad_query("The $orderby expression must evaluate to a single value of "
                            "primitive type.")
        options.order = (match[1] or " asc").strip()
    if "$top" in given:
        if not re.fullmatch(r"[1-9]\d{0,3}", given["$top"], re.ASCII) \
                or int(given["$top"]) > LARGEST_PAGE:
            raise bad_query(f"Invalid value '{given['$top']}' for $top.")
        options.top = int(given["$top"])
    return options


def page_of(found: list[Any], query: Query, top: int, short: bool
            ) -> tuple[list[Any], str | None]:
    """The page asked for, and the query of the next one. ``short``: pages are short, the first
    one empty."""
    mark = fingerprint(query, ("$skiptoken",))
    at = 0
    if "$skiptoken" in query:
        try:
            facts = read_token("graph", query["$skiptoken"][0])
        except BadToken as error:
            raise bad_query("Skip token is not valid.") from error
        if facts["query"] != mark:
            raise bad_query("Skip token is not valid for this query.")
        at = facts["at"]
    if short:
        top = 0 if "$skiptoken" not in query else max(1, top // 2)
    if at + top >= len(found) and not (short and top == 0 and found):
        return found[at:], None
    pairs = [(name, one) for name, values in query.items() if name != "$skiptoken"
             for one in values]
    pairs.append(("$skiptoken", make_token("graph", at=at + top, query=mark)))
    return found[at:at + top], "&".join(f"{quote(name, safe='$')}={quote(one, safe='')}"
                                        for name, one in pairs)
