"""What all tests share: they know nothing of a stack that may be running on this machine."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_stack_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Else agents under test would register with a `make up` in another terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
