"""The fixture on the Python SDKs: mcp 1.x, mcp 2.x, fastmcp 2.x and 4.x. Arguments: FLAVOUR (mcp1, mcp2, fastmcp2, fastmcp4) TRANSPORT (stdio, http,
sse) PORT."""

import base64
import sys
from typing import Annotated, Any

import anyio
from pydantic import BaseModel

FLAVOUR, TRANSPORT, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NOTE = "compat://note"
cancelled = 0


class Person(BaseModel):
    name: str


class Sum(BaseModel):
    sum: int


if FLAVOUR == "mcp1":
    import mcp.types as types
    from mcp.server.fastmcp import Context, FastMCP, Image

    ToolError = ValueError
    server = FastMCP("compat", host="127.0.0.1", port=PORT, log_level="ERROR")
    low = server._mcp_server
    plain: dict[str, Any] = {"structured_output": False}
elif FLAVOUR == "mcp2":
    import mcp_types as types
    from mcp.server.mcpserver import Context, Elicit, Image, ListRoots, MCPServer, Resolve, Sample
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import CreateMessageResult, ListRootsResult

    server = MCPServer("compat", log_level="ERROR")
    low = server._lowlevel_server
    plain = {"structured_output": False}
else:
    from fastmcp import Context, FastMCP
    from fastmcp.exceptions import ToolError
    from fastmcp.tools import Tool
    from fastmcp.utilities.types import Image

    if FLAVOUR == "fastmcp2":
        import mcp.types as types
    else:
        import mcp_types as types
    server = FastMCP("compat")
    low = server._mcp_server
    plain = {"output_schema": None}

fast = FLAVOUR.startswith("fastmcp")


@server.tool(**plain)
def echo(text: str) -> str:
    return f"echo: {text}"


@server.tool()
def structured(a: int) -> Sum:
    return Sum(sum=a + 1)


@server.tool(**plain)
def image() -> Image:
    return Image(data=base64.b64decode(PIXEL), format="png")


@server.tool(**plain)
def fails() -> str:
    raise ToolError("it failed")


@server.tool(**plain)
async def progress(ctx: Context) -> str:
    for step in (1, 2, 3):
        await ctx.report_progress(step, 3)
        await anyio.sleep(0.1)  # some clients lose an event that comes in one piece with the answer
    return "done"


@server.tool(**plain)
async def logs(ctx: Context) -> str:
    await ctx.info("hello from logs")
    return "logged"


@server.tool(**plain)
async def asks_user(ctx: Context) -> str:
    answer = await ctx.elicit("Who are you?", Person)
    return f"elicited: {answer.action} {getattr(answer, 'data', None) and answer.data.name}"


if FLAVOUR != "fastmcp4":

    @server.tool(**plain)
    async def asks_model(ctx: Context) -> str:
        if fast:
            return f"sampled: {(await ctx.sample('Say something', max_tokens=10)).text}"
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Say something"))
        answer = await ctx.session.create_message(messages=[message], max_tokens=10)
        return f"sampled: {answer.content.text}"

    @server.tool(**plain)
    async def asks_roots(ctx: Context) -> str:
        roots = await ctx.list_roots() if fast else (await ctx.session.list_roots()).roots
        return f"roots: {[str(root.uri) for root in roots]}"


if FLAVOUR == "mcp2":
    # The SDK's way to ask in both eras.
    async def person() -> Elicit[Person]:
        return Elicit("Who are you?", Person)

    async def sampled() -> Sample:
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Say something"))
        return Sample([message], max_tokens=10)

    async def roots_of() -> ListRoots:
        return ListRoots()

    @server.tool(**plain)
    async def needs_user(who: Annotated[Person, Resolve(person)]) -> str:
        return f"elicited: accept {who.name}"

    @server.tool(**plain)
    async def needs_model(answer: Annotated[CreateMessageResult, Resolve(sampled)]) -> str:
        return f"sampled: {answer.content.text}"

    @server.tool(**plain)
    async def needs_roots(found: Annotated[ListRootsResult, Resolve(roots_of)]) -> str:
        return f"roots: {[str(root.uri) for root in found.roots]}"


if FLAVOUR == "fastmcp4":
    # This SDK's way to ask in both eras.
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

    @server.tool(**plain)
    async def needs_user(ctx: Context) -> Any:
        if not ctx.input_responses:
            params = types.ElicitRequestFormParams(message="Who are you?", requested_schema=schema)
            return types.InputRequiredResult(input_requests={"who": types.ElicitRequest(params=params)}, request_state="asked")
        answer = ctx.input_responses["who"]
        return f"elicited: {answer.action} {answer.content['name']}"


@server.tool(**plain)
async def touch(ctx: Context) -> str:
    if FLAVOUR in ("mcp2",):
        await ctx.notify_resource_updated(NOTE)
    if FLAVOUR == "fastmcp4":
        await ctx.session.send_resource_updated(NOTE)
    else:
        from pydantic import AnyUrl

        await ctx.session.send_resource_updated(AnyUrl(NOTE))
    return "touched"


@server.tool(**plain)
async def grow(ctx: Context) -> str:
    def grown() -> str:
        return "grown"

    if fast:
        server.add_tool(Tool.from_function(grown, name="grown", output_schema=None))
        if FLAVOUR == "fastmcp4":
            await ctx.send_notification(types.ToolListChangedNotification())
        return "grew"
    server.add_tool(grown, name="grown", structured_output=False)
    if FLAVOUR == "mcp2":
        await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
    return "grew"


@server.tool(**plain)
async def wait() -> str:
    global cancelled
    try:
        await anyio.sleep(20)
    except anyio.get_cancelled_exc_class():
        cancelled += 1
        raise
    return "waited"


@server.tool(**plain)
def cancellations() -> str:
    return f"cancelled: {cancelled}"


@server.resource(NOTE, mime_type="text/plain")
def note() -> str:
    return "a note"


@server.resource("compat://item/{id}", mime_type="text/plain")
def item(id: str) -> str:
    return f"item {id}"


@server.prompt()
def greet(name: str) -> str:
    return f"Hello, {name}"


def names(prefix: str) -> list[str]:
    return [name for name in ("Ada", "Alan") if name.startswith(prefix)]


if not fast:

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Any:
        return types.Completion(values=names(argument.value))


if FLAVOUR in ("mcp1", "fastmcp2"):

    @low.subscribe_resource()
    async def subscribe(uri: Any) -> None:
        return None


if TRANSPORT == "stdio":
    if fast:
        server.run("stdio", show_banner=False)
    else:
        server.run("stdio")
else:
    name = "sse" if TRANSPORT == "sse" else "streamable-http" if not fast else "http"
    print(f"listening on {PORT}", flush=True)
    if fast:
        server.run(name, host="127.0.0.1", port=PORT, show_banner=False, log_level="error")
    elif FLAVOUR == "mcp2":
        server.run(name, host="127.0.0.1", port=PORT)
    else:
        server.run(name)
