"""How a fault looks on the wire. ``faults`` says which kinds there are and what they mean."""

import asyncio
import email.utils
import json
from typing import Any, Awaitable, Callable

from aiohttp import hdrs, web

from .faults import PRESETS, Faults, client_left
from .record import Seen

Run = Callable[[], Awaitable[web.StreamResponse]]
Refuse = Callable[[dict[str, Any]], web.Response]

HTML = ("<!DOCTYPE html>\n<html lang=en><meta charset=utf-8>\n<title>Error (Server Error)</title>\n"
        "<p><b>That’s an error.</b>\n<p>The server encountered an error and could not complete "
        "your request. Please try again in 30 seconds.\n</html>\n")
HUGE_BYTES = 10 * 1024 * 1024


class Act:
    """One fault at work on one request."""

    def __init__(self, faults: Faults, fault: dict[str, Any], request: web.Request, seen: Seen,
                 run: Run, refuse: Refuse) -> None:
        self.faults = faults
        self.fault = fault
        self.request = request
        self.seen = seen
        self.run = run
        self.refuse = refuse

    async def play(self) -> web.StreamResponse:
        """Do what the fault says; the answer, which may already be on its way."""
        kind = self.fault["kind"]
        if kind in PRESETS:
            kind = "error"
        if self.fault.get("after") and kind in ("error", "html", "empty", "huge", "redirect"):
            await self.run()
        return await getattr(self, kind)()

    def cut(self, outcome: str) -> web.Response:
        """Close the connection without an answer; what is returned never leaves."""
        if self.request.transport is not None:
            self.request.transport.abort()
        self.seen.outcome = outcome
        return web.Response(status=500)

    async def error(self) -> web.StreamResponse:
        fault = self.fault
        headers = dict(fault.get("headers", {}))
        if "retry_after" in fault:
            headers[hdrs.RETRY_AFTER] = str(fault["retry_after"])
        if "retry_after_date" in fault:
            at = self.seen.time + fault["retry_after_date"]
            headers[hdrs.RETRY_AFTER] = email.utils.formatdate(at, usegmt=True)
        if "body" not in fault:
            answer = self.refuse(fault)
            answer.headers.update(headers)
            return answer
        body = fault["body"]
        if not isinstance(body, str):
            body = json.dumps(body)
            headers.setdefault(hdrs.CONTENT_TYPE, "application/json; charset=UTF-8")
        return web.Response(body=body.encode(), status=fault.get("status", 500), headers=headers)

    async def hold(self) -> web.StreamResponse:
        keep = bool(self.fault.get("keep"))
        if not await self.faults.hold(self.seen, False, self.request, keep):
            return self.cut("left")
        answer = await self.run()
        return self.cut("left") if client_left(self.request) else answer

    async def store_then_hold(self) -> web.StreamResponse:
        answer = await self.run()
        kept = await self.faults.hold(self.seen, True, self.request)
        return answer if kept else self.cut("left")

    async def store_then_timeout(self) -> web.StreamResponse:
        await self.run()
        kept = await self.faults.hold(self.seen, True, self.request)
        return self.cut("reset" if kept else "left")

    async def store_then_reset(self) -> web.StreamResponse:
        await self.run()
        return self.cut("reset")

    async def reset(self) -> web.StreamResponse:
        return self.cut("reset")

    async def truncate(self) -> web.StreamResponse:
        answer = await self.run()
        body = answer.body if isinstance(answer, web.Response) else b""
        body = body if isinstance(body, bytes) and body else b"{}"
        cut = web.StreamResponse(status=answer.status)
        cut.content_type = answer.content_type
        if self.fault.get("form", "length") == "chunked":
            cut.enable_chunked_encoding()
        else:
            cut.content_length = len(body)
        await cut.prepare(self.request)
        await cut.write(body[:len(body) // 2])
        if self.request.transport is not None:
            self.request.transport.close()
        return cut

    async def html(self) -> web.StreamResponse:
        return web.Response(text=HTML, status=self.fault.get("status", 200),
                            content_type="text/html")

    async def empty(self) -> web.StreamResponse:
        return web.Response(body=b"", status=self.fault.get("status", 200),
                            content_type="application/json")

    async def huge(self) -> web.StreamResponse:
        wanted = self.fault.get("bytes", HUGE_BYTES)
        start, end = b'{"kind": "calendar#event", "description": "', b'"}'
        body = start + b"x" * max(0, wanted - len(start) - len(end)) + end
        return web.Response(body=body, status=self.fault.get("status", 200),
                            content_type="application/json")

    async def redirect(self) -> web.StreamResponse:
        location = self.fault.get("location", "/elsewhere")
        return web.Response(status=self.fault.get("status", 302),
                            headers={hdrs.LOCATION: location})

    async def trickle(self) -> web.StreamResponse:
        answer = await self.run()
        body = answer.body if isinstance(answer, web.Response) else b""
        body = body if isinstance(body, bytes) else b""
        slow = web.StreamResponse(status=answer.status)
        slow.content_type = answer.content_type
        slow.content_length = len(body)
        await slow.prepare(self.request)
        step = max(1, self.fault.get("bytes", 1))
        for at in range(0, len(body), step):
            if client_left(self.request):
                return self.cut("left")
            await slow.write(body[at:at + step])
            await asyncio.sleep(self.fault.get("interval_ms", 1000) / 1000)
        return slow

    async def slow(self) -> web.StreamResponse:
        await asyncio.sleep(self.fault.get("ms", 1000) / 1000)
        return await self.run()
