"""Commands about how far a run is: status, report."""

from observer import app
from observer import config as configuration
from observer.adapters import jobfiles, logs
from observer.adapters.lock import FolderLock
from observer.adapters.store import Store
from observer.cli.sentences import lines
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, layout_of, out, show
from observer.config import Config
from observer.core.clock import SystemClock
from observer.core.layout import RunLayout
from observer.stages.publishing import Publishing
from observer.stages.recordings import Recordings, RecordingSettings
from observer.stages.status import standing


def status(config: ConfigOption = None, *, name: RunOption = None, as_json: JsonOption = False) -> None:
    """Say how far the work is; works while the daemon runs."""
    settings = configuration.load(config)
    layout = layout_of(settings, name)
    now = SystemClock().now()
    told = standing(layout, now=now)
    others = [section.name for section in settings.runs if section.output != layout.output]
    more = {"other runs": f"--run {', '.join(others)}"} if others else {}
    shown = jobfiles.as_written(told) if as_json else {**lines(told, now=now), **more}
    show(shown, as_json=as_json, title=str(layout.output))


def report(config: ConfigOption = None, *, name: RunOption = None) -> None:
    """Write report, metrics.csv and TensorBoard events anew from the evidence; a running daemon does so by itself."""
    settings = configuration.load(config)
    logs.configure(settings.service.log)
    layout = layout_of(settings, name)
    writers = app.writers(layout, run=name or settings.runs[0].name)
    with Store(layout.database, read_only=True):
        pass  # a run that never was gets no database by being asked about
    with FolderLock(layout.lock), Store(layout.database) as store:
        for writer in writers:
            store.advance(writer.name, 0)
        recorded = _recordings(settings, layout, store).recorded
        Publishing(store, layout, writers, clock=SystemClock(), recorded=recorded).flush()
    out.print(str(layout.report), soft_wrap=True)


def _recordings(settings: Config, layout: RunLayout, store: Store) -> Recordings:
    """What the daemon took in of the training; a report orders no films, so it asks for none."""
    asked = RecordingSettings(
        folder=layout.training,
        film_every=0,
        rom=settings.environment.rom_path,
        encoding=settings.clips.encoding(),
    )
    recordings = Recordings(settings=asked, store=store, layout=layout, clock=SystemClock())
    recordings.recall()
    return recordings
