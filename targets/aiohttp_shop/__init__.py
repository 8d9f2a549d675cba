"""The target `aiohttp_shop`: three unmodified aiohttp services, two published kinds of defect.

The one insight: both defects need nothing but an order of messages or one lost answer, which is what a
test against real services never gets to choose.

The services are in `services.py` and know nothing of demi.  Buyers live on one host, each with its own
connection.  Not here: persistence, TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from demi.errors import TargetError
from demi.events import External, Kind
from demi.interpose.world import World
from demi.oracle import Detail, Invariant, StateInvariant, View
from demi.target import Bug, Choice, Config, Profile, Target, nearest

if TYPE_CHECKING:
    from demi.interpose.aio import Host

VARIANTS = ("oversell", "double-charge", "fixed")
Draw = Callable[[int], int]
LIFE_SECONDS = 10.0  # before idle connections are closed: that is housekeeping, not the shop


class SeenStock(NamedTuple):
    """The stock: left, sold, and how much there was."""

    left: int
    sold: int
    initial: int


class SeenPayment(NamedTuple):
    """Orders in the order in which they were charged."""

    charged: tuple[str, ...]


class SeenShop(NamedTuple):
    """Orders that were answered as bought."""

    bought: tuple[str, ...]


def make(config: Config) -> World:
    """The world.  Raises TargetError without aiohttp, or for an unknown variant."""
    variant, initial = config["variant"], config["stock"]
    if variant not in VARIANTS:
        raise TargetError(
            f"aiohttp_shop has no variant {variant!r}", remedy=nearest(variant, VARIANTS)
        )
    try:
        import aiohttp
    except ImportError as error:
        raise TargetError("aiohttp is not installed", remedy="pip install aiohttp") from error
    from demi.interpose.aio import AsyncioWorld, Service
    from targets.aiohttp_shop import services

    async def shop(host: Host) -> None:
        host.state = made = services.Shop(variant, aiohttp.ClientSession())
        await services.serve(made.app())

    async def stock(host: Host) -> None:
        host.state = services.Stock(initial)
        await services.serve(services.stock_app(host.state))

    async def payment(host: Host) -> None:
        host.state = services.Payments()
        await services.serve(services.payment_app(host.state))

    async def buyers(host: Host) -> None:
        """Nothing runs here but the requests that come from outside."""

    async def buy(host: Host, args: Any) -> None:
        async with aiohttp.ClientSession() as session:
            url = f"http://shop:{services.PORT}/buy"
            async with session.post(url, json={"order": args["order"]}) as answer:
                await answer.read()

    return AsyncioWorld(
        {
            "buyers": Service(buyers),
            "shop": Service(shop, lambda made: SeenShop(tuple(made.bought))),
            "stock": Service(stock, lambda made: SeenStock(made.left, made.sold, initial)),
            "payment": Service(payment, lambda made: SeenPayment(tuple(made.charged))),
        },
        inputs={"buy": buy},
        timers=config["timers"],
        life=LIFE_SECONDS,
        packages=("aiohttp", "targets.aiohttp_shop"),
    )


def _oversold(view: View) -> Detail | None:
    seen: SeenStock | None = view.state(view.names.index("stock"))
    if seen is None or seen.sold <= seen.initial:
        return None
    return Detail(("stock",), f"{seen.sold} sold of {seen.initial}")


def _charged_twice(view: View) -> Detail | None:
    seen: SeenPayment | None = view.state(view.names.index("payment"))
    if seen is not None:
        for order in seen.charged:
            if seen.charged.count(order) > 1:
                return Detail(
                    ("payment",), f"order {order} was charged {seen.charged.count(order)} times"
                )
    return None


def invariants(config: Config) -> Sequence[Invariant]:
    """Both, whatever the variant."""
    both: list[Invariant] = [
        StateInvariant("NoOversell", "no more is sold than there was", _oversold, local=True),
        StateInvariant("ChargedOnce", "no order is charged twice", _charged_twice, local=True),
    ]
    return both


def _buy(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.INJECT, ("buyers",), "buy", {"order": f"o{i + 1}"})]


def _fault(label: str) -> Callable[[Draw, Sequence[str], int], list[External]]:
    return lambda draw, names, i: [External(Kind.INJECT, ("shop", "payment"), label)]


def profile(config: Config) -> Profile:
    """Buyers all at once; service faults where the variant retries."""
    faults = config["variant"] != "oversell"
    return Profile(
        choices=(
            Choice("buy", 3.0, _buy),
            *(
                Choice(label, 0.5, _fault(label))
                for label in ("fail_before", "fail_after")
                if faults
            ),
        ),
        items=(2, 5),
        steps=400,
    )


TARGET = Target(
    name="aiohttp_shop",
    doc="three unmodified aiohttp services: shop, stock and payment, over a network that demi owns",
    make=make,
    invariants=invariants,
    profile=profile,
    defaults={"variant": "oversell", "stock": 1, "timers": "free"},
    bugs={
        "oversell": Bug(
            "oversell",
            "two buyers pass the check before either takes",
            {"variant": "oversell"},
            "NoOversell",
        ),
        "double-charge": Bug(
            "double-charge",
            "a charge whose answer was lost is made again",
            {"variant": "double-charge"},
            "ChargedOnce",
        ),
    },
)
