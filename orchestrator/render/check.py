"""What is wrong with a directory of templates, found without rendering any: for ``beforehand check``."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, meta, nodes

from orchestrator.errors import Problem
from orchestrator.findings import did_you_mean, nearest
from orchestrator.model import Purpose
from orchestrator.render import attachments, invitation
from orchestrator.render import source as template_source
from orchestrator.render.sandbox import Sandbox
from orchestrator.render.sound import FORBIDDEN, unproblematic
from orchestrator.render.source import Header, SourceError
from orchestrator.render.syntax import Mistake, mistake
from orchestrator.render.words import declared

if TYPE_CHECKING:
    from orchestrator.render import Renderer

_ANYWHERE = ("Purpose", "Allow")
_MAIL = ("Subject", "Preview", "Attach", "Calendar", "Calendar-Title", "Calendar-Place")
_HEADERS = {"email": (*_MAIL, *_ANYWHERE), "sms": _ANYWHERE}
_OTHERS = ("Title", "Link", *_ANYWHERE)
_REPEATED = frozenset({"Attach", "Allow"})  # one line for each file, and for each finding
_IN_HTML = frozenset({"subject", "preview", "body", "dir", "start", "end"})

_LEFT_OUT = {  # Jinja's own functions
    "range": "Jinja's range is left out: loop over what there is, such as `orders`",
    "dict": "Jinja's dict is left out: write {'key': value}",
    "lipsum": "Jinja's lipsum is left out: write the words",
    "cycler": "Jinja's cycler is left out: in a loop there is loop.cycle('one', 'two')",
    "joiner": "Jinja's joiner is left out: write {{ list | join(', ') }}, or ask `loop.first`",
}


def problems(renderer: "Renderer") -> list[Problem]:
    """Return every problem of every file, in the order of paths and lines."""
    found = [_problem(renderer, error) for error in renderer.unreadable]
    if not renderer.names():
        why = f"there is no template in {renderer.templates.name}/"
        found.append(Problem(renderer.templates.name, 0, 0, "T001", why))
    found += _of_brands(renderer)
    for path in renderer.files:
        found += _of_file(renderer, path)
    broken = {
        problem.path.removeprefix(f"{renderer.templates.name}/")
        for problem in found
        if problem.code == "T010"
    }
    for name in sorted({folder for folder in map(_folder, renderer.files) if folder}):
        found += _of_html(renderer, name, broken)
    return sorted(set(found), key=lambda p: (p.path, p.line, p.column, p.code))


def _of_brands(renderer: "Renderer") -> Iterator[Problem]:
    """Every brand of the settings has the picture and the layout that it names."""
    folder = renderer.templates.name
    for brand in renderer.brands():
        if brand.logo_file:
            file = attachments.taken(brand.logo_file, renderer.attachable)
            if isinstance(file, attachments.Refusal) or not file.type.startswith("image/"):
                why = (
                    file.message if isinstance(file, attachments.Refusal) else f"'{file.name}' is no picture"
                )
                yield Problem(folder, 0, 0, "T044", f"the logo of the brand '{brand.key}': {why}")
        if brand.layout and not renderer.lays_out(brand.layout):
            hint = f"write shared/layouts/{brand.layout}.html.j2, or leave `layout` out"
            yield Problem(
                folder, 0, 0, "T044", f"the brand '{brand.key}' has no layout '{brand.layout}'", hint
            )


def _folder(path: str) -> str:
    folder = path.rpartition("/")[0]
    return folder if template_source.NAME.fullmatch(folder) else ""


def _of_file(renderer: "Renderer", path: str) -> Iterator[Problem]:
    place = template_source.split_path(path)
    shared = path.startswith("shared/") and path.count("/") == 1
    if place is None or not (shared or _folder(path)):
        yield at(renderer, path, 0, "T002", "no channel would ever use this file")
        return
    source = renderer.files[path]
    stem = place[1]
    if stem.endswith(".txt") and not shared:
        heads, body = template_source.headers(source)
        yield from _of_headers(renderer, path, stem.removesuffix(".txt"), heads)
        for head in heads:
            if "{%" in head.value:  # a header is compiled by itself: what it opens, it must close
                yield from _of_syntax(renderer, path, "\n" * (head.line - 1) + head.value)
        if not body.strip():
            yield at(renderer, path, 1, "T024", "there is no text below the headers")
    yield from _of_jinja(renderer, path, source, html=stem.endswith(".html"))


def _of_headers(renderer: "Renderer", path: str, channel: str, heads: Sequence[Header]) -> Iterator[Problem]:
    allowed = _HEADERS.get(channel, _OTHERS)
    for index, head in enumerate(heads):
        before = next((one for one in heads[:index] if one.name == head.name), None)
        if before is not None and head.name in allowed and head.name not in _REPEATED:
            message = f"'{head.name}' stands on line {before.line} already"
            yield at(renderer, path, head.line, "T025", message, "remove one of them", head.name)
        if head.name not in allowed:
            yield at(
                renderer, path, head.line, "T022", f"{channel} has no header '{head.name}'",
                did_you_mean(head.name, allowed), head.name,
            )  # fmt: skip
        elif head.name == "Purpose" and head.value not in set(Purpose):
            yield at(
                renderer, path, head.line, "T021", f"there is no purpose '{head.value}'",
                did_you_mean(head.value, map(str, Purpose)), head.value,
            )  # fmt: skip
        elif head.name == "Attach":
            yield from _of_attachment(renderer, path, head)
        elif head.name == "Calendar":
            yield from _of_calendar(renderer, path, head)
    if channel == "email" and not any(head.name == "Subject" and head.value for head in heads):
        yield at(renderer, path, 1, "T020", "this mail has no subject")


def _of_attachment(renderer: "Renderer", path: str, head: Header) -> Iterator[Problem]:
    if renderer.produces(head.value):
        return
    file = attachments.taken(head.value, renderer.attachable)
    if isinstance(file, attachments.Refusal):
        hint = file.hint or did_you_mean(head.value, renderer.attachable)
        yield at(renderer, path, head.line, file.code, file.message, hint, head.value)


def _of_calendar(renderer: "Renderer", path: str, head: Header) -> Iterator[Problem]:
    try:
        invitation.read(head.value)
    except invitation.Unreadable as error:
        hint = "write `Calendar: invite collected for 1h`"
        yield at(renderer, path, head.line, "T043", str(error), hint, head.value)


def _of_syntax(renderer: "Renderer", path: str, source: str) -> Iterator[Problem]:
    if unproblematic(source, renderer.text_env):
        return
    try:
        renderer.text_env.parse(source)
    except TemplateSyntaxError as error:
        yield _unreadable(renderer, path, mistake(error, source))


def _of_jinja(renderer: "Renderer", path: str, source: str, *, html: bool) -> Iterator[Problem]:
    env = renderer.html_env if html else renderer.text_env
    # What is in order does not depend on how it is escaped, so both kinds of files share what was parsed.
    if not unproblematic(source, renderer.text_env, _IN_HTML if html else frozenset()):
        yield from of_source(renderer, path, source, env, html=html)


def of_source(renderer: "Renderer", path: str, source: str, env: Sandbox, *, html: bool) -> Iterator[Problem]:
    """What is wrong with the Jinja of one file, parsed as a whole."""
    try:
        tree = env.parse(source, filename=path)
    except TemplateSyntaxError as error:
        yield _unreadable(renderer, path, mistake(error, source))
        return
    yield from _of_calls(renderer, path, tree, env)
    names = declared()
    found = list(tree.find_all((nodes.Name, nodes.Getattr, nodes.Include, *FORBIDDEN)))
    known = names.keys() | env.globals.keys() | (_IN_HTML if html else set())
    undeclared = _undeclared(tree, found, known)
    for node in found:
        if isinstance(node, FORBIDDEN):
            yield at(renderer, path, node.lineno, "T013", f"'{_statement(node)}' is not for templates")
        elif isinstance(node, nodes.Include) and not isinstance(node.template, nodes.Const):
            yield at(renderer, path, node.lineno, "T014", "the name of an include must be written out")
        elif isinstance(node, nodes.Name) and node.ctx == "load" and node.name in undeclared - known:
            hint = _LEFT_OUT.get(node.name) or did_you_mean(node.name, names)
            yield at(renderer, path, node.lineno, "T011", f"nothing is called '{node.name}'", hint, node.name)
        elif isinstance(node, nodes.Getattr):
            yield from _of_dot(renderer, path, node, undeclared)


def _undeclared(tree: nodes.Template, found: Iterable[nodes.Node], known: AbstractSet[str]) -> set[str]:
    """The names a template takes from outside; Jinja's own exact answer is slow, so it is asked seldom."""
    named = [node for node in found if isinstance(node, nodes.Name)]
    loaded = {node.name for node in named if node.ctx == "load"}
    own = {node.name for node in named if node.ctx != "load"}
    if loaded <= known | own:
        return loaded - own
    return meta.find_undeclared_variables(tree)


def _of_calls(renderer: "Renderer", path: str, tree: nodes.Template, env: Sandbox) -> Iterator[Problem]:
    """Unknown filters and tests; Jinja would stop at the first, so each gets a name that exists."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        what, known, stand_in = (
            ("filter", env.filters, "e") if isinstance(node, nodes.Filter) else ("test", env.tests, "defined")
        )
        if node.name not in known:
            hint = did_you_mean(node.name, known)
            yield at(
                renderer, path, node.lineno, "T012", f"there is no {what} '{node.name}'", hint, node.name
            )
            node.name = stand_in


def _of_dot(renderer: "Renderer", path: str, dot: nodes.Getattr, undeclared: set[str]) -> Iterator[Problem]:
    base, names = dot.node, declared()
    if not isinstance(base, nodes.Name) or base.name not in undeclared or base.name not in names:
        return
    fields = names[base.name].fields
    if fields is not None and dot.attr not in fields:
        full = f"{base.name}.{dot.attr}"
        near = nearest(dot.attr, fields)
        hint = f"did you mean '{base.name}.{near}'?" if near else ""
        yield at(renderer, path, dot.lineno, "T011", f"nothing is called '{full}'", hint, full)


def _statement(node: nodes.Node) -> str:
    return {"ScopedEvalContextModifier": "autoescape", "FromImport": "from"}.get(
        type(node).__name__, type(node).__name__.lower()
    )


def _of_html(renderer: "Renderer", name: str, broken: AbstractSet[str]) -> Iterator[Problem]:
    """Compile each mail's document as sending would, unless its files are known to be broken."""
    texts = renderer.channels_of(name).get("email", set())
    paths = {
        path: place
        for path in renderer.files
        if (place := template_source.split_path(path)) and place[0] == name
    }
    for path, (_, stem, locale) in paths.items():
        if stem == "email.html" and locale not in texts:
            yield at(renderer, path, 1, "T023", "there is no email.txt in this language")
        if not stem.endswith(".txt") or path in broken:
            continue
        try:
            renderer.pieces(template_source.headers(renderer.files[path])[1], path, locale)
            if stem == "email.txt":
                for brand in renderer.brands():
                    renderer.html(name, locale, brand)
        except SourceError as error:
            yield _problem(renderer, error)


# ── problems ─────────────────────────────────────────────────────────────────


def _unreadable(renderer: "Renderer", path: str, found: Mistake) -> Problem:
    return at(renderer, path, found.line, "T010", found.message, found.hint, found.word)


def _problem(renderer: "Renderer", error: SourceError) -> Problem:
    return at(renderer, error.path, error.line, error.code, error.message, error.hint, error.word)


def at(
    renderer: "Renderer", path: str, line: int, code: str, message: str, hint: str = "", word: str = ""
) -> Problem:
    """The problem with its source line, at *word* in that line, or where the line begins."""
    lines = renderer.files.get(path, "").split("\n")
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    whole = rf"(?<![\w.]){re.escape(word)}(?!\w)" if word[-1:].isalnum() else re.escape(word)
    match = re.search(whole, source) if word else None
    column = match.start() + 1 if match else (len(source) - len(source.lstrip()) + 1 if line else 0)
    return Problem(f"{renderer.templates.name}/{path}", line, column, code, message, hint, source)
