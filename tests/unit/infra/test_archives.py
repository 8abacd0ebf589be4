"""Archives of files: complete or absent, and only the last used ones are kept."""

import os
from pathlib import Path

import pytest

from infra.archives import Archives


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "program.sh").write_text("exit")
    (tmp_path / "folder" / "program.sh").chmod(0o755)
    return Archives(tmp_path / "archives")


def test_files_come_back_with_their_content_and_mode(archives: Archives, tmp_path: Path) -> None:
    archives.write("one", {"renamed": tmp_path / "folder"})
    found = archives.read("one")
    assert found is not None
    found.extractall(tmp_path / "out", filter="data")
    program = tmp_path / "out" / "renamed" / "program.sh"
    assert (program.read_text(), program.stat().st_mode & 0o777) == ("exit", 0o755)


@pytest.mark.parametrize("kept", [0, 31, 500])
def test_a_damaged_archive_is_absent_and_can_be_written_again(archives: Archives, tmp_path: Path, kept: int) -> None:
    archives.write("one", {"folder": tmp_path / "folder"})
    stored = tmp_path / "archives" / "one"
    stored.write_bytes(stored.read_bytes()[:kept])
    assert archives.read("one") is None
    assert not stored.exists()
    archives.write("one", {"folder": tmp_path / "folder"})
    assert archives.read("one") is not None


def test_an_unknown_archive_is_absent(archives: Archives) -> None:
    assert archives.read("unknown") is None


def test_the_last_used_archives_are_kept(archives: Archives, tmp_path: Path) -> None:
    for number in range(4):
        archives.write(str(number), {"folder": tmp_path / "folder"})
        os.utime(tmp_path / "archives" / str(number), (number, number))
    assert archives.read("0") is not None
    archives.prune(kept=2)
    assert sorted(path.name for path in (tmp_path / "archives").iterdir()) == ["0", "3"]
