"""What a person or a program wants to see of the ledger, as values. No HTTP, no HTML."""
