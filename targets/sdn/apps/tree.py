"""Learning switches on a spanning tree of the discovered links, for os-ken: rings and meshes are allowed.

Each switch learns by which port an address is reached; what is for an unknown one is flooded along the
tree and to the edge.  A port that may turn out to be a link is closed until then, and when the tree
changes everything is learned anew.

variant `eager`: a port is at the edge until a probe comes through, and what was learned is kept.
"""

from __future__ import annotations

from typing import Any

from os_ken.controller import ofp_event
from os_ken.controller.handler import MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from paths import LLDP, Paths, Place


class Tree(Paths):
    """tree: ports of links that belong to it.  `given` says what each switch has learned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tree: set[Place] = set()

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev: Any) -> None:
        """Learn the sender, and send on."""
        msg, dpid = ev.msg, ev.msg.datapath.id
        number = msg.match["in_port"]
        frame = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if frame is None or frame.ethertype == LLDP:
            super().packet_in(ev)
        elif self.open((dpid, number)) and dpid in self.given:
            self.learn(msg.datapath, frame.src, number)
            out = self.given[dpid].get(frame.dst)
            everywhere = [n for n in sorted(self.ports[dpid]) if self.open((dpid, n))]
            self.hand(dpid, [n for n in everywhere if n != number and out in (None, n)], msg.data)

    def open(self, at: Place) -> bool:
        """Do packets of hosts pass here?"""
        if at in self.links:
            return at in self.tree
        return bool(self.edge(at) or (self.variant == "eager" and self.up(at)))

    def learn(self, datapath: Any, mac: str, number: int) -> None:
        """An address is reached by this port."""
        given = self.given[datapath.id]
        if given.get(mac) != number:
            given[mac] = number
            parser = datapath.ofproto_parser
            out = [parser.OFPActionOutput(number)]
            self.change(datapath, datapath.ofproto.OFPFC_ADD, parser.OFPMatch(eth_dst=mac), out)

    def rewire(self) -> None:
        """Links came or went: another tree, and everything is learned anew."""
        tree = self.spanned()
        if tree == self.tree:
            return
        self.tree = tree
        for _, datapath in sorted(self.switches.items()) if self.variant != "eager" else ():
            self.begin(datapath)

    def spanned(self) -> set[Place]:
        """Both ends of the links of a spanning tree of each part of the network (breadth first)."""
        tree: set[Place] = set()
        seen: set[int] = set()
        for root in sorted(self.switches):
            todo = [root] if root not in seen else []
            seen.add(root)
            for dpid in todo:
                for near, far in sorted(e for e in self.links.items() if e[0][0] == dpid):
                    if far[0] not in seen:
                        seen.add(far[0])
                        todo.append(far[0])
                        tree |= {near, far}
        return tree
