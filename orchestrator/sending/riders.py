"""One line that rides along in the next mail somebody gets anyway: which, and how it is put in. Pure.

It is never a reason to write. The mail is the one that its rule wanted, at its time; who has been told
once, whose consent forbids it, and whose mail is in a language the line is not written in, gets it without.
"""

from collections.abc import Iterable
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
) -> tuple[Rider, ...]:
    """Return the lines of the journey that may ride with this mail to the customer; one of them will."""
    if wanted.role != "customer" or wanted.kind is not Kind.MESSAGE:
        return ()
    return tuple(
        rider
        for rider in journey.riders
        if wanted.rule in rider.rules
        and rider.id not in customer.told
        and not refused(customer, rider.purpose, BY)
        and _holds(rider, wanted, order, customer, journey, policy, now)
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


def put_in(riders: Iterable[Rider], text: str, html: str, locale: str) -> tuple[str, str, str]:
    """Return a mail's text and HTML with a line above the signature, and the line's id.

    It is the first that is written in the mail's own language; without one the mail is as it was, and the
    id is "".
    """
    for rider in riders:
        if line := one_line(rider.line.get(locale) or rider.line.get(locale.partition("-")[0]) or "", LIMIT):
            body, dashes, footer = text.partition(SIGNATURE)
            shown = at_the_end(html, f'<p style="{STYLE}">{escape(line)}</p>') if html else html
            return f"{body.rstrip()}\n\n{line}\n{dashes}{footer}", shown, rider.id
    return text, html, ""


def at_the_end(html: str, paragraph: str) -> str:
    """Return a document with one more paragraph as the last of its body."""
    head, end, rest = html.rpartition("</body>")
    return f"{head}{paragraph}{end}{rest}" if end else html + paragraph
