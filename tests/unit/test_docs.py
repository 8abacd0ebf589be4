"""What the docs refer to exists: tests by their names, pages and headings by their links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def anchor(heading: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)}


def test_tests_that_the_docs_name_exist() -> None:
    absent = [
        f"{page.relative_to(ROOT)}: {path}::{name}"
        for page in PAGES
        for path, name in re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text())
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text())
    ]
    assert absent == []


def test_links_of_the_docs_lead_to_pages_and_headings() -> None:
    broken = []
    for page in PAGES:
        for target, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
            found = (page.parent / target) if target else page
            if not found.exists() or (heading and heading not in headings(found)):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{heading}")
    assert broken == []
