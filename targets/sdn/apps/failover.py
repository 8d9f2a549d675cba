"""Shortest paths with a primary and a backup, for os-ken: several of these share one network and one file.

The leader writes to the file (`--store`) what it knows and that it lives.  When that is 3 s old, another
one (`--member` is its name) takes over: it is master of every switch from then on, asks each which of its
ports are up, and begins anew there.  variant `trusting`: it believes the file and asks no switch.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from os_ken import cfg
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from paths import EDGE, Paths

cfg.CONF.register_cli_opts([cfg.StrOpt("store"), cfg.StrOpt("member")])
SILENT = 3.0  # seconds after which a leader is gone


class Failover(Paths):
    """term: how many leaders there were before this one."""

    leads = False
    term = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.store, self.member = cfg.CONF.store, cfg.CONF.member
        super().__init__(*args, **kwargs)

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there: it is told whether we lead."""
        self.role(ev.msg.datapath)
        super().greet(ev)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev: Any) -> None:
        """Whoever leads deals with it."""
        if self.leads:
            super().port_status(ev)

    def role(self, datapath: Any) -> None:
        """The only one that may change a switch, or one that watches."""
        ofproto = datapath.ofproto
        role = ofproto.OFPCR_ROLE_MASTER if self.leads else ofproto.OFPCR_ROLE_SLAVE
        datapath.send_msg(datapath.ofproto_parser.OFPRoleRequest(datapath, role, self.term))

    def beat(self) -> None:
        """Say that we live, or see whether the leader does."""
        known = self.load()
        if self.leads and known["term"] == self.term:
            self.save()
        elif self.leads:
            self.leads, self.term = False, known["term"]
            for _, datapath in sorted(self.switches.items()):
                self.role(datapath)
        elif not known or known["leader"] == self.member or known["beat"] < time.time() - SILENT:
            self.take_over(known)
        else:
            self.term = known["term"]
        super().beat()

    def take_over(self, known: dict[str, Any]) -> None:
        """From now on this one leads, with what the last leader knew."""
        self.leads, self.term = True, known.get("term", 0) + 1
        self.links = {(a, p): (b, q) for a, p, b, q in known.get("links", ())}
        self.hosts = {mac: (dpid, number) for mac, dpid, number in known.get("hosts", ())}
        self.given = {int(dpid): given for dpid, given in known.get("given", {}).items()}
        for dpid, datapath in sorted(self.switches.items()):
            places = self.hosts.values()
            self.ports[dpid] = {n: EDGE * ((dpid, n) in places) for n in self.ports[dpid]}
            self.role(datapath)
            if self.variant != "trusting":
                self.begin(datapath)
                datapath.send_msg(datapath.ofproto_parser.OFPPortDescStatsRequest(datapath, 0))
        self.save()

    def rewire(self) -> None:
        """The others may read what was changed."""
        super().rewire()
        if self.leads:
            self.save()

    def load(self) -> dict[str, Any]:
        """What the last leader wrote; {} when there was none."""
        try:
            with open(self.store, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return {}
        return found

    def save(self) -> None:
        """Write what we know, and that we live."""
        known = {
            "leader": self.member, "term": self.term, "beat": time.time(), "given": self.given,
            "links": [[*near, *far] for near, far in sorted(self.links.items())],
            "hosts": [[mac, *at] for mac, at in sorted(self.hosts.items())],
        }  # fmt: skip
        with open(self.store + ".new", "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(self.store + ".new", self.store)
