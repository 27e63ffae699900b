//! What a program asks for by getpriority(2), in the number of a process that cannot exist.

use libc::c_long;

/// Which call is to fail, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) nth: u32,
    pub(super) errno: i32,
}

impl Order {
    /// No call fails.
    pub(super) const NONE: Self = Self { nth: u32::MAX, errno: 0 };
}

/// What a program wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Give(Order),
    TakeBack,
}

impl Request {
    /// A negative number: 1 for taking back; else above 2^28, from below eight bits for errno and sixteen for which call.
    pub(super) fn read(arguments: &[u64; 6]) -> Option<Self> {
        const GIVE: u32 = 1 << 28;
        let [which, who, ..] = *arguments;
        #[expect(clippy::cast_possible_truncation, reason = "the kernel takes the lower half, too")]
        let (which, who) = (which as u32, (who as u32).cast_signed());
        if which != libc::PRIO_PROCESS || who >= 0 {
            return None;
        }
        let asked = who.unsigned_abs();
        match asked {
            1 => Some(Self::TakeBack),
            GIVE.. if asked < 2 * GIVE => {
                let errno = (asked & 0xff).cast_signed();
                Some(Self::Give(Order { nth: asked >> 8 & 0xffff, errno }))
            }
            _ => None,
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// There were not that many calls.
    Not,
    /// It was let go on: whoever is lied to so waits for ever.
    Spared,
    Failed(c_long),
}

impl Came {
    /// What getpriority answers; the C library makes 20 less it of that.
    pub(super) fn as_number(self) -> i64 {
        match self {
            Self::Not => 0,
            Self::Spared => 1,
            Self::Failed(number) => 2 + number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(which: u32, who: i32) -> Option<Request> {
        Request::read(&[u64::from(which), u64::from(who.cast_unsigned()), 0, 0, 0, 0])
    }

    #[test]
    fn an_order_says_which_call_and_how() {
        let order = Order { nth: 3, errno: libc::EMFILE };
        assert_eq!(read(libc::PRIO_PROCESS, -(1 << 28 | 3 << 8 | libc::EMFILE)), Some(Request::Give(order)));
        assert_eq!(read(libc::PRIO_PROCESS, -1), Some(Request::TakeBack));
    }

    #[test]
    fn whoever_wants_to_know_a_priority_is_told() {
        for who in [0, 1, 4711, i32::MAX, i32::MIN, -2] {
            assert_eq!(read(libc::PRIO_PROCESS, who), None, "{who}");
        }
        assert_eq!(read(libc::PRIO_USER, -1), None);
    }
}
