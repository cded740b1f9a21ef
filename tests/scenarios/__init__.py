"""GraphQL in, provider calls counted, answer out: the whole gateway over the four simulated providers."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.harness")
