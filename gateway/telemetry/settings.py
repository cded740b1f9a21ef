"""What can be set about traces: the table `[tracing]`. Knows nothing of files or variables."""

from __future__ import annotations

from importlib.util import find_spec

from pydantic import BaseModel, ConfigDict, Field, field_validator


class TracingSettings(BaseModel):
    """Where traces go. Headers for a collector that wants some come from `OTEL_EXPORTER_OTLP_HEADERS`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. Left out: "
        "nothing is traced. Needs the extra `trackgraph[otel]`, which the image has.",
    )
    sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of requests whose traces are recorded, chosen by the trace's id."
    )
    timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="Longest that sending a batch of spans may take. No answer waits for it."
    )

    @field_validator("endpoint")
    @classmethod
    def _can_be_sent_to(cls, endpoint: str | None) -> str | None:
        if endpoint is not None and not _has_exporter():
            raise ValueError("needs OpenTelemetry, which is not installed: pip install 'trackgraph[otel]'")
        return endpoint


def _has_exporter() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ModuleNotFoundError:
        return False
