"""Files of rows on disk: written while a run goes on, taken up where it stopped, read back."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from skinmodels.batch import rows
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError

# Seconds between two flushes; whoever is killed in between answers the last pictures again.
_BETWEEN = 1.0


class Results:
    """A file of rows, opened where an earlier run stopped, appended to, closed in order.

    An unfinished file is repaired first: a line cut off in the middle goes, and so do the rows of a picture that has not all.

    Attributes:
        done: names of the pictures that have their rows already, those with an error too.
    """

    def __init__(self, path: Path, models: Sequence[tuple[str, str]]) -> None:
        """Opens the file, or makes it.

        Args:
            path: ends in one of ``rows.SUFFIXES``.
            models: name and weights SHA-256 of each model, in the order in which one picture's rows stand.

        Raises:
            SkinModelError: another ending, a file that is none of ours or has other models or weights, no place to write.
        """
        self._suffix = _suffix(path)
        self._names = rows.columns(name for name, _ in models)
        self.done: set[str] = set()
        head = rows.head(self._names, self._suffix).encode()
        try:
            end = self._resume(path, list(models)) if path.exists() else 0
            self._file = path.open("ab")
            self._file.truncate(end)
        except OSError as error:
            raise SkinModelError(f"Expected a file that can be written. Received: {path.name} ({error.strerror})") from None
        self._first = end <= len(head)
        self._flushed = time.monotonic()
        if end == 0:
            self._file.write(head)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.write(rows.tail(self._suffix).encode())
        self._file.close()

    def write(self, written: Iterable[Row]) -> None:
        """Appends the rows, all those of a picture in one call; they are with the operating system within a second or so."""
        for row in written:
            self._file.write(rows.line(row, self._names, self._suffix, self._first).encode())
            self._first = False
        if time.monotonic() - self._flushed > _BETWEEN:
            self._file.flush()
            self._flushed = time.monotonic()

    def _resume(self, path: Path, models: list[tuple[str, str]]) -> int:
        """Collects ``done``; the byte behind the last picture that has all its rows."""
        _check_start(path, rows.head(self._names, self._suffix))
        end = 0
        part: list[Row] = []
        for row, at in _lines(path):
            if row is None:
                end = at
                continue
            part.append(row)
            # A picture that could not be read has one row, of no model.
            if row.model and (row.file != part[0].file or (row.model, row.weights_sha256) != models[len(part) - 1]):
                raise _of_others(path)
            if not row.model or len(part) == len(models):
                self.done.add(row.file)
                end, part = at, []
        return end


def read(path: Path) -> Iterator[Row]:
    """The rows of a file of them, lazily; a last line that was cut off is left out.

    Raises:
        SkinModelError: no such file, or one that is none of ours.
    """
    _suffix(path)
    try:
        for row, _ in _lines(path):
            if row is not None:
                yield row
    except OSError:
        raise SkinModelError(f"Expected a file of results. Received: {path.name}, which cannot be read.") from None


def _lines(path: Path) -> Iterator[tuple[Row | None, int]]:
    """For each whole line its row, and the byte behind it; None for lines that hold no row."""
    at = 0
    header: list[str] | None = None
    with path.open("rb") as file:
        for line in file:
            at += len(line)
            if not line.endswith(b"\n"):
                return
            try:
                if path.suffix.lower() != ".csv":
                    bare = line.strip().removeprefix(b",")
                    if bare != b"]":
                        yield None if bare == b"[" else rows.from_json(json.loads(bare)), at
                elif header is None:
                    header = _cells(line)
                    yield None, at
                else:
                    yield rows.from_csv(dict(zip(header, _cells(line), strict=True))), at
            except (ValueError, TypeError, LookupError, AttributeError, csv.Error):
                raise _not_ours(path) from None


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()], strict=True))


def _check_start(path: Path, head: str) -> None:
    """Refuses, before anything is cut off, a file that begins otherwise than one of these models would."""
    with path.open("rb") as file:
        start = file.read(len(head) or 10)
    expected = (head or '{"file": "').encode()
    if expected[: len(start)] != start:
        raise _of_others(path) if start.startswith(b"file,sha256,model,") else _not_ours(path)


def _suffix(path: Path) -> str:
    if path.suffix.lower() not in rows.SUFFIXES:
        raise SkinModelError(f"Expected a file of results, ending in {', '.join(rows.SUFFIXES)}. Received: {path.name}")
    return path.suffix.lower()


def _not_ours(path: Path) -> SkinModelError:
    return SkinModelError(f"Expected a file of results, or none yet. Received: {path.name}, which holds something else.")


def _of_others(path: Path) -> SkinModelError:
    return SkinModelError(
        f"Expected results of these models, in this order and with these weights. Received: {path.name}, which holds "
        "results of others; name another file."
    )
