"""Puts the line a colleague wrote into a message whose text does not print it. Pure."""

from markupsafe import escape

from orchestrator.errors import RenderError
from orchestrator.render import SMS_SEGMENTS, sms_text
from orchestrator.sending.riders import SIGNATURE, STYLE, at_the_end


def put(line: str, kind: str, text: str, html: str) -> tuple[str, str]:
    """Return text and HTML with *line* above the signature of a mail, at the end of anything else.

    Raises :class:`RenderError` for a text message that it would make too long.
    """
    if not line:
        return text, html
    if line not in text:
        text = _in_mail(line, text) if kind == "email" else f"{text.rstrip()}\n{line}"
    if kind == "sms":
        text = sms_text.plain(text)
        if sms_text.sms_segments(text)[1] > SMS_SEGMENTS:
            raise RenderError("with the line that a colleague wrote for it the text message is too long")
    shown = "<br>".join(str(escape(one)) for one in line.split("\n"))
    if html and shown not in html:
        html = at_the_end(html, f'<p style="{STYLE}">{shown}</p>')
    return text, html


def _in_mail(line: str, text: str) -> str:
    body, dashes, footer = text.partition(SIGNATURE)
    return f"{body.rstrip()}\n\n{line}\n{dashes}{footer}"
