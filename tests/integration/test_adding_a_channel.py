"""ADDING_A_CHANNEL.md is followed to the letter: its commands, in order, outside the repository, offline."""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.unit.test_docs import ROOT, agrees, blocks, steps

PAGE = ROOT / "ADDING_A_CHANNEL.md"
NEXT = "── next command ──"


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment of Python's own with Beforehand in it, and no way to the network for pip."""
    folder = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "beforehand.pth").write_text(f"{ROOT}\n{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
    command = folder / "bin" / "beforehand"
    command.write_text(
        f"#!{folder}/bin/python\nimport sys\nfrom orchestrator.cli import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BEFOREHAND", "PYTHON", "PIP"))
    }
    return {
        **kept,
        "PATH": f"{folder}/bin{os.pathsep}{kept['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path),
    }


def test_the_page_about_adding_a_channel_can_be_followed_to_the_letter(
    tmp_path: Path, machine: dict[str, str]
) -> None:
    """One shell types it all; what each command prints is what the page shows."""
    script, expected = ["set -e"], []
    for block in blocks(PAGE):
        if block.file:
            script.append(f"printf %s {shlex.quote(block.text)} > {shlex.quote(block.file)}")
        elif block.info == "console":
            for command, shown in steps(block):
                expected.append((block, command, shown))
                script += [command, f"echo '{NEXT}'"]
    work = tmp_path / "somewhere else"
    work.mkdir()
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=work, env=machine, capture_output=True, text=True, check=False
    )
    printed = done.stdout.split(f"{NEXT}\n")
    assert done.returncode == 0, f"after {len(printed) - 1} commands: {done.stdout[-2000:]}{done.stderr}"
    assert len(printed) == len(expected) + 1
    for (block, command, shown), text in zip(expected, printed, strict=False):
        assert not shown or agrees(shown, text.splitlines()), f"{block}: `{command}` prints\n{text}"
    assert (work / "beforehand-pigeon" / "kept").is_dir()
