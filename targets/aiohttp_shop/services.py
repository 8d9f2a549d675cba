"""Three aiohttp services that call one another: a shop, its stock and its payments.

Plain aiohttp: nothing here knows of demi.  `variant` is how the shop buys:

- oversell: asks the stock what is left, charges, then takes one (check, then act);
- double-charge: reserves first, and charges again when the answer of a charge is an error, although the
  charge may have been made;
- fixed: reserves first, retries with one idempotency key, releases what it cannot charge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

PORT = 8080
RETRIES = 2


@dataclass
class Stock:
    """What the stock service knows."""

    left: int
    sold: int = 0


@dataclass
class Payments:
    """Charges in order, and the keys that were seen."""

    charged: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


def stock_app(stock: Stock) -> web.Application:
    """GET /left, POST /take, /reserve, /release."""

    async def left(request: web.Request) -> web.Response:
        return web.json_response({"left": stock.left})

    async def take(request: web.Request) -> web.Response:
        stock.left -= 1
        stock.sold += 1
        return web.json_response({"left": stock.left})

    async def reserve(request: web.Request) -> web.Response:
        if stock.left <= 0:
            return web.json_response({"error": "sold out"}, status=409)
        return await take(request)

    async def release(request: web.Request) -> web.Response:
        stock.left += 1
        stock.sold -= 1
        return web.json_response({"left": stock.left})

    app = web.Application()
    app.router.add_get("/left", left)
    app.router.add_post("/take", take)
    app.router.add_post("/reserve", reserve)
    app.router.add_post("/release", release)
    return app


def payment_app(payments: Payments) -> web.Application:
    """POST /charge with {"order": id}; a known Idempotency-Key charges nothing."""

    async def charge(request: web.Request) -> web.Response:
        order = (await request.json())["order"]
        key = request.headers.get("Idempotency-Key", "")
        if not key or key not in payments.keys:
            payments.charged.append(order)
            payments.keys.add(key)
        return web.json_response({"paid": order})

    app = web.Application()
    app.router.add_post("/charge", charge)
    return app


class Shop:
    """POST /buy with {"order": id}: 200 when bought, 409 when sold out, 502 when it failed."""

    def __init__(self, variant: str, session: aiohttp.ClientSession) -> None:
        self.bought: list[str] = []
        self._session = session
        self._racy = variant == "oversell"
        self._keyed = variant == "fixed"

    def app(self) -> web.Application:
        """The service."""
        app = web.Application()
        app.router.add_post("/buy", self.buy)
        return app

    async def buy(self, request: web.Request) -> web.Response:
        order = (await request.json())["order"]
        if self._racy:
            return await self._check_then_act(order)
        if await self._post("stock", "/reserve") != 200:
            return web.json_response({"error": "sold out"}, status=409)
        if not await self._charge(order):
            if self._keyed:
                await self._post("stock", "/release")
            return web.json_response({"error": "payment failed"}, status=502)
        return self._bought(order)

    async def _check_then_act(self, order: str) -> web.Response:
        async with self._session.get(f"http://stock:{PORT}/left") as answer:
            left = (await answer.json())["left"]
        if left <= 0:
            return web.json_response({"error": "sold out"}, status=409)
        if not await self._charge(order):
            return web.json_response({"error": "payment failed"}, status=502)
        await self._post("stock", "/take")
        return self._bought(order)

    async def _charge(self, order: str) -> bool:
        headers = {"Idempotency-Key": order} if self._keyed else {}
        for _ in range(RETRIES):
            if await self._post("payment", "/charge", {"order": order}, headers) == 200:
                return True
        return False

    async def _post(
        self, service: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> int:
        url = f"http://{service}:{PORT}{path}"
        try:
            async with self._session.post(url, json=body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientError:
            return 0

    def _bought(self, order: str) -> web.Response:
        self.bought.append(order)
        return web.json_response({"bought": order})


async def serve(app: web.Application) -> None:
    """Listen."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", PORT).start()
