"""A run's stages on real SQLite and real files, with a clock that tests move and workers that end when told."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from fakes.backend import FakeBackend
from fakes.clock import FakeClock
from fakes.evaluations import make_plan
from fakes.zips import zip_of

from env.options import EnvironmentOptions, Scenario
from observer.adapters.letterbox import Letterbox
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import Store
from observer.core.backlog import BacklogPolicy
from observer.core.encoding import Encoding
from observer.core.layout import RunLayout
from observer.core.models import JobKind, Trust
from observer.core.plan import Planned
from observer.stages import closing
from observer.stages.commands import Commands, CommandSettings
from observer.stages.dispatch import Dispatch, DispatchSettings, Products, RunWork
from observer.stages.ending import Ending, EndingSettings
from observer.stages.intake import Intake, IntakeSettings
from observer.stages.retention import Retention, RoomSettings
from observer.stages.upkeep import Upkeep

SETTLE_SECONDS = 2.0
EPISODES = 4


class World:
    """Everything around the stages of one run."""

    def __init__(self, folder: Path) -> None:
        self.watch = folder / "checkpoints"
        self.watch.mkdir(parents=True)
        self.layout = RunLayout(folder / "out")
        self.store = Store(self.layout.database)
        self.clock = FakeClock()
        self.backend = FakeBackend()
        self.snapshots = Snapshots(self.layout)
        self.episodes = EPISODES
        self.backlog_limit = 0
        self.environment = EnvironmentOptions()
        self.is_remote = False
        self.trust: Trust = "data"
        self.rom_sha256 = make_plan().rom_sha256
        self.reasons: tuple[str, ...] = ()
        #: none: the environment's own
        self.scenarios: tuple[Scenario, ...] = ()
        #: stages that make something of the whole run
        self.of_run: dict[JobKind, RunWork] = {}
        self.refused: dict[str, str] = {}
        self.room = RoomSettings()
        self.start()

    def start(self) -> None:
        """The daemon starts: what was only in memory is gone."""
        self.intake = Intake(
            settings=IntakeSettings(
                folder=self.watch,
                settle_seconds=SETTLE_SECONDS,
                network_settle_seconds=10.0,
                is_remote=lambda _: self.is_remote,
                environment=EnvironmentOptions(),
                planned=self.planned,
                trust=self.trust,
            ),
            store=self.store,
            snapshots=self.snapshots,
            clock=self.clock,
        )
        self.dispatch = Dispatch(
            settings=self.dispatch_settings(),
            products=self.products(),
            store=self.store,
            layout=self.layout,
            backend=self.backend,
            clock=self.clock,
        )
        self.letterbox = Letterbox(self.layout)
        self.upkeep = Upkeep(
            store=self.store, layout=self.layout, snapshots=self.snapshots, letterbox=self.letterbox, clock=self.clock
        )
        self.retention = Retention(settings=self.room, store=self.store, layout=self.layout, clock=self.clock)
        self.ending = Ending(
            settings=EndingSettings(folder=self.watch, ended_after_hours=24.0), store=self.store, clock=self.clock
        )
        self.commands = Commands(
            settings=CommandSettings(
                environment=EnvironmentOptions(),
                planned=self.planned,
                trust=self.trust,
                close=partial(closing.intend, self.layout),
            ),
            store=self.store,
            snapshots=self.snapshots,
            letterbox=self.letterbox,
            clock=self.clock,
        )

    def products(self) -> Products:
        return Products(
            settings=self.dispatch_settings(),
            store=self.store,
            layout=self.layout,
            clock=self.clock,
            of_run=self.of_run,
        )

    def dispatch_settings(self) -> DispatchSettings:
        return DispatchSettings(
            backlog=BacklogPolicy(backlog_limit=self.backlog_limit, keep_every=0),
            max_failures=3,
            backoff_seconds=(10.0, 60.0),
            stall_cpu_seconds=300.0,
            stall_seconds=1800.0,
            rom=Path("/roms/game.nes"),
            rom_sha256=self.rom_sha256,
            trusted_classes={},
            trust="data",
            reasons=self.reasons,
            encoding=Encoding(),
        )

    def planned(self, environment: EnvironmentOptions) -> Planned:
        plan = make_plan(episodes=self.episodes)
        scenarios = self.scenarios or (environment.scenario,)
        return Planned(
            plans=tuple(replace(plan, environment=replace(environment, scenario=scenario)) for scenario in scenarios),
            refused=self.refused,
        )

    def drop(self, name: str, content: bytes) -> Path:
        """A trainer writes a file."""
        path = self.watch / name
        path.write_bytes(content)
        return path

    def drop_step(self, step: int) -> Path:
        return self.drop(f"m_{step}_steps.zip", zip_of(step))

    def settle(self) -> None:
        """Time enough passes for what lies there to be taken in."""
        for _ in range(2):
            self.intake.scan()
            self.clock.advance(SETTLE_SECONDS + 0.01)
        self.intake.scan()

    def steps(self) -> list[int]:
        return [job.checkpoint.step for job in self.store.jobs()]

    def words(self) -> dict[str, str]:
        return {os.path.basename(file.path): file.word for file in self.store.parked()}  # noqa: PTH119 -- any name

    def tell_workers(self, **behaviour: str) -> None:
        """What workers do from now on, by kind of job; `evaluate_1000` is that of one step."""
        self.layout.work.mkdir(parents=True, exist_ok=True)
        told = {key.replace("_", " "): value for key, value in behaviour.items()}
        (self.layout.work / "behaviour.json").write_text(json.dumps(told), encoding="utf-8")

    def work(self) -> None:
        """The next job is run to its end, whatever that is."""
        assert self.dispatch.start_one()
        self.backend.work()
        self.collect()

    def collect(self) -> None:
        self.dispatch.note(self.backend.poll())
        self.dispatch.collect()
