"""Starts the sandbox: python3 -m sandbox --socket PATH [--state DIR] [--base URL] ...

It listens on a unix socket, says so in one line on standard output, and ends at once on SIGTERM
or SIGINT: requests that are being held never delay the end. What --account and --client name is
added to the saved state, or changed there.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import stat
import sys
from pathlib import Path

from aiohttp import web

from .app import SandboxApp
from .google import Google
from .idtoken import SigningKey
from .microsoft import Microsoft
from .saving import Saving
from .world import BadSetting, World

BACKLOG = 4096      # a whole crowd may come at once


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="Stands in for the providers.")
    parser.add_argument("--socket", required=True, type=Path, help="unix socket to listen on")
    parser.add_argument("--socket-mode", default="0600", type=lambda text: int(text, 8),
                        help="its permissions, octal (0660 for a web server in our group)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the state in this folder")
    parser.add_argument("--base", default="https://localhost:8444", metavar="URL",
                        help="where the web server shows the sandbox")
    parser.add_argument("--account", action="append", default=[],
                        metavar="EMAIL[,ZONE[,NAME[,KIND]]]", help="a person with a calendar")
    parser.add_argument("--client", action="append", default=[],
                        metavar="PROVIDER,ID,SECRET_FILE,URI[,URI]",
                        help="a registered application; the file holds its secret")
    return parser.parse_args()


def add_account(world: World, text: str) -> None:
    names = ("email", "zone", "name", "kind")
    world.add_account(**dict(zip(names, text.split(",", 3))))


def add_client(world: World, text: str) -> None:
    words = text.split(",")
    if len(words) < 4:
        raise BadSetting("a client needs a provider, an id, a secret file and a redirect URI")
    provider, client_id, secret_file, *uris = words
    secret = Path(secret_file).read_text(encoding="utf-8").strip()
    world.add_client(client_id=client_id, secret=secret, redirect_uris=uris, provider=provider)


def bind(path: Path, mode: int) -> socket.socket:
    """A bound unix socket; one that a dead sandbox left behind is replaced."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old_mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old_mask)
    os.chmod(path, mode)
    return listener


async def serve(args: argparse.Namespace) -> None:
    """Run until told to stop."""
    world = World(args.base)
    # made before anybody waits for it: half a second, now and then much more
    key = SigningKey.fresh()
    app = SandboxApp(world, {"google": Google(world, key), "microsoft": Microsoft(world, key)})
    saving = Saving(args.state, app.dump) if args.state else None
    if saving is not None:
        saved = saving.read()
        if saved is not None:
            app.load(saved)
        world.on_change = saving.soon
    for text in args.account:
        add_account(world, text)
    for text in args.client:
        add_client(world, text)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app.build(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, bind(args.socket, args.socket_mode), backlog=BACKLOG).start()
    print(f"sandbox: listening on {args.socket}", flush=True)
    await stop.wait()
    if saving is not None:
        saving.now()
    args.socket.unlink(missing_ok=True)


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING,
                        format="sandbox: %(levelname)s %(message)s")
    args = options()
    try:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(serve(args))
    except (BadSetting, OSError, ValueError) as error:
        sys.exit(f"sandbox: {error}")
    # No orderly shutdown of the loop: it would wait for requests that are being held.
    os._exit(0)


if __name__ == "__main__":
    main()
