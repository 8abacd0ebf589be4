"""Makes another release out of a synthesized assembly: every asset has another hash, endpoints another setting."""

import hashlib
import json
import re
import shutil
from pathlib import Path

HASH = re.compile(r"\b[0-9a-f]{64}\b")


def next_release(assembly: Path, folder: Path) -> Path:
    """Return a copy of ``assembly`` as a release with changed code would be.

    Functions, layer and source have new names, so that all are replaced; a change of the captured share changes each
    endpoint's config.
    """
    shutil.copytree(assembly, folder, copy_function=_link)
    for path in sorted(folder.glob("*.json")):
        text = path.read_text()
        changed = HASH.sub(lambda found: _renamed(found.group()), text)
        if path.name.endswith(".template.json"):
            changed = changed.replace('"InitialSamplingPercentage": 100', '"InitialSamplingPercentage": 99')
        path.unlink()
        path.write_text(changed)
        json.loads(changed)
    for path in sorted(folder.glob("asset.*")):
        renamed = path.with_name(HASH.sub(lambda found: _renamed(found.group()), path.name))
        if not renamed.exists():
            path.rename(renamed)
    return folder


def _renamed(digest: str) -> str:
    return hashlib.sha256(f"next {digest}".encode()).hexdigest()


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
