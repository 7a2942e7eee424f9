"""Functions of SQL that each database calls by another name, or does not have."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class this_transaction(GenericFunction[int]):  # noqa: N801  it is a function of SQL
    """The number of this transaction in PostgreSQL, ``NULL`` in SQLite."""

    type = BigInteger()
    inherit_cache = True


@compiles(this_transaction, "sqlite")
def _nothing(_element: Any, _compiler: Any, **_: Any) -> str:
    return "NULL"


@compiles(this_transaction, "postgresql")
def _number(_element: Any, _compiler: Any, **_: Any) -> str:
    return "(pg_current_xact_id()::text::bigint)"


class place_in(GenericFunction[int]):  # noqa: N801
    """At which character of the first text the second one begins; 0 if nowhere."""

    type = BigInteger()
    inherit_cache = True


@compiles(place_in, "sqlite")
def _instr(element: Any, compiler: Any, **how: Any) -> str:
    return f"instr{compiler.process(element.clause_expr, **how)}"


@compiles(place_in, "postgresql")
def _strpos(element: Any, compiler: Any, **how: Any) -> str:
    return f"strpos{compiler.process(element.clause_expr, **how)}"
