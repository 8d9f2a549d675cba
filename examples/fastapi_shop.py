"""Two FastAPI services as a target: served by uvicorn, calling each other with httpx, all as they are."""

import httpx
import uvicorn
from fastapi import FastAPI

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Service
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target

PORT = 8000


# ---- the services: plain FastAPI


class Stock:
    def __init__(self):
        self.left = 1
        self.sold = 0


def stock_app(stock, careful):
    app = FastAPI()

    @app.get("/left")
    async def left():
        return {"left": stock.left}

    @app.post("/take")
    async def take():
        if careful and not stock.left:
            return {"taken": False}
        stock.left -= 1
        stock.sold += 1
        return {"taken": True}

    return app


def shop_app():
    app = FastAPI()
    stock = httpx.AsyncClient(base_url=f"http://stock:{PORT}")

    @app.post("/buy")
    async def buy():
        if not (await stock.get("/left")).json()["left"]:
            return {"bought": False}
        return {"bought": (await stock.post("/take")).json()["taken"]}

    return app


async def serve(app):
    config = uvicorn.Config(app, host="0.0.0.0", port=PORT, log_level="warning", lifespan="off")
    await uvicorn.Server(config).serve()


# ---- the target


def make(config):
    async def stock(host):
        host.state = Stock()
        await serve(stock_app(host.state, config["careful"]))

    async def shop(host):
        await serve(shop_app())

    async def buyers(host):
        """Waits for inputs."""

    async def buy(host, args):
        async with httpx.AsyncClient() as client:
            await client.post(f"http://shop:{PORT}/buy")

    return AsyncioWorld(
        {
            "buyers": Service(buyers),
            "shop": Service(shop),
            "stock": Service(stock, lambda stock: (stock.left, stock.sold)),
        },
        inputs={"buy": buy},
        life=4.0,  # before idle connections are closed
    )


def oversold(view):
    seen = view.state(view.names.index("stock"))
    return Detail(("stock",), f"{seen[1]} sold of 1") if seen and seen[1] > 1 else None


TARGET = Target(
    name="fastapi_shop",
    doc="two FastAPI services, served by uvicorn and called with httpx",
    make=make,
    invariants=lambda config: [StateInvariant("NoOversell", "one was there", oversold, local=True)],
    profile=lambda config: Profile(
        choices=(
            Choice("buy", 1.0, lambda draw, names, i: [External(Kind.INJECT, ("buyers",), "buy")]),
        ),
        items=(2, 3),
    ),
    defaults={"careful": False},
)
