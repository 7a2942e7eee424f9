"""`beforehand init`: a starting point that never costs anybody a file."""

from pathlib import Path

import pytest

from orchestrator.cli import main

ROOT = Path(__file__).parents[2]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_starting_point_is_the_settings_rules_and_templates_we_keep_ourselves(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    written = files(tmp_path / "new")
    assert written == {"config.toml"} | {
        f"{name}/{file}" for name in ("rules", "templates") for file in files(ROOT / name)
    }
    assert all((tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes() for name in written)


def test_the_last_words_say_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init", "new"])
    assert capsys.readouterr().out.endswith("files written; next: cd new && beforehand check\n")
    main(["init"])
    assert capsys.readouterr().out.endswith("files written; next: beforehand check\n")


def test_in_a_filled_folder_five_files_are_named_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path)])
    count = len(files(tmp_path))
    capsys.readouterr()
    assert main(["init", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 + 5 + 1
    assert lines[-1] == f"  and {count - 5} more"


@pytest.mark.parametrize("name", ["new", "new/rules", "new/templates/new-car"])
def test_where_a_file_stands_in_the_place_of_a_folder_nothing_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine\n")

    assert main(["init", str(tmp_path / "new")]) == 2
    assert f"{tmp_path / name} is no folder" in capsys.readouterr().err
    assert files(tmp_path) == {name}


def test_what_exists_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    assert main(["init", str(tmp_path)]) == 2
    assert "  config.toml\n" in capsys.readouterr().err
    assert files(tmp_path) == {"config.toml"}
    assert (tmp_path / "config.toml").read_text() == "# mine\n"
