"""The interactive viewer: lanes, panels and a few keys, for a trace of any length.

The one insight: what is shown is a pure function of (file, selected step, width), so everything but the
drawing of finished rows is plain Python that is tested without a terminal.

`source.py` reads lines when they are looked at, `facts.py` folds in the background, `model.py` knows what
is selected and shown, `panels.py` says what stands beside and `arrange.py` where, `live.py` replays,
`branches.py` asks what if, `pairs.py` aligns two traces.  Only `app.py`, `widgets.py`, `screens.py` and
`campaign.py` know Textual.
"""
