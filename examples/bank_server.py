"""A branch of a bank: a threaded TCP server, as anybody would write it; it knows nothing of demi."""

import os
import socket
import socketserver
import threading

PORT = 700
LOCKS = os.environ.get("BANK_LOCKS", "none")
LOCK = threading.Lock()
BALANCE = [100]


class Handler(socketserver.StreamRequestHandler):
    """Another branch says `add N`."""

    def handle(self):
        for line in self.rfile:
            with LOCK:
                BALANCE[0] += int(line.split()[1])
            self.wfile.write(b"ok\n")


def transfer(peer, amount):
    """Give money to another branch."""
    if LOCKS == "held":  # two transfers that cross wait for each other
        with LOCK:
            tell(peer, amount)
            BALANCE[0] -= amount
    elif LOCKS == "none":  # what is added meanwhile is lost
        before = BALANCE[0]
        tell(peer, amount)
        BALANCE[0] = before - amount
    else:
        with LOCK:
            BALANCE[0] -= amount
        tell(peer, amount)


def tell(peer, amount):
    with socket.create_connection((peer, PORT)) as connection:
        connection.sendall(b"add %d\n" % amount)
        connection.makefile("rb").readline()


def serve():
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("", PORT), Handler) as server:
        server.serve_forever(poll_interval=None)
