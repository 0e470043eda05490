"""Notes of an import of many files: what several files say alike is told once, with its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

NAMED = 5
"""Files that are named of those which say the same."""
_COUNT = re.compile(r"\d[\d,]*(?= )")


@dataclass
class RepeatedNotes:
    """Notes that were told, by their words without the number with which they begin and the name of the file.

    Attributes
    ----------
    first : dict of str to str
        The note as it was told first.
    files : dict of str to list of str
        Files that said it.
    counts : dict of str to int
        Sum of the numbers with which the notes begin.
    """

    first: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def new_ones(self, notes: Sequence[str], file: str) -> list[str]:
        """Return the notes of a file that none before it had; all are remembered.

        Examples
        --------
        >>> kept = RepeatedNotes()
        >>> kept.new_ones(["3 times without a zone"], "a.csv"), kept.new_ones(["1,004 times without a zone"], "b.csv")
        (['3 times without a zone'], [])
        >>> list(kept.summary())
        ['3 times without a zone …… 共 2 个文件有此提示，合计 1,007 in 2 files, 1,007 in all: a.csv, b.csv']
        >>> list(RepeatedNotes().summary())
        []
        """
        told = []
        before = set(self.first)
        for note in notes:
            begins = _COUNT.match(note)
            count = int(begins[0].replace(",", "")) if begins else 0
            key = (note[begins.end() :] if begins else note).replace(file, "")
            if key not in before:
                told.append(note)
            self.first.setdefault(key, note)
            self.files.setdefault(key, []).append(file)
            self.counts[key] = self.counts.get(key, 0) + count
        return told

    def summary(self) -> Iterator[str]:
        """Yield what several files said, each with its count and its files."""
        for key, note in self.first.items():
            files = list(dict.fromkeys(self.files[key]))
            if len(files) < 2:
                continue
            n, total = len(files), f"{self.counts[key]:,}"
            more = f" … (+{n - NAMED})" if n > NAMED else ""
            zh, en = (f"，合计 {total}", f", {total} in all") if self.counts[key] else ("", "")
            said_zh = f"{note} …… 共 {n} 个文件有此提示{zh}"
            said_en = f"in {n} files{en}: {', '.join(files[:NAMED])}{more}"
            yield f"{said_zh} {said_en}"
