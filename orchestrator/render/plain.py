"""A text as it is read: without the gaps that statements leave, and as HTML where nobody wrote any."""

import re

from markupsafe import Markup, escape

_MANY_LINES = re.compile(r"\n{3,}")
_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


def tidy(text: str) -> str:
    """No space at line ends and no more than one empty line, whatever the statements left behind."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text:
        text = "\n".join(map(_trimmed, text.split("\n")))
    if "\n\n\n" in text:
        text = _MANY_LINES.sub("\n\n", text)
    return text.strip()


def _trimmed(line: str) -> str:
    bare = line.rstrip(" \t")
    return "-- " if bare == "--" and line[2:3] == " " else bare  # so a signature begins


def paragraphs(text: str) -> Markup:
    """HTML of a plain text without its signature block: paragraphs, line breaks, links."""
    body = str(escape(text.partition("\n-- \n")[0].strip()))
    linked = _URL.sub(lambda url: f'<a href="{url[0]}">{url[0]}</a>', body)
    parts = linked.replace("\n", "<br>\n").split("<br>\n<br>\n")
    made = (f'<p style="margin:0 0 16px">{part}</p>' for part in parts)
    return Markup("\n".join(made))  # noqa: S704 - escaped above
