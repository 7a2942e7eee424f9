"""Names → what is declared under them: what is built in, and what packages bring by an entry point group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar

from channels.base import Misconfigured

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

OURS = "built in"


class Broken(Misconfigured):
    """A declaration is installed and cannot be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a declaration comes from: ``built in``, or the distribution that brings it."""

    name: str
    package: str = OURS


class Declared(Generic[T]):
    """The declarations of one class: *built_in* (name → ``module:attribute``), and those of the *group*."""

    def __init__(self, group: str, built_in: Mapping[str, str], of: type[T]) -> None:
        self._group, self._built_in, self._of = group, built_in, of

    def find(self, name: str) -> T | None:
        """What is declared under *name*, or ``None``; raises :class:`Broken` if its package cannot be used.

        Packages are looked through only for what is not built in.
        """
        if name in self._built_in:
            module, _, attribute = self._built_in[name].partition(":")
            found: T = getattr(import_module(module), attribute)
            return found
        points = self._installed.get(name, ())
        if len(points) > 1:
            raise Broken(f"several packages bring it: {', '.join(sorted(map(_package, points)))}")
        return self._loaded(points[0]) if points else None

    def sources(self) -> Iterator[Source]:
        """Everything there is, ours first."""
        yield from map(Source, self._built_in)
        for name, points in sorted(self._installed.items()):
            yield from (Source(name, _package(point)) for point in points)

    def look_again(self) -> None:
        """Forget which packages are installed."""
        self.__dict__.pop("_installed", None)

    def _loaded(self, point: "EntryPoint") -> T:
        try:
            found = point.load()
        except Exception as error:  # whatever a stranger's package does when it is imported
            raise Broken(f"{point.value} cannot be loaded: {type(error).__name__}: {error}") from error
        if not isinstance(found, self._of):
            raise Broken(f"{point.value} is no {self._of.__module__}.{self._of.__name__}")
        return found

    @cached_property
    def _installed(self) -> "Mapping[str, Sequence[EntryPoint]]":
        """What packages bring, by name; a name of ours stays ours."""
        from importlib.metadata import entry_points  # 40 ms, and most installations have no plugin

        found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=self._group):
            if point.name not in self._built_in:
                found.setdefault(point.name, []).append(point)
        return found


def _package(point: "EntryPoint") -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "a package without a name"
