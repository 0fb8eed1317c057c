"""Fitting stays on one core.

The equations are small (some hundred points): the linear algebra library's threads cost more in
waiting for one another than they save, and take the cores from the agents. On two busy cores
a fit took 49 seconds with them and 6 without.
"""

from collections.abc import Generator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_core() -> Generator[None]:
    """Keep linear algebra on one core, in this process, until the block ends."""
    with threadpool_limits(1, user_api="blas"):
        yield
