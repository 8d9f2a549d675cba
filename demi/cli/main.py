"""The way in and out: whatever happens becomes one exit code, and never a bare traceback.

The one insight: a process that is asked by scripts answers with its exit code, so exactly one place
turns everything into one.  Everything else is imported inside, so that even a Ctrl-C during the imports
ends here.

Not here: options and commands (`app.py`), the texts of failures (`failures.py`).
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130  # `ExitCode.INTERRUPTED`, before it can be imported


def run() -> None:
    """The entry point of the `demi` command and of `python -m demi`.

    To be told to end, or to lose the terminal, is like Ctrl-C: what was found is kept.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it on purpose
            signal.signal(number, signal.default_int_handler)
    try:
        code = perform(sys.argv[1:], own_process=True)
    except KeyboardInterrupt:
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C may not tear the ending apart
    sys.exit(code)


def perform(words: list[str], own_process: bool = False) -> int:
    """One use of the command line; returns its exit code.

    own_process: it runs nothing else, so a target may have it started again (`interpose/hashes.py`).
    """
    from demi.cli.app import app, general_first
    from demi.cli.failures import explain, is_usage
    from demi.cli.session import plain_session

    session = plain_session()
    session.pins = own_process
    try:
        result = app(
            args=general_first(words), prog_name="demi", standalone_mode=False, obj=session
        )
        sys.stdout.flush()
        return int(result or 0)
    except (BrokenPipeError, SystemExit) as ended:
        # The reader has seen enough: `demi view TRACE | head`.  Typer answers with exit(1), our "violation".
        if not isinstance(
            ended if ended.__context__ is None else ended.__context__, BrokenPipeError
        ):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:
        if is_usage(error) and not words:  # `demi` alone: the text of the error is the help
            print(getattr(error, "format_message", str)())
            return int(getattr(error, "exit_code", 2))
        message, code = explain(error, session)
        session.writer.fail(message)
        return code
