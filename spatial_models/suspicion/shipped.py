"""Models that come with this program, and the signals and parameters that a model file may name."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from importlib import resources

from spatial_models.fences import FENCE_SIGNALS
from spatial_models.meters import METER_SIGNALS, MeterConfig
from spatial_models.site_facts import FACT_SIGNALS
from spatial_models.suspicion.model_file import Model
from spatial_models.suspicion.model_text import Catalogue, read_model
from spatial_models.visits import VEHICLE_SIGNALS, VehicleConfig

SUFFIX = ".toml"


@cache
def catalogue() -> Catalogue:
    """Return what a model file may name.

    Examples
    --------
    >>> sorted({kind.family for kind in catalogue().signals.values()})
    ['fences', 'meters', 'register', 'vehicles']
    """
    return Catalogue(
        signals={
            kind.name: kind for kind in (*METER_SIGNALS, *VEHICLE_SIGNALS, *FACT_SIGNALS, *FENCE_SIGNALS)
        },
        parameters={
            room: frozenset(field.name for field in fields(config))
            for room, config in (("meters", MeterConfig), ("vehicles", VehicleConfig))
        },
    )


@cache
def shipped_texts() -> dict[str, str]:
    """Return the texts of the shipped model files by the name of the file without its ending.

    Examples
    --------
    >>> "illegal_resumption" in shipped_texts()
    True
    """
    folder = resources.files("spatial_models.suspicion") / "models"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(SUFFIX)), key=lambda file: file.name
    )
    return {file.name.removesuffix(SUFFIX): file.read_text(encoding="utf-8") for file in files}


@cache
def shipped_models() -> dict[str, Model]:
    """Return the shipped models by name.

    Examples
    --------
    >>> shipped_models()["illegal_resumption"].title.zh
    '疑似非法复工'
    """
    models = [
        read_model(text, catalogue(), source=f"{name}{SUFFIX}") for name, text in shipped_texts().items()
    ]
    return {model.name: model for model in models}
