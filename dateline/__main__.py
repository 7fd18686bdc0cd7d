"""`python -m dateline` is the command `dateline`."""

from assistant.cli import main

if __name__ == "__main__":
    main()
