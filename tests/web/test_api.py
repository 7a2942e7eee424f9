"""The API for other systems: what it says of the dealership's evening, and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import Phase, settings

from orchestrator.access import keys
from orchestrator.access.audit import By
from orchestrator.access.keys import Scope
from tests.builders import event
from tests.web.browser import site
from tests.web.story import Evening, evening

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    with evening(f"sqlite:///{tmp_path_factory.mktemp('api') / 'ledger.db'}") as found:
        yield found


@pytest.fixture(scope="module")
def url(house: Evening) -> Iterator[str]:
    with site(house.engine, house.clock.now) as address:
        yield address


def key_for(house: Evening, name: str, *scopes: Scope) -> str:
    with house.engine.ledger.transaction() as tx:
        return keys.add(tx, By("a test", "test"), house.clock.now(), name, scopes)[1]


@pytest.fixture(scope="module")
def api(house: Evening, url: str) -> Iterator[httpx.Client]:
    given = key_for(house, "crm", *Scope)
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {given}"}) as client:
        yield client


def found(api: httpx.Client, path: str, **params: Any) -> Any:
    answer = api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


# ── reading ──────────────────────────────────────────────────────────────────


def test_an_order_has_its_promises_in_every_version_and_who_was_told(api: httpx.Client) -> None:
    order = found(api, "/orders/BX-100")
    assert (order["customer"], order["journey"], order["status"]) == ("maria", "new-car", "open")
    (arrived,) = [one for one in order["milestones"] if one["name"] == "arrived"]
    assert arrived["state"] == "broken"
    assert arrived["versions"][0]["value"] == {"day": "2026-03-12", "start": None, "end": None}
    assert order["promise"] == "arrived"


def test_an_explanation_says_what_was_said_and_what_comes_next_unless_what(api: httpx.Client) -> None:
    story = found(api, "/explanations/BX-100")
    assert story["zone"] == "Europe/Berlin"
    assert all(line["text"] for line in story["past"])
    assert any(coming["unless"] for coming in story["next"])
    assert any(one["reason"] for one in story["not_said"])


def test_a_customer_has_addresses_consents_and_orders(api: httpx.Client) -> None:
    maria = found(api, "/customers/maria")
    assert (maria["name"], maria["orders"]) == ("Maria Keller", ["BX-100"])
    assert {point["channel"] for point in maria["points"]} >= {"email", "sms"}
    assert len(maria["consents"]) == 2


def test_lists_are_read_on_to_the_end_and_nothing_comes_twice(api: httpx.Client) -> None:
    for path in ("/orders", "/notifications", "/tasks"):
        whole = found(api, path, limit=200)["items"]
        parts, after = [], {}
        while True:
            part = found(api, path, limit=1, **after)
            parts += part["items"]
            if part["next"] is None:
                break
            after = {"after": part["next"]}
        assert parts == whole
        assert whole


def test_a_list_is_narrowed(api: httpx.Client) -> None:
    assert {one["id"] for one in found(api, "/orders", customer="maria")["items"]} == {"BX-100"}
    assert {one["status"] for one in found(api, "/orders", status="open")["items"]} == {"open"}
    assert found(api, "/orders", status="cancelled") == {"items": [], "next": None}
    tasks = found(api, "/notifications", order="BX-100", kind="task")["items"]
    assert {(one["order"], one["kind"]) for one in tasks} == {("BX-100", "task")}


def test_the_orders_of_one_customer_are_read_on_past_those_of_another_status(
    house: Evening, api: httpx.Client
) -> None:
    fleet = {"customer": "fleet", "journey": "new-car"}
    house.hear(
        event("customer.upserted", "fleet", "2026-03-12 09:00", name="Paul Lindner"),
        *(event("order.upserted", f"FL-{n}", "2026-03-12 09:01", **fleet) for n in range(5)),
        *(event("order.cancelled", f"FL-{n}", "2026-03-12 09:02") for n in (0, 1, 3)),
    )
    first = found(api, "/orders", customer="fleet", status="open", limit=1)
    assert ([one["id"] for one in first["items"]], first["next"]) == (["FL-2"], "FL-2")
    rest = found(api, "/orders", customer="fleet", status="open", limit=1, after=first["next"])
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["FL-4"], None)


def test_a_notification_has_its_tries(api: httpx.Client) -> None:
    (first, *_) = found(api, "/notifications", status="accepted")["items"]
    whole = found(api, f"/notifications/{first['id']}")
    assert whole["key"] == first["key"]
    assert whole["attempts"][0]["outcome"] == "accepted"


def test_a_reason_has_its_code_and_is_found_by_it(api: httpx.Client) -> None:
    ended = found(api, "/notifications", status="cancelled")["items"]
    assert all(one["reason"] and one["reason_code"] for one in ended)
    code = ended[0]["reason_code"]
    alike = found(api, "/notifications", status="cancelled", reason_code=code)["items"]
    assert alike == [one for one in ended if one["reason_code"] == code]
    assert api.get("/notifications", params={"reason_code": "because"}).status_code == 400


def test_what_somebody_has_already_is_not_sent_again(api: httpx.Client) -> None:
    answer = api.get("/orders/BX-100")
    tag = answer.headers["etag"]
    again = api.get("/orders/BX-100", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api.get("/orders/BX-100", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/orders/BX-1", "/explanations/BX-1", "/customers/nobody", "/notifications/99999"]
)
def test_what_is_not_there_is_a_problem_with_its_reason(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"]


def test_everything_that_is_wrong_with_a_request_is_said_at_once(api: httpx.Client) -> None:
    answer = api.get("/orders", params={"limit": "many", "status": "lost"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "query/limit" in answer.json()["detail"]
    assert "query/status" in answer.json()["detail"]
    broken = api.post("/tasks/done", content="{", headers={"Content-Type": "application/json"})
    assert "JSON decode error" in broken.json()["detail"]


@pytest.mark.parametrize("wrong", ['"task": "a", "task": "b", "by": "N"', '"task": "a", "by": NaN'])
def test_40_json_that_says_something_twice_or_is_no_number_is_refused(api: httpx.Client, wrong: str) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "8f14e45f-40"}
    answer = api.post("/tasks/done", content=f"{{{wrong}}}", headers=headers)
    assert (answer.status_code, answer.json()["detail"].startswith("body")) == (400, True)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("statu=open", "query/statu: there is no such parameter; did you mean 'status'?"),
        ("status=open&status=held", "query/status: it is given twice"),
        ("limit=many&custmer=maria", "query/custmer: there is no such parameter; did you mean 'customer'?"),
    ],
)
def test_a_filter_with_a_slip_is_refused_instead_of_leaving_nothing_out(
    api: httpx.Client, query: str, said: str
) -> None:
    answer = api.get(f"/orders?{query}")
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text
    assert api.get("/orders/BX-100?expand=all").status_code == 400


# ── keys ─────────────────────────────────────────────────────────────────────


def test_nobody_reads_without_a_key_and_a_key_opens_only_its_own(house: Evening, url: str) -> None:
    assert httpx.get(f"{url}/api/v1/orders").status_code == 401
    given = key_for(house, "warehouse", Scope.ORDERS_READ)
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {given}"}) as api:
        assert api.get("/orders").status_code == 200
        assert api.get("/customers/maria").status_code == 403
        refused = api.post(
            "/tasks/done", json={"task": "t", "by": "x"}, headers={"Idempotency-Key": "12345678"}
        )
        assert refused.status_code == 403  # a key that reads does not write


# ── writing ──────────────────────────────────────────────────────────────────


def open_task(api: httpx.Client) -> str:
    return str(found(api, "/tasks")["items"][0]["task"])


def test_a_task_is_done_once_under_one_idempotency_key(api: httpx.Client) -> None:
    task = open_task(api)
    said = {"task": task, "by": "Nora Brandt", "outcome": "She comes on Saturday."}
    once = {"Idempotency-Key": "8f14e45f-ceea"}
    assert api.post("/tasks/done", json=said, headers=once).json() == {"new": True}
    assert api.post("/tasks/done", json=said, headers=once).json() == {"new": False}
    other = api.post("/tasks/done", json=said | {"outcome": "Never."}, headers=once)
    assert (other.status_code, "Idempotency-Key" in other.json()["detail"]) == (409, True)
    assert task not in {one["task"] for one in found(api, "/tasks", limit=200)["items"]}


def test_what_has_not_left_is_taken_back_once_and_what_left_is_not(api: httpx.Client) -> None:
    (waits, *_) = found(api, "/notifications", status="scheduled", kind="message")["items"]
    path, why = f"/notifications/{waits['id']}/cancel", {"reason": "She was called."}
    assert api.post(path, json=why).json() == {"new": True}
    assert api.post(path, json=why).json() == {"new": False}
    ended = found(api, f"/notifications/{waits['id']}")
    assert (ended["status"], "crm took it back: She was called." in ended["reason"]) == ("cancelled", True)
    (left, *_) = found(api, "/notifications", status="accepted")["items"]
    assert api.post(f"/notifications/{left['id']}/cancel", json=why).status_code == 409


# ── the description ──────────────────────────────────────────────────────────


def test_the_description_in_the_docs_is_that_of_the_program(api: httpx.Client) -> None:
    written = json.loads((ROOT / "docs/reference/openapi.json").read_text("utf-8"))
    assert found(api, "/openapi.json") == written, "make docs"


def test_every_operation_says_what_it_is_and_every_field_has_a_type(url: str) -> None:
    described = httpx.get(f"{url}/api/v1/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert {"401", "403", "503"} <= operation["responses"].keys(), (method, path)


def test_schemathesis_finds_nothing(api: httpx.Client, url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    given = {"Authorization": api.headers["authorization"]}
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 5
    for operation in operations:

        @settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url=url, headers=given)

        ask()
