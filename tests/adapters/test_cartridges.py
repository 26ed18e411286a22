"""Jobs whose ROM is gone wait apart, and come back with it."""

from dataclasses import replace
from pathlib import Path

from fakes.evaluations import digest_of, make_plan

from observer.adapters.store import Store
from observer.core.models import Checkpoint, JobState

OLD, NEW = digest_of("old"), digest_of("new")


def test_what_waits_for_another_rom_is_parked_and_comes_back_with_it(tmp_path: Path) -> None:
    checkpoint = Checkpoint(digest=digest_of("zip"), step=1, name="a.zip", size=1, seen_at=1.0)
    plans = [replace(make_plan(), rom_sha256=rom) for rom in (OLD, NEW)]
    with Store(tmp_path / "observer.db") as store:
        old, new = store.admit(checkpoint, plans, path="a.zip", seen_as="x")
        assert store.cartridges.keep_to(NEW, now=2.0) == 1
        assert (store.job(old).state, store.job(new).state) == (JobState.PARKED, JobState.WAITING)
        (parked,) = store.parked()
        assert parked.word == "other_rom"
        assert parked.sentence.startswith("it was planned for another ROM")
        assert store.cartridges.keep_to(NEW, now=3.0) == 0
        assert store.cartridges.keep_to(OLD, now=4.0) == 1
        assert (store.job(old).state, store.job(new).state) == (JobState.WAITING, JobState.PARKED)
