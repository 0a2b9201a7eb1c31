//! The backward pass of ST-RSBP: spike-train level quantities, and the gradients made of them.

#[doc(hidden)]
pub mod backward;
mod choice;
mod coupling;
mod s_psp;
#[doc(hidden)]
pub mod scratch;
mod solve;
mod spatial;
mod st_rsbp;
mod table;
#[doc(hidden)]
pub mod traces;

pub use coupling::{PostCoupling, PostCouplingModel};
pub use s_psp::s_psp;
pub use solve::Solved;
pub use st_rsbp::StRsbp;
pub use table::psp_table;
