"""When a failed attempt is tried again (FACTS, delivery contract 7)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sending.retry import JITTER, WAITS, next_try
from tests.builders import at

NOW = at("2026-03-12 11:20")
ATTEMPTS = st.integers(1, len(WAITS))
KEYS = st.text(min_size=1)


@given(ATTEMPTS, KEYS)
def test_each_wait_is_the_tables_within_a_fifth(attempt: int, key: str) -> None:
    moment = next_try(attempt, key, NOW, None, None)

    assert moment is not None
    assert abs((moment - NOW) / WAITS[attempt - 1] - 1) <= JITTER + 1e-9


def test_the_table_is_30_s_2_m_10_m_30_m_2_h_6_h_12_h_and_then_it_is_over() -> None:
    assert [wait.total_seconds() / 60 for wait in WAITS] == [0.5, 2, 10, 30, 120, 360, 720]
    assert next_try(len(WAITS) + 1, "key", NOW, None, None) is None


@given(ATTEMPTS, KEYS, st.timedeltas(timedelta(), timedelta(days=2)))
def test_never_sooner_than_the_provider_asked(attempt: int, key: str, floor: timedelta) -> None:
    moment = next_try(attempt, key, NOW, floor, None)

    assert moment is not None
    assert moment >= NOW + floor


@given(ATTEMPTS, KEYS, st.timedeltas(timedelta(seconds=-1), timedelta(days=1)))
def test_never_at_or_after_the_moment_it_is_useless(attempt: int, key: str, useful: timedelta) -> None:
    moment = next_try(attempt, key, NOW, None, NOW + useful)

    assert moment is None or moment < NOW + useful


@given(KEYS)
def test_the_same_entry_waits_the_same_and_a_thousand_do_not_come_back_together(key: str) -> None:
    assert next_try(3, key, NOW, None, None) == next_try(3, key, NOW, None, None)
    assert len({next_try(3, f"{key}{n}", NOW, None, None) for n in range(100)}) > 50
