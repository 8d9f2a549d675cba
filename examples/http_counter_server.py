"""A counter behind `http.server`, and a client that reads it, adds one and writes it back.

An ordinary program: it knows nothing of demi.
"""

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNT = [0]
ADDED = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(COUNT[0])

    def do_PUT(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if os.environ.get("CHECKED") and said["was"] != COUNT[0]:
            self.send_error(409)
            return
        COUNT[0] = said["count"]
        self.answer(COUNT[0])

    def answer(self, count):
        body = json.dumps({"count": count}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve():
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()


def idle():
    threading.Event().wait()


def add(url):
    """Add one; again, if somebody else was faster."""
    while True:
        with urllib.request.urlopen(url) as answer:
            was = json.load(answer)["count"]
        body = json.dumps({"was": was, "count": was + 1}).encode()
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).close()
        except urllib.error.HTTPError:
            continue
        ADDED.append(was)
        return
