"""Strict, sandboxed templates → what a channel is given. A template is compiled once and kept.

``templates/<journey>/<name>/{email.html,email.txt,sms.txt,push.txt}.<locale>.j2``; what several share stands
in ``templates/shared/``. Files are read when a :class:`Renderer` is made, and never after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError

from orchestrator.errors import NotFound, Problem, RenderError
from orchestrator.facts import value
from orchestrator.plain_text import one_line
from orchestrator.render import attachments, bidi, brands, invitation, sms_text, wording
from orchestrator.render import source as template_source
from orchestrator.render.attachments import File, Refusal
from orchestrator.render.invitation import Invitation
from orchestrator.render.limits import BUDGET, Budget
from orchestrator.render.mjml import compile_mjml
from orchestrator.render.plain import paragraphs, tidy
from orchestrator.render.sandbox import Sandbox
from orchestrator.render.source import Assembled, Piece, SourceError
from orchestrator.render.syntax import failed, mistake
from orchestrator.render.words import Brand, When
from orchestrator.texts import TASK, said_by

OUTPUT_LIMIT = 200_000  # characters of one part; Gmail cuts a mail at 102 kB
CHUNKS = 200  # pieces joined before their length is looked at; a mail has fewer
SUBJECT_LIMIT = 150  # characters
TITLE_LIMIT = 120
LINK_LIMIT = 2_000
SMS_SEGMENTS = 10  # providers refuse more
UNPRINTED = frozenset({"Purpose", "Allow", "Attach", "Calendar"})  # headers that are for us
LAYOUT, PLAIN = "shared/layout.html", "shared/plain.html"
LAYOUTS = "shared/layouts"  # those of brands
HOUSE = Brand()


@value(frozen=True, slots=True)
class Rendered:
    """What one channel is given; ``locale`` is the language that was found (``""``: a file without one)."""

    text: str
    subject: str = ""
    html: str = ""
    title: str = ""
    link: str = ""
    locale: str = ""
    files: tuple[File, ...] = ()
    invitation: Invitation | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One compiled template, and where each of its lines came from."""

    template: Template
    assembled: Assembled


@dataclass(frozen=True, slots=True)
class _Texts:
    """A compiled text file: its headers by name and its body."""

    headers: Mapping[str, _Part]
    body: _Part
    attached: tuple[str, ...] = ()
    invitation: Invitation | None = None


@dataclass
class Renderer:
    """Renders every template of a directory; *company* gives the language to fall back to."""

    templates: Path
    company: Mapping[str, Any]
    files: dict[str, str] = field(init=False, repr=False)
    unreadable: list[SourceError] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.files, self.unreadable = template_source.read(self.templates)
        self.attachable = attachments.read(self.templates)
        self.text_env, self.html_env = Sandbox(autoescape=False), Sandbox(autoescape=True)
        self._found: dict[tuple[str, str], dict[str, str]] = {}  # (folder, stem): locale: path
        self._speaking: dict[str, set[str]] = {}  # stem: folders
        for path in self.files:
            place = template_source.split_path(path)
            if place is not None:
                folder, stem, locale = place
                self._found.setdefault((folder, stem), {})[locale] = path
                self._speaking.setdefault(stem, set()).add(folder)
        self._texts: dict[str, _Texts] = {}
        self._documents: dict[tuple[str, str, str], Sequence[Piece] | None] = {}
        self._htmls: dict[tuple[str, str, str], _Part | None] = {}
        self._shared: dict[str, list[Piece]] = {}
        self._heads: dict[str, dict[str, list[Piece]]] = {}
        self._pieces: dict[tuple[str, str], list[Piece]] = {}

    # ── what there is ──

    def names(self) -> set[str]:
        """Every template that can be said: ``new-car/arrived``."""
        return {folder for folder, stem in self._found if stem.endswith(".txt") and _is_name(folder)}

    def said_by(self, name: str, channel: str) -> str:
        """The template that says *name* on *channel*: the journey's own, else the shared one, or ""."""
        stem = f"{channel}.txt"
        stems = filter(None, (stem, template_source.STAND_INS.get(stem)))
        return next(filter(None, (said_by(name, self._speaking.get(one, ())) for one in stems)), "")

    def channels_of(self, name: str) -> dict[str, set[str]]:
        """The channels a template speaks on, each with its languages."""
        return {
            stem.removesuffix(".txt"): set(locales)
            for (folder, stem), locales in self._found.items()
            if folder == name and stem.endswith(".txt")
        }

    def produces(self, path: str) -> bool:
        """Whether an attachment of that name is a text made for its reader: ``shared/list.txt``."""
        folder, _, stem = path.rpartition("/")
        return stem.endswith(".txt") and (folder, stem) in self._found

    def lays_out(self, layout: str) -> bool:
        """Whether there is a layout of that name for a brand."""
        return (LAYOUTS, f"{layout}.html") in self._found

    def brands(self) -> list[Brand]:
        """Every brand of the settings, and the company's own look."""
        return [HOUSE, *(self.company.get("brands") or {}).values()]

    def problems(self) -> list[Problem]:
        """Everything wrong with any file, by path and line."""
        from orchestrator.render.check import problems

        return problems(self)

    # ── rendering ──

    def render(self, template: str, channel: str, locale: str, context: Mapping[str, Any]) -> Rendered:
        """Render *template* for *channel* in the nearest language there is.

        :meth:`said_by` says which template that is; a task without any takes ``shared/task``. Raises
        :class:`NotFound` for a template or channel that does not exist, :class:`RenderError` naming file,
        line and variable for one that fails.
        """
        if not _is_name(template):
            raise NotFound(f"'{one_line(template)}' is no name of a template")
        name = self.said_by(template, channel) or (TASK if context.get("task") else template)
        path, _ = self.choose(name, f"{channel}.txt", locale)
        return self.render_file(path, context)

    def render_file(self, path: str, context: Mapping[str, Any]) -> Rendered:
        """Render the text file *path* and what goes with it; raises :class:`RenderError` if it fails."""
        name, stem, found = template_source.split_path(path) or ("", "", "")
        channel = stem.removesuffix(".txt")
        if found and _language(found) != _language(_written_in(context)):
            context = wording.in_locale(context, found)
        words = {**self.text_env.globals, **context}
        words[BUDGET] = Budget(leftwards=bidi.leftwards(found or str(context.get("locale", ""))))
        texts = self._text(path, found)
        heads = {header: self._run(part, words) for header, part in texts.headers.items()}
        body = tidy(self._run(texts.body, words))
        if channel == "email":
            return self._email(name, found, texts, heads, body, words)
        if channel == "sms":
            return Rendered(_sms(body, path), locale=found)
        title, link = (
            bidi.line(heads.get("Title", ""), TITLE_LIMIT),
            one_line(heads.get("Link", ""), LINK_LIMIT),
        )
        return Rendered(body, title=title, link=link, locale=found)

    def _email(
        self,
        name: str,
        locale: str,
        texts: _Texts,
        heads: Mapping[str, str],
        body: str,
        words: dict[str, Any],
    ) -> Rendered:
        brand = words.get("brand") or HOUSE
        subject = bidi.line(heads.get("Subject", ""), SUBJECT_LIMIT)
        part = self._html(name, locale, brand)
        html = ""
        if part is not None:
            preview = bidi.line(heads.get("Preview", ""), SUBJECT_LIMIT)
            more = {"subject": subject, "preview": preview, "body": paragraphs(body)}
            html = self._run(part, words | more)
        invited = texts.invitation and replace(
            texts.invitation,
            title=one_line(heads.get("Calendar-Title", "")) or one_line(subject),
            place=one_line(heads.get("Calendar-Place", "")),
        )
        files = self._attached(texts, locale, brand if brand.logo and brand.logo in html else HOUSE, words)
        return Rendered(body, subject=subject, html=html, locale=locale, files=files, invitation=invited)

    def _attached(self, texts: _Texts, locale: str, brand: Brand, words: dict[str, Any]) -> tuple[File, ...]:
        """The files a text names, those that are texts made for this reader, and the brand's picture."""
        found: list[File] = []
        for path in texts.attached:
            if self.produces(path):
                folder, _, stem = path.rpartition("/")
                text = self._run(self._text(*self.choose(folder, stem, locale)).body, words)
                found.append(File(stem, "text/plain; charset=utf-8", tidy(text).encode()))
            else:
                found.append(self._file(path))
        if brand.logo:
            found.append(replace(self._file(brand.logo_file), cid=brands.LOGO))
        if refusal := attachments.too_large(sum(len(file.data) for file in found)):
            raise RenderError(refusal.message)
        return tuple(found)

    def _file(self, path: str) -> File:
        file = attachments.taken(path, self.attachable)
        if isinstance(file, Refusal):
            raise RenderError(file.message)
        return file

    def choose(self, folder: str, stem: str, locale: str) -> tuple[str, str]:
        """The file in the nearest language, and that language; a channel may show another's text."""
        said = stem if (folder, stem) in self._found else template_source.STAND_INS.get(stem, stem)
        locales = self._found.get((folder, said))
        if not locales:
            raise NotFound(f"there is no template {folder}/{stem}")
        for wanted in template_source.fall_back(locale, str(self.company.get("locale") or "")):
            if wanted in locales:
                return locales[wanted], wanted
        first = min(locales)
        return locales[first], first

    def _run(self, part: _Part, words: dict[str, Any]) -> str:
        template = part.template
        try:
            return _capped(template.root_render_func(template.new_context(words, shared=True)))
        except Exception as error:  # noqa: BLE001 - a template may raise anything; the notification is parked
            path, line = part.assembled.origin(_line(error, template))
            raise RenderError(f"{path}:{line}: {failed(error)}") from None

    # ── compiling ──

    def _text(self, path: str, locale: str) -> _Texts:
        texts = self._texts.get(path)
        if texts is None:
            try:
                texts = self._texts[path] = self._compile_text(path, locale)
            except SourceError as error:
                raise RenderError(str(error)) from error
        return texts

    def _compile_text(self, path: str, locale: str) -> _Texts:
        heads, _ = template_source.headers(self.files[path])
        calendar = next((head for head in heads if head.name == "Calendar"), None)
        try:
            invited = invitation.read(calendar.value) if calendar is not None else None
        except invitation.Unreadable as error:
            raise SourceError("T043", path, calendar.line if calendar else 0, str(error)) from error
        return _Texts(
            attached=tuple(self.attached(path)),
            invitation=invited,
            headers={name: self._part(pieces, self.text_env) for name, pieces in self.heads(path).items()},
            body=self._part(self.body(path, locale), self.text_env),
        )

    def heads(self, path: str) -> dict[str, list[Piece]]:
        """The headers of a text that are printed, by name; raises :class:`SourceError`."""
        if path not in self._heads:
            self._heads[path] = {
                head.name: template_source.moved(
                    template_source.cut(head.value, path, self.text_env), head.line - 1
                )
                for head in template_source.headers(self.files[path])[0]
                if head.name not in UNPRINTED
            }
        return self._heads[path]

    def attached(self, path: str) -> list[str]:
        """What the headers of a text attach to its mail."""
        return [head.value for head in template_source.headers(self.files[path])[0] if head.name == "Attach"]

    def body(self, path: str, locale: str) -> list[Piece]:
        """What stands below the headers of a text, includes replaced; raises :class:`SourceError`."""
        return self.pieces(template_source.headers(self.files[path])[1], path, locale)

    def html(self, name: str, locale: str, brand: Brand = HOUSE) -> Sequence[Piece] | None:
        """The document of a mail in the text's own language and a brand's layout; ``None`` without a layout.

        Raises :class:`SourceError`.
        """
        path = self._found.get((name, "email.html"), {}).get(locale, "")
        key = (path, locale, brand.key)
        if key not in self._documents:
            mjml = self._mjml(path, locale, brand)
            same = brands.constants(brand, bidi.leftwards(locale))
            self._documents[key] = None if mjml is None else compile_mjml(template_source.settled(mjml, same))
        return self._documents[key]

    def _html(self, name: str, locale: str, brand: Brand) -> _Part | None:
        key = (name, locale, brand.key)
        if key not in self._htmls:
            try:
                pieces = self.html(name, locale, brand)
                isolating = None if pieces is None else bidi.between_tags(pieces)
                self._htmls[key] = None if isolating is None else self._part(isolating, self.html_env)
            except SourceError as error:
                raise RenderError(str(error)) from error
        return self._htmls[key]

    def _mjml(self, path: str, locale: str, brand: Brand) -> list[Piece] | None:
        if not path:
            content = self._included(PLAIN, locale)
            return None if content is None else self._laid_out(content, locale, brand)
        source = self.files[path]
        pieces = self.pieces(source, path, locale)
        return pieces if source.lstrip().startswith("<mjml") else self._laid_out(pieces, locale, brand)

    def _laid_out(self, content: Sequence[Piece], locale: str, brand: Brand) -> list[Piece] | None:
        layout = self._included(f"{LAYOUTS}/{brand.layout or brand.key}.html", locale)
        if layout is None:
            layout = self._included(LAYOUT, locale)
        if layout is None:
            return None

        def included(name: str) -> Sequence[Piece] | None:
            return content if name == "content" else self._included(name, locale)

        return template_source.expand(layout, included)

    def pieces(self, source: str, path: str, locale: str) -> list[Piece]:
        """*source*, which is what is said in the file *path*, cut into pieces, includes replaced; kept."""
        key = (path, locale)
        if key not in self._pieces:
            cut = template_source.cut(source, path, self.text_env)
            self._pieces[key] = template_source.expand(cut, lambda name: self._included(name, locale))
        return self._pieces[key]

    def _included(self, name: str, locale: str) -> list[Piece] | None:
        folder, _, stem = name.rpartition("/")
        if (folder, stem) not in self._found:
            return None
        path, _ = self.choose(folder, stem, locale)
        if path not in self._shared:
            self._shared[path] = template_source.cut(self.files[path], path, self.text_env)
        return self._shared[path]

    def _part(self, pieces: Sequence[Piece], env: Sandbox) -> _Part:
        assembled = template_source.assemble(pieces)
        try:
            return _Part(env.from_string(assembled.source), assembled)
        except TemplateSyntaxError as error:
            found = mistake(error, assembled.source)
            path, line = assembled.origin(found.line)
            raise SourceError("T010", path, line, found.message, found.hint, found.word) from error


# ── small readings ───────────────────────────────────────────────────────────


def _is_name(name: str) -> bool:
    return template_source.NAME.fullmatch(name) is not None


def _written_in(context: Mapping[str, Any]) -> str:
    """The language of the dates in *context*, which its reader may have changed since."""
    today = context.get("today")
    return today.locale if isinstance(today, When) else str(context["locale"])


def _language(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0]


def _capped(chunks: Iterable[str]) -> str:
    """Join *chunks*, or stop where they become more than anybody would read."""
    rest = iter(chunks)
    text = ""
    while more := list(islice(rest, CHUNKS)):
        text += "".join(more)
        if len(text) > OUTPUT_LIMIT:
            raise TemplateError(f"it prints more than {OUTPUT_LIMIT} characters")
    return text


def _line(error: Exception, template: Template) -> int:
    """The line of the assembled template in which *error* was raised."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _sms(body: str, path: str) -> str:
    text = sms_text.plain(body)
    segments = sms_text.sms_segments(text)[1]
    if segments > SMS_SEGMENTS:
        raise RenderError(f"{path}:1: it makes {segments} SMS, more than {SMS_SEGMENTS}")
    return text
