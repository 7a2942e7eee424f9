"""Only who sends needs the secrets: in any other shell one still looks, plans, and stops the daemon."""

import os
from pathlib import Path

import pytest

from orchestrator.config import load
from orchestrator.errors import Problems
from tests.installation import Home, home

__all__ = ["home"]

LIVE = """
[sender]
email = "service@example.com"
[sender.service]
bounces = "bounces@example.com"
[channels.email]
live = true
host = "smtp.example.com"
username = "beforehand"
dkim_selector = "summer26"
[channels.sms]
live = true
account = "AC00000000000000000000000000000000"
sender = "+12025550100"
[channels.push]
live = true
web_contact = "mailto:push@example.com"
[channels.hook]
kind = "webhook"
live = true
url = "https://example.com/hook"
[callbacks.sendgrid]
[callbacks.mailgun]
[subscribers.crm]
url = "https://crm.example.com/hooks"
"""


QUIET = ("plan", "apply", "pause --all", "channels list", "subscribers list", "people list")
SENDING = ("run", "serve", "check", "channels test sms --to +12025550101", "subscribers test crm")


def test_what_sends_nothing_works_without_the_secrets_and_the_doctor_says_which_are_not_here(
    home: Home,
) -> None:
    home.write("config.toml", LIVE)
    for command in QUIET:
        code, out, err = home.run(*command.split())
        assert code == 0, (command, out, err)
    (settings,) = (line for line in home.run("doctor")[1].splitlines() if line.startswith("settings"))
    assert settings.split()[1] == "well"
    assert "a live channel of this kind needs token" in settings


def test_who_sends_is_told_every_secret_that_is_missing(home: Home) -> None:
    home.write("config.toml", LIVE)
    for command in SENDING:
        code, out, err = home.run(*command.split())
        assert code == 2, command
        for said in ("username and password", "needs token", "web_key", "needs secret", "signing_key"):
            assert said in out + err, (command, said)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('account = "AC00000000000000000000000000000000"', 'account = "AC1"', "no SID of that kind"),
        ('sender = "+12025550100"\n', "", "needs its sender"),
        ('username = "beforehand"', 'user = "beforehand"', "no setting called 'user'"),
        ('url = "https://crm.example.com/hooks"', "", "url is missing"),
        ("[subscribers.crm]", "[callbacks.mailgum]\n[subscribers.crm]", "mailgum"),
    ],
)
def test_everything_else_that_is_wrong_is_wrong_for_everybody(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(LIVE.replace(right, wrong))
    with pytest.raises(Problems) as refused:
        load(file, os.environ, sends=False)
    assert said in " ".join(problem.message for problem in refused.value.problems)
    assert "needs token" not in " ".join(problem.message for problem in refused.value.problems)
