"""How long a daemon may be silent; client/patience.h has the same rules."""
import os
import time

from ._connection import _Absent, _connect, _Connection, _Lost
from ._results import DaemonError

# The longest silence of a daemon in seconds; $PYCOMPILED_PATIENCE is another. After a tenth of it the daemon is asked for
# a sign of life, and after a sixth the user is told.
PATIENCE_S = 30
PATIENCE_ASK_PART = 10
PATIENCE_SAY_PART = 6


def _patience():
    try:
        seconds = float(os.environ.get("PYCOMPILED_PATIENCE", ""))
    except ValueError:
        return PATIENCE_S
    return seconds if 0 < seconds < (1 << 31) // 1000 else PATIENCE_S


def _lives(path, deadline):
    """Whether the daemon answers on another connection before the deadline. Also true if no daemon listens any more: one
    that leaves finishes its jobs and accepts no connection."""
    try:
        connection = _Connection(_connect(path), path)
    except _Absent:
        return True
    except DaemonError:
        return False
    try:
        connection.queue({"jsonrpc": "2.0", "id": 0, "method": "status"})
        messages = []
        while not messages and time.monotonic() < deadline:
            messages = connection.exchange(deadline - time.monotonic())
        return bool(messages)
    except _Lost:
        return True
    finally:
        connection.close()


def _is_silent(connection, patience):
    return time.monotonic() - connection.active >= patience / PATIENCE_ASK_PART


def _check_life(client, connection, patience):
    """Raises DaemonError where the daemon has given no sign of life for too long. Blocks while it gives none."""
    if not _is_silent(connection, patience):
        return
    if not _lives(connection.path, connection.active + patience / PATIENCE_SAY_PART):
        client._say_that_it_hangs(connection.peer, patience)
        if not _lives(connection.path, connection.active + patience):
            error = DaemonError("the daemon (pid %d) has given no sign of life for %g seconds: it hangs or is stopped "
                                "(pycompilectl stop --force ends it)" % (connection.peer, patience))
            client._give_up(connection.path, error)
            raise error
    connection.active = time.monotonic()
