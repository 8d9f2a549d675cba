"""Runs os-ken applications, held in process or as a child process alike: os-ken 4 ships no runner.

The one insight: the order of imports is part of os-ken's interface (application manager first), so one
small main serves both ways of holding it.  Not here: the applications.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def load(apps: Sequence[str], options: Sequence[str]) -> None:
    """Import applications by module name, read options of os-ken's command line, find their classes."""
    from os_ken.base.app_manager import AppManager  # first: the others need it imported

    for module in apps:  # they register their command-line options when imported
        __import__(module)
    import os_ken.controller.controller
    import os_ken.topology.switches  # noqa: F401 - registers --observe-links
    from os_ken import cfg

    cfg.CONF(list(options), project="os_ken", default_config_files=[])
    AppManager.get_instance().load_apps(list(apps))


def run() -> None:
    """Run the applications that were loaded until they end."""
    from os_ken.base.app_manager import AppManager

    AppManager.run_apps([])


if __name__ == "__main__":
    split = sys.argv.index("--")
    load(sys.argv[1:split], sys.argv[split + 1 :])
    run()
