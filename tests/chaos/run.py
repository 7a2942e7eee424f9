"""One chaos run: real processes, real providers, and a hand that breaks things."""

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from tests.chaos import house
from tests.chaos.clocks import Clock
from tests.chaos.databases import InAFile, OnAServer
from tests.chaos.machines import PATIENCE as STOPS
from tests.chaos.machines import Keeper, Machine, beforehand, surroundings
from tests.chaos.providers import MailServer, PushServer, Records, TextServer, let_go_on
from tests.chaos.proxy import Proxy
from tests.chaos.traffic import Traffic
from tests.chaos.verdict import Kept, broken, summary
from tests.contracts.twilio_calling import TwilioCalling
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN

HOUR = 3600.0
PATIENCE = 120.0  # seconds until somebody must take events
FLOWS = 60.0  # seconds in which messages leave, mostly
SETTLED = 0.9  # of all kills hit a process that has begun to work


@dataclass(frozen=True)
class Plan:
    """How a run goes: *rate* orders a second for *seconds*, a fault every *pause* seconds or so."""

    database: str
    seconds: float
    seed: int
    rate: float = 2.0
    length: float = 40.0  # seconds that an order takes
    pause: float = 5.0
    speed: float = 1.0  # of the clock of our processes
    within: str = "5m"
    lease: int = 6
    script: tuple[str, ...] = ()  # what is broken, one after another; otherwise at random
    settle: float = 600.0  # seconds in which all of it must come to rest
    moods: float = 1.0  # of providers; 0: flawless
    answer: int = 3  # seconds in which a provider must answer


@dataclass
class Outcome:
    """What came of a run."""

    breaches: list[str]
    figures: dict[str, Any]
    faults: Counter[str] = field(default_factory=Counter)


class Chaos:
    """A house, its providers and processes, and all that is done to them."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.records = Records()
        self.done: Counter[str] = Counter()
        self._servers(folder, stack)
        self.database = OnAServer() if plan.database == "postgres" else InAFile(folder)
        stack.callback(self.database.close)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        mail, texts, push = (proxy.port for proxy in self.proxies)
        house.write(
            folder, plan.within, mail=mail, texts=texts, push=push, port=self.port, lease=plan.lease,
            answer=plan.answer, account=ACCOUNT, number=SENDER,
        )  # fmt: skip
        settings = {
            "BEFOREHAND_LEDGER__URL": self.database.url,
            "BEFOREHAND_CHANNELS__SMS__TOKEN": TOKEN,
            "BEFOREHAND_CHANNELS__PUSH__FCM_ACCOUNT": self.push.account,
            "SSL_CERT_FILE": str(folder / "trusted.pem"),
        }
        env = surroundings(settings)
        beforehand(folder, env, "db", "upgrade")
        beforehand(folder, env, "apply")
        self.clock = Clock(folder / "clock")
        self.ahead, self.most_ahead, self.began = 0.0, 0.0, time.time()
        self.clock.say(0, plan.speed, self.began)
        self.machines = [Machine(name, command, folder, env) for name, command in self.database.roles]
        self.keeper = Keeper(self.machines, Random(plan.seed + 1), (0.2, 2.0))
        self.traffic = Traffic(self.port, Random(plan.seed + 2), plan.rate, plan.length)
        self.folder, self.env = folder, env

    def _servers(self, folder: Path, stack: ExitStack) -> None:
        moods = [Random(self.plan.seed + n) for n in (3, 4, 5)]
        self.mail = stack.enter_context(MailServer(self.records, moods[0]))
        self.texts = stack.enter_context(TextServer(self.records, moods[1]))
        self.push = stack.enter_context(PushServer(self.records, moods[2], folder / "trusted.pem"))
        self.servers = (self.mail, self.texts, self.push)
        for server in self.servers:
            server.mood.times = self.plan.moods
        self.proxies = [stack.enter_context(Proxy((one.host, one.port))) for one in self.servers]

    # ── what goes on by itself ───────────────────────────────────────────────

    @contextmanager
    def background(self, work: Callable[[], None], every: float) -> Iterator[None]:
        """Do that again and again for the length of the block."""
        ended = threading.Event()

        def again() -> None:
            while not ended.wait(every):
                work()

        thread = threading.Thread(target=again, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def answer_late(self) -> None:
        """Providers that were slow answer after all, now and then."""
        if self.random.random() < 0.3:
            self.mail.going_on()
            let_go_on(self.texts)
            let_go_on(self.push)

    def report(self) -> None:
        """Twilio says what became of texts: late, twice, in any order."""
        caller = TwilioCalling(f"http://127.0.0.1:{self.port}")
        chance = Random(len(self.texts.texts))
        for text in chance.sample(self.texts.texts, min(3, len(self.texts.texts))):
            with suppress(httpx.HTTPError, OSError):
                caller.report(text, chance.choice(["sent", "delivered", "queued"]))

    # ── faults ───────────────────────────────────────────────────────────────

    def faults(self) -> list[tuple[int, Callable[[], str]]]:
        """What may happen, and how often."""
        common: list[tuple[int, Callable[[], str]]] = [
            (10, self.kill), (4, self.freeze), (3, self.cut_provider), (2, self.refuse_provider),
            (3, self.worse_mood), (1, self.jump), (1, self.roll),
        ]  # fmt: skip
        if isinstance(self.database, InAFile):
            return [*common, (2, self.full_disk)]
        return [
            *common, (4, self.cut_database), (2, self.restart_database), (1, self.database_away),
            (1, self.database_full),
        ]  # fmt: skip

    def somebody(self) -> Machine:
        """One of the processes, mostly one that works already."""
        working = [machine for machine in self.machines if machine.at_work()]
        return self.random.choice(working if working and self.random.random() < SETTLED else self.machines)

    def kill(self) -> str:
        if self.random.random() < SETTLED and not any(machine.works for machine in self.machines):
            return ""
        machine = self.somebody()
        return "kill -9" if machine.send(signal.SIGKILL) else ""

    def freeze(self) -> str:
        machine = self.somebody()
        long = self.random.random() < 0.25
        if not machine.send(signal.SIGSTOP):
            return ""
        time.sleep(self.random.uniform(1.2, 2.5) * self.plan.lease if long else self.random.uniform(0.1, 2))
        machine.send(signal.SIGCONT)
        return "freeze beyond the lease" if long else "freeze"

    def roll(self) -> str:
        """Stop each process as an update does, and start it anew before the next one is stopped."""
        for machine in self.machines:
            until(machine.at_work)
            self.flow()
            old = machine.process
            if old is not None and machine.send(signal.SIGTERM):
                old.wait(STOPS)
        until(lambda: all(machine.at_work() for machine in self.machines))
        return "rolling restart"

    def flow(self) -> None:
        """Wait for a message that leaves now, but not for long: nobody knows what is broken."""
        before, end = len(self.records.all()), time.monotonic() + FLOWS
        while len(self.records.all()) == before and time.monotonic() < end:
            time.sleep(0.1)

    def cut_provider(self) -> str:
        self.random.choice(self.proxies).breaking(self.random.choice([0, 100, 1000, 5000]))
        return "connections to a provider broken"

    def refuse_provider(self) -> str:
        proxy = self.random.choice(self.proxies)
        proxy.refusing()
        time.sleep(self.random.uniform(0.5, 4))
        proxy.accepting()
        return "provider not reached"

    def worse_mood(self) -> str:
        server = self.random.choice(self.servers)
        server.mood.times = 8.0
        time.sleep(self.random.uniform(1, 5))
        server.mood.times = self.plan.moods
        return "provider in a bad mood"

    def jump(self) -> str:
        by = self.random.choice([HOUR, -HOUR, 300.0, -300.0])
        self.ahead += by
        self.most_ahead = max(self.most_ahead, self.ahead)
        self.clock.say(self.ahead, self.plan.speed, self.began)
        return f"clock moved by {by:+.0f} s"

    def full_disk(self) -> str:
        assert isinstance(self.database, InAFile)
        (machine,) = self.machines
        if not machine.files_at_most(self.random.choice([4096, self.database.file.stat().st_size])):
            return ""
        time.sleep(self.random.uniform(0.5, 4))
        machine.files_at_most(-1)
        return "disk full"

    def cut_database(self) -> str:
        assert isinstance(self.database, OnAServer)
        self.database.proxy.breaking(self.random.choice([0, 500, 5000, 50_000]))
        return "connections to the database broken"

    def restart_database(self) -> str:
        assert isinstance(self.database, OnAServer)
        mode = self.random.choice(["fast", "immediate"])
        self.database.stop(mode)
        self.database.start()
        return f"database restarted ({mode})"

    def database_away(self) -> str:
        assert isinstance(self.database, OnAServer)
        seconds = self.random.choice([5, 12, 20, 45])
        self.database.stop(self.random.choice(["fast", "immediate"]))
        time.sleep(seconds)
        self.database.start()
        return f"database away for {seconds} s"

    def database_full(self) -> str:
        assert isinstance(self.database, OnAServer)
        self.database.full(self.random.uniform(0.5, 3), self.random)
        return "no room for the database"

    # ── the run ──────────────────────────────────────────────────────────────

    def play(self) -> None:
        """Break things until the time is over, then let all of it come to rest."""
        self.keeper.start()
        until(self.hears)
        end = time.monotonic() + self.plan.seconds
        with self.background(self.answer_late, 0.3), self.background(self.report, 1.0):
            self.traffic.start()
            for fault in self.chosen():
                left = end - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(self.random.expovariate(1 / self.plan.pause), left))
                if name := fault():
                    self.done[name] += 1
            self.calm()
            self.traffic.end(self.plan.settle)
            self.wait()
        self.exits = self.keeper.stop()

    def chosen(self) -> Iterator[Callable[[], str]]:
        """One fault after another."""
        for name in self.plan.script:
            yield getattr(self, name)
        weights, faults = zip(*self.faults(), strict=True)
        while not self.plan.script:
            yield self.random.choices(faults, weights)[0]

    def hears(self) -> bool:
        """Does anybody take events?"""
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    def calm(self) -> None:
        """Nothing is broken any more, and the clock shows the latest it ever did."""
        for server in self.servers:
            server.mood.times = 0
        self.mail.going_on()
        let_go_on(self.texts)
        let_go_on(self.push)
        self.clock.say(self.most_ahead, self.plan.speed, self.began)

    def wait(self) -> None:
        """Wait until nothing is under way, as far as patience goes."""
        end = time.monotonic() + self.plan.settle
        while time.monotonic() < end:
            time.sleep(0.5)
            self.mail.going_on()
            with suppress(Exception):
                kept = Kept.read(self.database.real)
                if all(entry.status.value in ENDED for entry in kept.entries):
                    return

    def end(self) -> None:
        """Leave nothing running."""
        for machine in self.machines:
            machine.send(signal.SIGKILL)

    def outcome(self) -> Outcome:
        kept = Kept.read(self.database.real)
        told = self.records.all()
        breaches = list(broken(self.traffic.stories, self.traffic.heard, told, kept))
        breaches += [
            f"ended by itself: {machine.name} with {code}"
            for machine in self.machines
            for code in machine.ended
        ]
        breaches += [f"did not stop well: {name} {code}" for name, code in self.exits.items() if code]
        breaches += [
            f"refused: {count} times events were answered {status}"
            for status, count in self.traffic.answers.items()
            if status.startswith("4")
        ]
        if self.traffic.is_alive():
            breaches.append(f"not heard: the last events, in {self.plan.settle:.0f} seconds of calm")
        wrong: Counter[str] = Counter()
        for machine in self.machines:
            wrong += machine.wrong()
        figures: dict[str, Any] = {
            "database": self.plan.database, "seed": self.plan.seed, "seconds": self.plan.seconds,
            "orders": len(self.traffic.stories), **summary(told, kept),
            "answers to events": dict(sorted(self.traffic.answers.items())),
            "misdeeds of providers": {
                type(server).__name__: sum(server.mood.did.values()) for server in self.servers
            },
            "kills": sum(machine.killed for machine in self.machines),
            "faults": dict(sorted(self.done.items())),
            "in the logs": dict(wrong.most_common(12)),
        }  # fmt: skip
        return Outcome(breaches, figures, self.done)


def until(true: Callable[[], bool]) -> None:
    """Wait for that, as far as patience goes."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come in {PATIENCE:.0f} seconds: {true.__name__}")
        time.sleep(0.1)


ENDED = {"accepted", "failed", "cancelled", "expired", "suppressed", "unknown"}


def run(plan: Plan, keep: Path | None = None) -> Outcome:
    """Play a run to its end; its folder is kept if *keep* says where."""
    folder = keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            chaos = Chaos(plan, folder, stack)
            try:
                chaos.play()
            finally:
                chaos.end()
            outcome = chaos.outcome()
        if keep is not None:
            (folder / "outcome.json").write_text(json.dumps([outcome.breaches, outcome.figures], indent=1))
        return outcome
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop("XDG_RUNTIME_DIR", None)
