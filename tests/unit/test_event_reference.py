"""What is written about events is what intake does."""

import json
import re
from pathlib import Path
from typing import Any

from orchestrator.intake import Incoming, Place, parse
from orchestrator.intake.codes import EVENT_CODES
from orchestrator.intake.reference import page
from orchestrator.intake.types import CORE, json_schema
from orchestrator.model import Kind, Purpose
from tests.builders import at, promised
from tests.deciding import book, decide

ROOT = Path(__file__).parents[2]


def test_the_page_about_events_is_the_one_the_code_writes() -> None:
    written = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    assert written == page(), "stale: run `make docs`"


def test_every_example_on_the_page_is_accepted() -> None:
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", page(), re.DOTALL)]
    assert [example["type"] for example in examples] == list(CORE)
    for example in examples:
        assert isinstance(parse(example, at("2026-03-02 10:00"), place=Place("page")), Incoming)


def test_every_code_that_is_said_is_explained_and_every_explained_code_is_said() -> None:
    sources = [
        path.read_text() for path in (ROOT / "orchestrator").rglob("*.py") if path.name != "event_codes.py"
    ]
    assert {code for text in sources for code in re.findall(r'"(E\d{3})"', text)} == set(EVENT_CODES)


def test_the_schema_knows_every_type_and_every_purpose() -> None:
    schema = json_schema()
    assert set(schema["$defs"]) == set(CORE)
    words: list[Any] = schema["$defs"]["consent.given"]["properties"]["purpose"]["anyOf"][0]["enum"]
    assert words == ["", *Purpose]


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    schema = json_schema()
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(schema))
    assert references
    for reference in references:
        found = schema
        for part in reference.split("/"):
            found = found[part]
        assert found["type"] == "object"


def test_the_task_that_the_pages_answer_has_the_key_that_the_engine_gives_it() -> None:
    rules = book(
        "{id: not-arrived, on: {missed: arrived}, rungs: [{say: late, task: {for: owner, do: call}}]}"
    )
    told = promised("O-1", "arrived", "2026-03-12", "2026-03-02 10:00")
    decision = decide(rules, told, now="2026-03-13 09:00")
    given = next(note for note in decision.wanted if note.kind is Kind.TASK)

    for name in ("docs/reference/events.md", "docs/how-to/send-events.md"):
        assert given.key.partition("/")[2] in (ROOT / name).read_text(encoding="utf-8")
