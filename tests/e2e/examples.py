"""The examples that the GraphiQL page opens with, read as the page reads them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode, parse

import gateway

FOLDER = Path(gateway.__file__).parent / "http" / "graphiql" / "examples"


@dataclass(frozen=True)
class Example:
    """One tab: a document with one operation, and the variables beside it."""

    document: DocumentNode
    variables: dict[str, Any]

    @property
    def operation(self) -> OperationDefinitionNode:
        """The only definition. Raises ValueError when there are others: GraphiQL would ask which to run."""
        [definition] = self.document.definitions
        assert isinstance(definition, OperationDefinitionNode)
        return definition

    @property
    def operation_name(self) -> str:
        """What GraphiQL calls the tab."""
        assert self.operation.name is not None
        return self.operation.name.value


def _read(file: Path) -> Example:
    variables = file.with_suffix(".json")
    return Example(
        parse(file.read_text("utf-8")), json.loads(variables.read_text("utf-8")) if variables.exists() else {}
    )


EXAMPLES = tuple(_read(file) for file in sorted(FOLDER.glob("*.graphql")))
