"""A company's order table → events, again and again: the same export says nothing, a changed date one thing.

::

    FILE.csv ── reading ──▶ rows ── rows (with the mapping) ──▶ what each row says
    what it says × the facts it said before ── news ──▶ events that are new

:mod:`~orchestrator.tables.mapping` reads MAP.yaml, :mod:`~orchestrator.tables.doubles` finds the lines that
stand there twice, :mod:`~orchestrator.tables.imports` runs it all over a file of any length in constant
memory, and :mod:`~orchestrator.tables.report` lists what was refused and why.
"""
