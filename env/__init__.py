"""The game as an environment: Mednafen in lockstep, replays, and the Gymnasium classes that stand on them."""
