"""The command line, called in this process."""

from click.testing import CliRunner

from strsbp_rs.cli._main import main


def strsbp(*args, code=0):
    """Calls a command that is to end with this exit code; what it said."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    return result.output
