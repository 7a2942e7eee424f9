"""What a PostgreSQL server says about itself: what keeps it from cleaning up, and what piles up in it."""

from dataclasses import dataclass
from typing import Any

MANY = 50_000  # dead rows: below that no table of ours becomes slow
PART = 0.5  # of the living; autovacuum comes at a fifth, unless it cannot
LONG = 900  # seconds that a transaction may be open

_DEAD = f"""
SELECT relname, n_dead_tup FROM pg_stat_user_tables
WHERE schemaname = 'public' AND n_dead_tup > {MANY} AND n_dead_tup > {PART} * n_live_tup
ORDER BY n_dead_tup DESC
"""  # noqa: S608  (numbers of our own)
_OFF = """
SELECT coalesce(string_agg(relname, ', ' ORDER BY relname), '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND reloptions::text LIKE '%autovacuum_enabled=false%'
"""
_AUTOVACUUM = "SELECT current_setting('autovacuum')"
_OPEN = """
SELECT pid, application_name, round(extract(epoch FROM now() - xact_start))::bigint FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
  AND backend_type = 'client backend' AND xact_start < now() - make_interval(secs => %s)
ORDER BY xact_start LIMIT 5
"""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What keeps a server from staying quick: dead rows by table, what is not vacuumed, what is long open.

    ``open`` has process id, name and seconds of each transaction.
    """

    dead: tuple[tuple[str, int], ...] = ()
    autovacuum: bool = True
    without: str = ""  # tables for which it is switched off
    open: tuple[tuple[int, str, int], ...] = ()


def state_of(driver: Any) -> ServerState:
    """Ask the server behind the driver's connection *driver* (:meth:`~.handing.Handing.driver`)."""
    dead = tuple((str(name), int(count)) for name, count in driver.execute(_DEAD).fetchall())
    (setting,) = driver.execute(_AUTOVACUUM).fetchone()
    (without,) = driver.execute(_OFF).fetchone()
    long = tuple(
        (int(pid), str(name), int(age)) for pid, name, age in driver.execute(_OPEN, (LONG,)).fetchall()
    )
    return ServerState(dead, setting == "on", str(without), long)
