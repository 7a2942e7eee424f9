"""The pages are true: every example runs, loads or parses, every name exists, and nothing is left out.

A `console` block is run, in order, in a folder of the page's own; what it shows must be printed. A line
`...` stands for any lines, `...` within a line for anything; a command shown without output may print any.
`Save this as` writes the block that follows. Of other blocks only names, rules, events and settings count.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.main import get_command

from channels import base, matrix
from channels.registry import NAMES
from orchestrator import codes, config
from orchestrator.cli import build, main
from orchestrator.conditions.fields import FIELDS
from orchestrator.intake import Place, parse
from orchestrator.intake.types import CORE
from orchestrator.journey import On, Policy
from orchestrator.model import MOVES, Status
from orchestrator.rules import load
from orchestrator.tables import mapping

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
GENERATED = {
    DOCS / "reference" / f"{name}.md"
    for name in ("codes", "commands", "events", "metrics", "settings", "template-variables")
}
BY_HAND = [page for page in PAGES if page not in GENERATED]

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"Save this as\s`([^`]+)`:\s*\Z")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced example: its info string, its text, and the file it is to be saved as, if any."""

    page: Path
    line: int
    info: str
    text: str
    file: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        saved = SAVED.search(text[: found.start()])
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found[1].strip(), found[2], saved[1] if saved else "")


def all_blocks(*kinds: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.info.split(" ")[0] in kinds]


def short(page: Path) -> str:
    return str(page.relative_to(ROOT))


# ── examples ─────────────────────────────────────────────────────────────────


def steps(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with what it is said to print."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    yield command, shown


PROGRESS = re.compile(r"\w[^:]*: +\d+ %$")  # where a busy machine takes long enough to show it


def agrees(shown: list[str], printed: list[str]) -> bool:
    """Does the output look as the page shows it?"""
    patterns = [
        None
        if line.strip() == "..."
        else re.compile(re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*"))
        for line in shown
        if line.strip()
    ]
    lines = [" ".join(line.split()) for line in printed if line.strip() and not PROGRESS.match(line)]

    @cache
    def match(at: int, here: int) -> bool:
        if at == len(patterns):
            return here == len(lines)
        pattern = patterns[at]
        if pattern is None:
            return match(at + 1, here) or (here < len(lines) and match(at, here + 1))
        return here < len(lines) and pattern.fullmatch(lines[here]) is not None and match(at + 1, here + 1)

    return match(0, 0)


class Terminal:
    """A folder in which a page's commands run."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, command: str) -> str:
        """Run one command and return what it printed; ours in this process, others in a shell."""
        ours = re.fullmatch(r"((?:[A-Z_]+=\S+ )*)beforehand(?: (.*))?", command)
        if ours is None:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            done = subprocess.run(
                command,
                shell=True,
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PATH": path},
            )
            return done.stdout
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            for assignment in ours[1].split():
                patch.setenv(*assignment.split("=", 1))
            main(shlex.split(ours[2] or ""))
        out, err = self._capsys.readouterr()
        return err + out


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.info == "console" for b in blocks(page))], ids=short
)
def test_what_a_page_shows_is_what_the_commands_print(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "500")
    terminal = Terminal(capsys)
    for block in blocks(page):
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.info == "console":
            for command, shown in steps(block):
                printed = terminal.run(command)
                assert not shown or agrees(shown, printed.splitlines()), (
                    f"{block}: `{command}` prints\n{printed}"
                )


def test_a_shown_line_that_is_not_printed_is_noticed() -> None:
    assert agrees(["one", "...", "th... e"], ["one", "two", "", "three  e"])
    assert not agrees(["one", "..."], ["zero", "one"])
    assert not agrees(["...", "two"], ["two", "three"])


CAR_RULES = (ROOT / "rules" / "new-car.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", BY_HAND, ids=short)
def test_every_rule_on_a_page_is_in_the_rules_or_could_be(page: Path) -> None:
    head = ""
    for block in blocks(page):
        if block.info != "yaml":
            continue
        if block.text.startswith("version:"):
            head = block.text
            rules = (
                head if "\nrules:" in head else f"{head}rules:\n  - {{id: x, on: {{silent: 1d}}, say: y}}\n"
            )
        elif block.text.startswith("  - id:") and block.text not in CAR_RULES:
            assert head, f"{block} is not in rules/new-car.yaml, and the page shows no journey for it"
            rules = f"{head}rules:\n{block.text}"
        else:
            continue
        _, problems = load({str(block): rules}, templates=None, channels=NAMES, policy=Policy())
        assert problems == []


def test_every_part_of_a_mapping_on_a_page_is_taken_as_it_stands_there() -> None:
    parts = [block for block in all_blocks("yaml") if block.text.startswith(("order:", "customer:"))]
    assert parts
    for block in parts:
        assert mapping.load(str(block), f"version: 1\ntable: cars\n{block.text}")


@pytest.mark.parametrize("block", all_blocks("json", "jsonl"), ids=str)
def test_every_event_on_a_page_is_taken(block: Block) -> None:
    for text in block.text.splitlines() if block.info == "jsonl" else [block.text]:
        outcome = parse(json.loads(text), datetime.now(UTC), place=Place(str(block)))
        assert not isinstance(outcome, list), outcome


DKIM_KEY = (
    Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_every_setting_on_a_page_can_be_set(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(block.text, encoding="utf-8")
    secrets = {
        "starttls = true\nusername": ("CHANNELS__EMAIL__PASSWORD", "secret"),
        "dkim_selector": ("CHANNELS__EMAIL__DKIM_KEY", DKIM_KEY),
        "account": ("CHANNELS__SMS__TOKEN", "secret"),
        "web_contact": ("CHANNELS__PUSH__WEB_KEY", "k" * 43),
        "apns_topic": ("CHANNELS__PUSH__APNS_KEY", DKIM_KEY),
        "[callbacks.postmark]": ("CALLBACKS__POSTMARK__PASSWORD", "secret"),
        "bounces =": ("SERVER__SIGNING_KEYS", "32 characters that nobody guesses"),
        "replies =": ("SERVER__SIGNING_KEYS", "32 characters that nobody guesses"),
        "channels.inbox": ("CHANNELS__INBOX__KEY", "k" * 32),
        "[subscribers.crm]": next(iter(CRM.items())),
        "[channels.email]": ("SENDER__EMAIL", "service@example.com"),
    }
    given = [secret for key, secret in secrets.items() if key in block.text]
    config.load(file, {f"BEFOREHAND_{name}": value for name, value in given})


# ── names that must exist ────────────────────────────────────────────────────


CRM = {"SUBSCRIBERS__CRM__SECRET": "whsec_" + "c2VjcmV0" * 4}


def settings() -> set[str]:
    """Every setting as `section.key`, and those of a calendar as `calendars.default.key`."""
    named = {"CHANNELS__INBOX__LIVE": "false", "SUBSCRIBERS__CRM__URL": "https://crm.example.com"}
    environ = {f"BEFOREHAND_{name}": value for name, value in {**named, **CRM}.items()}
    rows = config.rows(config.load(ROOT / "config.toml", environ))
    return {row.name for row in rows}


SETTINGS = settings()
SECTIONS = {name.split(".")[0] for name in SETTINGS}
MEMBERS = (
    r"show|upgrade|rebuild|copy|(?<=db )(?:backup|restore|prune)"
    r"|(?<=channels )(?:list|test|new)|(?<=inbox )token"
    r"|(?<=suppressions )(?:list|add|remove|import|export)|(?<=rules )(?:versions|pull)"
    r"|(?<=people )(?:add|list|disable|enable|link)|(?<=keys )(?:add|list|rotate|revoke)"
    r"|(?<=subscribers )(?:list|test|skip)"
)
COMMAND = re.compile(rf"\bbeforehand ((?:--config \S+ )?)([a-z]+(?: (?:{MEMBERS})\b)?)([^\n`|]*)")


@cache
def resolved(name: str) -> Any:
    """The command of that name, `db upgrade` for one inside a group."""
    command: Any = get_command(build())
    for word in name.split():
        if not hasattr(command, "commands"):
            return None
        command = command.commands.get(word)
    return command


def code_of(page: Path) -> str:
    """What a page sets as code: examples and inline."""
    text = page.read_text(encoding="utf-8")
    return "\n".join([*(b.text for b in blocks(page)), *INLINE.findall(FENCE.sub("", text))])


@pytest.mark.parametrize("page", BY_HAND, ids=short)
def test_every_command_and_option_on_a_page_exists(page: Path) -> None:
    for _, name, rest in COMMAND.findall(code_of(page)):
        command = resolved(name)
        assert command is not None, f"beforehand {name}"
        options = {option for param in command.params for option in param.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= options, f"beforehand {name}{rest}"


@pytest.mark.parametrize("page", BY_HAND, ids=short)
def test_every_setting_variable_code_and_file_named_on_a_page_exists(page: Path) -> None:
    unknown: list[str] = []
    variables = {f"BEFOREHAND_{name.upper().replace('.', '__')}" for name in SETTINGS} | {"BEFOREHAND_CONFIG"}
    words = set(INLINE.findall(text_of("reference/template-variables.md")))
    known = SETTINGS | set(CORE) | set(FIELDS) | words
    for code in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.fullmatch(r"[A-Z]\d{3}", code) and code not in codes.CODES:
            unknown.append(code)
        family = code.split(".")[0]
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", code) and family in SECTIONS | {
            "order",
            "promise",
            "milestone",
            "task",
        }:
            unknown += [] if code in known or code.startswith(("order.attributes.", "order.has.")) else [code]
        if re.match(r"(orchestrator|channels|docs|tests|rules)/[^<… ]*$", code):
            unknown += [] if (ROOT / code).exists() else [code]
        if code.startswith("make ") and not re.search(
            rf"^{code[5:]}:", (ROOT / "Makefile").read_text(), re.MULTILINE
        ):
            unknown.append(code)
    unknown += [
        name
        for name in re.findall(r"BEFOREHAND_\w+", code_of(page))
        if name.removesuffix("_FILE") not in variables and "SECTION__KEY" not in name
    ]
    assert unknown == []


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", goal.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


# ── nothing is left out ──────────────────────────────────────────────────────


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def every_command() -> Iterator[tuple[str, Any]]:
    group: Any = get_command(build())
    for name, command in group.commands.items():
        members = getattr(command, "commands", {})
        yield from ((f"{name} {member}", inner) for member, inner in members.items())
        if not members:
            yield name, command


@pytest.mark.parametrize(
    ("name", "command"), list(every_command()), ids=lambda given: given if isinstance(given, str) else ""
)
def test_every_command_is_in_the_reference_with_its_options_and_on_a_page_that_shows_its_use(
    name: str, command: Any
) -> None:
    reference = text_of("reference/commands.md")
    assert f"## {name}\n" in reference
    section = reference.partition(f"## {name}\n")[2].partition("\n## ")[0]
    for param in command.params:
        assert param.opts[0].startswith("--") is False or param.opts[0] in section
    used = {found for page in BY_HAND for _, found, _ in COMMAND.findall(code_of(page))}
    assert name in used


def test_every_setting_is_in_the_reference() -> None:
    page = text_of("reference/settings.md")
    for name in SETTINGS:
        section, _, key = name.rpartition(".")
        named = section.partition(".")[0]
        parts = section.split(".")
        heading = (
            ".".join([named, "<name>", *parts[2:]])
            if named in ("calendars", "brands", "subscribers")
            else section
        )
        rows = page.partition(f"## [{heading}]\n")[2].partition("\n## ")[0]
        assert f"| `{key}` |" in rows, name


def test_every_trigger_is_in_the_reference_and_explained_by_an_example() -> None:
    for trigger in On:
        assert f"| `{trigger}: " in text_of("reference/triggers.md")
        assert f"**`{trigger}`:" in text_of("how-to/write-rules.md")
        assert f"on: {{{trigger}: " in text_of("how-to/write-rules.md")


def test_every_code_is_in_the_reference() -> None:
    page = text_of("reference/codes.md")
    assert [code for code in codes.CODES if f"### {code}: " not in page] == []


def test_every_type_of_event_is_in_the_reference() -> None:
    assert [name for name in CORE if f"\n## {name}\n" not in text_of("reference/events.md")] == []


def test_every_channel_ability_and_error_is_in_the_reference() -> None:
    page = text_of("reference/channels.md")
    errors = [
        kind.__name__ for kind in base.ChannelError.__subclasses__() if kind.__module__ == base.__name__
    ]
    abilities = [field.name for field in fields(base.Abilities)]
    for word in (*NAMES, *abilities, *base.AfterUnknown, *errors):
        assert f"| `{word}` |" in page, word
    assert matrix.page() in page, "it is stale: make docs"


def test_the_picture_of_the_states_has_every_move_and_no_other() -> None:
    page = text_of("explanation/flow.md")
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", page, re.MULTILINE))
    assert drawn == {(str(origin), str(goal)) for origin, goals in MOVES.items() for goal in goals}
    for status in Status:
        assert f"| `{status}` |" in page


def test_the_index_leads_to_every_page() -> None:
    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)#]+)", text_of("index.md"))}
    assert {page for page in PAGES if page.is_relative_to(DOCS)} - linked == {DOCS / "index.md"}
