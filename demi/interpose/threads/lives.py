"""The lives of held processes: begun, ended by a crash or by themselves, cut off, given inputs.

The one insight: whatever happens to a process as a whole is noted in its past and leaves its peers a
message to be told by, so that the end of one node is one step of that node.

Not here: stepping (`world.py`), which this is a part of; what a digest covers (`reading.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from demi.errors import TargetError
from demi.events import Event, External
from demi.interpose.canon import canonical
from demi.interpose.channels import remove_sorted
from demi.interpose.failures import failure_of
from demi.interpose.threads.hosts import Host, Task
from demi.interpose.threads.net import Net
from demi.interpose.threads.reading import Reading
from demi.interpose.world import Step


class Lives(Reading):
    """The part of `ThreadsWorld` that begins and ends processes."""

    seed: int
    events: list[Event]
    current: Step
    _inputs: dict[str, Callable[[Mapping[str, Any], Any], None]]
    _log: list[str]
    _net: Net
    _resumes: dict[Event, Task]

    def _run(self, node: int, first: Callable[[], Any] | None, task: Task | None = None) -> None:
        raise NotImplementedError

    def boot(self, node: int) -> None:
        """A new process; after a crash its stream and its threads begin anew."""
        host, image = self.kernel.hosts[node], self._images[node]
        if not host.up or host.tasks:
            host.epoch += 1
            host.reset(self.seed)
        host.up = True
        host.past.append("boot")
        image.reset()
        args = (host.name,) if image.takes_name() else ()
        with image.placed():
            self._run(node, lambda: self.kernel.spawn(host, image.main, args, name="main"))

    def stop(self, node: int) -> None:
        """The process is gone; each peer will be told by a reset."""
        host = self.kernel.hosts[node]
        host.past.append("stop")
        self.current.wide = True  # others' connections are not what they were
        for event, task in sorted(self._resumes.items()):
            if task.host is host:
                del self._resumes[event]
                remove_sorted(self.events, event)
                self.current.cancelled = sorted([*self.current.cancelled, event])
        self.kernel.crash(host)
        for other in self.kernel.hosts:
            if other is not host:
                self._break(host, other)

    def _break(self, a: Host, b: Host) -> None:
        a.past.append(("broken", b.name))
        b.past.append(("broken", a.name))
        self._links.lose(a.index, b.index)
        self._links.lose(b.index, a.index)
        self._net.sever(a, b)

    def alive(self, node: int) -> bool:
        """Is the node up?"""
        return self.kernel.hosts[node].up

    def sever(self, a: int, b: int, one_way: bool) -> None:
        """Cut a link, or hold one of its directions."""
        if one_way:
            self._links.hold(a, b)
        else:
            self.cut.add((min(a, b), max(a, b)))
            self._break(self.kernel.hosts[a], self.kernel.hosts[b])

    def mend(self, a: int, b: int, one_way: bool) -> None:
        """Heal it."""
        self._links.unhold(a, b)
        if not one_way:
            self._links.unhold(b, a)
            self.cut.discard((min(a, b), max(a, b)))

    def inject(self, node: int, external: External) -> None:
        """An input, in a thread of its own."""
        func, image = self.input(external), self._images[node]
        host, modules = self.kernel.hosts[node], image.modules
        host.past.append((external.label, canonical(external.args)))
        self._run(
            node,
            lambda: self.kernel.spawn(host, func, (modules, external.args), name=external.label),
        )

    def input(self, external: External) -> Any:
        """The function behind an input.  Raises TargetError for an unknown one."""
        func = self._inputs.get(external.label)
        if func is None:
            raise TargetError(
                f"the target has no input {external.label!r}",
                where=external.id,
                remedy="known: " + ", ".join(sorted(self._inputs)),
            )
        return func

    def _account(self, node: int) -> None:
        """What a node did that it should not have."""
        kernel, image, name = self.kernel, self._images[node], self.names[node]
        self._log += [str(line) for line in image.log] + image.output.take()
        self._log += [f"spins on the clock in {site}" for site in kernel.spun]
        image.log.clear()
        kernel.spun.clear()
        kernel.raise_own()
        if image.guard.seen:
            raise image.guard.seen[0]
        if kernel.failures:
            error = kernel.failures[0][1]
            kernel.failures.clear()
            self.stop(node)
            self._outside.refresh()
            self.current.failure = failure_of(name, error)
        host = kernel.hosts[node]
        if host.ended:
            self._log.append(f"ended its own process: {host.ended}")
            self.stop(node)
            self._outside.refresh()
        missed = image.missed()
        if missed:
            raise missed[0]
