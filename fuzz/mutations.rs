//! Mutations of the fuzzer's seeds that are the same every time, for `cargo test` on any compiler.

use std::path::Path;

/// Panics where something does not hold for these bytes.
type Check = fn(&[u8]);

/// Mutations of each target; `PROCWARD_MUTATIONS` asks for more.
const MUTATIONS: usize = 4_000;
/// Xorshift: the same numbers on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn mutate(&mut self, text: &mut Vec<u8>, other: &[u8], words: &[&[u8]]) {
        let at = self.below(text.len() + 1);
        match self.below(6) {
            0 => text.insert(at, self.byte()),
            1 => text.truncate(at),
            2 if at < text.len() => text[at] ^= 1 << self.below(8),
            3 if at < text.len() => drop(text.remove(at)),
            4 => {
                let word = words[self.below(words.len())];
                text.splice(at..at, word.iter().copied());
            }
            _ => {
                let from = self.below(other.len() + 1);
                text.truncate(at);
                text.extend_from_slice(&other[from..]);
            }
        }
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Calls each target with every one of its seeds, and with mutations of them into which `words` are put that chance would take
/// long to find.
pub(crate) fn check_all(targets: &[(&str, Check)], words: &[&[u8]]) {
    let count = std::env::var("PROCWARD_MUTATIONS").ok().and_then(|count| count.parse().ok());
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (name, check) in targets {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in &seeds {
            check(seed);
        }
        for _ in 0..count.unwrap_or(MUTATIONS) {
            let mut text = seeds[chance.below(seeds.len())].clone();
            let other = &seeds[chance.below(seeds.len())];
            for _ in 0..=chance.below(4) {
                chance.mutate(&mut text, other, words);
            }
            let held = std::panic::catch_unwind(|| check(&text));
            assert!(held.is_ok(), "{name} does not hold for b\"{}\"", text.escape_ascii());
        }
    }
}
