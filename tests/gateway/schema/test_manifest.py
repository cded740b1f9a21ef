"""A manifest of trusted documents is read in the formats of Apollo and Relay, and checked entry by entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.schema.manifest import MAX_TOLD, BadManifest, read_manifest


def problem_of(text: str) -> str | None:
    return None if text.startswith("{") else "is no document"


def apollos(*operations: Any, **members: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations), **members}


def operation(identifier: str, body: str) -> dict[str, str]:
    return {"id": identifier, "name": "A", "type": "query", "body": body}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "manifest.json"


@pytest.mark.parametrize(
    "content", [apollos(operation("1", "{ a }"), operation("2", "{ b }")), {"1": "{ a }", "2": "{ b }"}]
)
def test_apollos_and_relays_files_are_read(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content), "utf-8")
    assert read_manifest(file, problem_of) == {"1": "{ a }", "2": "{ b }"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (apollos(operation("1", "a")), "entry 1 (1): is no document"),
        (apollos(operation("1", "{ a }"), operation("1", "{ b }")), "entry 2 (1): has the id of an earlier entry"),
        (apollos({"body": "{ a }"}), "entry 1: has no id"),
        (apollos({"id": "1"}), "entry 1 (1): has no document"),
        (apollos("{ a }"), "entry 1: has no id"),
        ({"1": 1}, "entry 1 (1): has no document"),
        ({"": "{ a }"}, "entry 1: has no id"),
        (apollos(version=2), "should be of the format apollo-persisted-query-manifest, version 1"),
        (apollos(format="other"), "should be of the format apollo-persisted-query-manifest, version 1"),
        (apollos(operations={}), "should be of the format apollo-persisted-query-manifest, version 1"),
        (["{ a }"], "should be Apollo's persisted query manifest, or a map of ids to documents"),
    ],
)
def test_what_is_wrong_is_told_by_entry(file: Path, content: Any, told: str) -> None:
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(BadManifest) as caught:
        read_manifest(file, problem_of)
    assert caught.value.problems == (f"{file}: {told}",)


def test_everything_that_is_wrong_is_told_at_once_and_much_of_it_is_counted(file: Path) -> None:
    file.write_text(json.dumps({str(number): "a" for number in range(MAX_TOLD + 3)}), "utf-8")
    with pytest.raises(BadManifest) as caught:
        read_manifest(file, problem_of)
    assert len(caught.value.problems) == MAX_TOLD + 1
    assert caught.value.problems[-1] == f"{file}: 3 more problems"


def test_a_file_that_is_not_json_is_told_with_the_place(file: Path) -> None:
    file.write_bytes(b'{\n"a": }')
    with pytest.raises(BadManifest, match=r"is not JSON \(line 2, column 6\)"):
        read_manifest(file, problem_of)


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    with pytest.raises(BadManifest, match="cannot be read: No such file or directory"):
        read_manifest(file, problem_of)
