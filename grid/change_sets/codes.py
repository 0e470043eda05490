"""Codes of new areas: the next number of their parent, never used before and promised to nobody else.

A change set that was approved for a later day has its new codes promised: others are given further ones, and it gets
its own when its day comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grid.errors import EditConflict, GridError
from layers.codes import GridProfile, next_grid_codes
from layers.errors import CodeOverflow
from layers.records import area_code_fault
from layers.tables import Area, ChangeSet


@dataclass
class Codes:
    """Gives codes that were never used, parent by parent, within one plan.

    Parameters
    ----------
    db : Session
    profile : GridProfile
        How this installation codes its unit grids.
    change_set_id : int or None
        The change set that the plan is for: codes promised to it are its own.
    least_kept : float or None
        Unit grids whose borders are only corrected keep their codes when they keep this share of their land; None:
        every changed unit grid gets a new code.
    """

    db: Session
    profile: GridProfile
    change_set_id: int | None = None
    least_kept: float | None = None
    _used: dict[str, list[str]] = field(default_factory=dict, init=False)
    _taken: set[tuple[str, str]] = field(default_factory=set, init=False)
    _promised: dict[str, int] | None = field(default=None, init=False)

    def promised(self) -> dict[str, int]:
        """Return the codes that approved change sets get on a later day, each with the id of the change set."""
        if self._promised is None:
            rows = self.db.execute(
                select(ChangeSet.id, ChangeSet.preview["new_codes"]).where(ChangeSet.status == "approved")
            )
            self._promised = {code: row_id for row_id, codes in rows for code in codes or ()}
        return self._promised

    def _of_others(self) -> set[str]:
        return {code for code, row_id in self.promised().items() if row_id != self.change_set_id}

    def _own(self, prefix: str, length: int) -> list[str]:
        """Return the codes promised to the change set of this plan, in their order."""
        own = [code for code, row_id in self.promised().items() if row_id == self.change_set_id]
        return [code for code in own if code.startswith(prefix) and len(code) == length]

    def take(self, kind: str, code: str) -> None:
        """Reserve a code in the plan for an area that gets another parent."""
        self._taken.add((kind, code))

    def _taken_under(self, kind: str, parent_code: str) -> list[str]:
        return sorted(code for of, code in self._taken if of == kind and code.startswith(parent_code))

    def of_units(
        self, community_id: int, community_code: str, count: int, like: str
    ) -> list[tuple[str, str]]:
        """Return the next codes of unit grids of a community, with the names of their zones.

        Parameters
        ----------
        like : str
            Code of a zone that they follow: they get its kind digits, where the profile has such.

        Raises
        ------
        GridError
            No numbers are left.
        """
        if community_code not in self._used:
            ever = select(Area.code).where(
                Area.kind == "unit_grid",
                or_(Area.parent_id == community_id, Area.code.startswith(community_code, autoescape=True)),
            )
            self._used[community_code] = list(self.db.scalars(ever))
        used, profile = self._used[community_code], self.profile
        used += [code for code in self._taken_under("unit_grid", community_code) if code not in used]
        used += [code for code in self._of_others() if code.startswith(community_code) and code not in used]
        kind = like[profile.parent_digits : profile.parent_digits + profile.kind_digits]
        own = [code for code in self._own(community_code + kind, profile.length) if code not in used][:count]
        used += own
        try:
            fresh = own + next_grid_codes(community_code, used, count - len(own), profile=profile, kind=kind)
        except CodeOverflow as error:
            raise GridError(str(error), f"社区 {community_code} 的网格顺序码已满") from error
        used += fresh[len(own) :]
        return [(new, f"第{int(new[-profile.sequence_digits :])}网格") for new in fresh]

    def of_larger(self, kind: str, parent_code: str, old_code: str, given: str | None) -> str:
        """Return the code of a community or town under another parent.

        It is the given code, else the own last digits, else the next free code.

        Raises
        ------
        GridError
            A given code of the wrong form or under another parent, or no code is left.
        EditConflict
            A given code that was in use before.
        """
        ever = set(
            self.db.scalars(
                select(Area.code).where(Area.kind == kind, Area.code.startswith(parent_code, autoescape=True))
            )
        )
        ever.update(self._taken_under(kind, parent_code))
        ever.update(self._of_others())
        if given is not None:
            fault = area_code_fault(given, kind) or ("" if given.startswith(parent_code) else "other parent")
            if fault:
                raise GridError(f"code {given!r}: {fault}", f"编码 {given} 无效：{fault}")
            if given in self._of_others():
                promised_to = self.promised()[given]
                raise EditConflict(
                    f"code {given} is promised to change set {promised_to}, approved for a later day",
                    f"编码 {given} 已预留给变更 {promised_to}（已批准，待生效）",
                    [given],
                )
            if given in ever:
                raise EditConflict(f"code {given} was used before", f"编码 {given} 已被使用过", [given])
            return given
        own = old_code[-3:]
        first, last = (int(own[0]) * 100, int(own[0]) * 100 + 99)
        tries = [own, *(f"{number:03d}" for number in range(max(first, 1), last + 1))]
        for number in tries:
            code = parent_code + number
            if code not in ever and area_code_fault(code, kind) is None:
                return code
        raise GridError(f"no code is left for a {kind} under {parent_code}", f"{parent_code} 下没有可用编码")
