//! Bytes of the system as text and back: paths, host names and arguments need not be UTF-8.
//!
//! A path, a host name, an argument or a line of a configuration file is bytes. Here they are a `String`, so that they can be
//! shown, compared and written to JSON: a byte that is not part of UTF-8 is `\xNN` with two lower-case hexadecimal digits. A backslash
//! that would be mistaken for the beginning of such an escape is itself `\x5c`; all other text is as it is. [`escape`] makes this form
//! where bytes come in ([`crate::config::ConfigBuilder`], listings, the environment), and [`bytes`], [`os`] and [`path`] take it back
//! where they go out (system calls, libdfs, the files of the C suite).

use std::borrow::Cow;
use std::ffi::{CString, NulError, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

/// Characters of an escape.
const LENGTH: usize = 4;

/// Any bytes as text; [`bytes`] is the inverse.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = find_escape(rest) {
            text.push_str(&rest[..at]);
            text.push_str("\\x5c");
            rest = &rest[at + 1..];
        }
        text.push_str(rest);
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// A path, an argument or a variable as text; [`os`] and [`path`] are the inverse.
pub fn of(bytes: impl AsRef<OsStr>) -> String {
    escape(bytes.as_ref().as_bytes())
}

/// The bytes that the text stands for.
pub fn bytes(text: &str) -> Cow<'_, [u8]> {
    let mut rest = text;
    let Some(mut at) = find_escape(rest) else { return Cow::Borrowed(text.as_bytes()) };
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(&rest[at + 2..at + LENGTH], 16).expect("two digits were found"));
        rest = &rest[at + LENGTH..];
        match find_escape(rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(bytes)
}

/// The argument that the text stands for.
pub fn os(text: &str) -> OsString {
    OsString::from_vec(bytes(text).into_owned())
}

/// The path that the text stands for.
pub fn path(text: &str) -> PathBuf {
    os(text).into()
}

/// The text as C takes it.
///
/// # Errors
/// When it holds a NUL.
pub fn c_string(text: &str) -> Result<CString, NulError> {
    CString::new(bytes(text))
}

/// Characters, an escape as one: what an editor shows that reads the bytes as Latin-1.
pub fn width(text: &str) -> usize {
    let mut width = text.chars().count();
    let mut rest = text;
    while let Some(at) = find_escape(rest) {
        width -= LENGTH - 1;
        rest = &rest[at + LENGTH..];
    }
    width
}

/// Where the first escape begins.
fn find_escape(text: &str) -> Option<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let is_escape = |window: &[u8]| window.starts_with(b"\\x") && window[2..].iter().all(is_digit);
    text.as_bytes().windows(LENGTH).position(is_escape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_utf8_is_readable_and_comes_back() {
        for (raw, text) in [
            (&b"/tmp/caf\xe9"[..], "/tmp/caf\\xe9"),
            ("/tmp/café".as_bytes(), "/tmp/café"),
            (b"a\\b\\x\\xg1", "a\\b\\x\\xg1"),
            (b"\\xe9", "\\x5cxe9"),
            (b"\\\xe9\xff", "\\\\xe9\\xff"),
            (b"\\x5c", "\\x5cx5c"),
            (b"\\xE9", "\\xE9"),
        ] {
            assert_eq!(escape(raw), text);
            assert_eq!(&*bytes(text), raw, "{text}");
            assert_eq!(of(os(text)), text);
        }
        assert_eq!(path("/tmp/caf\\xe9").as_os_str().as_bytes(), b"/tmp/caf\xe9");
        assert_eq!((width("caf\\xe9s"), width("cafés")), (5, 5));
        assert!(c_string("a\0b").is_err());
    }

    proptest! {
        #[test]
        fn every_name_comes_back(raw in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'5'), Just(b'c')], 0..40)) {
            let text = escape(&raw);
            prop_assert_eq!(&*bytes(&text), &raw[..]);
        }
    }
}
