"""What a game came to so far for the agent: viruses, cells, combos, capsules, rounds. Pure; read off the RAM, look by look."""

from dataclasses import dataclass, replace

from env.game import (
    ALONE,
    CELLS_MATCHED,
    MATCHES,
    VIRUSES_LEFT,
    WINS,
    Seats,
    Verdict,
    capsule_count,
    decimal,
    is_over,
    is_topped_out,
    verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a game came to so far for the agent; `after` carries it over a look at the RAM."""

    at: Seats
    #: the RAM as last seen, for rewards that read more than is counted here
    ram: bytes
    #: of this round
    viruses_left: int
    #: the counters as last seen, to notice their next change
    cells_seen: int
    capsules_seen: int
    #: of all rounds
    viruses_cleared: int = 0
    cells_cleared: int = 0
    #: given to the player, with the one in hand
    capsules: int = 1
    #: most matches made by one capsule
    max_combo: int = 0
    #: of this round; None while it is not decided
    verdict: Verdict | None = None
    topped_out: bool = False
    #: crowns
    rounds_won: int = 0
    rounds_lost: int = 0

    @classmethod
    def start(cls, ram: bytes, at: Seats = ALONE) -> "Tally":
        """The tally of a game whose first capsule can now be steered."""
        own = at.own
        return cls(
            at=at,
            ram=ram,
            viruses_left=decimal(ram[own.at(VIRUSES_LEFT)]),
            cells_seen=ram[own.at(CELLS_MATCHED)],
            capsules_seen=capsule_count(ram, own),
        )

    @property
    def won(self) -> bool:
        return self.verdict == "win"

    @property
    def lost(self) -> bool:
        return self.verdict == "loss"

    def after(self, ram: bytes) -> "Tally":
        """The tally after some frames; at most one capsule may have been resolved in them."""
        own = self.at.own
        cells, left = ram[own.at(CELLS_MATCHED)], decimal(ram[own.at(VIRUSES_LEFT)])
        capsules, matches = capsule_count(ram, own), ram[own.at(MATCHES)]
        seen = (self.cells_seen, self.viruses_left, self.capsules_seen)
        if (cells, left, capsules) == seen and matches <= self.max_combo and not is_over(ram, self.at):
            return replace(self, ram=ram)
        # the counter of matched cells starts again with every capsule
        grown = cells - self.cells_seen if cells >= self.cells_seen else cells
        return replace(
            self,
            ram=ram,
            viruses_left=left,
            cells_seen=cells,
            capsules_seen=capsules,
            viruses_cleared=self.viruses_cleared + self.viruses_left - left,
            cells_cleared=self.cells_cleared + grown,
            capsules=self.capsules + capsules - self.capsules_seen,
            max_combo=max(self.max_combo, matches),
            verdict=verdict(ram, self.at),
            topped_out=is_topped_out(ram, own),
        )

    def crowned(self, ram: bytes) -> "Tally":
        """The tally when the crowns of the round are given."""
        rival = self.at.rival
        lost = 0 if rival is None else ram[rival.at(WINS)]
        return replace(self, ram=ram, rounds_won=ram[self.at.own.at(WINS)], rounds_lost=lost)

    def next_round(self, ram: bytes) -> "Tally":
        """The tally when the first capsule of another round can be steered."""
        begun = Tally.start(ram, self.at)
        return replace(
            self,
            ram=ram,
            viruses_left=begun.viruses_left,
            cells_seen=begun.cells_seen,
            capsules_seen=begun.capsules_seen,
            capsules=self.capsules + 1,
            verdict=None,
            topped_out=False,
        )
