"""What is wrong with a line of a table, as a value: for the report and for the screen."""

from dataclasses import dataclass

from orchestrator.errors import Problem


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one line; ``column`` is the name of its column, "" for the whole line.

    ``message`` never repeats the ``value``, which may be a person's: logs hold messages, the report both.
    ``refused`` is false for what is only worth knowing. ``place`` counts characters from 1; 0: no place.
    """

    line: int
    column: str
    value: str
    code: str
    message: str
    hint: str = ""
    refused: bool = True
    place: int = 0

    def problem(self, path: str) -> Problem:
        """The flaw as every other problem is shown."""
        return Problem(
            path, self.line, self.place, self.code, f"{self.column or 'the line'} {self.message}", self.hint
        )


class Flawed(ValueError):
    """A value that is refused; whoever knows the line makes a :class:`Flaw` of it."""

    def __init__(self, code: str, column: str, value: str, message: str, hint: str = "") -> None:
        self.code = code
        self.column = column
        self.value = value
        self.message = message
        self.hint = hint
        super().__init__(message)

    def at(self, line: int, place: int = 0) -> Flaw:
        """The flaw on that line, at that *place* of it."""
        return Flaw(line, self.column, self.value, self.code, self.message, self.hint, place=place)
