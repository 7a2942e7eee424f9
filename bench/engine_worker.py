"""A worker of another engine, one job a message: ``python -m bench.engine_worker ENGINE URL PORT NAME``.

It prints a line when all is loaded, waits for a line, works until the next one, and prints the seconds of the
processor it used meanwhile. Each job sends a mail that was written before, and does nothing else.
"""

import asyncio
import logging
import os
import smtplib
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

AT_ONCE = 8
TASK = "mail"
_thread = threading.local()
PORT = "BENCH_PORT"  # jobs find the module anew, and its variables too

BODY = (
    b"From: service@autohaus-lindner.example\r\nTo: %d@example.com\r\nSubject: It is here\r\n"
    b"Message-ID: <%d@autohaus-lindner.example>\r\n\r\n" + b"Your car is here. " * 60 + b"\r\n"
)


def mail(number: int) -> None:
    """Send one over this thread's connection."""
    if not hasattr(_thread, "client"):
        _thread.client = smtplib.SMTP("127.0.0.1", int(os.environ[PORT]))
        _thread.client.ehlo()
    _thread.client.sendmail("service@example.com", [f"{number}@example.com"], BODY % (number, number))


def in_sqlalchemy(url: str) -> str:
    """The address as SQLAlchemy writes it."""
    return url.replace("postgresql://", "postgresql+psycopg://")


def scheduler(url: str, *, paused: bool) -> Any:
    """An APScheduler with its jobs in that database."""
    from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # type: ignore[import-untyped]
    from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

    found = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(in_sqlalchemy(url))},
        executors={"default": ThreadPoolExecutor(AT_ONCE)},
        job_defaults={"misfire_grace_time": None},
        timezone="UTC",
    )
    found.start(paused=paused)
    return found


def dbos(url: str, name: str) -> tuple[Any, Any]:
    """DBOS on that database, to be launched, and its one workflow; what runs is known by the *name*."""
    from dbos import DBOS  # type: ignore[import-not-found]

    DBOS(config={"name": "bench", "system_database_url": in_sqlalchemy(url), "log_level": "ERROR",
                 "application_version": "1", "executor_id": name})  # fmt: skip

    @DBOS.workflow(name="mail")
    def flow(number: int) -> None:
        mail(number)

    return DBOS, flow


def queue(found: Any) -> Any:
    """The queue of a DBOS that was launched."""
    return found.register_queue("mails", worker_concurrency=AT_ONCE, polling_interval_sec=0.1)


def jobs(url: str) -> Any:
    """Procrastinate on that database, with its one task."""
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name=TASK, queue="mails")
    async def send(number: int) -> None:
        await asyncio.to_thread(mail, number)

    return app


async def _procrastinate(url: str) -> None:
    app = jobs(url)
    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(concurrency=AT_ONCE, install_signal_handlers=False)
        )
        rescuing = asyncio.create_task(_rescue(app))
        await asyncio.to_thread(sys.stdin.readline)
        working.cancel()
        rescuing.cancel()
        await asyncio.wait({working, rescuing})


async def _rescue(app: Any) -> None:
    """As its documentation says: look for jobs of workers that went silent, and have them done again."""
    while True:
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.retry_job(job)
        await asyncio.sleep(1)


def main(arguments: Sequence[str]) -> None:
    """Be one."""
    engine, url, port, name = arguments
    os.environ[PORT] = port
    if engine == "procrastinate":
        import procrastinate  # noqa: F401
    logging.disable()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    if engine == "procrastinate":
        asyncio.run(_procrastinate(url))
    elif engine == "apscheduler":
        running = scheduler(url, paused=False)
        sys.stdin.readline()
        running.shutdown(wait=False)
    else:
        found, _ = dbos(url, name)
        found.launch()
        sys.stdin.readline()
        found.destroy()
    print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
