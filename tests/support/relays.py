"""Relays in front of a server, as careless as people set them up."""

import asyncio
import re
import ssl
import subprocess
import threading
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.routing import Route

from support.waiting import wait_until

NAME = "genrescope.example"  # that a browser is told to look for on this machine


@contextmanager
def https_relay(folder, port):
    """Serve https for a server of http, and tell it nothing about that.

    Args:
        folder: for a certificate that nobody trusts.
        port: of the server, on this machine.

    Yields:
        The relay's port.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", f"/CN={NAME}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def pipe(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def relay(reader, writer):
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(serving, loop).result()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@contextmanager
def path_relay(port, path, lines):
    """Serve a server below a path of another, as nginx does by ``proxy_set_header``.

    Args:
        port: of the server, on this machine.
        path: of the server's page, as "/path"; the server never learns of it.
        lines: a configuration of nginx, of which the headers are taken.

    Yields:
        The address of the page, without a slash at its end.
    """
    told = re.findall(r"proxy_set_header (\S+) (\S+);", lines)
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=None, trust_env=False
    )

    async def answer(request):
        variables = {
            "$host": request.url.hostname,
            "$http_host": request.headers["host"],
            "$scheme": request.url.scheme,
            "$proxy_add_x_forwarded_for": request.client.host,
        }
        headers = {**request.headers, "host": f"127.0.0.1:{port}"}
        headers |= {name.lower(): variables[value] for name, value in told}
        rest = request.path_params["rest"]
        question = client.build_request(
            request.method,
            httpx.URL(path=f"/{rest}", query=request.url.query.encode()),
            headers=headers,
            content=request.stream() if request.method == "POST" else None,
        )
        there = await client.send(question, stream=True)
        here = StreamingResponse(
            there.aiter_raw(),
            there.status_code,
            background=BackgroundTask(there.aclose),
        )
        here.raw_headers = there.headers.raw
        return here

    routes = [Route(f"{path}/{{rest:path}}", answer, methods=["GET", "HEAD", "POST"])]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the relay")
    own = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{own}{path}"
    server.should_exit = server.force_exit = True
    thread.join()
