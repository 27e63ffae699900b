//! Naming schemes: how a family of applications calls its units, as a value. Nothing here asks the kernel.

use std::path::Path;

use kernel::{Error, Kind, Result};

use crate::escape::{escape, unescape};

/// How the units, and with them the groups, of a family of applications are called.
///
/// A unit is called after a *tag*, which names a part of an application (a program, a hook), and perhaps a random id that
/// tells one start of it from another: `snap.foo.app-<uuid>.scope` is the tag `snap.foo.app` of the application `foo`.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    /// What the family is called.
    pub name: &'static str,
    /// What each of its units begins with.
    pub prefix: &'static str,
    /// Whether an application may be called so.
    pub is_application: fn(&str) -> bool,
    /// The application that a tag is of; `None` for what is no tag.
    pub application_of: fn(&str) -> Option<&str>,
    /// What may follow the tag in the name of a unit, the surest first.
    pub endings: &'static [Ending],
    /// With the application's name appended, the group of version 1's freezer that holds all of it.
    pub freezer: &'static str,
    /// Groups at the top whose inside belongs to somebody else, who may call things as he likes: by their names, after which
    /// a dot and anything may follow.
    pub foreign: &'static [&'static str],
}

/// What follows the tag in the name of a unit, before `.scope` or `.service`.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    /// Nothing.
    Nothing,
    /// This separator, and an id that is one.
    Random(char, fn(&str) -> bool),
}

/// A part of an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// The whole tag.
    pub text: String,
    /// The application that it is of.
    pub application: String,
}

/// Whose a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner<'p> {
    /// The unit that says so.
    pub unit: &'p str,
    /// What it is called after.
    pub tag: Tag,
}

impl Scheme {
    /// The tag that a unit is called after.
    #[must_use]
    pub fn tag_of(&self, unit: &str) -> Option<Tag> {
        if !unit.starts_with(self.prefix) {
            return None;
        }
        let stem = unit.strip_suffix(".scope").or_else(|| unit.strip_suffix(".service"))?;
        self.endings.iter().find_map(|ending| {
            let text = unescape(ending.take_off(stem)?)?;
            let application = (self.application_of)(&text)?.to_owned();
            Some(Tag { text: text.into_owned(), application })
        })
    }

    /// Whose a group is, by its path below the top: the outermost unit counts, since whoever has it may make any group
    /// below. `None` for what is nobody's, or belongs to a container.
    #[must_use]
    pub fn owner_of<'p>(&self, path: &'p Path) -> Option<Owner<'p>> {
        let names = path.to_str()?.split('/').filter(|name| !name.is_empty());
        for (depth, unit) in names.enumerate() {
            if depth == 0 && self.is_foreign(unit) {
                return None;
            }
            if let Some(tag) = self.tag_of(unit) {
                return Some(Owner { unit, tag });
            }
        }
        None
    }

    /// The unit of a tag, without `.service`, or random id and `.scope`.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for what is no tag.
    pub fn unit_of(&self, tag: &str) -> Result<String> {
        if (self.application_of)(tag).is_some() {
            return Ok(escape(tag));
        }
        let why = format!("{tag:?} is no tag of the family {}", self.name);
        Err(Error::new(Kind::InvalidArgument, "tag", why))
    }

    /// Refuses what no application is called.
    pub(crate) fn check(&self, application: &str) -> Result<()> {
        if (self.is_application)(application) {
            return Ok(());
        }
        let why = format!("no application of the family {} is called {application:?}", self.name);
        Err(Error::new(Kind::InvalidArgument, "application", why))
    }

    /// Whether the inside of a group at the top is somebody else's.
    pub(crate) fn is_foreign(&self, name: &str) -> bool {
        let rest = self.foreign.iter().filter_map(|foreign| name.strip_prefix(foreign));
        rest.into_iter().any(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl Ending {
    /// The stem without it; `None` when it does not end so.
    fn take_off(self, stem: &str) -> Option<&str> {
        match self {
            Self::Nothing => Some(stem),
            Self::Random(separator, is_random) => {
                stem.rmatch_indices(separator).find_map(|(at, separator)| {
                    let (tag, id) = stem.split_at_checked(at)?;
                    is_random(id.strip_prefix(separator)?).then_some(tag)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the desktop specifications call units: `app-<launcher>-<application>-<random>.scope`.
    const DESKTOP: Scheme = Scheme {
        name: "flatpak",
        prefix: "app-flatpak-",
        is_application: |name| name.contains('.'),
        application_of: |tag| tag.strip_prefix("app-flatpak-").filter(|name| name.contains('.')),
        endings: &[Ending::Random('-', |id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))],
        freezer: "flatpak.",
        foreign: &[],
    };

    #[test]
    fn a_scheme_is_a_value_and_another_family_is_another_value() {
        let path = Path::new("/user.slice/app.slice/app-flatpak-org.gnome.Maps-1234.scope/below");
        let owner = DESKTOP.owner_of(path).unwrap();
        assert_eq!(owner.unit, "app-flatpak-org.gnome.Maps-1234.scope");
        assert_eq!(
            (&*owner.tag.text, &*owner.tag.application),
            ("app-flatpak-org.gnome.Maps", "org.gnome.Maps")
        );
        for nobodys in
            ["app-flatpak-org.gnome.Maps.scope", "app-flatpak-Maps-12.scope", "app-gnome-a.b-1.scope"]
        {
            assert_eq!(DESKTOP.tag_of(nobodys), None, "{nobodys}");
        }
        assert!(crate::scheme("snap").is_some() && crate::scheme("flatpak").is_none());
    }

    #[test]
    fn an_error_names_the_family_and_what_was_given() {
        let error = DESKTOP.unit_of("Maps").unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert_eq!(DESKTOP.check("Maps").unwrap_err().kind(), Kind::InvalidArgument);
        assert!(error.to_string().contains("flatpak") && error.to_string().contains("Maps"), "{error}");
    }
}
