"""``python -m scripts.bench NAME``: the same as ``leadengine bench NAME``."""

from scripts.commands.bench import app

if __name__ == "__main__":
    app()(prog_name="python -m scripts.bench")
