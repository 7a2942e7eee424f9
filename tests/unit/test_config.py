"""Settings: where they come from, what they mean, and every way to get them wrong."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import config
from orchestrator.config import Settings, in_force, load, reference, rows, written
from orchestrator.config.codes import SETTING_CODES
from orchestrator.config.toml_places import places
from orchestrator.errors import Problem, Problems
from orchestrator.journey import Cap, Policy
from orchestrator.model import Person, Purpose

ROOT = Path(__file__).parents[2]
PASSWORD = "BEFOREHAND_CHANNELS__EMAIL__PASSWORD"
LOGIN = {"BEFOREHAND_CHANNELS__EMAIL__USERNAME": "lindner", PASSWORD: "hunter2"}

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _no_settings_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the test has no config.toml but the one it writes."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, environ: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(Problems) as caught:
        load(path, environ or {})
    return list(caught.value.problems)


def only(path: Path | None, environ: dict[str, str] | None = None) -> Problem:
    (problem,) = problems(path, environ)
    return problem


# ── caps and habits ──────────────────────────────────────────────────────────


def test_caps_are_for_all_purposes_or_for_one(write: Write) -> None:
    policy = load(write("[caps]\nday = 3\n[caps.marketing]\nday = 1\nweek = 2"), {}).policy()

    assert policy.caps == {None: Cap(3, None), Purpose.MARKETING: Cap(1, 2)}


def test_without_caps_nothing_is_counted(write: Write) -> None:
    assert load(write(""), {}).policy().caps == {}


def test_a_cap_of_nothing_at_all_and_one_on_security_are_refused(write: Write) -> None:
    assert only(write("[caps]\nday = 0")).code == "C005"
    assert only(write("[caps.security]\nday = 1")).code == "C003"


def test_how_long_before_a_habits_end_a_message_is_there_is_a_setting(write: Write) -> None:
    assert load(write('[habits]\nbefore_end = "1h"'), {}).policy().habit_lead == timedelta(hours=1)


# ── where the file is ────────────────────────────────────────────────────────


def test_without_a_file_everything_has_a_default() -> None:
    settings = load(None, {})
    assert settings.company.time_zone == "UTC"
    assert settings.ledger.url == "sqlite:///beforehand.db"
    assert settings.server.port == 8000
    assert settings.daemon.lease == timedelta(minutes=2)
    assert settings.intake.max_body == 1_000_000
    assert settings.channels.email.timeout == timedelta(minutes=10)
    assert not settings.channels.email.live
    assert set(settings.origin.values()) == {"default"}


def test_the_file_is_the_one_named_else_the_variables_else_the_one_in_this_folder() -> None:
    for name in ("named", "variable", "config"):
        Path(f"{name}.toml").write_text(f'[company]\nname = "{name}"\n', encoding="utf-8")
    variable = {"BEFOREHAND_CONFIG": "variable.toml"}
    assert load(Path("named.toml"), variable).company.name == "named"
    assert load(None, variable).company.name == "variable"
    assert load(None, {}).company.name == "config"


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_file_that_was_named_must_exist(tmp_path: Path, by: str) -> None:
    missing = tmp_path / "missing.toml"
    found = only(missing) if by == "option" else only(None, {"BEFOREHAND_CONFIG": str(missing)})
    assert (found.code, found.path, found.line) == ("C002", str(missing), 0)
    assert "No such file" in found.message


def test_paths_are_seen_from_the_folder_of_the_file(write: Write, tmp_path: Path) -> None:
    settings = load(write('[rules]\npath = "ours"\n[outbox]\npath = "/srv/outbox"\n'), {})
    assert settings.rules.path == tmp_path / "ours"
    assert settings.templates.path == tmp_path / "templates"
    assert settings.outbox.path == Path("/srv/outbox")
    assert settings.ledger.url == f"sqlite:///{tmp_path}/beforehand.db"


@pytest.mark.parametrize(
    "url",
    ["sqlite:///:memory:", "sqlite://", "sqlite:////srv/ledger.db"],
)
def test_a_ledger_that_is_no_relative_file_stays_as_written(write: Write, url: str) -> None:
    assert load(write(f'[ledger]\nurl = "{url}"\n'), {}).ledger.url == url


# ── what values mean ─────────────────────────────────────────────────────────


def test_lengths_sizes_hours_and_days_are_what_they_say(write: Write) -> None:
    settings = load(
        write(
            """
            [daemon]
            tick = "500s"
            lease = "1d12h"
            [intake]
            max_body = "1MiB"
            [quiet_hours]
            service = "22:00-08:00"
            marketing = "none"
            [calendars.munich]
            mon = "09:00-18:00"
            holidays = ["2026-12-24", 2026-12-31]
            """
        ),
        {},
    )
    assert settings.daemon.tick == timedelta(seconds=500)
    assert settings.daemon.lease == timedelta(hours=36)
    assert settings.intake.max_body == 1_048_576
    assert settings.quiet_hours.service == (time(22), time(8))
    assert settings.quiet_hours.marketing is None
    assert settings.calendars["munich"].mon == (time(9), time(18))
    assert settings.calendars["munich"].holidays == (date(2026, 12, 24), date(2026, 12, 31))


def test_the_policy_carries_zone_calendars_and_quiet_hours(write: Write) -> None:
    settings = load(
        write(
            """
            company.time_zone = "Europe/Berlin"
            quiet_hours.service = "22:00-08:00"
            [calendars.default]
            mon = "08:00-18:00"
            sat = "09:00-13:00"
            holidays = ["2026-12-24"]
            """
        ),
        {},
    )
    policy = settings.policy()
    assert policy.time_zone == "Europe/Berlin"
    assert policy.quiet == {
        Purpose.SERVICE: (time(22), time(8)),
        Purpose.MARKETING: (time(20), time(9)),
    }
    calendar = policy.calendar("anything")
    assert calendar.hours == {0: (time(8), time(18)), 5: (time(9), time(13))}
    assert date(2026, 12, 24) in calendar.holidays
    assert date(2026, 12, 25) not in calendar.holidays


def test_without_calendars_business_is_monday_to_friday_nine_to_five() -> None:
    policy = Settings().policy()
    assert policy.calendars == {}
    assert policy.calendar("") == Policy().calendar("")


def test_a_calendar_keeps_the_public_holidays_of_its_place_in_any_year(write: Write) -> None:
    place = 'mon = "09:00-17:00"\ncountry = "DE"\n'
    text = f'[calendars.bavaria]\n{place}subdivision = "BY"\n[calendars.berlin]\n{place}subdivision = "BE"\n'
    policy = load(write(text), {}).policy()
    bavaria, berlin = (policy.calendar(name).holidays for name in ("bavaria", "berlin"))
    assert all(date(year, 10, 3) in holidays for year in (1995, 2026, 2060) for holidays in (bavaria, berlin))
    assert date(2026, 1, 6) in bavaria
    assert date(2026, 1, 6) not in berlin
    assert date(2026, 3, 8) in berlin


def test_the_same_place_and_days_are_the_same_calendar(write: Write) -> None:
    """Otherwise every reload would look like a changed policy."""
    path = write(
        '[calendars.a]\nmon = "09:00-17:00"\ncountry = "DE"\nholidays = ["2026-12-31", "2026-12-24"]\n'
    )
    assert load(path, {}).policy() == load(path, {}).policy()
    assert repr(load(path, {}).policy()) == repr(load(path, {}).policy())
    assert hash(load(path, {}).policy().calendar("a")) == hash(load(path, {}).policy().calendar("a"))


def test_the_manager_is_somebody_the_engine_knows(write: Write) -> None:
    settings = load(write('[staff]\nmanager_name = "Paul Lindner"\nmanager_email = "paul@example.com"\n'), {})
    assert settings.staff.manager == Person(name="Paul Lindner", email="paul@example.com")


# ── the environment ──────────────────────────────────────────────────────────


def test_the_environment_overrides_the_file(write: Write) -> None:
    environ = {
        "BEFOREHAND_SERVER__PORT": "9000",
        "BEFOREHAND_CHANNELS__EMAIL__STARTTLS": "false",
        "BEFOREHAND_STAGING__ALLOW": "maria.keller@example.com, +49 30 23125 123",
        "BEFOREHAND_CALENDARS__DEFAULT__SUN": "10:00-12:00",
        "BEFOREHAND_LIMITS__PLAN_SHARE": "0.5",
        "BEFOREHAND_LOG__LEVEL": "debug",
        "PATH": "/usr/bin",
        "BEFOREHAND_ELSEWHERE": "not a setting",
    }
    settings = load(write('[server]\nport = 8080\n[calendars.default]\nmon = "09:00-17:00"\n'), environ)
    assert settings.server.port == 9000
    assert not settings.channels.email.starttls
    assert settings.staging.allow == ("maria.keller@example.com", "+49 30 23125 123")
    assert settings.calendars["default"].sun == (time(10), time(12))
    assert settings.calendars["default"].mon == (time(9), time(17))
    assert settings.limits.plan_share == 0.5
    assert settings.log.level == "debug"


@pytest.mark.parametrize("value", ['"yes"', '"false"', '"no"', '"maybe"', "1", "0", "[]"])
def test_in_the_file_only_true_and_false_are_true_and_false(write: Write, value: str) -> None:
    problem = only(write(f"[channels.sms]\nlive = {value}\n"))
    assert (problem.code, problem.line, problem.column) == ("C004", 2, 8)
    assert problem.message == "live must be true or false"


def test_in_the_environment_true_and_false_are_texts(write: Write) -> None:
    file = write("[channels.email]\nstarttls = true\n")
    assert not load(file, {"BEFOREHAND_CHANNELS__EMAIL__STARTTLS": "no"}).channels.email.starttls


def test_a_variable_may_name_a_file_that_holds_the_value(tmp_path: Path) -> None:
    secret = tmp_path / "smtp-password"
    secret.write_text("hunter2\n", encoding="utf-8")
    user = {"BEFOREHAND_CHANNELS__EMAIL__USERNAME": "lindner"}
    password = load(None, user | {f"{PASSWORD}_FILE": str(secret)}).channels.email.password
    assert password is not None
    assert password.get_secret_value() == "hunter2"


def test_a_file_of_a_secret_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path) -> None:
    found = only(None, {f"{PASSWORD}_FILE": str(tmp_path / "missing")})
    assert (found.path, found.code) == (f"{PASSWORD}_FILE", "C002")


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "smtp-password"
    secret.write_text("hunter3", encoding="utf-8")
    found = only(None, LOGIN | {f"{PASSWORD}_FILE": str(secret)})
    assert (found.code, found.path) == ("C031", f"{PASSWORD}_FILE")


def test_a_misspelt_variable_is_no_silence() -> None:
    found = only(None, {"BEFOREHAND_SERVER__PROT": "9000"})
    assert (found.path, found.code) == ("BEFOREHAND_SERVER__PROT", "C003")
    assert found.hint == "did you mean 'BEFOREHAND_SERVER__PORT'?"


def test_a_wrong_value_in_the_environment_is_named_by_its_variable(write: Write) -> None:
    found = only(write("[server]\nport = 80\n"), {"BEFOREHAND_SERVER__PORT": "eighty"})
    assert (found.path, found.line, found.code) == ("BEFOREHAND_SERVER__PORT", 0, "C004")


# ── secrets ──────────────────────────────────────────────────────────────────


def test_a_secret_in_the_file_is_refused_and_not_repeated(write: Write) -> None:
    path = write('[channels.email]\nusername = "lindner"\npassword = "hunter2"\n')
    found = only(path)
    assert (found.code, found.line, found.column) == ("C030", 3, 1)
    assert PASSWORD in found.hint
    assert "hunter2" not in repr(found)


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = load(None, LOGIN)
    shown = {row.name: row.value for row in rows(settings)}
    assert shown["channels.email.password"] == "********"
    for text in (repr(settings.channels), str(settings.channels), settings.channels.model_dump_json()):
        assert "hunter2" not in text
    url = "postgresql://lindner:p@ss/w:rd@db.example/ledger?password=p2"
    assert written(url) == "postgresql://lindner:********@db.example/ledger?password=********"


# ── origins ──────────────────────────────────────────────────────────────────


def test_hours_that_end_with_the_day_are_read_shown_and_come_into_force_alike(write: Write) -> None:
    settings = load(
        write('[quiet_hours]\nmarketing = "20:00-24:00"\n[calendars.x]\nmon = "00:00-24:00"\n'), {}
    )
    shown = {row.name: row.value for row in rows(settings)}
    assert (shown["calendars.x.mon"], shown["quiet_hours.marketing"]) == ("00:00-24:00", "20:00-24:00")
    assert in_force.policy(in_force.planning(settings)) == settings.policy()


def test_every_value_knows_where_it_came_from(write: Write) -> None:
    path = write('\n[server]\nport = 8080\nhost = "0.0.0.0"\n[calendars.x]\nmon = "09:00-17:00"\n')
    shown = {
        row.name: (row.value, row.origin) for row in rows(load(path, {"BEFOREHAND_SERVER__PORT": "9000"}))
    }
    assert shown["server.port"] == ("9000", "environment BEFOREHAND_SERVER__PORT")
    assert shown["server.host"] == ("0.0.0.0", f"{path}:4")
    assert shown["calendars.x.mon"] == ("09:00-17:00", f"{path}:6")
    assert shown["daemon.lease"] == ("2m", "default")
    assert shown["quiet_hours.marketing"] == ("20:00-09:00", "default")
    assert shown["quiet_hours.service"] == ("none", "default")


def test_origins_do_not_change_what_settings_are(write: Write) -> None:
    assert load(write(""), {}).server == Settings().server


# ── what can be wrong ────────────────────────────────────────────────────────

WRONG = [
    ("[server", "C001", 1, 8, ""),
    ("a = 1\na = 2", "C001", 2, 1, "remove one of them"),
    ("[server]\nport = 1\n[server]\nhost = 'x'", "C001", 3, 8, "put its settings into one"),
    ("[channels.email]\nlive = yes", "C001", 2, 8, "write live = true"),
    ("[channels.email]\nlive = ture", "C001", 2, 8, "write live = true, or in quotes if it is a text"),
    ("[channels.email]\nlive = False  # not yet", "C001", 2, 8, "write live = false"),
    ("[channels.email]\nhost = smtp.example.com", "C001", 2, 8, 'write host = "smtp.example.com"'),
    ("[quiet_hours]\nservice = 22:00-08:00", "C001", 2, 11, 'write service = "22:00-08:00"'),
    ("[server]\nport: 80", "C001", 2, 5, "write port = 80"),
    ("[server]\nport =\nhost = 'x'", "C001", 2, 7, "write one, or remove the line"),
    ("[company]\nname = 'Lindner\n[server]", "C001", 2, 8, "write ' where the text ends"),
    ("[limits]\nplan_share = 20%", "C001", 2, 14, "1 is all of it: for 20 % write 0.2"),
    ("[limits]\nplan_share = 20", "C005", 2, 14, "1 is all of it: for 20 % write 0.2"),
    ("[limits]\nplan_share = '12.5 %'", "C004", 2, 14, "1 is all of it: for 12.5 % write 0.125"),
    ("[limits]\nplan_share = -1", "C005", 2, 14, ""),
    ("[compny]\nname = 'x'", "C003", 1, 2, "did you mean 'company'?"),
    ("[server]\nprot = 1", "C003", 2, 1, "did you mean 'port'?"),
    ("[server]\nzzz = 1", "C003", 2, 1, "public_url, signing_keys"),
    ("[channels.emial]\nlive = false", "C003", 1, 11, "did you mean 'email'?"),
    ("[calendars.x]\nmon = '09:00-17:00'\nfrei = '09:00-17:00'", "C003", 3, 1, "did you mean 'fri'?"),
    ("server = 5", "C004", 1, 10, ""),
    ("[company]\nname = 5", "C004", 2, 8, ""),
    ("[channels.email]\nlive = 'maybe'", "C004", 2, 8, ""),
    ("[staging]\nallow = ['a', 1]", "C004", 2, 15, ""),
    ("[server]\nport = 0", "C005", 2, 8, ""),
    ("[server]\nport = 65536", "C005", 2, 8, ""),
    ("[daemon]\nlease = '0s'", "C005", 2, 9, ""),
    ("[limits]\nplan_share = 1.5", "C005", 2, 14, ""),
    ("[intake]\nmax_body = '1KB'", "C005", 2, 12, ""),
    ("[log]\nlevel = 'inof'", "C006", 2, 9, ""),
    ("[daemon]\nlease = 120", "C010", 2, 9, "write a text: 30s, 2m, 24h"),
    ("[daemon]\nlease = 'soon'", "C010", 2, 9, ""),
    ("[daemon]\nlease = '1bd'", "C010", 2, 9, "write 30s, 2m, 24h"),
    ("[channels.sms]\nrate = '10'", "C040", 2, 8, 'write "10/s"'),
    ("[channels.sms]\nsender_rate = 5", "C040", 2, 15, 'write "10/s"'),
    ("[channels.sms]\nburst = 5", "C032", 2, 9, 'write rate = "10/s"'),
    ('[channels.sms]\nrate_of = "email"\nrate = "10/s"', "C032", 2, 11, "remove `rate_of`, or the rates"),
    ('[channels.sms]\nrate_of = "emial"', "C045", 2, 11, "did you mean 'email'?"),
    ('[channels.sms]\nrate_of = "sms"', "C045", 2, 11, "name the one that has the rate"),
    ("[calendars.x]\nmon = '9-5'", "C011", 2, 7, ""),
    ("[calendars.x]\nmon = '18:00-09:00'", "C011", 2, 7, ""),
    ("[quiet_hours]\nservice = 'at night'", "C011", 2, 11, ""),
    ("[quiet_hours]\nservice = '22:00-25:00'", "C011", 2, 11, ""),
    ("[quiet_hours]\nservice = '00:00-24:00'", "C011", 2, 11, 'write "none" for no quiet hours'),
    ("[calendars.x]\nmon = '24:00-09:00'", "C011", 2, 7, ""),
    ("[quiet_hours]\nservice = '08:00-08:00'", "C011", 2, 11, 'write "none" for no quiet hours'),
    ("[quiet_hours]\nservice = false", "C011", 2, 11, ""),
    ("[quiet_hours]\nlaw = 'nowhere.toml'", "C025", 2, 7, ""),
    ("[company]\ntime_zone = 'Europe/Munich'", "C012", 2, 13, ""),
    ("[company]\ntime_zone = 'europe/berlin'", "C012", 2, 13, "did you mean 'Europe/Berlin'?"),
    ("[sender]\nemail = 'Lindner <a@example.com>'", "C013", 2, 9, ""),
    ('[sender]\nemail = "a@example.com\\r\\nBcc: b@example.com"', "C013", 2, 9, ""),
    ("[company]\nlocale = 'German'", "C014", 2, 10, ""),
    ("[intake]\nmax_body = 'huge'", "C015", 2, 12, ""),
    ("[calendars.x]\nmon = '09:00-17:00'\nholidays = ['25.12.2026']", "C016", 3, 13, "write 2026-12-25"),
    ("[ledger]\nurl = 'mysql://db.example'", "C017", 2, 7, ""),
    ("[calendars.x]\nholidays = []", "C018", 1, 12, ""),
    ("[brands.x]\naccent = 'green'", "C026", 2, 10, ""),
    ("[brands.x]\naccent = '#0b6b5d; }'", "C026", 2, 10, ""),
    ("[brands.x]\nlayout = '../classic'", "C027", 2, 10, ""),
    ("[server]\npublic_url = 'updates.example.com'", "C039", 2, 14, "https://updates.example.com"),
    ("[server]\npublic_url = 'https://updates.example.com/?x=1'", "C039", 2, 14, "https://"),
    ("[callbacks.pigeon_post]\nchannel = 'email'", "C037", 1, 12, ""),
    ("[callbacks.post]\nkind = 'pigeon_post'", "C037", 2, 8, ""),
    ("[calendars.x]\nmon = '09:00-17:00'\ncountry = 'XX'", "C019", 3, 11, "write a code such as DE, AT, US"),
    ("[calendars.x]\nmon = '09:00-17:00'\ncountry = 'Germany'", "C019", 3, 11, "write a code such as DE"),
    ("[calendars.x]\nmon = '09:00-17:00'\ncountry = 'at'", "C019", 3, 11, "write a code such as AT"),
    ("[calendars.x]\nmon = '09:00-17:00'\ncountry = 'DE'\nsubdivision = 'XX'", "C019", 4, 15, "BY"),
    (
        "[calendars.x]\nmon = '09:00-17:00'\nsubdivision = 'Bayrn'\ncountry = 'DE'",
        "C019",
        3,
        15,
        "did you mean 'Bayern'?",
    ),
    ("[sender]\nbounces = 'bounces@example.com'", "C043", 2, 11, "SIGNING_KEYS_FILE"),
    ("[calendars.x]\nmon = '09:00-17:00'\nsubdivision = 'BY'", "C019", 3, 15, 'write country = "DE"'),
    ("[channels.sms]\nlive = true", "C022", 1, 11, "account"),
    ("[channels.push]\nlive = true", "C022", 1, 11, "fcm_account"),
    ("[channels.email]\ntls = true", "C021", 1, 11, ""),
    ("[channels.email]\nlive = true\n[sender]\nemail = 'a@example.com'", "C022", 1, 11, ""),
    ("[channels.email]\nlive = true\nhost = 'smtp.example.com'", "C022", 2, 8, ""),
    ("[channels.email]\nusername = 'lindner'", "C023", 1, 11, ""),
    ("[channels.email]\nusername = 'lindner'\npassword = 'x'", "C030", 3, 1, ""),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "hint"), WRONG)
def test_a_wrong_setting_is_found_at_its_place(
    write: Write, text: str, code: str, line: int, column: int, hint: str
) -> None:
    path = write(text)
    found = only(path)
    assert (found.path, found.code, found.line, found.column) == (str(path), code, line, column)
    assert found.message
    assert hint in found.hint
    assert code == "C030" or found.source == text.split("\n")[line - 1]


def test_a_signing_key_to_be_guessed_and_an_address_too_long_to_be_signed_are_told(
    write: Write,
) -> None:
    write("[sender]\nreplies = 'a.very.long.mailbox.of.ours@example.com'\n")
    found = problems(Path("config.toml"), {"BEFOREHAND_SERVER__SIGNING_KEYS": "hello, a longer key of ours"})
    assert [(problem.code, problem.path) for problem in found] == [
        ("C043", "config.toml"),
        ("C043", "BEFOREHAND_SERVER__SIGNING_KEYS"),
    ]


def test_every_code_is_explained_and_every_explained_code_can_happen() -> None:
    plugins = {
        "C032",
        "C033",
        "C034",
        "C035",
        "C036",
        "C038",
        "C044",  # test_senders.py
    }  # test_plugins.py, test_reporters.py
    written = {code for _, code, *_ in WRONG} | {"C002", "C031"} | plugins
    assert written == set(SETTING_CODES)


def test_every_problem_is_told_in_one_run(write: Write) -> None:
    write("[compny]\n[server]\nport = 'x'\n[channels.push]\nlive = true\n[log]\nlevel = 1\n")
    found = problems(Path("config.toml"), {"BEFOREHAND_DAEMON__TICK": "soon", "BEFOREHAND_NO__SUCH": "1"})
    assert [problem.code for problem in found] == ["C003", "C004", "C022", "C006", "C010", "C003"]


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'[company]\nname = "M\xfcnchen"\n')
    found = only(path)
    assert (found.code, found.line) == ("C001", 2)


def test_windows_line_ends_do_not_move_places(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"[company]\r\nname = 'x'\r\n[server]\r\nport = 0\r\n")
    found = only(path)
    assert (found.line, found.column, found.source) == (4, 8, "port = 0")


# ── the page and the demo ────────────────────────────────────────────────────


def test_every_setting_is_documented() -> None:
    for name, info in config._declared().items():
        assert info.description, f"{'.'.join(name)} has no description"
        assert info.description.endswith(".")
        assert f"| `{name[-1]}` |" in reference().split(f"## [{'.'.join(name[:-1])}]\n")[1].split("\n## ")[0]


def test_the_page_of_settings_is_not_stale() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert page == reference(), "write it again: orchestrator.config.reference()"


def test_the_demo_dealership_is_in_munich_and_sends_nothing_for_real() -> None:
    settings = load(ROOT / "config.toml", {})
    policy = settings.policy()
    assert settings.company.name == "Autohaus Lindner"
    assert policy.time_zone == "Europe/Berlin"
    assert policy.calendar("").hours[5] == (time(9), time(13))
    assert date(2026, 1, 6) in policy.calendar("").holidays
    assert not any(channel.live for channel in (settings.channels.email, settings.channels.sms))
    assert settings.rules.path == ROOT / "rules"


def test_the_demo_mentions_every_section() -> None:
    """Somebody reads it to learn what can be set."""
    assert (
        tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8")).keys()
        == Settings.model_fields.keys()
    )


def test_public_holidays_cost_nothing_until_a_calendar_names_a_country() -> None:
    code = "import orchestrator.config as c, sys; c.load(None, {}); sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── places in TOML ───────────────────────────────────────────────────────────


def test_keys_and_values_are_found_in_every_corner_of_toml() -> None:
    text = """\
top = 1 # [no]
[a."b c"]   # x = "]"
  y.z = [ "#", # ]
    'b', { q = 1, "r s" = "}" } ]
m = '''
[no]
k = 1'''
after = 2026-12-25
quoted = "\\"]" # "
"""
    keys, values = places(text)
    assert keys[("top",)] == (1, 1)
    assert keys[("a", "b c")] == (2, 4)
    assert keys[("a", "b c", "y", "z")] == (3, 5)
    assert values[("a", "b c", "y", "z", "1")] == (4, 5)
    assert keys[("a", "b c", "y", "z", "2", "r s")] == (4, 19)
    assert values[("a", "b c", "m")] == (5, 5)
    assert keys[("a", "b c", "after")] == (8, 1)
    assert values[("a", "b c", "quoted")] == (9, 10)
    assert not any("no" in name or "k" in name for name in keys)


bare = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
scalars = st.sampled_from(
    ["1", "true", "1.5", "2026-12-25", '"a # ] } \\" b"', "'a = \\'", '"""x\n[y]\n"""', '""']
)
toml_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[ " + " ,\n # c ]\n".join(items) + " ]")
        | st.dictionaries(bare, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(bare, st.dictionaries(bare, toml_values, max_size=4), max_size=4))
def test_every_key_that_was_read_has_its_place(tables: dict[str, dict[str, str]]) -> None:
    text = "".join(
        f"[ {table} ] # c\n" + "".join(f"  {key} = {value}\n" for key, value in keys.items())
        for table, keys in tables.items()
    )
    found, _ = places(text)
    lines = text.split("\n")

    def check(value: object, name: tuple[str, ...]) -> int:
        if isinstance(value, dict):
            return sum(1 + check(inner, (*name, key)) for key, inner in value.items() if seen((*name, key)))
        if isinstance(value, list):
            return sum(check(inner, (*name, str(index))) for index, inner in enumerate(value))
        return 0

    def seen(name: tuple[str, ...]) -> bool:
        line, column = found[name]
        assert re.match(re.escape(name[-1]), lines[line - 1][column - 1 :])
        return True

    assert check(tomllib.loads(text), ()) == len(found)
