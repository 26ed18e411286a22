"""The database of a run: the only SQL. Where the evidence is, what waits, what is done and how far each writer is."""

from observer.adapters.store.database import Store
from observer.adapters.store.facts import FactName
from observer.adapters.store.schema import is_damage, set_aside

__all__ = ["FactName", "Store", "is_damage", "set_aside"]
