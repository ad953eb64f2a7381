"""Nouns and pure rules: runs, states, outcomes, retries, errors. No I/O; imports nothing else of the package."""
