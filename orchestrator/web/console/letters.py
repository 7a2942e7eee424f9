"""A mail as its reader sees it: a page of its own that may do nothing, shown in a frame of ours.

Its styles are inline, which the pages of the console forbid; so it has a policy of its own, under which
nothing is loaded, nothing runs and nothing is sent (Content Security Policy Level 3).
"""

from base64 import b64encode
from html import escape

from fastapi import Response
from fastapi.responses import HTMLResponse

from orchestrator.render import Rendered

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PLAIN = """<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>Mail</title>
<meta name="color-scheme" content="light dark"></head>
<body><pre dir="auto" style="white-space: pre-wrap; font: 15px/1.5 system-ui, sans-serif">{text}</pre>
</body></html>"""


def letter(mail: Rendered) -> Response:
    """Return the mail alone, with the pictures it brings along."""
    html = mail.html or _PLAIN.format(text=escape(mail.text), locale=escape(mail.locale or "en", quote=True))
    for file in mail.files:
        if file.cid:
            picture = f"data:{file.type};base64,{b64encode(file.data).decode()}"
            html = html.replace(f"cid:{file.cid}", picture)
    return HTMLResponse(html, headers=HEADERS)
