//! File names with wildcards, as `find -name` knows them.

use crate::text;
use memchr::memmem;

/// A pattern of a name: `*` stands for any characters, `?` for one, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: Vec<u8>,
    /// Set for `*literal*`, the pattern of the rules: one search instead of matching.
    contained: Option<Vec<u8>>,
}

impl Glob {
    /// A pattern, which is bytes as names are. Brackets and backslashes, which `find` gives a meaning, are refused and not taken for themselves.
    ///
    /// # Errors
    /// In words, what the pattern holds that is not supported.
    pub fn new(pattern: impl AsRef<[u8]>) -> Result<Self, String> {
        let pattern = pattern.as_ref();
        if let Some(&special) = pattern.iter().find(|byte| b"[]\\".contains(byte)) {
            let (text, special) = (text::escape(pattern), char::from(special));
            return Err(format!("{text:?}: only * and ? are wildcards here, and {special:?} has no meaning"));
        }
        let literal = pattern.strip_prefix(b"*").and_then(|rest| rest.strip_suffix(b"*"));
        let contained = literal.filter(|literal| !literal.iter().any(|byte| b"*?".contains(byte))).map(<[u8]>::to_vec);
        Ok(Glob { pattern: pattern.to_vec(), contained })
    }

    /// The pattern `*mark*`.
    ///
    /// # Panics
    /// If the mark has wildcards of its own.
    pub fn containing(mark: &str) -> Self {
        assert!(!mark.contains(['*', '?', '[', ']', '\\']), "{mark:?} is not a plain mark");
        Glob { pattern: format!("*{mark}*").into_bytes(), contained: Some(mark.as_bytes().to_vec()) }
    }

    /// The pattern for servers that filter: none where it is not UTF-8, or has another wildcard than `*`, because characters are
    /// not the same to every store.
    pub fn for_servers(&self) -> Option<&str> {
        std::str::from_utf8(&self.pattern).ok().filter(|pattern| !pattern.contains('?'))
    }

    /// What searches for it, made once per walk.
    pub fn matcher(&self) -> Matcher<'_> {
        match &self.contained {
            Some(literal) => Matcher::Contains(Box::new(memmem::Finder::new(literal))),
            None => Matcher::Wild(&self.pattern),
        }
    }
}

/// A [`Glob`] made ready.
#[derive(Debug, Clone)]
pub enum Matcher<'a> {
    /// `*literal*`.
    Contains(Box<memmem::Finder<'a>>),
    /// Anything else.
    Wild(&'a [u8]),
}

impl Matcher<'_> {
    /// Whether a name matches.
    #[inline]
    pub fn matches(&self, name: &[u8]) -> bool {
        match self {
            Matcher::Contains(finder) => finder.find(name).is_some(),
            Matcher::Wild(pattern) => wild(pattern, name),
        }
    }
}

/// Matches greedily and goes back to the last star only, which is enough: an earlier star never needs more than it has.
fn wild(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n += character(&name[n..]);
            }
            Some(&byte) if byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                None => return false,
                Some((after, from)) => {
                    let from = from + character(&name[from..]);
                    star = Some((after, from));
                    (p, n) = (after, from);
                }
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Bytes of the first character, one if it is not UTF-8.
fn character(name: &[u8]) -> usize {
    1 + name[1..].iter().take_while(|&&byte| byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).unwrap().matcher().matches(name.as_bytes())
    }

    #[test]
    fn wildcards_are_those_of_find() {
        let cases = [
            ("*01*", "file.mdtest.0.101", true),
            ("*01*", "file.mdtest.0.110", false),
            ("*01*", "01", true),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("?", "é", true),
            ("??", "é", false),
            ("a*b?c", "aXbXbYc", true),
            ("a*b?c", "aXbXbYcd", false),
            ("*.csv", "find.csv", true),
            ("*.csv", "find.csv~", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(Glob::containing("01"), Glob::new("*01*").unwrap());
        assert!(Glob::new("[ab]").is_err() && Glob::new("a\\*").is_err());
        let latin = Glob::new(b"caf\xe9*").unwrap();
        assert!(latin.matcher().matches(b"caf\xe9s") && !latin.matcher().matches(b"caf\xe8s"));
        assert_eq!((latin.for_servers(), Glob::new("a*").unwrap().for_servers()), (None, Some("a*")));
    }

    /// The definition, without cleverness.
    fn defined(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|at| defined(rest, &name[at..])),
            Some(('?', rest)) => !name.is_empty() && defined(rest, &name[1..]),
            Some((c, rest)) => name.first() == Some(c) && defined(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[abé*?]{0,8}", name in "[abé]{0,12}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), defined(&chars(&pattern), &chars(&name)));
        }
    }
}
