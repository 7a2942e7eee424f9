"""What a text costs as SMS (FACTS: GSM-7 160/153, extended characters two and never split; UCS-2 70/67)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.render import sms_text
from orchestrator.render.sms_text import plain, sms_segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 1, 0)),
        ("a" * 160, ("GSM-7", 1, 160)),
        ("a" * 161, ("GSM-7", 2, 161)),
        ("a" * 306, ("GSM-7", 2, 306)),
        ("a" * 307, ("GSM-7", 3, 307)),
        ("€" * 80, ("GSM-7", 1, 160)),
        ("a" * 152 + "€" + "a" * 10, ("GSM-7", 2, 164)),
        ("Grüße aus München, ß äöü ÄÖÜ", ("GSM-7", 1, 28)),
        ("ж" * 70, ("UCS-2", 1, 70)),
        ("ж" * 71, ("UCS-2", 2, 71)),
        ("🚗" * 35, ("UCS-2", 1, 70)),
        ("ж" * 66 + "🚗" + "ж" * 10, ("UCS-2", 2, 78)),
        ("ç", ("UCS-2", 1, 1)),
        ("`", ("UCS-2", 1, 1)),
        ("it’s", ("UCS-2", 1, 4)),
    ],
)
def test_segments_are_counted_as_providers_bill_them(text: str, expected: tuple[str, int, int]) -> None:
    assert sms_segments(text) == expected


def test_an_extended_character_is_never_split_between_two_parts() -> None:
    # 152 + an escape that no longer fits: the part ends short, so 306 units need three parts.
    assert sms_segments("a" * 152 + "€" + "a" * 152)[1:] == (3, 306)


@given(st.text(alphabet="abc €{}ß\n", max_size=700))
def test_parts_hold_every_unit_and_no_more_than_one_is_wasted_in_each(text: str) -> None:
    encoding, segments, units = sms_segments(text)
    assert encoding == "GSM-7"
    assert units <= (160 if segments == 1 else segments * 153)
    assert segments == 1 or units > (segments - 1) * 152


def test_typographic_signs_become_what_gsm_has() -> None:
    assert sms_segments(plain("„it’s – done…“ at 9\u202fam"))[0] == "GSM-7"


@given(st.text(alphabet="abz €{}ß\n’–…ж🚗ç", max_size=400))
def test_the_short_ways_give_what_the_long_ones_do(text: str) -> None:
    gsm = all(c in sms_text._GSM or c in sms_text._EXTENDED for c in text)
    sizes = [2 if (c in sms_text._EXTENDED if gsm else ord(c) > 0xFFFF) else 1 for c in text]
    counted = sms_text._count(sizes, *((160, 153) if gsm else (70, 67)))
    assert sms_segments(text) == ("GSM-7" if gsm else "UCS-2", *counted)
    assert plain(text) == text.translate(sms_text._PLAIN)
