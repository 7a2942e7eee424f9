"""Channels of other people's packages: found, set up, checked and used as ours are."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from channels import registry
from channels.base import Misconfigured
from channels.file import FileChannel
from orchestrator import config
from orchestrator.cli import house
from orchestrator.errors import Problem, Problems
from orchestrator.model import Status
from orchestrator.rules import load
from tests.integration.dealership import RULES, WORDS, Dealership, arrived, customer, order
from tests.plugged import PIGEON, install, pigeon

__all__ = ["pigeon"]
pytestmark = pytest.mark.usefixtures("pigeon")

TOKEN = {"BEFOREHAND_CHANNELS__PIGEON__TOKEN": "coo"}
LIVE = '[channels.pigeon]\nlive = true\nloft = "tower"\n'


def settings(folder: Path, text: str, environ: Mapping[str, str] = TOKEN) -> config.Settings:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, environ)


def wrong(folder: Path, text: str, environ: Mapping[str, str] = TOKEN) -> list[Problem]:
    with pytest.raises(Problems) as caught:
        settings(folder, text, environ)
    return list(caught.value.problems)


def test_a_table_of_its_name_makes_a_channel_of_it(tmp_path: Path) -> None:
    channels = house.channels(settings(tmp_path, LIVE))
    assert type(channels["pigeon"]).__name__ == "Birds"
    assert isinstance(channels["email"], FileChannel)


def test_a_channel_of_another_name_says_its_kind(tmp_path: Path) -> None:
    chosen = settings(tmp_path, '[channels.night_post]\nkind = "pigeon"\n', {})
    channels = house.channels(chosen)
    assert channels["night_post"].name == "night_post"
    assert house.abilities(chosen)["night_post"].max_length == 40


def test_the_environment_alone_can_name_a_channel() -> None:
    environ = {"BEFOREHAND_CHANNELS__POST__KIND": "pigeon", "BEFOREHAND_CHANNELS__POST__BIRDS": "3"}
    post = config.load(None, environ).channels.named()["post"]
    assert post.model_dump()["birds"] == 3


def test_without_its_table_a_channel_does_not_exist(tmp_path: Path) -> None:
    assert "pigeon" not in house.channels(settings(tmp_path, "", {}))


def test_it_goes_to_the_outbox_until_it_is_live(tmp_path: Path) -> None:
    assert isinstance(house.channels(settings(tmp_path, "[channels.pigeon]\n", {}))["pigeon"], FileChannel)


def test_its_settings_are_checked_with_all_the_others(tmp_path: Path) -> None:
    found = wrong(tmp_path, "[channels.pigeon]\nlfot = 'x'\nbirds = 99\nrest = 'soon'\n[server]\nport = 0\n")
    assert [(problem.line, problem.code) for problem in found] == [
        (2, "C003"),
        (3, "C005"),
        (4, "C010"),
        (6, "C005"),
    ]
    assert found[0].hint == "did you mean 'loft'?"


@pytest.mark.parametrize(
    ("text", "code", "line", "said"),
    [
        ("[channels.pigeon]\nbirds = 11", "C032", 2, "so many birds need a loft"),
        ("[channels.pigeon]\nloft = 'roof'", "C032", 1, "a roof is no loft"),
        ("[channels.pigeon]\nlive = true", "C022", 1, "needs loft and token"),
        ("[channels.pigeon]\ntoken = 'coo'", "C030", 2, "token is a secret"),
        ("[channels.post]\nkind = 'pigoen'", "C033", 2, "no kind of channel called 'pigoen'"),
        ("[channels.pigoen]\nlive = true", "C003", 1, "'pigoen'"),
        ("[channels.owl]\nlive = true", "C034", 1, "'owl' cannot be used"),
        ("[channels.raven]\nlive = true", "C034", 1, "'raven' cannot be used"),
        ("[channels.'../x']\nkind = 'pigeon'", "C035", 1, "cannot be the name"),
    ],
)
def test_what_is_wrong_with_a_channel_stands_at_its_line(
    tmp_path: Path, text: str, code: str, line: int, said: str
) -> None:
    (found,) = wrong(tmp_path, text, {})
    assert (found.code, found.line) == (code, line)
    assert said in found.message


def test_a_hint_says_what_was_meant_or_why_it_is_broken(tmp_path: Path) -> None:
    texts = {
        "pigoen": "did you mean 'pigeon'?",
        "owl": "No module named 'acme_owl'",
        "raven": "no channels",
    }
    for kind, said in texts.items():
        (found,) = wrong(tmp_path, f"[channels.post]\nkind = '{kind}'", {})
        assert said in found.hint


def test_a_setting_without_a_default_must_be_written(tmp_path: Path) -> None:
    source = PIGEON.replace('Field(default="1h", validate_default=True,', "Field(")
    install(tmp_path / "site", "acme_strict", source, {"strict": "acme_strict:KIND"})
    registry.KINDS.look_again()
    (found,) = wrong(tmp_path, "[channels.strict]\n", {})
    assert (found.code, found.message) == ("C036", "rest is missing")


def test_two_packages_that_bring_the_same_kind_are_refused(tmp_path: Path) -> None:
    install(tmp_path / "site", "acme_dove", PIGEON, {"pigeon": "acme_dove:KIND"})
    registry.KINDS.look_again()
    (found,) = wrong(tmp_path, "[channels.pigeon]\n", {})
    assert found.hint == "several packages bring it: acme-dove 1.2, acme-pigeon 1.2"


def test_a_package_cannot_take_the_place_of_ours(tmp_path: Path) -> None:
    assert registry.find("email") is not None
    assert settings(tmp_path, "[channels.email]\nhost = 'mx.example.com'\n", {}).channels.email.port == 587


def test_a_secret_is_masked_and_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("coo\n", encoding="utf-8")
    chosen = settings(tmp_path, LIVE, {"BEFOREHAND_CHANNELS__PIGEON__TOKEN_FILE": str(file)})
    rows = {row.name: row for row in config.rows(chosen)}
    assert rows["channels.pigeon.token"].value == config.MASK
    assert rows["channels.pigeon.token"].origin == "environment BEFOREHAND_CHANNELS__PIGEON__TOKEN_FILE"
    assert rows["channels.pigeon.loft"].origin.endswith("config.toml:3")
    assert "coo" not in repr(chosen)


def test_a_variable_of_a_table_that_cannot_be_used_is_no_second_problem(tmp_path: Path) -> None:
    (found,) = wrong(tmp_path, "[channels.owl]\n", {"BEFOREHAND_CHANNELS__OWL__WINGS": "2"})
    assert found.code == "C034"


def test_a_rule_may_name_it_and_no_other(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "[channels.pigeon]\n", {})
    text = (
        "version: 1\njourney: parcel\nphases: {all: [sent, there]}\nrules:\n"
        "  - {id: x, on: {reached: there}, say: y, channels: [pigeon, pigoen]}\n"
    )
    _, problems = load({"r.yaml": text}, channels=house.abilities(chosen), policy=chosen.policy())
    assert [(problem.code, problem.hint) for problem in problems] == [("R012", "did you mean 'pigeon'?")]


def test_a_message_of_a_rule_leaves_through_it_and_only_through_it(tmp_path: Path) -> None:
    channels = house.channels(settings(tmp_path, LIVE))
    rules = RULES.replace("channels: [email]", "channels: [pigeon]")
    words = {
        **WORDS,
        "arrived/pigeon.txt.en": "Title: Here\n\nHello {{ customer.given_name }}, it is here.\n",
    }
    dealership = Dealership(tmp_path, channels, rules_text=rules, words=words)
    dealership.hear(customer(), order(), arrived())
    dealership.drain()
    (sent,) = vars(channels["pigeon"])["sent"]
    assert (sent.to, sent.title, sent.text.strip()) == ("maria", "Here", "Hello Maria, it is here.")
    assert dealership.entry().status is Status.ACCEPTED
    dealership.close()


def test_settings_of_one_kind_make_no_channel_of_another(tmp_path: Path) -> None:
    live = config.Settings().channels.email.model_copy(update={"live": True})
    with pytest.raises(Misconfigured):
        registry.build("pigeon", live, outbox=tmp_path)
