//! What a real registry does only when it is ill: outages, answers that take too long, refusals, pages that are no answers.

mod fake;
mod calls;
mod starting;
mod reading;
