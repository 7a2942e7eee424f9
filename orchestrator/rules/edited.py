"""What the console made of rule files, laid over them: neither an edit nor a newer file is lost. Pure.

A file that is as it was when it was edited gives way to the edit; one that changed on its own counts as it
is; one that changed on both sides is a clash, and nothing comes into force until a person decides
(docs/decisions/0031-an-edit-lies-over-its-file.md).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from orchestrator.errors import Problem


@dataclass(frozen=True, slots=True)
class Edit:
    """One rule file as somebody left it in the console.

    ``name`` is its path below the folder of rules. ``text`` is nothing where the file was taken away.
    ``bases`` are digests of what the file may say without being newer; "" of them means that there is none.
    ``seen`` says that the file had this very text since: whatever else it says then, but a base, is newer.
    """

    name: str
    text: str | None
    bases: tuple[str, ...]
    by: str
    at: datetime
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Overlaid:
    """Rule files (path → text) with what the console made of them, and the edits that still say something.

    ``clashes`` are edits of files that somebody changed in the meantime; the edit is what ``sources`` has.
    """

    sources: Mapping[str, str]
    edits: tuple[Edit, ...]
    clashes: tuple[Edit, ...] = ()


def digest(text: str | None) -> str:
    """What tells one text of a file from another; "" for none."""
    if text is None:
        return ""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def overlaid(files: Mapping[str, str], edits: Iterable[Edit], folder: str) -> Overlaid:
    """Lay *edits* over the *files* (path → text) below *folder*."""
    sources = dict(files)
    kept, clashes = [], []
    for edit in edits:
        path = path_of(edit.name, folder)
        have = files.get(path)
        if have == edit.text:
            kept.append(replace(edit, seen=True))
            continue
        if digest(have) not in edit.bases:
            if edit.seen:
                continue  # the file has the edit, and somebody went on from it
            clashes.append(edit)
        kept.append(edit)
        if edit.text is None:
            sources.pop(path, None)
        else:
            sources[path] = edit.text
    return Overlaid(dict(sorted(sources.items())), tuple(kept), tuple(clashes))


def edited(
    sources: Mapping[str, str],
    edits: Iterable[Edit],
    changed: Mapping[str, str | None],
    by: str,
    at: datetime,
) -> tuple[Edit, ...]:
    """Return the edits once these files (name → text, or nothing) are changed too.

    *sources* is what is in force by name, the *edits* what is laid over its files so far. A file that is put
    back to what it says without any edit has none.
    """
    found = {edit.name: edit for edit in edits}
    for name, text in changed.items():
        before = found.pop(name, None)
        bases: tuple[str, ...] = (digest(sources.get(name)),)
        if before is not None:
            bases = before.bases + ((digest(before.text),) if before.seen else ())
        if digest(text) not in bases or len(bases) > 1:
            found[name] = Edit(name, text, tuple(dict.fromkeys(bases)), by, at)
    return tuple(found.values())


def clash(edit: Edit, path: str) -> Problem:
    """Say that a file and the console's version of it went different ways."""
    who = f"{edit.by} on {edit.at:%Y-%m-%d %H:%M}Z"
    return Problem(
        path,
        1,
        1,
        "R057",
        f"this file was changed, and it was edited in the console too, by {who}",
        "`beforehand rules pull` writes the console's version beside it; "
        "`beforehand apply --files` drops that one",
    )


def path_of(name: str, folder: str) -> str:
    """The path of a file of that name, as rule files are called in what is in force."""
    return name if name.startswith("/") else f"{folder.rstrip('/')}/{name}"


def name_of(path: str, folder: str) -> str:
    """A file's path below *folder*; the whole of it where it lies elsewhere."""
    return path.removeprefix(f"{folder.rstrip('/')}/")


def by_name(sources: Mapping[str, str], folder: str) -> dict[str, str]:
    """Name files (path → text) by their path below *folder*."""
    return {name_of(path, folder): text for path, text in sources.items()}


def written(edits: Iterable[Edit]) -> str:
    """Write *edits* as JSON text."""
    return orjson.dumps(list(edits)).decode()


def read(text: str) -> tuple[Edit, ...]:
    """Read what :func:`written` wrote; nothing of ""."""
    return tuple(
        Edit(
            one["name"],
            one["text"],
            tuple(one["bases"]),
            one["by"],
            datetime.fromisoformat(one["at"]),
            one["seen"],
        )
        for one in orjson.loads(text or "[]")
    )


def changed_between(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Name the files in which two sets of rule files differ."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
