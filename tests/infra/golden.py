"""The golden templates: what the example fleet becomes, asset hashes masked. ``make golden`` writes them anew."""

import os
from pathlib import Path

from tests.support.synth import example_templates, masked

FOLDER = Path(__file__).parent / "golden"


def current() -> dict[str, str]:
    """File name -> content. One environment of each team: the others differ in names and in what prod demands."""
    kept = ("arrivals-dev", "network-prod")
    return {f"{name}.json": masked(template) for name, template in example_templates().items() if name.startswith(kept)}


def main() -> None:
    os.environ["CDK_VALIDATION"] = "false"
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.json"):
        stale.unlink()
    files = current()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(files)} golden templates in {FOLDER.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
