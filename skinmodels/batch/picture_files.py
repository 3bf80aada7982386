"""Picture files in folders, .zip archives and lists: found lazily, read one at a time, nothing ever unpacked to disk."""

from __future__ import annotations

import os
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType

from skinmodels import images, lfs
from skinmodels.errors import SkinModelError

# Endings under which the formats of ``images.FORMATS`` are stored. Files found under others are passed over.
SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"),
        *(".gif", ".bmp", ".dib", ".heic", ".heif", ".hif", ".avif"),
    }
)

# What zipfile raises on archives that are broken, cut off or made to harm.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)

_ENCRYPTED = 0x1
# What archives of pictures are made with. Others can ask for gigabytes of memory before they give a byte.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class PictureFile:
    """Where one picture lies; small and picklable, so that many can be named and sent to other processes.

    Attributes:
        name: how people know it: its path below the folder or in the archive, or as it was given; see ``shown``.
        path: the file on disk: the picture itself, or the archive that holds it.
        member: its position in the archive, None for a file of its own.
    """

    name: str
    path: str
    member: int | None = None


def shown(name: str) -> str:
    """A file name as one line of valid text: control characters, line ends and undecodable bytes written as ``\\x..``."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") else ascii(c)[1:-1] for c in name)


def is_picture(name: str) -> bool:
    """Whether a file of that name is tried as a picture."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def is_archive(name: str) -> bool:
    """Whether a file of that name is opened as an archive."""
    return name.lower().endswith(".zip")


def found(
    sources: Iterable[str | os.PathLike[str]], skipped: Callable[[str], None] = lambda name: None
) -> Iterator[PictureFile]:
    """The picture files of these folders, archives and files, one after the other, each folder and archive in sorted order.

    A file that is named itself is taken whatever its ending. In folders and archives, hidden files and ``__MACOSX`` are left
    out, as are archives in archives; files without a picture's ending are reported.

    Args:
        sources: folders, ``.zip`` archives, picture files.
        skipped: called with the name of each file passed over for its ending.

    Raises:
        SkinModelError: nothing there under that name, or an archive that is damaged or encrypted. Raised when it is reached.
    """
    paths = [Path(source) for source in sources]
    for path in paths:
        # One folder or archive: names as they are in it. Several: told apart by what they were called.
        prefix = "" if len(paths) == 1 else f"{path.as_posix()}/"
        if path.is_dir():
            yield from _in_folder(path, prefix, skipped)
        elif is_archive(path.name) and path.exists():
            yield from in_archive(path, prefix, skipped)
        elif path.exists():
            yield PictureFile(shown(path.as_posix()), str(path))
        else:
            raise SkinModelError(
                f"Expected a folder, a .zip archive or a picture. Received: {shown(str(path))}, which is not there."
            )


def _in_folder(folder: Path, prefix: str, skipped: Callable[[str], None]) -> Iterator[PictureFile]:
    try:
        with os.scandir(folder) as listed:
            entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed)
    except OSError:
        raise SkinModelError(f"Expected a folder that can be read. Received: {shown(str(folder))}") from None
    for name, is_folder in entries:
        if is_hidden(name):
            continue
        if is_folder:
            yield from _in_folder(folder / name, f"{prefix}{name}/", skipped)
        elif is_picture(name):
            yield PictureFile(shown(prefix + name), str(folder / name))
        else:
            skipped(shown(prefix + name))


def in_archive(
    path: Path,
    prefix: str = "",
    skipped: Callable[[str], None] = lambda name: None,
    most_members: int | None = None,
    most_bytes: int | None = None,
) -> Iterator[PictureFile]:
    """The picture files of one ``.zip`` archive, as ``found`` gives them.

    Args:
        path: the archive.
        prefix: what stands before the members' names.
        skipped: called with the name of each member passed over for its ending.
        most_members: files an archive may hold, of whatever kind.
        most_bytes: what its files may come to, unpacked; no more than it says is ever unpacked of one.

    Raises:
        SkinModelError: not a ``.zip`` archive, damaged, encrypted, or over a limit.
    """
    with _opened(str(path)) as archive:
        listed = archive.infolist()
        if most_members is not None and len(listed) > most_members:
            raise SkinModelError(
                f"Expected an archive of at most {most_members:,} files. Received: {shown(path.name)} with {len(listed):,}."
            )
        size = sum(member.file_size for member in listed)
        if most_bytes is not None and size > most_bytes:
            raise SkinModelError(
                f"Expected an archive of at most {most_bytes // 1024**2:,} MB, unpacked. Received: {shown(path.name)} with "
                f"{size / 1024**2:,.0f} MB."
            )
        members = sorted((member.filename, i, member.flag_bits) for i, member in enumerate(listed))
    for name, i, flags in members:
        parts = PurePosixPath(name).parts
        if name.endswith("/") or any(is_hidden(part) for part in parts if part not in (".", "..")):
            continue
        if flags & _ENCRYPTED:
            raise SkinModelError(f"Expected an archive without a password. Received: {shown(path.name)}, which is encrypted.")
        if is_picture(name):
            yield PictureFile(shown(prefix + name.removeprefix("./")), str(path), i)
        else:
            skipped(shown(prefix + name))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name, without what it lies in, is left out: what systems and programs put there."""
    return name.startswith(".") or name == "__MACOSX"


def _opened(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _ZIP_ERRORS:
        instead = lfs.INSTEAD if lfs.is_pointer_file(path) else "which is damaged or is none, whatever its name says"
        raise SkinModelError(f"Expected a .zip archive. Received: {shown(Path(path).name)}, {instead}.") from None


class Reader:
    """Reads the bytes of picture files, from any number of threads; keeps archives open until it is closed."""

    def __init__(self) -> None:
        self._archives: dict[str, zipfile.ZipFile] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the archives; reading opens them again."""
        with self._lock:
            for archive in self._archives.values():
                with suppress(OSError):
                    archive.close()
            self._archives.clear()

    def read(self, file: PictureFile) -> bytes:
        """The file's bytes. Raises SkinModelError where it is gone, cannot be opened, or has more than ``images.MAX_BYTES``."""
        name = _short(file.name)
        try:
            data = self._bytes(file)
        except FileNotFoundError:
            raise SkinModelError(f"Expected a picture file. Received: {name}, which is not there (any more).") from None
        except _ZIP_ERRORS:
            raise SkinModelError(f"Expected a picture file. Received: {name}, which cannot be read or is damaged.") from None
        if len(data) > images.MAX_BYTES:
            raise SkinModelError(
                f"Expected a picture file of at most {images.MAX_BYTES // 1024**2} MB. Received: {name}, which has more."
            )
        return data

    def _bytes(self, file: PictureFile) -> bytes:
        """At most one byte more than a picture may have, whatever an archive says of its member's size."""
        if file.member is None:
            with open(file.path, "rb") as opened:
                return opened.read(images.MAX_BYTES + 1)
        with self._lock:
            if file.path not in self._archives:
                self._archives[file.path] = _opened(file.path)
            archive = self._archives[file.path]
        member = archive.infolist()[file.member]
        if member.compress_type not in _COMPRESSIONS:
            raise zipfile.BadZipFile("a compression that is not used for pictures")
        with archive.open(member) as opened:
            return opened.read(images.MAX_BYTES + 1)


def _short(name: str) -> str:
    name = PurePosixPath(name).name
    return name if len(name) <= 60 else f"{name[:40]}...{name[-15:]}"
