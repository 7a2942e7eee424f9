"""What Jinja cannot read is told in our words, at the line where the cause stands."""

from pathlib import Path

import pytest

from orchestrator.errors import Problem
from orchestrator.render import Renderer


def found(tmp_path: Path, text: str, name: str = "push.txt.en.j2") -> list[Problem]:
    (tmp_path / "car" / "here").mkdir(parents=True)
    (tmp_path / "car" / "here" / name).write_text(text, encoding="utf-8")
    return [problem for problem in Renderer(tmp_path, {}).problems() if problem.code == "T010"]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("Hello\n{% if order.id %}\nb\n\nc\n", 2, 4, "'if' is never closed"),
        ("Hello\nyou {{ order.id\nand you\n", 2, 5, "'{{' is never closed"),
        ("Hello\nyou {{ order.id", 2, 5, "'{{' is never closed"),
        ("Hello\nyou {{ order.id }\nand you, don't\n", 2, 5, "'{{' is never closed"),
        ("Hello\nyou {{ order.id\nand {{ order.id }}\n", 2, 5, "'{{' is never closed"),
        ("Hello\n{% if order.id\nb{% endif %}", 2, 1, "'{%' is never closed"),
        ("Hello\n\n{# what\nis this", 3, 1, "'{#' is never closed"),
        ("Hello\n{{ 'abc }}\nyou\n", 2, 4, "a quote is not closed"),
        ('Hello\n{{ "a', 2, 4, "a quote is not closed"),
        ("Hello\n{% endif %}\n", 2, 4, "'endif' closes nothing"),
        ("Hello\n{% iff order.id %}{% endif %}", 2, 4, "there is no statement 'iff'"),
        ("Hello\n{% for a in %}{% endfor %}", 2, 1, "nothing stands here"),
        ("Hello\n{% if order.id %}{% endfor %}", 2, 21, "'endfor' stands where 'endif' is awaited"),
        ("Hello\n{% else %}", 2, 4, "'else' belongs to no 'if'"),
        ("Hello\n{{ order id }}", 2, 10, "'id' is not expected here"),
        ("Hello\n{% if order.id = 'x' %}a{% endif %}", 2, 16, "'=' compares nothing"),
        ("Hello\n{{ order.id ? 'a' }}", 2, 13, "'?' means nothing here"),
        ("Hello\n{{ order.id ] }}", 2, 13, "']' closes nothing"),
        ("Hello\n{{ (order.id }}", 2, 14, "'}' stands where ')' is awaited"),
        ("Hello\n{{ }}", 2, 1, "nothing stands here"),
        ("Hello\n{{ order. }}", 2, 1, "a name is missing after the dot"),
        ("Hello\n{{ order.id | }}", 2, 1, "a name is missing here"),
        ("Hello\n{{ 1 if }}", 2, 1, "the expression ends too early"),
        ("Hello\n{% %}", 2, 1, "'{%' without a statement"),
        ("Hello\n{% raw %}x", 2, 4, "'raw' is never closed"),
        ("Hello {{ a }}, {{ order.id\nand you\n", 1, 16, "'{{' is never closed"),
        ("Hello {# a #}, {# what\nis this", 1, 16, "'{#' is never closed"),
        ("Hello {% if a %}b{% endif %}{% if c %}\n{% if d %}e{% endif %}\n\n", 1, 32, "'if' is never closed"),
        ("{% if a %}\n{% if b %}\n{% if c %}\n{% endif %}\nf\n", 2, 4, "'if' is never closed"),
        ("{# {% if x %} #}{%- if a %}\nf\n{% raw %}{% if x %}{% endraw %}", 1, 21, "'if' is never closed"),
        ("{% set a = 1 %}{% set b %}\nf\n{% set c = 2 %}", 1, 19, "'set' is never closed"),
        ("Hello {% for one in orders %}\n{{ one.id }}\n", 1, 10, "'for' is never closed"),
        ("Hello {% raw %} {{ \n\nyou", 1, 10, "'raw' is never closed"),
        ("Title: {{ order.id\n\nHello", 1, 8, "'{{' is never closed"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_in_our_words_at_the_line_of_its_cause(
    tmp_path: Path, text: str, line: int, column: int, message: str
) -> None:
    (problem,) = found(tmp_path, text)
    assert (problem.message, problem.line, problem.column) == (message, line, column)
    assert problem.hint
    assert problem.source == text.split("\n")[line - 1]


def test_a_misspelt_statement_gets_the_one_that_was_meant(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, "Hello\n{% esle %}")
    assert problem.hint == "did you mean 'else'?"


def test_a_mail_in_html_is_no_different(tmp_path: Path) -> None:
    text = "<mjml><mj-body><mj-section>\n<mj-text>{{ order.id</mj-text></mj-section></mj-body></mjml>"
    assert [(p.line, p.message) for p in found(tmp_path, text, "email.html.en.j2")] == [
        (2, "'{{' is never closed")
    ]
