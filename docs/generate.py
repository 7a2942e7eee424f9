"""Write the generated pages of docs/ again (``make docs``); each has a test that fails when it is stale."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator import codes, config, event_reference, template_words
from orchestrator.cli import reference

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/codes.md": codes.page,
    "reference/commands.md": reference.page,
    "reference/events.md": event_reference.page,
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
