"""Write the generated pages of docs/ again (``make docs``); each has a test that fails when it is stale."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from channels import matrix
from orchestrator import codes, config
from orchestrator.access.roles import WHOLE_HOUSE, Action, Grant, Role, granted
from orchestrator.cli import reference
from orchestrator.intake import reference as event_reference
from orchestrator.model import FINAL, MOVES
from orchestrator.reasons import reference as reasons
from orchestrator.render import words as template_words
from orchestrator.watching import reference as metrics
from orchestrator.web.api import openapi as api
from orchestrator.web.api import routes
from orchestrator.web.desk import Desk

FLOW = Path(__file__).parent / "explanation" / "flow.md"
ACCESS = Path(__file__).parent / "how-to" / "people-and-access.md"
CHANNELS = Path(__file__).parent / "reference" / "channels.md"


def states() -> str:
    """Draw the moves of an entry as a Mermaid diagram; states that nothing leaves end."""
    lines = ["stateDiagram-v2", "    [*] --> scheduled"]
    for origin, goals in MOVES.items():
        lines += [f"    {origin} --> {goal}" for goal in sorted(goals)]
        if origin in FINAL and not goals:
            lines.append(f"    {origin} --> [*]")
    return "\n".join(["```mermaid", *lines, "```"])


def redrawn(page: Path, part: str, drawing: str) -> str:
    """Return a page written by hand, with one marked part of it drawn anew."""
    return re.sub(
        rf"(<!-- {part}: .*? -->\n).*?(?=<!-- /{part} -->)",
        lambda at: f"{at[1]}{drawing}\n",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def flow() -> str:
    """Return the page about the flow with the picture of an entry's moves."""
    return redrawn(FLOW, "states", states())


def channels() -> str:
    """Return the page about channels with the table of their abilities."""
    return redrawn(CHANNELS, "abilities", matrix.page())


def access() -> str:
    """Return the page about people with the table of roles."""
    return redrawn(ACCESS, "roles", roles())


def roles() -> str:
    """Draw what each role may do, the whole house's actions with a star."""
    lines = [f"| | {' | '.join(Role)} |", f"|---|{'---|' * len(Role)}"]
    for action in Action:
        star = " *" if action in WHOLE_HOUSE else ""
        grants = " | ".join("" if grant is Grant.NO else grant.words for grant in granted(action))
        lines.append(f"| {action.words}{star} | {grants} |")
    return "\n".join([*lines, "", "\\* for nobody who is limited to some locations or brands."])


def openapi() -> str:
    """Describe the API; its routes are asked nothing, so they need no desk."""
    described = api.described(routes.routers(cast("Desk", None)))
    return f"{json.dumps(described, indent=2, ensure_ascii=False)}\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "explanation/flow.md": flow,
    "how-to/people-and-access.md": access,
    "reference/channels.md": channels,
    "reference/codes.md": codes.page,
    "reference/commands.md": reference.page,
    "reference/events.md": event_reference.page,
    "reference/metrics.md": metrics.page,
    "reference/openapi.json": openapi,
    "reference/reasons.md": reasons.page,
    "reference/settings.md": config.reference,
    "reference/template-variables.md": template_words.page,
}


def main() -> None:
    """Write every page that differs, and name it."""
    for name, page in PAGES.items():
        path = Path(__file__).parent / name
        text = page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{name} written")


if __name__ == "__main__":
    main()
