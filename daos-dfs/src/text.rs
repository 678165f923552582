//! Texts as C takes them: NUL-terminated, or NULL for none.

use crate::error::{Error, Result};
use std::ffi::{CString, c_char};

/// A text for C.
pub(crate) fn c_string(text: &str, what: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Invalid(format!("{what} {text:?} holds a NUL byte")))
}

/// An optional text for C.
pub(crate) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}
