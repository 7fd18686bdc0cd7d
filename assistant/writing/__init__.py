"""Answers that a chat model writes: asking it, following its marks, checking what it says."""
