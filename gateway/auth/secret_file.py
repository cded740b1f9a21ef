"""A file of secrets that is looked at again when it has changed, so that a secret is changed without a restart."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.auth.errors import AuthenticationUnavailable

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

log = logging.getLogger(__name__)

LEAST_BYTES: Final = 32
"""What HS256 asks for (RFC 7518, section 3.2): a secret shorter than the hash is easier to guess than to break."""

MOST_SECRETS: Final = 2


class UnusableSecrets(Exception):
    """The file does not hold one or two secrets of the length needed; the message holds nothing of it."""


class SecretFile:
    """The one or two secrets of a file, a line each. The first signs, both are good.

    Looking whether it has changed is one `stat` of a local file, for each use.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[OctKey, ...] = ()

    def keys(self) -> tuple[OctKey, ...]:
        """The secrets as they are now; the last good ones while the file is away or holds something else.

        Raises `AuthenticationUnavailable` when there never were any.
        """
        try:
            self._look()
        except (OSError, UnusableSecrets) as error:
            if not self._keys:
                raise AuthenticationUnavailable("Tokens of this kind cannot be checked at the moment.") from error
        return self._keys

    def check(self) -> None:
        """Raise `OSError` or `UnusableSecrets` unless the file can be used: for the start."""
        self._look()

    def _look(self) -> None:
        stat = os.stat(self._file)
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        try:
            self._keys = _secrets_in(self._file.read_text("utf-8"))
        except UnicodeDecodeError:
            self._note_unusable(seen)
            raise UnusableSecrets("is not UTF-8 text") from None
        except UnusableSecrets:
            self._note_unusable(seen)
            raise
        self._seen = seen

    def _note_unusable(self, seen: tuple[int, int, int]) -> None:
        """Say it once for each change, where older secrets go on serving."""
        if self._keys:
            self._seen = seen
            log.error("a file of secrets changed and cannot be used; the secrets read before still hold")


def _secrets_in(text: str) -> tuple[OctKey, ...]:
    # A gateway without secrets is spared what signatures take: a hundred modules, and a tenth of a second at its start.
    from joserfc.jwk import OctKey  # noqa: PLC0415

    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 1 <= len(lines) <= MOST_SECRETS:
        raise UnusableSecrets(f"should hold one secret, or two on a line each; it has {len(lines)} lines")
    if any(len(line.encode()) < LEAST_BYTES for line in lines):
        raise UnusableSecrets(f"holds a secret of less than {LEAST_BYTES} bytes; openssl rand -base64 32 makes one")
    try:
        return tuple(OctKey.import_key(line) for line in lines)
    except ValueError:  # what the library refuses: a public key, which is no secret
        raise UnusableSecrets("holds a key that everybody may know, which is no secret") from None
