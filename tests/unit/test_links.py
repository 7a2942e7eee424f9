"""A link proves which mail it stands in and what for, and shows nothing of anybody."""

from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.links import BadLink, Links, Use
from orchestrator.sending.ways_back import WaysBack

URL = "https://updates.example.com"
OURS = "<0b7c6f7e-3d2c-5b53-9b6c-1d2f3a4b5c6d@autohaus-lindner.example>"
NEW, OLD = "a key of thirty-two characters!!", "another key of as many characters"
LINKS = Links(URL, [NEW, OLD])


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
