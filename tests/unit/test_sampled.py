"""Every text is said with sample facts before anybody waits for it (T117)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from orchestrator import rules
from orchestrator.errors import Problem
from orchestrator.render import Rendered, Renderer
from orchestrator.render.review import review
from orchestrator.render.sampled import Sampled
from orchestrator.render.source import split_path
from tests.builders import COMPANY

ROOT = Path(__file__).parents[2]
CHANNELS = ("email", "sms", "push")
JOURNEY = """\
version: 1
journey: car
milestones: [arrived, collected]
promises: {collected: arrived + 3bd}
rules:
  - {id: here, on: {reached: arrived}, say: here, tells: collected, channels: [sms, email, push]}
"""
SAID = (
    "Hello {{ customer.greeting }}, your car is here. I will call you by {{ next_update.text }}. "
    "Just reply. {{ sender.name }}"
)
FILES = {
    "car/here/email.txt.en.j2": f"Subject: It is here\n\n{SAID}\n",
    "car/here/email.html.en.j2": "<mj-text>\n{{ body }}</mj-text>\n",
    "car/here/push.txt.en.j2": f"Title: It is here\n\n{SAID}\n",
    "car/here/sms.txt.en.j2": SAID,
    "shared/layout.html.j2": (
        '<mjml><mj-body>\n<mj-section><mj-column>{% include "content" %}</mj-column></mj-section>'
        '\n<mj-section><mj-column>{% include "shared/footer.html" %}</mj-column></mj-section>'
        "\n</mj-body></mjml>\n"
    ),
    "shared/footer.html.j2": "<mj-text>{{ company.name }}</mj-text>\n",
}
BROKEN = "<mj-text>{{ 1 // 0 }}</mj-text></mj-column></mj-section>"
FAILING = {
    "a division by nothing": "{{ 1 // 0 }}",
    "a macro that calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a tuple of any length": "{{ (1,) * 999999999 }}",
    "loops in loops": (
        "{% set many = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] %}"
        + "".join(f"{{% for a{n} in many %}}" for n in range(8))
        + "x"
        + "{% endfor %}" * 8
    ),
    "a text that grows": "{% set n = namespace(t='x') %}"
    "{% for a in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20] %}"
    "{% set n.t = n.t ~ n.t %}{% endfor %}",
    "what sample facts have not": "{{ customer.name.nothing }}",
}


def found(folder: Path, files: dict[str, str], broken: tuple[str, ...] = ()) -> list[Problem]:
    for name, text in files.items():
        path = folder / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    renderer = Renderer(folder / "templates", COMPANY)
    assert {problem.path for problem in renderer.problems()} == {f"templates/{path}" for path in broken}
    book, problems = rules.load({"rules/car.yaml": JOURNEY}, templates=renderer.names(), channels=CHANNELS)
    assert problems == []
    return review(renderer, book, broken, complete=None)


def test_texts_that_print_have_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, FILES) == []


@pytest.mark.parametrize("what", FAILING)
@pytest.mark.parametrize("path", [path for path in FILES if ".txt" in path])
def test_a_text_that_always_fails_is_found_on_every_channel(tmp_path: Path, path: str, what: str) -> None:
    failing = {**FILES, path: f"{FILES[path].rstrip()}\n{FAILING[what]}\n"}

    (problem,) = found(tmp_path, failing)

    assert (problem.code, problem.path) == ("T117", f"templates/{path}")
    assert problem.line == failing[path].count("\n")


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        ("car/here/email.txt.en.j2", "Subject: It", "Subject: {{ 1 // 0 }}It", 1),
        ("car/here/email.txt.en.j2", "is here\n\n", "is here\nPreview: {{ 1 // 0 }}\n\n", 2),
        ("car/here/push.txt.en.j2", "Title: It", "Title: {{ 1 // 0 }}It", 1),
        ("car/here/push.txt.en.j2", "here\n\n", "here\nLink: https://car.example/{{ 1 // 0 }}\n\n", 2),
        ("car/here/email.html.en.j2", "{{ body }}", "{{ body }}{{ 1 // 0 }}", 2),
        ("shared/layout.html.j2", "<mj-body>", "<mj-body><mj-section><mj-column>" + BROKEN, 1),
        ("shared/footer.html.j2", "{{ company.name }}", "{{ 1 // 0 }}", 1),
    ],
)  # fmt: skip
def test_what_fails_in_a_header_or_in_the_html_is_found_where_it_stands(
    tmp_path: Path, path: str, before: str, after: str, line: int
) -> None:
    assert before in FILES[path]

    (problem,) = found(tmp_path, {**FILES, path: FILES[path].replace(before, after)})

    assert (problem.code, problem.path, problem.line) == ("T117", f"templates/{path}", line)


def test_html_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    path = "car/here/email.html.en.j2"
    files = {**FILES, path: FILES[path] + "{% if %}"}

    assert "T117" not in {problem.code for problem in found(tmp_path, files, broken=(path,))}


def test_what_fails_in_a_text_that_goes_with_a_mail_is_found(tmp_path: Path) -> None:
    mail = FILES["car/here/email.txt.en.j2"].replace("here\n\n", "here\nAttach: shared/list.txt\n\n")

    problems = found(
        tmp_path, {**FILES, "car/here/email.txt.en.j2": mail, "shared/list.txt.j2": "a\n{{ 1 // 0 }}\n"}
    )

    assert [(p.code, p.path, p.line) for p in problems] == [("T117", "templates/shared/list.txt.j2", 2)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ 1 // 0 }}", "it divides by nothing"),
        ("{{ 1 < 'a' }}", "it puts values together that do not go together, such as a text and a number"),
        ("{{ [3, 'a'] | sort }}", "it puts values together that do not go together"),
        ("{{ 5 | join }}", "it puts values together that do not go together"),
        ("{{ customer.name.nothing }}", "nothing here is called '.nothing'"),
    ],
)
def test_what_fails_is_told_in_words_and_not_in_those_of_python(tmp_path: Path, text: str, why: str) -> None:
    (problem,) = found(tmp_path, {**FILES, "car/here/sms.txt.en.j2": f"{SAID}\n{text}\n"})

    assert why in problem.message
    assert "Error" not in problem.message
    assert " object" not in problem.message


def test_a_document_longer_than_any_mail_is_found(tmp_path: Path) -> None:
    long = FILES["car/here/email.html.en.j2"].replace("{{ body }}", "{{ body }}" + "word " * 45_000)

    (problem,) = found(tmp_path, {**FILES, "car/here/email.html.en.j2": long})

    assert (problem.code, "more than 200000 characters" in problem.message) == ("T117", True)


def test_a_text_of_more_parts_than_a_provider_takes_is_found(tmp_path: Path) -> None:
    problems = found(tmp_path, {**FILES, "car/here/sms.txt.en.j2": SAID + " word" * 400})

    assert [problem.code for problem in problems] == ["T117"]


@pytest.mark.parametrize(
    "path",
    [
        "new-car/arrived/email.txt.en.j2", "new-car/quiet-update/email.txt.de.j2",
        "shared/task/email.txt.en.j2", "parcel/delivered/push.txt.en.j2",
    ],
)  # fmt: skip
def test_a_shipped_text_that_was_broken_is_found(tmp_path: Path, path: str) -> None:
    copytree(ROOT / "templates", tmp_path / "templates")
    file = tmp_path / "templates" / path
    file.write_text(file.read_text(encoding="utf-8").rstrip("\n") + "\n{{ 1 // 0 }}\n", encoding="utf-8")
    renderer = Renderer(tmp_path / "templates", COMPANY)
    book, _ = rules.load(rules.read(ROOT / "rules"), templates=renderer.names())

    problems = [problem for problem in review(renderer, book, complete=None) if problem.code == "T117"]

    assert [problem.path for problem in problems] == [f"templates/{path}"]
    assert problems[0].source == "{{ 1 // 0 }}"


def shipped() -> Iterator[str]:
    return (
        path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").glob("*/*/*.txt.*")
    )


class NothingToRender(Renderer):
    """Refuses what only rendering could tell."""

    def render_file(self, path: str, context: Mapping[str, Any]) -> Rendered:
        raise AssertionError(path)


def test_every_shipped_text_is_said_as_it_is_rendered_and_none_has_to_be_compiled() -> None:
    renderer = Renderer(ROOT / "templates", COMPANY)
    book, _ = rules.load(rules.read(ROOT / "rules"), templates=renderer.names())
    sampled = Sampled(NothingToRender(ROOT / "templates", COMPANY), book.policy)
    texts = sorted(shipped())
    assert len(texts) > 180
    for path in texts:
        name, _, locale = split_path(path) or ("", "", "")
        journey = book.journeys.get(name.partition("/")[0], book.journeys["new-car"])
        text = renderer.render_file(path, sampled.words(journey, name, locale)).text
        assert sampled.say(path, journey) == text, path
