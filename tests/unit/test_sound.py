"""A template that is told to be in order at a glance is in order when it is parsed whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.render import Renderer
from orchestrator.render.check import of_source
from orchestrator.render.sound import unproblematic
from tests.builders import COMPANY

SHIPPED = Renderer(Path(__file__).parents[2] / "templates", COMPANY)
JINJA = SHIPPED.text_env


def whole(source: str) -> list[str]:
    return [
        problem.code for problem in of_source(SHIPPED, "new-car/x/sms.txt.en.j2", source, JINJA, html=False)
    ]


def test_nearly_every_file_we_ship_is_told_at_a_glance() -> None:
    plain = [
        path
        for path, source in SHIPPED.files.items()
        if unproblematic(
            source, SHIPPED.html_env if ".html" in path else JINJA, {"subject", "preview", "body"}
        )
    ]
    assert len(plain) > 0.9 * len(SHIPPED.files)


@pytest.mark.parametrize(
    "source",
    [
        "{{ nobody }}",
        "{{ promise.txt }}",
        "{{ promise | uper }}",
        "{{ 'a' is strange }}",
        "{% if promise %}",
        "{% endif %}",
        "{% if promise %}{% else %}{% elif told %}{% endif %}",
        "{% if promise %}{% endif promise %}",
        "{% if promise %}{% else %}{% else %}{% endif %}",
        "{% if %}{% endif %}",
        "{% set %}",
        "{% extends 'x' %}",
        "{% include promise %}",
        "{{ promise",
        "{% if promise",
        "{{ 'a }} b",
        "{{ }}",
        "{% fi %}",
    ],
)
def test_what_is_wrong_is_never_told_to_be_in_order(source: str) -> None:
    assert whole(source)
    assert not unproblematic(source, JINJA)


MARKUP = [
    "{{ promise.text }}", "{{ car }}", "{{ promise.txt }}", "{{ '}}' }}", "{{ {'a': 1}}}", "{{- told -}}",
    "{{ x | upper }}", "{% if told %}", "{% elif promise.days > 0 %}", "{% else %}", "{% endif %}",
    "{%- if told -%}", "{% if '%}' %}", "{% set car = 'x' %}", "{% set told = 1 %}", "{# told #}",
    '{% include "shared/greeting.txt" %}', "{% raw %}", "{% endraw %}", "{% for x in [1] %}", "{% endfor %}",
    "text", "\n", "{", "}}", "%}", "{{", "{%",
]  # fmt: skip


@given(st.lists(st.sampled_from(MARKUP), max_size=8).map("".join))
def test_told_at_a_glance_means_without_a_problem(source: str) -> None:
    if unproblematic(source, JINJA):
        assert whole(source) == []
