"""What is being measured now, on stderr, with the seconds since the start: for whoever waits."""

import sys
import time

_began = time.monotonic()


def said(what: str) -> None:
    """Say what comes now."""
    print(f"{time.monotonic() - _began:5.0f} s  {what}", file=sys.stderr, flush=True)
