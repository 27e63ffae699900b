//! Benchmarks of procward's core, by their names: `open` and `freeze`, with `--quick` for fewer rounds.
//!
//! Prints JSON lines: `{"title", "oursUs", "theirsUs", "ratio", "spread", "p90"}`. Started with the environment of a
//! storm (crates/testkit), it is that storm.

mod compare;
mod freeze;
mod open;

fn main() {
    testkit::Storm::be_one_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    for argument in &arguments {
        match argument.as_str() {
            "open" => open::run(is_quick),
            "freeze" => freeze::run(is_quick),
            "--quick" => {}
            other => panic!("'{other}' is no benchmark: open, freeze"),
        }
    }
}
