"""Events over HTTP, as CloudEvents senders speak it, into a real ledger."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Semaphore
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.event import listen

from orchestrator.engine import Engine, Heard
from orchestrator.errors import LedgerAway
from orchestrator.intake import Incoming
from orchestrator.intake.codes import EVENT_CODES
from orchestrator.journey import RuleBook
from orchestrator.ledger import Ledger
from orchestrator.model import Fact
from orchestrator.web.app import create_app
from orchestrator.web.events import Hear
from orchestrator.web.hearing import PATIENCE, hearing, writing
from tests.builders import at, car_order, event, promised, reached
from tests.serving import served

NOW = at("2026-03-12 18:00")
MAX_BODY = 65_536
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=UTF-8"}
BINARY = {
    "Content-Type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "e1",
    "ce-source": "dealer",
    "ce-type": "milestone.reached",
    "ce-subject": "O-1",
    "ce-time": "2026-03-12T17:30:00+01:00",
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", upgrade=True)
    yield Engine(ledger, RuleBook())
    ledger.close()


def app_of(hear: Hear, *, ready: bool = True) -> FastAPI:
    async def is_ready() -> bool:
        return ready

    return create_app(hear, now=lambda: NOW, ready=is_ready, max_body=MAX_BODY)


def into(engine: Engine) -> FastAPI:
    async def hear(events: Sequence[Incoming]) -> Heard:
        return await asyncio.to_thread(engine.hear, events, NOW)

    return app_of(hear)


def facts(engine: Engine, order: str = "O-1") -> Sequence[Fact]:
    with engine.ledger.read() as tx:
        return tx.order_facts([order]).get(order, ())


@asynccontextmanager
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def post(app: FastAPI, content: Any, headers: Any = STRUCTURED) -> httpx.Response:
    async def send() -> httpx.Response:
        async with client(app) as opened:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            return await opened.post("/events", content=body, headers=headers)

    return asyncio.run(send())


def problems(response: httpx.Response, status: int = 400) -> list[dict[str, Any]]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == status
    assert all(problem["code"] in EVENT_CODES for problem in content["problems"])
    return list(content["problems"])


ARRIVED = reached("O-1", "arrived", "2026-03-12 17:30", event_id="e1")


# ── the three content modes ──────────────────────────────────────────────────


def test_a_structured_event_is_committed_before_it_is_answered(engine: Engine) -> None:
    response = post(into(engine), ARRIVED)
    assert response.status_code == 202
    assert response.json() == {
        "accepted": 1,
        "duplicates": 0,
        "problems": {"O-1": "order O-1 is not known yet: no order.upserted was heard"},
    }
    (fact,) = facts(engine)
    assert (fact.id, fact.happened, fact.heard) == ("e1", at("2026-03-12 17:30"), NOW)


def test_what_is_odd_about_an_order_is_answered_though_the_event_is_kept(engine: Engine) -> None:
    slip = event("task.done", "O-1", "2026-03-12 17:30", task="O-1/late/1/owner")
    response = post(into(engine), slip)
    assert response.status_code == 202
    assert response.json()["problems"].keys() == {"O-1"}
    assert len(facts(engine)) == 1


def test_a_binary_event_is_the_same_event_as_the_structured_one(engine: Engine) -> None:
    assert post(into(engine), ARRIVED | {"sequence": 7}).status_code == 202
    response = post(into(engine), {"milestone": "arrived"}, BINARY | {"ce-sequence": "7"})
    assert (response.status_code, response.json()) == (200, {"accepted": 0, "duplicates": 1})


def test_a_binary_event_may_come_without_a_body(engine: Engine) -> None:
    response = post(into(engine), b"", BINARY | {"ce-type": "order.cancelled"})
    assert response.status_code == 202
    assert facts(engine)[0].data == {}


ODD = {"problems": {"O-1": "there is no journey called 'new-car'"}}


def test_a_batch_counts_what_was_new_and_what_was_known(engine: Engine) -> None:
    assert post(into(engine), [car_order(), ARRIVED], BATCH).json() == {"accepted": 2, "duplicates": 0, **ODD}
    again = [promised("O-1", "arrived", "2026-03-12", "2026-03-01 09:00"), ARRIVED, ARRIVED]
    assert post(into(engine), again, BATCH).json() == {"accepted": 1, "duplicates": 2, **ODD}


def test_an_empty_batch_is_legal(engine: Engine) -> None:
    response = post(into(engine), [], BATCH)
    assert (response.status_code, response.json()) == (200, {"accepted": 0, "duplicates": 0})


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"O%201", "O 1"),
        (b"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        (b"100%2525", "100%25"),
        (b'"O-1 \\"blue\\""', 'O-1 "blue"'),
        ("Müller".encode(), "Müller"),
    ],
)
def test_headers_are_unquoted_and_percent_decoded_once(engine: Engine, raw: bytes, subject: str) -> None:
    headers = {name.encode(): value.encode() for name, value in BINARY.items()} | {b"ce-subject": raw}
    assert post(into(engine), {"milestone": "arrived"}, headers).status_code == 202
    assert len(facts(engine, subject)) == 1


@pytest.mark.parametrize("raw", [b"%C0%A0", b"%FF", b"100%", b"%G1", b'"open'])
def test_a_header_that_decodes_to_nothing_sensible_is_refused(engine: Engine, raw: bytes) -> None:
    headers = {name.encode(): value.encode() for name, value in BINARY.items()} | {b"ce-subject": raw}
    (problem,) = problems(post(into(engine), {"milestone": "arrived"}, headers))
    assert (problem["code"], problem["header"]) == ("E201", "ce-subject")


def test_the_content_type_of_binary_data_is_content_type_alone(engine: Engine) -> None:
    response = post(
        into(engine), {"milestone": "arrived"}, BINARY | {"ce-datacontenttype": "application/json"}
    )
    (problem,) = problems(response)
    assert (problem["code"], problem["header"]) == ("E202", "ce-datacontenttype")


def test_a_header_that_comes_twice_is_refused_like_a_key_that_does(engine: Engine) -> None:
    headers = [*BINARY.items(), ("ce-id", "e2")]
    (problem,) = problems(post(into(engine), {"milestone": "arrived"}, headers))
    assert (problem["code"], problem["header"]) == ("E201", "ce-id")


def test_problems_of_a_binary_event_name_the_header_or_the_place_in_the_body(engine: Engine) -> None:
    headers = BINARY | {"ce-type": "promise.made", "ce-time": "2026-03-12T17:30:00", "ce-subject": ""}
    found = problems(post(into(engine), {"milestone": "arrived", "date": "2026-02-30"}, headers))
    places = [(p["code"], p.get("header"), p.get("pointer")) for p in found]
    assert places == [("E011", "ce-subject", None), ("E105", "ce-time", None), ("E106", None, "/date")]


# ── refusals ─────────────────────────────────────────────────────────────────


def test_every_problem_of_a_batch_is_located_and_nothing_of_it_is_kept(engine: Engine) -> None:
    batch = [
        ARRIVED,
        event("promise.made", "O-1", "2026-03-12 17:00", milestone="arrived", at="2026-03-14T09:00:00"),
        7,
        event(
            "order.upserted",
            "O-1",
            "2026-03-12 17:00",
            owner={"email": "nora@"},
            parties={"a/b": {"phone": "x"}},
        ),
    ]
    found = problems(post(into(engine), batch, BATCH))
    assert [(p["index"], p["code"], p["pointer"]) for p in found] == [
        (1, "E105", "/1/data/at"),
        (2, "E005", "/2"),
        (3, "E113", "/3/data/owner/email"),
        (3, "E114", "/3/data/parties/a~1b/phone"),
    ]
    assert not facts(engine)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"specversion":"1.0",\n "id": NaN}', "E001"),
        (b'{"specversion":"1.0",\n "specversion":"1.0"}', "E002"),
        (b"[" * 50 + b"]" * 50, "E003"),
        (b"\xff", "E001"),
        (b"", "E001"),
        (b"[]", "E005"),
        (b"null", "E005"),
    ],
)
def test_a_body_that_is_no_strict_json_object_is_refused(engine: Engine, body: bytes, code: str) -> None:
    assert [problem["code"] for problem in problems(post(into(engine), body))] == [code]


def test_every_key_that_comes_twice_is_located_in_one_answer(engine: Engine) -> None:
    body = b'{"id": "e1", "id": "e2",\n "data": {"note": 1, "note": 2}}'
    found = problems(post(into(engine), body))
    assert [(p["code"], p["pointer"], p["line"], p["column"]) for p in found] == [
        ("E002", "/id", 1, 14),
        ("E002", "/data/note", 2, 22),
    ]


@pytest.mark.parametrize("media", [None, "text/plain", "application/x-www-form-urlencoded", "text/xml"])
def test_what_does_not_say_that_it_is_an_event_is_told_how_to(engine: Engine, media: str | None) -> None:
    (problem,) = problems(post(into(engine), ARRIVED, {} if media is None else {"Content-Type": media}), 415)
    assert problem["code"] == "E200"
    assert problem["detail"].startswith(media or "a request without a content type")
    assert "application/cloudevents+json" in problem["hint"]
    assert not facts(engine)


def test_json_alone_is_told_that_the_content_type_says_what_the_body_is(engine: Engine) -> None:
    (problem,) = problems(post(into(engine), ARRIVED, {"Content-Type": "application/json"}))
    assert problem["code"] == "E010"
    assert "application/cloudevents+json" in problem["hint"]


def test_data_of_a_binary_event_without_its_content_type_is_told_what_is_missing(engine: Engine) -> None:
    bare = {name: value for name, value in BINARY.items() if name != "Content-Type"}
    (problem,) = problems(post(into(engine), {"milestone": "arrived"}, bare), 415)
    assert (problem["code"], problem["hint"]) == ("E200", "send Content-Type: application/json")


def test_broken_json_is_located_by_line_and_column(engine: Engine) -> None:
    (problem,) = problems(post(into(engine), b'{"id": "e1",\n "source": NaN}'))
    assert (problem["line"], problem["column"]) == (2, 12)


def test_the_same_id_with_another_body_is_a_conflict_that_names_it_and_keeps_nothing(engine: Engine) -> None:
    assert post(into(engine), ARRIVED).status_code == 202
    changed = reached("O-1", "arrived", "2026-03-12 17:31", event_id="e1")
    other = reached("O-2", "arrived", "2026-03-12 17:31", event_id="e2")
    (problem,) = problems(post(into(engine), [other, changed], BATCH), 409)
    assert (problem["code"], problem["index"]) == ("E203", 1)
    assert "'e1'" in problem["detail"]
    assert len(facts(engine)) == 1
    assert not facts(engine, "O-2")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/cloudevents+avro"},
        {"Content-Type": "application/cloudevents-batch+avro"},
        {"Content-Type": "application/cloudevents"},
        {"Content-Type": "application/cloudevents+json; charset=iso-8859-1"},
        BINARY | {"Content-Type": "text/xml"},
        STRUCTURED | {"Content-Encoding": "gzip"},
    ],
)
def test_other_formats_are_refused_as_such(engine: Engine, headers: dict[str, str]) -> None:
    assert [problem["code"] for problem in problems(post(into(engine), ARRIVED, headers), 415)] == ["E200"]


def test_an_event_sent_as_plain_json_learns_its_content_type(engine: Engine) -> None:
    (problem,) = problems(post(into(engine), ARRIVED, {"Content-Type": "application/json"}))
    assert "application/cloudevents+json" in problem["hint"]


def test_a_body_of_64_kib_is_taken_and_one_byte_more_is_not(engine: Engine) -> None:
    filler = MAX_BODY - len(json.dumps(event("note", "O-1", "2026-03-12 17:30", event_id="big", text="")))
    largest = event("note", "O-1", "2026-03-12 17:30", event_id="big", text="x" * filler)
    assert len(json.dumps(largest)) == MAX_BODY
    assert post(into(engine), largest).status_code == 202
    assert problems(post(into(engine), json.dumps(largest).encode() + b" "), 413)[0]["code"] == "E004"


def test_a_body_that_does_not_say_its_length_is_measured_while_it_comes(engine: Engine) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 10_000

    async def send() -> httpx.Response:
        async with client(into(engine)) as opened:
            return await opened.post("/events", content=endless(), headers=STRUCTURED)

    problems(asyncio.run(send()), 413)
    assert sent <= MAX_BODY // 10_000 + 2


# ── when things go wrong behind the door ─────────────────────────────────────


def test_a_ledger_that_is_away_means_try_again_and_no_2xx() -> None:
    async def hear(_events: Sequence[Incoming]) -> Heard:
        raise LedgerAway("disk full on /var/lib/secret")

    response = post(app_of(hear), ARRIVED)
    assert [problem["code"] for problem in problems(response, 503)] == ["E204"]
    assert int(response.headers["retry-after"]) > 0
    assert "secret" not in response.text


def test_an_accident_tells_nothing_about_itself() -> None:
    async def hear(_events: Sequence[Incoming]) -> Heard:
        raise RuntimeError("maria.keller@example.com")

    response = post(app_of(hear), ARRIVED)
    assert response.status_code == 500
    assert response.json() == {"type": "about:blank", "title": "Internal Server Error", "status": 500}


def test_health_is_about_the_process_and_ready_about_the_ledger(engine: Engine) -> None:
    async def hear(_events: Sequence[Incoming]) -> Heard:
        return Heard()

    async def statuses(app: FastAPI) -> list[int]:
        async with client(app) as opened:
            return [(await opened.get(path)).status_code for path in ("/health", "/ready")]

    assert asyncio.run(statuses(app_of(hear))) == [200, 200]
    assert asyncio.run(statuses(app_of(hear, ready=False))) == [200, 503]


def test_unknown_paths_and_methods_answer_in_the_same_form(engine: Engine) -> None:
    async def answers() -> list[httpx.Response]:
        async with client(into(engine)) as opened:
            return [await opened.get("/nowhere"), await opened.get("/events")]

    missing, wrong_method = asyncio.run(answers())
    assert (missing.status_code, wrong_method.status_code) == (404, 405)
    assert wrong_method.headers["allow"] == "POST"
    assert {r.headers["content-type"] for r in (missing, wrong_method)} == {"application/problem+json"}


# ── over a real socket ───────────────────────────────────────────────────────


def test_the_same_event_many_times_at_once_is_one_fact_and_every_answer_is_2xx(engine: Engine) -> None:
    async def race(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url) as opened:
            sends = [
                opened.post("/events", content=json.dumps(ARRIVED), headers=STRUCTURED) for _ in range(8)
            ]
            return await asyncio.gather(*sends)

    with served(into(engine)) as url:
        responses = asyncio.run(race(url))
    assert sorted(response.status_code for response in responses) == [200] * 7 + [202]
    assert sum(response.json()["accepted"] for response in responses) == 1
    assert len(facts(engine)) == 1


def test_a_real_server_takes_binary_events_and_refuses_large_ones(engine: Engine) -> None:
    with served(into(engine)) as url:
        headers = BINARY | {"ce-subject": "O%2D1"}
        assert httpx.post(f"{url}/events", json={"milestone": "arrived"}, headers=headers).status_code == 202
        assert httpx.get(f"{url}/ready").status_code == 200
        large = httpx.post(f"{url}/events", content=b" " * (MAX_BODY + 1), headers=STRUCTURED)
        assert large.status_code == 413
    assert len(facts(engine)) == 1


# ── many callers, one ledger ─────────────────────────────────────────────────


@contextmanager
def heard_together(engine: Engine, patience: float = PATIENCE) -> Iterator[FastAPI]:
    with writing(engine, patience) as write:
        yield app_of(hearing(engine, write, lambda: NOW))


def test_many_callers_share_few_commits(engine: Engine) -> None:
    callers, commits = 64, list[object]()
    asked, free = Semaphore(0), threading.Event()
    listen(engine.ledger._database.engine, "commit", commits.append)

    def write_for_a_while() -> None:
        with engine.ledger.transaction():
            free.set()
            for _ in range(callers):
                asked.acquire()

    with writing(engine) as write:
        gathered = hearing(engine, write, lambda: NOW)

        async def hear(events: Sequence[Incoming]) -> Any:
            asked.release()
            return await gathered(events)

        async def post_all() -> list[httpx.Response]:
            async with client(app_of(hear)) as opened:
                bodies = [
                    json.dumps(reached("O-1", "arrived", "2026-03-12 17:30", event_id=f"e{n}"))
                    for n in range(callers)
                ]
                return await asyncio.gather(
                    *(opened.post("/events", content=body, headers=STRUCTURED) for body in bodies)
                )

        other = threading.Thread(target=write_for_a_while)
        other.start()
        free.wait()
        answers = asyncio.run(post_all())
        other.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len(facts(engine)) == callers
    assert len(commits) <= 1 + 2  # of the other writer; of who came first, alone; of everybody else


def test_a_refused_caller_takes_nobody_along(engine: Engine) -> None:
    async def post_all(app: FastAPI) -> list[int]:
        async with client(app) as opened:
            bodies = [ARRIVED, ARRIVED | {"id": "e2"}, ARRIVED | {"data": {"milestone": "shipped"}}, ARRIVED]
            sent = (
                opened.post("/events", content=json.dumps(body).encode(), headers=STRUCTURED)
                for body in bodies
            )
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    with heard_together(engine) as app:
        assert post(app, ARRIVED).status_code == 202
        assert asyncio.run(post_all(app)) == [200, 202, 409, 200]
    assert {fact.id for fact in facts(engine)} == {"e1", "e2"}


def test_21_the_same_event_twice_at_once_is_one_fact_and_both_senders_hear_success(engine: Engine) -> None:
    async def twice(app: FastAPI) -> list[httpx.Response]:
        async with client(app) as opened:
            body = json.dumps(ARRIVED).encode()
            sent = (opened.post("/events", content=body, headers=STRUCTURED) for _ in range(2))
            return await asyncio.gather(*sent)

    with heard_together(engine) as app:
        answers = asyncio.run(twice(app))
    assert sorted(answer.status_code for answer in answers) == [200, 202]
    assert len(facts(engine)) == 1


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    other = sqlite3.connect(str(engine.ledger._database.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_while_somebody_else_writes_a_sender_is_soon_told_to_come_back_and_our_own_work_waits_on(
    engine: Engine,
) -> None:
    def our_own_work() -> None:
        with engine.ledger.transaction() as tx:
            tx.remember("it", "waited")

    with heard_together(engine, patience=0.1) as app:
        with locked(engine):
            working = threading.Thread(target=our_own_work)
            working.start()
            response = post(app, ARRIVED)
            assert problems(response, 503)[0]["code"] == "E204"
            assert int(response.headers["retry-after"]) > 0
            assert working.is_alive()
        working.join()
        assert not facts(engine)
        assert post(app, ARRIVED).status_code == 202
    with engine.ledger.read() as tx:
        assert tx.remembered("it") == "waited"
    assert PATIENCE <= 5


@pytest.mark.parametrize("instead", ["nothing", "a copy"])
def test_a_ledger_whose_file_was_moved_away_takes_nothing_until_it_is_back(
    engine: Engine, instead: str
) -> None:
    file = engine.ledger._database.file
    assert file is not None
    aside = file.with_name("aside.db")
    with heard_together(engine) as app:
        assert post(app, ARRIVED).status_code == 202
        file.rename(aside)
        if instead == "a copy":
            file.write_bytes(aside.read_bytes())
        response = post(app, ARRIVED | {"id": "e2"})
        assert problems(response, 503)[0]["code"] == "E204"
        assert file.exists() == (instead == "a copy")  # nobody made an empty one
        with pytest.raises(LedgerAway, match="moved away or replaced"), engine.ledger.read():
            pass
        aside.replace(file)
        assert post(app, ARRIVED | {"id": "e2"}).status_code == 202
    assert [fact.id for fact in facts(engine)] == ["e1", "e2"]


def test_a_ledger_whose_file_is_moved_while_an_event_is_being_kept_keeps_nothing(engine: Engine) -> None:
    file = engine.ledger._database.file
    assert file is not None

    async def hear(events: Sequence[Incoming]) -> Heard:
        with engine.ledger.transaction() as tx:
            heard = engine.take(tx, events, NOW)
            file.rename(file.with_name("aside.db"))
        return heard

    assert post(app_of(hear), ARRIVED).status_code == 503
    file.with_name("aside.db").rename(file)
    assert not facts(engine)
