"""Who there is to tell of an order: one that nobody can be told of is not well. Pure."""

from orchestrator.journey import Journey, Policy
from orchestrator.model import Customer, Order, OrderStatus
from orchestrator.planning.case import complete
from orchestrator.timing.send_time import addresses


def nobody(order: Order, customer: Customer, journey: Journey, policy: Policy) -> str:
    """Say that neither the customer nor the owner of an open order has an address, or ""."""
    if order.status is OrderStatus.CANCELLED or complete(order, journey) or customer.erased:
        return ""
    if order.owner.email or order.owner.phone:
        return ""
    channels = {name for rule in journey.rules for name in rule.channels or policy.preference}
    if customer.known and (not channels or any(addresses(policy.kind(name), customer) for name in channels)):
        return ""
    if not order.customer:
        who = "it names no customer"
    elif not customer.known:
        who = f"nothing is known about customer {order.customer!r}"
    else:
        who = f"customer {order.customer!r} has no address for any of its channels"
    return f"nobody can be told of it: {who}, and its owner has neither address nor number"
