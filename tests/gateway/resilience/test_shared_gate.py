"""One gate for several workers, over a real Redis; and each worker's own share when the server cannot be asked."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from gateway.freshness.guard import GuardedStorage
from gateway.freshness.settings import CacheSettings
from gateway.freshness.storage import open_storage
from gateway.resilience.gate import AccountLimits, Leave, Refusal, Urgency
from gateway.resilience.shared_gate import LEASE_MARGIN_SECONDS, POLL_SECONDS, SharedGate
from gateway.resilience.turnstile import Turnstile
from tests.gateway.freshness.conftest import eventually
from tests.gateway.resilience.watch import Watch
from tests.redis_server import RedisServer

FRONT, BEHIND = Urgency.INTERACTIVE, Urgency.BACKGROUND
Worker = Callable[..., SharedGate]


@pytest.fixture
async def worker(shared_redis: RedisServer) -> AsyncIterator[Worker]:
    """Opens the gate of one account in one more worker, over the server given or the shared one."""
    gates: list[tuple[SharedGate, GuardedStorage]] = []
    prefix = f"t{secrets.token_hex(4)}"

    def open_gate(
        limits: AccountLimits,
        *,
        account: str = "acme karla",
        workers: int = 1,
        call_seconds: float = 5.0,
        server: RedisServer = shared_redis,
        timeout_ms: int = 5000,
        watch: Watch | None = None,
    ) -> SharedGate:
        settings = CacheSettings(url=SecretStr(server.url), key_prefix=prefix, timeout_ms=timeout_ms)
        storage = open_storage(settings)
        assert isinstance(storage, GuardedStorage)
        gate = SharedGate(storage, account, limits, watch or Watch(), call_seconds=call_seconds, workers=workers)
        gates.append((gate, storage))
        return gate

    yield open_gate
    for gate, storage in gates:
        await gate.aclose()
        await storage.aclose()


async def taken(gate: SharedGate, urgency: Urgency = FRONT) -> Leave:
    leave = await gate.take(urgency)
    assert not isinstance(leave, Refusal)
    return leave


async def refused(gate: SharedGate, urgency: Urgency = FRONT) -> Refusal:
    refusal = await gate.take(urgency)
    assert isinstance(refusal, Refusal)
    return refusal


async def free_again(gate: SharedGate) -> None:
    """Return as soon as there is a place, which is then taken."""
    async with asyncio.timeout(10):
        while isinstance(await gate.take(FRONT), Refusal):  # noqa: ASYNC110  # another worker
            await asyncio.sleep(0.005)


async def told_to_wait(gate: SharedGate) -> Refusal:
    """The first refusal, as soon as there is one."""
    async with asyncio.timeout(10):
        while not isinstance(refusal := await gate.take(FRONT), Refusal):  # noqa: ASYNC110  # another worker
            await asyncio.sleep(0.005)
    return refusal


async def test_workers_share_the_slots_of_an_account(worker: Worker) -> None:
    here, there = (worker(AccountLimits(concurrency=3)) for _ in range(2))
    leave = await taken(here)
    await taken(there)
    await taken(here)
    assert await refused(there) == Refusal(POLL_SECONDS)
    leave()
    await free_again(there)


async def test_accounts_have_slots_of_their_own(worker: Worker) -> None:
    limits = AccountLimits(concurrency=1)
    await taken(worker(limits))
    await taken(worker(limits, account="acme paypal"))
    await taken(worker(limits, account="other karla"))


async def test_the_background_leaves_slots_to_those_who_wait_in_any_worker(worker: Worker) -> None:
    here, there = (worker(AccountLimits(concurrency=4, background_share=0.5)) for _ in range(2))
    await taken(here, BEHIND)
    await taken(there, BEHIND)
    await refused(here, BEHIND)
    await taken(there)


async def test_workers_share_the_calls_of_a_second(worker: Worker) -> None:
    limits = AccountLimits(concurrency=1000, calls_per_second=5)
    gates = [worker(limits) for _ in range(3)]
    answers = await asyncio.gather(*(gate.take(FRONT) for gate in gates for _ in range(10)))
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(answers) - len(refusals) in range(5, 8), "a second's worth, and what the asking itself took"
    assert 0 < min(refusal.seconds for refusal in refusals) <= 0.2 + 0.01


async def test_what_one_worker_was_told_to_wait_the_others_wait(worker: Worker) -> None:
    here, there = (worker(AccountLimits()) for _ in range(2))
    here.pause(30)
    assert await refused(here) == Refusal(30, is_paused=True)
    refusal = await told_to_wait(there)
    assert refusal.is_paused
    assert refusal.seconds == pytest.approx(30, abs=5)
    assert there.paused_for() == pytest.approx(30, abs=5)


async def test_a_shorter_pause_does_not_end_a_longer_one(worker: Worker) -> None:
    here, there = (worker(AccountLimits()) for _ in range(2))
    here.pause(30)
    here.pause(1)
    refusal = await told_to_wait(there)
    assert refusal.seconds > 5


async def test_the_slot_of_a_worker_that_died_is_free_after_its_lease(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.resilience.shared_gate.LEASE_MARGIN_SECONDS", 0.05)
    limits = AccountLimits(concurrency=1)
    dead, living = worker(limits, call_seconds=0.05), worker(limits, call_seconds=0.05)
    await taken(dead)
    await free_again(living)
    assert LEASE_MARGIN_SECONDS > 1, "a living worker's call is over long before"


async def test_a_worker_that_waits_gets_the_place_that_another_gives_back(worker: Worker) -> None:
    here, there = (worker(AccountLimits(concurrency=1)) for _ in range(2))
    leave = await taken(here)

    async def wait() -> None:
        async with Turnstile(there).place(FRONT, 10):
            pass

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(POLL_SECONDS * 2)
    assert not waiting.done()
    leave()
    await waiting


async def test_without_the_server_each_worker_goes_by_its_own_share(worker: Worker, own_redis: RedisServer) -> None:
    limits = AccountLimits(concurrency=6)
    gates = [worker(limits, workers=3, server=own_redis) for _ in range(3)]
    own_redis.kill()
    for gate in gates:
        await taken(gate)
        await taken(gate)
        await refused(gate)


async def test_a_server_that_hangs_costs_one_call_its_limit_and_the_others_nothing(
    worker: Worker, own_redis: RedisServer
) -> None:
    gate = worker(AccountLimits(concurrency=100), server=own_redis, timeout_ms=150)
    await taken(gate)
    own_redis.pause()
    begun = time.perf_counter()
    await taken(gate)
    first, begun = time.perf_counter() - begun, time.perf_counter()
    for _ in range(20):
        await taken(gate)
    rest = time.perf_counter() - begun
    own_redis.resume()
    assert first < 0.15 + 0.1, "the limit, and what a busy machine adds"
    assert rest < 0.1


async def test_the_server_is_used_again_when_it_is_back(worker: Worker, own_redis: RedisServer) -> None:
    here, there = (worker(AccountLimits(concurrency=1), server=own_redis) for _ in range(2))
    own_redis.kill()
    (await taken(here))()
    (await taken(there))()
    own_redis.start()

    async def is_shared() -> bool:
        leave = await here.take(FRONT)
        if isinstance(leave, Refusal):
            return False
        other = await there.take(FRONT)
        leave()
        if isinstance(other, Refusal):
            return True
        other()
        return False

    async with asyncio.timeout(15):
        while not await is_shared():  # noqa: ASYNC110  # the server sets no event
            await asyncio.sleep(0.05)


async def test_a_call_that_is_given_up_while_it_asks_holds_no_slot(worker: Worker, own_redis: RedisServer) -> None:
    gate = worker(AccountLimits(concurrency=1), server=own_redis)
    (await taken(gate))()
    await eventually(lambda: own_redis.all_keys() == [])
    own_redis.pause()
    asking = asyncio.create_task(gate.take(FRONT))
    await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    own_redis.resume()
    await free_again(gate)
