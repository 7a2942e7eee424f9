"""How an older ledger becomes this program's; run by :mod:`orchestrator.ledger.schema`."""
