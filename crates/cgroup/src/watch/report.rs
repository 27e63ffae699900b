//! What the files of a group say at one moment, and what happened between two.

use super::Event;
use crate::keyed::value_of;

/// `None` for what no file tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) populated: Option<bool>,
    pub(crate) frozen: Option<bool>,
    pub(crate) oom: Option<u64>,
    pub(crate) oom_kill: Option<u64>,
    pub(crate) memory_max: Option<u64>,
    pub(crate) pids_max: Option<u64>,
}

impl Report {
    /// Adds what a file says.
    pub(crate) fn take(&mut self, file: &str, content: &[u8]) {
        let number = |key| value_of(content, key);
        match file {
            "cgroup.events" => {
                self.populated = number("populated").map(|flag| flag != 0);
                self.frozen = number("frozen").map(|flag| flag != 0);
            }
            "memory.events" => {
                self.oom = number("oom");
                self.oom_kill = number("oom_kill");
                self.memory_max = number("max");
            }
            "memory.oom_control" => self.oom_kill = number("oom_kill"),
            "pids.events" => self.pids_max = number("max"),
            _ => {}
        }
    }

    /// What happened until `now`: causes before effects, and a thaw before what it lets happen.
    pub(crate) fn until(&self, now: &Self) -> Vec<Event> {
        let turned = |before: Option<bool>, now: Option<bool>, on, off| match (before, now) {
            (before, Some(true)) if before != now => Some(on),
            (before, Some(false)) if before != now => Some(off),
            _ => None,
        };
        let grown = |before: Option<u64>, now: Option<u64>, event: fn(u64) -> Event| match (before, now) {
            (before, Some(count)) if count > before.unwrap_or(0) => Some(event(count)),
            _ => None,
        };
        let frozen = turned(self.frozen, now.frozen, Event::Frozen, Event::Thawed);
        let populated = turned(self.populated, now.populated, Event::Populated, Event::Empty);
        let counts = [
            grown(self.pids_max, now.pids_max, Event::PidsMax),
            grown(self.memory_max, now.memory_max, Event::MemoryMax),
            grown(self.oom, now.oom, Event::Oom),
            grown(self.oom_kill, now.oom_kill, Event::OomKill),
        ];
        // Somebody came and was frozen; but was thawed and went.
        let states = if now.populated == Some(true) { [populated, frozen] } else { [frozen, populated] };
        match states {
            [Some(Event::Populated), _] => states.into_iter().chain(counts).flatten().collect(),
            _ => counts.into_iter().chain(states).flatten().collect(),
        }
    }

    /// What happened until the group was removed, which can only be done once it is empty.
    pub(crate) fn until_removed(&self) -> Vec<Event> {
        let emptied = (self.populated == Some(true)).then_some(Event::Empty);
        emptied.into_iter().chain([Event::Removed]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(files: &[(&str, &str)]) -> Report {
        let mut report = Report::default();
        for (file, content) in files {
            report.take(file, content.as_bytes());
        }
        report
    }

    fn events(text: &str) -> Report {
        report(&[("cgroup.events", text)])
    }

    #[test]
    fn what_did_not_change_did_not_happen() {
        let same = report(&[("cgroup.events", "populated 1\nfrozen 0\n"), ("pids.events", "max 7\n")]);
        assert_eq!(same.until(&same), []);
        assert_eq!(events("populated 1\n").until(&Report::default()), [], "a file that went tells nothing");
    }

    #[test]
    fn states_come_in_the_order_in_which_they_can_have_come() {
        let [empty, idle] = [events("populated 0\nfrozen 0\n"), events("populated 1\nfrozen 0\n")];
        let [stuck, trap] = [events("populated 1\nfrozen 1\n"), events("populated 0\nfrozen 1\n")];
        assert_eq!(empty.until(&stuck), [Event::Populated, Event::Frozen]);
        assert_eq!(stuck.until(&empty), [Event::Thawed, Event::Empty]);
        assert_eq!(stuck.until(&idle), [Event::Thawed]);
        assert_eq!(idle.until(&trap), [Event::Frozen, Event::Empty]);
        assert_eq!(trap.until_removed(), [Event::Removed]);
        assert_eq!(idle.until_removed(), [Event::Empty, Event::Removed]);
    }

    #[test]
    fn counts_are_totals_and_only_grow() {
        let before = report(&[("memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n")]);
        let after =
            report(&[("memory.events", "low 0\nhigh 9\nmax 8\noom 2\noom_kill 4\noom_group_kill 0\n")]);
        assert_eq!(before.until(&after), [Event::MemoryMax(8), Event::Oom(2), Event::OomKill(4)]);
        assert_eq!(after.until(&before), []);
        let version_1 = report(&[("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")]);
        assert_eq!(Report::default().until(&version_1), [Event::OomKill(2)]);
    }
}
