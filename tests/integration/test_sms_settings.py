"""What the settings of texts make of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import registry
from orchestrator import config, errors
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from tests.integration.texting import MARIA, TEXT

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with TwilioServer() as running:
        yield running


LIVE = f"""\
[channels.sms]
live = true
account = "{ACCOUNT}"
sender = "{SENDER}"
country = "DE"
callback_url = "https://hooks.lindner.example/twilio"
timeout = "5s"
connections = 3
"""


def loaded(folder: Path, text: str, **environ: str) -> Any:
    (folder / "config.toml").write_text(text)
    return config.load(folder / "config.toml", environ)


async def test_settings_make_the_channel_and_the_token_comes_from_a_file(
    tmp_path: Path, server: TwilioServer
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    settings = loaded(
        tmp_path,
        f'{LIVE}url = "{server.url}"\n',
        BEFOREHAND_CHANNELS__SMS__TOKEN_FILE=str(tmp_path / "token"),
    )
    channel = registry.build("sms", settings.channels.sms, outbox=tmp_path)
    assert channel.abilities.concurrency == 3
    await channel.send(replace(TEXT, to="030 23125123"))
    await channel.close()
    (text,) = server.texts
    assert (text.to, text.sender) == (MARIA, SENDER)
    assert text.callback.startswith("https://hooks.lindner.example/twilio?entry=4711/arrived")
    assert TOKEN not in repr(settings)


async def test_until_it_is_live_a_text_is_a_file(tmp_path: Path) -> None:
    settings = loaded(tmp_path, LIVE.replace("live = true\n", ""))
    channel = registry.build("sms", settings.channels.sms, outbox=tmp_path / "outbox")
    await channel.send(TEXT)
    assert [path.suffix for path in (tmp_path / "outbox").iterdir()] == [".sms"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (("sender =", "# sender ="), "a live SMS channel needs its sender"),
        (('"DE"', '"Germany"'), "'Germany' is not a country"),
        (('"DE"', '"XX"'), "'XX' is not a country"),
        ((ACCOUNT, "my account"), "'my account' is no SID of that kind"),
        (("sender =", 'messaging_service = "AC1"\nsender ='), "'AC1' is no SID of that kind"),
        (
            ("country =", 'url = "http://twilio.example"\ncountry ='),
            "the token would go to Twilio unencrypted",
        ),
        (("https://hooks", "hooks"), "is no address"),
        (("hooks.lindner", "hooks_lindner"), "is no address"),
        (("account =", "# account ="), "needs account"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_sent(
    tmp_path: Path, wrong: tuple[str, str], why: str
) -> None:
    with pytest.raises(errors.Problems, match=why):
        loaded(tmp_path, LIVE.replace(*wrong), BEFOREHAND_CHANNELS__SMS__TOKEN=TOKEN)
