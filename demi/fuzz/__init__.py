"""Fuzzing: programs of external events, many seeds, first violation kept."""
