"""Where the lessons are, how they are named, and copying them out.

In a checkout they are the folder `lessons` beside the package; in an installed wheel they travel as `minidl/_lessons`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from minidl.errors import UserError, near
from minidl.files import replacing

__all__ = ["checks_file", "copy_lessons", "find_lesson", "lesson_files", "lessons_folder"]

_PATTERN = "[0-9][0-9]_*.py"


def lessons_folder() -> Path:
    """The folder of the lessons. Raises UserError when the installation has none."""
    package = Path(__file__).resolve().parent
    # The installed folder first: beside an installed package, `lessons` would belong to somebody else.
    for folder in (package / "_lessons", package.parent / "lessons"):
        if folder.is_dir():
            return folder
    raise UserError(
        f"this installation of minidl carries no lessons (looked beside {package}): reinstall it from a wheel"
    )


def lesson_files(folder: Path | None = None) -> dict[str, Path]:
    """The lessons by name, in the order in which they are read."""
    return {path.stem: path for path in sorted((folder or lessons_folder()).glob(_PATTERN))}


def find_lesson(name: str, folder: Path | None = None) -> Path:
    """The file of a lesson: `06_struc2vec`, `06`, `6` and `struc2vec` all name it, as does the path of a copy.

    Raises UserError that suggests near names when no lesson is meant, or more than one.
    """
    if name.endswith(".py") or os.sep in name:
        path = Path(name)
        if not path.is_file():
            raise UserError(f"there is no file {name}. `minidl lessons` lists the lessons that come with minidl")
        return path
    files = lesson_files(folder)
    wanted = name.lower().replace("-", "_")
    if wanted in files:
        return files[wanted]
    found = [stem for stem in files if wanted in _short_names(stem)]
    if len(found) == 1:
        return files[found[0]]
    if found:
        raise UserError(f"{name!r} names more than one lesson: {', '.join(found)}. Give one of them in full")
    if not files:
        raise UserError("this installation carries no lessons yet")
    inside = [stem for stem in files if len(wanted) > 2 and wanted in stem]
    spellings = {short: stem for stem in files for short in (stem, *_short_names(stem)) if not short.isdigit()}
    hint = f" Did you mean {' or '.join(map(repr, inside))}?" if inside else near(wanted, spellings)
    raise UserError(f"no lesson is called {name!r}.{hint}\nThe lessons: {', '.join(files)}")


def checks_file(lesson: Path, folder: Path | None = None) -> Path:
    """The checks that belong to a lesson, also to a copy of one. Raises UserError when it has no exercises."""
    path = (folder or lessons_folder()) / "checks" / lesson.name
    if not path.is_file():
        raise UserError(f"the lesson {lesson.stem} has no exercises to check ({path} does not exist)")
    return path


def copy_lessons(target: Path, names: Sequence[str] = (), *, force: bool = False) -> list[Path]:
    """Copy lessons (all of them, and README.md, by default) and what they import from their folder; returns the copies.

    Raises UserError before anything is written when a file is there already, unless `force`.
    """
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file: name a folder to copy the lessons into")
    lessons = list(lesson_files().values())
    chosen = [find_lesson(name) for name in names] or [*lessons, lessons_folder() / "README.md"]
    helpers = [path for path in sorted(lessons_folder().glob("*.py")) if path not in lessons]
    sources = [source for source in [*chosen, *helpers] if source.is_file()]
    there = [target / source.name for source in sources if (target / source.name).exists()]
    if there and not force:
        listed = ", ".join(path.name for path in there)
        raise UserError(f"{target} already has {listed}: choose another folder, or overwrite with --force")
    copies = []
    for source in sources:
        with replacing(target / source.name) as beside:
            shutil.copyfile(source, beside)
        copies.append(target / source.name)
    return copies


def _short_names(stem: str) -> set[str]:
    number, _, rest = stem.partition("_")
    return {number, str(int(number)), rest.lower()}
