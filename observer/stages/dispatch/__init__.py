"""From the queue to committed results: choose, claim, write JOB_DIR, start a worker, collect, commit."""

from observer.stages.dispatch.products import Products, RunWork
from observer.stages.dispatch.queue import Dispatch
from observer.stages.dispatch.settings import DispatchSettings

__all__ = ["Dispatch", "DispatchSettings", "Products", "RunWork"]
