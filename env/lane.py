"""One emulator playing one game after another: its episode, its tally, its replay.

Both environments stand on it, so a game in a vector is the very game it would be alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np

from env.actions import ACTIONS, Mask, Pads
from env.boot import StartStates
from env.duel import Rival, Stream, merged
from env.emulator import Emulator
from env.errors import EnvError
from env.game import GAME_SEEDS, Verdict, match_verdict, seats
from env.moments import Moments
from env.observation import OBSERVATIONS, Planes
from env.opponent import OPPONENTS, OWN_SETS, Opponent
from env.options import ActionsName, EnvironmentOptions, ObservationName, OptionsError, Scenario
from env.play import Play
from env.replay import Recorder, Replay
from env.replay import to_bytes as replay_bytes
from env.reward import REWARDS
from env.rounds import crowns, next_round
from env.savestate import ram as ram_of_state
from env.tally import Tally
from env.wire import PAD_BYTES

DEFAULT_FRAME_LIMIT: Final = 8_000
#: Random numbers are drawn per game and purpose, keyed (seed, stream).
OPPONENT_STREAM: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSettings:
    """How games are played, whatever their seeds.

    Raises:
        OptionsError: an opponent without another side to play.
    """

    options: EnvironmentOptions = field(default_factory=EnvironmentOptions)
    #: NES frames of play after which a game is truncated, looked at after each step; waits between rounds do not count
    frame_limit: int = DEFAULT_FRAME_LIMIT
    #: capsules played after which a game is truncated
    capsule_limit: int | None = None
    #: whether a finished episode's info carries its replay
    record: bool = True
    #: makes who plays the other side in mode 2p, once for each lane; None: the one that the options name. Where one is
    #: given, `metadata` is to say who it is
    opponent: Callable[[], Opponent] | None = None
    #: observation and actions of the other side; None: the agent's. An opponent with sets of its own keeps to them
    opponent_sets: tuple[ObservationName, ActionsName] | None = None
    #: of the software that plays, and what a caller adds: both go into every replay as they are
    versions: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mode = self.options.scenario.mode
        if self.opponent is not None and mode != "2p":
            raise OptionsError(f"opponent: one plays in mode 2p alone; leave it out in mode {mode}")
        if self.opponent is None and self.options.opponent not in OPPONENTS:
            raise OptionsError(
                "opponent: checkpoint does not say which; choose noop, random or scripted, or evaluate with --opponent FILE"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of the agent came to; the fields are Gymnasium's."""

    observation: Planes
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A finished game, as those are told who listen."""

    #: the episode record
    record: Mapping[str, Any]
    #: steps that the lane has done since it was made, this game's included
    steps: int
    #: None where no listener asked for it
    replay: Replay | None


class Lane:
    """Plays games in one emulator, which is started for the first game and again where it has died."""

    def __init__(self, starts: StartStates, settings: GameSettings) -> None:
        self.emulator = Emulator(starts.cartridge.path)
        #: whether the game has ended, broke off, or none was begun
        self.is_over = True
        self._starts = starts
        self._settings = settings
        self._actions = ACTIONS[settings.options.actions]
        self._observe = OBSERVATIONS[settings.options.observation]
        self._reward = REWARDS[settings.options.reward]
        scenario = settings.options.scenario
        self._take_seat(scenario)
        self._is_match = scenario.length == "match"
        self._opponent = _opponent(settings) if scenario.mode == "2p" else None
        self._rival: Rival | None = None
        self._rival_pads: Stream | None = None
        self._recorder: Recorder | None = None
        self._seed = self._steps = self._frames = self._replay_frames = 0
        self._all_steps = 0
        self._total_reward = 0.0
        self._moments = Moments()
        self._listeners: list[Callable[[Ended], None]] = []
        self._is_recorded = settings.record

    def listen(self, listener: Callable[[Ended], None], *, with_replay: bool) -> None:
        """Have every game told that ends from the next reset on."""
        self._listeners.append(listener)
        self._is_recorded |= with_replay

    def _take_seat(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._at = seats(scenario.player, has_rival=scenario.has_rival)

    def ready(self) -> Emulator:
        """The emulator, running.

        Raises:
            RomError, EmulatorError: it does not start.
        """
        if not self.emulator.is_alive():
            self.emulator.close()
            self.emulator = Emulator(self._starts.cartridge.path)
            self.emulator.start()
        return self.emulator

    def begin(self, seed: int) -> Play[tuple[Planes, dict[str, Any]]]:
        """Reset to a game; the lane is to be `ready`.

        Args:
            seed: taken modulo 32,767.

        Returns:
            The first observation, and the info `seed`.
        """
        self.is_over = True  # until it has begun
        self._seed, self._steps, self._frames, self._total_reward = seed % GAME_SEEDS, 0, 0, 0.0
        self._take_seat(self._settings.options.scenario.of_game(self._seed))
        state = yield from self._starts.begin(self.emulator, self._scenario, seed=self._seed)
        self._ram = ram_of_state(state)
        self._tally = Tally.start(self._ram, self._at)
        self._replay_frames, self._moments = 0, Moments()
        self._rival = self._new_rival()
        self._begin_round()
        self._recorder = self._new_recorder(state) if self._is_recorded else None
        self.is_over = False
        return self._observe(self._ram, self._at), {"seed": self._seed}

    def step(self, action: int) -> Play[Step]:
        """Carry out one action.

        Raises:
            EnvError: the game is over; reset first.
            ValueError: the action is not one of the action set.
        """
        if self.is_over:
            raise EnvError("the game is over: reset the environment before the next step")
        self.check(action)
        self.is_over = True  # a step that breaks off leaves a game that cannot go on
        before = self._tally
        yield from self._recorded(self._pads(action), is_play=True)
        reward = self._reward(before, self._tally)
        self._steps += 1
        self._all_steps += 1
        self._total_reward += reward
        if self._is_match and self._tally.verdict is not None:
            yield from self._after_round()
        return self._finished(reward)

    def check(self, action: int) -> None:
        """Refuse an action that the action set has not.

        Raises:
            ValueError: it names the action.
        """
        if not 0 <= action < self._actions.count:
            raise ValueError(f"action {action} is not one of 0 to {self._actions.count - 1}")

    def mask(self) -> Mask:
        """(actions,) bool: which actions are possible now; all where no game is played."""
        if self.is_over:
            return np.ones(self._actions.count, np.bool_)
        return self._actions.mask(self._ram, self._at)

    def close(self) -> None:
        self.emulator.close()

    def _pads(self, action: int) -> Pads:
        """An action's pads, with the rival's beside them."""
        pads = self._actions.pads(action, self._ram, self._settings.options.frame_skip, self._at)
        return pads if self._rival_pads is None else merged(pads, self._rival_pads, self._ram, self._at)

    def _recorded(self, pads: Pads, *, is_play: bool) -> Play[None]:
        """Carry out pads while the replay, and in play the tally, follow every exchange."""
        try:
            chunk = next(pads)
            while True:
                ram = yield chunk
                self._ram = ram
                if self._recorder is not None:
                    self._recorder.add(chunk, ram)
                self._replay_frames += len(chunk) // PAD_BYTES
                if is_play:
                    self._frames += len(chunk) // PAD_BYTES
                    self._look(ram)
                chunk = pads.send(ram)
        except StopIteration:
            return

    def _look(self, ram: bytes) -> None:
        tally = self._tally.after(ram)
        if tally is not self._tally:
            self._moments = self._moments.after(self._tally, tally, ram=ram, frame=self._replay_frames)
            self._tally = tally

    def _after_round(self) -> Play[None]:
        """To the crowns of a round of a match, and to the next round where the game goes on."""
        yield from self._recorded(crowns(self._ram, self._at), is_play=False)
        self._tally = self._tally.crowned(self._ram)
        if self._verdict() is None and not self._is_out_of_time():
            yield from self._recorded(next_round(self._ram, self._at), is_play=False)
            self._tally = self._tally.next_round(self._ram)
            self._begin_round()

    def _begin_round(self) -> None:
        """The rival looks anew; what it had in mind when the last round ended is past."""
        self._rival_pads = None if self._rival is None else Stream(self._rival.pads(self._ram))

    def _new_rival(self) -> Rival | None:
        """Who plays the other side of this game."""
        if self._opponent is None:
            return None
        options = self._settings.options
        own = OWN_SETS.get(options.opponent) if self._settings.opponent is None else None
        observation, actions = own or self._settings.opponent_sets or (options.observation, options.actions)
        return Rival(
            opponent=self._opponent,
            at=self._at.across(),
            observe=OBSERVATIONS[observation],
            actions=ACTIONS[actions],
            frame_skip=options.frame_skip,
            generator=np.random.Generator(np.random.Philox(key=[self._seed, OPPONENT_STREAM])),
        )

    def _verdict(self) -> Verdict | None:
        """How the game ended; None while it is not decided."""
        if self._is_match and self._tally.verdict is not None:
            return match_verdict(self._ram, self._at)
        return self._tally.verdict

    def _is_out_of_time(self) -> bool:
        limit = self._settings.capsule_limit
        return self._frames >= self._settings.frame_limit or (limit is not None and self._tally.capsules > limit)

    def _finished(self, reward: float) -> Step:
        verdict = self._verdict()
        truncated = verdict is None and self._is_out_of_time()
        self.is_over = verdict is not None or truncated
        return Step(
            observation=self._observe(self._ram, self._at),
            reward=reward,
            terminated=verdict is not None,
            truncated=truncated,
            info=self._episode(verdict or "timeout") if self.is_over else {},
        )

    def _episode(self, outcome: str) -> dict[str, Any]:
        """The episode record, and the replay where one is kept."""
        tally = self._tally
        record: dict[str, Any] = {
            "seed": self._seed,
            "outcome": outcome,
            "won": outcome == "win",
            "topped_out": tally.topped_out,
            "viruses_cleared": tally.viruses_cleared,
            "max_combo": tally.max_combo,
            "capsules": tally.capsules,
            "episode_length": self._steps,
            "frames": self._frames,
            "total_reward": round(self._total_reward, 6),
        }
        if self._is_match:
            record |= {"rounds_won": tally.rounds_won, "rounds_lost": tally.rounds_lost}
        replay = self._replay({**record, **asdict(self._moments)})
        for listener in self._listeners:
            listener(Ended(record=record, steps=self._all_steps, replay=replay))
        return {**record, "replay": replay_bytes(replay)} if replay and self._settings.record else record

    def _replay(self, record: Mapping[str, Any]) -> Replay | None:
        return None if self._recorder is None else self._recorder.finish(self._ram, record)

    def _new_recorder(self, state: bytes) -> Recorder:
        settings = self._settings
        options = asdict(replace(settings.options, scenario=self._scenario))
        limits = {"frame_limit": settings.frame_limit, "capsule_limit": settings.capsule_limit}
        blank = Replay(
            rom_sha256=self._starts.cartridge.sha256,
            scenario=options.pop("scenario"),
            seed=self._seed,
            options={**options, **limits},
            versions=settings.versions,
            metadata=settings.metadata,
            start_state=state,
        )
        recorder = Recorder()
        recorder.start(blank)
        return recorder


def _opponent(settings: GameSettings) -> Opponent:
    make = settings.opponent or OPPONENTS[settings.options.opponent]
    return make()
