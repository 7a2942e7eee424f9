"""A template that would take for ever, or all the memory, ends with a clear problem (FACTS 36)."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import RenderError
from orchestrator.render import OUTPUT_LIMIT, Renderer
from orchestrator.render.limits import LONGEST, WORK
from orchestrator.render.source import PIECES_LIMIT
from orchestrator.render.words import CustomerWords, OrderWords

PATIENCE = 2.0  # seconds of the processor, for the worst of them on a slow machine
MEMORY = 64_000_000  # bytes

FORTY = "[" + ",".join(map(str, range(40))) + "]"
NS = "{% set ns = namespace(v=1, s='abcdefgh', l=[1, 2]) %}"


def _forty(body: str) -> str:
    return f"{NS}{{% for i in {FORTY} %}}{body}{{% endfor %}}"


def _loops(depth: int) -> str:
    opening = "".join(f"{{% for a{n} in {FORTY} %}}" for n in range(depth))
    return f"{opening}x{'{% endfor %}' * depth}"


BOMBS: dict[str, str] = {
    "an endless loop inside loops": _loops(8),
    "loops that print nothing": _loops(7).replace("x", "{% set a = 1 %}"),
    "a loop over what somebody sent": (
        "{% for a in event.many %}{% for b in event.many %}{% endfor %}{% endfor %}"
    ),
    "a giant range": "{% for i in range(10 ** 12) %}x{% endfor %}",
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "a macro that never ends": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a recursive loop": "{% set t = [1, 2] %}{% for a in t recursive %}{{ loop(t) }}{% endfor %}",
    "a repeated text": "{{ 'x' * 1000000000 }}",
    "a text doubled forty times": _forty("{% set ns.s = ns.s ~ ns.s %}"),
    "a text added forty times": _forty("{% set ns.s = ns.s + ns.s %}"),
    "a block kept forty times": _forty("{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}"),
    "a long text kept in a loop": _forty("{% set x %}" + "y" * 200_000 + "{% endset %}"),
    "a replacement that grows": _forty("{% set ns.s = ns.s | replace('a', ns.s) | replace('b', ns.s) %}"),
    "an empty text replaced": _forty("{% set ns.s = ns.s | replace('', ns.s) %}"),
    "a long separator": "{% set s = 'x' ~ event.long %}{{ event.many | join(s) }}",
    "the method that joins": "{{ event.long.join(event.many) }}",
    "a list doubled forty times": _forty("{% set ns.l = ns.l + ns.l %}"),
    "a list that holds itself forty times": _forty("{% set ns.l = [ns.l, ns.l] %}") + "{{ ns.l }}",
    "lists compared": _forty("{% set ns.l = [ns.l, ns.l] %}{% set ns.s = [ns.s, ns.s] %}")
    + "{{ ns.l == ns.s }}",
    "a mapping of mappings": _forty("{% set ns.l = {'a': ns.l, 'b': ns.l} %}") + "{{ ns.l }}",
    "a number squared forty times": _forty("{% set ns.v = (ns.v + 3) * (ns.v + 3) %}"),
    "a power": "{{ 9 ** 9 ** 9 }}",
    "a number rounded to a billion digits": "{{ 5 | round(-1000000000, 'floor') }}",
    "a padded text": "{{ 'x'.ljust(1000000000) }}",
    "a formatted width": "{{ '%1000000000d' % 1 }}",
    "a format with a width": "{{ '{:1000000000}'.format(1) }}",
    "a date with a width": "{{ promise.day.strftime('%1000000000d') }}",
    "a number as bytes": "{{ (1).to_bytes(1000000000, 'big') }}",
    "a text searched in every turn": (
        "{% for a in event.many %}{% if (event.long ~ 'b') in event.long %}{% endif %}{% endfor %}"
    ),
    "a text reversed in every turn": "{% for a in event.many %}{% set x = event.long[::-1] %}{% endfor %}",
    "a text split in every turn": "{% for a in event.many %}{% set x = event.long.split('a') %}{% endfor %}",
    "long texts sorted": "{% set l = [event.long ~ '1', event.long ~ '2'] %}" * 20 + "{{ l | sort | first }}",
    "filters by name": "{{ event.many | map('replace', '', event.long) | join }}",
    "tests by name": "{{ event.many | map('string') | select('in', event.long) | list | length }}",
    "a print far too long": "{{ event.long }}" * 12,
}
# what cannot even be read
UNREADABLE: dict[str, str] = {
    "brackets in brackets": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "loops in loops in loops": _loops(60),
    "a number of a hundred thousand digits": "{{ " + "9" * 100_000 + " }}",
}

Say = Callable[[str], str]


@pytest.fixture
def say(tmp_path: Path) -> Say:
    def said(text: str, **files: str) -> str:
        folder = tmp_path / "car" / "said"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "push.txt.en.j2").write_text(text, encoding="utf-8")
        return Renderer(tmp_path, {}).render("car/said", "push", "en", WORDS).text

    return said


WORDS: dict[str, Any] = {
    "customer": CustomerWords(name="Maria Keller", greeting="Maria"),
    "order": OrderWords("4711", {}),
    "event": {"many": list(range(5_000)), "long": "a" * 100_000},
    "locale": "en",
    "zone": "Europe/Berlin",
}


@pytest.fixture
def measured() -> Iterator[None]:
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MEMORY


@pytest.mark.parametrize("bomb", [*BOMBS, *UNREADABLE])
def test_a_template_bomb_ends_with_a_problem_of_that_text(say: Say, bomb: str) -> None:
    began = time.process_time()
    with pytest.raises(RenderError, match=r"^car/said/push\.txt\.en\.j2:\d+: "):
        say({**BOMBS, **UNREADABLE}[bomb])
    assert time.process_time() - began < PATIENCE


@pytest.mark.parametrize("bomb", [name for name in BOMBS if "text" in name or "width" in name])
def test_a_template_bomb_takes_little_memory(say: Say, bomb: str, measured: None) -> None:
    with pytest.raises(RenderError):
        say(BOMBS[bomb])


def test_the_problem_says_what_was_too_much(say: Say) -> None:
    with pytest.raises(RenderError, match="does a loop never end"):
        say(_loops(8))
    with pytest.raises(RenderError, match=f"more than {LONGEST} characters"):
        say(BOMBS["a text doubled forty times"])
    with pytest.raises(RenderError, match="nested too deeply"):
        say(UNREADABLE["brackets in brackets"])


def test_check_finds_what_cannot_be_read_and_goes_on(tmp_path: Path) -> None:
    for name, text in (("deep", UNREADABLE["brackets in brackets"]), ("fine", "Hello")):
        (tmp_path / "car" / name).mkdir(parents=True)
        (tmp_path / "car" / name / "push.txt.en.j2").write_text(text, encoding="utf-8")
    (problem,) = Renderer(tmp_path, {}).problems()
    assert (problem.path.partition("/")[2], problem.code) == ("car/deep/push.txt.en.j2", "T010")


def test_pieces_that_include_each_other_ten_times_over_are_refused(tmp_path: Path) -> None:
    (tmp_path / "car" / "said").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    for level in range(8):
        include = f'{{% include "shared/p{level + 1}.txt" %}}\n' if level < 7 else "{{ order.id }}\n"
        (tmp_path / "shared" / f"p{level}.txt.j2").write_text(include * 40, encoding="utf-8")
    (tmp_path / "car" / "said" / "push.txt.en.j2").write_text(
        '{% include "shared/p0.txt" %}', encoding="utf-8"
    )
    began = time.process_time()
    renderer = Renderer(tmp_path, {})
    assert "T014" in {problem.code for problem in renderer.problems()}
    with pytest.raises(RenderError, match="has no end"):
        renderer.render("car/said", "push", "en", WORDS)
    assert time.process_time() - began < PATIENCE
    assert PIECES_LIMIT < 40**3


def test_spaces_without_end_are_tidied_in_no_time(say: Say) -> None:
    began = time.process_time()
    assert say("a \n" + " " * 150_000 + "b\n").startswith("a\n")
    assert time.process_time() - began < PATIENCE


def test_a_budget_is_for_one_message_and_the_next_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "car" / "said").mkdir(parents=True)
    text = "{% for a in event.many %}x{% endfor %}"
    (tmp_path / "car" / "said" / "push.txt.en.j2").write_text(text, encoding="utf-8")
    renderer = Renderer(tmp_path, {})
    for _ in range(WORK // 5_000 // 10 * 2):
        renderer.render("car/said", "push", "en", WORDS)


def test_what_texts_really_do_stays_far_below_the_limits(say: Say) -> None:
    lines = (
        "{% for a in event.many[:200] %}{{ customer.name | upper }}: {{ a + 1 }}{{ ' – ' ~ a }}\n{% endfor %}"
    )
    assert say(lines).count("MARIA KELLER") == 200
    assert OUTPUT_LIMIT >= LONGEST


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ 'a' + 'b' }}{{ 1 + 2 }}{{ 2 * 3.5 }}{{ 7 % 4 }}", "ab37.03"),
        ("{{ [1, 2] + [3] }}", "[1, 2, 3]"),
        ("{{ 'a' ~ 1 ~ none }}", "a1None"),
        ("{{ ['b', 'a'] | sort | join(', ') }}", "a, b"),
        ("{{ 'Aria Touring'.split(' ')[0] }}", "Aria"),
        ("{{ event.nothing | default('none yet') }}", "none yet"),
        ("{{ [1, 2, 3] | select('odd') | list | length }}", "2"),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(1) }}", "<1>"),
        ("{% set d = {'a': order.id} %}{{ d.a }}", "4711"),
        ("{% for a in [1, 2] %}{{ loop.index }}{{ loop.cycle('x', 'y') }}{% endfor %}", "1x2y"),
        ("{{ 2.567 | round(1) }}", "2.6"),
        ("{{ 'x' if 'a' in 'abc' else 'y' }}", "x"),
    ],
)
def test_counting_changes_nothing_that_is_said(say: Say, text: str, printed: str) -> None:
    assert say(text) == printed
