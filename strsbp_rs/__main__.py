"""`python -m strsbp_rs` is `strsbp`."""

from strsbp_rs.cli._main import main

main(prog_name="strsbp")
