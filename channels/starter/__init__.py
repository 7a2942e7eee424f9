"""The package that ``beforehand channels new`` writes: files whose ``$name`` is the new kind's."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

SUFFIX = ".tmpl"  # so that nothing takes them for modules of ours


def write(folder: Path, name: str) -> int:
    """Write the package for the kind *name* into the new *folder*; return how many files."""
    words = {
        "name": name,
        "NAME": name.upper(),
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "project": f"beforehand-{name.replace('_', '-')}",
        "module": f"beforehand_{name}",
    }
    return _copy(files(__name__) / "package", folder, words)


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> int:
    if source.is_dir():
        target.mkdir(parents=True)
        return sum(
            _copy(child, target / Template(child.name.removesuffix(SUFFIX)).substitute(words), words)
            for child in sorted(source.iterdir(), key=lambda child: child.name)
        )
    with target.open("x", encoding="utf-8") as file:
        file.write(Template(source.read_text(encoding="utf-8")).substitute(words))
    return 1
