//! The rules of the house that no lint knows, as tests whose failures say what to do. See CONTRIBUTING.md.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "this reads the source tree")]

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that hold what was built or fetched.
const SKIPPED: &[&str] = &["target", "node_modules", "dist", ".git"];
/// File names (without extension) that say nothing about what is inside.
const BANNED: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "manager"];
const LINES: usize = 500;
/// The crates, lowest layer first; those of one layer do not know each other.
const LAYERS: &[&[&str]] =
    &[&["kernel"], &["procfs"], &["process", "cgroup", "systemd"], &["application"], &["node"]];
/// Where unsafe code may be opened: below everything, and where tests are made.
const UNSAFE: &[&str] = &["kernel", "testkit"];
const TYPESCRIPT: &[&str] = &["src", "bench", "soak", "examples", "__test__", "fuzz"];

struct Source {
    /// Relative to the root of the repository.
    path: String,
    text: String,
}

impl Source {
    /// The crate it belongs to, if it is Rust.
    fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }

    fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// `path:line` of a byte offset, as editors open it.
    fn at(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }

    /// Every attribute that starts a line with `opening`, whole, with its offset.
    fn attributes<'a>(&'a self, opening: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let starts = self.text.match_indices(opening).map(|(offset, _)| offset);
        let alone =
            |offset: &usize| self.text[..*offset].lines().last().is_none_or(|line| line.trim().is_empty());
        starts.filter(alone).map(|offset| {
            let rest = &self.text[offset..];
            // An attribute ends with the first bracket that ends a line.
            let end = rest.find("]\n").map_or(rest.len(), |end| end + 2);
            (offset, &rest[..end])
        })
    }
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap_or_else(|| panic!("crates/testkit stands two levels below the root")).to_owned()
}

/// Every text file that git tracks or would track.
fn tree() -> Vec<Source> {
    let root = root();
    let mut open = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(path) = open.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let relative = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        if path.is_dir() {
            // Directories below npm/ are platform packages, made by the build.
            if !SKIPPED.contains(&name.as_str()) && !relative.starts_with("npm/") {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            // The loader that napi writes beside the addon is ignored by git.
            if !name.starts_with("native.") || relative.contains('/') {
                sources.push(Source { path: relative, text });
            }
        }
    }
    assert!(sources.len() > 20, "the source tree was not found at {}", root.display());
    sources
}

fn rust() -> Vec<Source> {
    tree().into_iter().filter(|file| file.krate().is_some() && file.extension() == "rs").collect()
}

fn typescript() -> Vec<Source> {
    let ours = |file: &Source| TYPESCRIPT.contains(&file.path.split('/').next().unwrap_or_default());
    tree().into_iter().filter(|file| ours(file) && file.extension() == "ts").collect()
}

/// Fails with one line per offence and what to do about them.
fn expect_none(offences: &[String], remedy: &str) {
    assert!(offences.is_empty(), "\n{remedy}\n  {}\n", offences.join("\n  "));
}

fn paths_where(files: Vec<Source>, offends: impl Fn(&Source) -> bool) -> Vec<String> {
    files.into_iter().filter(|file| offends(file)).map(|file| file.path).collect()
}

#[test]
fn every_rust_file_starts_by_saying_what_lives_there() {
    let offences = paths_where(rust(), |file| !file.text.starts_with("//! "));
    expect_none(&offences, "Start these files with a `//!` line: one sentence that says what lives there.");
}

#[test]
fn every_typescript_file_starts_by_saying_what_lives_there() {
    let silent = |file: &Source| {
        let mut lines = file.text.lines().skip_while(|line| line.starts_with("#!"));
        !lines.next().is_some_and(|line| line.starts_with("// ") || line.starts_with("/**"))
    };
    let remedy =
        "Start these files with a `//` or `/**` comment (after `#!`, if any) that says what lives there.";
    expect_none(&paths_where(typescript(), silent), remedy);
}

#[test]
fn no_source_file_is_longer_than_its_limit() {
    // The declarations of the addon are generated, from files that have the limit.
    let written = typescript().into_iter().filter(|file| file.path != "src/addon.d.ts");
    let files = rust().into_iter().chain(written);
    let long = files.map(|file| (file.text.lines().count(), file.path)).filter(|(lines, _)| *lines > LINES);
    let offences: Vec<_> = long.map(|(lines, path)| format!("{path}: {lines} lines")).collect();
    expect_none(
        &offences,
        &format!("One concern a file: split these, none may be longer than {LINES} lines."),
    );
}

#[test]
fn file_names_say_what_is_inside() {
    let files: Vec<_> = rust().into_iter().chain(typescript()).collect();
    let vague = |file: &Source| BANNED.contains(&file.stem()) || file.path.ends_with("/mod.rs");
    let remedy = "Name these files after what they do (the room is missing, not the drawer); foo.rs, never foo/mod.rs.";
    expect_none(&paths_where(files, vague), remedy);
}

#[test]
fn every_expectation_gives_its_reason() {
    let mut offences = Vec::new();
    for file in rust() {
        for opening in ["#[expect(", "#![expect("] {
            let silent = file.attributes(opening).filter(|(_, text)| !text.contains("reason = \""));
            offences.extend(silent.map(|(offset, _)| file.at(offset)));
        }
    }
    expect_none(
        &offences,
        "Give these expectations a `reason = \"…\"`: the fact that makes the exception right.",
    );
}

#[test]
fn unsafe_code_is_opened_in_the_lowest_crate_only() {
    let mut offences = Vec::new();
    for file in rust().iter().filter(|file| file.krate().is_some_and(|krate| !UNSAFE.contains(&krate))) {
        for opening in ["#[expect(", "#![expect("] {
            let opened = file.attributes(opening).filter(|(_, text)| text.contains("unsafe_code"));
            offences.extend(opened.map(|(offset, _)| file.at(offset)));
        }
    }
    expect_none(&offences, "Move the unsafe operation into a safe function of crates/kernel.");
}

#[test]
fn every_exported_function_catches_panics() {
    let mut offences = Vec::new();
    for file in rust().iter().filter(|file| file.krate() == Some("node")) {
        for (offset, attribute) in file.attributes("#[napi") {
            let after = file.text[offset + attribute.len()..].lines().map(str::trim);
            let item = after
                .filter(|line| !line.starts_with('#') && !line.starts_with("//"))
                .find(|l| !l.is_empty());
            if item.is_some_and(|item| item.contains("fn ")) && !attribute.contains("catch_unwind") {
                offences.push(file.at(offset));
            }
        }
    }
    expect_none(&offences, "Write `#[napi(catch_unwind)]`: a panic that crosses into Node ends the process.");
}

#[test]
fn crates_depend_on_lower_layers_only() {
    let mut offences = Vec::new();
    for manifest in tree().iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Some(krate) = manifest.krate() else { continue };
        for (section, dependency) in dependencies(&manifest.text) {
            let allowed = match (layer(krate), layer(dependency)) {
                _ if dependency == "testkit" => section == "[dev-dependencies]",
                (_, None) => true,
                (Some(own), Some(below)) => below < own,
                (None, Some(_)) => false,
            };
            if !allowed {
                offences.push(format!("{}: {dependency} under {section}", manifest.path));
            }
        }
    }
    let remedy = "Dependencies point down (kernel < procfs < process, cgroup, systemd < application < node), and testkit is for\n\
                  [dev-dependencies]. Move the code to the layer that may know it; crates/README.md has the map.";
    expect_none(&offences, remedy);
}

fn layer(krate: &str) -> Option<usize> {
    LAYERS.iter().position(|crates| crates.contains(&krate))
}

/// Each `(section, name)` of a manifest's dependency tables.
fn dependencies(manifest: &str) -> Vec<(&str, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, _)) = line.split_once(['.', '=', ' '])
        {
            found.push((section, name));
        }
    }
    found
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // In pieces, so that this file passes its own test.
    let foreign = [
        concat!("/wo", "rk/"),
        concat!("://regis", "try."),
        concat!("arti", "factory"),
        concat!(".inter", "nal/"),
    ];
    let mut offences = Vec::new();
    for file in tree() {
        for text in foreign {
            offences.extend(file.text.match_indices(text).map(|(at, _)| format!("{}: {text}", file.at(at))));
        }
    }
    expect_none(&offences, "Remove paths and registry addresses of one machine: nobody else has them.");
}

#[test]
fn every_file_and_test_that_the_documents_name_exists() {
    let files = tree();
    let mut offences = Vec::new();
    // Pages further down name no tests, and their links are checked with all others' in documentation.spec.ts.
    let is_page = |file: &&Source| {
        file.path.strip_prefix("docs/").is_some_and(|name| !name.contains('/')) && file.extension() == "md"
    };
    for document in files.iter().filter(is_page) {
        for (offset, _) in document.text.match_indices("](../") {
            let rest = &document.text[offset + "](../".len()..];
            let Some((path, after)) = rest.split_once(')') else { continue };
            let Some(named) = files.iter().find(|file| file.path == path) else {
                offences.push(format!("{}: {path}", document.at(offset)));
                continue;
            };
            // The titles that follow a file, up to the next one or the end of the cell.
            let titles = after.split([';', '|', '[']).next().unwrap_or_default();
            let titles = titles.strip_prefix(": ").unwrap_or_default();
            for title in titles.split(", ").map(str::trim).filter(|part| part.starts_with(['`', '*'])) {
                // Up to its first comma, if it has one.
                let title = title.trim_matches(['`', '*']);
                if !named.text.contains(title) {
                    offences.push(format!("{}: {title} in {path}", document.at(offset)));
                }
            }
        }
    }
    expect_none(&offences, "These are named in docs/ and are not there: put their new names in.");
}
