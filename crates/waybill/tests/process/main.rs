//! The product as people and scripts meet it: the real binary, its exit codes and what it says.

mod alike;
mod cli;
mod corruption;
mod deployment;
mod doctor;
mod full;
mod handed_in;
mod leak;
mod merging;
mod mistakes;
mod people;
mod policies;
mod reviewing;
mod sources;
mod starting;
