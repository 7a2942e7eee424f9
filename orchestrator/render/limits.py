"""What a text may use up while it is made: work is counted, so that no template freezes or fills a daemon.

A template is run in the daemon's own process. A process of its own would cost more than the rendering
(0.1 ms, against 1 ms and a pickled order each way), would have to be watched itself, and would end by the
wall clock: on a busy machine a good text would fail. Instead everything that a template can do is counted
before it is done, in about the characters and items it looks at or makes: turns of loops and the text inside
them, calls, filters, tests, comparisons, joining, lists, what is printed. Nothing else is left that grows: no
`range`, no `**`, no repeated text, no method that pads. So the same facts fail in the same place on every
machine, and the most hostile text that fits into a file ends within a fraction of a second.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined, markup_join, str_join
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

WORK = 1_000_000  # characters and items for one message; a long mail takes 20,000
STEP = 10  # what a turn of a loop or a call takes, whatever it does
LONGEST = 200_000  # characters of one text
SHORT = 1_000  # characters of a text that is counted without ado
GREATEST = 10**18  # numbers; a product of products of such would fill the memory by itself
BUDGET = "the budget of this text"  # its name among a template's words, which no template can write

SPEND, JOINED, WEIGHED = "spend work", "join parts", "weigh it"  # only the compiler writes filters so called


class Budget:
    """The work one message may still take, and which way its text runs."""

    __slots__ = ("left", "leftwards")

    def __init__(self, *, leftwards: bool = False, work: int = WORK) -> None:
        self.left = work
        self.leftwards = leftwards

    def spend(self, work: int) -> None:
        """Take *work* from it; raises ``SecurityError`` once there is none left."""
        self.left -= work
        if self.left < 0:
            raise SecurityError("it takes more work than a message may: does a loop never end?")

    def weigh(self, value: Any) -> None:
        """Spend what looking at the whole of *value* takes."""
        if isinstance(value, str):
            self.left -= len(value)
            if self.left < 0:
                self.spend(0)
        elif isinstance(value, Mapping):
            self.spend(len(value))
            for key, inner in value.items():
                self.weigh(key)
                self.weigh(inner)
        elif isinstance(value, list | tuple | set | frozenset):
            self.spend(len(value))
            for inner in value:
                self.weigh(inner)

    def whole(self, text: str) -> str:
        """Return *text*, spent, unless it is longer than any message."""
        if len(text) > LONGEST:
            raise SecurityError(f"it makes a text of more than {LONGEST} characters")
        self.spend(len(text))
        return text


def budget_of(context: Context) -> Budget:
    """The budget of the message that is being made; whoever renders without one gets a new one."""
    try:
        found: Budget = context.parent[BUDGET]
    except KeyError:
        found = context.parent[BUDGET] = Budget()
    return found


# ── operators ────────────────────────────────────────────────────────────────

OPERATORS = frozenset({"*", "**", "%", "+"})


def operate(context: Context, operator: str, left: Any, right: Any) -> Any:
    """Allow numbers to be added and multiplied, and texts and lists to be put together."""
    if operator == "**":
        raise SecurityError("'**' is not for templates")
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _number(operator, left, right)
    if operator != "+":
        raise SecurityError(f"'{operator}' is for two numbers")
    if isinstance(left, str) and isinstance(right, str):
        budget_of(context).spend(len(left) + len(right))
        if len(left) + len(right) > LONGEST:
            raise SecurityError(f"it makes a text of more than {LONGEST} characters")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        budget_of(context).weigh(left)
        budget_of(context).weigh(right)
        return left + right
    raise SecurityError("'+' is for two numbers, two texts or two lists")


def _number(operator: str, left: float, right: float) -> float:
    if abs(left) > GREATEST or abs(right) > GREATEST:
        raise SecurityError("it counts higher than any message")
    if operator == "*":
        return left * right
    return left + right if operator == "+" else left % right


# ── filters and tests ────────────────────────────────────────────────────────


def counted(name: str, function: Callable[..., Any], env: Environment) -> Callable[..., Any]:
    """Return the filter or test *function* such that what it looks at and makes is spent."""
    asks = getattr(getattr(function, "jinja_pass_arg", None), "name", "")  # jinja2.pass_context and its kin
    before = _BEFORE.get(name)

    def spending(context: Context, value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, Undefined):  # which says what is missing, or a default for it
            return _call(context, value, args, options)
        budget = budget_of(context)
        budget.spend(STEP)
        budget.weigh(value)
        for one in (*args, *options.values()):
            budget.weigh(one)
        if before is not None:
            before(value, *args, **options)
        made = _call(context, value, args, options)
        return budget.whole(made) if isinstance(made, str) else made

    def _call(context: Context, value: Any, args: Any, options: Any) -> Any:
        if asks == "context":
            return function(context, value, *args, **options)
        if asks == "eval_context":
            return function(context.eval_ctx, value, *args, **options)
        return function(env, value, *args, **options) if asks else function(value, *args, **options)

    return pass_context(spending)


def _not_much_longer(value: Any, old: Any = "", new: Any = "", *_: Any, **__: Any) -> None:
    text = str(value)
    if text.count(str(old)) * len(str(new)) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST} characters")


def _joins_little(value: Any, d: Any = "", *_: Any, **__: Any) -> None:
    if hasattr(value, "__len__") and len(value) * len(str(d)) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST} characters")


def _rounds_sensibly(_: Any, precision: Any = 0, *__: Any, **___: Any) -> None:
    if not isinstance(precision, int) or abs(precision) > 20:
        raise SecurityError("it rounds to more than twenty digits")


_BEFORE: Mapping[str, Callable[..., None]] = {
    "replace": _not_much_longer,
    "join": _joins_little,
    "round": _rounds_sensibly,
}


def spend(context: Context, work: int) -> str:
    """Spend *work*: the first statement of every loop and macro."""
    budget_of(context).spend(work)
    return ""


def joined(context: Context, parts: tuple[Any, ...]) -> str:
    """What ``a ~ b`` says."""
    budget = budget_of(context)
    for part in parts:
        budget.weigh(part)
    join = markup_join if context.eval_ctx.autoescape else str_join
    return budget.whole(join(parts))


def weighed(context: Context, value: Any) -> Any:
    """*value*, spent: what is compared, cut, or kept in a list."""
    budget_of(context).weigh(value)
    return value


def printed(budget: Budget, value: Any) -> str:
    """Return what ``{{ value }}`` prints, spent before a list of lists of lists is written out."""
    if type(value) is str or isinstance(value, Markup):
        return budget.whole(value)
    budget.weigh(value)
    if isinstance(value, int | float) and abs(value) > GREATEST:
        raise SecurityError("it counts higher than any message")
    return budget.whole(str(value))


COMPILED_IN: Mapping[str, Callable[..., Any]] = {SPEND: spend, JOINED: joined, WEIGHED: weighed}


# ── compiling ────────────────────────────────────────────────────────────────


class Counting(NodeTransformer):
    """Writes into a template's tree where work is spent."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  Jinja looks for this name
        """A turn of a loop takes a step and what stands inside it."""
        return self._body(node, node.body)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        """A macro takes what stands inside it, each time."""
        return self._body(node, node.body)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        """A call block likewise."""
        return self._body(node, node.body)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802
        """A block likewise."""
        return self._body(node, node.body)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """What is joined is as long as all of it."""
        self.generic_visit(node)
        return self._filter(nodes.Tuple(node.nodes, "load", lineno=node.lineno), JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        """A list is as large as all that is in it."""
        return self._container(node, node.items)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        """A tuple likewise, unless it names what is set."""
        return self._container(node, node.items) if node.ctx == "load" else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        """A mapping likewise."""
        return self._container(node, [pair.value for pair in node.items])

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        """What is compared is read."""
        self.generic_visit(node)
        node.expr = self._weigh(node.expr)
        for operand in node.ops:
            operand.expr = self._weigh(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        """What is cut is copied."""
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = self._weigh(node.node)
        return node

    def _body(self, node: nodes.Node, body: list[nodes.Node]) -> nodes.Node:
        self.generic_visit(node)
        inside = sum(len(data.data) for part in body for data in _texts(part))
        cost = nodes.Const(STEP + inside, lineno=node.lineno)
        body.insert(0, nodes.ExprStmt(self._filter(cost, SPEND), lineno=node.lineno))
        return node

    def _container(self, node: nodes.Expr, items: list[nodes.Expr]) -> nodes.Node:
        self.generic_visit(node)
        return node if all(isinstance(item, nodes.Const) for item in items) else self._filter(node, WEIGHED)

    def _weigh(self, node: nodes.Expr) -> nodes.Expr:
        return node if isinstance(node, nodes.Const) else self._filter(node, WEIGHED)

    def _filter(self, node: nodes.Expr, name: str) -> nodes.Filter:
        return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=self._env)


def _texts(part: nodes.Node) -> list[nodes.TemplateData]:
    own = [part] if isinstance(part, nodes.TemplateData) else []
    return [*own, *part.find_all(nodes.TemplateData)]
