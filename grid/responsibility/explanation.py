"""Steps of an explanation: the rule, the choice and the alternatives."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Step:
    """One step of an explanation, for people.

    Attributes
    ----------
    step, rule : str
        What is explained, and the rule that decided it.
    zh, en : str
    chosen : str, list of str or None
    not_chosen : list of str
    """

    step: str
    rule: str
    zh: str
    en: str
    chosen: str | list[str] | None = None
    not_chosen: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the step as JSON data."""
        return asdict(self)
