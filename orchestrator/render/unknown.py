"""Which of the variables that a template names have no value for an order, so that a preview can say it."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import nodes

from orchestrator.render import Renderer
from orchestrator.render.words import declared


def without_value(renderer: Renderer, template: str, words: Mapping[str, Any]) -> list[str]:
    """Name the variables of *template* that are empty in *words*; of an empty whole only the whole."""
    found: set[str] = set()
    for path, source in renderer.files.items():
        if path.startswith(f"{template}/"):
            for name in _named(renderer.text_env.parse(source)):
                missing = _missing(name, words)
                if missing:
                    found.add(missing)
    return sorted(found)


def _named(tree: nodes.Template) -> Iterator[list[str]]:
    """Every name from outside that a template reads, with its dots: ``["promise", "text"]``."""
    for node in tree.find_all((nodes.Name, nodes.Getattr)):
        parts: list[str] = []
        while isinstance(node, nodes.Getattr):
            parts.insert(0, node.attr)
            node = node.node  # noqa: PLW2901  down to the name it begins with
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name in declared():
            yield [node.name, *parts]


def _missing(name: list[str], words: Mapping[str, Any]) -> str:
    value: Any = words
    for number, part in enumerate(name, 1):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
        if not value and not isinstance(value, bool | int):
            return ".".join(name[:number])
    return ""
