"""A simulated network: switches, hosts, links; no I/O, no clock, no choice of its own."""
