//! Quotients that are 0/0 where the two time constants are equal.
//!
//! Everything that divides by the difference of the rates goes through these two, so that equal and nearly equal time
//! constants are no case of their own anywhere else.

/// Returns `(1 - exp(-x)) / x`, the mean of `exp(-s)` over `s` in `[0, x]`; 1 at 0.
#[inline]
pub(super) fn mean_decay(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x }
}

/// Returns `ln(1 + x) / x`, the mean of `1 / (1 + s)` over `s` in `[0, x]`; 1 at 0.
#[inline]
pub(super) fn mean_reciprocal(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.ln_1p() / x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_met_without_cancellation() {
        for power in -320..-1 {
            let x = 10f64.powi(power);
            // The series' next term is below x^3.
            let tolerance = 2.0 * f64::EPSILON + x * x * x;
            assert!((mean_decay(x) - (1.0 - x / 2.0 + x * x / 6.0)).abs() < tolerance, "{x:e}");
            assert!((mean_reciprocal(x) - (1.0 - x / 2.0 + x * x / 3.0)).abs() < tolerance, "{x:e}");
        }
        assert_eq!((mean_decay(0.0), mean_reciprocal(0.0)), (1.0, 1.0));
    }

    #[test]
    fn one_undoes_the_other() {
        // With w = (exp(x) - 1), ln(1 + w) = x.
        for x in [1e-200, 1e-12, 1e-3, 0.5, 2.0, 30.0, 700.0f64] {
            let w = x.exp_m1();
            assert!((w * mean_reciprocal(w) / x - 1.0).abs() < 4.0 * f64::EPSILON, "{x}");
            // exp(x) - 1 = x exp(x) times the mean of exp(-s).
            assert!((x * x.exp() * mean_decay(x) / w - 1.0).abs() < 4.0 * f64::EPSILON, "{x}");
        }
    }
}
