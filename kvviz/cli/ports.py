"""Whether a server can listen on an address."""

import typer


def check_free(address: str, port: int) -> None:
    """Bind the server's sockets for a moment, so that a refusal is a sentence, not a log.

    Raises:
        TyperException: the port is taken, or the address is not this machine's.
    """
    from tornado.netutil import bind_sockets

    try:
        sockets = bind_sockets(port, address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise typer.TyperException(f"cannot listen on {address}:{port}: {reason}") from None
    for taken in sockets:
        taken.close()
