"""The database of a run: the only SQL. Where the evidence is, what waits, what is done and how far each writer is."""

from observer.adapters.store.database import Store
from observer.adapters.store.facts import FactName
from observer.adapters.store.schema import copy_database, is_damage, set_aside
from observer.adapters.store.totals import UNAVAILABLE

__all__ = ["UNAVAILABLE", "FactName", "Store", "copy_database", "is_damage", "set_aside"]
