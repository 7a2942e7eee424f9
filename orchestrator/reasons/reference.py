"""The page docs/reference/reasons.md, made of the codes themselves."""

from collections.abc import Iterator

from orchestrator.reasons.codes import SECTIONS, UNREACHABLE

HEAD = """\
<!-- Written by docs/generate.py from the codes themselves; do not edit. -->
# Reasons

Whatever is said, waits or was not said says why: in a sentence, for people, and with a code, for programs.
The API, simulations and the facts about outcomes give the code as `reason_code` beside the sentence.
A sentence may be worded anew; a code stays.
"""

FOOT = """
Whoever is not reached, a person must tell: with {codes} the order's owner gets a task, where the message is
service to the customer.
"""


def page() -> str:
    """Return the page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield HEAD
    for title, codes in SECTIONS.items():
        yield f"\n## {title}\n\n| code | why |\n|---|---|\n"
        yield from (f"| `{code}` | {meaning} |\n" for code, meaning in codes.items())
    yield FOOT.format(codes=", ".join(f"`{code}`" for code in sorted(UNREACHABLE)))
