//! What does not fit is refused before anything is changed.

use super::{Data, Targets, TrainerConfig};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::simd::Real;
use crate::spikes::SpikeTrains;

/// Checks that data fits the network.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_inputs<F: Real>(net: &Network<F>, data: Data<'_>) -> Result<()> {
    if data.n_in() != net.n_in() {
        return Err(Error::shape("x", &[data.n_samples(), data.n_in()], format!("(n_samples, n_in={})", net.n_in())));
    }
    check_n_samples(data)?;
    if data.n_steps() < 2 {
        return Err(Error::value("n_steps", ">= 2, as nothing fires at step 0", data.n_steps()));
    }
    if let Some(sample) = data.lengths().and_then(|lengths| lengths.iter().position(|&n| n < 2)) {
        let name = format!("the number of steps of sample {sample}");
        return Err(Error::value(name, ">= 2, as nothing fires at step 0", data.n_steps_of(sample)));
    }
    Ok(())
}

/// Checks that there are samples, and not too many.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_n_samples(data: Data<'_>) -> Result<()> {
    if data.n_samples() == 0 {
        return Err(Error::shape("x", &[0, data.n_in()], "at least one sample"));
    }
    if data.n_samples() > u32::MAX as usize {
        return Err(Error::value("the number of samples", "< 2^32", data.n_samples()));
    }
    Ok(())
}

/// Checks that recorded spike trains, of the input and then of every layer, are those of the network and of the same samples.
///
/// # Errors
/// [`Error::Shape`] or [`Error::Value`] naming the argument.
pub fn check_recorded<F: Real>(net: &Network<F>, trains: &[&SpikeTrains]) -> Result<()> {
    if trains.len() != net.layers().len() + 1 {
        let expected = format!("{} spike trains, of the input and of each layer", net.layers().len() + 1);
        return Err(Error::value("spikes", expected, trains.len()));
    }
    let (n_samples, n_steps, n_in) = (trains[0].n_samples(), trains[0].n_steps(), trains[0].n_neurons());
    if n_in != net.n_in() || n_samples == 0 {
        let expected = match n_samples {
            0 => "at least one sample".into(),
            _ => format!("(n_samples, n_steps, n_in={})", net.n_in()),
        };
        return Err(Error::shape("spikes[0]", &[n_samples, n_steps, n_in], expected));
    }
    check_inputs(net, Data::Spikes(trains[0]))?;
    let input = trains[0];
    for (l, (trains, layer)) in trains[1..].iter().zip(net.layers()).enumerate() {
        let got = [trains.n_samples(), trains.n_steps(), trains.n_neurons()];
        if got != [n_samples, n_steps, layer.n_out()] {
            let expected = format!("(n_samples={n_samples}, n_steps={n_steps}, n={})", layer.n_out());
            return Err(Error::shape(format!("spikes[{}]", l + 1), &got, expected));
        }
        trains.check_lengths(&format!("spikes[{}]", l + 1), input, "spikes[0]")?;
    }
    Ok(())
}

/// Checks data, targets and sample weights before a trainer works with them.
pub(super) fn check_samples<F: Real>(
    config: &TrainerConfig,
    net: &Network<F>,
    data: Data<'_>,
    targets: Targets<'_>,
    weights: Option<&[f64]>,
) -> Result<()> {
    check_inputs(net, data)?;
    targets.check(data.n_samples(), net.n_out(), weights, config.loss.is_some())
}
