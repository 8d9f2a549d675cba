"""A load balancer for os-ken: one address (`--service`) stands for several servers (`--server`, in turn).

Each new flow, by client and UDP port, gets a server and two entries: there, with the server's addresses
put in, and back, with the service's.  A switch may refuse an entry because its table is full; such a flow
goes by the controller.  Other packets are flooded: this is for one switch.

variant `careless`: nobody looks at what switches refuse.
"""

from __future__ import annotations

from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import arp, ethernet, ipv4, packet, udp
from os_ken.ofproto import ofproto_v1_3

cfg.CONF.register_cli_opts(
    [
        cfg.StrOpt("variant", default=""),
        cfg.StrOpt("service"),
        cfg.MultiStrOpt("server", default=[]),
    ]
)
LLDP, IPV4, UDP = 0x88CC, 0x0800, 17
Flow = tuple[str, int]


class Balancer(app_manager.OSKenApp):
    """seen: IP address -> (MAC address, port).  flows: which server a flow has.

    asked: transaction -> the flow whose entry it makes.  made: how many entries it believes in.
    """

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.careless = cfg.CONF.variant == "careless"
        self.service, self.servers = cfg.CONF.service, cfg.CONF.server
        self.address = ""  # MAC of the service, as clients use it
        self.seen: dict[str, tuple[str, int]] = {}
        self.flows: dict[Flow, str] = {}
        self.asked: dict[int, Flow] = {}
        self.made: dict[int, int] = {}

    def believes(self) -> dict[int, int]:
        """dpid -> number of entries, besides the one for misses."""
        return dict(self.made)

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there: what it does not know it asks us."""
        datapath = ev.msg.datapath
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        self.made[datapath.id] = 0
        send = parser.OFPActionOutput(ofproto.OFPP_CONTROLLER, ofproto.OFPCML_NO_BUFFER)
        self.add(datapath, 0, parser.OFPMatch(), [send])

    def add(self, datapath: Any, priority: int, match: Any, actions: list[Any]) -> int:
        """One entry; returns its transaction."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        todo = [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)]
        mod = parser.OFPFlowMod(
            datapath=datapath, priority=priority, match=match, instructions=todo
        )
        xid: int = datapath.set_xid(mod)
        datapath.send_msg(mod)
        return xid

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev: Any) -> None:
        """A flow begins, or somebody talks to somebody else."""
        msg, datapath = ev.msg, ev.msg.datapath
        found = packet.Packet(msg.data)
        frame, ip, datagram = (
            found.get_protocol(p) for p in (ethernet.ethernet, ipv4.ipv4, udp.udp)
        )
        asks, port = found.get_protocol(arp.arp), msg.match["in_port"]
        if frame is None or frame.ethertype == LLDP:
            return
        if asks is not None:
            self.seen[asks.src_ip] = (frame.src, port)
        if ip is not None:
            self.seen[ip.src] = (frame.src, port)
        if ip is None or datagram is None or ip.dst != self.service:
            self.out(datapath, msg, port, datapath.ofproto.OFPP_FLOOD, [])
            return
        self.address = frame.dst
        known = [server for server in self.servers if server in self.seen]
        if known:
            self.balance(datapath, msg, (ip.src, datagram.dst_port), known)

    def balance(self, datapath: Any, msg: Any, flow: Flow, known: list[str]) -> None:
        """The packet goes to the flow's server; a new flow gets one, and two entries."""
        new = flow not in self.flows
        if new:
            self.flows[flow] = known[len(self.flows) % len(known)]
        server = self.flows[flow]
        there = self.rewrite(datapath, server, *self.seen[server], source=False)
        if new:
            self.install(datapath, flow, server, there)
        self.out(datapath, msg, msg.match["in_port"], self.seen[server][1], there[:-1])

    def install(self, datapath: Any, flow: Flow, server: str, there: list[Any]) -> None:
        """Both entries of a flow."""
        client = flow[0]
        back = self.rewrite(datapath, self.service, self.address, self.seen[client][1], source=True)
        for match, actions in zip(self.matches(datapath, flow, server), (there, back), strict=True):
            self.asked[self.add(datapath, 1, match, actions)] = flow
            self.made[datapath.id] += 1

    def matches(self, datapath: Any, flow: Flow, server: str) -> list[Any]:
        """Packets of a flow, there and back."""
        kind = {"eth_type": IPV4, "ip_proto": UDP}
        match, (client, number) = datapath.ofproto_parser.OFPMatch, flow
        return [
            match(**kind, ipv4_src=client, ipv4_dst=self.service, udp_dst=number),
            match(**kind, ipv4_src=server, ipv4_dst=client, udp_src=number),
        ]

    def rewrite(self, datapath: Any, ip: str, mac: str, port: int, *, source: bool) -> list[Any]:
        """Put an end's addresses in, and send."""
        parser, end = datapath.ofproto_parser, "src" if source else "dst"
        return [
            parser.OFPActionSetField(**{f"eth_{end}": mac}),
            parser.OFPActionSetField(**{f"ipv4_{end}": ip}),
            parser.OFPActionOutput(port),
        ]

    def out(self, datapath: Any, msg: Any, port: int, to: int, rewrites: list[Any]) -> None:
        """Send a packet on."""
        parser = datapath.ofproto_parser
        datapath.send_msg(
            parser.OFPPacketOut(
                datapath=datapath, buffer_id=datapath.ofproto.OFP_NO_BUFFER, in_port=port,
                actions=[*rewrites, parser.OFPActionOutput(to)], data=msg.data,
            )
        )  # fmt: skip

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)
    def refused(self, ev: Any) -> None:
        """A switch did not take an entry: its flow has neither, and stays with us."""
        msg, datapath = ev.msg, ev.msg.datapath
        flow = self.asked.pop(msg.xid, None)
        if flow is None or self.careless:
            return
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        self.made[datapath.id] -= 1
        if flow in self.asked.values():  # its other entry may be there
            self.asked = {xid: its for xid, its in self.asked.items() if its != flow}
            self.made[datapath.id] -= 1
            for match in self.matches(datapath, flow, self.flows[flow]):
                datapath.send_msg(
                    parser.OFPFlowMod(
                        datapath=datapath, command=ofproto.OFPFC_DELETE, match=match,
                        out_port=ofproto.OFPP_ANY, out_group=ofproto.OFPG_ANY,
                    )
                )  # fmt: skip
