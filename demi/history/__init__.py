"""Histories: what clients asked and were told, and whether one order of operations explains it.

Not here: holding the system, choosing its steps; a history is all these modules know of it.
"""
