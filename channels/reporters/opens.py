"""Who opened a mail: a person, or a machine that fetches every picture (Apple's proxy, scanners)."""

import re

from channels.reports import Became

# Apple Mail's proxy names itself so and no further; the others fetch pictures when a mail arrives.
_MACHINES = re.compile(
    r"Mozilla/5\.0|.*(?:bot\b|crawler|spider|barracuda|proofpoint|mimecast|safelinks|urldefense).*",
    re.IGNORECASE,
)


def opened(user_agent: str) -> Became:
    """What an open by this program is: ``opened``, or ``machine_open`` if nobody need have read it."""
    return Became.MACHINE_OPEN if _MACHINES.fullmatch(user_agent.strip()) else Became.OPENED
