"""Who chooses: the run loop, the strategies, replay and recording."""
