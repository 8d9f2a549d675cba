"""A firewall and a forwarder for os-ken, side by side in one table.

The firewall's entries say which pairs of addresses may not talk (`--deny FROM>TO`, addresses; repeatable);
the forwarder's say by which port an address is reached.  A packet that both match is the firewall's.

variant `overlap`: the forwarder's entries come first.
"""

from __future__ import annotations

from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3

cfg.CONF.register_cli_opts([cfg.StrOpt("variant", default=""), cfg.MultiStrOpt("deny", default=[])])
LLDP = 0x88CC
FORWARD, DENY = 10, 100
OVERLAPPED = 5


class Firewall(app_manager.OSKenApp):
    """denied: pairs of addresses.  macs: dpid -> address -> port."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.denied = {tuple(pair.split(">")) for pair in cfg.CONF.deny}
        self.priority = OVERLAPPED if cfg.CONF.variant == "overlap" else DENY
        self.macs: dict[int, dict[str, int]] = {}
        self.switches: dict[int, Any] = {}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there."""
        self.switches[ev.msg.datapath.id] = ev.msg.datapath
        self.begin(ev.msg.datapath)

    def begin(self, datapath: Any) -> None:
        """Nothing is learned; what is denied is denied."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        self.macs[datapath.id] = {}
        datapath.send_msg(
            parser.OFPFlowMod(
                datapath=datapath, command=ofproto.OFPFC_DELETE, out_port=ofproto.OFPP_ANY,
                out_group=ofproto.OFPG_ANY, match=parser.OFPMatch(),
            )
        )  # fmt: skip
        send = parser.OFPActionOutput(ofproto.OFPP_CONTROLLER, ofproto.OFPCML_NO_BUFFER)
        self.install(datapath, 0, parser.OFPMatch(), [send])
        for src, dst in sorted(self.denied):
            self.install(datapath, self.priority, parser.OFPMatch(eth_src=src, eth_dst=dst), [])

    def install(self, datapath: Any, priority: int, match: Any, actions: list[Any]) -> None:
        """One entry; without actions it drops."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        todo = (
            [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)] if actions else []
        )
        datapath.send_msg(
            parser.OFPFlowMod(datapath=datapath, priority=priority, match=match, instructions=todo)
        )

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev: Any) -> None:
        """Learn the sender, and send on what may be."""
        msg, datapath = ev.msg, ev.msg.datapath
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        port = msg.match["in_port"]
        frame = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if frame is None or frame.ethertype == LLDP or (frame.src, frame.dst) in self.denied:
            return
        macs = self.macs[datapath.id]
        if macs.get(frame.src) != port:
            macs[frame.src] = port
            here = [parser.OFPActionOutput(port)]
            self.install(datapath, FORWARD, parser.OFPMatch(eth_dst=frame.src), here)
        out = macs.get(frame.dst, ofproto.OFPP_FLOOD)
        datapath.send_msg(
            parser.OFPPacketOut(
                datapath=datapath, buffer_id=ofproto.OFP_NO_BUFFER, in_port=port,
                actions=[parser.OFPActionOutput(out)], data=msg.data,
            )
        )  # fmt: skip

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev: Any) -> None:
        """Something was plugged in or out: begin anew, everywhere."""
        for _, datapath in sorted(self.switches.items()):
            self.begin(datapath)
