"""The line a checkpoint travels, a module a step: intake, dispatch, evaluation, publishing, rendering; upkeep beside it."""
