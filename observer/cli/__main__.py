"""`python -m observer.cli`: the same as the `observer` command."""

from observer.cli import main

if __name__ == "__main__":
    main()
