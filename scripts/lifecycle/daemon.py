"""``python -m scripts.lifecycle.daemon``: the engine as ``up --detach`` leaves it running."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from scripts.lifecycle.options import UpOptions
from scripts.lifecycle.up import up


def main() -> None:
    """Run until told to stop."""
    parser = ArgumentParser("python -m scripts.lifecycle.daemon")
    parser.add_argument("--port", type=int)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--no-sandbox", action="store_true")
    said = parser.parse_args()
    sys.exit(up(UpOptions(said.port, said.data_dir, sandbox=not said.no_sandbox)))


if __name__ == "__main__":
    main()
