//! Memory that may not be there.
//!
//! An allocation that fails ends the process. What grows with the product of two sizes, or with numbers that are easily
//! mistyped, is asked for first: reserved, untouched, and given back.

use std::hint::black_box;

use crate::error::{Error, Result};

/// Refuses `n` things of `bytes` each, called `name`, if there is no room for them; `None` is more than can be counted.
///
/// # Errors
/// [`Error::Memory`].
pub fn check_room(name: &str, n: Option<usize>, bytes: usize) -> Result<()> {
    let mut probe = Vec::<u8>::new();
    let room = |bytes| {
        let reserved = probe.try_reserve_exact(bytes).is_ok();
        // Nothing is written there, which the compiler would take as leave to ask for nothing.
        black_box(&mut probe);
        reserved
    };
    if n.and_then(|n| n.checked_mul(bytes)).is_some_and(room) {
        return Ok(());
    }
    Err(Error::Memory {
        name: name.to_owned(),
        n: n.map_or_else(|| "2^64 or more".to_owned(), |n| n.to_string()),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_too_much() {
        check_room("n_synapses", Some(1000), 8).unwrap();
        check_room("n_synapses", Some(0), 8).unwrap();
        let message = |n, bytes| check_room("n_synapses", n, bytes).unwrap_err().to_string();
        assert_eq!(
            message(Some(1 << 60), 8),
            "n_synapses = 1152921504606846976 of 8 bytes each: no memory for so many"
        );
        // An address space ends long before this.
        assert!(message(Some(1 << 50), 8).starts_with("n_synapses = 1125899906842624 of"));
        assert_eq!(message(None, 8), "n_synapses = 2^64 or more of 8 bytes each: no memory for so many");
    }
}
