"""Kinds of threaded code that users have: run by name on the stand-ins, what they compute is in OUT."""

import asyncio
import concurrent.futures
import http.client
import http.server
import json
import queue
import sched
import socket
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.request
import xmlrpc.client
import xmlrpc.server
from typing import Any

OUT: list[Any] = []


def pool(name: str) -> None:
    """Workers that take jobs from a queue."""
    jobs: Any = queue.Queue()
    done: Any = queue.Queue()

    def work() -> None:
        while (n := jobs.get()) is not None:
            time.sleep(0.01 * n)
            done.put(n * n)
            jobs.task_done()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(6):
        jobs.put(n)
    jobs.join()
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()
    OUT.append(sorted(done.get_nowait() for _ in range(6)))


def futures(name: str) -> None:
    """An executor, with a result that comes too late."""
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        begun = [executor.submit(pow, n, 2) for n in range(5)]
        OUT.append(sorted(one.result() for one in concurrent.futures.as_completed(begun)))
        OUT.append(list(executor.map(abs, [-1, 2, -3])))
        try:
            executor.submit(time.sleep, 5).result(timeout=1)
        except concurrent.futures.TimeoutError:
            OUT.append("late")


def tools(name: str) -> None:
    """Barrier, condition, timer, semaphore, scheduler, event, join."""
    barrier, condition = threading.Barrier(3), threading.Condition()
    box: list[Any] = []

    def one(i: int) -> None:
        barrier.wait()
        with condition:
            box.append(i)
            condition.notify_all()

    for i in range(3):
        threading.Thread(target=one, args=(i,)).start()
    with condition:
        OUT.append(condition.wait_for(lambda: len(box) == 3, timeout=5))
    timer = threading.Timer(2, box.append, ("timer",))
    timer.start()
    timer.join()
    semaphore = threading.BoundedSemaphore(1)
    with semaphore:
        OUT.append(semaphore.acquire(timeout=0.5))
    plan = sched.scheduler(time.monotonic, time.sleep)
    plan.enter(2, 1, box.append, ("b",))
    plan.enter(1, 1, box.append, ("a",))
    plan.run()
    OUT.append(box[3:])
    event = threading.Event()
    OUT.append(event.wait(0.2))
    thread = threading.Thread(target=event.wait)
    thread.start()
    thread.join(0.1)
    OUT.append(thread.is_alive())
    event.set()
    thread.join()
    OUT.append(thread.is_alive())


class Upper(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


def tcp(name: str) -> None:
    """A threading server, started and shut down."""
    server = socketserver.ThreadingTCPServer(("", 7), Upper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(("localhost", 7)) as connection:
        connection.sendall(b"hello\n")
        OUT.append(connection.makefile().readline())
    server.shutdown()
    server.server_close()
    OUT.append("down")


def rpc(name: str) -> None:
    """XML-RPC over HTTP."""
    server = xmlrpc.server.SimpleXMLRPCServer(("", 8), logRequests=False)
    server.register_function(lambda a, b: a + b, "add")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    OUT.append(xmlrpc.client.ServerProxy(f"http://{name}:8/").add(2, 3))


def udp(name: str) -> None:
    """Datagrams, and the default timeout."""
    socket.setdefaulttimeout(1)
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("", 9))
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (name, 9))
    OUT.append(here.recvfrom(10)[0])
    try:
        here.recv(1)
    except TimeoutError:
        OUT.append("late")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.send_error(404)


def web(name: str) -> None:
    """Keep-alive, an error, a name that nobody has."""
    server = http.server.ThreadingHTTPServer(("", 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = http.client.HTTPConnection(name, timeout=3)
    for i in range(2):
        client.request("POST", "/", json.dumps(i))
        OUT.append(client.getresponse().read())
    for url in (f"http://{name}/", f"http://{name}:81/", "http://nowhere/"):
        try:
            urllib.request.urlopen(url)
        except urllib.error.HTTPError as error:
            OUT.append(error.code)
        except urllib.error.URLError as error:
            OUT.append(type(error.reason).__name__)


def aio(name: str) -> None:
    """An event loop in a thread."""

    async def rest() -> int:
        await asyncio.sleep(1)
        return 5

    OUT.append(asyncio.run(rest()))


def prints(name: str) -> None:
    """What is written after a while, whole lines and a part of one."""
    time.sleep(1)
    print("to", "stdout")
    sys.stderr.write("one\ntwo\nthree")
    sys.stdout.buffer.write(b"bytes\n")
    OUT.append("written")


class Named(threading.local):
    def __init__(self, name: str) -> None:
        self.name = name


MINE = threading.local()
MINE.word = "import"


def local(name: str) -> None:
    """Each thread has its own, the main thread what it had while importing, and no run another's."""
    named = Named("fresh")

    def other() -> None:
        OUT.append((hasattr(MINE, "word"), named.name))
        MINE.word = named.name = "other"
        time.sleep(1)
        OUT.append((MINE.word, named.name, sorted(vars(MINE))))

    OUT.append(MINE.word)
    MINE.word = "main"
    thread = threading.Thread(target=other)
    thread.start()
    thread.join(0.5)
    OUT.append((MINE.word, named.name, thread.is_alive()))
    thread.join()
    OUT.append(thread.is_alive())
