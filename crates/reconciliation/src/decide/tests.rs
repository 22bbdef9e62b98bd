mod commands;
mod deadlines;
mod endings;
mod properties;
mod times;
mod world;
