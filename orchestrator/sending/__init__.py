"""From an entry that is due to what became of it: claim, render, guard, send, record."""
