"""An idle server takes hardly any processor time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from starlette.routing import Mount

from assistant.api import create_app
from tests.fake_assistant import FakeAssistant


def test_the_page_s_queue_is_not_looked_into_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, seconds = 0, 0.0

    def counted(_: Any) -> int:
        nonlocal looks
        looks += 1
        return 0

    async def idle() -> None:
        app = create_app(FakeAssistant())
        (queue,) = [
            route.app.get_blocks()._queue
            for route in app.routes
            if isinstance(route, Mount) and hasattr(route.app, "get_blocks")
        ]
        monkeypatch.setattr(type(queue), "__len__", counted)
        nonlocal seconds
        begun = time.perf_counter()
        processing = asyncio.create_task(queue.start_processing())
        await asyncio.sleep(0.5)
        queue.stopped = True
        await processing
        seconds = time.perf_counter() - begun

    asyncio.run(idle())
    assert (
        0 < looks <= 60 * seconds
    )  # two checks every 50 ms; Gradio's own pace is two every millisecond
