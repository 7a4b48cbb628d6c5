"""The event loop's threads: the last at work is the next, and no more than allowed."""

import asyncio
import threading

import pytest

from config.threads import Threads


def name():
    return threading.current_thread().name


async def test_one_thread_is_enough_for_one_at_a_time():
    threads = Threads(4, "test")

    names = {await threads.run(name) for _ in range(50)}

    assert names == {"test_1"}


async def test_the_last_at_work_is_the_next():
    threads = Threads(2, "test")
    gate = threading.Event()
    long = threads.run(lambda: (gate.wait(5), name())[1])
    short = await threads.run(name)
    gate.set()
    last = await long

    assert {last, short} == {"test_1", "test_2"}
    assert await threads.run(name) == last


async def test_what_is_more_than_the_threads_waits_in_line():
    threads = Threads(3, "test")
    at_work, most, order, lock = 0, 0, [], threading.Lock()

    def work(number):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            order.append(number)
        threading.Event().wait(0.005)
        with lock:
            at_work -= 1
        return number

    results = await asyncio.gather(*(threads.run(work, n) for n in range(60)))

    assert results == list(range(60))
    assert most == 3
    assert all(abs(place - number) < 3 for place, number in enumerate(order))


async def test_an_error_reaches_who_waits_and_the_thread_lives_on():
    threads = Threads(1, "test")

    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 / 0)

    assert await threads.run(name) == "test_1"


async def test_a_thread_that_cannot_start_takes_no_place(monkeypatch):
    threads = Threads(1, "test")

    def fail(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            threads.run(name)

    assert await threads.run(name) == "test_1"


async def test_who_stopped_waiting_disturbs_nobody():
    threads = Threads(1, "test")
    gate = threading.Event()
    given_up = threads.run(gate.wait, 5)
    given_up.cancel()
    gate.set()

    assert await threads.run(name) == "test_1"


def test_a_loop_that_ended_takes_no_thread_with_it():
    threads = Threads(1, "test")
    gate = threading.Event()

    async def leave():
        threads.run(gate.wait, 5)

    asyncio.run(leave())
    gate.set()

    async def come():
        return await threads.run(name)

    assert asyncio.run(come()) == "test_1"
