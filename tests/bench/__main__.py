"""`./run bench [lockstep|evaluation|rendering|recording|disturbance]`: figures as one JSON object; without a word, the first three."""

import argparse
import json

from bench import disturbance, evaluation, lockstep, recording, rendering

from env.stand_in import stand_in_rom


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("lockstep", "evaluation", "rendering", "recording", "disturbance"))
    parser.add_argument("--seconds", type=float, default=2.0, help="of every lockstep case in every turn, at least")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--games", type=int, default=64, help="of the evaluation")
    parser.add_argument("--frames", type=int, default=40_000, help="of every lane of the recording")
    parser.add_argument("--way", action="append", choices=disturbance.WAYS, help="of the disturbance; may be repeated")
    parser.add_argument("--trainer", action="append", choices=tuple(disturbance.THREADS), help="the same")
    parser.add_argument(
        "--stretch", type=float, default=20.0, help="seconds with, and without, the observer, in every pair"
    )
    options = parser.parse_args()
    found: dict[str, object] = {}
    if options.what in {None, "lockstep"}:
        found["lockstep"] = lockstep.measure(stand_in_rom(), seconds=options.seconds, repeats=options.repeats)
    if options.what in {None, "evaluation"}:
        found["evaluation"] = evaluation.measure(games=options.games)
    if options.what in {None, "rendering"}:
        found["rendering"] = rendering.measure(repeats=options.repeats)
    if options.what == "recording":
        found["recording"] = [
            recording.measure(frames=options.frames, actions=actions) for actions in ("pad", "placement")
        ]
    if options.what == "disturbance":
        found["disturbance"] = disturbance.measure(
            ways=options.way or disturbance.USUAL_WAYS,
            threads=options.trainer or tuple(disturbance.THREADS),
            pairs=options.repeats,
            seconds=options.stretch,
        )
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
