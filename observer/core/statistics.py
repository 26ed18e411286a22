"""What the games of an evaluation come to, each figure with its 95% interval.

Pure, and the same figures on every machine: resampling has a fixed seed, and results keep nine digits. numpy and
the standard library suffice; scipy.stats would add a second and 75 MB to the daemon, which compares checkpoints.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from observer.core.models import Episode, Estimate, Outcome, Summary

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.975)
_RESAMPLES = 4000
_RESAMPLING_SEED = 20077


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")


def _estimate(value: float, low: float, high: float, *, n: int) -> Estimate:
    return Estimate(value=_rounded(value), low=_rounded(min(low, value)), high=_rounded(max(high, value)), n=n)


def wilson(wins: int, n: int) -> Estimate:
    """The share `wins / n` with Wilson's 95% interval.

    It stays within 0..1 and is honest at 0 and 100%, where the textbook interval collapses to a point.

    Raises:
        ValueError: no games, or not 0 <= wins <= n.
    """
    if n < 1 or not 0 <= wins <= n:
        raise ValueError(f"{wins} of {n} is not a share of games")
    share, spread = wins / n, _Z * _Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return _estimate(share, max(0.0, middle - half), min(1.0, middle + half), n=n)


def _t_quantile(freedom: int) -> float:
    """Student's 97.5% quantile by Cornish-Fisher; within 0.5% from 4 degrees of freedom on."""
    z, v = _Z, freedom
    first = (z**3 + z) / (4 * v)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    return z + first + second + third


def _bca_levels(values: npt.NDArray[np.float64], means: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Which quantiles of the resampled means bound the interval: bias-corrected, accelerated, widened."""
    n, centre = len(values), float(values.mean())
    below = (np.count_nonzero(means < centre) + 0.5 * np.count_nonzero(means == centre)) / len(means)
    bias = _NORMAL.inv_cdf(min(max(float(below), 1 / len(means)), 1 - 1 / len(means)))
    off = (values - centre) / (values[-1] - values[0])
    acceleration = float((off**3).sum() / (6 * (off**2).sum() ** 1.5))
    reach = _t_quantile(n - 1) * sqrt(n / (n - 1))
    low, high = (_NORMAL.cdf(bias + (bias + z) / max(1 - acceleration * (bias + z), 0.1)) for z in (-reach, reach))
    return low, high


def mean(samples: Sequence[float]) -> Estimate:
    """The mean with a 95% bootstrap interval (BCa, widened for small samples).

    Games are few, skewed (time-outs, long games) and discrete. Of t, plain BCa and BCa with the quantiles of
    Student's t and the factor n / (n - 1) in the variance, the last came nearest to 95% over binomial, exponential,
    log-normal and mixed data of 5, 10, 20 and 100 games, and it never leaves the range of what was seen. Where all
    values are equal the interval is that one value: the sample tells nothing about its spread.

    Raises:
        ValueError: no samples.
    """
    if not samples:
        raise ValueError("a mean needs at least one game")
    values = np.sort(np.asarray(samples, dtype=np.float64))
    first, last = float(values[0]), float(values[-1])
    if first == last:
        return _estimate(first, first, first, n=len(values))
    generator = np.random.Generator(np.random.PCG64(_RESAMPLING_SEED))
    means = values[generator.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, _bca_levels(values, means))
    return _estimate(min(max(float(values.mean()), first), last), float(low), float(high), n=len(values))


def summarise(episodes: Sequence[Episode]) -> Summary:
    """The figures of one evaluation.

    Raises:
        ValueError: no episodes.
    """
    ended = Counter(episode.outcome for episode in episodes)
    return Summary(
        episodes=len(episodes),
        wins=ended[Outcome.WIN],
        losses=ended[Outcome.LOSS],
        draws=ended[Outcome.DRAW],
        topped_out=sum(episode.topped_out for episode in episodes),
        timeouts=ended[Outcome.TIMEOUT],
        win_rate=wilson(ended[Outcome.WIN], len(episodes)),
        viruses_cleared=mean([episode.viruses_cleared for episode in episodes]),
        episode_length=mean([episode.episode_length for episode in episodes]),
        total_reward=mean([episode.total_reward for episode in episodes]),
        max_combo=mean([episode.max_combo for episode in episodes]),
        frames=mean([episode.frames for episode in episodes]),
        capsules=mean([episode.capsules for episode in episodes]),
    )


def paired_difference(earlier: Mapping[int, bool], later: Mapping[int, bool]) -> Estimate:
    """How much more of the same seeds is won later than earlier, as a share in -1..1.

    Both say of each seed whether it was won; what only one has played is left out. The interval is Agresti and
    Min's (2005): half a game is added to each of the four cells, so that it does not collapse where no game changed.

    Raises:
        ValueError: they have no seed in common.
    """
    common = earlier.keys() & later.keys()
    if not common:
        raise ValueError("the two evaluations have no seed in common")
    gained = sum(later[seed] and not earlier[seed] for seed in common)
    lost = sum(earlier[seed] and not later[seed] for seed in common)
    n, change = len(common), gained - lost
    half = _Z * sqrt(gained + lost + 1 - change**2 / (n + 2)) / (n + 2)
    middle = change / (n + 2)
    return _estimate(change / n, max(-1.0, middle - half), min(1.0, middle + half), n=n)
