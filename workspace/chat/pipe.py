"""Commands to Valkey from the event loop: in order, many in one round trip."""

import asyncio

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

from config.errors import Unavailable

SECONDS = 5


class Pipe:
    """One connection's worth of commands; what is asked at the same time goes at once.

    A newcomer among two hundred thus waits for few round trips, not for two hundred.
    """

    def __init__(self):
        # Not after a timeout: what was only slow would be said twice.
        retry = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
        self.client = redis.asyncio.from_url(
            settings.REDIS_URL,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=retry,
        )
        self.waiting = []
        self.task = None

    async def call(self, script, *arguments):
        """Return what a script answers; raise Unavailable while Valkey is away."""
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append(((script, 0, *arguments), answer))
        if self.task is None:
            self.task = asyncio.create_task(self.run())
        try:
            return await answer
        except RedisError as error:
            raise Unavailable from error

    async def run(self):
        try:
            while self.waiting:
                batch, self.waiting = self.waiting, []
                for (_call, answer), result in zip(
                    batch, await self.results(batch), strict=True
                ):
                    if answer.done():
                        continue  # who asked has gone
                    if isinstance(result, Exception):
                        answer.set_exception(result)
                    else:
                        answer.set_result(result)
        finally:
            self.task = None

    async def results(self, batch):
        try:
            async with self.client.pipeline(transaction=False) as pipeline:
                for call, _answer in batch:
                    pipeline.eval(*call)
                return await pipeline.execute(raise_on_error=False)
        except RedisError as error:
            return [error] * len(batch)

    async def close(self):
        if self.task is not None:
            await self.task
        await self.client.aclose()
