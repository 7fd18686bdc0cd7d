"""One file per benchmark, one command per number; the figures are in results.md."""
