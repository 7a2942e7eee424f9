"""Plain templates are cut without Jinja's lexer, and into the same pieces."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from orchestrator.render import source
from orchestrator.render.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
JINJA = Sandbox(autoescape=False)
OPEN = ["{", "}", "{{", "}}", "{%", "%}", "#}", "'", '"', "a", " ", "\n", "\r\n", "\u2028"]
PRINTED = ["{{ x }}", "{{- x }}", "{{ x -}}", "{{ x+ }}", "{{\nx\n}}", "{{ '}}' }}", "{{ {'a': 1} }}"]
QUOTED = ['{{ "a\\"}}" }}', '{{ "#}" }}', "{% set x = 'a%}' %}", "{{ x % 2 }}", "{{ x }}}", "{{{ x }}"]
SAID = ["{% if x %}", "{%if x-%}", "{%+ if x %}", "{% endif %}", "{% if 4 % 2 %}", "{%- raw -%}"]
UNSAID = ["{% raw %}", "{% endraw %}", "{# x #}", "{#- x #}", "{# {{ x }} #}", "{# a\nb #}"]
PARTS = st.sampled_from([*OPEN, *PRINTED, *QUOTED, *SAID, *UNSAID])


@example("{{{ x }}}")
@given(st.lists(PARTS, max_size=8).map("".join))
def test_a_source_is_cut_as_jinja_cuts_it(text: str) -> None:
    try:
        by_lexer = list(source._cut(text, "t", JINJA))
    except TemplateSyntaxError:
        return
    assert source._cut_plain(text, "t") in ([], by_lexer)


@pytest.mark.parametrize("folder", sorted(path.name for path in (ROOT / "templates").iterdir()))
def test_the_texts_we_ship_are_plain(folder: str) -> None:
    for file in (ROOT / "templates" / folder).rglob("*.j2"):
        text = file.read_text(encoding="utf-8")
        assert source._cut_plain(text, "t") == list(source._cut(text, "t", JINJA)), file
