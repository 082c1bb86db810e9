//! The load generator against small servers that behave in known ways.

#[cfg(test)]
mod load;
#[cfg(test)]
mod sale;
#[cfg(test)]
mod server;
