"""The command line: the only place that reads configuration, finds targets and talks to people."""
