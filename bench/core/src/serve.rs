//! One side of a comparison with another program: does on each line of the input, `spawn COUNT` or `open COUNT`, that
//! operation so often in a row, and prints how many nanoseconds it took.

use std::io::stdin;
use std::time::Instant;

use crate::{open, spawn};

pub fn run() {
    for line in stdin().lines() {
        let line = line.expect("an order");
        let (name, count) = line.split_once(' ').expect("a name and a count");
        let count: u32 = count.parse().expect("a count");
        let operation = match name {
            "spawn" => spawn::ours,
            "open" => open::ours,
            other => panic!("'{other}' is no operation: spawn, open"),
        };
        let started = Instant::now();
        for _ in 0..count {
            operation();
        }
        println!("{}", started.elapsed().as_nanos());
    }
}
