"""Models in force: the documents that a run judges by, from the register of versions or from files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from geo_api.models.model_files import ModelFile, model_files, model_text
from layers.errors import NotFound
from layers.models import read_version, version_in_force
from spatial_models.errors import WrongModelFile
from spatial_models.suspicion import Model, catalogue, read_model

REGISTER = "register"
FILE = "file"
"""Name of the file of the program or of the installation's folder, where versions are named."""


@dataclass(frozen=True)
class ModelInForce:
    """A model in force, and where its document comes from: ``shipped``, ``folder`` or ``register``."""

    model: Model
    origin: str


@dataclass(frozen=True)
class ModelsInForce:
    """The models in force by name, and the files and versions that are refused: nothing of them is used."""

    models: Sequence[ModelInForce]
    refused: Sequence[ModelFile]


def all_in_force(db: Session, folder: Path | None = None) -> ModelsInForce:
    """Return the models in force: the version that a person put into force, else the file.

    A version that this program cannot read any more is refused, and the file holds.

    Parameters
    ----------
    folder : Path or None
        Folder of the installation with models of its own.
    """
    found: list[ModelInForce] = []
    refused: list[ModelFile] = []
    for file in model_files(folder):
        if file.model is None:
            refused.append(file)
            continue
        name = file.model.name
        version = version_in_force(db, name)
        if version is None:
            found.append(ModelInForce(file.model, file.origin))
            continue
        source = f"{name} {version.version}"
        try:
            found.append(ModelInForce(read_model(version.document, catalogue(), source=source), REGISTER))
        except WrongModelFile as fault:
            refused.append(ModelFile(name, REGISTER, source, None, fault))
            found.append(ModelInForce(file.model, file.origin))
    return ModelsInForce(sorted(found, key=lambda one: one.model.name), refused)


def models_of_run(
    db: Session, folder: Path | None, names: Sequence[str] | None = None
) -> tuple[list[Model], Sequence[ModelFile]]:
    """Return the models that a run judges by, and what is refused.

    Parameters
    ----------
    names : sequence of str or None
        The models that are meant; None: all.

    Raises
    ------
    layers.errors.NotFound
        A model that was named is not there.
    """
    there = all_in_force(db, folder)
    known = {one.model.name: one.model for one in there.models}
    for name in names or ():
        if name not in known:
            raise NotFound(f"no model {name} 没有模型 {name}; there are 已有: {', '.join(known)}")
    return [model for name, model in known.items() if names is None or name in names], there.refused


def model_in_force(db: Session, name: str, folder: Path | None = None) -> ModelInForce:
    """Return a model in force.

    Raises
    ------
    layers.errors.NotFound
    """
    for one in all_in_force(db, folder).models:
        if one.model.name == name:
            return one
    raise NotFound(f"no model {name} 没有模型 {name}")


def document_of(db: Session, name: str, version: str | None, folder: Path | None = None) -> str:
    """Return the text of a version, of the file (``FILE``), or of what is in force (None).

    Raises
    ------
    layers.errors.NotFound
    """
    found = version_in_force(db, name) if version is None else None
    if version not in (None, FILE):
        found = read_version(db, name, version)
    return model_text(name, folder) if found is None else found.document
