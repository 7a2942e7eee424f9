"""What a template asks of a channel that it cannot do is found by the check, and nothing else is."""

from pathlib import Path

import pytest

from channels.base import Abilities
from orchestrator.render import Renderer
from orchestrator.render.abilities import beyond
from tests.installation import Home, home

__all__ = ["home"]

CHANNELS = {
    "email": Abilities(rich=True, attachments=True),
    "sms": Abilities(),
    "pigeon": Abilities(max_length=20),
}


def found(folder: Path, **files: str) -> list[tuple[str, str]]:
    place = folder / "templates" / "new-car" / "arrived"
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name.replace('_', '.')}.en.j2").write_text(text, encoding="utf-8")
    renderer = Renderer(folder / "templates", {})
    return [(problem.code, problem.message) for problem in beyond(renderer, CHANNELS)]


def test_html_for_a_channel_that_shows_none_is_an_error(tmp_path: Path) -> None:
    wrong = found(tmp_path, email_html="<p>Hi</p>", sms_html="<p>Hi</p>", sms_txt="Hi")
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


def test_a_file_named_after_no_channel_is_an_error_and_says_what_may_be_meant(tmp_path: Path) -> None:
    place = tmp_path / "templates"
    files = {
        "new-car/arrived/whatsapp.txt.de.j2": "Hallo",
        "new-car/arrived/emial.html.en.j2": "<p>Hi</p>",
        "new-car/arrived/email.txt.en.j2": "Subject: Hi\nAttach: new-car/arrived/list.txt\n\nHi",
        "new-car/arrived/list.txt.en.j2": "what to bring",
        "shared/task/pigeons.txt.en.j2": "Hi",
        "shared/greeting.txt.en.j2": "Hi",
        "shared/layouts/linea.html.j2": "<mjml></mjml>",
    }
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")

    problems = sorted(beyond(Renderer(place, {}), CHANNELS), key=lambda problem: problem.path)

    assert [(problem.code, problem.message, problem.hint) for problem in problems] == [
        ("T047", "there is no channel called 'emial'", "did you mean 'email'?"),
        (
            "T047",
            "there is no channel called 'whatsapp'",
            "set it up below [channels.whatsapp], or remove the file",
        ),
        ("T047", "there is no channel called 'pigeons'", "did you mean 'pigeon'?"),
    ]


def test_check_knows_a_channel_that_is_set_up_under_a_name_of_its_own(home: Home) -> None:
    home.write("templates/new-car/arrived/whatsapp.txt.en.j2", "Your car is here.")
    assert "whatsapp.txt.en.j2:1:1: T047 there is no channel called 'whatsapp'" in home.run("check")[1]

    config = (home.folder / "config.toml").read_text(encoding="utf-8")
    home.write(
        "config.toml", f"{config}\n[channels.whatsapp]\nkind = 'webhook'\nurl = 'https://chat.example/in'\n"
    )
    assert "T047" not in home.run("check")[1]


@pytest.mark.parametrize("header", ["Attach: shared/what-to-bring.txt", "Calendar: invite arrived for 1h"])
def test_a_file_beside_a_text_that_takes_none_along_is_an_error(tmp_path: Path, header: str) -> None:
    (place := tmp_path / "templates" / "new-car" / "arrived").mkdir(parents=True)
    (place / "email.txt.en.j2").write_text(f"Subject: Here\n{header}\n\nHi\n", encoding="utf-8")
    renderer = Renderer(tmp_path / "templates", {})
    for attachments, codes in ((False, ["T046"]), (True, [])):
        wrong = list(beyond(renderer, {"email": Abilities(attachments=attachments)}))
        assert [problem.code for problem in wrong] == codes
        assert all(problem.line == 2 for problem in wrong)


@pytest.mark.parametrize("channel", ["sms", "push", "inbox"])
def test_check_refuses_a_file_on_a_channel_without_attachments(home: Home, channel: str) -> None:
    home.write(
        f"templates/new-car/arrived/{channel}.txt.en.j2", "Attach: shared/what-to-bring.txt\n\nIt is here.\n"
    )
    code, out, _ = home.run("check")
    assert code == 1
    assert f"arrived/{channel}.txt.en.j2:1:1: T022 {channel} has no header 'Attach'" in out


def test_check_says_where_there_is_no_text_for_the_inbox(home: Home) -> None:
    home.write("config.toml", (home.folder / "config.toml").read_text() + "\n[channels.inbox]\n")
    home.replace("rules/new-car.yaml", "channels: [sms, email]", "channels: [inbox, sms, email]")
    before = home.run("check")[1]
    assert "inbox" not in before  # the texts for push serve
    for path in (home.folder / "templates" / "new-car" / "not-arrived-yet").glob("push.*"):
        path.unlink()
    out = home.run("check")[1]
    assert "T111 'not-arrived' says it by inbox, and there is no inbox.txt" in out


def test_check_tells_of_them_with_everything_else(home: Home) -> None:
    home.write("templates/new-car/arrived/sms.html.en.j2", "<p>Your car is here.</p>")
    code, out, _ = home.run("check")
    assert code == 1
    assert "arrived/sms.html.en.j2:1:1: T046 sms shows no HTML" in out
