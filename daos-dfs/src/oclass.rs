//! Object classes: how an object is spread and protected.

use crate::error::{Error, Result};
use std::ffi::CString;
use std::fmt;
use std::sync::OnceLock;

/// An object class, such as `S1`, `SX`, `RP_2GX` or `EC_16P1GX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ObjectClass(u32);

impl ObjectClass {
    /// No class of its own: the parent directory's, the container's, or what DAOS chooses.
    pub const INHERIT: ObjectClass = ObjectClass(0);

    /// The class of a name; the error lists the names that are most like it.
    ///
    /// # Errors
    /// [`Error::UnknownClass`] for a name that is no class.
    pub fn from_name(name: &str) -> Result<ObjectClass> {
        let unknown = || Error::UnknownClass { name: name.to_owned(), nearest: nearest(name) };
        id_of(name).map(ObjectClass).ok_or_else(unknown)
    }

    /// The class of a number, which need not exist.
    pub const fn from_id(id: u32) -> ObjectClass {
        ObjectClass(id)
    }

    /// The number; 0 for [`ObjectClass::INHERIT`].
    pub const fn id(self) -> u32 {
        self.0
    }

    /// The name; `UNKNOWN` for a number that is no class.
    ///
    /// Objects carry the number of groups that the pool had room for, for which there may be no listed class: `S3` is `S1` with
    /// three groups.
    #[doc(alias = "daos_oclass_id2name")]
    pub fn name(self) -> String {
        let (scheme, groups) = (self.0 >> 24, self.0 & 0x00ff_ffff);
        let same_scheme = classes().iter().find(|&&(id, _)| id >> 24 == scheme).filter(|_| scheme != 0 && groups != 0);
        match (classes().iter().find(|&&(id, _)| id == self.0), same_scheme) {
            (Some((_, name)), _) => name.clone(),
            (None, Some((_, name))) => {
                format!("{}{groups}", name.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'X'))
            }
            (None, None) => "UNKNOWN".into(),
        }
    }

    /// Whether objects of this class are replicated or erasure coded.
    pub fn is_protected(self) -> bool {
        ["RP_", "EC_"].iter().any(|scheme| self.name().starts_with(scheme))
    }

    /// The names of all classes.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        classes().iter().map(|(_, name)| name.as_str())
    }
}

/// Number and name of all classes.
///
/// libdaos's own call for a name reads a table that only an initialised library has; the list is always there.
#[doc(alias = "daos_oclass_names_list")]
fn classes() -> &'static [(u32, String)] {
    static CLASSES: OnceLock<Vec<(u32, String)>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut text = vec![0u8; 64 * 1024];
        // SAFETY: the buffer has the length given.
        let length = unsafe { daos_sys::daos_oclass_names_list(text.len(), text.as_mut_ptr().cast()) };
        text.truncate(usize::try_from(length).unwrap_or(0));
        let text = String::from_utf8_lossy(&text);
        let names = text.trim_end_matches('\0').split(',').map(str::trim).filter(|name| !name.is_empty());
        names.filter_map(|name| Some((id_of(name)?, name.to_owned()))).collect()
    })
}

/// The number of a name.
#[doc(alias = "daos_oclass_name2id")]
fn id_of(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated string.
    let id = unsafe { daos_sys::daos_oclass_name2id(name.as_ptr()) };
    (id != 0).then_some(id as u32)
}

impl fmt::Debug for ObjectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == ObjectClass::INHERIT {
            f.write_str("ObjectClass(inherit)")
        } else {
            write!(f, "ObjectClass({})", self.name())
        }
    }
}

/// The names that are most like the one asked for.
fn nearest(name: &str) -> Vec<String> {
    let wanted = name.to_ascii_uppercase();
    let mut ranked: Vec<_> = ObjectClass::names().map(|known| (strsim::levenshtein(&wanted, known), known)).collect();
    // Stable: among equals, the order of DAOS's own list.
    ranked.sort_by_key(|&(distance, _)| distance);
    ranked.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_class_lists_the_nearest() {
        let message = ObjectClass::from_name("rp2gx").unwrap_err().to_string();
        assert!(message.starts_with("there is no object class \"rp2gx\"; the nearest are RP_2GX, "), "{message}");
    }

    #[test]
    fn names_come_back() {
        for name in ["S1", "S32", "SX", "RP_2GX", "RP_3G1", "EC_16P1GX"] {
            assert_eq!(ObjectClass::from_name(name).unwrap().name(), name);
        }
        assert!(ObjectClass::names().all(|name| ObjectClass::from_name(name).is_ok()));
        assert!(ObjectClass::names().len() > 100);
        let s1 = ObjectClass::from_name("S1").unwrap().id();
        assert_eq!(ObjectClass::from_id(s1 + 2).name(), "S3");
        let ec = ObjectClass::from_name("EC_4P2GX").unwrap().id();
        assert_eq!(ObjectClass::from_id(ec & 0xff00_0000 | 5).name(), "EC_4P2G5");
        assert_eq!(ObjectClass::from_id(7).name(), "UNKNOWN");
    }

    #[test]
    fn replicated_and_coded_classes_are_protected() {
        for (name, protected) in [("S1", false), ("SX", false), ("RP_2GX", true), ("RP_3G1", true), ("EC_16P1GX", true)]
        {
            assert_eq!(ObjectClass::from_name(name).unwrap().is_protected(), protected, "{name}");
        }
        assert!(!ObjectClass::INHERIT.is_protected());
    }
}
