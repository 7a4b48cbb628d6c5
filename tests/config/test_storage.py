"""A store, on disk and in a bucket: whole or not at all, and what is away is told."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import File
from django.utils import timezone

from config.storage import Disk, StorageAway, Store
from tests.stores import fixtures, s3_server

__all__ = ["s3_server"]

disk, bucket, nowhere, shelf = fixtures("things")
store = Store("things")


def test_what_is_put_is_there_and_goes(shelf):
    store.put("a/one.txt", b"hello")
    store.put("a/one.txt", b"hello again")
    store.put("a/two.txt", File(io.BytesIO(b"two")))

    assert shelf.keys() == ["a/one.txt", "a/two.txt"]
    assert store.get("a/one.txt") == b"hello again"
    assert store.opened("a/two.txt").read() == b"two"
    assert sorted(store.names("a")) == ["one.txt", "two.txt"]
    assert timezone.now() - store.stored_at("a/one.txt") < timedelta(minutes=1)
    store.remove("a/one.txt")
    store.remove("a/one.txt")
    assert shelf.keys() == ["a/two.txt"]


def test_a_part_of_a_file_is_read_without_the_rest(shelf):
    store.put("a/one.txt", b"0123456789")

    parts = [store.part("a/one.txt", start, size) for start, size in [(2, 5), (9, 1)]]

    assert parts[0].read(3) == b"234"
    assert parts[0].read(100) == b"56"
    assert parts[0].read(1) == b""
    assert parts[1].read() == b"9"
    assert store.part("a/one.txt", 10, 0).read(1) == b""
    for part in parts:
        part.close()


def test_what_is_not_there_is_told_apart(shelf):
    for ask in (
        lambda: store.part("a/nothing", 0, 1),
        lambda: store.get("a/nothing"),
        lambda: store.stored_at("a/nothing"),
    ):
        with pytest.raises(FileNotFoundError):
            ask()
    assert store.names("nothing") == []


def test_a_store_that_is_away_is_told(nowhere):
    for ask in (
        lambda: store.put("a", b"x"),
        lambda: store.part("a", 0, 1),
        lambda: store.names("a"),
    ):
        with pytest.raises(StorageAway):
            ask()


def test_what_is_half_written_is_never_there(disk):
    class Broken:
        def chunks(self):
            yield b"half"
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Disk(location=disk).save("a/b.csv", Broken())

    assert [path for path in disk.rglob("*") if path.is_file()] == []
