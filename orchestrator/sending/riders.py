"""One line that rides along in the next mail somebody gets anyway: which, and how it is put in. Pure.

It is never a reason to write. The mail is the one that its rule wanted, at its time; who has been told
once, whose consent forbids it, and whose mail is in a language the line is not written in, gets it without.
"""

from datetime import datetime

from markupsafe import escape

from orchestrator import conditions
from orchestrator.journey import Journey, Policy, Rider
from orchestrator.model import Customer, Kind, Notification, Order
from orchestrator.persons.consents import refused
from orchestrator.plain_text import one_line
from orchestrator.timing.send_time import order_zone

BY = "email"  # the one channel with room for it
SIGNATURE = "\n-- \n"
LIMIT = 500  # characters: it is a line
STYLE = "margin:16px;font-size:15px"


def riding(
    wanted: Notification, order: Order, customer: Customer, journey: Journey, policy: Policy, now: datetime
) -> Rider | None:
    """Return the first line of the journey that may ride with this mail to the customer."""
    if wanted.role != "customer" or wanted.kind is not Kind.MESSAGE:
        return None
    return next(
        (
            rider
            for rider in journey.riders
            if wanted.rule in rider.rules
            and rider.id not in customer.told
            and not refused(customer, rider.purpose, BY)
            and _holds(rider, wanted, order, customer, journey, policy, now)
        ),
        None,
    )


def _holds(
    rider: Rider,
    wanted: Notification,
    order: Order,
    customer: Customer,
    journey: Journey,
    policy: Policy,
    now: datetime,
) -> bool:
    if rider.when is None:
        return True
    zone = order_zone(order.location, policy.time_zone)
    known = conditions.variables(
        order, customer, journey, now=now, milestone=wanted.milestone, late_by=None, event=None, zone=zone
    )
    return rider.when.evaluate(known).value is True


def put_in(rider: Rider, text: str, html: str, locale: str) -> tuple[str, str] | None:
    """Return a mail's text and HTML with the line, above the signature, in the mail's own language.

    ``None`` if the line is not written in that language.
    """
    line = rider.line.get(locale) or rider.line.get(locale.partition("-")[0])
    if not line:
        return None
    line = one_line(line, LIMIT)
    body, dashes, footer = text.partition(SIGNATURE)
    head, end, rest = html.rpartition("</body>")
    shown = f'{head}<p style="{STYLE}">{escape(line)}</p>{end}{rest}' if end else html
    return f"{body.rstrip()}\n\n{line}\n{dashes}{footer}", shown
