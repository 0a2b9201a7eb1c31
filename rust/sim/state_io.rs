//! The state of a simulation as bytes.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::fingerprint::Fingerprint;
use super::types::{AnySnapshot, State};
use crate::engine::graph::{Arrival, ContinuousSnapshot, ContinuousState, NeuronState, RecentSpikes, Snapshot};
use crate::error::{Error, Result};
use crate::files::Fnv;
use crate::neuron::fixed::Anchor;
use crate::simd::Real;

/// Version of the format; others are refused.
const VERSION: &str = "2";

const KEY: &str = "strsbp_rs.state";

/// Holds a hash of all that a state says: that a number in it was changed shows nowhere else.
struct Checksum(Fnv);

impl Checksum {
    fn new(kind: &str, dtype: &str) -> Self {
        let mut sum = Fnv::new();
        sum.add_bytes(kind.as_bytes());
        sum.add_bytes(dtype.as_bytes());
        Self(sum)
    }

    fn add_column(&mut self, name: &str, data: &[u8]) {
        self.0.add_bytes(name.as_bytes());
        self.0.add_bytes(data);
    }

    fn text(&self) -> String {
        format!("{:016x}", self.0.value())
    }
}

/// Holds named columns of 64-bit numbers.
#[derive(Default)]
struct Columns(Vec<(String, Dtype, Vec<u8>)>);

impl Columns {
    fn put_u64(&mut self, name: impl Into<String>, values: impl Iterator<Item = u64>) {
        self.0.push((name.into(), Dtype::U64, values.flat_map(u64::to_le_bytes).collect()));
    }

    fn put_f64(&mut self, name: impl Into<String>, values: impl Iterator<Item = f64>) {
        self.0.push((name.into(), Dtype::F64, values.flat_map(f64::to_le_bytes).collect()));
    }

    /// Puts a column of ages, none if all are 0.
    fn put_ages(&mut self, name: String, ages: impl Iterator<Item = u16> + Clone) {
        if ages.clone().any(|age| age > 0) {
            self.put_u64(name, ages.map(u64::from));
        }
    }

    /// Puts what has arrived at max pools, if there are any.
    fn put_arrived(&mut self, arrived: &[u64]) {
        if !arrived.is_empty() {
            self.put_u64("arrived", arrived.iter().copied());
        }
    }

    fn into_bytes(mut self, kind: &str, dtype: &str) -> Result<Vec<u8>> {
        let mut sum = Checksum::new(kind, dtype);
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        self.0.iter().for_each(|(name, _, data)| sum.add_column(name, data));
        let failed = |error: safetensors::SafeTensorError| Error::value("state", "one that can be written", error);
        let views = self.0.iter().map(|(name, dtype, data)| {
            let view = TensorView::new(*dtype, vec![data.len() / 8], data).map_err(failed)?;
            Ok((name.as_str(), view))
        });
        let views: Vec<_> = views.collect::<Result<_>>()?;
        // One entry: several would be written in any order, and the same state as different bytes.
        let metadata = HashMap::from([(KEY.to_owned(), format!("{VERSION} {kind} {dtype} {}", sum.text()))]);
        safetensors::serialize(views, Some(metadata)).map_err(failed)
    }
}

/// Holds the columns of a file.
struct Reader<'a>(SafeTensors<'a>);

impl Reader<'_> {
    fn bytes(&self, name: &str, dtype: Dtype) -> Result<Vec<[u8; 8]>> {
        let view = self.0.tensor(name).map_err(|_| Error::value("state", format!("with '{name}'"), "none"))?;
        if view.dtype() != dtype {
            return Err(Error::value("state", format!("with '{name}' of {dtype:?}"), format!("{:?}", view.dtype())));
        }
        Ok(view.data().as_chunks::<8>().0.to_vec())
    }

    fn u64(&self, name: &str) -> Result<Vec<u64>> {
        Ok(self.bytes(name, Dtype::U64)?.into_iter().map(u64::from_le_bytes).collect())
    }

    fn f64(&self, name: &str) -> Result<Vec<f64>> {
        let values: Vec<f64> = self.bytes(name, Dtype::F64)?.into_iter().map(f64::from_le_bytes).collect();
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => Err(Error::value("state", format!("with finite numbers in '{name}'"), value)),
        }
    }

    /// Returns what [`Columns::put_ages`] put there, of `n` states.
    fn ages(&self, name: &str, n: usize) -> Result<Vec<u16>> {
        if self.0.tensor(name).is_err() {
            return Ok(vec![0; n]);
        }
        let narrow = |age| u16::try_from(age).map_err(|_| Error::value("state", "with ages below 2^16", age));
        self.u64(name)?.into_iter().map(narrow).collect()
    }

    /// Returns what [`Columns::put_arrived`] put there.
    fn arrived(&self) -> Result<Vec<u64>> {
        if self.0.tensor("arrived").is_err() { Ok(Vec::new()) } else { self.u64("arrived") }
    }

    fn first<T: Copy>(name: &str, values: &[T]) -> Result<T> {
        values.first().copied().ok_or_else(|| Error::value("state", format!("with '{name}'"), "an empty one"))
    }
}

/// Refuses columns of different lengths.
fn same_length(name: &str, lengths: &[usize]) -> Result<()> {
    if lengths.iter().all(|length| *length == lengths[0]) {
        return Ok(());
    }
    Err(Error::value("state", format!("with columns of one length in '{name}'"), format!("{lengths:?}")))
}

/// Narrows a number that must fit into 32 bits: of a neuron or an input.
fn narrow(value: u64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::value("state", "with indices below 2^32", value))
}

/// Is a number that a state is made of.
pub trait Stored: Copy {
    /// NumPy's name of its type.
    const NAME: &'static str;

    /// Returns the number without loss.
    fn stored(self) -> f64;

    /// Returns the steps since it was this number, where there is a difference.
    fn age(self) -> u16 {
        0
    }

    /// Returns what was [`stored`](Self::stored), and its age; `None` if the type has no such number.
    fn restored(value: f64, age: u16) -> Option<Self>;
}

impl<F: Real> Stored for F {
    const NAME: &'static str = F::DTYPE;

    fn stored(self) -> f64 {
        self.widen()
    }

    fn restored(value: f64, _age: u16) -> Option<Self> {
        Some(F::from_f64(value)).filter(|narrow| narrow.is_finite())
    }
}

impl Stored for Anchor {
    const NAME: &'static str = "int32";

    fn stored(self) -> f64 {
        self.x.into()
    }

    fn age(self) -> u16 {
        self.age
    }

    fn restored(value: f64, age: u16) -> Option<Self> {
        let x = value as i32;
        (f64::from(x) == value).then_some(Self { x, age })
    }
}

impl<F: Stored> State<F> {
    /// Returns the bytes that [`from_bytes`](Self::from_bytes) reads.
    ///
    /// # Errors
    /// None in practice: those of the serialiser.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut columns = Columns::default();
        columns.put_u64("graph", self.graph.to_words().into_iter());
        match &self.snapshot {
            AnySnapshot::Grid(snapshot) => {
                columns.put_u64("now", [snapshot.now].into_iter());
                for (at, neurons) in snapshot.neurons.iter().enumerate() {
                    columns.put_f64(format!("{at}.p"), neurons.iter().map(|neuron| neuron.current.stored()));
                    columns.put_f64(format!("{at}.u"), neurons.iter().map(|neuron| neuron.potential.stored()));
                    columns.put_ages(format!("{at}.p.age"), neurons.iter().map(|neuron| neuron.current.age()));
                    columns.put_ages(format!("{at}.u.age"), neurons.iter().map(|neuron| neuron.potential.age()));
                    columns.put_u64(format!("{at}.last"), neurons.iter().map(|neuron| neuron.last));
                    columns.put_u64(format!("{at}.held"), neurons.iter().map(|neuron| neuron.refractory));
                }
                let spikes = || {
                    snapshot.spikes.iter().flat_map(|(p, step, neurons)| neurons.iter().map(move |i| (*p, *step, *i)))
                };
                columns.put_u64("spikes.population", spikes().map(|(population, ..)| population as u64));
                columns.put_u64("spikes.step", spikes().map(|(_, step, _)| step));
                columns.put_u64("spikes.neuron", spikes().map(|(.., neuron)| u64::from(neuron)));
                columns.put_u64("pending.step", snapshot.pending.iter().map(|&(step, _)| step));
                columns.put_u64("pending.input", snapshot.pending.iter().map(|&(_, input)| u64::from(input)));
                columns.put_arrived(&snapshot.arrived);
                columns.into_bytes("grid", F::NAME)
            }
            AnySnapshot::Continuous(snapshot) => {
                columns.put_f64("now", [snapshot.now].into_iter());
                let neurons = || snapshot.neurons.iter();
                columns.put_f64("neurons.p", neurons().map(|neuron| neuron.current));
                columns.put_f64("neurons.u", neurons().map(|neuron| neuron.potential));
                columns.put_f64("neurons.last", neurons().map(|neuron| neuron.last));
                columns.put_f64("neurons.held", neurons().map(|neuron| neuron.refractory));
                let arrivals = || snapshot.arrivals.iter();
                columns.put_f64("arrivals.time", arrivals().map(|arrival| arrival.time));
                columns.put_f64("arrivals.fired", arrivals().map(|arrival| arrival.fired));
                columns.put_u64("arrivals.projection", arrivals().map(|arrival| arrival.projection as u64));
                columns.put_u64("arrivals.pre", arrivals().map(|arrival| u64::from(arrival.pre)));
                columns.put_u64("arrivals.place", arrivals().map(|arrival| arrival.place as u64));
                columns.put_f64("pending.time", snapshot.pending.iter().map(|&(time, _)| time));
                columns.put_u64("pending.input", snapshot.pending.iter().map(|&(_, input)| u64::from(input)));
                columns.put_arrived(&snapshot.arrived);
                columns.into_bytes("continuous", F::NAME)
            }
        }
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`Error::Value`] if the bytes are no state, of another version or number type, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let not_ours =
            |detail: &dyn std::fmt::Display| Error::value("state", "bytes that strsbp_rs has written", detail);
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|_| not_ours(&"no whole header"))?;
        let entry = metadata.metadata().as_ref().and_then(|map| map.get(KEY)).map_or("", String::as_str);
        let (version, rest) = entry.split_once(' ').unwrap_or((entry, ""));
        if version != VERSION {
            return Err(not_ours(&format!("those of version '{version}', not {VERSION}")));
        }
        let [kind, dtype, checksum] = *rest.split(' ').collect::<Vec<_>>() else {
            return Err(not_ours(&format!("'{entry}'")));
        };
        if dtype != F::NAME {
            return Err(Error::value("state", format!("of {}", F::NAME), dtype));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|_| not_ours(&"not all of them"))?;
        let mut sum = Checksum::new(kind, dtype);
        let mut names = tensors.names();
        names.sort_unstable();
        for name in names {
            sum.add_column(name, tensors.tensor(name).map_err(|error| not_ours(&error))?.data());
        }
        if checksum != sum.text() {
            return Err(Error::value("state", "bytes as they were written", "others: the checksum differs"));
        }
        let reader = Reader(tensors);
        let words = <[u64; 4]>::try_from(reader.u64("graph")?);
        let words = words.map_err(|words| Error::value("state", "with 4 numbers in 'graph'", words.len()))?;
        let snapshot = match kind {
            "grid" => AnySnapshot::Grid(reader.grid()?),
            "continuous" => AnySnapshot::Continuous(reader.continuous()?),
            kind => return Err(not_ours(&format!("a state of kind '{kind}'"))),
        };
        Ok(Self { graph: Fingerprint::from_words(words), snapshot })
    }
}

impl Reader<'_> {
    fn grid<F: Stored>(&self) -> Result<Snapshot<F>> {
        let mut neurons = Vec::new();
        while self.0.tensor(&format!("{}.p", neurons.len())).is_ok() {
            let at = neurons.len();
            let (p, u) = (self.f64(&format!("{at}.p"))?, self.f64(&format!("{at}.u"))?);
            let (last, held) = (self.u64(&format!("{at}.last"))?, self.u64(&format!("{at}.held"))?);
            let n = p.len();
            let (p_age, u_age) = (self.ages(&format!("{at}.p.age"), n)?, self.ages(&format!("{at}.u.age"), n)?);
            same_length(&format!("{at}"), &[n, u.len(), last.len(), held.len(), p_age.len(), u_age.len()])?;
            let number = |name: &str, value: f64, age: u16| {
                let refused = || Error::value("state", format!("of numbers of {} in '{at}.{name}'", F::NAME), value);
                F::restored(value, age).ok_or_else(refused)
            };
            let neuron = |i: usize| -> Result<_> {
                let (p, u) = (number("p", p[i], p_age[i])?, number("u", u[i], u_age[i])?);
                Ok(NeuronState { current: p, potential: u, last: last[i], refractory: held[i] })
            };
            neurons.push((0..p.len()).map(neuron).collect::<Result<_>>()?);
        }
        let (populations, steps) = (self.u64("spikes.population")?, self.u64("spikes.step")?);
        let fired = self.u64("spikes.neuron")?;
        same_length("spikes", &[populations.len(), steps.len(), fired.len()])?;
        let mut spikes: Vec<RecentSpikes> = Vec::new();
        for ((&population, &step), &neuron) in populations.iter().zip(&steps).zip(&fired) {
            let neuron = narrow(neuron)?;
            match spikes.last_mut() {
                Some((p, s, list)) if (*p, *s) == (population as usize, step) => list.push(neuron),
                _ => spikes.push((population as usize, step, vec![neuron])),
            }
        }
        let (step, input) = (self.u64("pending.step")?, self.u64("pending.input")?);
        same_length("pending", &[step.len(), input.len()])?;
        let pending = step.into_iter().zip(input).map(|(t, x)| Ok((t, narrow(x)?))).collect::<Result<_>>()?;
        let (now, arrived) = (Self::first("now", &self.u64("now")?)?, self.arrived()?);
        Ok(Snapshot { now, neurons, spikes, pending, arrived })
    }

    fn continuous(&self) -> Result<ContinuousSnapshot> {
        let [p, u] = [self.f64("neurons.p")?, self.f64("neurons.u")?];
        let [last, held] = [self.f64("neurons.last")?, self.f64("neurons.held")?];
        same_length("neurons", &[p.len(), u.len(), last.len(), held.len()])?;
        let neuron = |i: usize| ContinuousState { current: p[i], potential: u[i], last: last[i], refractory: held[i] };
        let [time, fired] = [self.f64("arrivals.time")?, self.f64("arrivals.fired")?];
        let [projection, pre] = [self.u64("arrivals.projection")?, self.u64("arrivals.pre")?];
        let place = self.u64("arrivals.place")?;
        same_length("arrivals", &[time.len(), fired.len(), projection.len(), pre.len(), place.len()])?;
        let arrival = |i: usize| {
            let (projection, place) = (projection[i] as usize, place[i] as usize);
            Ok(Arrival { time: time[i], fired: fired[i], projection, pre: narrow(pre[i])?, place })
        };
        let (at, input) = (self.f64("pending.time")?, self.u64("pending.input")?);
        same_length("pending", &[at.len(), input.len()])?;
        let pending = at.into_iter().zip(input).map(|(t, x)| Ok((t, narrow(x)?))).collect::<Result<_>>()?;
        Ok(ContinuousSnapshot {
            now: Self::first("now", &self.f64("now")?)?,
            neurons: (0..p.len()).map(neuron).collect(),
            arrivals: (0..time.len()).map(arrival).collect::<Result<_>>()?,
            pending,
            arrived: self.arrived()?,
        })
    }
}

#[cfg(test)]
mod tests;
