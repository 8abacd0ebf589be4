"""HTML: a page that needs no network and runs no script, and its tables."""

from collections.abc import Iterable, Sequence

from pipelines.pages.markup import Markup, element
from pipelines.pages.palette import DARK, LIGHT

STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT.to_css()} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK.to_css()} }} }}
* {{ box-sizing: border-box; }}
body {{ font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1120px;
  margin: 2rem auto; padding: 0 1.2rem; font-variant-numeric: tabular-nums; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .3rem; }} h2 {{ font-size: 1.1rem; margin: 2.2rem 0 .6rem; }} p {{ margin: 0; }}
svg {{ display: block; max-width: 100%; height: auto; }} svg text {{ fill: var(--ink); }}
table {{ border-collapse: collapse; }} td, th {{ text-align: right; }}
.note {{ color: var(--soft); font-size: .85rem; }}
"""


def document(title: str, *body: Markup, style: str) -> str:
    """Return the text of a page, whose security policy lets it load nothing.

    ``style`` is CSS that follows the style of all pages; it must not hold data.
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"{element('title', title)}<style>{STYLE}{style}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head>{element("body", *body)}</html>'


def table(head: Iterable[str], rows: Iterable[Markup], *, class_: str | None = None) -> Markup:
    """Return a table of rows that ``row`` made, below its head."""
    return element("table", element("tr", *(element("th", name) for name in head)), *rows, class_=class_)


def row(cells: Sequence[str], *, class_: str | None = None) -> Markup:
    return element("tr", *(element("td", cell) for cell in cells), class_=class_)
