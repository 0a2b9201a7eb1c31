//! Parameters of connections, as the kernels read them.

mod panels;
mod taps;

pub use panels::{PanelShape, Panels, PanelsView, PanelsViewMut};
pub use taps::Taps;
