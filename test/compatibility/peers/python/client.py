"""Drives a server as a client of the Python SDKs does: mcp 1.x, mcp 2.x, fastmcp 2.x and 4.x. Argument: a plan as JSON. Prints one line of JSON a
feature: {"feature", "result": "yes" | "no" | "none", "detail"}."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import Any

PLAN = json.loads(sys.argv[1])
FLAVOUR = PLAN["flavour"]
TRANSPORT = PLAN["transport"]
WAIT = PLAN.get("waitMs", 4000) / 1000
NOTE = "compat://note"

if FLAVOUR in ("mcp1", "fastmcp2"):
    import mcp.types as types
else:
    import mcp_types as types


def plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


class Heard:
    """What the server told outside of answers."""

    def __init__(self) -> None:
        self.logs: list[str] = []
        self.updated: list[str] = []
        self.tools_changed = 0


heard = Heard()
person = {"name": "Ada"}


def note(method: str, params: Any) -> None:
    if method == "notifications/resources/updated":
        heard.updated.append(str(plain(params)["uri"]))
    elif method == "notifications/tools/list_changed":
        heard.tools_changed += 1


async def on_message(message: Any) -> None:
    root = getattr(message, "root", message)
    if getattr(root, "method", None) is not None:
        note(root.method, getattr(root, "params", None))


async def on_log(params: Any) -> None:
    heard.logs.append(str(plain(params).get("data") if hasattr(params, "model_dump") else getattr(params, "data", params)))


async def sample(_context: Any, _params: Any) -> Any:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(type="text", text="something"), model="none")


class Plain:
    """ClientSession of mcp 1.x and Client of mcp 2.x have the same methods, nearly."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.followers: list[asyncio.Task[None]] = []

    async def ping(self) -> None:
        await self.session.send_ping()

    async def tools(self) -> list[Any]:
        return plain(await self.session.list_tools())["tools"]

    async def call(self, name: str, arguments: dict[str, Any] | None = None, progress: Any = None) -> Any:
        return plain(await self.session.call_tool(name, arguments or {}, progress_callback=progress))

    async def resources(self) -> list[Any]:
        return plain(await self.session.list_resources())["resources"]

    async def templates(self) -> list[Any]:
        return plain(await self.session.list_resource_templates())["resourceTemplates"]

    async def read(self, uri: str) -> Any:
        return plain(await self.session.read_resource(uri))["contents"]

    async def prompts(self) -> list[Any]:
        return plain(await self.session.list_prompts())["prompts"]

    async def prompt(self, name: str, arguments: dict[str, str]) -> Any:
        return plain(await self.session.get_prompt(name, arguments))["messages"]

    async def complete(self, name: str, value: str) -> list[str]:
        ref = types.PromptReference(type="ref/prompt", name="greet")
        return plain(await self.session.complete(ref, {"name": name, "value": value}))["completion"]["values"]

    async def level(self) -> None:
        await self.session.set_logging_level("info")

    async def subscribe(self) -> None:
        await self.session.subscribe_resource(NOTE)

    async def watch_tools(self) -> None:
        """A session is told without being asked."""

    async def cancel_wait(self) -> None:
        task = asyncio.create_task(self.call("wait"))
        await asyncio.sleep(0.5)
        if FLAVOUR == "mcp1":
            # This SDK has no call for it; the notification is sent as its users send it.
            params = types.CancelledNotificationParams(requestId=self.session._request_id - 1, reason="enough")
            cancelled = types.CancelledNotification(method="notifications/cancelled", params=params)
            await self.session.send_notification(types.ClientNotification(cancelled))
        else:
            task.cancel()
        await asyncio.wait([task], timeout=WAIT)
        task.cancel()


class V1(Plain):
    async def read(self, uri: str) -> Any:
        from pydantic import AnyUrl

        return plain(await self.session.read_resource(AnyUrl(uri)))["contents"]

    async def subscribe(self) -> None:
        from pydantic import AnyUrl

        await self.session.subscribe_resource(AnyUrl(NOTE))


class V2(Plain):
    modern = False

    async def tools(self) -> list[Any]:
        return plain(await self.session.list_tools(cache_mode="bypass"))["tools"]

    async def level(self) -> None:
        if not self.modern:
            await self.session.set_logging_level("info")

    async def subscribe(self) -> None:
        if self.modern:
            await self.listen(resource_subscriptions=[NOTE])
        else:
            await self.session.subscribe_resource(NOTE)

    async def watch_tools(self) -> None:
        if self.modern:
            await self.listen(tools_list_changed=True)

    async def listen(self, **wanted: Any) -> None:
        ready = asyncio.Event()

        async def follow() -> None:
            async with self.session.listen(**wanted) as stream:
                ready.set()
                async for event in stream:
                    if hasattr(event, "uri"):
                        heard.updated.append(str(event.uri))
                    else:
                        heard.tools_changed += 1

        follower = asyncio.create_task(follow())
        self.followers.append(follower)
        opened = asyncio.create_task(ready.wait())
        await asyncio.wait([follower, opened], return_when=asyncio.FIRST_COMPLETED)
        if follower.done():
            follower.result()


class Fast(Plain):
    async def ping(self) -> None:
        await self.session.ping()

    async def tools(self) -> list[Any]:
        return [plain(tool) for tool in await self.session.list_tools()]

    async def call(self, name: str, arguments: dict[str, Any] | None = None, progress: Any = None) -> Any:
        return plain(await self.session.call_tool_mcp(name, arguments or {}, progress_handler=progress))

    async def resources(self) -> list[Any]:
        return [plain(resource) for resource in await self.session.list_resources()]

    async def templates(self) -> list[Any]:
        return [plain(template) for template in await self.session.list_resource_templates()]

    async def read(self, uri: str) -> Any:
        return [plain(content) for content in await self.session.read_resource(uri)]

    async def prompts(self) -> list[Any]:
        return [plain(prompt) for prompt in await self.session.list_prompts()]

    async def complete(self, name: str, value: str) -> list[str]:
        ref = types.PromptReference(type="ref/prompt", name="greet")
        return plain(await self.session.complete(ref, {"name": name, "value": value}))["values"]

    async def subscribe(self) -> None:
        if getattr(self.session, "protocol_version", None) == "2026-07-28":
            raise Absent("this client has no call for it")
        from pydantic import AnyUrl

        await self.session.session.subscribe_resource(AnyUrl(NOTE) if FLAVOUR == "fastmcp2" else NOTE)

    async def cancel_wait(self) -> None:
        if FLAVOUR == "fastmcp4":
            await Plain.cancel_wait(self)
            return
        task = asyncio.create_task(self.call("wait"))
        await asyncio.sleep(0.5)
        await self.session.cancel(self.session.session._request_id - 1, "enough")
        await asyncio.wait([task], timeout=WAIT)
        task.cancel()


async def elicit(_context: Any, _params: Any) -> Any:
    return types.ElicitResult(action="accept", content=person)


async def roots(_context: Any) -> Any:
    return types.ListRootsResult(roots=[types.Root(uri="file:///compat")])


@asynccontextmanager
async def connected() -> Any:
    """Opens the connection; yields what to call, and the revision."""
    environment = {**os.environ, **PLAN.get("env", {})}
    if FLAVOUR == "mcp1":
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.sse import sse_client
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamablehttp_client

        if TRANSPORT == "stdio":
            command = StdioServerParameters(command=PLAN["command"], args=PLAN["args"], env=environment)
            opened = stdio_client(command, errlog=open(os.devnull, "w"))
        else:
            opened = sse_client(PLAN["url"]) if TRANSPORT == "sse" else streamablehttp_client(PLAN["url"])
        async with opened as streams:
            session = ClientSession(
                streams[0],
                streams[1],
                sampling_callback=sample,
                elicitation_callback=elicit,
                list_roots_callback=roots,
                logging_callback=on_log,
                message_handler=on_message,
            )
            async with session:
                told = await session.initialize()
                yield V1(session), str(told.protocolVersion)
    elif FLAVOUR == "mcp2":
        from mcp import Client, StdioServerParameters
        from mcp.client.sse import sse_client
        from mcp.client.stdio import stdio_client

        if TRANSPORT == "stdio":
            command = StdioServerParameters(command=PLAN["command"], args=PLAN["args"], env=environment)
            where: Any = stdio_client(command, errlog=open(os.devnull, "w"))
        else:
            where = sse_client(PLAN["url"]) if TRANSPORT == "sse" else PLAN["url"]
        client = Client(
            where,
            mode="auto" if PLAN.get("mode") == "auto" else "legacy",
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=roots,
            logging_callback=on_log,
            log_level="info",
            message_handler=on_message,
        )
        async with client:
            face = V2(client)
            face.modern = client.protocol_version >= "2026"
            yield face, client.protocol_version
    else:
        from fastmcp import Client as FastClient
        from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport

        async def answer(_message: str, _type: Any, _params: Any, _context: Any) -> Any:
            return person

        async def say_something(_messages: Any, _params: Any, _context: Any) -> str:
            return "something"

        if TRANSPORT == "stdio":
            place: Any = StdioTransport(command=PLAN["command"], args=PLAN["args"], env=environment, keep_alive=False)
        else:
            place = SSETransport(PLAN["url"]) if TRANSPORT == "sse" else StreamableHttpTransport(PLAN["url"])
        options = {"mode": "auto" if PLAN.get("mode") == "auto" else "legacy"} if FLAVOUR == "fastmcp4" else {}
        fast = FastClient(
            place,
            roots=["file:///compat"],
            sampling_handler=say_something,
            elicitation_handler=answer,
            log_handler=on_log,
            message_handler=on_message,
            **options,
        )
        async with fast:
            revision = getattr(fast, "protocol_version", None) or fast.initialize_result.protocolVersion
            yield Fast(fast), str(revision)


def text(result: Any) -> str:
    return " ".join(block.get("text", block["type"]) for block in result["content"])


def expect(found: str, wanted: str) -> str | None:
    return None if wanted in found else f"got {found!r}"


async def until(holds: Any) -> bool:
    for _ in range(int(WAIT / 0.05)):
        if holds():
            return True
        await asyncio.sleep(0.05)
    return bool(holds())


class Absent(Exception):
    """The server has nothing of the kind."""


async def run_feature(client: Any, feature: str, listed: set[str]) -> str | None:
    """None where all is well, else what is not."""

    def needs(name: str) -> None:
        if name not in listed:
            raise Absent(f"no tool {name}")

    if feature == "ping":
        await client.ping()
    elif feature == "tools":
        return expect(text(await client.call("echo", {"text": "hello"})), "echo: hello")
    elif feature == "structured":
        needs("structured")
        return expect(json.dumps((await client.call("structured", {"a": 1})).get("structuredContent")), '{"sum": 2}')
    elif feature == "image":
        needs("image")
        block = (await client.call("image"))["content"][0]
        return expect(f"{block['type']} {block.get('mimeType')}", "image image/png")
    elif feature == "tool error":
        needs("fails")
        result = await client.call("fails")
        return expect(text(result), "it failed") if result.get("isError") else f"no error: {text(result)}"
    elif feature == "unknown tool":
        try:
            result = await client.call("nowhere")
        except Exception:
            return None
        return None if result.get("isError") else "no error"
    elif feature == "progress":
        needs("progress")
        steps: list[float] = []

        async def hear(step: float, _total: Any, _message: Any) -> None:
            steps.append(step)

        await client.call("progress", progress=hear)
        await until(lambda: len(steps) >= 3)
        return None if steps == [1, 2, 3] else f"got {steps}"
    elif feature == "logs":
        needs("logs")
        try:
            await client.level()
        except Exception:
            pass  # many servers log without having a level
        await client.call("logs")
        return None if await until(lambda: any("hello from logs" in line for line in heard.logs)) else f"got {heard.logs}"
    elif feature in QUESTIONS:
        tool, wanted = QUESTIONS[feature]
        needs(tool)
        return expect(text(await client.call(tool)), wanted)
    elif feature == "resources":
        uris = [resource["uri"] for resource in await client.resources()]
        if not uris:
            raise Absent("no resources")
        return expect(f"{uris}", NOTE) or expect(str((await client.read(NOTE))[0].get("text")), "a note")
    elif feature == "templates":
        found = [template["uriTemplate"] for template in await client.templates()]
        if not found:
            raise Absent("no templates")
        return expect(f"{found}", "compat://item/{id}") or expect(str((await client.read("compat://item/7"))[0].get("text")), "item 7")
    elif feature == "subscriptions":
        needs("touch")
        await client.subscribe()
        await client.call("touch")
        return None if await until(lambda: heard.updated) else "no notification"
    elif feature == "prompts":
        found = [prompt["name"] for prompt in await client.prompts()]
        if not found:
            raise Absent("no prompts")
        return expect(json.dumps(await client.prompt("greet", {"name": "Ada"})), "Hello, Ada")
    elif feature == "completion":
        return expect(f"{await client.complete('name', 'A')}", "['Ada', 'Alan']")
    elif feature == "list change":
        needs("grow")
        await client.watch_tools()
        before = heard.tools_changed
        await client.call("grow")
        told = await until(lambda: heard.tools_changed > before)
        for _ in range(int(WAIT / 0.1)):
            if any(tool["name"] == "grown" for tool in await client.tools()):
                return None if told else "listed, but no notification"
            await asyncio.sleep(0.1)
        return "not listed, and no notification" if not told else "not listed"
    elif feature == "cancellation":
        needs("wait")
        await client.cancel_wait()
        counted = ""
        for _ in range(int(WAIT / 0.1)):
            counted = text(await client.call("cancellations"))
            if "cancelled: 1" in counted:
                return None
            await asyncio.sleep(0.1)
        return f"got {counted!r}"
    return None


QUESTIONS = {
    "elicitation": ("asks_user", "elicited: accept Ada"),
    "sampling": ("asks_model", "sampled: something"),
    "roots": ("asks_roots", "file:///compat"),
    "elicitation, any era": ("needs_user", "elicited: accept Ada"),
    "sampling, any era": ("needs_model", "sampled: something"),
    "roots, any era": ("needs_roots", "file:///compat"),
}


def say(feature: str, result: str, detail: str = "") -> None:
    print(json.dumps({"feature": feature, "result": result, "detail": detail}), flush=True)


def reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]


async def attempt(client: Any, feature: str, listed: set[str]) -> None:
    try:
        async with asyncio.timeout(WAIT * 2.5):
            wrong = await run_feature(client, feature, listed)
        say(feature, "yes" if wrong is None else "no", wrong or "")
    except Absent as absent:
        say(feature, "none", str(absent))
    except TimeoutError:
        say(feature, "no", "no answer in time")
    except BaseException as error:
        say(feature, "no", reason(error))


async def main() -> None:
    async with asyncio.timeout(PLAN.get("connectMs", 20000) / 1000) as limit:
        async with connected() as (client, revision):
            listed = {tool["name"] for tool in await client.tools()}
            limit.reschedule(None)
            say("connect", "yes", revision)
            for feature in PLAN["features"]:
                if feature == "restart":
                    await client.call("echo", {"text": "before"})
                    print(json.dumps({"waiting": True}), flush=True)
                    await asyncio.to_thread(sys.stdin.readline)
                    await attempt(client, "tools", listed)
                else:
                    await attempt(client, feature, listed)
            print(json.dumps({"done": True}), flush=True)
            # Some of these SDKs take seconds to close, or never do; what matters was said.
            os._exit(0)


try:
    asyncio.run(main())
except BaseException as error:
    say("connect", "no", reason(error))
    os._exit(1)
