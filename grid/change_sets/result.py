"""The result of an applied change set, stored with it and read by its undo."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True)


class ChangedArea(_Stored):
    """An area that began or ended."""

    id: int
    code: str
    name: str


class NextVersion(_Stored):
    """An area that went on in a new version."""

    old_id: int
    id: int
    kind: str
    code: str


class EndedGrid(ChangedArea):
    """A responsibility or evaluation grid of which nothing was left."""

    kind: str


class ChangeResult(_Stored):
    """The areas that an applied change set ended and began.

    Attributes
    ----------
    created, voided : list of ChangedArea
        Unit grids that began and ended.
    versions : list of NextVersion
    ended : list of EndedGrid
    again : list of ChangedArea
        Responsibility and evaluation grids that began again by an undo.
    noded, new_codes, voided_codes : list of str
        Codes, for people.
    """

    created: list[ChangedArea] = []
    voided: list[ChangedArea] = []
    versions: list[NextVersion] = []
    ended: list[EndedGrid] = []
    again: list[ChangedArea] = []
    noded: list[str] = []
    new_codes: list[str] = []
    voided_codes: list[str] = []

    @property
    def begun_ids(self) -> list[int]:
        """Ids of the areas that began; some may have ended since."""
        begun = [one.id for one in self.created] + [one.id for one in self.versions]
        return begun + [one.id for one in self.again]
