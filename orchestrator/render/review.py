"""Whether every template says what its reader needs to hear, for ``beforehand check`` (DESIGN §1.12).

The words are heard in the sources, in every branch; every text is said with sample facts, and SMS are
counted. What the rules use and nobody wrote, and what somebody wrote and no rule uses, is found here too.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from orchestrator.errors import NotFound, Problem, RenderError
from orchestrator.journey import Journey, Mode, Rule, RuleBook
from orchestrator.model import Purpose
from orchestrator.render import Renderer, sms_text, voice
from orchestrator.render import source as template_source
from orchestrator.render.check import at
from orchestrator.render.declarations import undeclared
from orchestrator.render.sampled import HEARD, Sampled
from orchestrator.render.source import Header, Is, Piece, SourceError
from orchestrator.render.voice import Fault, Reader, Script
from orchestrator.texts import SHARED, said_by

ALLOWANCE = re.compile(r"(?P<code>T1\d\d)\s+because\s+\S.*")
_PLACE = re.compile(r"(?P<path>[^:\n]+):(?P<line>\d+): (?P<why>.*)", re.DOTALL)
_ALL_ORDERS = re.compile(r"\borders\b")
_OF_TASKS = re.compile(r"\btask\.")


@dataclass
class _Use:
    """What the rules do with one template."""

    readers: set[str] = field(default_factory=set)  # roles it is said to; none: it is a task, or unused
    channels: dict[str, Rule] = field(default_factory=dict)  # each with a rule that uses it
    task: bool = False
    journey: Journey | None = None


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One ``Allow:`` line."""

    path: str
    head: Header
    code: str


def review(
    renderer: Renderer, book: RuleBook, broken: Collection[str] = (), *, complete: Collection[str] | None
) -> list[Problem]:
    """Return what readers would miss or mind, in the order of paths and lines.

    *broken* are paths of template files that cannot be read anyway. *complete* are the journeys whose every
    rule is in *book*, so that what none of them says is unused; ``None``: there are no other journeys.
    """
    return _Review(renderer, book, frozenset(broken)).problems(complete)


def failing(renderer: Renderer, book: RuleBook) -> list[Problem]:
    """Return what of all that can be said fails with sample facts: nobody would ever get it."""
    return _Review(renderer, book, frozenset()).failing()


class _Review:
    def __init__(self, renderer: Renderer, book: RuleBook, broken: AbstractSet[str]) -> None:
        self.renderer, self.book, self.broken = renderer, book, broken
        self.names = sorted(renderer.names())
        self.uses = _uses(book, renderer)
        self.sampled = Sampled(renderer, book.policy)
        self.files: dict[str, dict[tuple[str, str], str]] = {}  # template: (stem, locale): path
        self.spoken: dict[str, set[str]] = {}  # folder of a journey: the languages of its texts
        self.bodies: dict[tuple[str, str, str], str] = {}  # (template, channel, locale): the text, bare
        for path in renderer.files:
            place = template_source.split_path(path)
            if place is not None and template_source.NAME.fullmatch(place[0]):
                self.files.setdefault(place[0], {})[place[1:]] = path
                if place[1].endswith(".txt") and place[2]:
                    self.spoken.setdefault(place[0].partition("/")[0], set()).add(place[2])

    def problems(self, complete: Collection[str] | None) -> list[Problem]:
        found: list[tuple[str, Fault]] = []  # (the file it is about, or the template, what is wrong)
        for name in self.names:
            found += self._of_template(name, complete)
        found += self._of_ladders()
        unknown = [*self._undeclared()]
        told = {(problem.path, problem.line) for problem in unknown}  # why it fails there
        known = self._overruled(found)
        failing = {p for p in known if p.code not in ("T117", "T125") or (p.path, p.line) not in told}
        return _in_order({*failing, *unknown, *self._of_one_only(), *self._of_purposes()})

    def failing(self) -> list[Problem]:
        found = {
            self._placed(path, fault)
            for name in self.names
            if name in self.uses or name.partition("/")[0] == SHARED
            for (stem, _), path in self.files[name].items()
            if stem.endswith(".txt")
            for fault in self._with_facts(path, stem.partition(".")[0], self.uses.get(name, _Use()))
            if fault.code == "T117"
        }
        places = {(problem.path, problem.line) for problem in found}
        known = {p for p in self._undeclared() if (p.path, p.line) in places} if found else set()
        told = {(problem.path, problem.line) for problem in known}
        return _in_order({*known, *(p for p in found if (p.path, p.line) not in told)})

    def _undeclared(self) -> Iterator[Problem]:
        for path in self.renderer.files:
            journey = self.book.journeys.get(path.partition("/")[0])
            if journey is not None:
                yield from undeclared(self.renderer, path, journey)

    def _of_one_only(self) -> Iterator[Problem]:
        """Texts of rules that combine, and that name no other order than the first."""
        for rule, stem, locale, path in self._said():
            if rule.combine is not None and not self._speaks_of_all(path, stem, locale):
                message = f"{rule.id!r} combines, and this text names only one order"
                hint = "name each: `{% for one in orders %}{{ one.id }}{% endfor %}`"
                yield at(self.renderer, path, self._begins(path), "T045", message, hint)

    def _of_purposes(self) -> Iterator[Problem]:
        """Texts that declare another purpose than their rule, which law and consent follow."""
        for rule, stem, _, path in self._said():
            heads = template_source.headers(self.renderer.files[path])[0] if stem.endswith(".txt") else ()
            for head in heads:
                if head.name == "Purpose" and head.value in set(Purpose) - {rule.purpose}:
                    message = f"{rule.id!r} says it as {rule.purpose.value}, and it declares {head.value}"
                    hint = "write the same purpose in both"
                    yield at(self.renderer, path, head.line, "T021", message, hint, head.value)

    def _said(self) -> Iterator[tuple[Rule, str, str, str]]:
        """Every rule with the files of each template it says: stem, language, path."""
        for journey in self.book.journeys.values():
            for rule in journey.rules:
                for name in dict.fromkeys(rung.say for rung in rule.rungs if rung.say):
                    for folder in (journey.id, SHARED):
                        for (stem, locale), path in self.files.get(f"{folder}/{name}", {}).items():
                            channel = stem.partition(".")[0]
                            if self.renderer.said_by(f"{journey.id}/{name}", channel) == f"{folder}/{name}":
                                yield rule, stem, locale, path

    def _speaks_of_all(self, path: str, stem: str, locale: str) -> bool:
        source = self.renderer.files[path]
        try:
            body = template_source.headers(source)[1] if stem.endswith(".txt") else source
            pieces = self.renderer.pieces(body, path, locale)
        except SourceError:
            return True  # told as such
        return any(_ALL_ORDERS.search(piece.text) for piece in pieces if piece.kind is not Is.TEXT)

    # ── one template ──

    def _of_template(self, name: str, complete: Collection[str] | None) -> Iterator[tuple[str, Fault]]:
        use, files, folder = self.uses.get(name, _Use()), self.files[name], name.partition("/")[0]
        if name not in self.uses and folder != SHARED and (complete is None or folder in complete):
            hint = "let a rule say it, or remove the folder"
            yield name, Fault("T114", "no rule says this template, and no task is called so", hint)
        for fault in self._missing(name, use):
            yield name, fault
        reader = self._reader(name, use)
        for (stem, locale), path in sorted(files.items()):
            channel, _, kind = stem.partition(".")
            try:
                script = self._script(path, channel, locale, html=kind == "html")
            except SourceError:
                continue
            yield from ((path, fault) for fault in voice.faults(script, reader))
            if kind == "txt":
                self.bodies[name, channel, locale] = _bare(script.body)
            if kind == "txt" and path not in self.broken:
                yield from ((path, fault) for fault in self._with_facts(path, channel, use))

    def _reader(self, name: str, use: _Use) -> Reader:
        if use.readers:
            return Reader.CUSTOMER if "customer" in use.readers else Reader.OTHER
        told = any(_OF_TASKS.search(self.renderer.files[path]) for path in self.files[name].values())
        return Reader.STAFF if use.task or told else Reader.CUSTOMER

    def _script(self, path: str, channel: str, locale: str, *, html: bool) -> Script:
        renderer = self.renderer
        spoken = locale or str(renderer.company.get("locale") or "en")
        if html:
            pieces = renderer.pieces(renderer.files[path], path, locale)
            return Script(path, channel, spoken, (), pieces, html)
        heads = [piece for name, head in renderer.heads(path).items() if name in HEARD for piece in head]
        return Script(path, channel, spoken, heads, renderer.body(path, locale))

    def _with_facts(self, path: str, channel: str, use: _Use) -> Iterator[Fault]:
        journey = use.journey or self._journey(path.partition("/")[0])
        if journey is None:
            return
        try:
            text = self.sampled.say(path, journey)
        except (RenderError, NotFound) as error:
            fault = self._failed(str(error))
            if fault.path not in self.broken:  # of those it is said why they cannot be read
                yield fault
            return
        for piece, bare in self.sampled.holes(path, journey) if use.journey is not None else ():
            yield self._hole(piece, bare)
        if channel == "sms" and sms_text.sms_segments(text)[1] > 1:
            odd = sms_text.beyond_gsm(text)
            hint = f"GSM-7 has no {' '.join(odd)}" if odd else "say it in fewer words"
            yield Fault("T113", f"with sample facts it is {sms_text.cost(text)}", hint)

    def _failed(self, why: str) -> Fault:
        """What rendering said, at the line it names: also where many texts include it, it is told once."""
        named = _PLACE.fullmatch(why)
        hint = "`beforehand preview` shows more"
        if named is None or named["path"] not in self.renderer.files:
            return Fault("T117", f"with sample facts it fails: {why}", hint)
        message = f"with sample facts it fails: {named['why']}"
        return Fault("T117", message, hint, path=named["path"], line=int(named["line"]))

    def _hole(self, piece: Piece, bare: bool) -> Fault:
        """A place of a text at which its reader finds nothing."""
        named = piece.text[2:-2].strip(" -+")
        when = "where it is not known, and the rule does not make sure of it" if bare else "with sample facts"
        asks = named.partition("|")[0].strip()
        asks = asks.removesuffix(".text") if "(" not in asks else "…"
        hint = f"ask first: `{{% if {asks} %}}… {{{{ {named} }}}}{{% endif %}}`"
        return Fault("T125", f"a hole: {named!r} says nothing {when}", hint, piece.path, piece.line, named)

    def _journey(self, folder: str) -> Journey | None:
        """The journey a folder belongs to; what is shared is shown in any."""
        journeys = self.book.journeys
        return next(iter(journeys.values()), None) if folder == SHARED else journeys.get(folder)

    # ── what rules need ──

    def _missing(self, name: str, use: _Use) -> Iterator[Fault]:
        speaks = self.renderer.channels_of(name)
        folder = name.partition("/")[0]
        spoken = self.spoken.get(folder, set())
        yield from self._own_language(name, speaks, spoken)
        for channel, rule in use.channels.items():
            if not template_source.spoken_by(channel, speaks):
                files = " and ".join(_file(channel, locale) for locale in sorted(spoken) or [""])
                message = f"{rule.id!r} says it by {channel}, and there is no {channel}.txt"
                yield Fault("T111", message, f"write {files}, or take {channel} from the rule's channels")
        for channel, locales in sorted(speaks.items()):
            if "" not in locales:
                for locale in sorted(spoken - locales):
                    message = f"other texts of {folder} speak {locale!r}, its {channel}.txt does not"
                    yield Fault("T112", message, f"write {_file(channel, locale)}")

    def _own_language(
        self, name: str, speaks: Mapping[str, set[str]], spoken: AbstractSet[str]
    ) -> Iterator[Fault]:
        """The company's own language is read by everybody who named none."""
        own = str(self.renderer.company.get("locale") or "")
        chain = [*template_source.wider(own)]
        if not own or name not in self.uses or spoken & set(chain):
            return  # some text of the journey speaks it, and so every other is asked for it too
        for channel, locales in sorted(speaks.items()):
            if "" not in locales:
                message = f"customers who named no language read {own!r}, its {channel}.txt does not"
                yield Fault("T112", message, f"write {_file(channel, chain[-1])}")

    def _of_ladders(self) -> Iterator[tuple[str, Fault]]:
        for journey in self.book.journeys.values():
            for rule in journey.rules:
                said = [said_by(f"{journey.id}/{rung.say}", self.files) for rung in rule.rungs if rung.say]
                for number, name in enumerate(said):
                    yield from self._repeated(name, dict.fromkeys(said[:number]), rule)

    def _repeated(self, name: str, before: Mapping[str, None], rule: Rule) -> Iterator[tuple[str, Fault]]:
        for (stem, locale), path in self.files.get(name, {}).items():
            channel, _, kind = stem.partition(".")
            text = self.bodies.get((name, channel, locale), "") if kind == "txt" else ""
            for other in before:
                if text and other != name and text == self.bodies.get((other, channel, locale)):
                    message = f"{rule.id!r} has said these words before: they are those of {other}"
                    hint = "say what is new: how long it is now, what was done, what they can do"
                    yield path, Fault("T110", message, hint)

    # ── overruling ──

    def _overruled(self, found: Sequence[tuple[str, Fault]]) -> Iterator[Problem]:
        """The problems nobody allowed, and the allowances nothing needed."""
        allowed: list[_Allowed] = []
        for name in self.names:
            for path in self.files[name].values():
                for head in self._allow_lines(path):
                    match = ALLOWANCE.fullmatch(head.value)
                    if match is not None and match["code"] in ALLOWABLE:
                        allowed.append(_Allowed(path, head, match["code"]))
                    else:
                        hint = "write `Allow: T104 because …`, with a code of docs/reference/codes.md"
                        yield at(self.renderer, path, head.line, "T115", "this allows nothing", hint)
        used: set[_Allowed] = set()
        for about, fault in found:
            pardons = [a for a in allowed if a.code == fault.code and _covers(a.path, about)]
            used |= set(pardons)
            if not pardons:
                yield self._placed(about, fault)
        for one in allowed:
            if one not in used:
                message = f"there is no {one.code} here to allow"
                yield at(self.renderer, one.path, one.head.line, "T116", message, "remove the line", one.code)

    def _allow_lines(self, path: str) -> Iterator[Header]:
        if path.endswith(".j2") and ".txt" in path:
            heads, _ = template_source.headers(self.renderer.files[path])
            yield from (head for head in heads if head.name == "Allow")

    def _placed(self, about: str, fault: Fault) -> Problem:
        if about not in self.renderer.files:
            folder = f"{self.renderer.templates.name}/{about}"
            return Problem(folder, 0, 0, fault.code, fault.message, fault.hint)
        path, line = (fault.path, fault.line) if fault.path else (about, self._begins(about))
        return at(self.renderer, path, line, fault.code, fault.message, fault.hint, fault.word)

    def _begins(self, path: str) -> int:
        """The line on which the text itself begins."""
        _, body = template_source.headers(self.renderer.files[path])
        lines = body.split("\n")
        return next((n for n, line in enumerate(lines, 1) if line.strip() and "{% set" not in line), 1)


ALLOWABLE = frozenset(f"T{number}" for number in (*range(101, 115), *range(120, 126)))


def _in_order(problems: Collection[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.path, p.line, p.column, p.code))


def _covers(path: str, about: str) -> bool:
    """An allowance covers its own file, the mail's HTML beside it, and what is wrong with the template."""
    return about in (path, path.replace("/email.txt", "/email.html")) or about == path.rpartition("/")[0]


def _file(channel: str, locale: str) -> str:
    return f"{channel}.txt.{locale}.j2" if locale else f"{channel}.txt.j2"


def _bare(pieces: Sequence[Piece]) -> str:
    """What a text prints, whatever its spaces: two texts that say the same are equal."""
    said = "".join(piece.text for piece in pieces if piece.kind is not Is.STATEMENT)
    return " ".join(said.split()).casefold()


def _uses(book: RuleBook, renderer: Renderer) -> dict[str, _Use]:
    """Every template that a rule says or a task is called by, with what for."""
    found: dict[str, _Use] = {}
    names = renderer.names()
    for journey in book.journeys.values():

        def use(name: str, journey: Journey = journey) -> _Use:
            return found.setdefault(name, _Use(journey=journey))

        for rule in journey.rules:
            for rung in rule.rungs:
                if rung.task is not None:
                    use(said_by(f"{journey.id}/{rung.task.do}", names)).task = True
                if not rung.say:
                    continue
                own = said_by(f"{journey.id}/{rung.say}", names)
                use(own).readers |= {rule.to, *rule.also_to}
                for channel in map(book.policy.kind, rule.channels or book.policy.preference):
                    said = renderer.said_by(f"{journey.id}/{rung.say}", channel) or own
                    use(said).readers |= {rule.to, *rule.also_to}
                    if rule.mode is not Mode.OFF:
                        use(said).channels.setdefault(channel, rule)
    return found
