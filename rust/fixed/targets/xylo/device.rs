//! Chips of the Xylo family, and what they have room for.

use serde::{Deserialize, Serialize};

/// Names the chips of the Xylo family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XyloDevice {
    /// Xylo-A1, xylosim v1.
    A1,
    /// Xylo-Audio 2, xylosim v2.
    Audio2,
    /// Xylo-Audio 3, xylosim v2.
    Audio3,
    /// Xylo-IMU, xylosim v2.
    Imu,
}

/// Says what a chip has room for; `None` where its maker's documents name no number.
///
/// From the overview of the family in Rockpool's documentation. The number of recurrent synapses is the average fan-out there, of
/// one synapse, times the hidden neurons; for Xylo-IMU it is also given as such (31,744).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XyloRoom {
    /// Input channels.
    pub inputs: usize,
    /// Hidden neurons.
    pub hidden: usize,
    /// Output neurons.
    pub outputs: usize,
    /// Hidden neurons that inputs reach, the first ones.
    pub input_reach: Option<usize>,
    /// Hidden neurons that outputs receive spikes of, the last ones.
    pub output_reach: Option<usize>,
    /// Recurrent synapses of a hidden neuron.
    pub fan_out: Option<usize>,
    /// Recurrent synapses in all.
    pub recurrent: Option<usize>,
}

impl XyloDevice {
    /// Returns what the maker calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::A1 => "Xylo-A1",
            Self::Audio2 => "Xylo-Audio 2",
            Self::Audio3 => "Xylo-Audio 3",
            Self::Imu => "Xylo-IMU",
        }
    }

    /// Returns what it has room for.
    pub fn room(self) -> XyloRoom {
        let any = XyloRoom {
            inputs: 16,
            hidden: 1000,
            outputs: 8,
            input_reach: None,
            output_reach: None,
            fan_out: None,
            recurrent: None,
        };
        let reach = Some(128);
        match self {
            Self::A1 => any,
            Self::Audio2 => XyloRoom { fan_out: Some(64), recurrent: Some(32 * 1000), ..any },
            Self::Audio3 => XyloRoom {
                hidden: 992,
                outputs: 32,
                input_reach: reach,
                output_reach: reach,
                fan_out: Some(1024),
                recurrent: Some(32 * 992),
                ..any
            },
            Self::Imu => XyloRoom {
                hidden: 496,
                outputs: 16,
                input_reach: reach,
                output_reach: reach,
                fan_out: Some(512),
                recurrent: Some(64 * 496),
                ..any
            },
        }
    }
}
