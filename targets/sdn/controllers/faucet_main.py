"""Runs c65faucet in process: its own main, without its command line, which is the process's.

Not here: its configuration (a YAML file, named in its environment).
"""

from __future__ import annotations

import json
import os

from faucet import __main__ as faucet


def main() -> None:
    """As `faucet` does after reading its arguments."""
    args = faucet.parse_args(json.loads(os.environ["DEMI_FAUCET_OPTIONS"]))
    controller = faucet.OpenFlowController(**faucet.channel_settings(args))
    manager = faucet.AppManager.get_instance()
    manager.load_apps(faucet.app_lists(args, "faucet"))
    contexts = manager.create_contexts()
    services = manager.instantiate_apps(controller=controller, **contexts)
    faucet.hub.joinall(services)
