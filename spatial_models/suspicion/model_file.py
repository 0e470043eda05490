"""Model file: which sites a model looks at, what each signal means, and when it raises an alert."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from layers.imports import FENCE_RULES, HAZARDS, LICENCE_KINDS, NOTICE_KINDS, SITE_KINDS, STATUSES

FORMAT = 1
"""Version of the format; a file of another one is refused."""
MOST_LOG_ODDS = 6.0
"""Greatest log-likelihood ratio of a signal or a family: odds of 400 to 1. No reading of a meter says more."""
NAME_PATTERN = r"^[a-z][a-z0-9_]{1,62}$"


def _one_of(values: Sequence[str]) -> Callable[[str], str]:
    """Return a check that a text is one of these codes."""

    def check(value: str) -> str:
        if value not in values:
            listed = ", ".join(values)
            raise PydanticCustomError(
                "not_listed",
                "{value} is not one of {listed}",
                {"value": repr(value), "listed": listed, "zh": f"{value!r} 不在可选值中：{listed}"},
            )
        return value

    return check


def _listed(values: Sequence[str]) -> Any:
    return Field(json_schema_extra={"enum": list(values)})


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
LogOdds = Annotated[float, Field(ge=-MOST_LOG_ODDS, le=MOST_LOG_ODDS, allow_inf_nan=False)]
Point = tuple[Annotated[float, Field(allow_inf_nan=False)], LogOdds]
Status = Annotated[str, AfterValidator(_one_of(STATUSES)), _listed(STATUSES)]
Hazard = Annotated[str, AfterValidator(_one_of(HAZARDS)), _listed(HAZARDS)]
SiteKind = Annotated[str, AfterValidator(_one_of(SITE_KINDS)), _listed(SITE_KINDS)]
Licence = Annotated[str, AfterValidator(_one_of(LICENCE_KINDS)), _listed(LICENCE_KINDS)]
Rule = Annotated[str, AfterValidator(_one_of(FENCE_RULES)), _listed(FENCE_RULES)]
Notice = Annotated[str, AfterValidator(_one_of(NOTICE_KINDS)), _listed(NOTICE_KINDS)]


class Part(BaseModel):
    """A part of a model file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Text(Part):
    """A text that people read, in Chinese and English."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Population(Part):
    """Subjects that the model looks at; what is left out asks nothing.

    The hazard ``none`` is what the register says of an enterprise without a hazard, and of one whose hazard nobody
    entered.
    """

    subject: Annotated[
        Literal["site", "fence"],
        Field(description="What an alert is about: a site, or a fence"),
    ] = "site"
    statuses: Annotated[tuple[Status, ...], Field(min_length=1)] = STATUSES
    site_kinds: Annotated[tuple[SiteKind, ...], Field(min_length=1)] = ("production", "storage")
    hazards: Annotated[tuple[Hazard, ...], Field(min_length=1)] = HAZARDS
    lacks_licence: Annotated[
        Licence | None, Field(description="Only sites without a valid licence of this kind")
    ] = None
    holds_licence: Annotated[
        Licence | None, Field(description="Only sites with a valid licence of this kind")
    ] = None
    counties_apart: Annotated[
        bool, Field(description="Only enterprises whose sites lie in different counties")
    ] = False
    fence_media: Annotated[
        tuple[Literal["land", "water"], ...], Field(min_length=1, description="Of a model about fences")
    ] = ("land", "water")
    fence_rules: Annotated[tuple[Rule, ...], Field(min_length=1)] = FENCE_RULES
    fence_words: Annotated[
        tuple[str, ...],
        Field(
            description="Words of which the name or the legal basis of a fence holds one; empty: any fence"
        ),
    ] = ()


class Prior(Part):
    """Share of the subjects in which the matter holds before any evidence.

    The factors multiply the share; a code or word that is not named has the factor 1. Words of the industry are looked
    for in the text of the register, and the longest that is found counts.
    """

    share: Annotated[float, Field(gt=0.0, lt=0.5)]
    by_status: dict[Status, Annotated[float, Field(gt=0.0, le=10.0)]] = {}
    by_hazard: dict[Hazard, Annotated[float, Field(gt=0.0, le=10.0)]] = {}
    by_industry: dict[str, Annotated[float, Field(gt=0.0, le=10.0)]] = {}

    def log_odds(self, status: str | None, hazard: str | None, industry: str | None = None) -> float:
        """Return the log-odds of a subject before any evidence.

        Examples
        --------
        >>> round(Prior(share=0.02, by_hazard={"none": 0.5}).log_odds("closed", "none"), 2)
        -4.6
        >>> round(Prior(share=0.02).log_odds(None, None), 2)
        -3.89
        """
        factor = self.by_status.get(status or "", 1.0) * self.by_hazard.get(hazard or "", 1.0)
        words = sorted(
            (word for word in self.by_industry if word in (industry or "")), key=lambda w: (-len(w), w)
        )
        factor *= self.by_industry[words[0]] if words else 1.0
        share = min(self.share * factor, 0.5)
        return math.log(share / (1.0 - share))


class Levels(Part):
    """Scores (0 to 1) from which the levels begin, and what a level above 关注 needs."""

    attention: Annotated[float, Field(gt=0.0, lt=1.0)]
    warning: Annotated[float, Field(gt=0.0, lt=1.0)]
    high: Annotated[float, Field(gt=0.0, lt=1.0)]
    least_families: Annotated[
        int, Field(ge=1, le=4, description="Families that must speak for it on their own above 关注")
    ] = 2
    counts_from: Annotated[
        float, Field(gt=0.0, le=MOST_LOG_ODDS, description="Log-odds from which a family speaks on its own")
    ] = 0.7


class Family(Part):
    """A family of correlated signals: their sum is kept between ``lower`` and ``upper``."""

    title: Text
    upper: Annotated[float, Field(gt=0.0, le=MOST_LOG_ODDS)]
    lower: Annotated[float, Field(ge=-MOST_LOG_ODDS, le=0.0)]
    when_missing: Annotated[
        Literal["judge_without", "say_blind"],
        Field(description="Without data of the family: judge by the others, or give no level and say why"),
    ] = "judge_without"
    would_settle: Annotated[Text, Field(description="What to fetch or look at when the family says nothing")]
    would_lower: Annotated[
        tuple[Text, ...], Field(description="Facts that would lower what the family says, beside notices")
    ] = ()


class Signal(Part):
    """A signal with its table from value to log-likelihood ratio.

    Between the points the ratio is linear, beyond them it stays; it is multiplied by the quality of the value. A value
    that is missing, or of a lower quality than ``least_quality``, contributes 0.

    Where the quality is the part of all vehicles that is seen, it makes absence weak, and presence no weaker: then only
    what speaks against is scaled (``scaled = "against"``).
    """

    signal: Name
    family: Name
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    least_quality: Share = 0.0
    scaled: Annotated[
        Literal["always", "against"],
        Field(description="Ratios that are multiplied by the quality of the value"),
    ] = "always"


class Model(Part):
    """A model as its file says it."""

    format: Literal[1]
    name: Name
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}$")]
    title: Text
    about: Text | None = None
    alert_kind: Name
    population: Population
    prior: Prior
    levels: Levels
    families: Annotated[dict[Name, Family], Field(min_length=1)]
    signals: Annotated[tuple[Signal, ...], Field(min_length=1)]
    notices: Annotated[
        dict[Notice, dict[Name, Share]],
        Field(description="Kind of a registered notice → family → share of its evidence that it explains"),
    ] = {}
    parameters: Annotated[
        dict[Name, dict[Name, bool | int | float]],
        Field(
            description="Room of the code that makes signals → parameter → value; others keep their default"
        ),
    ] = {}

    def document(self) -> dict[str, Any]:
        """Return the model as plain values, defaults written out.

        Examples
        --------
        >>> from spatial_models.suspicion import shipped_models
        >>> shipped_models()["illegal_resumption"].document()["population"]["subject"]
        'site'
        """
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return the SHA-256 of the document: models with the same one judge alike."""
        text = json.dumps(self.document(), sort_keys=True, ensure_ascii=False)
        return sha256(text.encode()).hexdigest()


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of a model file.

    Examples
    --------
    >>> "signals" in model_schema()["required"]
    True
    """
    schema = Model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def model_of(document: Mapping[str, Any]) -> Model:
    """Return the model of a document that was checked before, as a run or a snapshot stores it."""
    return Model.model_validate(document)
