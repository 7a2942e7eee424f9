"""Who may read an inbox: whoever has what the company's backend signed for that customer, and in time."""

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.inbox.tokens import Expired, Pass, Wrong, issue, read

KEY, OLD, OTHER = (letter * 32 for letter in "koz")
NOW = datetime(2026, 3, 12, 18, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
LINES = "cde2a75a827cefd685f0cfcc3fe11c001ad650c8dd8abf23232313647b928e67"
RECORDED = [
    ("maria", "bWFyaWE.1773342000.pWZvd8v5KZMhxawdae87nK1iFw36qXRohcViUeIzC7A"),
    ("C-1/ü?~", "Qy0xL8O8P34.1773342000.TD3VGG2-z4nPHIF3qMmZI58Ys16cgk1OyGSqDxyDq4k"),
]
"""What the lines in JavaScript on the page made at ``NOW``, and the digest of these lines.

Where there is no node, they are proven by what they made where there is one."""
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "show-an-inbox.md"


@given(customer=st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_a_token_opens_that_customers_inbox_and_no_other(customer: str) -> None:
    token = issue(customer, KEY, NOW + HOUR)
    assert read(token, [KEY], NOW, DAY) == Pass(customer, NOW + HOUR)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


@given(st.integers(min_value=0, max_value=61), st.sampled_from("AZaz09-_.~"))
def test_one_sign_changed_opens_nothing(place: int, sign: str) -> None:
    token = issue("maria", KEY, NOW + HOUR)
    changed = token[:place] + sign + token[place + 1 :]
    if changed == token:
        return
    with pytest.raises(Wrong):
        read(changed, [KEY], NOW, DAY)


@given(st.text(max_size=60))
def test_anything_else_opens_nothing(text: str) -> None:
    with pytest.raises(Wrong):
        read(text, [KEY], NOW, DAY)


def test_either_key_is_good_while_the_key_changes() -> None:
    token = issue("maria", OLD, NOW + HOUR)
    assert read(token, [KEY, OLD], NOW, DAY).customer == "maria"
    for keys in ([KEY], [OTHER], []):
        with pytest.raises(Wrong):
            read(token, keys, NOW, DAY)


def test_it_ends_at_its_second() -> None:
    token = issue("maria", KEY, NOW + HOUR)
    assert read(token, [KEY], NOW + HOUR - timedelta(microseconds=1), DAY)
    with pytest.raises(Expired):
        read(token, [KEY], NOW + HOUR, DAY)


@pytest.mark.parametrize("longer", [DAY + timedelta(seconds=1), timedelta(days=400_000)])
def test_one_that_would_be_good_for_too_long_is_good_for_nothing(longer: timedelta) -> None:
    assert read(issue("maria", KEY, NOW + DAY), [KEY], NOW, DAY)
    with pytest.raises(Wrong):
        read(issue("maria", KEY, NOW + longer), [KEY], NOW, DAY)


def test_a_signature_for_another_purpose_is_none_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    token = issue("maria", KEY, NOW + HOUR)
    monkeypatch.setattr("orchestrator.inbox.tokens.WHAT_FOR", "unsubscribe 1:")
    with pytest.raises(Wrong):
        read(token, [KEY], NOW, DAY)


def test_an_end_that_no_calendar_has_is_wrong_and_no_error() -> None:
    body = "bWFyaWE.999999999999"
    from orchestrator.inbox import tokens

    with pytest.raises(Wrong):
        read(f"{body}.{tokens._signature(body, KEY)}", [KEY], NOW, DAY)


def code(language: str) -> str:
    """The first lines in that language on the page."""
    return PAGE.read_text("utf-8").split(f"```{language}\n")[1].split("```")[0]


@pytest.mark.parametrize("customer", ["maria", "C-1/ü?~"])
def test_the_lines_on_the_page_sign_as_we_do_in_python(customer: str) -> None:
    names: dict[str, Callable[..., str]] = {}
    exec(code("python"), names)
    now = datetime.now(UTC)
    assert read(names["inbox_token"](customer, KEY), [KEY], now, DAY).customer == customer


@pytest.mark.parametrize(("customer", "recorded"), RECORDED)
def test_the_lines_on_the_page_sign_as_we_do_in_javascript(customer: str, recorded: str) -> None:
    script = code("js")
    assert sha256(script.encode()).hexdigest() == LINES, "other lines: run them, and record their tokens"
    made = by_node(script, customer) if shutil.which("node") else recorded
    assert made == recorded
    assert read(made, [KEY], NOW, DAY) == Pass(customer, NOW + HOUR)


def by_node(script: str, customer: str) -> str:
    """The token that these lines make at :data:`NOW`."""
    at_now = f"Date.now = () => {int(NOW.timestamp() * 1000)}\n"
    print_it = "\nconsole.log(inboxToken(process.argv[1], process.argv[2]))"
    done = subprocess.run(
        ["node", "-e", f"{at_now}{script}{print_it}", customer, KEY],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()
