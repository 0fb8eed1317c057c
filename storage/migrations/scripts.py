"""Runs the SQL scripts beside the migrations inside Alembic's transaction."""

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent / "sql"


def run_script(name: str) -> None:
    """Execute every statement of ``sql/<name>``; the driver's own call takes several at once."""
    script = (FOLDER / name).read_text()
    adapted = op.get_bind().connection.dbapi_connection
    if adapted is None:
        raise ConnectionError("the migration has no connection")
    adapted.run_async(lambda connection: connection.execute(script))
