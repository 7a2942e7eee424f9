"""How often Python looks for rings of objects to free. Ours are few: what a batch makes is freed by counting.

At its defaults the collector takes a fifth of the time of sending a mail, for it walks through every
module, rule and template again and again (docs/decisions/0014-how-speed-is-measured.md).
"""

import atexit
import gc


def seldom() -> None:
    """Look seldom, and not once more at the end, which takes 60 ms; for every command.

    A thousand messages in hand are 90,000 objects. To look through them takes 12 ms, and none is garbage.
    """
    gc.set_threshold(100_000, 20, 20)
    atexit.register(gc.freeze)


def never() -> None:
    """Do not look at all; for a command that ends within a second, and frees everything by ending."""
    gc.disable()


def settled() -> None:
    """Never look again at what is loaded by now; for a process that stays."""
    gc.collect()
    gc.freeze()
