"""Exit codes of commands: an error of ours is one clear message and 2, an interruption is 130."""

from __future__ import annotations

from collections.abc import Callable

from geo_api.http.progress import console


def exit_code(work: Callable[[], object], shown: Callable[[str], str] = str) -> int:
    """Do work; an error of ours is told, as it is to be shown, and is exit code 2."""
    try:
        work()
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not isinstance(error, _errors_of_ours()):
            raise
        console.print(f"[bold red]错误 error[/] {type(error).__name__}: ", end="")
        console.print(shown(str(error)), markup=False, highlight=False)
        return 2
    return 0


def _errors_of_ours() -> tuple[type[Exception], ...]:
    from geo_api.http.settings import WrongSetting
    from grid.errors import GridError
    from layers.errors import LayerError
    from maps.errors import MapError
    from spatial_models.errors import ModelError

    return WrongSetting, LayerError, GridError, ModelError, MapError
