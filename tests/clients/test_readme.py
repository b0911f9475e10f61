"""`deploy/clients/README.md` as a whole: what it has is tried."""

from tests.clients import test_generators, test_typescript
from tests.clients.examples import NAMES


def test_every_client_is_tried() -> None:
    """No chapter is only looked at."""
    tried = [test_typescript.CLIENTS, test_generators.CLIENTS]
    assert [name for each in tried for name in each] == NAMES
