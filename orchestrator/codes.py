"""The reference of every code a problem can carry, as one page; docs/reference/codes.md is made of it."""

from collections.abc import Iterator, Mapping

from orchestrator.config.codes import SETTING_CODES
from orchestrator.findings import Code
from orchestrator.intake.codes import EVENT_CODES
from orchestrator.render.codes import TEMPLATE_CODES
from orchestrator.rule_tests.codes import TEST_CODES
from orchestrator.rules.codes import RULE_CODES
from orchestrator.tables.codes import TABLE_CODES

SECTIONS: Mapping[str, Mapping[str, Code]] = {
    "Rules": RULE_CODES,
    "Events": EVENT_CODES,
    "Tables": TABLE_CODES,
    "Templates": TEMPLATE_CODES,
    "Rule tests": TEST_CODES,
    "Settings": SETTING_CODES,
}

CODES: Mapping[str, Code] = {
    code: meaning for section in SECTIONS.values() for code, meaning in section.items()
}


def page() -> str:
    """Return every code with what it means and how to mend it, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Codes\n"
    yield "<!-- written by `make docs` from orchestrator/codes.py -->\n"
    yield (
        "A problem is printed as `path:line:column: CODE message`, with the line, a caret and a hint, all "
        "of them in one run. A rule with a problem is left out; the others count.\n"
    )
    for title, section in SECTIONS.items():
        yield f"## {title}\n"
        for code, meaning in section.items():
            yield f"### {code}: {meaning.title}\n\n{meaning.explanation}\n\n*Mend:* {meaning.mend}\n"
