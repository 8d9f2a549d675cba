"""Shortest paths for os-ken: links are discovered by probes, hosts are known by what they send, and each
switch has one entry per host, with the port on a shortest way there.

What is for an unknown host is handed to every port at the edge and never into a link, so nothing
circles.  A port is at the edge when it is up and two probes of it met no switch.

Variants, each a defect:

- `inflight`: a host is wherever it was heard of last, links included;
- `failed`: a switch that is gone is still given entries.
"""

from __future__ import annotations

from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import (
    CONFIG_DISPATCHER,
    DEAD_DISPATCHER,
    MAIN_DISPATCHER,
    set_ev_cls,
)
from os_ken.lib import hub
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3
from os_ken.topology.switches import LLDPPacket

cfg.CONF.register_cli_opts([cfg.StrOpt("variant", default="")])
LLDP = 0x88CC
BEAT = 1.0  # seconds between two probes of a port
EDGE = 3  # the probe that finds two unanswered ones before it
Place = tuple[int, int]


class Paths(app_manager.OSKenApp):
    """ports: dpid -> port that is up -> probes of it.  links: where the wire of a port ends.

    hosts: address -> where it is.  given: dpid -> address -> port, the entries.
    """

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)
    leads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.variant = cfg.CONF.variant
        self.switches: dict[int, Any] = {}
        self.ports: dict[int, dict[int, int]] = {}
        self.links: dict[Place, Place] = {}
        self.hosts: dict[str, Place] = {}
        self.given: dict[int, dict[str, int]] = {}
        hub.spawn(self.live)

    def believes(self) -> dict[int, int]:
        """dpid -> number of entries, besides the one for misses; of the leader only."""
        return {dpid: len(given) for dpid, given in self.given.items()} if self.leads else {}

    # ---- switches and ports

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there."""
        datapath = ev.msg.datapath
        self.switches[datapath.id] = datapath
        self.ports[datapath.id] = {}
        if self.leads:
            self.begin(datapath)

    def begin(self, datapath: Any) -> None:
        """No entry but the one for misses."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        self.given[datapath.id] = {}
        self.change(datapath, ofproto.OFPFC_DELETE, parser.OFPMatch(), [])
        send = parser.OFPActionOutput(ofproto.OFPP_CONTROLLER, ofproto.OFPCML_NO_BUFFER)
        self.change(datapath, ofproto.OFPFC_ADD, parser.OFPMatch(), [send])

    @set_ev_cls(ofp_event.EventOFPPortDescStatsReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def described(self, ev: Any) -> None:
        """It says which of its ports are up."""
        dpid, known = ev.msg.datapath.id, self.ports.get(ev.msg.datapath.id, {})
        down = ev.msg.datapath.ofproto.OFPPS_LINK_DOWN
        up = [port.port_no for port in ev.msg.body if not port.state & down]
        self.ports[dpid] = {number: known.get(number, 0) for number in up}
        self.unplugged()
        for number in up:
            self.probe(dpid, number)

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def gone(self, ev: Any) -> None:
        """A switch is gone."""
        dpid = ev.datapath.id
        if self.switches.get(dpid) is ev.datapath:
            for known in (self.switches, self.ports, self.given):
                known.pop(dpid, None)
            if self.variant == "failed":
                self.switches[dpid], self.ports[dpid], self.given[dpid] = None, {}, {}
            self.unplugged()

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev: Any) -> None:
        """A port came, went, or got or lost its link."""
        msg, dpid = ev.msg, ev.msg.datapath.id
        ofproto, number = msg.datapath.ofproto, msg.desc.port_no
        if msg.reason == ofproto.OFPPR_DELETE or msg.desc.state & ofproto.OFPPS_LINK_DOWN:
            self.ports[dpid].pop(number, None)
            self.unplugged()
        elif number not in self.ports[dpid]:
            self.ports[dpid][number] = 0
            self.probe(dpid, number)

    def unplugged(self) -> None:
        """Links and hosts at ports that are not up any more are forgotten."""
        self.hosts = {mac: at for mac, at in self.hosts.items() if self.up(at)}
        self.links = {a: b for a, b in self.links.items() if self.up(a) and self.up(b)}
        self.rewire()

    def up(self, at: Place) -> bool:
        """Is this port there and up?"""
        return at[1] in self.ports.get(at[0], {})

    def edge(self, at: Place) -> bool:
        """Is it a port where hosts are?"""
        return self.ports.get(at[0], {}).get(at[1], 0) >= EDGE and at not in self.links

    # ---- discovery

    def live(self) -> None:
        """Probe every port, again and again."""
        while True:
            self.beat()
            hub.sleep(BEAT)

    def beat(self) -> None:
        """One round of probes; where nothing answers, hosts may be."""
        found = False
        for dpid in sorted(self.switches):
            for number in sorted(self.ports[dpid]):
                self.probe(dpid, number)
                found |= self.ports[dpid][number] == EDGE and self.edge((dpid, number))
        if found:
            self.rewire()

    def probe(self, dpid: int, number: int) -> None:
        """An LLDP frame leaves by a port."""
        if self.leads:
            self.ports[dpid][number] += 1
            source = f"0e:00:00:00:{dpid % 256:02x}:{number % 256:02x}"
            self.hand(dpid, [number], LLDPPacket.lldp_packet(dpid, number, source, 120))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev: Any) -> None:
        """A probe has arrived, or a host asks."""
        msg, dpid = ev.msg, ev.msg.datapath.id
        at = (dpid, msg.match["in_port"])
        frame = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if frame is None or not self.leads or not self.up(at):
            return
        if frame.ethertype == LLDP:
            self.linked(LLDPPacket.lldp_parse(msg.data), at)
            return
        if (at not in self.links or self.variant == "inflight") and self.hosts.get(frame.src) != at:
            self.hosts[frame.src] = at
            self.rewire()
        to = self.hosts.get(frame.dst)
        if to is not None and self.edge(to):
            self.hand(to[0], [to[1]], msg.data)
            return
        for each in sorted(self.switches):
            ports = [n for n in sorted(self.ports[each]) if self.edge((each, n))]
            self.hand(each, [n for n in ports if (each, n) != at], msg.data)

    def linked(self, start: tuple[int, int], far: Place) -> None:
        """A probe came through."""
        near = (start[0], start[1])
        if self.links.get(near) == far or not self.up(near):
            return
        self.links[near] = far
        strays = [mac for mac, at in self.hosts.items() if at in (near, far)]
        for mac in strays if self.variant != "inflight" else ():
            del self.hosts[mac]  # it was only heard of through the link
        self.rewire()

    # ---- entries

    def rewire(self) -> None:
        """Every switch gets the entries that it should have."""
        if not self.leads:
            return
        for dpid in sorted(self.given.keys() & self.switches.keys()):
            given, wanted = self.given[dpid], self.wanted(dpid)
            datapath = self.switches[dpid]
            ofproto, parser = datapath.ofproto, datapath.ofproto_parser
            for mac in sorted(given.keys() - wanted.keys()):
                self.change(datapath, ofproto.OFPFC_DELETE, parser.OFPMatch(eth_dst=mac), [])
            for mac, number in sorted(wanted.items()):
                if given.get(mac) != number:
                    out = [parser.OFPActionOutput(number)]
                    self.change(datapath, ofproto.OFPFC_ADD, parser.OFPMatch(eth_dst=mac), out)
            self.given[dpid] = wanted

    def wanted(self, dpid: int) -> dict[str, int]:
        """Address -> port on a shortest way from this switch; what cannot be reached is left out."""
        first = self.ways(dpid) if self.hosts else {}
        found = {}
        for mac, at in self.hosts.items():
            if not self.edge(at) and self.variant != "inflight":
                continue
            if at[0] == dpid:
                found[mac] = at[1]
            elif at[0] in first:
                found[mac] = first[at[0]]
        return found

    def ways(self, start: int) -> dict[int, int]:
        """Switch -> the port by which a shortest way there leaves `start` (breadth first)."""
        first: dict[int, int] = {}
        todo = [start]
        for dpid in todo:
            for number in sorted(self.ports.get(dpid, ())):
                far = self.links.get((dpid, number), (start, 0))[0]
                if far != start and far not in first:
                    first[far] = number if dpid == start else first[dpid]
                    todo.append(far)
        return first

    def change(self, datapath: Any, command: int, match: Any, actions: list[Any]) -> None:
        """An entry is added, or all of a match are deleted."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        todo = (
            [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)] if actions else []
        )
        datapath.send_msg(
            parser.OFPFlowMod(
                datapath=datapath, command=command, priority=1 if "eth_dst" in match else 0,
                match=match, out_port=ofproto.OFPP_ANY, out_group=ofproto.OFPG_ANY, instructions=todo,
            )
        )  # fmt: skip

    def hand(self, dpid: int, numbers: list[int], data: bytes) -> None:
        """A packet leaves a switch by these ports."""
        datapath = self.switches[dpid]
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        if numbers:
            datapath.send_msg(
                parser.OFPPacketOut(
                    datapath=datapath, buffer_id=ofproto.OFP_NO_BUFFER,
                    in_port=ofproto.OFPP_CONTROLLER, data=data,
                    actions=[parser.OFPActionOutput(number) for number in numbers],
                )
            )  # fmt: skip
