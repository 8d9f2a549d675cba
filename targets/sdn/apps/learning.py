"""A learning switch for os-ken: remember where each address was seen, install an entry for what is known.

variant `forgetful` (as ryu's simple_switch_13 and POX's l2_learning): nothing is forgotten when a port loses
its link, so hosts that move and links that are cut leave entries that point nowhere.
"""

from __future__ import annotations

from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3

cfg.CONF.register_cli_opts([cfg.StrOpt("variant", default="")])
LLDP = 0x88CC


class Learning(app_manager.OSKenApp):
    """macs: dpid -> address -> port."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.macs: dict[int, dict[str, int]] = {}
        self.switches: dict[int, Any] = {}
        self.variant = cfg.CONF.variant

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there: what it does not know it asks us."""
        datapath = ev.msg.datapath
        self.switches[datapath.id] = datapath
        self.macs[datapath.id] = {}
        self.ask_for_everything(datapath)

    def ask_for_everything(self, datapath: Any) -> None:
        """The entry for misses."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        send = parser.OFPActionOutput(ofproto.OFPP_CONTROLLER, ofproto.OFPCML_NO_BUFFER)
        self.install(datapath, 0, parser.OFPMatch(), [send])

    def install(self, datapath: Any, priority: int, match: Any, actions: list[Any]) -> None:
        """One entry."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        todo = [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)]
        datapath.send_msg(
            parser.OFPFlowMod(datapath=datapath, priority=priority, match=match, instructions=todo)
        )

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev: Any) -> None:
        """Learn the sender, and send on."""
        msg, datapath = ev.msg, ev.msg.datapath
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        port = msg.match["in_port"]
        frame = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if frame is None or frame.ethertype == LLDP:
            return
        macs = self.macs.setdefault(datapath.id, {})
        macs[frame.src] = port
        out = macs.get(frame.dst, ofproto.OFPP_FLOOD)
        actions = [parser.OFPActionOutput(out)]
        if out != ofproto.OFPP_FLOOD:
            match = parser.OFPMatch(in_port=port, eth_dst=frame.dst, eth_src=frame.src)
            self.install(datapath, 1, match, actions)
        datapath.send_msg(
            parser.OFPPacketOut(
                datapath=datapath, buffer_id=ofproto.OFP_NO_BUFFER, in_port=port, actions=actions,
                data=msg.data,
            )
        )  # fmt: skip

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev: Any) -> None:
        """Something was plugged in or out: begin anew, everywhere."""
        if self.variant == "forgetful":
            return
        for dpid, datapath in sorted(self.switches.items()):
            ofproto, parser = datapath.ofproto, datapath.ofproto_parser
            self.macs[dpid] = {}
            datapath.send_msg(
                parser.OFPFlowMod(
                    datapath=datapath, command=ofproto.OFPFC_DELETE, out_port=ofproto.OFPP_ANY,
                    out_group=ofproto.OFPG_ANY, match=parser.OFPMatch(),
                )
            )  # fmt: skip
            self.ask_for_everything(datapath)
