"""Downloads, against a server on this machine."""

import hashlib
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minidl.data import DataError, download, fetch, get
from minidl.data.fetch import REGISTRY, Remote, RemoteFile

CONTENT = np.random.default_rng(0).bytes(300_000)  # several blocks
SMALL = b"labels"


class Server(ThreadingHTTPServer):
    """Serves `files`; the flags make it misbehave. Keeps the path and Range header of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"images.gz": CONTENT, "labels.gz": SMALL}
        self.requests: list[tuple[str, str | None]] = []
        self.ranges = True  # honours Range
        self.cut = 0  # how many answers break off half way
        self.statuses: list[int] = []  # answered, one each, before anything is served
        self.shift = 0  # of the range that it sends against the one asked for
        self.lengths = True  # tells Content-Length

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, name, asked = self.server, self.path.rsplit("/", 1)[-1], self.headers.get("Range")
        server.requests.append((self.path, asked))
        if server.statuses:
            return self.send_error(server.statuses.pop(0))
        if name not in server.files:
            return self.send_error(404)
        body = server.files[name]
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and server.ranges else 0
        if start and start >= len(body):
            return self.send_error(416)
        start += server.shift
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if server.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if server.cut:
            server.cut -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        return None

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def described(name: str, content: bytes) -> RemoteFile:
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def folder(monkeypatch, tmp_path, server):
    """Where the files of the data set "mnist" go, which is two small files of the local server here."""
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    files = (described("images.gz", CONTENT), described("labels.gz", SMALL))
    monkeypatch.setitem(REGISTRY, "mnist", Remote((server.url,), files))
    return tmp_path / "mnist"


def content_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


WHOLE = {"images.gz": CONTENT, "labels.gz": SMALL}


def fetched(**options):
    return get("mnist", progress=False, **options)


def test_fresh_download(server, folder):
    assert fetched() == folder
    assert content_of(folder) == WHOLE
    assert server.requests == [("/data/images.gz", None), ("/data/labels.gz", None)]


def test_present_files_are_verified_and_not_downloaded_again(server, folder):
    fetched()
    server.requests.clear()
    fetched()
    assert server.requests == []
    for wrong in (CONTENT[:-1], b"X" + CONTENT[1:]):  # too short; as long, and damaged
        (folder / "images.gz").write_bytes(wrong)
        fetched()
        assert content_of(folder) == WHOLE
    assert [path for path, _ in server.requests] == ["/data/images.gz"] * 2


def test_resume_asks_for_the_rest_alone(server, folder):
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(CONTENT[:100_000])
    fetched()
    assert server.requests[0] == ("/data/images.gz", "bytes=100000-")
    assert content_of(folder) == WHOLE


def test_resume_from_a_server_that_ignores_ranges(server, folder):
    server.ranges = False
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(CONTENT[:100_000])
    fetched()
    assert server.requests[0] == ("/data/images.gz", "bytes=100000-")
    assert content_of(folder) == WHOLE


def test_server_that_tells_no_length(server, folder):
    server.lengths = False
    fetched()
    assert content_of(folder) == WHOLE


def test_complete_part_needs_no_network(server, folder):
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(CONTENT)
    (folder / "labels.gz.part").write_bytes(SMALL)
    fetched()
    assert server.requests == []
    assert content_of(folder) == WHOLE


@pytest.mark.parametrize("part", [b"X" * 100_000, b"X" * len(CONTENT), b"X" * (len(CONTENT) + 1)])
def test_wrong_part_costs_a_fresh_start_and_no_failure(server, folder, part):
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(part)
    fetched()
    assert content_of(folder) == WHOLE
    resumable = len(part) < len(CONTENT)
    assert [asked for path, asked in server.requests if "images" in path] == ["bytes=100000-"] * resumable + [None]


def test_range_beyond_the_end_is_answered_by_a_fresh_start(server, folder):
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(CONTENT[:-10])
    server.statuses = [416]
    fetched()
    assert [asked for _, asked in server.requests] == [f"bytes={len(CONTENT) - 10}-", None, None]
    assert content_of(folder) == WHOLE


def test_range_other_than_the_one_asked_for(server, folder):
    folder.mkdir()
    (folder / "images.gz.part").write_bytes(CONTENT[:1000])
    server.shift = 5
    with pytest.raises(DataError, match="from 1000 on with another range"):
        fetched()
    assert content_of(folder) == {"images.gz.part": CONTENT[:1000]}


def test_broken_connection_is_resumed(server, folder):
    server.cut = 1
    fetched()
    half = len(CONTENT) // 2
    assert server.requests[:2] == [("/data/images.gz", None), ("/data/images.gz", f"bytes={half}-")]
    assert content_of(folder) == WHOLE


def test_truncated_body_keeps_what_came(server, folder):
    server.cut = 3  # each answer sends half of what is missing
    with pytest.raises(DataError, match="the connection ended after 262500 of 300000 bytes") as caught:
        fetched()
    assert "262500 of 300000 bytes are kept, and the next try goes on from there" in str(caught.value)
    assert content_of(folder) == {"images.gz.part": CONTENT[:262_500]}
    fetched()
    assert content_of(folder) == WHOLE


def test_wrong_checksum_is_deleted_and_told(server, folder):
    server.files["images.gz"] = wrong = b"X" + CONTENT[1:]
    with pytest.raises(DataError) as caught:
        fetched()
    for part in ("wrong checksum", hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(wrong).hexdigest(), "deleted"):
        assert part in str(caught.value)
    assert content_of(folder) == {}
    assert len(server.requests) == 1  # the same bytes would come again


def test_wrong_length_is_refused_before_it_is_fetched(server, folder):
    server.files["images.gz"] = b"<html>please log in</html>"
    with pytest.raises(DataError, match="offers 26 bytes, expected 300000: not the file, perhaps a login page"):
        fetched()
    assert content_of(folder) == {}


def test_404_is_final(server, folder):
    del server.files["images.gz"]
    with pytest.raises(DataError, match=r"images.gz could not be downloaded:\n  http://.*/data/images.gz: HTTP 404"):
        fetched()
    assert len(server.requests) == 1


def test_server_errors_pass(server, folder):
    server.statuses = [503, 429]
    fetched()
    assert content_of(folder) == WHOLE
    server.statuses = [500] * download.TRIES
    (folder / "images.gz").unlink()
    with pytest.raises(DataError, match="HTTP 500"):
        fetched()


def test_next_mirror_and_base_url(server, folder, monkeypatch):
    mirrors = (f"{server.url}/gone/x/", "http://127.0.0.1:1/", f"{server.url}/")
    monkeypatch.setitem(REGISTRY, "mnist", Remote(mirrors, (described("labels.gz", SMALL),)))
    server.statuses = [403]
    fetched()
    assert [path for path, _ in server.requests] == ["/data/gone/x/labels.gz", "/data/labels.gz"]
    (folder / "labels.gz").unlink()
    fetched(base_url=f"{server.url}/other")
    assert server.requests[-1] == ("/data/other/labels.gz", None)


def test_offline(folder):
    with socket.socket() as closed:  # bound, not listening: nobody answers at its port
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DataError, match="no connection") as caught:
            fetched(base_url=url)
    for part in (f"{url}/images.gz", "Check the network", "set MINIDL_DATA", str(folder)):
        assert part in str(caught.value)


def test_silent_server_times_out(folder, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DataError, match=r"no connection \(timed out\)"):
            fetched(base_url=url)


def test_ctrl_c_keeps_the_part(server, folder, monkeypatch):
    class Impatient(download.tqdm):
        def update(self, n=1):
            if self.n >= 2 * 65536:
                raise KeyboardInterrupt
            return super().update(n)

    with monkeypatch.context() as patch:
        patch.setattr(download, "tqdm", Impatient)
        with pytest.raises(KeyboardInterrupt):
            get("mnist")
    kept = len(content_of(folder)["images.gz.part"])
    assert kept == 3 * 65536
    fetched()
    assert server.requests[-2] == ("/data/images.gz", f"bytes={kept}-")
    assert content_of(folder) == WHOLE


def test_progress_is_shown_when_wanted(folder, capsys):
    get("mnist", progress=True)
    assert "images.gz" in capsys.readouterr().err
    for path in folder.iterdir():
        path.unlink()
    fetched()
    assert capsys.readouterr().err == ""


def test_folder_that_cannot_be_written(folder, server):
    folder.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot be written .*MINIDL_CACHE"):
        fetched()
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("strokes", {}, "'strokes' is built in: there is nothing to download"),
        ("cifar10", {}, "no download is known for 'cifar10': expected one of mnist"),
        ("mnits", {}, "no download is known for 'mnits'"),
        ("mnist", {"base_url": "ftp://x"}, "http:// or https://, got 'ftp://x'"),
        ("mnist", {"base_url": "http://exa mple"}, "exa mple"),
        ("mnist", {"base_url": "http://ex\udcffample"}, "not a URL"),
    ],
)
def test_bad_arguments(folder, name, options, message):
    with pytest.raises(DataError, match=message):
        get(name, progress=False, **options)


def test_registry_is_well_formed():
    for remote in fetch.REGISTRY.values():
        assert all(mirror.startswith("https://") for mirror in remote.mirrors)
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size > 0 for file in remote.files)
