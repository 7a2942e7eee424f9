"""What a template asks of a channel that it cannot do is found by the check, and nothing else is."""

from pathlib import Path

import pytest

from channels.base import Abilities
from orchestrator.render import Renderer
from orchestrator.render.abilities import beyond
from tests.installation import Home, home

__all__ = ["home"]

CHANNELS = {"email": Abilities(rich=True), "sms": Abilities(), "pigeon": Abilities(max_length=20)}


def found(folder: Path, **files: str) -> list[tuple[str, str]]:
    place = folder / "templates" / "new-car" / "arrived"
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name.replace('_', '.')}.en.j2").write_text(text, encoding="utf-8")
    renderer = Renderer(folder / "templates", {})
    return [(problem.code, problem.message) for problem in beyond(renderer, CHANNELS)]


def test_html_for_a_channel_that_shows_none_is_an_error(tmp_path: Path) -> None:
    wrong = found(tmp_path, email_html="<p>Hi</p>", sms_html="<p>Hi</p>", sms_txt="Hi", fax_html="<p>Hi</p>")
    assert wrong == [("T046", "sms shows no HTML")]


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("It has arrived.", False),
        ("It has arrived at last, and is here.", True),
        ("It is here{% if true %}, and much more is said of it{% endif %}.", False),
        ("{{ a_name_of_more_than_twenty_letters }} is here", False),
        ("{# a remark that nobody reads at all #}Here.", False),
        ("{% for x in y %}It is here.{% endfor %}{% set z = 1 %}Come at once, and bring it.", True),
        ("broken {% if %} and longer than twenty characters", False),
    ],
)
def test_a_text_that_is_too_long_whatever_is_filled_in_is_an_error(
    tmp_path: Path, text: str, long: bool
) -> None:
    wrong = found(tmp_path, pigeon_txt=text, sms_txt=text)
    assert [code for code, _ in wrong] == ["T046"] * long


def test_check_tells_of_them_with_everything_else(home: Home) -> None:
    home.write("templates/new-car/arrived/sms.html.en.j2", "<p>Your car is here.</p>")
    code, out, _ = home.run("check")
    assert code == 1
    assert "arrived/sms.html.en.j2:1:1: T046 sms shows no HTML" in out
