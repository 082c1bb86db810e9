//! The crate from outside: published vectors, tables of faults, properties, and pictures read
//! back by an independent reader.

#[cfg(test)]
mod code;
#[cfg(test)]
mod cpm;
#[cfg(test)]
mod draw;
#[cfg(test)]
mod mpm;
#[cfg(test)]
mod vectors;
