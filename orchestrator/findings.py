"""What a problem's code means, as a value: every registry of codes (rules, events) is made of these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem: what it is called, what it means, and how to mend it."""

    title: str
    explanation: str
    mend: str
