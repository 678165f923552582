//! Names of numbered files, built in place: no formatting and no allocation from one file to the next.

use std::ffi::CStr;

/// Longest number that a name ends in.
const DIGITS: usize = 20;
/// Longest prefix.
const PREFIX: usize = 64;

/// A row of names `<prefix><number>`; the number is changed in place.
#[derive(Debug, Clone)]
pub struct NumberedName {
    text: [u8; PREFIX + DIGITS + 1],
    prefix: usize,
    /// Length without NUL.
    len: usize,
    number: u64,
}

impl NumberedName {
    /// The name `<prefix>0`.
    ///
    /// # Panics
    /// If the prefix is longer than 64 bytes or holds a NUL: prefixes are made by the plan.
    pub fn new(prefix: &str) -> Self {
        assert!(prefix.len() <= PREFIX && !prefix.contains('\0'), "prefix {prefix:?} of numbered files");
        let mut name = NumberedName { text: [0; PREFIX + DIGITS + 1], prefix: prefix.len(), len: 0, number: 0 };
        name.text[..prefix.len()].copy_from_slice(prefix.as_bytes());
        name.write_number();
        name
    }

    /// The name that ends in `number`. Cheapest when `number` is the one after the last.
    #[inline]
    pub fn with(&mut self, number: u64) -> &CStr {
        if number == self.number.wrapping_add(1) && self.text[self.len - 1] < b'9' {
            self.text[self.len - 1] += 1;
            self.number = number;
        } else if number != self.number {
            self.number = number;
            self.write_number();
        }
        CStr::from_bytes_with_nul(&self.text[..=self.len]).expect("one NUL, at the end")
    }

    fn write_number(&mut self) {
        let mut digits = [0; DIGITS];
        let mut at = DIGITS;
        let mut rest = self.number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let count = DIGITS - at;
        self.text[self.prefix..self.prefix + count].copy_from_slice(&digits[at..]);
        self.len = self.prefix + count;
        self.text[self.len] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_what_format_makes(start in prop_oneof![0u64..200, any::<u64>()], jumps in prop::collection::vec(0u64..3, 1..40)) {
            let mut name = NumberedName::new("file.mdtest.12.");
            let mut number = start;
            for jump in jumps {
                prop_assert_eq!(name.with(number).to_str().unwrap(), format!("file.mdtest.12.{number}"));
                number = number.wrapping_add(jump);
            }
        }
    }
}
