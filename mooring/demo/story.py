"""Prints the demo: chapters, progress, checked claims, and a closing table of figures."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from mooring.errors import MooringError


class ClaimError(MooringError):
    """A claim of the story does not hold."""


class Story:
    """Printer of chapters and claims; the first claim that does not hold ends the story."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._begun = time.monotonic()
        self._chapters: list[tuple[str, str, float]] = []
        self._claims = 0

    @contextmanager
    def chapter(self, title: str) -> Iterator[dict[str, str]]:
        """Print one chapter; the caller puts the figures for the closing table into the yielded mapping."""
        self.console.print(f"\n[bold]{len(self._chapters) + 1}. {title}[/bold]")
        begun, figures = time.monotonic(), dict[str, str]()
        yield figures
        text = ", ".join(f"{name} {value}" if value else name for name, value in figures.items())
        self._chapters.append((title, text, time.monotonic() - begun))

    def say(self, text: str) -> None:
        self.console.print(f"   [dim]{self._clock()}[/dim]  {text}", highlight=False, soft_wrap=True)

    @contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """Show that a long step runs: by a spinner on a terminal, by a line elsewhere."""
        if self.console.is_terminal:
            with self.console.status(f"   {text}"):
                yield
        else:
            self.say(f"{text} …")
            yield

    def claim(self, text: str, holds: bool, *, otherwise: str) -> None:
        """Print a claim if it holds, else raise ``ClaimError``; ``otherwise`` is what was found instead."""
        if not holds:
            raise ClaimError(
                f"this claim does not hold: {text}. Found: {otherwise}", remedy="read the server's log named above"
            )
        self._claims += 1
        self.console.print(f"   [dim]{self._clock()}[/dim]  [green]✓[/green] {text}", highlight=False, soft_wrap=True)

    def end(self, next_steps: Mapping[str, str]) -> None:
        table = Table(title="Summary", title_justify="left", title_style="bold", expand=False)
        table.add_column("chapter")
        table.add_column("figures", overflow="fold")
        table.add_column("s", justify="right")
        for title, figures, seconds in self._chapters:
            table.add_row(title, figures, f"{seconds:.0f}")
        self.console.print()
        self.console.print(table)
        took = time.monotonic() - self._begun
        self.console.print(f"\n{self._claims} claims checked through AWS APIs, all hold, in {took:.0f} s. Next:")
        for what, how in next_steps.items():
            self.console.print(f"  {what:<34} {how}", highlight=False, soft_wrap=True)

    def _clock(self) -> str:
        return f"{time.monotonic() - self._begun:5.0f} s"
