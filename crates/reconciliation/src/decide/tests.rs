mod commands;
mod deadlines;
mod endings;
mod facts;
mod properties;
mod times;
mod world;
