"""``/console/measures``: what it brings, by week, phase, journey and location; as charts, tables and CSV."""

import csv
import io
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.access.roles import Action, Viewer
from orchestrator.ledger import Share, Transaction
from orchestrator.tables.report import escaped
from orchestrator.views import measures as views
from orchestrator.views.measures import Measured, Reading, Row
from orchestrator.views.now import share_of
from orchestrator.web.desk import Desk
from orchestrator.web.frame import render
from orchestrator.web.signed_in import Allowed

Sees = Annotated[Viewer, Depends(Allowed(Action.SEE))]
Exports = Annotated[Viewer, Depends(Allowed(Action.EXPORT_MEASURES))]
WEEKS = (4, 12, 26, 52)
KEPT_FOR = timedelta(seconds=60)  # how long what was measured is shown again


def router(desk: Desk) -> APIRouter:
    """Return the routes of measures."""
    routes = APIRouter()
    known: dict[tuple[Share, int], tuple[datetime, Measured]] = {}

    async def measured(weeks: int, viewer: Viewer) -> Measured:
        share, now = share_of(viewer), desk.now()
        found = known.get((share, weeks))
        if found is None or not timedelta() <= now - found[0] < KEPT_FOR:

            def look(tx: Transaction) -> Measured:
                since = now - timedelta(weeks=weeks)
                return views.measured(tx, desk.engine.follow(tx), since, now, share)

            found = known[share, weeks] = (now, await desk.read(look))
        return found[1]

    @routes.get("/console/measures")
    async def page(request: Request, viewer: Sees) -> Response:
        """Show what it brings."""
        weeks, chosen = _asked(request)
        found = await measured(weeks, viewer)
        these = _chosen(found.readings, chosen)
        rows = views.summed(these, "week")
        return render(
            request,
            "console/measures/page.html",
            total=views.total(these),
            weeks=weeks,
            choices=WEEKS,
            rows=rows,
            groups=[(by, views.summed(these, by)) for by in views.BY[1:]],
            orders=found.orders,
            of=found.of,
            most=views.MOST,
            chosen=chosen,
            journeys=sorted({one.journey for one in found.readings}),
            locations=sorted({one.location for one in found.readings if one.location}),
            mondays={row.key: date.fromisoformat(row.key) for row in rows},
            series=_series(rows),
            csv=f"/console/measures.csv?{urlencode({'weeks': weeks, **chosen})}",
        )

    @routes.get("/console/measures.csv")
    async def table(request: Request, viewer: Exports) -> Response:
        """Give every row as a table for a spreadsheet."""
        weeks, chosen = _asked(request)
        these = _chosen((await measured(weeks, viewer)).readings, chosen)
        out = io.StringIO()
        names = [field.name for field in fields(Row)]
        writer = csv.writer(out)
        writer.writerow(["by", *names])
        for by in views.BY:
            writer.writerows(
                [by, *(_cell(getattr(row, name)) for name in names)] for row in views.summed(these, by)
            )
        headers = {
            "Content-Disposition": 'attachment; filename="measures.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    return routes


def _asked(request: Request) -> tuple[int, dict[str, str]]:
    asked = request.query_params
    weeks = next((one for one in WEEKS if str(one) == asked.get("weeks")), WEEKS[1])
    return weeks, {name: asked[name] for name in ("journey", "location") if asked.get(name)}


def _chosen(found: tuple[Reading, ...], chosen: dict[str, str]) -> list[Reading]:
    return [one for one in found if all(getattr(one, name) == value for name, value in chosen.items())]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else escaped(str(value))


def _series(rows: list[Row]) -> dict[str, list[Any]]:
    """What the charts draw: the seconds of each week, and the values or nothing."""
    return {
        "weeks": [int(datetime.fromisoformat(f"{row.key}T00:00:00+00:00").timestamp()) for row in rows],
        "kept": [None if row.kept is None else round(100 * row.kept, 1) for row in rows],
        "told": [None if row.told_hours is None else round(row.told_hours, 2) for row in rows],
        "silent": [None if row.silent_days is None else round(row.silent_days, 2) for row in rows],
        "first": [None if row.first is None else round(100 * row.first, 1) for row in rows],
    }
