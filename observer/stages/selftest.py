"""The self-test of the measurement, as a worker does it. Imported by the worker alone; the tests are `env.trial`."""

from pathlib import Path

from env import trial
from env.cartridge import Cartridge
from observer.core.clock import Clock
from observer.core.selftest import SelfTestRequest, SelfTestResult


def run_self_test(request: SelfTestRequest, *, clock: Clock) -> SelfTestResult:
    """Play what shows whether games can be compared.

    Raises:
        NotComparable: they cannot; nothing may be evaluated.
        EnvError: the ROM cannot be used, or the emulator failed.
    """
    cartridge = Cartridge.read(Path(request.rom))
    cartridge.require(request.rom_sha256)
    tried = trial.check(cartridge, request.scenario)
    return SelfTestResult(subject=request.subject, games=tried.games, frames=tried.frames, tested_at=clock.now())
