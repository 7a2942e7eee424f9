"""A link proves which mail it stands in and what for, and shows nothing of anybody."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.links import LASTS, BadLink, ExpiredLink, Links, Use
from orchestrator.model import Kind, Notification, Purpose
from orchestrator.sending.ways_back import WaysBack

URL = "https://updates.example.com"
OURS = "<0b7c6f7e-3d2c-5b53-9b6c-1d2f3a4b5c6d@autohaus-lindner.example>"
NEW, OLD = "a key of thirty-two characters!!", "another key of as many characters"
LINKS = Links(URL, [NEW, OLD])
NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)


def token(links: Links = LINKS) -> str:
    address = links.address(Use.UNSUBSCRIBE, OURS)
    assert address.startswith(f"{URL}/unsubscribe/")
    return address.rpartition("/")[2]


def test_a_link_names_its_mail_and_nothing_else() -> None:
    assert LINKS.message_id(Use.UNSUBSCRIBE, token()) == OURS
    payload = token().partition(".")[0]
    assert urlsafe_b64decode(payload + "==").decode() == f'"{OURS.strip("<>")}"'


def test_keys_can_be_changed_while_old_links_go_on() -> None:
    before, after = token(Links(URL, [OLD])), token(Links(URL, [NEW]))
    assert LINKS.message_id(Use.UNSUBSCRIBE, before) == OURS
    assert token() == after
    with pytest.raises(BadLink):
        Links(URL, [NEW]).message_id(Use.UNSUBSCRIBE, before)


@given(st.text(max_size=120))
def test_nobody_else_can_make_one(made_up: str) -> None:
    with pytest.raises(BadLink):
        LINKS.message_id(Use.UNSUBSCRIBE, made_up)


@pytest.mark.parametrize(
    "change", [lambda good: good[:-1], lambda good: good + "A", str.swapcase, lambda good: ""]
)
def test_a_changed_link_is_none(change: object) -> None:
    with pytest.raises(BadLink):
        LINKS.message_id(Use.UNSUBSCRIBE, change(token()))  # type: ignore[operator]


def test_without_links_a_mail_is_asked_for_as_before() -> None:
    headers = WaysBack().unsubscribe(OURS, "nora.brandt@example.com")
    assert headers == {
        "List-Unsubscribe": f"<mailto:nora.brandt@example.com?subject=unsubscribe%20{OURS.strip('<>')}>"
    }


def page(use: Use = Use.ORDER, links: Links = LINKS, at: datetime = NOW) -> str:
    return links.page(use, OURS, at).rpartition("/")[2]


def test_a_link_to_a_page_names_its_message_and_its_last_day_and_nothing_else() -> None:
    assert LINKS.page(Use.ORDER, OURS, NOW).startswith(f"{URL}/order/")
    assert LINKS.behind(Use.ORDER, page(), NOW).message_id == OURS
    payload = page().partition(".")[0]
    assert json.loads(urlsafe_b64decode(payload + "==")) == [OURS.strip("<>"), 20_614]


@pytest.mark.parametrize("use", LASTS)
def test_a_link_to_a_page_opens_it_until_its_day_and_no_longer(use: Use) -> None:
    written = page(use)
    assert LINKS.behind(use, written, NOW + LASTS[use]).message_id == OURS
    with pytest.raises(ExpiredLink):
        LINKS.behind(use, written, NOW + LASTS[use] + timedelta(days=1))


def test_what_a_mail_program_takes_for_a_part_of_it_does_no_harm() -> None:
    for more in (".", "\u2069", ">", ").", ",%20"):
        assert LINKS.behind(Use.ORDER, page() + more, NOW).message_id == OURS


@given(st.text(max_size=120))
def test_nobody_else_can_make_a_link_to_a_page(made_up: str) -> None:
    with pytest.raises(BadLink):
        LINKS.behind(Use.TASK, made_up, NOW)


@pytest.mark.parametrize("use", LASTS)
@pytest.mark.parametrize("other", Use)
def test_a_link_opens_no_other_page(use: Use, other: Use) -> None:
    if other is use:
        return
    with pytest.raises(BadLink):
        LINKS.behind(use, page(other) if other in LASTS else token(), NOW)
    with pytest.raises(BadLink):
        LINKS.message_id(Use.UNSUBSCRIBE, page(use))


def test_who_gets_which_pages() -> None:
    def pages(role: str, kind: Kind = Kind.MESSAGE) -> dict[str, bool]:
        note = Notification(
            "O-1", "r", "1", role, "C-1", kind, "new-car/x", Purpose.SERVICE, NOW, None
        )  # fmt: skip
        found = WaysBack(links=LINKS).pages(OURS, note, NOW)
        return {name: bool(getattr(found, name)) for name in ("order", "preferences", "reply", "task")}

    assert pages("customer") == {"order": True, "preferences": True, "reply": True, "task": False}
    assert pages("co-buyer") == {"order": True, "preferences": False, "reply": True, "task": False}
    assert pages("owner", Kind.TASK) == {"order": False, "preferences": False, "reply": False, "task": True}
    assert not WaysBack().pages(OURS, Notification("O", "r", "1", "customer", "C", Kind.MESSAGE, "x/y",
                                                   Purpose.SERVICE, NOW, None), NOW)  # fmt: skip


def test_from_page_to_page_a_link_opens_no_longer_than_the_first_did() -> None:
    late = NOW + LASTS[Use.ORDER]
    further = LINKS.token_until(Use.REPLY, LINKS.behind(Use.ORDER, page(), late))
    assert LINKS.behind(Use.REPLY, further, late).message_id == OURS
    with pytest.raises(ExpiredLink):
        LINKS.behind(Use.REPLY, further, late + timedelta(days=1))
