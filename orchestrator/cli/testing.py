"""The command test: what operations expect of their rules, run through the real engine."""
# ruff: noqa: PT028 - the command is called test, and pytest never collects it

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import house, output
from orchestrator.cli.options import Config, Form, Templates, settings
from orchestrator.cli.output import Format, Progress, counted
from orchestrator.errors import Misconfigured, Problems
from orchestrator.findings import did_you_mean

if TYPE_CHECKING:
    from orchestrator.rule_tests.coverage import Covered
    from orchestrator.rule_tests.values import Case, Row, Unsaid, Verdict

_SIGNS = {"-": "red", "+": "green", " ": "dim"}


def test(
    ctx: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="The folder of tests, or one file; otherwise `tests` inside the folder of rules.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="The folder of rules; otherwise the settings say.", show_default=False),
    ] = None,
    templates: Templates = None,
    only: Annotated[str, typer.Option("--only", help="Run only tests whose name contains this.")] = "",
    show_coverage: Annotated[
        bool, typer.Option("--coverage", help="Show for every text and task of a rule how many tests saw it.")
    ] = False,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Run the tests that say what the rules should do.

    Each gives facts and expects messages and tasks, and no others; the real engine runs over them on a
    virtual clock. Nothing is sent and nothing is kept. The exit code is 1 if a test failed.
    """
    from orchestrator.rule_tests.coverage import coverage, untested
    from orchestrator.rule_tests.reader import OF_RULES, load
    from orchestrator.rule_tests.running import verdicts
    from orchestrator.rules import read
    from orchestrator.simulation.simulate import Rehearsal

    chosen = settings(ctx, config)
    folder = rules or chosen.rules.path
    found, missing = house.rehearsed(chosen, read(folder), templates)
    names, written = tuple(chosen.channels.named()), directory or folder / "tests"
    if found.problems and not written.exists():
        raise Problems(found.problems)
    cases, problems = load(_tests(written), found.book, names)
    if found.problems:  # what is said of rules that are left out is no mistake of the tests
        raise Problems([*found.problems, *(one for one in problems if one.code not in OF_RULES)])
    if missing:
        output.note(f"nobody has written yet: {', '.join(sorted(missing))}; tested without their texts")
    if problems:
        raise Problems(problems)
    cases = _chosen(cases, only)
    composer = Rehearsal(house.composer(chosen, found.renderer), missing)
    done: list[Verdict] = []
    with Progress("testing", len(cases)) as progress:
        for verdict in verdicts(cases, found.book, composer, names):
            done.append(verdict)
            progress.advance()
    covered = coverage(done, found.book)
    _report(done, covered if show_coverage else (), form)
    silent = untested(covered)
    if silent and (show_coverage or not (only or directory)):
        output.note(f"warning: no test covers {', '.join(silent)}")
    failed = sum(not verdict.passed for verdict in done)
    passed = f"{counted(len(done) - failed, 'test')} passed"
    output.sentence(f"{passed}, {failed:,} failed" if failed else passed, form)
    if failed:
        raise typer.Exit(1)


def _tests(path: Path) -> dict[str, str]:
    from orchestrator.rules import read

    if not path.exists():
        raise Misconfigured(f"there are no tests at {path}; docs/how-to/test-rules.md says how to write them")
    found = read(path)
    if not found:
        raise Misconfigured(f"there is no test in {path}: tests are .yaml files")
    return found


def _chosen(cases: Sequence[Case], only: str) -> list[Case]:
    found = [case for case in cases if only.casefold() in case.name.casefold()]
    if found:
        return found
    near = did_you_mean(only, [case.name for case in cases], like=0.3)
    raise Misconfigured("; ".join(filter(None, [f"no test has {only!r} in its name", near])))


# ── what came of it ──────────────────────────────────────────────────────────


def _report(done: Sequence[Verdict], covered: Sequence[Covered], form: Format) -> None:
    """Failed tests for a person, every test for a program; then what is *covered*."""
    if form is not Format.TABLE:
        output.records([*map(_record, done), *map(asdict, covered)], form)
        return
    for verdict in done:
        if not verdict.passed:
            print("\n".join(_lines(verdict)), end="\n\n")
    output.records(map(asdict, covered), form, ["journey", "rule", "says", "tests"])


def _record(verdict: Verdict) -> dict[str, Any]:
    case = verdict.case
    return {
        "test": case.name,
        "path": case.spot.path,
        "line": case.spot.line,
        "passed": verdict.passed,
        "failures": [asdict(problem) for problem in verdict.failures],
        "compared": [asdict(row) for row in verdict.rows],
        "not_said": [asdict(one) for one in verdict.unsaid],
    }


def _lines(verdict: Verdict) -> Iterator[str]:
    """A failed test for a person: its name, each failure at its place, then the two lists side by side."""
    name = output.styled(f"FAILED {output.printable(verdict.case.name)}", "bold red", sys.stdout)
    yield name
    yield from (output.problem_text(problem, sys.stdout) for problem in verdict.failures)
    yield from _compared(verdict.rows)
    yield from _not_said(verdict.unsaid)


def _compared(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        yield "    nothing was said"
        return
    cells = [("at", "", "what", "to", "by", "because")]
    cells += [(row.at, row.kind, row.what, row.to, row.by, row.why) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield output.styled("    - expected, + said:", "dim", sys.stdout)
    for sign, row in zip(" " + "".join(row.sign for row in rows), cells, strict=True):
        padded = "  ".join(
            output.printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        yield output.styled(f"    {sign} {padded}".rstrip(), _SIGNS[sign], sys.stdout)


def _not_said(unsaid: Sequence[Unsaid]) -> Iterator[str]:
    if unsaid:
        yield output.styled("    not said:", "dim", sys.stdout)
    for one in unsaid:
        what = f"{one.rule}: {one.what}" if one.what else one.rule or one.order
        to = f" to the {one.to}" if one.to else ""
        state = f" {one.state}:" if one.state else ""
        yield f"      {output.printable(f'{what}{to}:{state} {one.why}')}"
