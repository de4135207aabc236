"""One file over HTTP: resumed, checked, and put in its place whole."""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from .errors import DataError

TRIES = 3  # rounds through the URLs
PAUSE = 1.0  # seconds before the second round; twice as long before each later one
TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 16
_BUSY = (408, 425, 429)  # of the 4xx answers, those that another try may change


class _Passing(Exception):
    """This try failed and another may not."""


class _Final(Exception):
    """This URL will not do."""


def download(urls: Sequence[str], target: Path, *, size: int, sha256: str, progress: bool = True) -> None:
    """Download `target` from the first of `urls` that delivers it.

    Bytes go to `<target>.part`, which is renamed when its SHA-256 is right, so `target` is whole whenever it is there.
    An unfinished `.part` is resumed with a range request, from any of the URLs: the checksum judges the sum of them.

    Args:
        urls: where the file is published, in the order to try.
        target: where it goes; its folder is made. If it is there with the right checksum, nothing is done.
        size: its size in bytes.
        sha256: its checksum, in hexadecimal.
        progress: show a progress bar on stderr.

    Raises:
        DataError: no URL delivered it, or the folder cannot be written.
    """
    part = target.with_name(target.name + ".part")
    try:
        if target.is_file() and target.stat().st_size == size and _digest(target) == sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        failures = _try_all(urls, part, size, sha256, progress)
        if failures is None:
            os.replace(part, target)
            return
        kept = part.stat().st_size if part.is_file() else 0
    except OSError as error:
        raise DataError(
            f"{target}: cannot be written ({error.strerror or error}). Make room, or choose another folder: "
            "MINIDL_CACHE for downloads, MINIDL_DATA for data that you have"
        ) from error
    reasons = "".join(f"\n  {url}: {reason}" for url, reason in failures.items())
    resume = f"{kept} of {size} bytes are kept, and the next try goes on from there. " if kept else ""
    raise DataError(
        f"{target.name} could not be downloaded:{reasons}\n{resume}Check the network and try again, or put the file into "
        f"{target.parent}, or set MINIDL_DATA to a folder that has {target.parent.name}/{target.name}"
    )


def _try_all(urls: Sequence[str], part: Path, size: int, sha256: str, progress: bool) -> dict[str, str] | None:
    """None as soon as `part` is whole; else why each URL failed last."""
    failures: dict[str, str] = {}
    usable = list(urls)
    for round_ in range(TRIES):
        if round_ and usable:
            time.sleep(PAUSE * 2 ** (round_ - 1))
        for url in list(usable):
            try:
                resumed = _fetch(url, part, size, progress)
                _verify(part, sha256, resumed)
                return None
            except _Passing as failure:
                failures[url] = str(failure)
            except _Final as failure:
                failures[url] = str(failure)
                usable.remove(url)
    return failures


def _verify(part: Path, sha256: str, resumed: bool) -> None:
    """Delete `part` if its checksum is wrong. After a resume the kept bytes may be to blame: worth a fresh start."""
    got = _digest(part)
    if got != sha256:
        part.unlink()
        failure = _Passing if resumed else _Final
        raise failure(f"wrong checksum: expected SHA-256 {sha256}, got {got}; what came was deleted")


def _fetch(url: str, part: Path, size: int, progress: bool) -> bool:
    """Complete `part` from `url`; whether bytes of an earlier try are in it."""
    offset = part.stat().st_size if part.is_file() else 0
    if offset > size:
        offset = 0
    if offset == size:
        return True
    with _answer(url, part, offset) as response:
        offset, total = _extent(response, offset)
        if total not in (None, size):
            raise _Final(f"offers {total} bytes, expected {size}: not the file, perhaps a login page")
        with (
            open(part, "ab" if offset else "wb") as out,
            tqdm(total=size, initial=offset, unit="B", unit_scale=True, desc=part.stem, disable=not progress) as bar,
        ):
            received = offset
            for block in _blocks(response, size - offset):
                out.write(block)
                received += len(block)
                bar.update(len(block))
            out.flush()
            os.fsync(out.fileno())
    if received < size:
        raise _Passing(f"the connection ended after {received} of {size} bytes")
    return offset > 0


def _answer(url: str, part: Path, offset: int) -> HTTPResponse:
    """The server's answer to a request for the bytes from `offset` on."""
    headers = {"User-Agent": "minidl", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        with error:  # it holds the connection
            reason = f"HTTP {error.code} {error.reason}"
        if error.code == 416 and offset:
            part.unlink()
            raise _Passing(f"{reason}: what an earlier try left does not fit, and was deleted") from error
        failure = _Passing if error.code in _BUSY or error.code >= 500 else _Final
        raise failure(reason) from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _Passing(f"no connection ({reason})") from error
    except ValueError as error:
        raise _Final(f"not a URL that can be opened ({error})") from error


def _extent(response: HTTPResponse, offset: int) -> tuple[int, int | None]:
    """Where the body starts in the file, and the size of the whole file if the server tells it."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if not found or int(found[1]) != offset:
            raise _Final(f"answered a request for the bytes from {offset} on with another range")
        return offset, None if found[2] == "*" else int(found[2])
    if response.status != 200:
        raise _Final(f"HTTP {response.status} {response.reason}")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None  # a server that ignores ranges sends all from the start


def _blocks(response: HTTPResponse, amount: int) -> Iterator[bytes]:
    """The body's next `amount` bytes, or fewer if the connection ends. A break counts as its end: what came, came."""
    while amount > 0:
        try:
            block = response.read(min(_BLOCK, amount))
        except (OSError, HTTPException):
            return
        if not block:
            return
        amount -= len(block)
        yield block


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
