"""What the team on call sees: metrics, traces and the log.

`names.py` holds every name with what it says. Instruments are objects of their modules, which every layer of the
gateway may use and none may branch on; providers know nothing of them.
"""

from gateway.telemetry.logs import (
    QUIET_LOGGERS,
    REDACTED,
    REQUEST_ID,
    LogFormat,
    OneLineFormatter,
    configure_logging,
    logging_config,
    redact,
)

__all__ = [
    "QUIET_LOGGERS",
    "REDACTED",
    "REQUEST_ID",
    "LogFormat",
    "OneLineFormatter",
    "configure_logging",
    "logging_config",
    "redact",
]
