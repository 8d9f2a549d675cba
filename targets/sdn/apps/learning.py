"""A learning switch for os-ken: remember where each address was seen, install an entry for what is known.

Without a variant it forgets everything when something is plugged in or out.  Variants, each a defect:

- `forgetful`: nothing is forgotten (as ryu's simple_switch_13 and POX's l2_learning);
- `alias`: all switches share one table, made with `dict.fromkeys`;
- `premature`: a switch is known only when it has described itself, and may ask before;
- `leak`: every packet seen is kept;
- `race`: one entry per address, counted in threads that read, rest and write;
- `lease`: entries live 10 s and are renewed by a timer; what is told to have expired is renewed no more.
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

cfg.CONF.register_cli_opts([cfg.StrOpt("variant", default="")])
LLDP = 0x88CC
LEASE = 10  # seconds


class Learning(app_manager.OSKenApp):
    """macs: dpid -> address -> port.  entries: what it gave each switch, besides the one for misses."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.variant = cfg.CONF.variant
        self.shared: dict[str, int] = {}
        self.macs: dict[int, dict[str, int]] = {}
        self.switches: dict[int, Any] = {}
        self.entries: dict[int, set[tuple[int, str, str]]] = {}
        self.counted: dict[int, int] = {}
        self.seen: list[Any] = []
        self.leases: dict[tuple[int, str, str, int], Any] = {}
        if self.variant == "lease":
            hub.spawn(self.renew)

    def believes(self) -> dict[int, int]:
        """dpid -> number of entries, besides the one for misses."""
        if self.variant == "lease":
            return {d: sum(1 for lease in self.leases if lease[0] == d) for d in self.switches}
        if self.variant == "race":
            return dict(self.counted)
        return {dpid: len(given) for dpid, given in self.entries.items()}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def greet(self, ev: Any) -> None:
        """A switch is there: what it does not know it asks us."""
        datapath = ev.msg.datapath
        if self.variant != "premature":
            self.know(datapath)
        self.ask_for_everything(datapath)
        if self.variant == "premature":
            datapath.send_msg(datapath.ofproto_parser.OFPDescStatsRequest(datapath, 0))

    @set_ev_cls(ofp_event.EventOFPDescStatsReply, MAIN_DISPATCHER)
    def described(self, ev: Any) -> None:
        """It has said what it is."""
        self.know(ev.msg.datapath)

    def know(self, datapath: Any) -> None:
        """A switch, with nothing learned."""
        self.switches[datapath.id] = datapath
        self.macs[datapath.id] = self.shared if self.variant == "alias" else {}
        self.entries[datapath.id] = set()
        self.counted[datapath.id] = 0

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def gone(self, ev: Any) -> None:
        """A switch is gone."""
        dpid = ev.datapath.id
        if self.switches.get(dpid) is not ev.datapath:
            return
        for known in (self.switches, self.entries, self.counted):
            known.pop(dpid, None)

    def ask_for_everything(self, datapath: Any) -> None:
        """The entry for misses."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        send = parser.OFPActionOutput(ofproto.OFPP_CONTROLLER, ofproto.OFPCML_NO_BUFFER)
        self.install(datapath, 0, parser.OFPMatch(), [send])

    def install(
        self,
        datapath: Any,
        priority: int,
        match: Any,
        actions: list[Any],
        hard: int = 0,
        told: bool = False,
    ) -> None:
        """One entry.  hard: seconds it lives, 0 for ever.  told: whether its end is reported."""
        ofproto, parser = datapath.ofproto, datapath.ofproto_parser
        todo = [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)]
        datapath.send_msg(
            parser.OFPFlowMod(
                datapath=datapath,
                priority=priority,
                match=match,
                instructions=todo,
                hard_timeout=hard,
                flags=ofproto.OFPFF_SEND_FLOW_REM if told else 0,
            )
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
        if self.variant == "leak":
            self.seen.append(ev)
        macs = self.macs[datapath.id]
        if self.variant == "race" and frame.src not in macs:
            here = [parser.OFPActionOutput(port)]
            self.install(datapath, 1, parser.OFPMatch(eth_dst=frame.src), here)
            hub.spawn(self.count_in_the_background, datapath.id)
        macs[frame.src] = port
        out = macs.get(frame.dst, ofproto.OFPP_FLOOD)
        if out != ofproto.OFPP_FLOOD and self.variant != "race":
            self.learned(datapath, port, frame, out)
        datapath.send_msg(
            parser.OFPPacketOut(
                datapath=datapath, buffer_id=ofproto.OFP_NO_BUFFER, in_port=port,
                actions=[parser.OFPActionOutput(out)], data=msg.data,
            )
        )  # fmt: skip

    def learned(self, datapath: Any, port: int, frame: Any, out: int) -> None:
        """Both ends are known: an entry."""
        parser = datapath.ofproto_parser
        match = parser.OFPMatch(in_port=port, eth_dst=frame.dst, eth_src=frame.src)
        actions = [parser.OFPActionOutput(out)]
        if self.variant == "lease":
            self.leases[datapath.id, frame.src, frame.dst, port] = (datapath, match, actions)
            self.install(datapath, 1, match, actions, hard=LEASE, told=True)
            return
        self.install(datapath, 1, match, actions)
        self.entries[datapath.id].add((port, frame.src, frame.dst))

    def count_in_the_background(self, dpid: int) -> None:
        """One more; the rest stands for a call to a database."""
        count = self.counted[dpid]
        hub.sleep(0.001)
        self.counted[dpid] = count + 1

    def renew(self) -> None:
        """Entries are made anew as they expire."""
        while True:
            hub.sleep(LEASE)
            for datapath, match, actions in list(self.leases.values()):
                self.install(datapath, 1, match, actions, hard=LEASE, told=True)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def flow_removed(self, ev: Any) -> None:
        """An entry expired: nobody needs it any more."""
        match, dpid = ev.msg.match, ev.msg.datapath.id
        self.leases.pop((dpid, match["eth_src"], match["eth_dst"], match["in_port"]), None)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev: Any) -> None:
        """Something was plugged in or out: begin anew, everywhere."""
        if self.variant == "forgetful":
            return
        self.shared.clear()
        self.leases.clear()
        for dpid, datapath in sorted(self.switches.items()):
            ofproto, parser = datapath.ofproto, datapath.ofproto_parser
            self.macs[dpid].clear()
            self.entries[dpid], self.counted[dpid] = set(), 0
            datapath.send_msg(
                parser.OFPFlowMod(
                    datapath=datapath, command=ofproto.OFPFC_DELETE, out_port=ofproto.OFPP_ANY,
                    out_group=ofproto.OFPG_ANY, match=parser.OFPMatch(),
                )
            )  # fmt: skip
            self.ask_for_everything(datapath)
