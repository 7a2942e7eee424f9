"""Each kind of mail leaves from an address of its own, and advertising never from the one of service."""

from pathlib import Path

import pytest

from channels.base import Message
from channels.inbound.signed import Signing, Use
from orchestrator.model import Purpose
from orchestrator.render.words import Brand
from orchestrator.sending.senders import From, Sender
from orchestrator.sending.ways_back import WaysBack
from tests.builders import event
from tests.installation import Home, home
from tests.integration.dealership import RULES, Dealership, arrived, customer, order

__all__ = ["home"]

HOUSE = Sender(
    "service@lindner.example",
    "Autohaus Lindner",
    postal_address="Ludwigstr. 1, 80539 Munich",
    purposes={
        Purpose.MARKETING: From("news@news.lindner.example", "Lindner News", "", "b@news.lindner.example"),
        Purpose.SECURITY: From(reply_to="security@lindner.example"),
    },
    brands={"classic": {Purpose.MARKETING: From("news@classic.example")}},
)
CLASSIC = Brand(
    name="Classic", key="classic", sender_name="Classic Cars", sender_email="hello@classic.example"
)
SIGNING = Signing(("a key of thirty-two characters!!",), ("news.lindner.example", "lindner.example"))


def mailed(folder: Path, purpose: str = "", ways: WaysBack | None = None) -> Message:
    """The mail that Maria gets when her car arrives, *purpose* being a line of the rule."""
    rules = RULES.replace("say: arrived\n", f"say: arrived\n{purpose}")
    made = Dealership(folder, rules_text=rules, sender=HOUSE, ways=ways)
    agreed = {"purpose": "marketing", "channel": "email", "evidence": "form"}
    made.hear(customer(), order(), event("consent.given", "maria", "2026-03-12 08:00", **agreed), arrived())
    made.drain()
    (message,) = made.channels["email"].messages  # type: ignore[attr-defined]
    made.close()
    return message


def test_marketing_leaves_from_its_own_address_under_its_own_name_and_comes_back_so(
    tmp_path: Path,
) -> None:
    message = mailed(tmp_path, "    purpose: marketing\n", WaysBack(SIGNING, "bounces@lindner.example"))
    assert (message.sender, message.sender_name) == ("news@news.lindner.example", "Lindner News")
    assert message.return_path.endswith("@news.lindner.example")
    assert SIGNING.proven(message.return_path, Use.BOUNCE) == message.message_id
    assert message.message_id.endswith("@news.lindner.example>")


def test_service_leaves_as_always(tmp_path: Path) -> None:
    message = mailed(tmp_path, "", WaysBack(SIGNING, "bounces@lindner.example"))
    assert (message.sender, message.sender_name) == ("service@lindner.example", "Autohaus Lindner")
    assert message.return_path.endswith("@lindner.example")
    assert message.reply_to == "nora.brandt@example.com"


@pytest.mark.parametrize(
    ("purpose", "brand", "email", "name"),
    [
        (Purpose.SERVICE, Brand(), "service@lindner.example", "Autohaus Lindner"),
        (Purpose.MARKETING, Brand(), "news@news.lindner.example", "Lindner News"),
        (Purpose.SERVICE, CLASSIC, "hello@classic.example", "Classic Cars"),
        (Purpose.MARKETING, CLASSIC, "news@classic.example", "Lindner News"),
        (Purpose.RELATIONSHIP, CLASSIC, "hello@classic.example", "Classic Cars"),
        (Purpose.SECURITY, Brand(), "service@lindner.example", "Autohaus Lindner"),
    ],
)
def test_a_brands_own_for_the_purpose_then_the_houses_then_the_brands_then_the_houses(
    purpose: Purpose, brand: Brand, email: str, name: str
) -> None:
    found = HOUSE.of(purpose, brand)
    assert (found.email, found.name) == (email, name)


def test_an_address_chosen_for_a_purpose_gets_its_answers_before_the_owner_does() -> None:
    assert HOUSE.chosen(Purpose.SECURITY, "").reply_to == "security@lindner.example"
    assert HOUSE.chosen(Purpose.SERVICE, "").reply_to == ""


ADVERTISES = """\
version: 1
journey: new-car
phases: {waiting: [ordered, arrived], handover: [prepared, collected]}
rules:
  - id: news
    on: {reached: arrived}
    say: arrived
    purpose: marketing
    channels: [email]
    timing: {at: "10:00", within: 2d}
"""


def advertise(home: Home) -> None:
    home.write("rules/news.yaml", ADVERTISES.replace("new-car", "news"))
    home.write("templates/news/arrived/email.txt.en.j2", "Subject: News\n\nHello {{ customer.name }}.\n")


def c044(home: Home) -> list[str]:
    _, out, err = home.run("check")
    return [line for line in (out + err).splitlines() if "C044" in line]


NEWS, SERVICE = "news@autohaus-lindner.example", "service@autohaus-lindner.example"
TABLE = "[sender.marketing]\nemail"


def test_check_finds_advertising_from_the_address_of_service_only_if_there_is_any(home: Home) -> None:
    home.replace("config.toml", f'{TABLE} = "{NEWS}"', f'{TABLE} = "{SERVICE}"')
    assert c044(home) == []
    advertise(home)
    (found,) = c044(home)
    assert "config.toml:" in found
    assert f"advertising would leave from {SERVICE}" in found
    home.replace("config.toml", f'{TABLE} = "{SERVICE}"', f'{TABLE} = "{NEWS}"')
    assert c044(home) == []


def test_a_brand_under_its_own_address_advertises_from_the_houses_or_its_own(home: Home) -> None:
    advertise(home)
    config = (home.folder / "config.toml").read_text()
    brand = '\n[brands.classic]\nemail = "hello@classic.example"\n'
    home.write("config.toml", config + brand)
    assert c044(home) == []
    home.write("config.toml", f'{config}{brand}[brands.classic.marketing]\nemail = "hello@classic.example"\n')
    (found,) = c044(home)
    assert "hello@classic.example" in found
    assert f"config.toml:{config.count(chr(10)) + 3}:" in found
