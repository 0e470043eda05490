"""Commands that are imported when somebody calls them: a command pays for what it uses, and for no other one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from geo_api.http.start_up import without_collection

if TYPE_CHECKING:
    from typer._click import Context


@dataclass(frozen=True)
class Entry:
    """Name of a command or a group, the place of its code, and its line in the list of commands."""

    name: str
    place: str
    """``module:function`` of a command, ``module:app`` of a group."""
    help: str


class CommandOnDemand(TyperCommand):
    """Command of which the name and one line are known; the rest is imported when it is called."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.help)
        self._entry = entry

    def loaded(self) -> Any:
        """Import the command or the group itself."""
        module, _, name = self._entry.place.partition(":")
        with without_collection():
            code = getattr(import_module(module), name)
        app = typer.Typer(add_completion=False, rich_markup_mode=self.rich_markup_mode)
        app.callback()(_nothing)  # otherwise an app of one command is that command
        if isinstance(code, typer.Typer):
            app.add_typer(code, name=self._entry.name, help=self._entry.help)
        else:
            app.command(self._entry.name)(code)
        return get_command(app).commands[self._entry.name]  # type: ignore[attr-defined]

    def make_context(self, *args: Any, **kwargs: Any) -> Context:
        """Begin a call; the context belongs to the imported command."""
        context: Context = self.loaded().make_context(*args, **kwargs)
        return context


def _nothing() -> None:
    pass


class GroupOnDemand(TyperGroup):
    """Group of commands, some of them imported on demand: they follow those that are there."""

    entries: tuple[Entry, ...] = ()

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for entry in self.entries:
            self.add_command(CommandOnDemand(entry))
