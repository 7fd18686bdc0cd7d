"""One file a benchmark, one command a number; the figures are in results.md."""
