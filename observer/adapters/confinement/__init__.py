"""A process that gives up what it does not need: files, network, and power over other processes.

Owns what the kernel is asked for, best first, and the words for what it gave. Refuses to know jobs: what must stay
open is the caller's to say. Nothing that was given up comes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from observer.adapters.confinement import landlock, network, privileges, syscalls
from observer.adapters.confinement.landlock import Support

__all__ = ["Confined", "Needs", "Support", "confine", "support"]

Network = Literal["loopback", "ports", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What stays open; a path that does not exist is passed over."""

    #: files, and folders with all that is below them
    reads: Iterable[Path]
    #: programs, and folders of them; they may be read too
    executes: Iterable[Path]
    #: folders in which anything may be made, changed and removed, but no links, sockets or devices
    writes: Iterable[Path]
    #: device files to be read and written
    devices: Iterable[Path] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """What came of it."""

    landlock: Support
    #: loopback: nothing leads out; ports: TCP to the ports of short-lived servers only; open: not limited
    network: Network
    #: sockets other than IPv4's, and calls that reach into other processes, are refused
    filters_calls: bool

    @property
    def problem(self) -> str:
        """Why it is less than it should be; empty where it is whole."""
        problems = [self.landlock.problem]
        if self.network != "loopback":
            problems.append("the network could not be cut off")
        if not self.filters_calls:
            problems.append("system calls could not be filtered")
        return "; ".join(filter(None, problems))

    def __str__(self) -> str:
        """For the provenance of a result, such as `landlock 7, network loopback, calls filtered`."""
        files = f"landlock {self.landlock.abi}" if self.landlock.abi else "no landlock"
        return f"{files}, network {self.network}, calls {'filtered' if self.filters_calls else 'open'}"


def support() -> Support:
    """What this kernel and this process's own confinement allow of Landlock, without using it."""
    return landlock.support()


def confine(needs: Needs) -> Confined:
    """Confine this process and all that it starts from now on, for ever and as far as the kernel can.

    To be called while the process has one thread: a thread that runs already would stay free.

    Raises:
        RuntimeError: it has more than one.
        OSError: the kernel took back what it had offered.
    """
    threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    if threads != 1:
        raise RuntimeError(f"{threads} threads run already, and only this one would be confined")
    has_left = network.leave()
    privileges.give_up()
    offered = landlock.support()
    if offered.abi:
        landlock.restrict(
            needs.reads, executes=needs.executes, writes=needs.writes, devices=needs.devices, abi=offered.abi
        )
        if not has_left:
            landlock.restrict_ports(network.short_lived_ports(), abi=offered.abi)
    limited: Network = "ports" if offered.abi >= landlock.NETWORK_ABI else "open"
    reach = limited if not has_left and network.leads_out() else "loopback"
    return Confined(landlock=offered, network=reach, filters_calls=syscalls.refuse_dangerous())
