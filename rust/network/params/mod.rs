//! Parameters of connections, as the kernels read them.

mod panels;
mod taps;

pub use panels::Panels;
pub use taps::Taps;
