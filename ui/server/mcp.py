"""Offer the endpoints as tools of an MCP server, at ``/gradio_api/mcp``.

Gradio makes a tool of every public endpoint. Here its answers become typed: JSON with
the schema that the endpoint declares, where Gradio sends Python's own notation as text.
A file that was uploaded to this host is taken by its address, which Gradio would try to
download from itself and refuse.

Source: https://modelcontextprotocol.io/specification/2025-06-18/server/tools
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
from gradio.mcp import GradioMCPServer
from gradio.server_messages import ProcessCompletedMessage
from gradio.utils import get_upload_folder
from gradio_client import handle_file
from mcp.server import Server
from mcp.types import (
    CallToolRequest,
    CallToolResult,
    ListToolsRequest,
    ListToolsResult,
    ServerResult,
    TextContent,
)

import i18n
from ui.server.access import is_loopback

FILE_ROUTE = "/gradio_api/file="
WRAP = "result"  # what holds an answer that is a list: MCP knows objects only
FILE_FACTS = ("type", "format", "description")
HANDED_ON = "x-forwarded-for"
NEWS_S = 2.0  # between two words on how far a call is

Asked = Callable[[Any], Awaitable[ServerResult]]


class ToolServer(GradioMCPServer):
    """Gradio's MCP server with typed answers.

    Args:
        blocks: the page whose public endpoints become tools.
    """

    def create_mcp_server(self) -> Server:
        """Make Gradio's server; its tools get an output schema, their answers are JSON."""
        server = super().create_mcp_server()
        handlers = server.request_handlers
        handlers[ListToolsRequest] = self._listed(handlers[ListToolsRequest])
        handlers[CallToolRequest] = self._called(handlers[CallToolRequest])
        return server

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Describe the parameters, in the words of the API's documentation.

        Returns:
            Their schema, and where in it the files are.
        """
        given = self._endpoint(tool_name).get("parameters", ())
        labels = {each["parameter_name"]: each["label"] for each in given}
        schema, places = super().get_input_schema(tool_name, labels)
        properties = schema["properties"]
        for name, *_ in places:
            properties[name] = _plain(properties[name])
        return schema, [place for place in places if "$defs" not in place]

    def convert_strings_to_filedata(
        self, value: Any, filedata_positions: list[list[str | int]]
    ) -> Any:
        """Put files into arguments in the place of their addresses, or of their data.

        Gradio looks for the files in a list where the schema has them, under "items".

        Raises:
            ValueError: for a text that is neither an address nor ``data:``.
        """
        convert = super().convert_strings_to_filedata

        def converted(value: Any, at: list[str | int]) -> Any:
            if isinstance(value, dict):
                return {key: converted(each, [*at, key]) for key, each in value.items()}
            if isinstance(value, list):
                return [converted(each, [*at, "items"]) for each in value]
            if not isinstance(value, str) or at not in filedata_positions:
                return value
            path = _upload_of(value)
            return handle_file(path) if path else convert(value, [[]])

        return converted(value, [])

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """Return pictures as pictures, everything else as JSON."""
        return super().postprocess_output_data(
            [each if _is_file(each) else json.dumps(each) for each in data], root_url
        )

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        """Prepare the call of an endpoint; a stranger stays one.

        The call is forwarded from this machine to itself, so who asks from elsewhere has to
        be named: ``access`` would take it for the person at this machine.
        """
        endpoint, values, headers, function = super()._prepare_tool_call_args(
            name, arguments
        )
        request = self.mcp_server.request_context.request
        host = request.client.host if request and request.client else ""
        if not is_loopback(host):
            headers[HANDED_ON] = host or "unknown"
        return endpoint, values, headers, function

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        """Wait for a call's answer; where its client leaves, give the call up."""
        async with self._given_up_with_us(job):
            result = await anyio.to_thread.run_sync(job.result, abandon_on_cancel=True)
        return [result]

    async def _execute_tool_with_progress(  # type: ignore[override]
        self, job: Any, progress_token: str | int
    ) -> list[Any]:
        """Wait for a call's answer, and tell its client every few seconds how far it is.

        Clients give up what is silent for a minute, and ask again.
        """
        async with anyio.create_task_group() as group:
            group.start_soon(self._tell, job, progress_token)
            answer = await self._execute_tool_without_progress(job)
            group.cancel_scope.cancel()
        return answer

    async def _tell(self, job: Any, progress_token: str | int) -> None:
        """Send a call's client a word on how far it is, every ``NEWS_S``."""
        context, began = self.mcp_server.request_context, time.monotonic()
        while True:
            await context.session.send_progress_notification(
                progress_token=progress_token,
                progress=round(time.monotonic() - began, 1),  # seconds: it has to grow
                message=_news(job) or self._format_progress_message(job.status()),
                related_request_id=str(context.request_id),
            )
            await anyio.sleep(NEWS_S)

    @asynccontextmanager
    async def _given_up_with_us(self, job: Any) -> AsyncIterator[None]:
        """Give a call up where this task is cancelled, which it is when its client leaves.

        Not by the job's own ``cancel``: all clients' calls are in one session of
        Gradio's, and that ends whichever is running.
        """
        try:
            yield
        finally:
            if not job.done():
                with anyio.CancelScope(shield=True):
                    await self._give_up(job.communicator.event_id)

    async def _give_up(self, event_id: str | None) -> None:
        queue, client = self.blocks._queue, self._client_instance
        if not event_id or not client:
            return
        await queue.clean_events(event_id=event_id)
        messages = queue.pending_messages_per_session.get(client.session_hash)
        if messages:  # by which the thread that waits for the answer ends
            end = ProcessCompletedMessage(output={}, success=True, event_id=event_id)
            messages.put_nowait(end)

    def _listed(self, inner: Asked) -> Asked:
        """Wrap the answer to "which tools are there?": each gets its output schema."""

        async def listed(request: Any) -> ServerResult:
            answer = await inner(request)
            if isinstance(answer.root, ListToolsResult):
                for tool in answer.root.tools:
                    tool.outputSchema = self._output_schema(tool.name)
            return answer

        return listed

    def _called(self, inner: Asked) -> Asked:
        """Wrap the answer to a call: typed where the tool has an output schema."""

        async def called(request: CallToolRequest) -> ServerResult:
            answer = await inner(request)
            result, schema = answer.root, self._output_schema(request.params.name)
            if isinstance(result, CallToolResult) and schema and not result.isError:
                (content,) = result.content
                assert isinstance(content, TextContent)
                found = json.loads(content.text)
                is_whole = isinstance(found, dict)
                result.structuredContent = found if is_whole else {WRAP: found}
            return answer

        return called

    def _endpoint(self, tool_name: str) -> dict[str, Any]:
        """Look a tool up in the API's documentation; empty for an unknown one."""
        name = self.tool_to_endpoint.get(tool_name, "")
        return dict(self.api_info["named_endpoints"].get(name, {}))

    def _output_schema(self, tool_name: str) -> dict[str, Any] | None:
        """Return the schema of a tool whose one answer is typed JSON."""
        returns = self._endpoint(tool_name).get("returns", ())
        schemas = [each["type"] for each in returns if each["component"] == "Json"]
        if len(schemas) != 1:
            return None
        (schema,) = schemas
        if schema["type"] == "object":
            return schema
        inner = {key: value for key, value in schema.items() if key != "$defs"}
        definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
        return {
            "type": "object",
            "properties": {WRAP: inner},
            "required": [WRAP],
            **definitions,
        }


def _news(job: Any) -> str:
    """Describe how many rows of a table are there; "" for other answers."""
    tables = [each for each in job.outputs() if isinstance(each, list)]
    return i18n.word("api.rows_done", n=len(tables[-1])) if tables else ""


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Reduce a file's schema, or that of a list of files, to what clients can read.

    What Gradio leaves of it refers to a definition that is not where a client looks.
    """
    kept = {name: schema[name] for name in FILE_FACTS if name in schema}
    return {**kept, "items": _plain(schema["items"])} if "items" in schema else kept


def _upload_of(address: str) -> str | None:
    """Find the file that an address of this host names, if a visitor has uploaded it.

    Whatever host the address names, only a file inside the folder of uploads is one:
    the same files as the route itself would give to anyone who knows their address.
    """
    parts = urlsplit(address)
    _, route, name = parts.path.partition(FILE_ROUTE)
    if parts.scheme not in ("http", "https") or not route:
        return None
    path = Path(os.path.realpath(unquote(name)))
    is_inside = path.is_relative_to(os.path.realpath(get_upload_folder()))
    return str(path) if is_inside and path.is_file() else None


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and "meta" in value
