"""Start of the command line: errors and warnings become one message, a signal ends with 128 and its number."""

from __future__ import annotations

import codecs
import os
import signal
import sys
import warnings
from types import FrameType


def main() -> None:
    """Run the command line."""
    _make_streams_writable()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
    _run()


def _end(number: int, _: FrameType | None) -> None:
    """End as after an error, so that what is half written is removed.

    A ``KeyboardInterrupt`` would do so too, but where it passes through code that an extension runs, the interpreter
    ends by killing itself, and the status depends on the moment.
    """
    sys.exit(128 + number)


def _run() -> None:
    from lambdasim.errors import InputError, LambdaSimError
    from lambdasim.wording import printable

    warnings.formatwarning = lambda message, *_, **__: printable(f"{message}\n")
    try:
        from lambdasim.cli import app

        app(standalone_mode=True)
    except InputError as error:
        sys.stderr.write(printable(f"{error}\n"))
        sys.exit(2)
    except MemoryError:
        sys.stderr.write(
            "there is not enough memory for this: take less traffic, a shorter time, or a larger machine\n"
        )
        sys.exit(1)
    except FileExistsError as error:
        sys.stderr.write(printable(f"{error.filename}: must be a folder, and is a file\n"))
        sys.exit(1)
    except OSError as error:
        # A file that could not be moved to its place is known by that place.
        place = error.filename2 or error.filename or "output"
        sys.stderr.write(printable(f"{place}: {error.strerror or error}\n"))
        sys.exit(1)
    except LambdaSimError as error:
        sys.stderr.write(printable(f"{error}\n"))
        sys.exit(1)


def _make_streams_writable() -> None:
    """Let text be written whatever the locale; where a stream is closed, nowhere."""
    codecs.register_error("as_json", _as_json)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="as_json")


def _as_json(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding has not as JSON does, so that JSON stays JSON: with backslash, u and four digits."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4)), error.end


if __name__ == "__main__":
    main()
