"""Systematic exploration."""
