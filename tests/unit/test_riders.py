"""Lines that ride along: how they are read, when they fit, and that of two mails at once one carries them."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Message, Rejected
from channels.memory import MemoryChannel
from orchestrator.errors import Problem
from orchestrator.journey import Policy, Rider
from orchestrator.ledger import Carries
from orchestrator.model import Purpose, Status
from orchestrator.rules import load
from orchestrator.sending.dispatch import Dispatcher
from orchestrator.sending.lines import UNDER_WAY
from orchestrator.sending.riders import put_in
from orchestrator.views.story import story_of
from tests.builders import at
from tests.integration.dealership import RULES, Dealership, Scripted, arrived, customer, order

LINE = "P.S. There is an app."
HEAD = RULES.partition("rules:")[0]
WITH_NEXT = f"""\
with_next:
  - id: the-app
    with: arrived
    purpose: relationship
    line: {{en: {LINE}}}
rules:"""
RIDING = RULES.replace("rules:", WITH_NEXT)


def texts(house: Dealership) -> list[str]:
    email = house.channels["email"]
    assert isinstance(email, MemoryChannel)
    return [message.text for message in email.messages]


def problems(text: str) -> list[Problem]:
    return load({"new-car.yaml": text}, templates=None, channels=None, policy=Policy())[1]


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        ("with: arrived", "with: arived", "R019", "did you mean 'arrived'?"),
        ("with: arrived", "with: [arrived, nothing]", "R019", ""),
        ("purpose: relationship", "purpose: service", "R019", ""),
        ("purpose: relationship", "when: customer.has_pusch", "R032", ""),
        ("purpose: relationship", "purpos: relationship", "R010", "did you mean 'purpose'?"),
        ("    with: arrived\n", "", "R011", "add `with: …`"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_at_its_place(old: str, new: str, code: str, hint: str) -> None:
    assert old in RIDING
    (problem,) = problems(RIDING.replace(old, new))
    assert problem.code == code
    assert hint in problem.hint
    assert problem.line > HEAD.count("\n")


def test_a_line_is_marketing_unless_it_says_otherwise() -> None:
    book, found = load(
        {"new-car.yaml": RIDING.replace("    purpose: relationship\n", "")},
        templates=None, channels=None, policy=Policy(),
    )  # fmt: skip
    assert not found
    (rider,) = book.journeys["new-car"].riders
    assert rider == Rider("the-app", {"en": LINE}, ("arrived",), None, Purpose.MARKETING)


@pytest.mark.parametrize(
    ("text", "html", "locale", "made"),
    [
        ("Hello.\n\n-- \nLindner\n", "", "en-GB", ("Hello.\n\nP.S. <3\n\n-- \nLindner\n", "")),
        ("Hello.\n", "<body><p>Hello.</p></body>", "en", ("Hello.\n\nP.S. <3\n", "P.S. &lt;3</p></body>")),
        ("Guten Tag.\n", "", "de", None),
    ],
)
def test_it_stands_above_the_signature_in_the_language_of_the_mail(
    text: str, html: str, locale: str, made: tuple[str, str] | None
) -> None:
    said, shown, line = put_in([Rider("x", {"en": "P.S. <3"}, ())], text, html, locale)

    assert (said, line) == (made[0] if made else text, "x" if made else "")
    assert shown.endswith(made[1] if made else html)


def test_the_first_line_in_the_language_of_the_mail_is_put_in_and_shown_in_html_without_a_body() -> None:
    lines = [Rider("german", {"de": "Übrigens"}, ()), Rider("english", {"en": "P.S."}, ())]

    said, shown, line = put_in(lines, "Hello.\n", "<p>Hello.</p>", "en")

    assert (said, line) == ("Hello.\n\nP.S.\n", "english")
    assert shown.endswith("P.S.</p>")


def test_of_two_mails_to_one_customer_under_way_one_carries_it(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=RIDING)
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1"), arrived("BX-2"))

    house.drain()

    assert sorted(LINE in text for text in texts(house)) == [False, True]
    house.close()


def test_an_explanation_says_which_mail_carried_it(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=RIDING)
    house.hear(customer(), order(), arrived())
    house.drain()

    (said,) = [m for m in story_of(house.engine, "BX-1", house.clock.now()).timeline if m.kind == "said"]

    assert said.detail.endswith("; it carried the line the-app")
    house.close()


def test_a_mail_that_did_not_leave_told_nothing_and_the_next_one_carries_it(tmp_path: Path) -> None:
    answers = iter([Rejected("550 no"), "taken"])
    email = Scripted("email", lambda _: next(answers))
    house = Dealership(tmp_path, {"email": email}, rules_text=RIDING)
    house.hear(customer(), order("BX-1"), arrived("BX-1"))
    house.drain()
    assert house.entry().status is Status.FAILED
    house.pass_time(UNDER_WAY + timedelta(minutes=1))

    house.hear(order("BX-2"), arrived("BX-2"))
    house.drain()

    carried = [LINE in message.text for message in email.sent if message.id.endswith("/customer")]
    assert carried == [True, True]
    house.close()


def test_a_line_given_to_one_mail_comes_free_when_that_mail_never_left(tmp_path: Path) -> None:
    house = Dealership(tmp_path, rules_text=RIDING)
    noon = at("2026-03-12 12:00")
    first, second = (Carries("maria", "the-app", key) for key in ("first", "second"))

    def granted(wish: Carries, moment: datetime) -> bool:
        with house.ledger.transaction() as tx:
            return tx.reserve([wish], moment, moment + UNDER_WAY) == [wish]

    assert granted(first, noon)
    assert not granted(second, noon)
    assert granted(first, noon + timedelta(minutes=1))
    assert granted(second, noon + timedelta(minutes=1) + UNDER_WAY)
    house.close()


def test_of_two_dispatchers_on_one_ledger_one_puts_it_in(tmp_path: Path) -> None:
    house, other = Dealership(tmp_path, rules_text=RIDING), MemoryChannel("email")
    meanwhile = Dispatcher(house.engine, house.composer(), {"email": other}, house.clock)
    house.hear(customer(), order("BX-1"), order("BX-2"), arrived("BX-1"), arrived("BX-2"))
    first, second = (house.entry(order=name).id for name in ("BX-1", "BX-2"))
    composer = house.dispatcher._composer
    running: list[asyncio.Task[int]] = []

    class WhileTheOtherSends:
        def compose(self, *what: Any) -> Message:
            running.append(asyncio.ensure_future(meanwhile.one_batch([second])))
            return composer.compose(*what)

    house.dispatcher._composer = WhileTheOtherSends()

    async def both() -> None:
        await house.dispatcher.one_batch([first])
        await asyncio.gather(*running)

    asyncio.run(both())

    assert [LINE in text for text in texts(house)] == [True]
    assert [LINE in message.text for message in other.messages] == [False]
    house.close()
