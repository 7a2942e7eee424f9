"""Which part of the house a viewer sees, as the ledger takes it."""

from orchestrator.access.roles import Viewer
from orchestrator.ledger import Share


def share_of(viewer: Viewer) -> Share:
    """The orders of the locations and brands that somebody is limited to; everything, where they are not."""
    return Share(viewer.locations, viewer.brands)
