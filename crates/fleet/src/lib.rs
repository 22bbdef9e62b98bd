//! fleet

pub mod bus;
pub mod caller;
pub mod clock;
pub mod evidence;
pub mod originals;
pub mod partitioner;
