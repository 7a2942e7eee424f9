"""The console, and who is let in."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from orchestrator.config.section import Section
from orchestrator.config.values import Length

Age = Annotated[Length, Field(ge=timedelta(minutes=5), le=timedelta(days=90))]
EventsKey = Literal["auto", "required", "open"]


class Console(Section):
    """The pages for people who work here."""

    session_idle: Age = Field(
        default=timedelta(hours=8), description="Who does nothing for so long signs in again."
    )
    session_longest: Age = Field(
        default=timedelta(days=7), description="And everybody does after so long, whatever they did."
    )
