"""The house stands where we think it stands."""

from pathlib import Path

import agents
import serve

ROOT = Path(__file__).parents[1]


def test_our_packages_are_not_shadowed_by_others_of_the_same_name() -> None:
    assert Path(agents.__file__).parent == ROOT / "agents"
    assert Path(serve.__file__).parent == ROOT / "serve"


def test_no_lock_names_a_package_index() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock.name
