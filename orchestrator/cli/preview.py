"""The command preview: any template as its reader would see it, with sample facts or a real order's."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import house, output
from orchestrator.cli.options import Config, Form, settings
from orchestrator.cli.output import Format
from orchestrator.errors import Misconfigured, NotFound
from orchestrator.findings import did_you_mean
from orchestrator.texts import said_by

if TYPE_CHECKING:
    from orchestrator.cli.house import Written
    from orchestrator.config.settings import Settings
    from orchestrator.journey import Journey, Rider
    from orchestrator.render import Rendered
    from orchestrator.render.preview import Sample


def preview(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Its name: new-car/arrived.")],
    channel: Annotated[str, typer.Option("--channel", help="Only this channel: email, sms or push.")] = "",
    locale: Annotated[str, typer.Option("--locale", help="The reader's language: de, en, de-AT.")] = "",
    order: Annotated[
        str, typer.Option("--order", help="With the facts of this order instead of sample ones.")
    ] = "",
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the mail's HTML here, for a browser.", show_default=False),
    ] = None,
    form: Form = Format.TABLE,
    config: Config = None,
) -> None:
    """Show a template as its reader would see it.

    The facts are samples, or those of --order as they are now and no others: what the order has no value
    for is named. Nothing is sent.
    """
    from orchestrator.render.source import spoken_by

    chosen = settings(ctx, config)
    found = house.written(chosen)
    names = found.renderer.names()
    template = said_by(template, names) or template
    speaks = found.renderer.channels_of(template)
    if not speaks:
        raise NotFound(_unknown(template, names))
    if channel and not spoken_by(channel, speaks):
        raise NotFound(f"{template} has nothing for {channel}; it has {', '.join(sorted(speaks))}")
    if html is not None and "email" not in ([channel] if channel else speaks):
        raise Misconfigured("--html is for mails")
    journey = _journey(found, template)
    facts = _of_order(chosen, order, template, journey) if order else _sampled(journey, template, locale)
    words = _words(chosen, journey, facts, locale)
    rendered = [
        (name, found.renderer.render(template, name, words["locale"], words))
        for name in ([channel] if channel else sorted(speaks))
    ]
    riders = _riders(chosen, journey, facts, template, real=bool(order))
    pages = [(name, *_carrying(page, riders if name == "email" else ())) for name, page in rendered]
    if html is not None:
        with output.writing(html) as file:
            file.write(next(page.html for name, page, _ in pages if name == "email"))
    if order:
        _tell_missing(found, template, order, words)
    if form is Format.TABLE:
        for name, page, line in pages:
            _print(name, page, line)
    else:
        output.records(({"channel": name, **_record(page)} for name, page, _ in pages), form)


def _journey(found: Written, template: str) -> Journey:
    """The journey whose folder the template is in; what is shared is shown in any."""
    journeys = found.book.journeys
    name = template.partition("/")[0]
    if name in journeys:
        return journeys[name]
    if not journeys:
        raise NotFound("there is no journey to show it in; `beforehand check` says why")
    return next(iter(journeys.values()))


def _sampled(journey: Journey, template: str, locale: str) -> Sample:
    from orchestrator.render.preview import sample

    return sample(journey, template, locale)


def _of_order(chosen: Settings, order: str, template: str, journey: Journey) -> Sample:
    from orchestrator.cli.ledgers import engine_in_force
    from orchestrator.clock import SystemClock
    from orchestrator.views.preview import of_order

    with engine_in_force(chosen) as engine, engine.ledger.read() as tx:
        return of_order(engine, tx, order, template, journey, SystemClock().now())


def _riders(
    chosen: Settings, journey: Journey, facts: Sample, template: str, *, real: bool
) -> tuple[Rider, ...]:
    """The lines that may ride with this mail: to a real customer, or to one who was never told any."""
    from orchestrator.sending.riders import riding

    saying = {
        rule.id for rule in journey.rules for rung in rule.rungs if f"{journey.id}/{rung.say}" == template
    }
    if real:
        note = facts.notification
        return riding(note, facts.order, facts.customer, journey, chosen.policy(), facts.now)
    return tuple(rider for rider in journey.riders if saying & set(rider.rules))


def _carrying(page: Rendered, riders: tuple[Rider, ...]) -> tuple[Rendered, str]:
    """The page with one of the lines, and that line's id."""
    from orchestrator.sending.riders import put_in

    text, html, line = put_in(riders, page.text, page.html, page.locale)
    return replace(page, text=text, html=html), line


def _words(chosen: Settings, journey: Journey, facts: Sample, locale: str) -> dict[str, Any]:
    """What the template may name, with its value."""
    from orchestrator.render import wording

    company = house.company(chosen)
    words = wording.context(
        facts.notification, facts.order, facts.customer, journey, chosen.policy(), facts.now, company
    )
    language = locale or wording.locale_of(facts.notification, facts.order, facts.customer, company)
    return {**words, "locale": language}


def _tell_missing(found: Written, template: str, order: str, words: dict[str, Any]) -> None:
    from orchestrator.render.unknown import without_value

    missing = without_value(found.renderer, template, words)
    if missing:
        output.note(f"{order} has no value for: {', '.join(missing)}")


def _record(page: Rendered) -> dict[str, Any]:
    record = asdict(replace(page, files=(), invitation=None))
    del record["invitation"]
    return {**record, "files": _attached(page)}


def _attached(page: Rendered) -> list[str]:
    """What goes with the mail; an entry for the calendar only if a day was told by then."""
    names = [file.name for file in page.files]
    if page.invitation is not None:
        names.append(f"{page.invitation.method.value.lower()} {page.invitation.milestone} (calendar)")
    return names


def _print(channel: str, page: Rendered, line: str) -> None:
    import sys

    print(output.styled(f"── {channel} {page.locale} ".ljust(60, "─"), "dim", sys.stdout))
    heads: dict[str, Any] = {"Subject": page.subject, "Title": page.title, "Link": page.link}
    heads["Files"] = ", ".join(_attached(page))
    for head, value in heads.items():
        if value:
            print(f"{output.styled(f'{head}:', 'bold', sys.stdout)} {output.printable(value)}")
    print("\n".join(output.printable(line) for line in page.text.split("\n")))
    if line:
        print(output.styled(f"carries the line {line}, once for a customer", "dim", sys.stdout))
    if channel == "sms":
        from orchestrator.render import sms_text

        print(output.styled(sms_text.cost(page.text), "dim", sys.stdout))


def _unknown(template: str, names: set[str]) -> str:
    near = did_you_mean(template, sorted(names), like=0.5)
    return "; ".join(filter(None, [f"no template is called {template!r}", near]))
