"""Reports as PDF: whole on A4, with their map, and nothing is asked of a network; without Chromium it says so."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from pathlib import Path

import pytest

from geo_api.cli.check import check_printing
from geo_api.http.settings import Settings
from maps.errors import ChromiumMissing
from maps.printing import can_print, find_chromium, print_pdf
from maps.reports import case_report
from tests.support.reports import case, layers

A4_POINTS = (595, 842)


@pytest.mark.browser
def test_a_report_is_printed_on_a4_in_both_languages() -> None:
    pdf = print_pdf(case_report(case(), layers=layers(), language="both"), find_chromium())
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert len(boxes) >= 2
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {A4_POINTS}
    assert b"CJK" in pdf, "Chinese has a font of its own"


@pytest.mark.browser
def test_printing_asks_no_network() -> None:
    """A page that was not made here asks a server of this machine for a picture; the server is never reached."""
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)

        def listen() -> None:
            while not done.is_set():
                try:
                    server.accept()[0].close()
                    reached.set()
                except TimeoutError:
                    continue

        done = threading.Event()
        listener = threading.Thread(target=listen)
        listener.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/picture.png"
        pdf = print_pdf(f'<html><body><h1>A</h1><img src="{address}"></body></html>', find_chromium())
        done.set()
        listener.join()
    assert pdf.startswith(b"%PDF-") and not reached.is_set()


def test_without_chromium_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not can_print()
    with pytest.raises(ChromiumMissing, match="apt-get install chromium"):
        find_chromium()
    (optional,) = check_printing(Settings(data_dir=tmp_path))
    (named,) = check_printing(Settings(data_dir=tmp_path, chromium=tmp_path / "no-such"))
    assert optional.ok and "HTML" in optional.detail_en
    assert not named.ok and "no-such" in named.detail_zh
