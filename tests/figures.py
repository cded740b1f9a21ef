"""Reading metrics as Prometheus does. They are counted for the whole process, so tests look at what is added."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.telemetry.metrics import exposition


def samples(text: str | None = None) -> list[Sample]:
    """Every sample in `text`, or of this process."""
    text = exposition()[0].decode() if text is None else text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def figure(name: str, text: str | None = None, /, **labels: str) -> float:
    """The sum of the samples called `name` that have these labels, others aside; 0 where there is none."""
    found = [sample for sample in samples(text) if sample.name == name]
    return sum(sample.value for sample in found if labels.items() <= sample.labels.items())


class Added:
    """What figures have grown by since this was made."""

    def __init__(self) -> None:
        self._before = {_key(sample): sample.value for sample in samples()}

    def __call__(self, name: str, /, **labels: str) -> float:
        return sum(
            sample.value - self._before.get(_key(sample), 0.0)
            for sample in samples()
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def _key(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.name, frozenset(sample.labels.items())
