"""The console as a company has it: a daemon, its first link, the command line, a log without secrets."""

import re
from datetime import UTC, datetime

import httpx
import pytest

from tests.installation import Home, home
from tests.integration.test_daemon import daemon, said, stopped, until

__all__ = ["home"]

PASSWORD = "four quiet words here"
VARIABLE = "BEFOREHAND_SERVER__EVENTS_KEY"


def printed(home: Home) -> tuple[str, str]:
    """Where the daemon listens, and the link that makes the first admin."""
    until(lambda: "listening on" in said(home))
    (base,) = re.findall(r"listening on (http\S+)", said(home))
    (link,) = re.findall(r"makes the first admin once: (http\S+)", said(home))
    return base, link


def test_from_the_first_start_to_a_colleague_a_key_and_a_page_and_nothing_secret_in_the_log(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "required")
    with daemon(home, "serve", "--port", "0", **{VARIABLE: "required"}) as process:
        base, link = printed(home)
        with httpx.Client(base_url=base, headers={"Origin": base}, timeout=60) as paul:
            assert paul.get("/console").headers["location"].startswith("/console/sign-in")
            form = {"name": "Paul Lindner", "email": "paul.lindner@example.com", "password": PASSWORD}
            assert paul.post(link, data=form).status_code == 303
            code, nora, err = home.run(
                "people", "add", "nora.brandt@example.com", "--name", "Nora Brandt", "--role", "approver"
            )
            assert code == 0, err
            welcome = nora.strip()
            assert welcome.startswith(f"{base}/console/welcome/"), (
                "not where the settings would have it listen"
            )
            with httpx.Client(base_url=base, headers={"Origin": base}, timeout=60) as page:
                assert page.post(welcome, data={"password": PASSWORD}).status_code == 303
                for path in ("now", "messages", "rules", "templates", "changes", "account"):
                    assert page.get(f"/console/{path}").status_code == 200, path
                assert page.get("/console/people").status_code == 403
                session = page.cookies["beforehand"]

            code, key, err = home.run("keys", "add", "dealer", "--scope", "events:write")
            assert code == 0, err
            now, who = datetime.now(UTC).isoformat(), {"name": "Jonas Weber"}
            event = {"specversion": "1.0", "id": "1", "source": "dealer", "type": "customer.upserted",
                     "subject": "C-9", "time": now, "data": who}  # fmt: skip
            kind = {"Content-Type": "application/cloudevents+json"}
            assert httpx.post(f"{base}/events", json=event, headers=kind).status_code == 401
            kind["Authorization"] = f"Bearer {key.strip()}"
            assert httpx.post(f"{base}/events", json=event, headers=kind, timeout=60).status_code == 202
            assert home.run("keys", "revoke", key.strip()[:14])[0] == 0
            assert httpx.post(f"{base}/events", json=event, headers=kind, timeout=60).status_code == 401

            with paul.stream("GET", "/console/live") as stream:  # while somebody listens
                lines = stream.iter_lines()
                assert next(lines).startswith("id: ")
                home.run("people", "disable", "nora.brandt@example.com")
                assert any(line == "event: changed" for line in lines)
                assert "stopped" in stopped(process)
    for secret in (PASSWORD, session, key.strip().rpartition("_")[2], welcome.rpartition("/")[2]):
        assert secret not in said(home)
    with daemon(home, "serve", "--port", "0"):
        until(lambda: "listening on" in said(home))
        assert "makes the first admin" not in said(home)  # there is one


def test_the_command_line_refuses_what_the_console_would(home: Home) -> None:
    assert home.run("db", "upgrade")[0] == 0
    for said_so, *command in (
        ("no role is called 'boss'", "people", "add", "a@example.com", "--name", "A", "--role", "boss"),
        ("no brand is called 'x'", "people", "add", "a@example.com", "--name", "A", "--brand", "x"),
        ("this is no mail address", "people", "add", "nobody", "--name", "A"),
        ("nobody here is 'a@example.com'", "people", "disable", "a@example.com"),
        ("did you mean", "keys", "add", "shop", "--scope", "event:write"),
        ("no key is called 'shop'", "keys", "rotate", "shop"),
        ("no key begins with", "keys", "revoke", "bfh_0123456789"),
    ):
        code, out, err = home.run(*command)
        assert code != 0
        assert out == ""
        assert said_so in err
    assert home.run("people", "add", "a@example.com", "--name", "A")[0] == 0
    assert "a@example.com is A already" in home.run("people", "add", "A@example.com", "--name", "B")[2]
    assert "1 person" in home.run("people", "list")[1]
    assert "no other system has a key" in home.run("keys", "list")[1]
