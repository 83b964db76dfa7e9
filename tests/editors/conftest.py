"""A real repository in which the bundled model speaks: the demo change, not committed."""

from __future__ import annotations

import pytest
from editor_sessions import Shop, open_shop
from git_repository import GitRepository


@pytest.fixture
def shop(repository: GitRepository) -> Shop:
    return open_shop(repository)
