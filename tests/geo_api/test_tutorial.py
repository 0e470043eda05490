"""The tutorial, played: every command of the page in its order, every line of its answers compared."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_api.cli.main import main
from layers.city import city_in_force
from tests.support.service_process import ROOT, serve

PAGES = (ROOT / "docs" / "tutorial.md", ROOT / "docs" / "tutorial.zh.md")
LISTENS = "127.0.0.1:8000"


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Language and text of the code blocks: commands (``sh``) and answers (``text``)."""
    return re.findall(r"^```(sh|text)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands_of(block: str) -> Iterator[str]:
    """One command after the other; a file that is written (``<<'END'``) is one."""
    text = block.replace("\\\n", " ")
    while text.strip():
        line, _, rest = text.partition("\n")
        if "<<'END'" in line:
            body, _, rest = rest.partition("END\n")
            line = f"{line}\n{body}END"
        if line.strip():
            yield line
        text = rest


class Terminal:
    """A command line that answers, with its answers since the last look."""

    def __init__(
        self, url: str, home: Path, patch: pytest.MonkeyPatch, services: contextlib.ExitStack
    ) -> None:
        self.url, self.patch, self.services = url, patch, services
        self.said = ""
        self.port = ""
        self.number = ""
        patch.setenv("HOME", str(home))
        patch.setenv("COLUMNS", "300")
        patch.delenv("WANGGE_CITY_FILE", raising=False)

    def type(self, command: str) -> None:
        tried = command.endswith("|| true")
        plain, _, pipe = command.removesuffix("|| true").partition(" | ")
        if setting := re.fullmatch(r"export (\w+)=(.+)", plain):
            self.patch.setenv(setting[1], os.path.expandvars(setting[2]))
        elif plain.startswith("cd "):
            self.patch.chdir(os.path.expandvars(plain[3:]))
        elif plain.startswith("wangge serve"):
            service = serve(self.url, Path(os.environ["WANGGE_DATA_DIR"]))
            self.port = self.services.enter_context(service).address.removeprefix("http://")
        elif plain.startswith("wangge "):
            self._run(plain.replace("NUMBER", self.number), tried, pipe)
        else:
            self._shell(command)

    def _run(self, command: str, tried: bool, pipe: str) -> None:
        """A command of the program, in this process; its end is 0, or 2 where the page says that it may be."""
        out = io.StringIO()
        self.patch.setattr("sys.argv", shlex.split(os.path.expandvars(command)))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                ended = main() or 0
            except SystemExit as end:
                ended = end.code or 0
        lines = out.getvalue().splitlines()
        if found := re.findall(r"批次 batch (\d+)", out.getvalue()):
            self.number = found[-1]
        assert ended == 0 or (tried and ended in (1, 2)) or pipe, f"{command}: {ended}\n" + "\n".join(lines)
        self.said += "\n".join(lines) + "\n"

    def _shell(self, command: str) -> None:
        answer = subprocess.run(
            ["bash", "-ec", command.replace(LISTENS, self.port)],
            capture_output=True, text=True, timeout=60, cwd=os.getcwd(),
        )  # fmt: skip
        assert answer.returncode == 0, f"{command}\n{answer.stderr}"
        self.said += answer.stdout

    def answered(self, line: str) -> bool:
        return squeezed(line) in squeezed(self.said)


def squeezed(text: str) -> str:
    """Without runs of blanks, which depend on the width of the terminal."""
    return re.sub(r"[ \n]+", " ", text).strip()


def test_both_pages_show_the_same_commands() -> None:
    english, chinese = (blocks_of(page) for page in PAGES)
    assert english == chinese and len(english) > 20


def test_who_follows_the_page_gets_there(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "docs" / "tutorial", tmp_path / "docs" / "tutorial")
    monkeypatch.chdir(tmp_path)
    with contextlib.ExitStack() as services:
        terminal = Terminal(fresh_database, tmp_path, monkeypatch, services)
        for language, block in blocks_of(PAGES[0]):
            if language == "text":
                missed = [line for line in block.splitlines() if not terminal.answered(line)]
                assert missed == [], terminal.said
                continue
            terminal.said = ""
            for command in commands_of(block):
                terminal.type(command)
            if "curl" in block:
                for told in (
                    '"lead":{"body":"云岭县生态环境分局"',
                    '"numberReturned":1',
                    ",production,青溪市",
                ):
                    assert told in terminal.said, told
        assert city_in_force().code == "521700"
    assert (tmp_path / "qingxi-first.backup").stat().st_size > 10_000
