"""The named bugs: worked cases, after the table of STS (SIGCOMM'14) and what was found in os-ken.

The one insight: a case is only settings (application, variant, topology, inputs), so anybody's own case is
made the same way on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping

from demi.target import Bug

NO_TRAFFIC = '{"reach": []}'
_FORGETFUL = {"app": "learning", "variant": "forgetful"}
_PATHS = {"app": "paths", "announce": True, "settle": 5.0, "count": 30}
_OBSERVED = {
    "app": "discovery",
    "count": 10,
    "settle": 5.0,
    "probes": 1000.0,
    "maps": 4.0,
    "policy": NO_TRAFFIC,
}
_CASES = (
    Bug(
        "R1",
        "migration black hole: entries still point to where a host was",
        {**_FORGETFUL, "inputs": "send:6 migrate:1", "after": 60},
        "BlackHole",
    ),
    Bug(
        "R2",
        "link failure black hole: entries still point to a link that was cut",
        {**_FORGETFUL, "inputs": "send:6 sever:1", "count": 75, "after": 60},
        "BlackHole",
    ),
    Bug(
        "R4",
        "os-ken's native hub: a wait with a timeout never times out, so discovery falls silent",
        {
            "app": "discovery",
            "inputs": "",
            "count": 0,
            "settle": 10.0,
            "probes": 5.0,
            "policy": NO_TRAFFIC,
        },
        "Discovery",
    ),
    Bug(
        "ghost-link",
        "os-ken's topology: a probe that arrives after a link was cut brings it back, for ever",
        {**_OBSERVED, "inputs": "cut:2 wait:2 sever:1"},
        "ControllerMap/ghost link",
    ),
    Bug(
        "ghost-switch",
        "os-ken's native hub: kill() does nothing, so who serves a switch that is gone waits for ever",
        {**_OBSERVED, "inputs": "down:1 wait:2"},
        "ControllerMap/ghost switch",
    ),
    Bug(
        "premature-packet-in",
        "a switch asks before the application has heard of it",
        {"variant": "premature", "handshake": False, "inputs": "send:1", "spacing": 3},
        "crash/KeyError",
    ),
    Bug(
        "null-pointer",
        "an application talks to a switch that is gone",
        {
            "app": "paths",
            "variant": "failed",
            "topology": "fattree:4",
            "count": 62,
            "settle": 1.0,
            "inputs": "send:6 down:1",
        },
        "crash/AttributeError",
    ),
    Bug(
        "memory-corruption",
        "all switches share one table of addresses",
        {"variant": "alias", "inputs": "send:1"},
        "BlackHole",
    ),
    Bug(
        "memory-leak",
        "every packet is kept for ever",
        {"variant": "leak", "topology": "line:2", "inputs": "arp:1", "memory": 300},
        "MemoryGrowth",
    ),
    Bug(
        "in-flight",
        "a packet overtakes the entry for it, and its sender seems to have moved into a link",
        {
            **_PATHS,
            "variant": "inflight",
            "announce": False,
            "topology": "line:2",
            "inputs": "send:1",
            "spacing": 5,
            "count": 46,
        },
        "BlackHole",
    ),
    Bug(
        "discovery-loop",
        "packets are flooded before all links are known, and are learned from the wrong side",
        {
            **_PATHS,
            "app": "tree",
            "variant": "eager",
            "announce": False,
            "handshake": False,
            "topology": "mesh:4",
            "inputs": "send:1",
            "spacing": 20,
            "transient": True,
            "settle": 0.0,
            "policy": NO_TRAFFIC,
        },
        "ForwardingLoop",
    ),
    Bug(
        "failover",
        "a backup takes over and believes the primary's store: what broke in between it never learns",
        {
            **_PATHS,
            "app": "failover",
            "variant": "trusting",
            "topology": "mesh:2",
            "controllers": 2,
            "options": "--store {store}/state --member {name}",
            "inputs": "send:1 sever:1 kill:1",
            "spacing": 20,
            "count": 10,
        },
        "BlackHole",
    ),
    Bug(
        "overlapping-entries",
        "a forwarder's entries come before those of the firewall",
        {
            "app": "firewall",
            "variant": "overlap",
            "inputs": "send:1",
            "options": "--deny 00:00:00:00:00:01>00:00:00:00:00:03",
            "policy": '{"isolate": [["h1", "h3"]]}',
        },
        "Isolation",
    ),
    Bug(
        "load-balancer",
        "a load balancer does not look at what switches refuse: the table is full and nobody knows",
        {
            "app": "balancer",
            "variant": "careless",
            "topology": "single:5",
            "announce": True,
            "service": "10.0.0.100",
            "inputs": "flow:1",
            "count": 106,
            "table_size": 25,
            "options": "--service 10.0.0.100 --server 10.0.0.1 --server 10.0.0.2",
            "believes": True,
        },
        "Correspondence",
    ),
    Bug(
        "timer-interleaving",
        "entries are renewed as they expire: what expires first is renewed and not known of any more",
        {
            "variant": "lease",
            "topology": "line:2",
            "inputs": "send:2 wait:1",
            "believes": True,
            "count": 39,
        },
        "Correspondence",
    ),
    Bug(
        "thread-race",
        "two threads count entries: read, rest, write",
        {"variant": "race", "inputs": "send:1", "believes": True, "settle": 0.01, "spacing": 3},
        "Correspondence",
    ),
)
BUGS: Mapping[str, Bug] = {bug.name: bug for bug in _CASES}
