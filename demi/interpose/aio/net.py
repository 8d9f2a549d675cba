"""What is in flight between hosts: one queue per direction of a connection, a bag per pair for datagrams.

The one insight: TCP orders each direction of each connection and nothing else, so two connections of one
pair of hosts are two lanes whose heads are enabled side by side.

An event is `(DELIVER, dst, src, lane << 20 | n)`.  Connections are numbered per ordered pair of who opened
them, so that two hosts may connect to each other in any order: the k-th that src opened has lane 2k - 1 on
its way out and 2k on the way back.  Lane 0 is the pair's datagrams, which arrive in any order.  The model
is called `streams`.  Not here: what a message does when it arrives (`streams.py`, `udp.py`).
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import Any, NamedTuple

from demi.events import Event, Kind
from demi.interpose.aio.host import HOST, Stuck
from demi.interpose.channels import remove_sorted
from demi.interpose.world import Step

DELIVER = int(Kind.DELIVER)
LANE_BITS = 20
MODEL = "streams"
PENDING_MAX = 100_000  # messages in flight: more is a program that sends for ever


class Packet(NamedTuple):
    """One message.  op: what arriving does.  call: the causal id of the request it belongs to.
    kind: request, response or empty.

    read: the parser of `data` for people and fingerprints; None shows the bytes.
    """

    op: str
    label: str
    data: bytes = b""
    call: str = ""
    kind: str = ""
    read: Any = None
    args: Any = None


class Lane:
    """One direction.  begin, end: the stream ends that send and receive.  holds: why it may not deliver.

    deaf: nobody reads what is sent.  pair: all that is in flight between the two hosts.
    """

    __slots__ = ("begin", "deaf", "dst", "end", "holds", "number", "pair", "queue", "sent", "src")

    def __init__(self, src: int, dst: int, number: int, pair: dict[Event, None]) -> None:
        self.src = src
        self.dst = dst
        self.number = number
        self.pair = pair
        self.sent = 0
        self.queue: deque[Event] = deque()
        self.holds: set[str] = set()
        self.begin: Any = None
        self.end: Any = None
        self.deaf = False


class Net:
    """The network of a run.  enabled: the world's sorted list, kept up to date.  cut: directions.

    flight: what is in flight, by its delivery.
    """

    __slots__ = ("_enabled", "_lanes", "_opened", "_pairs", "cut", "flight", "held", "step")

    def __init__(self, enabled: list[Event]) -> None:
        self._enabled = enabled
        self.flight: dict[Event, Packet] = {}
        self._pairs: dict[tuple[int, int], dict[Event, None]] = {}
        self._lanes: dict[tuple[int, int, int], Lane] = {}
        self._opened: dict[tuple[int, int], int] = {}
        self.cut: set[tuple[int, int]] = set()
        self.held: set[tuple[int, int]] = set()
        self.step: Step = Step((0, 0, 0, 0))

    def connection(self, src: int, dst: int) -> tuple[Lane, Lane]:
        """The lanes out and back of a new connection from src to dst."""
        k = self._opened[src, dst] = self._opened.get((src, dst), 0) + 1
        return self._lane(src, dst, 2 * k - 1), self._lane(dst, src, 2 * k)

    def datagrams(self, src: int, dst: int) -> Lane:
        """The datagrams from src to dst."""
        return self._lanes.get((src, dst, 0)) or self._lane(src, dst, 0)

    def _lane(self, src: int, dst: int, number: int) -> Lane:
        pair = self._pairs.setdefault((dst, src), {})
        made = self._lanes[src, dst, number] = Lane(src, dst, number, pair)
        if (src, dst) in self.held:
            made.holds.add("cut")
        return made

    def push(self, lane: Lane, packet: Packet) -> Event:
        """A message enters."""
        event = (DELIVER, lane.dst, lane.src, lane.number << LANE_BITS | lane.sent)
        lane.sent += 1
        if not lane.holds and (not lane.queue or not lane.number):
            insort(self._enabled, event)
        lane.queue.append(event)
        self.flight[event] = packet
        if len(self.flight) > PENDING_MAX and HOST.get() is not None:
            raise Stuck("Floods", f"has {PENDING_MAX} messages in flight; await what you send")
        lane.pair[event] = None
        step = self.step
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]
        return event

    def take(self, event: Event) -> tuple[Lane, Packet]:
        """A message arrives."""
        lane = self.lane_of(event)
        packet = self.flight.pop(event)
        del lane.pair[event]
        remove_sorted(self._enabled, event)
        if lane.number:
            lane.queue.popleft()
            if lane.queue and not lane.holds:
                insort(self._enabled, lane.queue[0])
        else:
            lane.queue.remove(event)
        return lane, packet

    def drop(self, event: Event) -> None:
        """A message is lost."""
        lane = self.lane_of(event)
        del self.flight[event], lane.pair[event]
        lane.queue.remove(event)
        if remove_sorted(self._enabled, event) and lane.number and lane.queue:
            insort(self._enabled, lane.queue[0])
        step = self.step
        if event in step.sent:  # sent and lost in one step: it never was
            step.sent.remove(event)
        else:
            step.lost = [*step.lost, event]

    def clear(self, lane: Lane) -> None:
        """All that is on a lane is lost."""
        for event in tuple(lane.queue):
            self.drop(event)

    def replace(self, event: Event, packet: Packet) -> None:
        """A message is answered on its way: it is lost and another takes its place at the lane's end."""
        lane = self.lane_of(event)
        self.drop(event)
        self.push(lane, packet)

    def hold(self, lane: Lane, why: str) -> None:
        """Nothing is delivered on a lane while a reason stands."""
        if not lane.holds:
            for event in lane.queue if not lane.number else tuple(lane.queue)[:1]:
                remove_sorted(self._enabled, event)
        lane.holds.add(why)

    def unhold(self, lane: Lane, why: str) -> None:
        """A reason is gone."""
        if why in lane.holds:
            lane.holds.discard(why)
            if not lane.holds:
                for event in lane.queue if not lane.number else tuple(lane.queue)[:1]:
                    insort(self._enabled, event)

    def lanes(self, src: int, dst: int) -> list[Lane]:
        """All lanes of an ordered pair."""
        return [lane for (a, b, _), lane in self._lanes.items() if (a, b) == (src, dst)]

    def lane_of(self, event: Event) -> Lane:
        """The lane of a delivery."""
        return self._lanes[event[2], event[1], event[3] >> LANE_BITS]

    def peek(self, event: Event) -> Packet:
        """A message in flight; KeyError when it is not."""
        return self.flight[event]

    def channel(self, dst: int, src: int) -> list[Event]:
        """In flight between two hosts, oldest first."""
        return list(self._pairs.get((dst, src), ()))

    def channels(self) -> list[tuple[int, int]]:
        """(dst, src) that have something in flight, sorted."""
        return sorted(pair for pair, flight in self._pairs.items() if flight)
