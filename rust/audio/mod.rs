//! Front ends: sound as analog values, a channel of the ear each.

pub mod lyon;
