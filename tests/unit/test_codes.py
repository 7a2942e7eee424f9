"""Every code is documented, every documented code exists, and the page is not stale."""

import re
from pathlib import Path

import pytest

from orchestrator import codes
from orchestrator.conditions.fields import FIELDS
from orchestrator.journey import On
from orchestrator.literals import UNITS
from orchestrator.rules.codes import RULE_CODES
from orchestrator.rules.schema import ATTRIBUTE_TYPES, SHAPES, FileShape, Shape

ROOT = Path(__file__).parents[2]


def test_the_page_of_codes_is_what_the_registry_says() -> None:
    page = (ROOT / "docs" / "reference" / "codes.md").read_text(encoding="utf-8")
    assert page == codes.page(), "run `make docs`"


def test_the_code_for_rules_uses_every_registered_code_and_no_other() -> None:
    folders = (ROOT / "orchestrator" / "rules", ROOT / "orchestrator" / "conditions", ROOT / "orchestrator")
    sources = [path for folder in folders for path in folder.glob("*.py") if path.name != "codes.py"]
    used = {code for path in sources for code in re.findall(r'"(R\d{3})"', path.read_text(encoding="utf-8"))}
    assert used == set(RULE_CODES)


@pytest.mark.parametrize("code", codes.CODES)
def test_each_code_says_what_it_means_and_how_to_mend_it(code: str) -> None:
    meaning = codes.CODES[code]
    assert re.fullmatch(r"[A-Z]\d{3}", code)
    assert len({meaning.title, meaning.explanation, meaning.mend} - {""}) == 3
    assert meaning.explanation.endswith(".")
    assert meaning.mend.rstrip("`").endswith((".", "?"))


def test_no_code_is_given_twice() -> None:
    assert len(codes.CODES) == sum(map(len, codes.SECTIONS.values()))


def test_the_reference_names_every_trigger_parameter_key_and_field() -> None:
    page = (ROOT / "docs" / "reference" / "triggers.md").read_text(encoding="utf-8")
    shapes: tuple[type[Shape], ...] = (FileShape, *SHAPES.values())
    keys = {field.alias or name for shape in shapes for name, field in shape.model_fields.items()}
    assert [word for word in sorted({*On, *keys, *UNITS, *ATTRIBUTE_TYPES}) if f"`{word}" not in page] == []
    for name, field in FIELDS.items():
        assert f"| `{name}` | {field.type} | {field.meaning} |" in page
