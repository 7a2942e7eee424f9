"""Reasons and log lines: ids and the provider's words, and nobody's name, address or number."""

import logging

import pytest

from orchestrator.cli.logs import JsonLines, Lines, where
from orchestrator.errors import LedgerAway
from orchestrator.private import discreet, without_addresses

MARIA = "maria.keller@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "<maria.keller@example.com> is unknown here",
        "no mailbox maria.keller",
        "Maria Keller left us",
        "KELLER, MARIA: over quota",
        "call +49 30 23125-101 instead",
        "call 030 23125101 instead",
    ],
)
def test_a_providers_answer_is_kept_without_who_it_is_about(text: str) -> None:
    kept = without_addresses(text, MARIA, "Maria Keller")
    assert not [secret for secret in ("maria", "keller", "23125", "@") if secret in kept.lower()]
    assert "…" in kept


def test_short_words_of_a_name_stay_words() -> None:
    assert without_addresses("550 no user Al here", "", "Al Bo") == "550 no user Al here"


def record(message: str, *values: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("library", logging.ERROR, __file__, 1, message, values, info)


@pytest.mark.parametrize("formatter", [Lines("%(levelname)s %(message)s"), JsonLines()])
def test_a_log_line_has_no_address_and_an_error_no_words(formatter: logging.Formatter) -> None:
    try:
        try:
            dict[str, str]()[MARIA]
        except KeyError as error:
            raise ValueError("Maria Keller") from error
    except ValueError as error:
        line = formatter.format(record("sending to %s (%s) failed", MARIA, "+49 30 23125 101", error=error))
    assert not [secret for secret in ("Maria", "maria", "Keller", "23125") if secret in line]
    assert "KeyError" in line
    assert "ValueError" in line
    assert "test_private.py" in line


def test_our_own_errors_keep_their_words() -> None:
    assert where(LedgerAway("the ledger does not answer: disk I/O error")).endswith(
        "LedgerAway: the ledger does not answer: disk I/O error"
    )


def test_times_and_ids_stay_readable() -> None:
    line = "entry 12345678 of order 4711-2026 waits until 2026-03-12 17:30:00"
    assert discreet(line) == line
