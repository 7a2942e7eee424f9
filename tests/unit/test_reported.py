"""How far one hears of a message by each channel: what rules may wait for (DESIGN §4.5)."""

from pathlib import Path

import pytest

from orchestrator import config
from orchestrator.cli import house

LIVE_SMS = """
[channels.sms]
live = true
account = "AC00000000000000000000000000000001"
sender = "+12025550100"
"""
TOKEN = {"BEFOREHAND_CHANNELS__SMS__TOKEN": "secret"}
CALLED = '[server]\npublic_url = "https://updates.example.com"\n'


def reports(tmp_path: Path, text: str, *, live: bool = False) -> dict[str, str]:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return house.reports(config.load(file, TOKEN), live=live)


def test_a_provider_reports_as_its_kind_declares_and_an_app_as_the_settings_say(tmp_path: Path) -> None:
    assert reports(tmp_path, "") == {"sms": "delivered"}
    assert reports(tmp_path, '[channels.push]\nreported = "opened"\n')["push"] == "opened"
    assert reports(tmp_path, '[channels.sms]\nreported = "opened"\n')["sms"] == "opened"


@pytest.mark.parametrize(("more", "heard"), [("", {}), (CALLED, {"sms": "delivered"})])
def test_a_provider_that_does_not_know_where_to_call_reports_nothing(
    tmp_path: Path, more: str, heard: dict[str, str]
) -> None:
    assert reports(tmp_path, LIVE_SMS + more, live=True) == heard


@pytest.mark.parametrize("called", ["", CALLED])
def test_what_is_in_the_outbox_is_waited_for_as_it_will_be_once_it_is_live(
    tmp_path: Path, called: str
) -> None:
    text = f'[channels.push]\nreported = "opened"\n{called}'
    assert reports(tmp_path, text, live=True) == {"push": "opened", "sms": "delivered"}


def test_who_reads_a_providers_callbacks_hears_whether_mail_was_delivered(tmp_path: Path) -> None:
    postmark = '[callbacks.postmark]\nchannel = "email"\nusername = "hook"\n'
    file = tmp_path / "config.toml"
    file.write_text(postmark, encoding="utf-8")
    secret = {"BEFOREHAND_CALLBACKS__POSTMARK__PASSWORD": "secret"}

    assert house.reports(config.load(file, secret))["email"] == "delivered"
