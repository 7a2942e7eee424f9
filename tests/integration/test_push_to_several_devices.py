"""One message, several devices: through the whole dispatch, to services that say what a test tells them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    Abilities,
    AfterUnknown,
    ChannelError,
    Message,
    Misconfigured,
    Rejected,
    Unavailable,
    Unknown,
)
from channels.push import PushChannel
from orchestrator.model import Status
from tests.integration.dealership import RULES, WORDS, Dealership, Scripted, arrived, customer, order

PUSH = RULES.replace("[email]", "[push]")
PUSH_THEN_SMS = RULES.replace("[email]", "[push, sms]")
TEXTS = {**WORDS, "arrived/push.txt.en": "Title: It is here\n\nHello {{ customer.name }}, it is here.\n"}
ABILITIES = Abilities(max_length=1000, after_unknown=AfterUnknown.REPEAT, concurrency=4)
APPLE = "ab" * 32


class Services:
    """Firebase and Apple, answering each device as they are told."""

    def __init__(self) -> None:
        self.answers: dict[str, ChannelError] = {}
        self.tried: list[str] = []
        self.channels = {kind: Scripted(kind, self._answer, ABILITIES) for kind in ("fcm", "apns")}

    def _answer(self, message: Message) -> Any:
        self.tried.append(message.to)
        return self.answers.get(message.to) or f"taken by {message.to}"


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def houses(houses: Any, services: Services) -> Any:
    def make(*devices: str, rules: str = PUSH) -> Dealership:
        channels = {"push": PushChannel(services.channels), "sms": Scripted("sms", lambda _: None)}
        house: Dealership = houses(channels, rules_text=rules, words=TEXTS)
        house.hear(customer(devices=list(devices)), order(), arrived())
        return house

    return make


DEAD = Rejected("the device is gone", suppress=True, code="UNREGISTERED")


def test_ten_devices_are_all_tried_and_it_is_one_message(houses: Any, services: Services) -> None:
    devices = [*(f"fcm:phone-{number}" for number in range(9)), f"apns:{APPLE}"]
    house = houses(*devices)
    house.drain()

    assert sorted(services.tried) == sorted(devices)
    assert house.entry().status is Status.ACCEPTED
    assert house.outcomes(house.entry()) == ["accepted"]


def test_one_device_that_took_it_is_enough_and_the_dead_ones_are_struck_off(
    houses: Any, services: Services
) -> None:
    services.answers = {"fcm:old": DEAD, f"apns:{APPLE}": DEAD}
    house = houses("fcm:old", "fcm:new", f"apns:{APPLE}")
    house.drain()

    assert house.entry().status is Status.ACCEPTED
    assert [(one.channel, one.reason) for one in house.suppressions()] == [("push", "the device is gone")] * 2
    services.answers, before = {}, len(services.tried)
    house.hear(order("BX-2"), arrived("BX-2"))
    house.drain()
    assert services.tried[before:] == ["fcm:new"]


def test_what_operations_must_know_is_kept_beside_the_device_that_took_it(
    houses: Any, services: Services
) -> None:
    services.answers = {f"apns:{APPLE}": Misconfigured("apns: the key was revoked")}
    house = houses("fcm:new", f"apns:{APPLE}")
    house.drain()

    assert (house.entry().status, house.entry().reason) == (Status.ACCEPTED, "apns: the key was revoked")
    assert not house.paused()


def test_when_every_device_is_dead_the_next_channel_goes(houses: Any, services: Services) -> None:
    services.answers = {"fcm:a": DEAD, "fcm:b": DEAD}
    house = houses("fcm:a", "fcm:b", rules=PUSH_THEN_SMS)
    house.drain()

    assert (house.entry().status, house.entry().channel) == (Status.ACCEPTED, "sms")
    assert len(house.suppressions()) == 2


def test_a_retry_leaves_the_dead_devices_out(houses: Any, services: Services) -> None:
    services.answers = {"fcm:old": DEAD, "fcm:new": Unavailable("busy", retry_after=timedelta(minutes=3))}
    house = houses("fcm:old", "fcm:new")
    house.drain()
    services.answers, before = {}, len(services.tried)
    house.pass_time(timedelta(minutes=2))
    assert services.tried[before:] == []
    house.pass_time(timedelta(minutes=2))

    assert services.tried[before:] == ["fcm:new"]
    assert house.entry().status is Status.ACCEPTED


def test_what_may_have_reached_one_device_is_not_followed_by_the_next_channel(
    houses: Any, services: Services
) -> None:
    services.answers = {"fcm:a": Unknown("cut off"), "fcm:b": DEAD}
    house = houses("fcm:a", "fcm:b", rules=PUSH_THEN_SMS)
    house.drain()

    assert not house.channels["sms"].sent
    assert house.entry().status is Status.SCHEDULED
    assert house.outcomes(house.entry()) == ["unknown"]


def test_after_doubt_the_next_channel_goes_only_if_every_device_is_dead(
    houses: Any, services: Services
) -> None:
    services.answers = {"fcm:a": Unknown("cut off"), "fcm:b": Unknown("cut off")}
    house = houses("fcm:a", "fcm:b", rules=PUSH_THEN_SMS)
    house.drain()
    services.answers = {"fcm:a": DEAD, "fcm:b": Rejected("too long")}
    house.pass_time(timedelta(minutes=1))

    assert not house.channels["sms"].sent
    assert house.entry().status is Status.UNKNOWN


def test_nobody_without_a_device_ever_fails(houses: Any, services: Services) -> None:
    house = houses()
    house.drain()

    assert services.tried == []
    assert house.entry().status is Status.SUPPRESSED
    assert house.entry().reason.startswith("unreachable")


def test_a_service_without_settings_is_passed_over(houses: Any, services: Services) -> None:
    del services.channels["apns"]
    house = houses(f"apns:{APPLE}", "fcm:new")
    house.drain()

    assert house.entry().status is Status.ACCEPTED
    assert services.tried == ["fcm:new"]
    assert not house.suppressions()


def test_no_device_stands_in_a_reason(houses: Any, services: Services) -> None:
    services.answers = {"fcm:secret-token": DEAD}
    house = houses("fcm:secret-token", "no device at all")
    house.drain()

    assert "secret-token" not in house.stored_text()
    assert "no device at all" not in house.stored_text()


# ── by settings ──────────────────────────────────────────────────────────────


def test_settings_make_the_services_they_have_keys_for(tmp_path: Path) -> None:
    from pydantic import SecretStr

    from channels.kinds.push import KIND, Push
    from channels.registry import build
    from tests.contracts.push_servers import Apple, Browsers, Firebase

    with Browsers() as browsers, Apple() as apple, Firebase() as firebase:
        settings = Push(
            live=True,
            web_key=SecretStr(browsers.vapid_key),
            web_contact="mailto:service@example.com",
            fcm_account=SecretStr(firebase.account),
            apns_key=SecretStr(apple.pem),
            apns_key_id="KEY1234567",
            apns_team="TEAM123456",
            apns_topic="com.example.lindner",
        )
    channel = build("push", settings, outbox=tmp_path)

    assert isinstance(channel, PushChannel)
    assert sorted(channel._services) == ["apns", "fcm", "web"]
    assert channel.abilities == KIND.abilities


@pytest.mark.parametrize(
    "settings",
    [
        {"live": True},
        {"web_key": "x"},
        {"apns_key": "x", "apns_key_id": "KEY1234567", "apns_team": "TEAM123456"},
        {"apns_url": "http://127.0.0.1"},
    ],
)
def test_half_a_service_is_refused(settings: dict[str, Any]) -> None:
    from pydantic import ValidationError

    from channels.kinds.push import Push

    with pytest.raises(ValidationError):
        Push.model_validate(settings)


def test_secrets_that_cannot_sign_are_told_together_before_anything_is_sent(tmp_path: Path) -> None:
    from orchestrator import config, errors

    (tmp_path / "config.toml").write_text(
        '[channels.push]\nlive = true\nweb_contact = "service"\n'
        'apns_key_id = "KEY1234567"\napns_team = "TEAM123456"\napns_topic = "com.example.lindner"\n'
    )
    secrets = {"WEB_KEY": "abc", "FCM_ACCOUNT": '{"type": "service_account"}', "APNS_KEY": "the key"}
    with pytest.raises(errors.Problems) as caught:
        config.load(
            tmp_path / "config.toml",
            {f"BEFOREHAND_CHANNELS__PUSH__{name}": value for name, value in secrets.items()},
        )
    told = str(caught.value)
    assert all(f"{name.lower()} cannot sign" in told for name in secrets)
    assert "'service' reaches nobody" in told
    assert "the key" not in told


def test_push_that_is_not_live_goes_to_the_outbox_with_all_its_devices(tmp_path: Path) -> None:
    import asyncio
    import json
    from dataclasses import replace

    from channels.contract import MESSAGE
    from channels.kinds.push import Push
    from channels.registry import build

    channel = build("push", Push(), outbox=tmp_path)
    asyncio.run(channel.send(replace(MESSAGE, to="fcm:a", others=("fcm:b",))))

    (kept,) = tmp_path.iterdir()
    written = json.loads(kept.read_text("utf-8"))
    assert (written["to"], written["others"]) == ("fcm:a", ["fcm:b"])
