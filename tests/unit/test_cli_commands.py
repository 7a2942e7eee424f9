"""The commands on a new installation: what each prints, keeps, refuses and ends with."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.installation import BEFOREHAND, CAR, MOMENT, Home, begun, environment, event, home, in_force

__all__ = ["begun", "home", "in_force"]

# ── check, schema, preview ───────────────────────────────────────────────────


def test_what_init_writes_has_no_problem(home: Home) -> None:
    code, out, _ = home.run("check")
    assert code == 0
    assert out.startswith("2 journeys, ")
    assert out.endswith(" templates: no problem found\n")


def test_in_an_empty_folder_check_says_that_the_settings_are_missing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = home.folder / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    _, _, err = home.run("check")

    assert "there is no config.toml here; use --config FILE, or `beforehand init` makes one" in err


def test_check_tells_problems_of_rules_and_templates_in_one_run(home: Home) -> None:
    home.replace("rules/new-car.yaml", "channels: [push, sms, email]", "channels: [push, sms, emial]")
    home.write("templates/new-car/arrived/sms.txt.de.j2", "{{ custmer.name }}")
    code, out, _ = home.run("check")
    assert code == 1
    assert "did you mean 'email'?" in out
    assert "custmer" in out
    assert "problems found" in out.splitlines()[-1]


def test_a_folder_without_any_rule_is_a_problem(home: Home, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    code, out, err = home.run("check", str(tmp_path / "none"))
    assert (code, out.count("R065")) == (1, 1)
    assert "there is no rule, so nothing would ever be said" in out
    assert "1 problem found" in out + err


def test_check_finds_settings_that_cannot_be_used_and_ends_with_2(home: Home) -> None:
    home.replace("config.toml", 'time_zone = "Europe/Berlin"', 'time_zone = "Europe/Berlni"')
    code, out, _ = home.run("check")
    assert code == 2
    assert out.startswith("config.toml:")
    assert "did you mean 'Europe/Berlin'?" in out


def test_settings_that_cannot_be_used_end_any_other_command_with_2(home: Home) -> None:
    home.replace("config.toml", "port = 8000", "port = 80000")
    code, out, err = home.run("explain", "A-1")
    assert (code, out) == (2, "")
    assert err.startswith("config.toml:")


def test_the_settings_may_be_named_before_and_after_the_command(home: Home) -> None:
    assert home.run("check", "--config", "nowhere.toml")[0] == 2
    assert home.run("--config", "nowhere.toml", "check")[0] == 2


def test_check_gives_a_program_objects_and_nothing_else(home: Home) -> None:
    home.replace("rules/new-car.yaml", "say: arrived\n", "say: arived\n")
    code, out, err = home.run("check", "--format", "json")
    assert code == 1
    assert [problem["path"] for problem in json.loads(out)] == ["rules/new-car.yaml"]
    assert "1 problem found" in err


def test_check_starts_and_ends_without_what_only_other_commands_need(home: Home) -> None:
    heavy = {
        "sqlmodel", "sqlalchemy", "alembic", "psycopg", "fastapi", "httpx", "rich", "aiosmtplib", "asyncio",
        "holidays", "phonenumbers", "orjson", "cryptography", "structlog", "apscheduler",
        "orchestrator.intake", "orchestrator.engine", "orchestrator.ledger", "orchestrator.sending",
    }  # fmt: skip
    script = (
        "import sys; from orchestrator.cli import main; main(['check']); "
        f"print(sorted({heavy} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("what", ["rules", "events"])
def test_the_schemas_are_json(home: Home, what: str) -> None:
    code, out, _ = home.run("schema", what)
    assert code == 0
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")


def test_a_schema_of_something_else_is_refused(home: Home) -> None:
    assert home.run("schema", "orders")[0] == 2


def test_a_preview_shows_every_channel_in_the_language_asked_for(home: Home) -> None:
    code, out, _ = home.run("preview", "new-car/arrived", "--locale", "de", "--html", "mail.html")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if line.startswith("── ")] == [
        "email",
        "push",
        "sms",
    ]
    assert "Maria Keller" in out
    assert (home.folder / "mail.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_preview_shows_the_line_that_rides_along(home: Home) -> None:
    code, out, _ = home.run("preview", "new-car/arrived", "--channel", "email", "--html", "mail.html")
    assert code == 0
    assert "carries the line the-app, once for a customer" in out
    assert "P.S. Our app shows" in out
    assert "P.S. Our app shows" in (home.folder / "mail.html").read_text()
    assert "carries" not in home.run("preview", "new-car/arrival-moved", "--channel", "email")[1]


def test_a_preview_of_nothing_asks_what_was_meant(home: Home) -> None:
    code, _, err = home.run("preview", "new-car/arivd")
    assert code == 1
    assert "did you mean 'new-car/arrived'?" in err


def test_a_preview_with_an_order_uses_its_facts(begun: Home) -> None:
    begun.run("ingest", begun.story())
    code, out, _ = begun.run("preview", "new-car/arrived", "--order", "A-1", "--channel", "email")
    assert code == 0
    assert "Lumen 4" in out
    assert "carries" not in out  # she was never seen to read a mail
    assert begun.run("preview", "new-car/arrived", "--order", "A-2")[0] == 1


# ── ingest ───────────────────────────────────────────────────────────────────


def test_events_are_taken_once(home: Home) -> None:
    story = home.story()
    assert home.run("ingest", story)[1] == "4 new events, 0 duplicates, 0 refused\n"
    assert home.run("ingest", story)[1] == "0 new events, 4 duplicates, 0 refused\n"


def test_a_wrong_event_is_refused_with_its_line_and_the_others_are_kept(home: Home) -> None:
    story = home.story()
    lines = (home.folder / story).read_text().splitlines()
    home.write(story, "\n".join([lines[0], '{"specversion": "1.0"', *lines[1:]]))
    code, out, err = home.run("ingest", story)
    assert code == 1
    assert out == "4 new events, 0 duplicates, 1 refused\n"
    assert "events.jsonl:2:" in err


def test_the_same_event_with_another_body_is_refused_alone(begun: Home) -> None:
    begun.run("ingest", begun.story())
    begun.write(
        "more.jsonl",
        "\n".join(
            [
                event("promise.made", "A-1", MOMENT, milestone="arrived", date="2027-01-01"),
                event("contact.logged", "A-1", MOMENT, direction="in", reason="asked", by="Nora Brandt"),
            ]
        ),
    )
    code, out, err = begun.run("ingest", "more.jsonl")
    assert code == 1
    assert out == "1 new event, 0 duplicates, 1 refused\n"
    assert err.startswith("more.jsonl:1:0: E203 event ")


def test_of_two_bodies_in_one_file_the_first_is_kept_and_the_other_told_at_its_line(home: Home) -> None:
    first = event("contact.logged", "A-1", MOMENT, direction="in", reason="asked", by="Nora Brandt")
    home.write("twice.jsonl", "\n".join([first, "", first.replace("asked", "called"), first]))
    code, out, err = home.run("ingest", "twice.jsonl")
    assert (code, out) == (1, "1 new event, 1 duplicate, 1 refused\n")
    assert err.startswith("twice.jsonl:3:0: E203 event 'contact.logged-A-1' came before with another body")


def test_the_same_id_of_another_sender_is_not_refused_with_it(home: Home) -> None:
    first = event("contact.logged", "A-1", MOMENT, direction="in", reason="asked", by="Nora Brandt")
    other = first.replace('"/dealer"', '"/telephone"')
    home.write("twice.jsonl", "\n".join([first, first.replace("asked", "called"), other]))
    assert home.run("ingest", "twice.jsonl")[1] == "2 new events, 0 duplicates, 1 refused\n"


@pytest.mark.parametrize("command", [["ingest"], ["simulate", "--events"], ["ingest", "--format", "json"]])
def test_a_log_of_wrong_events_names_their_place_and_no_customer(home: Home, command: list[str]) -> None:
    wrong = event("customer.upserted", "c-1", MOMENT, name="Maria Keller", email="maria.keller@@example.com")
    right = event("customer.upserted", "c-2", MOMENT, name="Jonas Weber")
    code, _, err = home.run(*command, home.write("people.jsonl", f"{wrong}\n{right}\n"))
    assert code == 1
    assert "E113" in err
    assert "email is no mail address" in err
    assert "keller" not in err.lower()


def test_a_simulation_ends_with_the_problems_of_its_orders_as_ingest_does(home: Home) -> None:
    story = home.story()
    assert "need" not in home.run("simulate", "--events", story)[2]
    home.replace(story, '"milestone": "arrived"}', '"milestone": "arived"}')
    code, _, err = home.run("simulate", "--events", story)
    assert code == 0
    assert "1 order needs a look: A-1: milestone 'arived' is not on the path of new-car" in err


def test_a_simulation_tells_an_event_with_two_bodies_at_its_line(home: Home) -> None:
    story = home.story()
    lines = (home.folder / story).read_text().splitlines()
    home.write(story, "\n".join([*lines, lines[3].replace("arrived", "shipped")]))
    code, out, err = home.run("simulate", "--events", story)
    assert (code, out) == (1, "")
    assert f"{story}:5:" in err
    assert "it came on line 4" in err


def test_a_simulation_in_a_pipe_shows_the_clocks_of_the_order_and_their_zone(home: Home) -> None:
    story = home.story()
    home.replace(
        story, '"journey": "new-car"', '"journey": "new-car", "location": {"time_zone": "America/New_York"}'
    )
    out = home.run("simulate", "--events", story, "--until", "2026-03-13")[1]
    assert "2026-03-12 17:30 EDT" in out
    assert "Z " not in out


def test_a_file_that_is_not_there_is_a_matter_of_usage(home: Home) -> None:
    assert home.run("ingest", "nowhere.jsonl")[0] == 2


def test_events_come_through_a_pipe(home: Home) -> None:
    events = (home.folder / home.story()).read_bytes()
    ended = subprocess.run(
        [*BEFOREHAND, "ingest", "-"],
        cwd=home.folder,
        env=environment(),
        input=events,
        capture_output=True,
        check=True,
    )
    assert ended.stdout == b"4 new events, 0 duplicates, 0 refused\n"


# ── explain, simulate ────────────────────────────────────────────────────────


def test_an_order_is_explained_backwards_and_by_what_is_not_said(begun: Home) -> None:
    begun.run("ingest", begun.story())
    code, out, _ = begun.run("explain", "A-1")
    assert code == 0
    assert out.index("So far") < out.index("Not said")
    assert "Maria Keller" in out


def test_an_explanation_for_a_program_is_one_object(begun: Home) -> None:
    begun.run("ingest", begun.story())
    assert json.loads(begun.run("explain", "A-1", "--format", "json")[1])["order"] == "A-1"


def test_an_unknown_order_is_not_found(home: Home) -> None:
    code, out, err = home.run("explain", "A-404")
    assert (code, out) == (1, "")
    assert "no order is called 'A-404'" in err


def test_a_simulation_that_ends_before_anything_happened_says_when_the_first_event_is(home: Home) -> None:
    code, out, err = home.run("simulate", "--events", home.story(), "--until", "2020-01-01")
    assert (code, out) == (2, "")
    assert "nothing happened by 2020-01-01: the first event is of 2026-03-01" in err


def test_a_customer_in_the_place_of_an_order_is_told_with_their_orders(begun: Home) -> None:
    begun.run("ingest", begun.story())
    code, out, err = begun.run("explain", "C-1")
    assert (code, out) == (1, "")
    assert "it is a customer, of whom there is A-1" in err


def test_a_simulation_tells_what_would_have_been_said(home: Home) -> None:
    code, out, _ = home.run("simulate", "--events", home.story(), "--format", "jsonl")
    assert code == 0
    said = [json.loads(line) for line in out.splitlines()]
    accepted = {(line["rule"], line["channel"]) for line in said if line["status"] == "accepted"}
    assert ("not-arrived", "email") in accepted
    assert ("arrived", "email") in accepted
    assert {"rule", "order", "customer", "occasion", "channel", "due_at", "at", "status", "reason"} <= said[
        0
    ].keys()


def test_what_a_simulation_takes_back_ends_when_the_news_came_and_not_with_the_batch(home: Home) -> None:
    story = home.story()
    arrived, later = MOMENT + timedelta(days=12), MOMENT + timedelta(days=13)
    other = event("order.upserted", "B-1", later, customer="C-1", journey="new-car", attributes=CAR)
    home.write(story, (home.folder / story).read_text() + f"\n{other}\n")
    _, out, _ = home.run("simulate", "--events", story, "--format", "jsonl")
    ended = {
        datetime.fromisoformat(line["at"])
        for line in map(json.loads, out.splitlines())
        if line["status"] == "cancelled" and line["order"] == "A-1" and "arrived happened" in line["reason"]
    }
    assert ended == {arrived}


def test_a_simulation_ends_with_the_sentence_of_counts(home: Home) -> None:
    _, out, _ = home.run("simulate", "--events", home.story(), "--until", "2026-03-12")
    assert " accepted" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith(" failed")


def test_a_simulation_stops_at_the_end_of_the_day_it_is_told(home: Home) -> None:
    _, out, _ = home.run("simulate", "--events", home.story(), "--until", "2026-03-12", "--format", "jsonl")
    said = [json.loads(line) for line in out.splitlines()]
    assert "not-arrived" in {line["rule"] for line in said if line["status"] == "accepted"}
    assert "arrived" not in {line["rule"] for line in said}


def test_a_history_in_any_order_gives_the_same_simulation(home: Home) -> None:
    story = home.story()
    straight = home.run("simulate", "--events", story, "--format", "jsonl")[1]
    lines = (home.folder / story).read_text().splitlines()
    home.write(story, "\n".join([lines[3], lines[0], lines[1], lines[2]]))
    assert home.run("simulate", "--events", story, "--format", "jsonl")[1] == straight


def test_a_simulation_keeps_nothing(home: Home) -> None:
    home.run("simulate", "--events", home.story())
    assert not (home.folder / "beforehand.db").exists()
    assert not (home.folder / "outbox").exists()


def test_a_simulation_of_wrong_events_tells_all_of_them_and_runs_none(home: Home) -> None:
    home.write("wrong.jsonl", "{}\nnothing\n")
    code, out, err = home.run("simulate", "--events", "wrong.jsonl")
    assert (code, out) == (1, "")
    assert "wrong.jsonl:1:" in err
    assert "wrong.jsonl:2:" in err


def test_a_moment_that_is_none_is_a_matter_of_usage(home: Home) -> None:
    assert home.run("simulate", "--events", home.story(), "--until", "tomorrow")[0] == 2


# ── plan, apply ──────────────────────────────────────────────────────────────


def coming(home: Home) -> None:
    """An order whose car is promised in eleven days from now, and did not arrive yet."""
    story = home.story(datetime.now(UTC) - timedelta(hours=1))
    home.write(story, "\n".join((home.folder / story).read_text().splitlines()[:3]))
    assert home.run("ingest", story)[0] == 0


def test_rules_that_are_in_force_change_nothing(home: Home) -> None:
    coming(home)
    assert home.run("plan")[1] == "these rules and settings are in force, and nothing would change\n"


def test_a_changed_rule_is_planned_first_and_counts_once_it_is_applied(home: Home) -> None:
    coming(home)
    home.replace("rules/new-car.yaml", 'at: "16:00"', 'at: "15:00"')
    code, out, _ = home.run("plan")
    assert code == 0
    assert "has-it-arrived" in out
    assert out.endswith("next: beforehand apply\n")
    assert home.run("plan")[1] == out, "planning changes nothing"
    assert home.run("apply")[1].splitlines()[-1].startswith("in force: ")
    assert home.run("plan")[1] == "these rules and settings are in force, and nothing would change\n"


def test_a_text_that_sounds_wrong_comes_into_force_and_apply_says_so(home: Home) -> None:
    home.write("templates/new-car/arrived/sms.txt.en.j2", "YOUR CAR IS HERE!!!")
    code, out, err = home.run("apply")
    assert (code, out.startswith("in force: ")) == (0, True)
    said = " ".join(err.split())
    assert re.search(r"\d+ findings in rules and texts: templates/\S+: T\d+ .*, and \d+ more; see", said)


def test_rules_with_problems_never_come_into_force(home: Home) -> None:
    coming(home)
    home.replace("rules/new-car.yaml", "channels: [email, sms]", "channels: [fax]")
    assert home.run("apply")[0] == 1
    home.run("explain", "A-1")
    assert home.run("explain", "A-1")[0] == 0


# ── db, config, doctor ───────────────────────────────────────────────────────


def test_the_settings_are_shown_with_their_origin_and_without_their_secrets(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFOREHAND_CHANNELS__EMAIL__USERNAME", "service")
    monkeypatch.setenv("BEFOREHAND_CHANNELS__EMAIL__PASSWORD", "opensesame")
    code, out, _ = home.run("config", "show", "--origin", "--format", "json")
    shown = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert shown["company.name"]["origin"].startswith("config.toml:")
    assert "environment" in shown["channels.email.password"]["origin"]
    assert "opensesame" not in out


def test_the_ledger_is_made_and_rebuilt(home: Home) -> None:
    assert home.run("db", "upgrade")[0] == 0
    home.run("ingest", home.story())
    assert home.run("db", "rebuild")[1] == "1 order rebuilt from their facts\n"


def test_a_new_installation_is_well(home: Home) -> None:
    code, out, _ = home.run("doctor")
    assert code == 0, out
    assert out.endswith("all is well\n")


def test_doctor_says_that_an_outbox_sends_nothing_and_that_there_is_no_rule(home: Home) -> None:
    home.replace("config.toml", 'path = "rules"', 'path = "templates/new-car/arrived"')
    rows = {row["what"]: row for row in json.loads(home.run("doctor", "--format", "json")[1])}
    assert rows["channel email"]["state"] == "idle"
    assert rows["channel email"]["detail"].startswith("not live: nothing leaves this machine")
    assert rows["rules"]["state"] == "look"


def test_what_is_not_well_is_named_with_its_remedy(home: Home) -> None:
    home.replace("rules/new-car.yaml", "say: arrived\n", "say: arived\n")
    code, out, _ = home.run("doctor", "--format", "json")
    assert code == 1
    (rules,) = [row for row in json.loads(out) if row["what"] == "rules"]
    assert (rules["state"], rules["remedy"]) == ("look", "beforehand check")


def test_doctor_tells_slips_in_events_and_orders_that_nobody_introduced(home: Home) -> None:
    coming(home)
    lines = [
        event("milestone.reached", "A-1", datetime.now(UTC), milestone="arrvied"),
        event("promise.mad", "A-1", datetime.now(UTC), milestone="arrived", date="2030-01-01"),
        event("milestone.reached", "A-404", datetime.now(UTC), milestone="arrived"),
    ]
    _, _, err = home.run("ingest", home.write("slips.jsonl", "\n".join(lines)))
    assert err.splitlines()[-1].startswith(
        "2 orders need a look: A-1: milestone 'arrvied' is not on the path"
    )
    assert err.endswith("; `beforehand doctor` lists them\n")
    code, out, _ = home.run("doctor", "--format", "json")
    found = {row["what"]: row["detail"] for row in json.loads(out) if row["state"] == "look"}
    assert code == 1
    assert found["order A-1"] == (
        "milestone 'arrvied' is not on the path of new-car; did you mean 'arrived'? "
        "Send that, or milestone.retracted of 'arrvied'; "
        "no rule waits for events of type 'promise.mad'; did you mean 'promise.made'?"
    )
    assert "no order.upserted was heard" in found["order A-404"]
    code, out, _ = home.run("explain", "A-1")
    assert code == 0
    assert out.splitlines()[1] == f"  problem: {found['order A-1']}"


def test_what_is_said_of_an_order_where_a_customer_belongs_is_told(home: Home) -> None:
    coming(home)
    wish = event("preference.set", "A-1", datetime.now(UTC), channels=["sms"])
    _, _, err = home.run("ingest", home.write("wish.jsonl", wish))

    assert err == (
        "nothing is known about 1 customer who said something: A-1 (an order; name its customer)\n"
    )


def test_a_daemon_that_does_not_run_is_idle_until_something_is_due(home: Home) -> None:
    def daemon() -> str:
        rows = json.loads(home.run("doctor", "--format", "json")[1])
        return next(str(row["state"]) for row in rows if row["what"] == "daemon")

    home.replace("rules/new-car.yaml", "timing: {at: preferred, within: 14h, stale_after: 2d}", "timing: now")
    coming(home)
    assert daemon() == "idle"
    home.run(
        "ingest",
        home.write("here.jsonl", event("milestone.reached", "A-1", datetime.now(UTC), milestone="arrived")),
    )
    assert daemon() == "look"


@pytest.mark.parametrize("name", ["config", "db"])
def test_a_group_of_commands_without_one_shows_its_help_and_ends_with_2(home: Home, name: str) -> None:
    code, out, err = home.run(name)
    assert code == 2
    assert out.startswith(f"Usage: beforehand {name} ")
    assert err.startswith(f"error: say which: beforehand {name} ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", [("run",), ("explain", "A-1"), ("ingest", "events.jsonl"), ("plan",)])
def test_a_folder_without_rules_is_left_as_it_was(home: Home, command: tuple[str, ...]) -> None:
    home.story()
    (home.folder / "rules").rename(home.folder / "elsewhere")
    assert home.run(*command)[0] == 2
    assert not (home.folder / "beforehand.db").exists()


# ── run, serve ───────────────────────────────────────────────────────────────


@pytest.fixture
def daemon(home: Home) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`beforehand serve` that listens, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*BEFOREHAND, "serve", "--port", str(port)],
        cwd=home.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert any("listening on" in line for line in process.stderr)
            yield process, port
        finally:
            process.kill()


def test_a_daemon_takes_an_event_and_says_what_follows_and_stops_when_told(
    home: Home, daemon: tuple[subprocess.Popen[str], int]
) -> None:
    process, port = daemon
    now = datetime.now(UTC)
    story = home.story(now - timedelta(minutes=2), timedelta(minutes=1))
    for line in (home.folder / story).read_text().splitlines():
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/events",
            data=line.encode(),
            headers={"Content-Type": "application/cloudevents+json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
    assert "arrived" in home.run("explain", "A-1")[1]
    assert home.run("run")[0] == 1, "a second daemon is refused"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out.startswith("stopped: ")
    assert re.search(r"; \d+ to send, not before \w{3} ", out)
    assert "Maria" not in out + err


def test_a_link_to_choose_a_password_by_can_be_opened_where_the_server_listens_on_ipv6(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFOREHAND_SERVER__HOST", "::1")
    code, out, err = home.run("people", "add", "nora@example.com", "--name", "Nora Brandt")
    assert code == 0, err
    assert out.startswith("http://[::1]:8000/console/welcome/")
