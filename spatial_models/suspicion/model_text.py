"""Text of a model file: read, checked field by field, and each fault told with its line, in Chinese and English."""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from layers.codes.toml_text import Path, line_of, told_fault, written_path
from spatial_models.errors import ModelFault, WrongModelFile
from spatial_models.signal_rows import SignalKind
from spatial_models.suspicion.model_file import Model

_OF_FENCES = ("fence_media", "fence_rules", "fence_words")
_OF_SITES = ("statuses", "site_kinds", "hazards", "lacks_licence", "holds_licence", "counties_apart")
_AT_LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class Catalogue:
    """Signals that the code can make, and the parameters that a model may set.

    Attributes
    ----------
    signals : mapping of str to SignalKind
    parameters : mapping of str to collection of str
        Names of parameters by room.
    """

    signals: Mapping[str, SignalKind] = field(default_factory=dict)
    parameters: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_model(text: str, catalogue: Catalogue, *, source: str = "model") -> Model:
    r"""Read the text of a model file.

    Parameters
    ----------
    text : str
        TOML, as docs/models.md says.
    catalogue : Catalogue
        What the file may name.
    source : str
        Name of the file, for the message.

    Raises
    ------
    WrongModelFile

    Examples
    --------
    >>> try:
    ...     read_model('format = 1\ncolour = "red"', Catalogue())
    ... except WrongModelFile as error:
    ...     print([(fault.line, fault.where) for fault in error.faults if fault.where == "colour"])
    [(2, 'colour')]
    >>> try:
    ...     read_model("", Catalogue())
    ... except WrongModelFile as error:
    ...     print(error.faults[0].reason_en)
    Field required
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise WrongModelFile(source, [ModelFault(line, "", "不是有效的 TOML", str(error))]) from error
    try:
        model = Model.model_validate(document)
    except ValidationError as error:
        faults = [_fault(text, *told_fault(one)) for one in error.errors()]
        raise WrongModelFile(source, faults) from error
    if faults := [_fault(text, *told) for told in _cross_faults(model, catalogue)]:
        raise WrongModelFile(source, faults)
    return model


def _fault(text: str, path: Path, reason_zh: str, reason_en: str) -> ModelFault:
    return ModelFault(line_of(text, path), written_path(path) or "format", reason_zh, reason_en)


def _cross_faults(model: Model, catalogue: Catalogue) -> Iterator[tuple[Path, str, str]]:
    """Find what one field says against another, or against what the code can do."""
    levels = model.levels
    if not levels.attention < levels.warning < levels.high:
        yield ("levels",), "应有 attention < warning < high", "must be attention < warning < high"
    for kind, shares in model.notices.items():
        for family in shares.keys() - model.families.keys():
            yield ("notices", kind, family), *_unknown(family, model.families, "证据类别", "family")
    for status in model.prior.by_status.keys() - set(model.population.statuses):
        yield ("prior", "by_status", status), "不在 population.statuses 中", "is not in population.statuses"
    asked = model.population
    for name in _OF_SITES if asked.subject == "fence" else _OF_FENCES:
        if name in asked.model_fields_set:
            yield (
                ("population", name),
                f"不适用于对象 {asked.subject}",
                f"is not for the subject {asked.subject}",
            )
    if levels.least_families > len(model.families):
        yield (
            ("levels", "least_families"),
            f"多于证据类别数（{len(model.families)}）",
            f"more than there are families ({len(model.families)})",
        )
    seen: set[str] = set()
    for n, signal in enumerate(model.signals):
        yield from (
            (("signals", n, name), zh, en)
            for name, zh, en in _faults_of_signal(signal, model, catalogue, seen)
        )
        seen.add(signal.signal)
    for family in model.families.keys() - {signal.family for signal in model.signals}:
        yield ("families", family), "没有信号属于该类别", "no signal is of this family"
    yield from _faults_of_parameters(model, catalogue)


def _faults_of_signal(
    signal: Any, model: Model, catalogue: Catalogue, seen: set[str]
) -> Iterator[tuple[str, str, str]]:
    if signal.signal in seen:
        yield "signal", "信号重复", "is named twice"
    if signal.family not in model.families:
        yield "family", *_unknown(signal.family, model.families, "证据类别", "family")
    kind = catalogue.signals.get(signal.signal)
    values = [value for value, _ in signal.points]
    if any(later <= earlier for earlier, later in itertools.pairwise(values)):
        yield "points", "取值应递增", "values must increase"
    if kind is None:
        yield "signal", *_unknown(signal.signal, catalogue.signals, "信号", "signal")
        return
    if kind.subject != model.population.subject:
        yield "signal", f"该信号以 {kind.subject} 为对象", f"the signal is of a {kind.subject}"
    if kind.family != signal.family:
        yield "family", f"该信号属于 {kind.family}", f"the signal is of the family {kind.family}"
    if not all(kind.low <= value <= kind.high for value in values):
        yield (
            "points",
            f"取值范围为 {kind.low:g} 至 {kind.high:g}（{kind.unit}）",
            f"values of the signal are between {kind.low:g} and {kind.high:g} ({kind.unit})",
        )


def _faults_of_parameters(model: Model, catalogue: Catalogue) -> Iterator[tuple[Path, str, str]]:
    for room, values in model.parameters.items():
        if room not in catalogue.parameters:
            yield ("parameters", room), *_unknown(room, catalogue.parameters, "参数组", "room")
            continue
        for name in values.keys() - catalogue.parameters[room]:
            yield ("parameters", room, name), *_unknown(name, catalogue.parameters[room], "参数", "parameter")


def _unknown(name: str, known: Iterable[str], zh: str, en: str) -> tuple[str, str]:
    """Return the reason for a name that is not known, with the nearest known one."""
    near = difflib.get_close_matches(name, list(known), 1)
    hint_zh = f"，是否为 {near[0]}？" if near else ""
    hint_en = f", did you mean {near[0]}?" if near else ""
    return f"未知{zh} {name}{hint_zh}", f"unknown {en} {name}{hint_en}"
