"""The data sets that can be downloaded, and `get`, which does so."""

from dataclasses import dataclass
from pathlib import Path

from .dataset import BUILT_IN
from .errors import DataError
from .paths import data_home


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, its size in bytes, and the SHA-256 of its content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Remote:
    """The files of a data set and the places, tried in turn, that publish them: URLs that a file's name completes."""

    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]


REGISTRY: dict[str, Remote] = {
    "mnist": Remote(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        files=(
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz",
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz",
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
}


def get(name: str, *, base_url: str | None = None, progress: bool = True) -> Path:
    """Download the files of the data set `name` into its folder under `data_home()`.

    A file that is there already and has the right checksum is left alone; one with a wrong checksum is replaced. An
    interrupted download (Ctrl-C included) leaves `<file>.part` behind, and the next call goes on from there.

    Args:
        name: a key of `REGISTRY`.
        base_url: an http or https URL to use in place of the known mirrors, which a file's name completes.
        progress: show a progress bar on stderr.

    Returns:
        The folder.

    Raises:
        DataError: the name is unknown, the network or every mirror fails, what came has the wrong checksum, or the
            folder cannot be written. The message has each URL and the reason, and what else can be done.
    """
    if name in BUILT_IN:
        raise DataError(f"{name!r} is built in: there is nothing to download, use it as `--data {name}`")
    if name not in REGISTRY:
        raise DataError(f"no download is known for {name!r}: expected one of {', '.join(REGISTRY)}")
    if base_url is not None and not base_url.lower().startswith(("http://", "https://")):
        raise DataError(f"base_url: expected a URL that starts with http:// or https://, got {base_url!r}")
    from .download import download  # here, because urllib and its TLS cost a tenth of a second to import

    remote = REGISTRY[name]
    mirrors = remote.mirrors if base_url is None else (base_url,)
    folder = data_home() / name
    for file in remote.files:
        urls = [f"{mirror.rstrip('/')}/{file.name}" for mirror in mirrors]
        download(urls, folder / file.name, size=file.size, sha256=file.sha256, progress=progress)
    return folder
