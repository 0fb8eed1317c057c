"""How a function becomes a verb of the command line.

A verb is a plain function whose first argument is the `Output`. Every verb gets the same options
(``--json``, ``--quiet``, ``--debug``), tells of a `Problem` in the same words and ends with the
exit code of the problem.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, cast

import typer

from scripts.output import ExitCode, Output, Problem

P = ParamSpec("P")

_SHARED = {
    "as_json": Annotated[bool, typer.Option("--json", help="Print one JSON document.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Neither progress nor hints.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Show where an error came from.")],
}


def group(about: str) -> typer.Typer:
    """Make a group of verbs."""
    return typer.Typer(
        help=about, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
    )


def verb(
    app: typer.Typer,
    name: str,
    function: Callable[Concatenate[Output, P], None],
    *examples: str,
    panel: str | None = None,
) -> None:
    """Add ``function`` to ``app`` as ``name``; ``examples`` stand at the end of its help."""
    app.command(name, help=_help(function, examples), rich_help_panel=panel)(_wrapped(function))


def _help(function: Callable[..., None], examples: tuple[str, ...]) -> str:
    about = inspect.getdoc(function) or ""
    if not examples:
        return about
    shown = "\n\n".join(f"  [cyan]{example}[/cyan]".replace("\\[", "[") for example in examples)
    return f"{about}\n\n[dim]Examples:[/dim]\n\n{shown}"


def _wrapped(function: Callable[Concatenate[Output, P], None]) -> Callable[..., None]:
    @wraps(function)
    def run(**given: Any) -> None:  # noqa: ANN401 - whatever the verb takes
        as_json, quiet, debug = (bool(given.pop(name)) for name in _SHARED)
        out = Output(as_json, quiet, debug)
        try:
            cast(Any, function)(out, **given)
        except Problem as problem:
            if out.debug:
                raise
            out.problem(problem)
            raise typer.Exit(problem.code) from problem
        except KeyboardInterrupt:
            out.note("Interrupted; what the engine has begun goes on.")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise
        except (OSError, ValueError, LookupError, RuntimeError) as error:
            if out.debug or isinstance(error, typer.Exit | typer.Abort):
                raise
            out.problem(_unforeseen(error))
            raise typer.Exit(ExitCode.FAILED) from error

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _SHARED.items()
    ]
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    parameters = [*keyword, *shared]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    del run.__wrapped__  # pyright: ignore[reportAttributeAccessIssue] - typer would look behind it
    return run


def _unforeseen(error: Exception) -> Problem:
    return Problem(
        str(error) or type(error).__name__,
        f"{type(error).__name__}, not foreseen here.",
        next_steps=("the same command with --debug shows where it happened",),
    )
