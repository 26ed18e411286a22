"""A run as one file: what it holds, that it is the same each time, and that whatever is wrong with it is found."""

import io
import json
import shutil
import sqlite3
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import fsspec
import pytest
import zstandard
from fakes.command import Command
from fakes.site import Site

from observer.adapters.archives.checking import check
from observer.adapters.archives.packing import Contents, pack
from observer.archiving import Order, archive_run, check_archive
from observer.core.layout import RunLayout


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("finished")) as site:
        site.drop(1000, 2000)
        site.finish()
        yield site


@pytest.fixture
def site(finished: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of the run that is over."""
    (tmp_path / "site").mkdir()
    with Site(tmp_path / "site") as site:
        shutil.copytree(finished.watch, site.watch, dirs_exist_ok=True)
        shutil.copytree(finished.layout.output, site.layout.output, dirs_exist_ok=True)
        yield site


@pytest.fixture
def archived(site: Site, observer: Command, tmp_path: Path) -> Path:
    said = observer("archive", tmp_path / "kept", "-c", site.config)
    assert said.code == 0, said.err
    (file,) = (tmp_path / "kept").iterdir()
    return file


def unpacked(file: Path, folder: Path) -> Path:
    raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(file.read_bytes())).read()
    folder.mkdir(exist_ok=True)
    subprocess.run(["tar", "-x", "-C", folder], input=raw, check=True)  # as a person would
    (run,) = folder.iterdir()
    return run


def test_an_unpacked_archive_is_a_run_that_status_and_report_read(
    site: Site, archived: Path, observer: Command, tmp_path: Path
) -> None:
    run = unpacked(archived, tmp_path / "unpacked")
    assert run.name == "test"
    config = tmp_path / "elsewhere.yaml"
    config.write_text(json.dumps({"runs": [{"name": "test", "output": str(run)}]}), encoding="utf-8")
    told = json.loads(observer("status", "-c", config, "--json").out)
    assert (told["evaluations"], told["last_result"]["clips"]) == (2, site.status()["last_result"]["clips"])
    shutil.rmtree(run / "report")
    assert observer("report", "-c", config).code == 0
    assert "2,000" in (run / "report" / "index.html").read_text(encoding="utf-8")
    lines = (run / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    named = {json.loads(line)["path"] for line in lines[1:]}
    found = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert named >= {"observer.db", "metrics.csv"}
    assert named <= found | {"report/index.html"}


def test_a_sound_archive_is_said_to_be_sound(archived: Path, observer: Command) -> None:
    said = observer("archive", "--verify", archived)
    assert (said.code, "is sound: test, " in said.out) == (0, True)
    told = json.loads(observer("archive", "--verify", archived, "--json").out)
    assert (told["run"], told["problems"], told["files"] > 10) == ("test", [], True)


def changed(file: Path, path: str) -> None:
    """One file in the archive has another byte, as a tool that packs it again would leave it."""
    raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(file.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        member = next(entry for entry in archive if entry.name.endswith(path))
    place = member.offset_data
    file.write_bytes(zstandard.ZstdCompressor().compress(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]))


def test_a_changed_file_is_named(archived: Path, observer: Command) -> None:
    changed(archived, "replays/2.replay")
    said = observer("archive", "--verify", archived)
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert "replays/2.replay: it is not the file that was archived" in line


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.999])
def test_an_archive_that_is_cut_off_is_no_archive(archived: Path, observer: Command, share: float) -> None:
    blob = archived.read_bytes()
    archived.write_bytes(blob[: int(len(blob) * share)])
    said = observer("archive", "--verify", archived)
    assert said.code == 1
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.98])
def test_a_flipped_bit_anywhere_is_found(archived: Path, observer: Command, share: float) -> None:
    blob = bytearray(archived.read_bytes())
    blob[int(len(blob) * share)] ^= 4
    archived.write_bytes(bytes(blob))
    assert observer("archive", "--verify", archived).code == 1


def test_something_else_is_no_archive(tmp_path: Path, observer: Command) -> None:
    (tmp_path / "a.tar.zst").write_bytes(b"hello" * 100)
    said = observer("archive", "--verify", tmp_path / "a.tar.zst")
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    said = observer("archive", "--verify", tmp_path / "none.tar.zst")
    assert (said.code, "No such file" in said.err) == (1, True)


def test_the_same_run_gives_the_same_bytes(site: Site, observer: Command, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert observer("archive", tmp_path / f"{name}.tar.zst", "-c", site.config).code == 0
        site.layout.archives.unlink()
    assert (tmp_path / "a.tar.zst").read_bytes() == (tmp_path / "b.tar.zst").read_bytes()


def test_the_database_is_whole_while_it_is_written(site: Site, observer: Command, tmp_path: Path) -> None:
    with closing(sqlite3.connect(site.layout.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM episode")
        assert observer("archive", tmp_path / "a.tar.zst", "-c", site.config).code == 0
        writer.execute("ROLLBACK")
    run = unpacked(tmp_path / "a.tar.zst", tmp_path / "unpacked")
    with closing(sqlite3.connect(run / "observer.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT COUNT(*) FROM episode").fetchone() == (8,)
    assert not (run / "observer.db-wal").exists()


def test_what_waits_goes_along_and_may_stay_here(site: Site, observer: Command, tmp_path: Path) -> None:
    site.ask("pause")
    site.drop(3000)
    site.finish()
    observer("archive", tmp_path / "with.tar.zst", "-c", site.config)
    observer("archive", tmp_path / "without.tar.zst", "--no-snapshots", "-c", site.config)
    names = {
        name: [str(path) for path in unpacked(tmp_path / f"{name}.tar.zst", tmp_path / name).rglob("*.zip")]
        for name in ("with", "without")
    }
    assert (len(names["with"]), names["without"]) == (1, [])


def test_an_archive_is_never_written_over(archived: Path, site: Site, observer: Command) -> None:
    before = archived.read_bytes()
    said = observer("archive", archived, "-c", site.config)
    assert (said.code, "is there already" in said.err) == (1, True)
    assert archived.read_bytes() == before


def test_one_that_could_not_be_finished_leaves_nothing(site: Site, observer: Command, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.write_bytes(b"a file where a folder should be")
    said = observer("archive", folder / "a.tar.zst", "-c", site.config)
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    inside = observer("archive", site.layout.output / "kept", "-c", site.config)
    assert (inside.code, "own folder" in inside.err) == (1, True)
    assert not (site.layout.output / "kept").exists()


class Unplugged(Exception):
    """Somebody pulls the cable while an archive is written."""


def unplug(count: int) -> None:
    if count > 100:
        raise Unplugged


@pytest.mark.parametrize("place", ["memory://cut/a.tar.zst", "file://{folder}/cut/a.tar.zst", "{folder}/cut/a.tar.zst"])
def test_one_that_is_cut_short_leaves_nothing_and_can_be_made_again(site: Site, tmp_path: Path, place: str) -> None:
    file = place.format(folder=tmp_path)
    with pytest.raises(Unplugged):
        archive_run(Order(layout=site.layout, run="test", place=file), on_bytes=unplug)
    system, path = fsspec.core.url_to_fs(file)
    assert not system.exists(path)
    assert not site.layout.archives.exists()
    assert check_archive(archive_run(Order(layout=site.layout, run="test", place=file)).file).problems == ()
    assert [name.rpartition("/")[2] for name in system.ls(path.rpartition("/")[0], detail=False)] == ["a.tar.zst"]


def test_a_folder_without_a_run_says_so(observer: Command, tmp_path: Path) -> None:
    said = observer("archive", tmp_path / "a.tar.zst")
    assert (said.code, "there is no database" in said.err) == (78, True)
    assert not (tmp_path / "a.tar.zst").exists()


@pytest.mark.parametrize("scheme", ["memory://kept", "file://{folder}/kept"])
def test_other_stores_take_archives_too(site: Site, observer: Command, tmp_path: Path, scheme: str) -> None:
    place = scheme.format(folder=tmp_path)
    said = observer("archive", place, "-c", site.config, "--json")
    assert said.code == 0, said.err
    file = json.loads(said.out)["archive"]
    assert file.startswith(place)
    assert observer("archive", "--verify", file).code == 0
    system, path = fsspec.core.url_to_fs(file)
    system.pipe_file(path, system.cat_file(path)[:-50])
    assert observer("archive", "--verify", file).code == 1


def test_an_address_that_nobody_knows_is_one_sentence(site: Site, observer: Command) -> None:
    said = observer("archive", "nowhere://a/b.tar.zst", "-c", site.config)
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    assert "nowhere" in said.err


def test_memory_stays_flat_however_large_a_run_is(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path / "out")
    folder = layout.output / "checkpoints" / "1-a" / "x" / "clips"
    folder.mkdir(parents=True)
    with (folder / "large.mp4").open("wb") as file:
        file.truncate(200 << 20)
    contents = Contents(layout=layout, run="large", version="0", database=None)
    with (tmp_path / "a.tar.zst").open("w+b") as target:
        tracemalloc.start()
        try:
            pack(contents, target)
            target.seek(0)
            assert check(target).size_bytes == 200 << 20
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.slow
def test_a_store_that_speaks_s3_takes_it_whole_or_not_at_all(
    site: Site, observer: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for key, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(f"AWS_{key}", value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        fsspec.filesystem("s3").mkdir("bucket")
        said = observer("archive", "s3://bucket/kept", "-c", site.config, "--json")
        assert said.code == 0, said.err
        file = json.loads(said.out)["archive"]
        assert observer("archive", "--verify", file).code == 0
        site.layout.archives.unlink()
        site.layout.archives.mkdir()
        assert (
            "cannot be written"
            in json.loads(observer("archive", "s3://bucket/b", "-c", site.config, "--json").out)["problem"]
        )
    finally:
        server.stop()
