"""Model files of an installation: those that come with the program, and those of its own folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from layers.errors import NotFound
from spatial_models.errors import ModelFault, WrongModelFile
from spatial_models.suspicion import SUFFIX, Model, catalogue, read_model, shipped_texts

SHIPPED, FOLDER = "shipped", "folder"


@dataclass(frozen=True)
class ModelFile:
    """A model file.

    Attributes
    ----------
    name : str
        Of the file without its ending.
    origin : str
        ``shipped`` or ``folder``.
    source : str
        File, as messages name it.
    model : Model or None
        None: it was refused.
    fault : WrongModelFile or None
    """

    name: str
    origin: str
    source: str
    model: Model | None
    fault: WrongModelFile | None = None


def model_files(folder: Path | None = None) -> list[ModelFile]:
    """Read the model files, the shipped ones first, each by name; refused ones are in the list with their fault.

    A model of the folder with the name of a shipped one stands in its place.

    Parameters
    ----------
    folder : Path or None
        Folder of the installation; None, or a folder that is not there: it has no models of its own.

    Examples
    --------
    >>> "illegal_resumption" in [file.name for file in model_files()]
    True
    """
    found = [_read(name, SHIPPED, f"{name}{SUFFIX}", text) for name, text in shipped_texts().items()]
    paths = sorted(folder.glob(f"*{SUFFIX}")) if folder is not None and folder.is_dir() else []
    own = [_read(path.stem, FOLDER, str(path), _text(path)) for path in paths]
    replaced = {file.model.name for file in own if file.model is not None}
    return _one_of_a_kind([file for file in found if file.name not in replaced] + own)


def read_model_file(path: Path) -> Model:
    """Read one model file.

    Raises
    ------
    WrongModelFile
    """
    return read_model(_text(path), catalogue(), source=str(path))


def model_text(name: str, folder: Path | None = None) -> str:
    """Return the text of the file of a model: that of the folder, or the one that comes with the program.

    Raises
    ------
    layers.errors.NotFound
        There is no such file, or it is refused.

    Examples
    --------
    >>> "illegal_resumption" in model_text("illegal_resumption")
    True
    """
    for file in model_files(folder):
        if file.model is not None and file.model.name == name:
            return _text(Path(file.source)) if file.origin == FOLDER else shipped_texts()[file.name]
    raise NotFound(f"no model {name} 没有模型 {name}")


def _one_of_a_kind(files: list[ModelFile]) -> list[ModelFile]:
    """Refuse a second model of a name or a kind of alert: a site has one live alert of a kind."""
    seen: dict[str, str] = {}
    found = []
    for file in files:
        model = file.model
        for field in ("name", "alert_kind"):
            value = f"{field} = {getattr(model, field, None)}"
            if file.model is not None and value in seen:
                reason = f"与 {seen[value]} 重复", f"is taken by {seen[value]}"
                fault = WrongModelFile(file.source, [ModelFault(1, field, *reason)])
                file = ModelFile(file.name, file.origin, file.source, None, fault)
        if file.model is not None:
            seen |= dict.fromkeys(
                (f"name = {file.model.name}", f"alert_kind = {file.model.alert_kind}"), file.source
            )
        found.append(file)
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _read(name: str, origin: str, source: str, text: str) -> ModelFile:
    try:
        model = read_model(text, catalogue(), source=source)
    except WrongModelFile as fault:
        return ModelFile(name, origin, source, None, fault)
    return ModelFile(name, origin, source, model)
