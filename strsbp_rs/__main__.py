"""`python -m strsbp_rs` is `strsbp`."""

from strsbp_rs._cli import main

main(prog_name="strsbp")
