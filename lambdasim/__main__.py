"""Start of the command line: errors and warnings become one message, an interrupt ends with status 130."""

from __future__ import annotations

import sys
import warnings


def main() -> None:
    """Run the command line."""
    from lambdasim.errors import InputError, LambdaSimError

    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"
    try:
        from lambdasim.cli import app

        app(standalone_mode=True)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'output'}: {error.strerror or error}\n")
        sys.exit(1)
    except LambdaSimError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
