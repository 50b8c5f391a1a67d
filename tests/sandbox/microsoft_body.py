"""The text of an event: kept as it was sent, told as HTML unless text is preferred.

An online meeting writes a block into the text, by which its link is kept: whoever replaces the
text without the block loses the meeting.
"""

import re
from html import escape, unescape

RULE = "_" * 80


def as_html(body: dict[str, str]) -> str:
    if body["contentType"] == "html":
        inner = body["content"]
    else:
        inner = escape(body["content"], quote=False).replace("\r\n", "\n").replace("\n", "<br>\r\n")
    if "<html" in inner.lower():
        return inner
    return ('<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
            f"\r\n</head>\r\n<body>\r\n{inner}\r\n</body>\r\n</html>\r\n")


def as_text(body: dict[str, str]) -> str:
    if body["contentType"] == "text":
        return body["content"]
    text = re.sub(r"(?is)<head.*?</head>|<style.*?</style>", "", body["content"])
    text = re.sub(r"(?i)<br\s*/?>|</p>|</div>", "\n", text)
    return unescape(re.sub(r"<[^>]*>", "", text)).strip()


def show_body(body: dict[str, str], wanted: str) -> dict[str, str]:
    """As Graph tells it; ``wanted`` is "html" or "text"."""
    if not body["content"]:
        return {"contentType": wanted, "content": ""}
    return {"contentType": wanted, "content": as_text(body) if wanted == "text" else as_html(body)}


def with_block(body: dict[str, str], link: str) -> dict[str, str]:
    """The text with the block of an online meeting below it."""
    block = (f"<div><br>{RULE}</div>\r\n<div><b>Microsoft Teams</b><br>"
             f'<a href="{escape(link)}">Join the meeting now</a></div>\r\n<div>{RULE}</div>')
    html = as_html(body)
    return {"contentType": "html", "content": html.replace("</body>", block + "\r\n</body>", 1)}


def has_block(body: dict[str, str], link: str) -> bool:
    return link in unescape(body["content"])
