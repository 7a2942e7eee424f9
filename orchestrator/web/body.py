"""The body of a request, up to a limit."""

from fastapi import Request

RETRY_AFTER = 5  # seconds; a restarted database is back within them, and senders must not pile up


async def body_of(request: Request, limit: int) -> bytes | None:
    """Read the body, or ``None`` as soon as it is known to be longer than *limit* bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
