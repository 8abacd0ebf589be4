"""The archive of the packages that the container lacks is complete, for its Python, and used only when needed."""

import email
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.job_packages import NAME, ROOT, TAG, WHEELS, archive
from infra.wheels import PLATFORMS, PYTHON

IN_THE_CONTAINER = {"numpy", "pandas", "pyarrow", "pyyaml", "scikit-learn"}
"""Packages of AWS's scikit-learn container 1.9-0, as its build names them."""
LOADED_IN_THE_CONTAINER = {"dateutil", "numpy", "pandas", "pyarrow", "pytz", "six", "yaml"}
"""Names under which these packages and pandas' requirements are imported."""
LINUX = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux", "extra": ""}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    with tarfile.open(WHEELS.built() / NAME) as opened:
        opened.extractall(folder, filter="data")
    return folder


def test_requirements_of_all_packages_are_in_the_archive(unpacked: Path) -> None:
    found = [email.message_from_bytes(path.read_bytes()) for path in unpacked.glob(f"{TAG}/*.dist-info/METADATA")]
    names = {canonicalize_name(str(package["Name"])) for package in found}
    assert "pandera" in names
    required = [Requirement(str(line)) for package in found for line in package.get_all("Requires-Dist", [])]
    needed = {
        canonicalize_name(requirement.name)
        for requirement in required
        if not requirement.marker or requirement.marker.evaluate(LINUX)
    }
    assert needed <= names
    assert not names & IN_THE_CONTAINER, "the container's own packages are not replaced"


def test_compiled_parts_are_for_the_containers_python(unpacked: Path) -> None:
    [folder] = unpacked.iterdir()
    assert folder.name == TAG
    compiled = [path.name for path in unpacked.rglob("*.so")]
    assert compiled
    assert all(re.search(rf"\.cpython-{PYTHON.replace('.', '')}-x86_64-linux-gnu\.so$", name) for name in compiled)
    tags = [path.read_text() for path in unpacked.rglob("*.dist-info/WHEEL")]
    assert all("py3-none-any" in tag or f"{TAG}-{TAG}-manylinux" in tag for tag in tags)
    assert all("x86_64" in platform for platform in PLATFORMS)


def test_validation_loads_only_packages_of_the_container_or_the_archive(unpacked: Path) -> None:
    """This machine's Python runs it, which has the same version of pandera."""
    archived = {path.name.partition(".")[0] for path in (unpacked / TAG).iterdir()}
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {sorted({"pipelines", *archived, *LOADED_IN_THE_CONTAINER, *sys.stdlib_module_names})!r}:
            if not top.startswith("_"):
                raise ModuleNotFoundError(f"no module named {{name}}", name=name)
sys.meta_path.insert(0, Absent())
import pipelines.jobs.validation.check, pipelines.jobs.validation.split
assert {{"pandera", "pydantic", "pydantic_core", "typing_inspect"}} <= set(sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def runs(python: str | Path) -> bool:
    return subprocess.run([python, "-V"], capture_output=True, check=False).returncode == 0


def test_packages_import_in_a_python_that_has_nothing_else(unpacked: Path) -> None:
    named = [shutil.which(f"python{PYTHON}"), *Path.home().glob(f".pyenv/versions/{PYTHON}*/bin/python")]
    # A version manager's shim of a Python that is not selected is found too, and does not run.
    works = [str(python) for python in named if python and runs(python)]
    if not works:
        # CI must have it: a container that cannot import the packages would be found there only.
        assert not os.environ.get("CI"), f"install Python {PYTHON}: the packages are imported in it"
        pytest.skip(f"no Python {PYTHON} on this machine; the tests above check tags, requirements and imports")
    # pandera's import needs pandas, so its requirements are imported and its own files are compiled.
    program = f"""
import compileall, sys
sys.path.insert(0, {str(unpacked / TAG)!r})
import annotated_types, mypy_extensions, packaging.version, typeguard, typing_extensions, typing_inspect
from pydantic import BaseModel
assert BaseModel.__module__ == "pydantic.main"
assert all(getattr(m, "__file__", None) is None or "site-packages" not in m.__file__ for m in sys.modules.values())
assert compileall.compile_dir({str(unpacked / TAG / "pandera")!r}, quiet=1)
"""
    ran = subprocess.run([works[0], "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_laptop_and_container_have_the_same_pandera() -> None:
    locks = [(ROOT / name).read_text() for name in ("requirements.lock", "requirements-jobs.lock")]
    versions = [re.findall(r"^pandera==(\S+)", lock, flags=re.MULTILINE) for lock in locks]
    assert versions[0] == versions[1]
    assert len(versions[0]) == 1


def test_archive_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("first", "second"):
        package = tmp_path / name / "a-1.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text("Name: a")
        (package / "RECORD").write_text(name)
        (tmp_path / name / "bin").mkdir()
        (tmp_path / name / "bin" / "tool").write_text(name)
    made = archive(tmp_path / "first")
    assert made == archive(tmp_path / "second")
    with tarfile.open(fileobj=io.BytesIO(made)) as opened:
        assert opened.getnames() == [f"{TAG}/a-1.dist-info/METADATA"]


def provide(folder: Path) -> subprocess.CompletedProcess[str]:
    """Call ``packages.provide`` in a Python without any package, and import pandera."""
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from pipelines.jobs.steps.packages import provide
provide(Path({str(folder)!r}))
import pandera
print(pandera.__file__)
"""
    return subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)


def pack(folder: Path, tag: str) -> None:
    content = b"VERSION = 'archived'"
    with tarfile.open(folder / "packages.tar.gz", "w:gz") as opened:
        entry = tarfile.TarInfo(f"{tag}/pandera/__init__.py")
        entry.size = len(content)
        opened.addfile(entry, io.BytesIO(content))


def test_a_job_takes_the_packages_of_its_python(tmp_path: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    pack(tmp_path, tag)
    ran = provide(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"/{tag}/pandera/__init__.py" in ran.stdout


@pytest.mark.parametrize("tag", ["cp27", None])
def test_a_job_without_packages_for_its_python_says_so(tmp_path: Path, tag: str | None) -> None:
    if tag:
        pack(tmp_path, tag)
    ran = provide(tmp_path)
    assert ran.returncode != 0
    assert (
        f"PackagesMissingError: pandera is not installed, and the archives in {tmp_path} hold {tag or 'nothing'}"
        in (ran.stderr)
    )
