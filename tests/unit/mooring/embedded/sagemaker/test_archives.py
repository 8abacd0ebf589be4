"""Safe and unsafe archives."""

import io
import tarfile
from pathlib import Path

import pytest

from mooring.embedded.sagemaker.archives import UnsafeArchiveError, pack, unpack


def _archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 1) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size if kind == tarfile.REGTYPE else 0
    member.linkname = "elsewhere"
    return member


@pytest.mark.parametrize(
    "member",
    [
        _member("../out"),
        _member("/etc/out"),
        _member("link", tarfile.SYMTYPE),
        _member("hard", tarfile.LNKTYPE),
        _member("null", tarfile.CHRTYPE),
        _member("pipe", tarfile.FIFOTYPE),
    ],
)
def test_rejects_unsafe_members(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(UnsafeArchiveError):
        unpack(_archive(tmp_path / "a.tar.gz", member), tmp_path / "out")
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_rejects_too_many_files_too_many_bytes_and_duplicates(tmp_path: Path) -> None:
    many = _archive(tmp_path / "many.tar.gz", *(_member(str(number)) for number in range(5)))
    with pytest.raises(UnsafeArchiveError, match="more than 4 files"):
        unpack(many, tmp_path / "many", max_members=4)
    large = _archive(tmp_path / "large.tar.gz", _member("a", size=100))
    with pytest.raises(UnsafeArchiveError, match="99 bytes"):
        unpack(large, tmp_path / "large", max_bytes=99)
    twice = _archive(tmp_path / "twice.tar.gz", _member("a"), _member("a"))
    with pytest.raises(UnsafeArchiveError, match="holds a twice"):
        unpack(twice, tmp_path / "twice")


def test_rejects_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "no.tar.gz").write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(UnsafeArchiveError, match="cannot be unpacked"):
        unpack(tmp_path / "no.tar.gz", tmp_path / "out")


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name, order in {"one": "ab", "two": "ba"}.items():
        for letter in order:
            (tmp_path / name / letter).mkdir(parents=True)
            (tmp_path / name / letter / "file").write_text(letter)
        pack(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    unpack(tmp_path / "one.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "a" / "file").read_text() == "a"
