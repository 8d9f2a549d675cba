"""Threads and blocking sockets, held: several nodes in one process under virtual time.

`Program` says what a node runs, `Kernel` runs threads as greenlets, `Net` carries what they send.
"""
