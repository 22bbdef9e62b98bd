mod commands;
mod deadlines;
mod endings;
mod facts;
mod properties;
mod reviews;
mod times;
mod world;
