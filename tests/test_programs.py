"""Programs' questions are answered in the order they came, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from assistant.errors import TooManyQuestionsError
from assistant.web.programs import Programs, Question, last
from tests.fake_assistant import COST, FakeAssistant

SLOW = Question("slowly?")


def one_at_a_time(waiting: int = 3) -> tuple[FakeAssistant, Programs]:
    assistant = FakeAssistant(answers={"slowly": COST})
    return assistant, Programs(assistant, at_once=1, waiting=waiting)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def text_of(programs: Programs) -> str:
    return (await last(programs.growing(SLOW))).text


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def within_a_minute() -> None:
        async with asyncio.timeout(60):
            await work()

    asyncio.run(within_a_minute())


def test_questions_are_answered_in_the_order_they_came() -> None:
    assistant, programs = one_at_a_time()
    done: list[int] = []

    async def ask(number: int) -> None:
        await last(programs.growing(SLOW))
        done.append(number)

    async def work() -> None:
        asked = []
        for number in range(4):
            asked.append(asyncio.create_task(ask(number)))
            await asyncio.sleep(0)
        await until(lambda: len(assistant.asked) == 1)
        assistant.go_on.set()
        await asyncio.gather(*asked)

    run(work)
    assert done == [0, 1, 2, 3]


def test_who_would_wait_for_too_many_is_refused_and_told_when_to_come_back() -> None:
    assistant, programs = one_at_a_time(waiting=2)

    async def work() -> None:
        asked = [asyncio.create_task(text_of(programs)) for _ in range(3)]
        await until(lambda: len(assistant.asked) == 1)
        with pytest.raises(TooManyQuestionsError, match="2 questions wait") as refused:
            await text_of(programs)
        assert refused.value.wait > 0
        assistant.go_on.set()
        assert await asyncio.gather(*asked) == [COST.text] * 3
        assert await text_of(programs) == COST.text  # there is room again

    run(work)


def test_who_leaves_the_line_holds_nobody_up() -> None:
    assistant, programs = one_at_a_time()

    async def work() -> None:
        asked = [asyncio.create_task(text_of(programs)) for _ in range(4)]
        await until(lambda: len(assistant.asked) == 1)
        for leaving in asked[1:3]:
            leaving.cancel()
        await asyncio.gather(*asked[1:3], return_exceptions=True)
        assistant.go_on.set()
        assert await asked[3] == COST.text

    run(work)
    assert len(assistant.asked) == 2


def test_who_leaves_in_the_moment_of_being_called_passes_the_place_on() -> None:
    assistant, programs = one_at_a_time()

    async def work() -> None:
        first, leaving, next_one = (asyncio.create_task(text_of(programs)) for _ in range(3))
        await until(lambda: len(assistant.asked) == 1)
        line = programs._line
        line.leave()  # a place is free: `leaving` is called, and has not heard it yet
        leaving.cancel()
        await until(lambda: len(assistant.asked) == 2)
        assistant.go_on.set()
        assert tuple(await asyncio.gather(first, next_one)) == (COST.text, COST.text)

    run(work)
