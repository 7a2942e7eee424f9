"""Channels in the console: how they do, pause and resume, and a test message that reaches nobody else."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.errors import Misconfigured
from orchestrator.ledger import Stops
from orchestrator.views.channels import numbers
from tests.web.browser import DESK, PHONE, browser, opened, site
from tests.web.installation import Installed, benches, dealership, glance, installed

__all__ = ["browser"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(tmp_path_factory.mktemp("channels")) as found:
        dealership(found)
        yield found


@pytest.fixture(scope="module")
def console(home: Installed) -> Iterator[str]:
    with site(home.engine, home.clock.now, **benches(home)) as found:
        yield found


def test_the_page_is_sound_on_a_desk_and_in_the_dark_on_a_phone(browser: Browser, console: str) -> None:
    glance(browser, f"{console}/console/channels")


def test_a_channel_is_paused_with_a_reason_and_goes_on(
    browser: Browser, console: str, home: Installed
) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{console}/console/channels")
        card = page.get_by_role("region", name="sms", exact=True)
        card.get_by_label("Reason to pause it").fill("the provider has an outage")
        card.get_by_role("button", name="Pause sms").click()
        expect(page.get_by_role("region", name="sms", exact=True)).to_contain_text(
            "the provider has an outage (Paul Lindner)"
        )
        with home.engine.ledger.read() as tx:
            assert [(one.kind, one.name) for one in tx.pauses()] == [(Stops.CHANNEL, "sms")]
        page.get_by_role("button", name="Let sms go on").click()
        expect(page.get_by_role("button", name="Pause sms")).to_be_visible()
    with home.engine.ledger.read() as tx:
        assert tx.pauses() == []


def test_a_test_message_of_a_channel_that_is_not_live_lies_in_the_outbox(
    browser: Browser, console: str, home: Installed
) -> None:
    before = set(home.settings.outbox.path.iterdir())
    with opened(browser, DESK) as page:
        page.goto(f"{console}/console/channels")
        card = page.get_by_role("region", name="email", exact=True)
        card.get_by_role("button", name="Send a test by email").click()
        expect(page.get_by_role("status")).to_contain_text("the test lies in the outbox")
    (file,) = set(home.settings.outbox.path.iterdir()) - before
    assert "paul.lindner@example.com" in file.read_text()


def test_a_live_channel_tests_only_with_ones_own_address_or_the_staging_list(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("live")
    with (
        installed(folder, BEFOREHAND_CHANNELS__EMAIL__LIVE="true") as home,
        pytest.raises(Misconfigured, match="neither your own address nor"),
    ):
        benches(home)["channels"].test("email", "somebody@example.com", "paul.lindner@example.com")


def test_the_numbers_are_those_of_the_last_day(home: Installed) -> None:
    now = home.clock.now()
    with home.engine.ledger.read() as tx:
        today = dict.fromkeys(channel for channel, *_ in tx.tries_since(now - timedelta(days=1)))
        ever = sum(count for *_, count in tx.tries_since(now - timedelta(days=60)))
        late = sum(count for *_, count in tx.tries_since(now - timedelta(days=1)))
        assert tx.tries_since(now + timedelta(days=1)) == []
    assert set(today) == {"email", "sms"}
    assert 0 < late < ever


def test_tries_and_reports_are_added_up_by_channel() -> None:
    found = numbers(
        [("sms", "accepted", 7), ("sms", "rejected", 2), ("sms", "unknown", 1), ("sms", "", 1),
         ("sms", "slowed", 3)],
        [("message.delivered", {"channel": "sms"}), ("message.delivered", {"channel": "sms"}),
         ("message.accepted", {"channel": "sms"}), ("message.bounced", {"channel": "email"}),
         ("message.replied", {})],
    )  # fmt: skip

    sms = found["sms"]
    assert (sms.tries, sms.accepted, sms.failed, sms.unknown) == (14, 7, 2, 1)
    assert sms.reported == {"delivered": 2}
    assert found["email"].reported == {"bounced": 1}
    assert found["email"].tries == 0
