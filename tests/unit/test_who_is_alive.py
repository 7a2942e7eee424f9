"""Who is dead to others: by its sign in the ledger, and by its process on this machine."""

import os
import subprocess

import pytest

from orchestrator.ledger.workers import key_of, named, runs
from orchestrator.sending.deaths import Is, judged


@pytest.mark.parametrize(
    ("shown", "process", "alone", "found"),
    [
        (True, False, False, Is.ALIVE),  # a number that somebody else's space of processes has not
        (True, None, False, Is.ALIVE),
        (False, False, False, Is.DEAD),
        (False, True, False, Is.SILENT),
        (False, None, False, Is.SILENT),
        (None, False, False, Is.DEAD),
        (None, True, False, Is.ALIVE),
        (None, None, False, Is.ALIVE),
        (None, False, True, Is.DEAD),
        (None, None, True, Is.DEAD),
        (None, True, True, Is.ALIVE),
    ],
)
def test_who_shows_no_sign_is_dead_only_if_its_process_is_known_to_be_gone(
    shown: bool | None, process: bool | None, *, alone: bool, found: Is
) -> None:
    assert judged(shown, process, alone=alone) is found


def test_a_worker_is_known_by_boot_space_number_and_beginning_of_its_process() -> None:
    mine = named()
    who, _, where = mine.partition("@")
    boot, space, pid, began = where.split("/")
    assert int(pid) == os.getpid()
    assert runs(mine) is True
    assert runs(f"{who}@{boot}/{space}/{pid}/{int(began) + 1}") is False  # its number came again
    assert runs(f"{who}@{boot}/0/{pid}/{began}") is None  # in another container
    assert runs(f"{who}@another-boot/{space}/{pid}/{began}") is None
    assert runs(who) is None  # of before names said more
    assert runs("handed over") is None


def test_a_process_that_ended_is_gone_also_before_anybody_buried_it() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        worker = named(process.pid)
        assert runs(worker) is True
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is there still, as a zombie
        assert runs(worker) is False
    assert runs(worker) is False


def test_every_worker_has_a_lock_of_its_own_that_a_server_can_name() -> None:
    keys = {key_of(named()) for _ in range(100)}
    assert len(keys) == 100
    assert all(key is not None and 0 <= key < 1 << 63 for key in keys)
    assert key_of("f1f7ae8a-6c6e-4a51-9f0c-d7d4a8e4a4a1") is None
