"""The ledger on SQLite: the contract over a file and in memory, and what only SQLite has to promise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.ledger import Ledger
from tests.contracts.ledger import LedgerContract


class TestFile(LedgerContract):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True) as opened:
            yield opened


class TestMemory(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Iterator[Ledger]:
        with Ledger.open("sqlite:///:memory:", upgrade=True) as opened:
            yield opened


class TestScratch(LedgerContract):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True, scratch=True) as opened:
            yield opened
