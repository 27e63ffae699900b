//! Benchmarks of procward's core, by their names: `open`, `spawn` and `freeze`, with `--quick` for fewer rounds.
//!
//! Prints JSON lines: `{"title", "oursUs", "theirsUs", "ratio", "spread", "p90"}`. With `serve` it is one side of a
//! comparison with another program. Started with the environment of a storm (crates/testkit), it is that storm.

mod compare;
mod freeze;
mod open;
mod serve;
mod spawn;

fn main() {
    testkit::Storm::be_one_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    for argument in &arguments {
        match argument.as_str() {
            "open" => open::run(is_quick),
            "spawn" => spawn::run(is_quick),
            "freeze" => freeze::run(is_quick),
            "serve" => serve::run(),
            "--quick" => {}
            other => panic!("'{other}' is no benchmark: open, spawn, freeze, serve"),
        }
    }
}
