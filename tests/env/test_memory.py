from env.emulator import Emulator
from env.memory import ProcessMemory, find_ram


def test_the_ram_is_found_without_knowing_the_build(emulator: Emulator) -> None:
    """As on another build of Mednafen: every candidate by content, told apart by stepping."""
    memory = _Unhinted(emulator.pid)
    memory.open()
    try:
        address = find_ram(memory, emulator)
        assert address is not None
        assert ProcessMemory.read(memory, address, 2048) == emulator.read_ram()
        assert memory.searched
    finally:
        memory.close()


class _Unhinted(ProcessMemory):
    """A process whose RAM is not where the hint says, until the search has found it."""

    searched = False

    def read(self, address: int, size: int) -> bytes:
        return super().read(address, size) if self.searched else b""

    def search(self, pattern: bytes, *, limit: int) -> list[int]:
        self.searched = True
        return super().search(pattern, limit=limit)
