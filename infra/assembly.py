"""Joins the cloud assemblies of parts into one, as if one app had synthesized them together.

Each template has an output with its own digest. CloudFormation lists the outputs of deployed stacks in pages, and
changes one in a completed deployment only, so ``mooring deploy`` sees there which templates differ.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ASSET = "asset."
"""Beginning of the names of files and folders that are named by their content."""
MANIFEST, TREE, VALIDATION = "manifest.json", "tree.json", "validation-report.json"
DIGEST = "TemplateDigest"
"""Name of the output with a template's digest. Unlike a description, CloudFormation changes an output by itself."""
LAST = ("Tree", "aws-cdk-lib/feature-flag-report")
"""Entries that every assembly has, after its stacks."""


def sign(folder: Path) -> None:
    """Add the digest of each template of an assembly to its outputs."""
    manifest = (folder / MANIFEST).read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.template.json")):
        content = path.read_bytes()
        template = json.loads(content)
        before = hashlib.sha256(content).hexdigest()
        template.setdefault("Outputs", {})[DIGEST] = {"Value": before}
        signed = json.dumps(template, indent=1, ensure_ascii=False)
        path.write_text(signed, encoding="utf-8")
        # The CDK names the uploaded template by its own digest.
        after = hashlib.sha256(signed.encode()).hexdigest()
        assets = folder / path.name.replace(".template.", ".assets.")
        assets.write_text(assets.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
        manifest = manifest.replace(before, after)
    (folder / MANIFEST).write_text(manifest, encoding="utf-8")


def write_joined(parts: Iterable[Mapping[str, bytes]], outdir: Path) -> None:
    """Write one assembly of the files of parts, which are given by their paths; assets are not among them.

    An environment's shared part comes before its slots: a stack that several parts have is the one of the first.
    """
    joined: dict[str, Any] = {}
    written: set[str] = set()
    for files in parts:
        for path, content in files.items():
            if path in (MANIFEST, TREE, VALIDATION):
                _join(joined, path, json.loads(content))
            elif path not in written:
                target = outdir / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                written.add(path)
    for path, document in joined.items():
        # Bytes as the CDK writes them: the tree in one line, the others indented.
        style: dict[str, Any] = {"separators": (",", ":")} if path == TREE else {"indent": 2}
        (outdir / path).write_text(json.dumps(document, ensure_ascii=False, **style), encoding="utf-8")


def _join(joined: dict[str, Any], path: str, document: dict[str, Any]) -> None:
    known = joined.setdefault(path, document)
    if known is document:
        return
    if path == VALIDATION:
        known["pluginReports"] += document["pluginReports"]
    elif path == MANIFEST:
        _add(known["artifacts"], document["artifacts"])
    else:
        _add(known["tree"]["children"], document["tree"]["children"])


def _add(known: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        known.setdefault(name, value)
    for name in LAST:
        if name in known:
            known[name] = known.pop(name)
