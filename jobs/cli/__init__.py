"""The command line: dispatches commands, and is the one place that prints errors and chooses exit codes."""

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

    from jobs.cli.commands import Root


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `kfp`, `ernie-jobs` or `python -m jobs`, and end the process."""
    from jobs.cli import commands, stock

    gc.set_threshold(100_000)  # what is made at the start stays: to look through it again and again finds nothing
    _fit_streams()
    args = list(sys.argv[1:] if argv is None else argv)
    if stock.completes(os.environ, commands.COMMANDS) or stock.wants(args, commands.COMMANDS):
        _hint(args)
        stock.hand_over(args)
        sys.exit(0)
    code = _ours(args)
    gc.freeze()  # what is left ends with the process: to take it apart takes as long as to read a spec
    sys.exit(code)


def _ours(args: list[str]) -> int:
    import click

    from ernie_core.errors import Error
    from jobs.cli import commands, exits

    root = commands.Root()
    try:
        result = commands.group().main(args or ["--help"], standalone_mode=False, obj=root)
        sys.stdout.flush()
        return result if isinstance(result, int) else exits.DONE
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return exits.INTERRUPTED
    except BrokenPipeError:
        return _quiet()
    except Error as error:
        _report(error, root)
        return exits.code(error)
    except Exception as error:  # a bug of ernie-jobs; the user must still get one clear line
        _report(error, root, f"{type(error).__name__}: {error} (a bug in ernie-jobs)")
        return exits.FAILED


def _report(error: Exception, root: "Root", text: str | None = None) -> None:
    if root.verbose:
        import traceback

        traceback.print_exception(error)
    problems = getattr(error, "problems", ())
    for problem in problems:
        _say(str(problem))
    if problems:
        text = "1 problem in the spec" if len(problems) == 1 else f"{len(problems)} problems in the spec"
    elif text and not root.verbose:
        text += "; run again with -v for the traceback"
    _say(f"error: {text or error}")


def _usage(error: "click.ClickException") -> int:
    from click import UsageError

    if isinstance(error, UsageError) and error.ctx:
        _say(error.ctx.get_usage())
        _say(f"try `{error.ctx.command_path} --help`")
    _say(f"error: {error.format_message()}")
    return error.exit_code


def _hint(args: list[str]) -> None:
    from jobs.cli import commands, stock

    word = next(iter(stock.split(args)[1]), "")
    if word and not stock.known(word):
        from difflib import get_close_matches

        near = get_close_matches(word, commands.COMMANDS, n=1)
        _say(
            f"`{word}` is not a command of ernie-jobs, did you mean `{near[0]}`? handing over to stock kfp"
            if near
            else ""
        )


def _quiet() -> int:
    # Whoever read our output has gone, `| head` for example: no message, and nothing left for the interpreter to flush.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 1


def _fit_streams() -> None:
    """Escape what a terminal cannot write, such as a name that is not UTF-8; replace a stream that the parent closed by
    one that discards everything."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the life of the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    from ernie_core.wording import brief

    if text:
        print(brief(text), file=sys.stderr)
