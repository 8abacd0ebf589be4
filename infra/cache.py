"""Writes the cloud assembly of environments from finished parts, and synthesizes the others on all processors."""

import json
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path

from infra.archives import Archives
from infra.assembly import ASSET, sign, write_joined
from infra.fleet import FleetEnvironment
from infra.parts import Part, parts_of

ASSETS = "assets"
"""Name of the list of a part's assets, which are archives of their own: many parts share them."""


def write_assembly(
    environments: Sequence[FleetEnvironment],
    outdir: Path,
    *,
    root: Path,
    inputs: str,
    archives: Archives,
    on_line: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the cloud assembly of environments to ``outdir``; ``on_line`` takes lines about what is synthesized.

    A part is synthesized if its key is new. ``inputs`` is the digest of all else that decides the files.
    """
    outdir.mkdir(parents=True, exist_ok=True)
    keys = {part.key(inputs): part for environment in environments for part in parts_of(environment)}
    found = {key: _finished(key, archives, outdir) for key in keys}
    if missing := {key: keys[key] for key, files in found.items() if files is None}:
        _finish_all(missing, root, archives, on_line)
        found |= {key: _finished(key, archives, outdir) for key in missing}
        archives.prune()
    write_joined([_present(files) for files in found.values()], outdir)


def _present(files: dict[str, bytes] | None) -> dict[str, bytes]:
    if files is None:
        raise RuntimeError("an archive of the synthesis was damaged while it was read: synthesize again")
    return files


def _finished(key: str, archives: Archives, outdir: Path) -> dict[str, bytes] | None:
    """Return the files of a part, and place its assets in ``outdir``; None if any of them is missing or damaged."""
    archive = archives.read(key)
    if archive is None:
        return None
    files = {member.name: opened.read() for member in archive if (opened := archive.extractfile(member))}
    return files if all(_place(name, archives, outdir) for name in json.loads(files.pop(ASSETS))) else None


def _place(asset: str, archives: Archives, outdir: Path) -> bool:
    # Like the CDK, trust an asset that is there: its name is the digest of its content.
    if (outdir / asset).exists():
        return True
    archive = archives.read(asset)
    if archive is None:
        return False
    with tempfile.TemporaryDirectory(dir=outdir, prefix=".") as folder:
        archive.extractall(folder, filter="data")
        (Path(folder) / asset).rename(outdir / asset)
    return True


def _finish_all(missing: Mapping[str, Part], root: Path, archives: Archives, on_line: Callable[[str], None]) -> None:
    begun = time.monotonic()
    remaining = Counter(part.environment.names.id for part in missing.values())
    on_line(f"Synthesizing {', '.join(remaining)}")
    workers = min(len(missing), os.cpu_count() or 1)
    # A forked process could not start the CDK's own process safely on every system.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        futures = {pool.submit(_finish, part, key, root, archives): part for key, part in missing.items()}
        try:
            for future in as_completed(futures):
                future.result()
                environment = futures[future].environment.names.id
                remaining[environment] -= 1
                if not remaining[environment]:
                    on_line(f"{environment}: synthesized after {time.monotonic() - begun:.0f} s")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, even if that was killed."""
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _finish(part: Part, key: str, root: Path, archives: Archives) -> None:
    """Synthesize a part, and archive its files and assets."""
    from infra.synthesis import synthesize  # noqa: PLC0415 - the CDK takes seconds to import

    with tempfile.TemporaryDirectory(prefix="mooring-synth-") as temporary:
        folder = Path(temporary)
        synthesize(part, folder, root)
        sign(folder)
        paths = {path.name: path for path in sorted(folder.iterdir())}
        assets = {name: path for name, path in paths.items() if name.startswith(ASSET)}
        for name, path in assets.items():
            if archives.read(name) is None:
                archives.write(name, {name: path})
        (folder / ASSETS).write_text(json.dumps(list(assets)), encoding="utf-8")
        archives.write(key, {ASSETS: folder / ASSETS, **{name: paths[name] for name in paths if name not in assets}})
