"""What holds for all tests: properties are tried on the same examples every time.

A default run must say the same twice, on a busy machine too; `--hypothesis-profile search` draws new
examples, for a longer look.  Ctrl-C works in what they start, even where the tests run in the background
of a shell, which has it ignored.
"""

import signal

from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children get the default

settings.register_profile(
    "same", deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],  # it measures wall time
)  # fmt: skip
settings.register_profile("search", deadline=None)
settings.load_profile("same")
