"""The name of a worker, new each time one starts: it says in which process, so that others see its end.

Names of hosts and numbers of processes come again. The boot of a machine, its space of process numbers, a
number and the moment when that process began do not, together. Where a machine does not tell, nobody can say.
"""

import os
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

_BOOT = Path("/proc/sys/kernel/random/boot_id")  # proc(5)
_SPACE = Path("/proc/self/ns/pid")  # another one in each container: pid_namespaces(7)
_OVER = frozenset("ZX")  # states of a process of which nothing runs any more
_KEY_BITS = 63


def named(pid: int = 0) -> str:
    """Name a worker of this process, or of another one on this machine."""
    pid = pid or os.getpid()
    _, began = _state(pid)
    return f"{uuid4()}@{_here()}/{pid}/{began}"


def key_of(worker: str) -> int | None:
    """Which lock shows that it lives; ``None`` for a name of before there were such locks."""
    name, _, where = worker.partition("@")
    return UUID(name).int >> (128 - _KEY_BITS) if where else None


def runs(worker: str) -> bool | None:
    """Does its process run, on this machine? ``None`` if that cannot be told from here."""
    home, pid, began = [*worker.partition("@")[2].rsplit("/", 2), "", ""][:3]
    if not began or not home or home != _here():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's, and there
    state, since = _state(int(pid))
    if not since:
        return None  # it ended just now, or is hidden from us
    return since == began and state not in _OVER


@cache
def _here() -> str:
    """Name this boot of this machine and its space of process numbers; "" if it does not tell."""
    try:
        return f"{_BOOT.read_text().strip()}/{_SPACE.stat().st_ino}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, str]:
    """The state of a process, and when it began, in ticks since the boot; "" where that is not told."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[0], fields[19]
