"""The database of a run: the only SQL. Where the evidence is, what waits, what is done and how far each writer is."""

from observer.adapters.store.database import Store
from observer.adapters.store.facts import FactName

__all__ = ["FactName", "Store"]
